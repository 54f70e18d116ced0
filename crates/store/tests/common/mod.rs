//! Values that several tests use: one of every record with everything in it, and a small log to be put into a store.

#![allow(dead_code, reason = "every test file uses a part of this")]

use std::collections::BTreeMap;

use domain::account::{Account, Class};
use domain::book::Balance;
use domain::break_code::BreakCode;
use domain::clearing::{
    BillFile, BillRow, BillTotals, Booking, Break, ControlTotals, Ending, FileRecord, Finding, Instruction,
    InstructionState, Numbers, Register, Resolution, Settlement, Signature,
};
use domain::codes::CodeKind;
use domain::cycle::{CycleId, CycleState, Flow};
use domain::ids::{Id, Name, Network, Party, Sequence};
use domain::journal::Journal;
use domain::money::CNY;
use domain::payment::{Dispute, DisputeState, Hold, Leg, Movement, Parked, Payment, Refund, Side, Terms};
use domain::rejection::RejectionCode;
use domain::report::{Evidence, Kind, Report, Scan};
use domain::time::{Date, Timestamp};
use store::block::{BlockBuilder, Seal};
use store::chain;
use store::cycle::CycleRecord;
use store::entry::{AnswerCode, Content, Entry, EntryKind};
use store::genesis::{Genesis, Source};
use store::hash::HashKey;
use store::history::{Direction, EncodedRow, HistoryRow, Posting};
use store::mark::{EventIdRecord, Mark};
use store::run::{PaymentTable, Run};
use store::state::StateRecord;
use store::{Store, Tip};

pub(crate) const KEY: [u8; 16] = [7; 16];

pub(crate) fn network(index: usize) -> Network {
    Network::from_index(index).expect("below 64")
}

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

pub(crate) fn position() -> Account {
    Account::position(network(0), network(1), CNY)
}

pub(crate) fn source(topic: &str) -> Source {
    Source { topic: topic.to_owned(), topic_id: String::new(), partitions: 1 }
}

pub(crate) fn genesis() -> Genesis {
    let sources = vec![source("payments.unionpay"), source("payments.tenpay"), source("hutong.control")];
    Genesis { cluster: "lkc-1".to_owned(), shard: 3, sources }
}

pub(crate) fn entry(raw: &[u8]) -> Entry<'_> {
    Entry {
        source: 0,
        offset: 41,
        arrived_at: Timestamp::from_micros(1_795_000_000_000_000),
        kind: EntryKind::PaymentEvent,
        answer: AnswerCode::ACCEPTED,
        rulebook: 1,
        duplicate_of: None,
        principal: "",
        idempotency_key: "",
        key: &[],
        content: Content::Raw(raw),
    }
}

/// One of every kind of entry, and every optional field.
pub(crate) fn entries() -> Vec<Entry<'static>> {
    let first = entry(b"the first report, long enough to be worth compressing: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    let later = |micros| Timestamp::from_micros(first.arrived_at.micros() + micros);
    vec![
        Entry { source: Entry::NO_SOURCE, kind: EntryKind::Internal, answer: AnswerCode::RECORDED, ..entry(b"rules") },
        first,
        Entry { offset: 42, arrived_at: later(3), answer: AnswerCode::WAITING_FOR_ORIGINAL, ..first },
        Entry {
            offset: 43,
            answer: AnswerCode::DUPLICATE,
            duplicate_of: Some(Sequence(9)),
            content: Content::Digest([0xab; 32]),
            ..first
        },
        Entry {
            source: 2,
            offset: 7,
            kind: EntryKind::Command,
            principal: "operator/wang",
            idempotency_key: "close-12",
            ..entry(b"close cycle 12")
        },
        Entry {
            source: 1,
            offset: 0,
            arrived_at: later(-1_000_000),
            kind: EntryKind::Quarantined,
            answer: AnswerCode(202),
            rulebook: 2,
            key: b"not its payment",
            ..entry(b"")
        },
    ]
}

pub(crate) fn simple_payment() -> Payment {
    Payment {
        terms: Some(terms()),
        capture: Movement { legs: [Leg::Live(12_345); 2], booked: 12_345, since: 4, ..Movement::default() },
        fees_charged: [43, 2, 2],
        booked_cycle: 4,
        ..Payment::default()
    }
}

fn terms() -> Terms {
    Terms {
        payer: network(0),
        payee: network(1),
        currency: CNY,
        channel: name("jsapi"),
        payer_institution: name("48020000"),
        payee_institution: Name::NONE,
        rulebook: 1,
        corridor: 2,
    }
}

pub(crate) fn report() -> Report {
    Report {
        event: Id(0x0102),
        network: network(1),
        side: Side::Payee,
        payment: Id(0x0304),
        movement: Some(Id(0x0506)),
        kind: Kind::Refunded,
        payer: network(0),
        payee: network(1),
        payer_institution: name("48020000"),
        payee_institution: name("99990000"),
        channel: name("app"),
        scan: Scan::PayerScans,
        code: Some(CodeKind::TenpayMerchant),
        minor: 500,
        currency: CNY,
        evidence: Evidence::BillRow { file_digest: [0x5a; 32], row: 17 },
        region: name("shanghai"),
        cohort: name("pilot-2"),
        occurred_at: Timestamp::from_micros(1_794_999_999_000_000),
        business_date: Date::from_ymd(2026, 11, 18).expect("a date"),
    }
}

/// Not a payment that could be: one with every field set.
pub(crate) fn full_payment() -> Payment {
    let refund = Movement { legs: [Leg::Silent, Leg::Live(500)], since: 5, overdue: true, ..Movement::default() };
    let stray = Movement { legs: [Leg::Stray(9), Leg::Withdrawn], single_feed: true, ..Movement::default() };
    let parked = Parked { sequence: Sequence(77), since: 6, orphan: true, report: report() };
    let bare = Report { movement: None, code: None, evidence: Evidence::QueryAnswer, kind: Kind::Voided, ..report() };
    Payment {
        refused: Some(RejectionCode::CorridorClosed),
        authorised: Some(20_000),
        hold: Hold::Released,
        voided: true,
        outcome_unknown: [true, false],
        reversal: stray,
        refunds: vec![Refund { id: Id(u128::MAX), movement: refund }, Refund { id: Id(1), movement: stray }],
        disputes: vec![Dispute { id: Id(2), minor: i64::MAX, state: DisputeState::Lost }],
        fees_returned: [-1, i64::MIN, 0],
        parked: vec![parked, Parked { orphan: false, report: bare, ..parked }],
        tombstone: Some(12_345),
        ..simple_payment()
    }
}

pub(crate) fn cycle(number: u32, state: CycleState) -> CycleRecord {
    let [a, b] = [network(0), network(1)].map(Party::Network);
    CycleRecord {
        id: CycleId { currency: CNY, number },
        state,
        flows: BTreeMap::from([
            ((a, b), Flow { count: 2, minor: 12_345 }),
            ((b, Party::Operator), Flow { count: 1, minor: i128::MAX }),
            ((Party::Escrow, a), Flow { count: u64::MAX, minor: i128::MIN }),
        ]),
        advanced: -5,
        institutions: BTreeMap::from([((network(0), name("48020000")), -12_345), ((network(1), Name::NONE), 12_345)]),
    }
}

pub(crate) fn state() -> StateRecord {
    let liquidity = Account::of_network(Class::Liquidity, network(0), CNY);
    let unknown = Account::suspense(Class::SuspenseLong, network(0), None, CNY);
    StateRecord {
        rulebooks: vec![b"version = 1".to_vec(), "version = 2 # 第二版".as_bytes().to_vec()],
        accounts: vec![
            (position(), Balance { debits: 12_345, credits: 0 }),
            (liquidity, Balance { debits: 0, credits: i128::MAX }),
            (unknown, Balance::default()),
        ],
        cycles: vec![
            cycle(1, CycleState::Pending { debtors: vec![network(1), network(0)] }),
            cycle(2, CycleState::Open),
        ],
        register: register(),
    }
}

/// Not a register that could be: one with every field set.
fn register() -> Register {
    let signature = |by: &str| Signature { by: by.to_owned(), at: Sequence(70_000) };
    let [a, b] = [network(0), network(1)];
    let instruction =
        |state| Instruction { debtor: Party::Network(a), creditor: Party::Operator, minor: 12_345, attempt: 2, state };
    let rejected = |reference: Option<&str>| InstructionState::Rejected {
        reference: reference.map(str::to_owned),
        reason: "AM04 余额不足".to_owned(),
    };
    let settlement = Settlement {
        cycle: CycleId { currency: CNY, number: 1 },
        lines: vec![(Party::Network(a), -12_345), (Party::Escrow, i128::MAX)],
        instructions: vec![
            instruction(InstructionState::Planned),
            instruction(InstructionState::Sent),
            instruction(InstructionState::Confirmed { reference: "B-1".to_owned() }),
            instruction(rejected(None)),
            instruction(rejected(Some("B-2"))),
        ],
        digest: [0xaa; 32],
        proposed: signature("anna"),
        approved: Some(signature("bo")),
        started: Some(Timestamp::from_micros(-1)),
        settled: Some((Sequence(9), Timestamp::from_micros(1_795_000_000_000_000))),
    };
    let bare = Settlement {
        cycle: CycleId { currency: CNY, number: 2 },
        approved: None,
        started: None,
        settled: None,
        ..settlement.clone()
    };
    let mut matched = Numbers::default();
    assert!([1, 4_095, 4_096, 1 << 40].into_iter().all(|number| matched.insert(number)));
    let file = BillFile {
        network: b,
        business_date: Date::from_days_since_epoch(20_403),
        digest: [0xbb; 32],
        file_name: "账单.csv".to_owned(),
        layout: "tenpay_all".to_owned(),
        totals: BillTotals {
            currency: CNY,
            rows: 3,
            payments: 2,
            payments_minor: i64::MAX,
            refunds: 1,
            refunds_minor: 5,
            fees_minor: -7,
        },
        control_totals: ControlTotals::Absent,
        invalid_rows: u32::MAX,
    };
    let record = FileRecord {
        file,
        version: 3,
        recorded: Sequence(12),
        matched: matched.clone(),
        proven: Numbers::restore([(3, [5; 64])]),
        matched_count: 4,
        match_entries: vec![Sequence(13), Sequence(14)],
    };
    Register::restore([settlement, bare], [record], breaks(signature), [(network(1), matched)])
}

fn breaks(signature: impl Fn(&str) -> Signature) -> Vec<Break> {
    let [a, b] = [network(0), network(1)];
    let full = Finding {
        id: Id(1),
        code: BreakCode::AmountOver,
        network: a,
        business_date: Date::from_days_since_epoch(-1),
        row: Some(BillRow { file: [0xbb; 32], line: 7 }),
        payment: Some(Id(2)),
        movement: Some(Id(u128::MAX)),
        kind: Some(Kind::Refunded),
        side: Some(Side::Payee),
        network_reference: "4200000423201911047892119860".to_owned(),
        refund_reference: "50300".to_owned(),
        currency: CNY,
        ledger_minor: Some(i64::MIN),
        file_minor: Some(0),
        note: "多一分".to_owned(),
        replaces: Some(Id(9)),
    };
    let bare = Finding {
        row: None,
        payment: None,
        movement: None,
        kind: None,
        side: None,
        ledger_minor: None,
        file_minor: None,
        replaces: None,
        ..full.clone()
    };
    let advanced = |approval| Booking::Advanced { to: a, against: b, minor: 5, approval };
    let bookings = [
        None,
        Some(Booking::InTransit),
        Some(Booking::Held { from: a, to: None, minor: 3 }),
        Some(Booking::Held { from: a, to: Some(b), minor: 4 }),
        Some(advanced(None)),
        Some(advanced(Some(("anna".to_owned(), 5)))),
    ];
    let booked = bookings.into_iter().zip(1..).map(|(booking, id)| Break {
        finding: Finding { id: Id(id), ..full.clone() },
        raised: signature("worker"),
        booking,
        ending: None,
    });
    let resolutions = [
        Resolution::MatchedLater,
        Resolution::Booked,
        Resolution::UndoneByNetwork,
        Resolution::FileCorrected,
        Resolution::Accepted,
        Resolution::Replaced,
    ];
    let ended = resolutions.into_iter().zip(100..).map(|(resolution, id)| Break {
        finding: Finding { id: Id(id), ..bare.clone() },
        raised: signature(""),
        booking: None,
        ending: Some(Ending { resolution, signature: signature("bo"), note: "看过".to_owned() }),
    });
    booked.chain(ended).collect()
}

pub(crate) fn history_row() -> HistoryRow {
    let posting = |sequence, direction, journal, cycle, minor| Posting {
        sequence: Sequence(sequence),
        direction,
        journal,
        cycle,
        minor,
    };
    HistoryRow {
        account: position(),
        first: Sequence(8_193),
        before: Balance { debits: 1 << 70, credits: 3 },
        postings: vec![
            posting(8_193, Direction::Debit, Journal::Completed, 4, 12_345),
            posting(8_193, Direction::Debit, Journal::Fees, 4, 2),
            posting(16_384, Direction::Credit, Journal::Withdrawal, 3, i128::MAX),
        ],
    }
}

pub(crate) fn mark() -> Mark {
    let recorded_at = Timestamp::from_micros(1_795_000_000_000_001);
    Mark { run: 2, through: Sequence(524_288), head: [0xcd; 32], recorded_at }
}

pub(crate) fn event_id() -> EventIdRecord {
    EventIdRecord { sequence: Sequence(300_000), answer: AnswerCode(113), content: [0xef; 16] }
}

pub(crate) const HEAD_BEFORE: [u8; 32] = [1; 32];

/// A block of some entries from sequence 10 on, with the right chain head.
pub(crate) fn block_of(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut builder = BlockBuilder::new(Sequence(10), &[41, 0, 7]);
    let mut head_after = HEAD_BEFORE;
    for entry in entries {
        let sequence = builder.push(entry).expect("it fits");
        head_after = chain::next(&head_after, sequence.0, &entry.head());
    }
    let recorded_at = Timestamp::from_micros(1_795_000_000_000_000);
    let mut out = Vec::new();
    builder.seal(&Seal { recorded_at, head_before: HEAD_BEFORE, head_after }, &mut out).expect("it is not empty");
    out
}

/// Appends a block of `count` entries that follows the log; recorded at `seconds`.
pub(crate) fn append(store: &dyn Store, count: u64, seconds: i64) -> Tip {
    let bytes = next_block(store, count, seconds);
    store.append(&bytes).expect("it follows");
    store.tip()
}

pub(crate) fn next_block(store: &dyn Store, count: u64, seconds: i64) -> Vec<u8> {
    let tip = store.tip();
    let mut builder = BlockBuilder::new(Sequence(tip.sequence.0 + 1), &tip.positions);
    let mut head_after = tip.head;
    for n in 0..count {
        let raw = format!("record {}", tip.sequence.0 + 1 + n);
        let offset = tip.positions[0] + i64::try_from(n).expect("small");
        let entry = Entry { offset, ..entry(raw.as_bytes()) };
        let sequence = builder.push(&entry).expect("it fits");
        head_after = chain::next(&head_after, sequence.0, &entry.head());
    }
    let recorded_at = Timestamp::from_micros(seconds * 1_000_000);
    let mut out = Vec::new();
    builder.seal(&Seal { recorded_at, head_before: tip.head, head_after }, &mut out).expect("it is not empty");
    out
}

/// The event id of a sequence in [`run_of`].
pub(crate) fn event(sequence: u64) -> Id {
    Id(u128::from(sequence) << 64 | 0xe0e0)
}

/// The payment that a sequence in [`run_of`] touches: two sequences each, and one that every run touches.
pub(crate) fn payment(sequence: u64) -> Id {
    Id(u128::from(sequence / 2))
}

pub(crate) const SHARED: Id = Id(u128::MAX);

/// A run over everything after the mark: an event and a posting of 1 to [`position`] each sequence, in blocks of the log.
pub(crate) fn run_of(store: &dyn Store) -> Run {
    let (before, tip) = (store.mark(), store.tip());
    let (number, first) = before.map_or((1, 1), |mark| (mark.run + 1, mark.through.0 + 1));
    let mut run = Run {
        mark: Mark { run: number, through: tip.sequence, head: tip.head, recorded_at: tip.recorded_at },
        first: Sequence(first),
        events: Vec::new(),
        payments: PaymentTable::default(),
        history: Vec::new(),
        waiting: vec![(SHARED, Some(number))],
        cycles: vec![cycle(number, CycleState::Closed)],
        state: StateRecord { rulebooks: vec![number.to_be_bytes().to_vec()], ..state() },
    };
    let mut last = None;
    for sequence in first..=tip.sequence.0 {
        let record = EventIdRecord { sequence: Sequence(sequence), ..event_id() };
        run.events.push((store.hash_key().event(network(0), event(sequence)), record));
        let id = payment(sequence);
        if last != Some(id) {
            let is_new = sequence % 2 == 0 || sequence == 1;
            run.payments.put(id, &Payment { booked_cycle: number, ..simple_payment() }, is_new);
            last = Some(id);
        }
    }
    run.payments.put(SHARED, &Payment { booked_cycle: number, ..full_payment() }, number == 1);
    for block in store.blocks(run.first) {
        let block = block.expect("a block");
        run.history.push(row_of(block.head().first.0, block.head().last().0));
    }
    run
}

fn row_of(first: u64, last: u64) -> EncodedRow {
    let before = Balance { debits: i128::from(first - 1), credits: 0 };
    let mut row = EncodedRow::new(position(), Sequence(first), before);
    for sequence in first..=last {
        let (sequence, journal) = (Sequence(sequence), Journal::Completed);
        row.post(&Posting { sequence, direction: Direction::Debit, journal, cycle: 1, minor: 1 });
    }
    row
}

pub(crate) fn hash_key() -> HashKey {
    HashKey::new(KEY)
}
