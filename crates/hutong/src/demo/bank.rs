//! The simulator's settlement bank behind its counter, a hundred times faster than its plan: nobody waits for a bank to learn
//! what a settlement is.

use std::time::Duration;

use ingest::bank::BankRole;
use simulator::bank::Bank;
use wire::bank::v1::{SettlementConfirmation, SettlementInstruction};

const FASTER: u64 = 100;

pub(super) struct Counter(Bank);

impl Counter {
    pub(super) const fn new(seed: u64) -> Self {
        Self(Bank::new(seed))
    }
}

impl BankRole for Counter {
    fn answer(&mut self, instruction: &SettlementInstruction) -> Vec<(Duration, SettlementConfirmation)> {
        let delay = |micros: i64| Duration::from_micros(u64::try_from(micros).unwrap_or(0) / FASTER);
        let answers = self.0.answer(instruction).into_iter();
        answers.map(|answer| (delay(answer.after_micros), answer.confirmation)).collect()
    }
}
