//! J10 and J10f: from a proposal to money that moved.

use super::records::Signature;
use super::register::Record;
use super::settlement::{InstructionState, Settlement};
use super::{Decided, Desk};
use crate::account::{Account, Class};
use crate::cycle::{Cycle, CycleId, CycleState};
use crate::ids::{Network, Party};
use crate::journal::Journal;
use crate::money::Currency;
use crate::rejection::RejectionCode;
use crate::state::{Change, View};

impl Desk<'_> {
    fn cycle(&self, id: CycleId) -> Result<&Cycle, RejectionCode> {
        self.state.cycle(id).ok_or(RejectionCode::CycleState)
    }

    fn settlement(&self, cycle: CycleId) -> Result<&Settlement, RejectionCode> {
        self.state.register().settlement(cycle).ok_or(RejectionCode::CycleState)
    }

    /// `records`, and the cycle's next state.
    fn moved(&self, id: CycleId, next: CycleState, records: Vec<Record>) -> Decided {
        let allowed = self.cycle(id)?.state.may_become(&next);
        if allowed {
            Ok(Change::Registered { records, cycle: Some((id, next)) })
        } else {
            Err(RejectionCode::CycleState)
        }
    }

    pub(super) fn propose(&self, id: CycleId) -> Decided {
        let cycle = self.cycle(id)?;
        if cycle.state != CycleState::Closed {
            return Err(RejectionCode::CycleState);
        }
        if self.state.register().holding_back(id.currency) > 0 {
            return Err(RejectionCode::BreaksOpen);
        }
        let (rules, context) = (self.state.rules().current(), self.context);
        let proposal = Settlement::propose(cycle, rules, context.sign(), context.sha256)?;
        self.moved(id, CycleState::Proposed, vec![Record::Proposed(proposal)])
    }

    pub(super) fn approve(&self, id: CycleId, digest: &[u8; 32]) -> Decided {
        if self.settlement(id)?.digest != *digest {
            return Err(RejectionCode::ProposalChanged);
        }
        let by: Signature = self.context.sign();
        self.moved(id, CycleState::Approved, vec![Record::Approved(id, by)])
    }

    /// Instructions go out when every debtor has the money; else the cycle waits as a whole. One that owes nobody anything is
    /// settled by that.
    pub(super) fn start(&mut self, id: CycleId) -> Decided {
        let settlement = self.settlement(id)?;
        if !matches!(self.cycle(id)?.state, CycleState::Approved | CycleState::Pending { .. }) {
            return Err(RejectionCode::CycleState);
        }
        if settlement.instructions.is_empty() {
            return self.settle(id, vec![Record::Sent(id, self.context.arrived_at)]);
        }
        let short = self.short_of_liquidity(settlement)?;
        if short.is_empty() {
            self.moved(id, CycleState::Settling, vec![Record::Sent(id, self.context.arrived_at)])
        } else {
            self.moved(id, CycleState::Pending { debtors: short }, Vec::new())
        }
    }

    /// The networks that cannot pay what they owe beside what other cycles have at the bank. The operator's own lines cannot
    /// be waited for.
    fn short_of_liquidity(&self, settlement: &Settlement) -> Result<Vec<Network>, RejectionCode> {
        let mut short = Vec::new();
        for &(party, minor) in settlement.lines.iter().filter(|(_, minor)| *minor < 0) {
            let currency = settlement.cycle.currency;
            let has = self.state.book().standing(Account::settle_asset(party, currency));
            let elsewhere = self.state.register().at_the_bank(party, currency) - settlement.at_the_bank(party);
            let owes = minor.saturating_neg().saturating_add(elsewhere);
            match party {
                _ if has >= owes => {}
                Party::Network(network) => short.push(network),
                Party::Operator | Party::Escrow => return Err(RejectionCode::OwnFundsInsufficient),
            }
        }
        Ok(short)
    }

    pub(super) fn confirm(&mut self, id: CycleId, instruction: &str, reference: &str) -> Decided {
        let (settlement, index) = match self.answered(id, instruction)? {
            (settlement, index, true) => (settlement, index),
            (_, _, false) => return Err(RejectionCode::InstructionFinal),
        };
        match settlement.instructions[index].state {
            InstructionState::Confirmed { .. } => return Ok(Change::None),
            InstructionState::Rejected { .. } => return Err(RejectionCode::InstructionFinal),
            InstructionState::Planned => return Err(RejectionCode::CycleState),
            InstructionState::Sent => {}
        }
        let is_last = settlement.is_confirmed_but_for(Some(index));
        let state = InstructionState::Confirmed { reference: reference.to_owned() };
        let records = vec![Record::Answered { cycle: id, index, state }];
        if is_last { self.settle(id, records) } else { Ok(Change::registered(records)) }
    }

    /// The debtor's cap is zero until no pending cycle names it. What others owe each other still goes on at the bank.
    pub(super) fn reject(&mut self, id: CycleId, instruction: &str, state: InstructionState) -> Decided {
        let (settlement, index) = match self.answered(id, instruction)? {
            (settlement, index, true) => (settlement, index),
            (_, _, false) => return Ok(Change::None),
        };
        match settlement.instructions[index].state {
            InstructionState::Confirmed { .. } => return Err(RejectionCode::InstructionFinal),
            InstructionState::Rejected { .. } => return Ok(Change::None),
            InstructionState::Planned => return Err(RejectionCode::CycleState),
            InstructionState::Sent => {}
        }
        let mut debtors = match &self.cycle(id)?.state {
            CycleState::Pending { debtors } => debtors.clone(),
            _ => Vec::new(),
        };
        if let Party::Network(network) = settlement.instructions[index].debtor {
            debtors.push(network);
        }
        debtors.sort_unstable();
        debtors.dedup();
        self.moved(id, CycleState::Pending { debtors }, vec![Record::Answered { cycle: id, index, state }])
    }

    /// The instruction that the bank speaks of, and whether it speaks of its last attempt.
    fn answered(&self, id: CycleId, instruction: &str) -> Result<(&Settlement, usize, bool), RejectionCode> {
        let settlement = self.settlement(id)?;
        let (index, is_last) = settlement.find(instruction).ok_or(RejectionCode::InstructionUnknown)?;
        Ok((settlement, index, is_last))
    }

    /// J10, wholly or not at all: receivables and payables against liquidity, and the cash that mirrors it, with the
    /// operator's fees and the change of escrow of that cycle.
    fn settle(&mut self, id: CycleId, mut records: Vec<Record>) -> Decided {
        records.push(Record::Settled(id, (self.context.sequence, self.context.arrived_at)));
        let settled = self.moved(id, CycleState::Settled, records)?;
        let (mut debits, mut credits) = (Vec::new(), Vec::new());
        for (party, minor) in self.settlement(id)?.lines.clone() {
            if let Party::Network(network) = party {
                self.settle_network(network, minor, id.currency);
            }
            let asset = (Account::settle_asset(party, id.currency), minor.saturating_abs());
            if minor > 0 { debits.push(asset) } else { credits.push(asset) }
        }
        self.effects.book_compound(Journal::Settled, debits, credits);
        Ok(settled)
    }

    fn settle_network(&mut self, network: Network, minor: i128, currency: Currency) {
        let of = |class| Account::of_network(class, network, currency);
        if minor < 0 {
            self.effects.book(Journal::Settled, of(Class::Liquidity), of(Class::Receivable), minor.saturating_neg());
        } else {
            self.effects.book(Journal::Settled, of(Class::Payable), of(Class::Liquidity), minor);
        }
    }
}
