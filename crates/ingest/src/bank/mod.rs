//! Topic `hutong.bank`: instructions to the settlement bank, its answers, and for a demonstration the bank itself.
//!
//! Everything here is at least once. Instructions are sent until the ledger has an answer, because the bank carries out an id
//! once; answers are read from the beginning of the topic after every start, because the ledger counts a command once. So
//! nothing is remembered, and nothing has to be.
//!
//! Each part is a [`Worker`]: a thread that waits for brokers that are away, says once what is wrong, and tries again.

mod counter;
mod outbox;
mod reader;
mod worker;

use std::time::Duration;

use wire::bank::v1::{SettlementConfirmation, SettlementInstruction};

pub use counter::keep_counter;
pub use outbox::send_instructions;
pub use reader::{read_answers, tell_ledger};
pub use wire::bank::TOPIC;
pub use worker::Worker;

/// What the ledger has sent to the bank, as far as the bank has not answered for good.
pub trait Outbox: Send {
    /// As of the newest durable state, the oldest first.
    fn due(&self) -> Vec<SettlementInstruction>;
}

/// Plays the bank.
pub trait BankRole: Send {
    /// What it answers to an instruction, each time that it comes, and after how long. May be nothing.
    fn answer(&mut self, instruction: &SettlementInstruction) -> Vec<(Duration, SettlementConfirmation)>;
}
