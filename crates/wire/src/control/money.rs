//! Commands that move money or cycles. Where a command names a break instead of networks, the parties are those of the
//! booking that the break names, and whoever keeps that book completes the command.

use domain::command::{Command, LongOwner};
use domain::ids::{Id, Name, Network};
use domain::money::Amount;
use domain::payment::{Correction, Side, Terms};
use domain::rejection::Quarantine;
use domain::report::{Evidence, Kind, Report, Scan};
use domain::time::{Date, Timestamp};

use super::form::{Form, Formed, malformed};
use super::{Basis, Instruction, v1};
use crate::event;

/// T3a: the silent network's bill row shows its leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompleteFromEvidence {
    /// The payment.
    pub payment: Id,
    /// The refund; `None` for the capture and its reversal.
    pub movement: Option<Id>,
    /// Captured, refunded or reversed.
    pub kind: Kind,
    /// The silent side.
    pub side: Side,
    /// What the row shows, more than zero.
    pub amount: Amount,
    /// The row.
    pub row: Evidence,
    /// The break that it closes.
    pub break_id: Option<Id>,
}

impl CompleteFromEvidence {
    /// The report that the silent network would have sent, to be judged like one. `command_id` stands for its event id,
    /// `at` is when the command was recorded, `business_date` that of the bill file. The payment is known by its `terms`,
    /// so no code, channel or pilot is looked at again.
    #[must_use]
    pub const fn report(&self, command_id: Id, terms: &Terms, at: Timestamp, business_date: Date) -> Report {
        Report {
            event: command_id,
            network: if matches!(self.side, Side::Payee) { terms.payee } else { terms.payer },
            side: self.side,
            payment: self.payment,
            movement: self.movement,
            kind: self.kind,
            payer: terms.payer,
            payee: terms.payee,
            payer_institution: Name::NONE,
            payee_institution: Name::NONE,
            channel: terms.channel,
            scan: Scan::None,
            code: None,
            minor: self.amount.minor(),
            currency: self.amount.currency(),
            evidence: self.row,
            region: Name::NONE,
            cohort: Name::NONE,
            occurred_at: at,
            business_date,
        }
    }
}

/// What becomes of an amount in suspense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LongOutcome {
    /// To the payee's network; which one, when the command says so.
    CreditPayee(Option<Network>),
    /// Back to the payer's network.
    ReturnToPayer,
}

/// J11: an amount leaves suspense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolveLong {
    /// The break under which it is held.
    pub break_id: Id,
    /// To whom it goes.
    pub outcome: LongOutcome,
    /// How much of it.
    pub amount: Amount,
    /// Why.
    pub note: String,
}

impl ResolveLong {
    /// The domain's command, for an amount that `from` paid and that is held for `to`, if that was known. Whether a payee
    /// that the command names may have it is for the domain to say.
    ///
    /// # Errors
    /// When the command names no payee and none was known.
    pub fn command(&self, from: Network, to: Option<Network>) -> Formed<Command> {
        let owner = match self.outcome {
            LongOutcome::ReturnToPayer => LongOwner::Back,
            LongOutcome::CreditPayee(named) => match named.or(to) {
                Some(payee) => LongOwner::Creditor(payee),
                None => return malformed("resolve_long.payee_network", Quarantine::MissingField),
            },
        };
        Ok(Command::ResolveLong { from, to, owner, amount: self.amount })
    }
}

/// J12: an advance ends, by being recovered or written off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShortCleared {
    /// The break under which it was advanced.
    pub break_id: Id,
    /// How much of it.
    pub amount: Amount,
    /// Why.
    pub note: String,
}

impl Form<'_> {
    pub(super) fn confirm_prefund(&self, sent: &v1::ConfirmPrefund) -> Formed<Instruction> {
        let network = self.network("confirm_prefund.network", &sent.network)?;
        let amount = self.amount("confirm_prefund.amount", sent.amount.as_ref())?;
        let basis = self.bank_reference("confirm_prefund.bank_reference", &sent.bank_reference)?;
        Ok(Instruction::Decide { command: Command::ConfirmPrefund { network, amount }, basis })
    }

    pub(super) fn confirm_withdrawal(&self, sent: &v1::ConfirmWithdrawal) -> Formed<Instruction> {
        let network = self.network("confirm_withdrawal.network", &sent.network)?;
        let amount = self.amount("confirm_withdrawal.amount", sent.amount.as_ref())?;
        let basis = self.bank_reference("confirm_withdrawal.bank_reference", &sent.bank_reference)?;
        Ok(Instruction::Decide { command: Command::ConfirmWithdrawal { network, amount }, basis })
    }

    pub(super) fn sweep_fees(&self, sent: &v1::SweepFees) -> Formed<Instruction> {
        let amount = self.amount("sweep_fees.amount", sent.amount.as_ref())?;
        let basis = self.bank_reference("sweep_fees.bank_reference", &sent.bank_reference)?;
        Ok(Instruction::Decide { command: Command::SweepFees(amount), basis })
    }

    fn bank_reference(&self, field: &'static str, text: &str) -> Formed<Basis> {
        self.text(field, text, 64).map(Basis::BankReference)
    }

    pub(super) fn cut_over(&self, sent: &v1::CutOver) -> Formed<Instruction> {
        let cycle = self.cycle("cut_over.cycle", sent.cycle.as_ref())?;
        let network = self.network("cut_over.reporting_network", &sent.reporting_network)?;
        Ok(Instruction::Decide { command: Command::CutOver { network, cycle }, basis: Basis::Nothing })
    }

    pub(super) fn propose_settlement(&self, sent: &v1::ProposeSettlement) -> Formed<Instruction> {
        let cycle = self.cycle("propose_settlement.cycle", sent.cycle.as_ref())?;
        Ok(Instruction::Decide { command: Command::ProposeSettlement(cycle), basis: Basis::Nothing })
    }

    pub(super) fn approve_settlement(&self, sent: &v1::ApproveSettlement) -> Formed<Instruction> {
        let cycle = self.cycle("approve_settlement.cycle", sent.cycle.as_ref())?;
        let digest = self.digest("approve_settlement.digest", &sent.digest)?;
        Ok(Instruction::Decide { command: Command::ApproveSettlement(cycle), basis: Basis::Proposal(digest) })
    }

    pub(super) fn start_settlement(&self, sent: &v1::StartSettlement) -> Formed<Instruction> {
        let cycle = self.cycle("start_settlement.cycle", sent.cycle.as_ref())?;
        Ok(Instruction::Decide { command: Command::StartSettlement(cycle), basis: Basis::Nothing })
    }

    pub(super) fn confirm_instruction(&self, sent: &v1::ConfirmInstruction) -> Formed<Instruction> {
        Ok(Instruction::ConfirmInstruction {
            cycle: self.cycle("confirm_instruction.cycle", sent.cycle.as_ref())?,
            instruction_id: self.text("confirm_instruction.instruction_id", &sent.instruction_id, 35)?,
            bank_reference: self.text("confirm_instruction.bank_reference", &sent.bank_reference, 64)?,
        })
    }

    pub(super) fn reject_instruction(&self, sent: &v1::RejectInstruction) -> Formed<Instruction> {
        Ok(Instruction::RejectInstruction {
            cycle: self.cycle("reject_instruction.cycle", sent.cycle.as_ref())?,
            instruction_id: self.text("reject_instruction.instruction_id", &sent.instruction_id, 35)?,
            bank_reference: self.text_if_any("reject_instruction.bank_reference", &sent.bank_reference, 64)?,
            reason: self.text("reject_instruction.reason", &sent.reason, 200)?,
        })
    }

    pub(super) fn complete_from_evidence(&self, sent: &v1::CompleteFromEvidence) -> Formed<Instruction> {
        let kind: event::v1::Kind = self.choice("complete_from_evidence.kind", sent.kind)?;
        let kind = match kind.domain() {
            Some(kind @ (Kind::Captured | Kind::Refunded | Kind::Reversed)) => kind,
            _ => return malformed("complete_from_evidence.kind", Quarantine::InvalidField),
        };
        let movement = self.id_if_any("complete_from_evidence.movement_id", &sent.movement_id)?;
        match (kind == Kind::Refunded, movement) {
            (true, None) => return malformed("complete_from_evidence.movement_id", Quarantine::MissingField),
            (false, Some(_)) => return malformed("complete_from_evidence.movement_id", Quarantine::InvalidField),
            _ => {}
        }
        Ok(Instruction::CompleteFromEvidence(CompleteFromEvidence {
            payment: self.id("complete_from_evidence.payment_id", &sent.payment_id)?,
            movement,
            kind,
            side: self.one_side("complete_from_evidence.side", sent.side)?,
            amount: self.amount("complete_from_evidence.amount", sent.amount.as_ref())?,
            row: self.bill_row("complete_from_evidence.bill_row", sent.bill_row.as_ref())?,
            break_id: self.id_if_any("complete_from_evidence.break_id", &sent.break_id)?,
        }))
    }

    pub(super) fn hold_long(&self, sent: &v1::HoldLong) -> Formed<Instruction> {
        let from = self.network("hold_long.payer_network", &sent.payer_network)?;
        let to = self.network_if_any("hold_long.payee_network", &sent.payee_network)?;
        let amount = self.amount("hold_long.amount", sent.amount.as_ref())?;
        let id = self.id("hold_long.break_id", &sent.break_id)?;
        let row = Some(self.bill_row("hold_long.bill_row", sent.bill_row.as_ref())?);
        Ok(Instruction::Decide { command: Command::HoldLong { from, to, amount }, basis: Basis::Break { id, row } })
    }

    pub(super) fn resolve_long(&self, sent: &v1::ResolveLong) -> Formed<Instruction> {
        let payee = self.network_if_any("resolve_long.payee_network", &sent.payee_network)?;
        let outcome = match self.choice("resolve_long.outcome", sent.outcome)? {
            v1::LongOutcome::CreditPayee => LongOutcome::CreditPayee(payee),
            v1::LongOutcome::ReturnToPayer => LongOutcome::ReturnToPayer,
            v1::LongOutcome::Unspecified => return malformed("resolve_long.outcome", Quarantine::MissingField),
        };
        Ok(Instruction::ResolveLong(ResolveLong {
            break_id: self.id("resolve_long.break_id", &sent.break_id)?,
            outcome,
            amount: self.amount("resolve_long.amount", sent.amount.as_ref())?,
            note: self.text("resolve_long.note", &sent.note, 500)?,
        }))
    }

    /// The wire names the side that still vouches, the domain the one whose books show nothing.
    pub(super) fn return_to_transit(&self, sent: &v1::ReturnToTransit) -> Formed<Instruction> {
        let unproven = match self.one_side("return_to_transit.vouching_side", sent.vouching_side)? {
            Side::Payee => Side::Payer,
            Side::Payer | Side::Both => Side::Payee,
        };
        let movement = self.id_if_any("return_to_transit.movement_id", &sent.movement_id)?;
        let amount = self.amount("return_to_transit.amount", sent.amount.as_ref())?;
        Ok(Instruction::Correct {
            break_id: self.id("return_to_transit.break_id", &sent.break_id)?,
            payment: self.id("return_to_transit.payment_id", &sent.payment_id)?,
            correction: Correction::ReturnToTransit { movement, unproven, minor: amount.minor() },
            currency: amount.currency(),
        })
    }

    /// The payer's network gets the advance; the payee's, which was credited without proof, is to make good.
    pub(super) fn advance_short(&self, sent: &v1::AdvanceShort) -> Formed<Instruction> {
        let to = self.network("advance_short.payer_network", &sent.payer_network)?;
        let against = self.network("advance_short.payee_network", &sent.payee_network)?;
        let amount = self.amount("advance_short.amount", sent.amount.as_ref())?;
        let basis = Basis::Break { id: self.id("advance_short.break_id", &sent.break_id)?, row: None };
        Ok(Instruction::Decide { command: Command::AdvanceShort { to, against, amount }, basis })
    }

    pub(super) fn recover_short(&self, sent: &v1::RecoverShort) -> Formed<Instruction> {
        Ok(Instruction::RecoverShort(ShortCleared {
            break_id: self.id("recover_short.break_id", &sent.break_id)?,
            amount: self.amount("recover_short.amount", sent.amount.as_ref())?,
            note: self.text("recover_short.note", &sent.note, 500)?,
        }))
    }

    pub(super) fn write_off_short(&self, sent: &v1::WriteOffShort) -> Formed<Instruction> {
        Ok(Instruction::WriteOffShort(ShortCleared {
            break_id: self.id("write_off_short.break_id", &sent.break_id)?,
            amount: self.amount("write_off_short.amount", sent.amount.as_ref())?,
            note: self.text("write_off_short.note", &sent.note, 500)?,
        }))
    }

    /// Whether the difference is small enough is for the domain to say.
    pub(super) fn adjust_fee(&self, sent: &v1::AdjustFee) -> Formed<Instruction> {
        let network = self.network("adjust_fee.network", &sent.network)?;
        let amount = self.amount("adjust_fee.amount", sent.amount.as_ref())?;
        let minor = match self.choice("adjust_fee.adjustment", sent.adjustment)? {
            v1::FeeAdjustment::Charge => amount.minor(),
            v1::FeeAdjustment::Credit => -amount.minor(),
            v1::FeeAdjustment::Unspecified => return malformed("adjust_fee.adjustment", Quarantine::MissingField),
        };
        let basis = Basis::FeeOf {
            payment: self.id("adjust_fee.payment_id", &sent.payment_id)?,
            movement: self.id_if_any("adjust_fee.movement_id", &sent.movement_id)?,
        };
        Ok(Instruction::Decide { command: Command::AdjustFee { network, currency: amount.currency(), minor }, basis })
    }
}
