//! Settlement and breaks through a real ledger: every step is given to a ledger that was just opened, runs end in between,
//! and the verifier derives it all again.

use std::path::Path;

use audit::{Day, verify};
use domain::break_code::BreakCode;
use domain::clearing::{
    BillFile, BillRow, BillTotals, ControlTotals, Finding, InstructionState, LongOutcome, Match, MatchKey, Order,
};
use domain::cycle::{CycleId, CycleState};
use domain::directive::Completion;
use domain::ids::{Id, Party, Sequence};
use domain::money::{Amount, CNY};
use domain::netting::net;
use domain::payment::{Correction, Side};
use domain::rejection::RejectionCode;
use domain::report::Kind;
use domain::state::View;
use domain::time::Date;
use engine::{Feed, codec, ledger, small, store};
use store::Store;
use store::entry::AnswerCode;
use wire::control::compose;
use wire::control::v1::{CutOver, control_command::Command as Content};

const EVENTS: u64 = 12_000;
const FIRST: CycleId = CycleId { currency: CNY, number: 1 };

/// Everything ever put onto the control topic behind the prefunds.
#[derive(Default)]
struct Clerk {
    records: Vec<Vec<u8>>,
}

impl Clerk {
    /// Gives orders to a ledger that is opened for them, and tells what the last one was answered.
    fn give(&mut self, directory: &Path, principal: &str, orders: &[Order]) -> AnswerCode {
        let rules = rulebook::parse(rulebook::DEFAULT).expect("the default");
        self.say(directory, principal, orders.iter().map(|order| compose::order(order, &rules)))
    }

    fn say(&mut self, directory: &Path, principal: &str, contents: impl IntoIterator<Item = Content>) -> AnswerCode {
        for content in contents {
            let number = self.records.len();
            let id = Id(u128::try_from(number).expect("small"));
            self.records.push(compose::record(id, principal, &format!("key {number}"), content).1);
        }
        self.run(directory, EVENTS)
    }

    fn run(&self, directory: &Path, events: u64) -> AnswerCode {
        let ledger = ledger(store(directory), small(500, 3_000));
        let feed = Feed::new(events, 11, ledger.positions()).with_commands(self.records.clone());
        let handle = ledger.handle();
        ledger.start(Box::new(feed)).expect("threads").wait().expect("an undisturbed run");
        let last = handle.entries(handle.snapshot().sequence, 1).expect("readable");
        last.first().map(|logged| logged.answer).expect("an entry")
    }

    fn cut_over(&mut self, directory: &Path) {
        let cycle = Some(wire::common::v1::CycleRef::from(FIRST));
        let cut_over = CutOver { cycle, reporting_network: "unionpay".to_owned() };
        self.records.push(compose::record(Id(u128::MAX), "unionpay", "cut", Content::CutOver(cut_over)).1);
        assert_eq!(self.run(directory, EVENTS), AnswerCode::ACCEPTED);
    }
}

fn state(directory: &Path) -> domain::state::State {
    ledger(store(directory), small(500, 3_000)).handle().snapshot().state.clone()
}

fn check_verified(directory: &Path) -> Day {
    let verified = verify(store(directory).as_ref(), &codec(), |_| {}).expect("readable");
    assert_eq!((verified.finding, verified.head), (None, store(directory).tip().head));
    verified.day
}

fn file() -> BillFile {
    let network = rulebook::parse(rulebook::DEFAULT).expect("the default").network("tenpay").expect("it has one");
    let currency = CNY;
    BillFile {
        network,
        business_date: Date::from_ymd(2025, 11, 11).expect("a date"),
        digest: [7; 32],
        file_name: "bill.csv".to_owned(),
        layout: "tenpay_all".to_owned(),
        totals: BillTotals {
            currency,
            rows: 2,
            payments: 2,
            payments_minor: 3,
            refunds: 0,
            refunds_minor: 0,
            fees_minor: 0,
        },
        control_totals: ControlTotals::Matched,
        invalid_rows: 0,
    }
}

fn finding() -> Finding {
    let BillFile { network, business_date, .. } = file();
    Finding {
        id: Id(5),
        code: BreakCode::AmountOver,
        network,
        business_date,
        row: Some(BillRow { file: [7; 32], line: 3 }),
        payment: None,
        movement: None,
        kind: None,
        side: None,
        network_reference: "42000".to_owned(),
        refund_reference: String::new(),
        currency: CNY,
        ledger_minor: Some(100),
        file_minor: Some(130),
        note: String::new(),
        replaces: None,
    }
}

#[test]
fn a_cycle_is_settled_step_by_step_over_restarts_and_the_verifier_agrees() {
    let directory = tempfile::tempdir().expect("a directory");
    let directory = directory.path();
    let mut clerk = Clerk::default();
    clerk.run(directory, EVENTS);
    clerk.cut_over(directory);

    let row = BillRow { file: [7; 32], line: 3 };
    let matches = vec![Match { line: 2, leg: Sequence(9), by: MatchKey::NetworkReference, resolves: None }];
    let found = [Order::RecordFile(file()), Order::RecordMatches { file: [7; 32], matches }];
    assert_eq!(clerk.give(directory, "worker", &found), AnswerCode::ACCEPTED);
    assert_eq!(clerk.give(directory, "worker", &[Order::RecordBreaks(vec![finding()])]), AnswerCode::ACCEPTED);
    assert_eq!(clerk.give(directory, "anna", &[Order::Propose(FIRST)]), RejectionCode::BreaksOpen.into());
    let amount = Amount::new(30, CNY).expect("not negative");
    let rules = rulebook::parse(rulebook::DEFAULT).expect("the default");
    let [from, to] = ["unionpay", "tenpay"].map(|name| rules.network(name));
    let hold = Order::HoldLong { id: Id(5), row, from: from.expect("known"), to, amount };
    assert_eq!(clerk.give(directory, "worker", &[hold]), AnswerCode::ACCEPTED);
    assert_eq!(clerk.give(directory, "anna", &[Order::Propose(FIRST)]), AnswerCode::ACCEPTED);

    let proposed = state(directory).register().settlement(FIRST).expect("proposed").clone();
    let netting = net(&state(directory).cycle(FIRST).expect("closed").flows);
    assert_eq!(proposed.lines.iter().map(|(_, minor)| minor).sum::<i128>(), 0);
    assert!(proposed.lines.iter().all(|(party, minor)| netting.of(*party) == *minor));
    let approve = Order::Approve { cycle: FIRST, digest: proposed.digest };
    assert_eq!(clerk.give(directory, "bo", &[approve, Order::Start(FIRST)]), AnswerCode::ACCEPTED);
    for index in 0..proposed.instructions.len() {
        assert_eq!(state(directory).cycle(FIRST).expect("closed").state, CycleState::Settling);
        let (instruction, reference) = (proposed.instruction_id(index, 1), format!("bank {index}"));
        let confirm = Order::Confirm { cycle: FIRST, instruction, reference };
        assert_eq!(clerk.give(directory, "bank", std::slice::from_ref(&confirm)), AnswerCode::ACCEPTED);
        assert_eq!(clerk.give(directory, "bank", &[confirm]), AnswerCode::ACCEPTED, "said again under another key");
    }
    let settled = state(directory);
    assert_eq!(settled.cycle(FIRST).expect("closed").state, CycleState::Settled);
    let resolve =
        Order::ResolveLong { id: Id(5), outcome: LongOutcome::ReturnToPayer, amount, note: "typing error".to_owned() };
    assert_eq!(clerk.give(directory, "anna", &[resolve]), AnswerCode::ACCEPTED);
    check_verified(directory);

    // More runs, so that the register is read from the state record and not from the blocks.
    clerk.run(directory, 3 * EVENTS);
    let after = state(directory);
    let register = after.register();
    let settlement = register.settlement(FIRST).expect("settled");
    assert!(settlement.settled.is_some() && settlement.approved.as_ref().is_some_and(|by| by.by == "bo"));
    let confirmed = |state: &InstructionState| matches!(state, InstructionState::Confirmed { .. });
    assert!(settlement.instructions.iter().all(|instruction| confirmed(&instruction.state)));
    assert!(!register.break_of(Id(5)).expect("known").is_open());
    assert!(register.is_matched(file().network, Sequence(9)) && register.files()[0].matched_count == 1);
    let escrow = domain::account::Account::settle_asset(Party::Escrow, CNY);
    assert_eq!(after.book().balance(escrow), settled.book().balance(escrow));
    check_verified(directory);
}

#[test]
fn topics_made_anew_are_read_from_their_beginning_and_nothing_counts_twice() {
    let directory = tempfile::tempdir().expect("a directory");
    let directory = directory.path();
    Clerk::default().run(directory, EVENTS);
    let (before, through) = (state(directory), store(directory).tip().sequence);
    let day = check_verified(directory);
    assert!(day.rejected.values().sum::<u64>() > 0 && day.nets.len() == 1, "{day:?}");

    let mut again = ledger(store(directory), small(500, 3_000));
    for source in 0..4 {
        again.record_incarnation(source, "made anew").expect("a source of the genesis");
    }
    assert_eq!(again.positions(), [0; 4]);
    assert!(again.record_incarnation(4, "of nothing").is_err());
    drop(again);
    Clerk::default().run(directory, EVENTS);
    let after = state(directory);
    assert!(before.book().accounts().eq(after.book().accounts()));
    assert_eq!(before.open_cycle(CNY), after.open_cycle(CNY));
    assert_eq!(store(directory).tip().sequence, Sequence(2 * through.0 - 1 + 4));
    assert_eq!(check_verified(directory), day);
}

/// A payment that the tenpay side has not reported yet, with what its partner said.
fn silent(directory: &Path) -> (Id, Amount) {
    let store = store(directory);
    let waiting = store.payments().map(|payment| payment.expect("readable")).filter_map(|(id, payment)| {
        let of_file = payment.terms.is_some_and(|terms| terms.payee == file().network);
        let (side, minor) = payment.capture.silent_side().filter(|(side, _)| of_file && *side == Side::Payee)?;
        Some((side, id, Amount::new(minor, CNY)?))
    });
    let (_, id, amount) = waiting.min_by_key(|(_, id, _)| *id).expect("a payment in transit");
    (id, amount)
}

#[test]
fn a_row_completes_one_leg_and_takes_it_back_once_over_restarts_and_the_verifier_agrees() {
    let directory = tempfile::tempdir().expect("a directory");
    let directory = directory.path();
    let mut clerk = Clerk::default();
    clerk.run(directory, EVENTS);
    let (payment, amount) = silent(directory);
    let completion = |line| Completion {
        command: Id(0),
        payment,
        movement: None,
        kind: Kind::Captured,
        side: Side::Payee,
        amount,
        row: BillRow { file: [7; 32], line },
        ends: None,
    };
    let complete = |clerk: &mut Clerk, line| clerk.say(directory, "worker", [compose::complete(&completion(line))]);
    assert_eq!(complete(&mut clerk, 2), RejectionCode::FileUnknown.into());
    assert_eq!(clerk.give(directory, "worker", &[Order::RecordFile(file())]), AnswerCode::ACCEPTED);
    assert_eq!(complete(&mut clerk, 2), AnswerCode::ACCEPTED);
    assert_eq!(complete(&mut clerk, 2), RejectionCode::AlreadyMatched.into());
    assert_eq!(complete(&mut clerk, 3), RejectionCode::LegAlreadyReported.into());

    assert_eq!(clerk.give(directory, "worker", &[Order::RecordBreaks(vec![finding()])]), AnswerCode::ACCEPTED);
    let correction = Correction::ReturnToTransit { movement: None, unproven: Side::Payee, minor: amount.minor() };
    let back = || compose::return_to_transit(Id(5), payment, correction, amount);
    assert_eq!(clerk.say(directory, "worker", back()), AnswerCode::ACCEPTED);
    assert_eq!(clerk.say(directory, "worker", back()), RejectionCode::BreakUnproven.into());
    check_verified(directory);
    clerk.run(directory, 3 * EVENTS);
    assert!(state(directory).register().files()[0].is_used(2));
    check_verified(directory);
}
