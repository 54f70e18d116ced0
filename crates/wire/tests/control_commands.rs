//! Commands from the wire: what each becomes, and what is quarantined, malformed or refused.

use domain::break_code::BreakCode;
use domain::clearing::{ControlTotals, Finding, LongOutcome, Match, MatchKey, Order, Resolution};
use domain::command::Command;
use domain::cycle::CycleId;
use domain::directive::{Action, Completion};
use domain::ids::{Id, Name, Network, Sequence};
use domain::money::{Amount, CNY};
use domain::payment::{Correction, Side, Terms};
use domain::rejection::{Quarantine, RejectionCode};
use domain::report::{Evidence, Kind};
use domain::rulebook::Rulebook;
use domain::time::{Date, Timestamp};
use prost::Message;
use wire::common::v1::{Amount as SentAmount, BillRow, BillTotals, CycleRef};
use wire::control::v1::control_command::Command as Content;
use wire::control::v1::{self, ControlCommand};
use wire::control::{Asked, Refusal, Undecodable, compose, decode};
use wire::event;

fn rules() -> Rulebook {
    rulebook::parse(rulebook::DEFAULT).expect("the default rulebook is valid")
}

fn network(name: &str) -> Network {
    rules().network(name).expect("in the default rulebook")
}

fn id(byte: u8) -> Id {
    Id::from_bytes(&[byte; 16]).expect("16 bytes")
}

fn bytes(byte: u8) -> Vec<u8> {
    vec![byte; 16]
}

fn fen(minor_units: i64) -> Option<SentAmount> {
    Some(SentAmount { currency_code: "CNY".to_owned(), minor_units })
}

fn amount(minor: i64) -> Amount {
    Amount::new(minor, CNY).expect("not negative")
}

fn cycle(number: u64) -> Option<CycleRef> {
    Some(CycleRef { currency_code: "CNY".to_owned(), number })
}

fn row() -> Option<BillRow> {
    Some(BillRow { file_digest: vec![7; 32], row_number: 3 })
}

const ROW: Evidence = Evidence::BillRow { file_digest: [7; 32], row: 3 };

fn sent(content: Content) -> ControlCommand {
    ControlCommand {
        command_id: bytes(1),
        principal: "ops".to_owned(),
        idempotency_key: "key".to_owned(),
        issued_at_micros: 5,
        command: Some(content),
    }
}

fn asked(content: Content) -> Result<Asked, Refusal> {
    let record = sent(content).encode_to_vec();
    decode(&record).expect("the envelope is complete").asked(&rules())
}

#[track_caller]
fn becomes(content: Content, expected: impl Into<Asked>) {
    assert_eq!(asked(content), Ok(expected.into()));
}

/// The command that a booking of the bank under reference B1 is reported by.
#[track_caller]
fn books(content: Content, command: Command) {
    let bank_reference = Some("B1".to_owned());
    assert_eq!(asked(content), Ok(Asked { bank_reference, ..command.into() }));
}

#[track_caller]
fn order(content: Content) -> Order {
    match asked(content) {
        Ok(Asked { action: Action::Order(order), bank_reference: None }) => order,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn malformed(content: Content, field: &'static str, why: Quarantine) {
    assert_eq!(asked(content), Err(Refusal::Malformed { field, why }));
}

#[test]
fn an_incomplete_envelope_or_no_command_is_undecodable() {
    let cut_over = Content::CutOver(v1::CutOver::default());
    let complete = sent(cut_over);
    assert!(decode(&complete.encode_to_vec()).is_ok());
    for (record, code, said) in [
        (ControlCommand { command_id: vec![], ..complete.clone() }, Quarantine::MissingField, "command_id is missing"),
        (
            ControlCommand { command_id: vec![1; 15], ..complete.clone() },
            Quarantine::InvalidField,
            "command_id is not what its contract allows",
        ),
        (
            ControlCommand { principal: String::new(), ..complete.clone() },
            Quarantine::MissingField,
            "principal is missing",
        ),
        (
            ControlCommand { principal: "人".repeat(101), ..complete.clone() },
            Quarantine::InvalidField,
            "principal is not what its contract allows",
        ),
        (
            ControlCommand { idempotency_key: "k".repeat(65), ..complete.clone() },
            Quarantine::InvalidField,
            "idempotency_key is not what its contract allows",
        ),
        (ControlCommand { command: None, ..complete.clone() }, Quarantine::MissingField, "command is missing"),
    ] {
        let error = decode(&record.encode_to_vec()).expect_err(said);
        assert_eq!((error.quarantine(), error.to_string().as_str()), (code, said));
    }
    assert!(decode(&ControlCommand { principal: "人".repeat(100), ..complete }.encode_to_vec()).is_ok());
}

#[test]
fn bytes_that_are_no_command_are_undecodable() {
    let error = decode(&[0xff]).expect_err("half a tag");
    assert!(matches!(error, Undecodable::NotACommand(_)));
    assert_eq!(error.quarantine(), Quarantine::Undecodable);
    let error = decode(&vec![0; (1 << 20) + 1]).expect_err("too long");
    assert_eq!((error.quarantine(), error), (Quarantine::RecordTooLong, Undecodable::TooLong((1 << 20) + 1)));
    // A command that this program does not know is a field that it does not know.
    let mut of_later_version = sent(Content::CutOver(v1::CutOver::default()));
    of_later_version.command = None;
    let record = [of_later_version.encode_to_vec(), vec![0x82, 0x06, 0x00]].concat();
    assert_eq!(decode(&record).map_err(|error| error.quarantine()), Err(Quarantine::MissingField));
}

#[test]
fn the_envelope_says_who_and_under_which_names() {
    let record = decode(&sent(Content::CutOver(v1::CutOver::default())).encode_to_vec()).expect("complete");
    let envelope = &record.envelope;
    assert_eq!((envelope.command_id, envelope.issued_at), (id(1), Timestamp::from_micros(5)));
    assert_eq!((envelope.principal.as_str(), envelope.idempotency_key.as_str()), ("ops", "key"));
    assert_eq!(record.content(), &Content::CutOver(v1::CutOver::default()));
}

#[test]
fn a_network_that_the_rulebook_does_not_have_is_refused_and_no_network_is_malformed() {
    let of =
        |name: &str| v1::ConfirmPrefund { network: name.to_owned(), amount: fen(1), bank_reference: "B1".to_owned() };
    let refused = asked(Content::ConfirmPrefund(of("netsunion")));
    assert_eq!(refused, Err(Refusal::Rejected(RejectionCode::UnknownNetwork)));
    malformed(Content::ConfirmPrefund(of("")), "confirm_prefund.network", Quarantine::MissingField);
}

#[test]
fn amounts_are_more_than_zero_in_a_currency_of_the_rulebook() {
    let of = |amount| Content::SweepFees(v1::SweepFees { amount, bank_reference: "B1".to_owned() });
    let in_dollars = SentAmount { currency_code: "USD".to_owned(), minor_units: 1 };
    malformed(of(None), "sweep_fees.amount", Quarantine::MissingField);
    malformed(of(fen(0)), "sweep_fees.amount", Quarantine::AmountNotPositive);
    malformed(of(fen(-1)), "sweep_fees.amount", Quarantine::AmountNotPositive);
    malformed(of(Some(in_dollars)), "sweep_fees.amount", Quarantine::UnknownCurrency);
    books(of(fen(9)), Command::SweepFees(amount(9)));
}

#[test]
fn cycles_and_money_at_the_bank_become_commands_of_the_domain() {
    let unionpay = network("unionpay");
    let seven = CycleId { currency: CNY, number: 7 };
    let paid = (network("tenpay"), amount(100));
    books(
        Content::ConfirmPrefund(v1::ConfirmPrefund {
            network: "tenpay".to_owned(),
            amount: fen(100),
            bank_reference: "B1".to_owned(),
        }),
        Command::ConfirmPrefund { network: paid.0, amount: paid.1 },
    );
    books(
        Content::ConfirmWithdrawal(v1::ConfirmWithdrawal {
            network: "tenpay".to_owned(),
            amount: fen(100),
            bank_reference: "B1".to_owned(),
        }),
        Command::ConfirmWithdrawal { network: paid.0, amount: paid.1 },
    );
    becomes(
        Content::CutOver(v1::CutOver { cycle: cycle(7), reporting_network: "unionpay".to_owned() }),
        Command::CutOver { network: unionpay, cycle: seven },
    );
    becomes(Content::ProposeSettlement(v1::ProposeSettlement { cycle: cycle(7) }), Order::Propose(seven));
    becomes(
        Content::ApproveSettlement(v1::ApproveSettlement { cycle: cycle(7), digest: vec![4; 32] }),
        Order::Approve { cycle: seven, digest: [4; 32] },
    );
    becomes(Content::StartSettlement(v1::StartSettlement { cycle: cycle(7) }), Order::Start(seven));
    let unseen = v1::ApproveSettlement { cycle: cycle(7), digest: vec![4; 31] };
    malformed(Content::ApproveSettlement(unseen), "approve_settlement.digest", Quarantine::InvalidField);
    let never = v1::StartSettlement { cycle: cycle(1 << 32) };
    malformed(Content::StartSettlement(never), "start_settlement.cycle", Quarantine::InvalidField);
}

#[test]
fn what_became_of_an_instruction_keeps_the_banks_words() {
    let confirmed = v1::ConfirmInstruction {
        cycle: cycle(7),
        instruction_id: "CNY-7-1".to_owned(),
        bank_reference: "B1".to_owned(),
    };
    let seven = CycleId { currency: CNY, number: 7 };
    let expected = Order::Confirm { cycle: seven, instruction: "CNY-7-1".to_owned(), reference: "B1".to_owned() };
    becomes(Content::ConfirmInstruction(confirmed), expected);

    let rejected = v1::RejectInstruction {
        cycle: cycle(7),
        instruction_id: "CNY-7-1".to_owned(),
        bank_reference: String::new(),
        reason: "AM04 short".to_owned(),
    };
    let expected = Order::Reject {
        cycle: seven,
        instruction: "CNY-7-1".to_owned(),
        reference: None,
        reason: "AM04 short".to_owned(),
    };
    becomes(Content::RejectInstruction(rejected.clone()), expected);
    let silent = v1::RejectInstruction { reason: String::new(), ..rejected };
    malformed(Content::RejectInstruction(silent), "reject_instruction.reason", Quarantine::MissingField);
}

#[test]
fn a_bill_row_completes_a_movement_as_the_silent_networks_own_report_would() {
    let captured = v1::CompleteFromEvidence {
        payment_id: bytes(2),
        movement_id: Vec::new(),
        kind: event::v1::Kind::Captured.into(),
        side: event::v1::Side::Payee.into(),
        amount: fen(500),
        bill_row: row(),
        break_id: Vec::new(),
    };
    let Ok(Asked { action: Action::Complete(complete), .. }) = asked(Content::CompleteFromEvidence(captured.clone()))
    else {
        panic!("a complete command");
    };
    let terms = Terms {
        payer: network("unionpay"),
        payee: network("tenpay"),
        currency: CNY,
        channel: Name::NONE,
        payer_institution: Name::NONE,
        payee_institution: Name::NONE,
        rulebook: 1,
        corridor: 0,
    };
    let at = Timestamp::from_micros(9);
    let report = complete.report(&terms, at, &rules());
    assert_eq!((report.event, report.payment, report.network), (id(1), id(2), terms.payee));
    assert_eq!((report.kind, report.side, report.evidence), (Kind::Captured, Side::Payee, ROW));
    assert_eq!((report.minor, report.currency, report.occurred_at), (500, CNY, at));
    let of_payer = Completion { side: Side::Payer, ..complete };
    assert_eq!(of_payer.report(&terms, at, &rules()).network, terms.payer);

    let with = |change: fn(&mut v1::CompleteFromEvidence)| {
        let mut changed = captured.clone();
        change(&mut changed);
        Content::CompleteFromEvidence(changed)
    };
    let refund_of_nothing = with(|sent| sent.kind = event::v1::Kind::Refunded.into());
    malformed(refund_of_nothing, "complete_from_evidence.movement_id", Quarantine::MissingField);
    let capture_of_refund = with(|sent| sent.movement_id = bytes(3));
    malformed(capture_of_refund, "complete_from_evidence.movement_id", Quarantine::InvalidField);
    let disputed = with(|sent| sent.kind = event::v1::Kind::Disputed.into());
    malformed(disputed, "complete_from_evidence.kind", Quarantine::InvalidField);
    let both = with(|sent| sent.side = event::v1::Side::Both.into());
    malformed(both, "complete_from_evidence.side", Quarantine::InvalidField);
    malformed(with(|sent| sent.bill_row = None), "complete_from_evidence.bill_row", Quarantine::MissingField);
}

#[test]
fn suspense_goes_to_a_payee_that_may_be_named_or_back() {
    let (unionpay, tenpay) = (network("unionpay"), network("tenpay"));
    let held = v1::HoldLong {
        break_id: bytes(5),
        payer_network: "unionpay".to_owned(),
        payee_network: String::new(),
        amount: fen(30),
        bill_row: row(),
    };
    let row = domain::clearing::BillRow { file: [7; 32], line: 3 };
    becomes(Content::HoldLong(held), Order::HoldLong { id: id(5), row, from: unionpay, to: None, amount: amount(30) });
    for (sent, payee, outcome) in [
        (v1::LongOutcome::CreditPayee, "tenpay", LongOutcome::CreditPayee(Some(tenpay))),
        (v1::LongOutcome::CreditPayee, "", LongOutcome::CreditPayee(None)),
        (v1::LongOutcome::ReturnToPayer, "", LongOutcome::ReturnToPayer),
    ] {
        let resolve = v1::ResolveLong {
            break_id: bytes(5),
            outcome: sent.into(),
            payee_network: payee.to_owned(),
            amount: fen(30),
            note: "T-1".to_owned(),
        };
        let (id, amount, note) = (id(5), amount(30), "T-1".to_owned());
        becomes(Content::ResolveLong(resolve), Order::ResolveLong { id, outcome, amount, note });
    }
}

#[test]
fn the_side_that_vouches_is_the_other_one_of_the_unproven() {
    for (vouching, unproven) in [(event::v1::Side::Payer, Side::Payee), (event::v1::Side::Payee, Side::Payer)] {
        let sent = v1::ReturnToTransit {
            break_id: bytes(5),
            payment_id: bytes(2),
            movement_id: bytes(3),
            vouching_side: vouching.into(),
            amount: fen(30),
        };
        let correction = Correction::ReturnToTransit { movement: Some(id(3)), unproven, minor: 30 };
        becomes(
            Content::ReturnToTransit(sent),
            Action::Correct { answers: id(5), payment: id(2), correction, currency: CNY },
        );
    }
}

#[test]
fn an_advance_goes_to_the_payers_network_and_fees_are_adjusted_both_ways() {
    let (to, against) = (network("unionpay"), network("alipay"));
    let advance = v1::AdvanceShort {
        break_id: bytes(5),
        payer_network: "unionpay".to_owned(),
        payee_network: "alipay".to_owned(),
        amount: fen(30),
    };
    becomes(Content::AdvanceShort(advance), Order::AdvanceShort { id: id(5), to, against, amount: amount(30) });
    let recover = v1::RecoverShort { break_id: bytes(5), amount: fen(30), note: "T-1".to_owned() };
    let expected = Order::RecoverShort { id: id(5), amount: amount(30), note: "T-1".to_owned() };
    becomes(Content::RecoverShort(recover), expected);
    let write_off = v1::WriteOffShort { break_id: bytes(5), amount: fen(30), note: String::new() };
    malformed(Content::WriteOffShort(write_off), "write_off_short.note", Quarantine::MissingField);

    for (adjustment, minor) in [(v1::FeeAdjustment::Charge, 1), (v1::FeeAdjustment::Credit, -1)] {
        let sent = v1::AdjustFee {
            payment_id: bytes(2),
            movement_id: Vec::new(),
            network: "alipay".to_owned(),
            amount: fen(1),
            adjustment: adjustment.into(),
        };
        let command = Command::AdjustFee { network: against, currency: CNY, minor };
        becomes(Content::AdjustFee(sent), Action::FeeOf(id(2), command));
    }
}

#[test]
fn files_matches_and_breaks_are_read_with_their_facts() {
    let totals = BillTotals { currency_code: "CNY".to_owned(), row_count: 2, ..BillTotals::default() };
    let file = v1::RecordBillFile {
        network: "tenpay".to_owned(),
        business_date: 20_251_111,
        digest: vec![7; 32],
        file_name: "bill.csv".to_owned(),
        layout: "tenpay_all".to_owned(),
        totals: Some(totals.clone()),
        control_totals: wire::common::v1::ControlTotals::Matched.into(),
        invalid_row_count: 1,
    };
    let Order::RecordFile(read) = order(Content::RecordBillFile(file.clone())) else { panic!("another order") };
    assert_eq!((read.network, read.totals.rows, read.invalid_rows), (network("tenpay"), 2, 1));
    let negative = v1::RecordBillFile { totals: Some(BillTotals { payments_minor: -1, ..totals }), ..file };
    malformed(Content::RecordBillFile(negative), "record_bill_file.totals", Quarantine::InvalidField);

    let matched = v1::Match {
        row_number: 3,
        leg_sequence: 9,
        matched_by: v1::MatchKey::MerchantOrder.into(),
        resolves_break_id: bytes(5),
    };
    let of = |count: usize| v1::RecordMatches { file_digest: vec![7; 32], matches: vec![matched.clone(); count] };
    let Order::RecordMatches { matches, .. } = order(Content::RecordMatches(of(10_000))) else {
        panic!("another order")
    };
    assert_eq!((matches.len(), matches[0].leg, matches[0].resolves), (10_000, Sequence(9), Some(id(5))));
    malformed(Content::RecordMatches(of(10_001)), "record_matches.matches", Quarantine::InvalidField);
    malformed(Content::RecordMatches(of(0)), "record_matches.matches", Quarantine::MissingField);

    let finding = v1::BreakFinding {
        break_id: bytes(5),
        code: wire::common::v1::BreakCode::AmountOver.into(),
        network: "tenpay".to_owned(),
        business_date: 20_251_111,
        currency_code: "CNY".to_owned(),
        file_minor: Some(-3),
        ..v1::BreakFinding::default()
    };
    let of = |finding: v1::BreakFinding| Content::RecordBreaks(v1::RecordBreaks { findings: vec![finding] });
    let Order::RecordBreaks(findings) = order(of(finding.clone())) else { panic!("another order") };
    assert_eq!((findings[0].code, findings[0].file_minor, findings[0].kind), (BreakCode::AmountOver, Some(-3), None));
    let unknown_kind = v1::BreakFinding { kind: 99, ..finding.clone() };
    malformed(of(unknown_kind), "record_breaks.findings.kind", Quarantine::InvalidField);
    let half_a_row = v1::BreakFinding { bill_row: Some(BillRow::default()), ..finding };
    malformed(of(half_a_row), "record_breaks.findings.bill_row", Quarantine::InvalidField);
}

#[test]
fn a_person_cannot_end_a_break_in_the_ledgers_name() {
    use v1::BreakResolution as Sent;
    let of = |resolution: Sent| {
        let sent = v1::ResolveBreak { break_id: bytes(5), resolution: resolution.into(), note: "T-1".to_owned() };
        asked(Content::ResolveBreak(sent))
    };
    for (sent, resolution) in [
        (Sent::MatchedLater, Resolution::MatchedLater),
        (Sent::UndoneByNetwork, Resolution::UndoneByNetwork),
        (Sent::FileCorrected, Resolution::FileCorrected),
        (Sent::Accepted, Resolution::Accepted),
    ] {
        let note = "T-1".to_owned();
        assert_eq!(of(sent), Ok(Order::ResolveBreak { id: id(5), resolution, note }.into()));
    }
    for sent in [Sent::Booked, Sent::Withdrawn, Sent::Replaced] {
        let why = Quarantine::InvalidField;
        assert_eq!(of(sent), Err(Refusal::Malformed { field: "resolve_break.resolution", why }));
    }
}

#[test]
fn a_rulebook_stays_bytes_and_is_not_read() {
    let of = |toml: Vec<u8>| Content::LoadRulebook(v1::LoadRulebook { toml });
    becomes(of(vec![0xff]), Action::LoadRulebook(vec![0xff]));
    malformed(of(Vec::new()), "load_rulebook.toml", Quarantine::MissingField);
    malformed(of(vec![0; (512 << 10) + 1]), "load_rulebook.toml", Quarantine::InvalidField);
}

#[test]
fn what_only_the_ledger_may_know_is_refused() {
    let release = v1::ReleaseQuarantined { sequence: 4, reason: "T-1".to_owned() };
    becomes(Content::ReleaseQuarantined(release.clone()), Action::Unsupported);
    let of_nothing = v1::ReleaseQuarantined { sequence: 0, ..release };
    malformed(Content::ReleaseQuarantined(of_nothing), "release_quarantined.sequence", Quarantine::MissingField);

    let anew = v1::RecordSourceIncarnation { topic: "payments.tenpay".to_owned(), topic_id: bytes(8) };
    let refused = Refusal::Rejected(RejectionCode::IncarnationRefused);
    assert_eq!(asked(Content::RecordSourceIncarnation(anew)), Err(refused));
}

/// One order of every kind, each with all that it can say.
fn orders() -> Vec<Order> {
    let (cycle, currency) = (CycleId { currency: CNY, number: 7 }, CNY);
    let (note, instruction) = ("T-1".to_owned(), "CNY-7-00-1-1".to_owned());
    let row = domain::clearing::BillRow { file: [7; 32], line: 3 };
    let date = Date::from_ymd(2025, 11, 11).expect("a date");
    let totals = domain::clearing::BillTotals {
        currency,
        rows: 3,
        payments: 2,
        payments_minor: 9,
        refunds: 1,
        refunds_minor: 4,
        fees_minor: -1,
    };
    let file = domain::clearing::BillFile {
        network: network("tenpay"),
        business_date: date,
        digest: [7; 32],
        file_name: "账单.csv".to_owned(),
        layout: "tenpay_all".to_owned(),
        totals,
        control_totals: ControlTotals::Absent,
        invalid_rows: 2,
    };
    let found = Match { line: 3, leg: Sequence(9), by: MatchKey::MerchantOrder, resolves: Some(id(6)) };
    let finding = Finding {
        id: id(5),
        code: BreakCode::AmountOver,
        network: network("tenpay"),
        business_date: date,
        row: Some(row),
        payment: Some(id(2)),
        movement: Some(id(3)),
        kind: Some(Kind::Refunded),
        side: Some(Side::Payee),
        network_reference: "42000".to_owned(),
        refund_reference: "50300".to_owned(),
        currency,
        ledger_minor: Some(-1),
        file_minor: Some(0),
        note: note.clone(),
        replaces: Some(id(8)),
    };
    let bare = Finding { row: None, payment: None, kind: None, side: None, ledger_minor: None, ..finding.clone() };
    let (from, to, against) = (network("unionpay"), Some(network("alipay")), network("tenpay"));
    let (break_id, amount) = (id(5), amount(30));
    let resolve = |outcome| Order::ResolveLong { id: break_id, outcome, amount, note: note.clone() };
    vec![
        Order::Propose(cycle),
        Order::Approve { cycle, digest: [4; 32] },
        Order::Start(cycle),
        Order::Confirm { cycle, instruction: instruction.clone(), reference: "B1".to_owned() },
        Order::Reject { cycle, instruction: instruction.clone(), reference: None, reason: "AM04".to_owned() },
        Order::Reject { cycle, instruction, reference: Some("B2".to_owned()), reason: "AM04".to_owned() },
        Order::RecordFile(file),
        Order::RecordMatches { file: [7; 32], matches: vec![found] },
        Order::RecordBreaks(vec![finding, bare]),
        Order::ResolveBreak { id: break_id, resolution: Resolution::Accepted, note: note.clone() },
        Order::HoldLong { id: break_id, row, from, to, amount },
        Order::HoldLong { id: break_id, row, from, to: None, amount },
        resolve(LongOutcome::CreditPayee(to)),
        resolve(LongOutcome::CreditPayee(None)),
        resolve(LongOutcome::ReturnToPayer),
        Order::AdvanceShort { id: break_id, to: from, against, amount },
        Order::RecoverShort { id: break_id, amount, note: note.clone() },
        Order::WriteOffShort { id: break_id, amount, note },
    ]
}

#[test]
fn an_order_that_is_written_is_read_back() {
    for order in orders() {
        becomes(compose::order(&order, &rules()), order);
    }
    let row = domain::clearing::BillRow { file: [7; 32], line: 3 };
    let completion = Completion {
        command: id(1),
        payment: id(2),
        movement: Some(id(3)),
        kind: Kind::Refunded,
        side: Side::Payee,
        amount: amount(30),
        row,
        ends: Some(id(5)),
    };
    becomes(compose::complete(&completion), Action::Complete(completion));
    let correction = Correction::ReturnToTransit { movement: Some(id(3)), unproven: Side::Payer, minor: 30 };
    let written = compose::return_to_transit(id(5), id(2), correction, amount(30)).expect("that kind");
    becomes(written, Action::Correct { answers: id(5), payment: id(2), correction, currency: CNY });
    let (key, value) = compose::record(id(1), "ops", "key", compose::order(&orders()[0], &rules()));
    let record = decode(&value).expect("complete");
    assert_eq!((key, record.envelope.command_id), (bytes(1), id(1)));
}

#[test]
fn a_refusal_is_read_by_a_person() {
    let malformed = Refusal::Malformed { field: "cut_over.cycle", why: Quarantine::MissingField };
    assert_eq!(malformed.to_string(), "cut_over.cycle is missing");
    assert_eq!(Refusal::Rejected(RejectionCode::UnknownNetwork).to_string(), "refused with UNKNOWN_NETWORK");
}
