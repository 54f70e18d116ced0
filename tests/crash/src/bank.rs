//! The settlement bank of these suites. It confirms everything but one instruction, which stays due until the end so that the
//! outbox has something to send after every start.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ingest::Publisher;
use ingest::bank::{BankRole, TOPIC, Worker, keep_counter};
use wire::bank::v1::{ConfirmationStatus, SettlementConfirmation, SettlementInstruction};
use wire::common::v1::CycleRef;

/// The bank at work. Dropping it ends it.
pub(crate) struct Bank {
    answers_all: Arc<AtomicBool>,
    _worker: Worker,
}

struct Counter {
    answers_all: Arc<AtomicBool>,
    silent_about: Option<String>,
}

impl Bank {
    /// Opens its counter. An answer to something that was never asked is on its topic from the first moment: the ledger is
    /// told of it after every start, and refuses it every time.
    ///
    /// # Panics
    /// When the topic is missing.
    pub(crate) fn open(brokers: &str) -> Self {
        let (key, value) = wire::bank::confirmation(&confirmed("CNY-1-unasked", 1, Some(cycle())));
        let publisher = Publisher::new(brokers).expect("a client");
        publisher.send(TOPIC, &key, &value, None).expect("a queue with room");
        publisher.finish(e2e::PATIENCE).expect("a broker that takes records");
        let answers_all = Arc::new(AtomicBool::new(false));
        let role = Counter { answers_all: Arc::clone(&answers_all), silent_about: None };
        Self { answers_all, _worker: keep_counter(brokers, role).expect("a thread") }
    }

    /// From now on it answers everything.
    pub(crate) fn answer_all(&self) {
        self.answers_all.store(true, Ordering::Release);
    }
}

impl BankRole for Counter {
    fn answer(&mut self, instruction: &SettlementInstruction) -> Vec<(Duration, SettlementConfirmation)> {
        let id = &instruction.instruction_id;
        if self.silent_about.get_or_insert_with(|| id.clone()) == id && !self.answers_all.load(Ordering::Acquire) {
            return Vec::new();
        }
        vec![(Duration::ZERO, confirmed(id, instruction.epoch, instruction.cycle.clone()))]
    }
}

fn confirmed(id: &str, epoch: u64, cycle: Option<CycleRef>) -> SettlementConfirmation {
    SettlementConfirmation {
        instruction_id: id.to_owned(),
        epoch,
        cycle,
        status: ConfirmationStatus::Confirmed.into(),
        bank_reference: format!("booked-{id}"),
        reason: String::new(),
        decided_at_micros: 1_762_873_200_000_000,
    }
}

/// The cycle that these suites settle.
pub(crate) fn cycle() -> CycleRef {
    CycleRef { currency_code: "CNY".to_owned(), number: 1 }
}
