//! The settlement bank: what it answers to instructions, and when.
//!
//! It carries out an instruction id once, and says the same again to whoever asks again. It refuses an epoch lower than the
//! highest that it has seen, and nothing changes by that: the answer carries the low epoch, so that only a sender of the
//! past takes it for its own. What else it does is drawn from the seed, once for every transfer of a cycle: it confirms at
//! once, or after having said that it has not decided, or only when it is asked again; it says the same twice; or it
//! refuses the first attempt and confirms the next, which has a new id.
//!
//! Absent: accounts. Whether a debtor has the money is the ledger's business; a refusal for lack of it is drawn too.
//!
//! ```
//! use simulator::bank::Bank;
//! use wire::bank::v1::SettlementInstruction;
//! use wire::common::v1::{Amount, CycleRef};
//!
//! let instruction = SettlementInstruction {
//!     instruction_id: "CNY-1-1".to_owned(),
//!     epoch: 1,
//!     cycle: Some(CycleRef { currency_code: "CNY".to_owned(), number: 1 }),
//!     debtor: "unionpay".to_owned(),
//!     creditor: "tenpay".to_owned(),
//!     amount: Some(Amount { currency_code: "CNY".to_owned(), minor_units: 47_000 }),
//!     ..SettlementInstruction::default()
//! };
//! let mut bank = Bank::new(7);
//! let first = bank.answer(&instruction);
//! assert!(first.iter().all(|answer| answer.confirmation.instruction_id == "CNY-1-1"));
//! assert!(!bank.answer(&instruction).is_empty());
//! ```

use std::collections::{BTreeMap, BTreeSet};

use wire::bank::v1::{ConfirmationStatus, SettlementConfirmation, SettlementInstruction};

use crate::random::{Draws, Subject};

const SECOND_MICROS: i64 = 1_000_000;

/// A confirmation and how long after the instruction the bank sends it, microseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// From the arrival of the instruction.
    pub after_micros: i64,
    /// To be put onto the topic.
    pub confirmation: SettlementConfirmation,
}

/// What it does with a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    Confirms,
    ConfirmsTwice,
    ConfirmsAfterPending,
    ConfirmsWhenAskedAgain,
    Rejects,
}

impl Manner {
    const ALL: [Self; 5] =
        [Self::Confirms, Self::ConfirmsTwice, Self::ConfirmsAfterPending, Self::ConfirmsWhenAskedAgain, Self::Rejects];
}

/// The bank, which remembers for as long as it lives.
#[derive(Clone, Debug)]
pub struct Bank {
    seed: u64,
    epoch: u64,
    /// By instruction id: what it does, and whether it was asked before.
    known: BTreeMap<String, Manner>,
    /// Transfers of which an attempt was refused.
    refused: BTreeSet<String>,
}

impl Bank {
    /// A bank that has seen nothing.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { seed, epoch: 0, known: BTreeMap::new(), refused: BTreeSet::new() }
    }

    /// What the bank says to an instruction, in order; nothing when it is silent.
    pub fn answer(&mut self, instruction: &SettlementInstruction) -> Vec<Answer> {
        if instruction.epoch < self.epoch {
            return vec![rejected(instruction, "NARR epoch is lower than one seen before")];
        }
        self.epoch = instruction.epoch;
        if instruction.amount.as_ref().is_none_or(|amount| amount.minor_units <= 0) {
            return vec![rejected(instruction, "AM12 amount is missing or not above zero")];
        }
        let is_first = !self.known.contains_key(&instruction.instruction_id);
        match self.manner(instruction) {
            Manner::ConfirmsWhenAskedAgain if is_first => Vec::new(),
            Manner::Confirms | Manner::ConfirmsWhenAskedAgain => vec![self.confirmed(instruction)],
            Manner::ConfirmsTwice => {
                let once = self.confirmed(instruction);
                vec![once.clone(), Answer { after_micros: once.after_micros + SECOND_MICROS, ..once }]
            }
            Manner::ConfirmsAfterPending => {
                let pending = answer(instruction, SECOND_MICROS / 10, ConfirmationStatus::Pending);
                vec![pending, self.confirmed(instruction)]
            }
            Manner::Rejects => vec![rejected(instruction, "AM04 insufficient funds")],
        }
    }

    /// Drawn once for every transfer; a second attempt is confirmed.
    fn manner(&mut self, instruction: &SettlementInstruction) -> Manner {
        if let Some(manner) = self.known.get(&instruction.instruction_id) {
            return *manner;
        }
        let transfer = transfer(instruction);
        let drawn = Manner::ALL[Draws::of_text(self.seed, Subject::BankTransfer, &transfer).index(Manner::ALL.len())];
        let manner = match drawn {
            Manner::Rejects if !self.refused.insert(transfer) => Manner::Confirms,
            drawn => drawn,
        };
        self.known.insert(instruction.instruction_id.clone(), manner);
        manner
    }

    /// Always the same for one id, but for the epoch: it was carried out once.
    fn confirmed(&self, instruction: &SettlementInstruction) -> Answer {
        let mut draws = Draws::of_text(self.seed, Subject::BankInstruction, &instruction.instruction_id);
        let after = SECOND_MICROS / 2 + draws.signed_below(4 * SECOND_MICROS);
        let mut confirmed = answer(instruction, after, ConfirmationStatus::Confirmed);
        confirmed.confirmation.bank_reference = format!("{}{:012}", instruction.settlement_date, draws.below(1 << 39));
        confirmed
    }
}

fn transfer(instruction: &SettlementInstruction) -> String {
    let cycle = instruction.cycle.clone().unwrap_or_default();
    format!("{}/{} {} {}", cycle.currency_code, cycle.number, instruction.debtor, instruction.creditor)
}

fn rejected(instruction: &SettlementInstruction, reason: &str) -> Answer {
    let mut rejected = answer(instruction, SECOND_MICROS / 2, ConfirmationStatus::Rejected);
    reason.clone_into(&mut rejected.confirmation.reason);
    rejected
}

fn answer(instruction: &SettlementInstruction, after_micros: i64, status: ConfirmationStatus) -> Answer {
    let confirmation = SettlementConfirmation {
        instruction_id: instruction.instruction_id.clone(),
        epoch: instruction.epoch,
        cycle: instruction.cycle.clone(),
        status: status.into(),
        bank_reference: String::new(),
        reason: String::new(),
        decided_at_micros: instruction.issued_at_micros.saturating_add(after_micros),
    };
    Answer { after_micros, confirmation }
}
