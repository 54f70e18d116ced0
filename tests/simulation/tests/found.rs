//! What simulations have found, told without chance: a few records, a ledger that is opened again behind each of them, and
//! the verifier's word on it.

use std::sync::Arc;
use std::time::Duration;

use domain::ids::Id;
use domain::rejection::{Quarantine, RejectionCode};
use domain::time::Timestamp;
use ledger::{AnswerCode, Clock, Input, Ledger, Options, Polled, Source, SourceError, Step};
use simulation::world::{codec, genesis, hash_key};
use store::{MemoryStore, Store};
use wire::control::compose;
use wire::control::v1::{self, control_command::Command as Content};
use wire::event::v1::{Kind, PaymentEvent, Side};
use wire::message::event_record;

/// Topic, key, value.
type Record = (u16, Vec<u8>, Vec<u8>);

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(0)
    }
}

/// The next record of a list, which the ledger wants at this offset of its own count.
struct Next(Record, i64);

impl Source for Next {
    fn poll(&mut self, _: usize, _: Duration, take: &mut dyn FnMut(Input<'_>)) -> Result<Polled, SourceError> {
        let Self((source, key, raw), offset) = self;
        take(Input { source: *source, offset: *offset, arrived_at: Timestamp::from_micros(0), key, raw });
        Ok(Polled::Ended)
    }
}

/// Gives the records to a ledger that is opened for each of them; what the last one was answered.
fn answered(records: &[Record], run_entries: u64) -> AnswerCode {
    let mut store = MemoryStore::new(&genesis(), hash_key()).expect("a genesis");
    let options = Options { block_entries_max: 10, run_entries, patience: Duration::ZERO };
    let mut answer = AnswerCode::RECORDED;
    for (record, offset) in records.iter().cloned().zip(0..) {
        let shared = Arc::new(store);
        let rulebook = rulebook::DEFAULT.as_bytes();
        let port = Arc::clone(&shared) as Arc<dyn Store>;
        let ledger = Ledger::open(port, Box::new(codec()), Box::new(Still), rulebook, options).expect("it opens");
        let handle = ledger.handle();
        let mut steps = ledger.steps(Box::new(Next(record, offset)));
        while let Some(step) = Step::ALL.into_iter().find(|step| steps.is_ready(*step)) {
            steps.step(step).expect("nothing disturbs it");
        }
        answer = handle.entries(handle.snapshot().sequence, 1).expect("readable")[0].answer;
        drop((steps, handle));
        let tables = Arc::into_inner(shared).expect("nobody else has it").into_tables();
        store = MemoryStore::open(tables, &genesis(), hash_key()).expect("it opens again");
    }
    let verified = audit::verify(&store, &codec(), |_| {}).expect("readable");
    assert_eq!((verified.finding, verified.head), (None, store.tip().head));
    answer
}

fn command(number: u128, key: &str, content: Content) -> Record {
    let (record_key, raw) = compose::record(Id(number), "anna", key, content);
    (0, record_key, raw)
}

fn event(payee: &str, minor: i64) -> Record {
    let event = PaymentEvent {
        event_id: vec![1; 16],
        payment_id: vec![2; 16],
        reporting_network: "unionpay".to_owned(),
        side: Side::Payer.into(),
        kind: Kind::Captured.into(),
        payer_network: "unionpay".to_owned(),
        payee_network: payee.to_owned(),
        amount_minor: minor,
        currency_code: "CNY".to_owned(),
        network_reference: "1".to_owned(),
        ..PaymentEvent::default()
    };
    (1, event.payment_id.clone(), event_record(&event))
}

#[test]
fn the_key_of_a_command_that_is_not_supported_is_still_taken_after_a_restart() {
    let release = v1::ReleaseQuarantined { sequence: 1, reason: "again".to_owned() };
    let cycle = Some(wire::common::v1::CycleRef { currency_code: "CNY".to_owned(), number: 1 });
    let records = [
        command(1, "key", Content::ReleaseQuarantined(release)),
        command(2, "key", Content::ProposeSettlement(v1::ProposeSettlement { cycle })),
        event("tenpay", 100),
    ];
    assert_eq!(answered(&records[..1], 1_000), RejectionCode::CommandNotSupported.into());
    assert_eq!(answered(&records[..2], 1_000), RejectionCode::ConflictingDuplicate.into());
    for run_entries in [1, 2, 1_000] {
        answered(&records, run_entries);
    }
}

#[test]
fn an_event_that_named_no_known_network_has_used_its_id_for_the_verifier_too() {
    let records = [event("nonet", 100), event("nonet", 101), event("tenpay", 100)];
    assert_eq!(answered(&records[..1], 1_000), Quarantine::UnknownNetworkNamed.into());
    assert_eq!(answered(&records, 1_000), RejectionCode::ConflictingDuplicate.into());
}

#[test]
fn a_run_may_end_with_the_first_entry_of_a_log() {
    answered(&[event("tenpay", 100)], 1);
}
