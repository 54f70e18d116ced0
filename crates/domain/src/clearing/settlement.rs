//! The settlement of one closed cycle. Proposing it fixes the multilateral net and the instructions that carry it out: every
//! debtor, in the order of parties, pays the creditors in their order until both are even. What is approved is the digest of
//! exactly that. The bank's answer to an instruction is final; a refused one is sent again as a new attempt, under an id of
//! its own. The cycle is settled when every instruction is confirmed, not before.

use std::fmt::Write as _;

use super::records::Signature;
use crate::cycle::{Cycle, CycleId};
use crate::ids::{Party, Sequence};
use crate::netting::net;
use crate::rejection::RejectionCode;
use crate::rulebook::Rulebook;
use crate::time::Timestamp;

/// SHA-256, given by whoever may name it: the rules do not.
pub type Sha256 = fn(&[u8]) -> [u8; 32];

/// What a cycle's settlement takes and how far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// The cycle.
    pub cycle: CycleId,
    /// Every party's net, minor units, positive when it is owed; they add up to zero.
    pub lines: Vec<(Party, i128)>,
    /// What the bank is asked to do.
    pub instructions: Vec<Instruction>,
    /// SHA-256 of [`Settlement::text`].
    pub digest: [u8; 32],
    /// Who proposed it.
    pub proposed: Signature,
    /// Who approved it.
    pub approved: Option<Signature>,
    /// When its instructions first went out.
    pub started: Option<Timestamp>,
    /// The entry that made it final, and when.
    pub settled: Option<(Sequence, Timestamp)>,
}

/// One transfer between two settlement accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// Whose account is debited.
    pub debtor: Party,
    /// Whose account is credited.
    pub creditor: Party,
    /// Minor units, more than zero.
    pub minor: i64,
    /// Counts from 1; rises when it is sent again after a refusal.
    pub attempt: u32,
    /// Where it stands.
    pub state: InstructionState,
}

/// Where an instruction stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InstructionState {
    /// Not yet due.
    Planned,
    /// At the bank, as far as this side knows.
    Sent,
    /// The money moved: final.
    Confirmed {
        /// The bank's booking.
        reference: String,
    },
    /// The bank will not carry this attempt out: final for its id.
    Rejected {
        /// The bank's booking, if it named one.
        reference: Option<String>,
        /// The bank's reason, its code first.
        reason: String,
    },
}

impl Settlement {
    /// The proposal for a closed cycle.
    ///
    /// # Errors
    /// [`RejectionCode::AmountOverflow`] when a net is more than one instruction can carry.
    pub fn propose(
        cycle: &Cycle,
        rules: &Rulebook,
        proposed: Signature,
        sha256: Sha256,
    ) -> Result<Self, RejectionCode> {
        let lines: Vec<_> = net(&cycle.flows).multilateral.into_iter().collect();
        let instructions = instructions(&lines)?;
        let (approved, started, settled) = (None, None, None);
        let mut settlement =
            Self { cycle: cycle.id, lines, instructions, digest: [0; 32], proposed, approved, started, settled };
        settlement.digest = sha256(settlement.text(rules).as_bytes());
        Ok(settlement)
    }

    /// What is approved, as text that anybody can write down again: the cycle, one line a net and one an instruction, parties
    /// by name, amounts in minor units, every line ended by a line feed.
    #[must_use]
    pub fn text(&self, rules: &Rulebook) -> String {
        let mut text = format!("settlement {}/{}\n", self.cycle.currency.code(), self.cycle.number);
        for (party, minor) in &self.lines {
            let _ = writeln!(text, "net {} {minor}", rules.party_name(*party));
        }
        for Instruction { debtor, creditor, minor, .. } in &self.instructions {
            let _ = writeln!(text, "pay {} {} {minor}", rules.party_name(*debtor), rules.party_name(*creditor));
        }
        text
    }

    /// The id under which attempt `attempt` of instruction `index` is sent: at most 35 characters, unique for ever.
    #[must_use]
    pub fn instruction_id(&self, index: usize, attempt: u32) -> String {
        let CycleId { currency, number } = self.cycle;
        let digest: String = self.digest[..4].iter().fold(String::new(), |text, byte| format!("{text}{byte:02X}"));
        format!("{}-{number}-{digest}-{}-{attempt}", currency.code(), index.saturating_add(1))
    }

    /// The instruction of this id, and whether the id is that of its last attempt.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<(usize, bool)> {
        self.instructions.iter().enumerate().find_map(|(index, instruction)| {
            let attempt = (1..=instruction.attempt).rev().find(|attempt| self.instruction_id(index, *attempt) == id)?;
            Some((index, attempt == instruction.attempt))
        })
    }

    /// What a party owes while instructions are out, minor units: nothing else may take that money.
    #[must_use]
    pub fn at_the_bank(&self, party: Party) -> i128 {
        let is_out = self.started.is_some() && self.settled.is_none();
        let line = self.lines.iter().find(|(of, minor)| is_out && *of == party && *minor < 0);
        line.map_or(0, |(_, minor)| minor.saturating_neg())
    }

    /// Whether every instruction but, perhaps, the one at `index` is confirmed.
    pub(super) fn is_confirmed_but_for(&self, index: Option<usize>) -> bool {
        let mut others = self.instructions.iter().enumerate().filter(|(at, _)| Some(*at) != index);
        others.all(|(_, instruction)| matches!(instruction.state, InstructionState::Confirmed { .. }))
    }

    /// Everything that is not confirmed is at the bank from now on; what was refused, as a new attempt.
    pub(super) fn send(&mut self, at: Timestamp) {
        self.started.get_or_insert(at);
        for instruction in &mut self.instructions {
            match instruction.state {
                InstructionState::Rejected { .. } => {
                    instruction.attempt = instruction.attempt.saturating_add(1);
                    instruction.state = InstructionState::Sent;
                }
                InstructionState::Planned => instruction.state = InstructionState::Sent,
                InstructionState::Sent | InstructionState::Confirmed { .. } => {}
            }
        }
    }
}

fn instructions(lines: &[(Party, i128)]) -> Result<Vec<Instruction>, RejectionCode> {
    let mut creditors = lines.iter().filter(|(_, minor)| *minor > 0).copied();
    let mut creditor = creditors.next();
    let mut instructions = Vec::new();
    for &(debtor, minor) in lines.iter().filter(|(_, minor)| *minor < 0) {
        let mut left = minor.saturating_neg();
        while left > 0 {
            let (to, open) = creditor.expect("nets add up to zero");
            let part = left.min(open);
            instructions.push(Instruction {
                debtor,
                creditor: to,
                minor: i64::try_from(part).map_err(|_| RejectionCode::AmountOverflow)?,
                attempt: 1,
                state: InstructionState::Planned,
            });
            left = left.saturating_sub(part);
            creditor = if open > part { Some((to, open.saturating_sub(part))) } else { creditors.next() };
        }
    }
    Ok(instructions)
}
