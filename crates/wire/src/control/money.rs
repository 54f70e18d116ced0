//! Commands that move money or cycles. Where one names a break instead of networks, the parties are those of what is booked
//! because of that break.

use domain::clearing::{LongOutcome, Order};
use domain::command::Command;
use domain::directive::{Action, Completion};
use domain::ids::Id;
use domain::payment::{Correction, Side};
use domain::rejection::Quarantine;
use domain::report::Kind;

use super::form::{Form, Formed, malformed};
use super::{Asked, v1};
use crate::event;

impl Form<'_> {
    pub(super) fn confirm_prefund(&self, sent: &v1::ConfirmPrefund) -> Formed<Asked> {
        let network = self.network("confirm_prefund.network", &sent.network)?;
        let amount = self.amount("confirm_prefund.amount", sent.amount.as_ref())?;
        let command = Command::ConfirmPrefund { network, amount };
        self.booked("confirm_prefund.bank_reference", &sent.bank_reference, command)
    }

    pub(super) fn confirm_withdrawal(&self, sent: &v1::ConfirmWithdrawal) -> Formed<Asked> {
        let network = self.network("confirm_withdrawal.network", &sent.network)?;
        let amount = self.amount("confirm_withdrawal.amount", sent.amount.as_ref())?;
        let command = Command::ConfirmWithdrawal { network, amount };
        self.booked("confirm_withdrawal.bank_reference", &sent.bank_reference, command)
    }

    pub(super) fn sweep_fees(&self, sent: &v1::SweepFees) -> Formed<Asked> {
        let amount = self.amount("sweep_fees.amount", sent.amount.as_ref())?;
        self.booked("sweep_fees.bank_reference", &sent.bank_reference, Command::SweepFees(amount))
    }

    /// A command that reports a booking of the bank.
    fn booked(&self, field: &'static str, reference: &str, command: Command) -> Formed<Asked> {
        let bank_reference = Some(self.text(field, reference, 64)?);
        Ok(Asked { action: Action::Command(command), bank_reference })
    }

    pub(super) fn cut_over(&self, sent: &v1::CutOver) -> Formed<Asked> {
        let cycle = self.cycle("cut_over.cycle", sent.cycle.as_ref())?;
        let network = self.network("cut_over.reporting_network", &sent.reporting_network)?;
        Ok(Command::CutOver { network, cycle }.into())
    }

    pub(super) fn propose_settlement(&self, sent: &v1::ProposeSettlement) -> Formed<Asked> {
        let cycle = self.cycle("propose_settlement.cycle", sent.cycle.as_ref())?;
        Ok(Order::Propose(cycle).into())
    }

    pub(super) fn approve_settlement(&self, sent: &v1::ApproveSettlement) -> Formed<Asked> {
        let cycle = self.cycle("approve_settlement.cycle", sent.cycle.as_ref())?;
        let digest = self.digest("approve_settlement.digest", &sent.digest)?;
        Ok(Order::Approve { cycle, digest }.into())
    }

    pub(super) fn start_settlement(&self, sent: &v1::StartSettlement) -> Formed<Asked> {
        let cycle = self.cycle("start_settlement.cycle", sent.cycle.as_ref())?;
        Ok(Order::Start(cycle).into())
    }

    pub(super) fn confirm_instruction(&self, sent: &v1::ConfirmInstruction) -> Formed<Asked> {
        let order = Order::Confirm {
            cycle: self.cycle("confirm_instruction.cycle", sent.cycle.as_ref())?,
            instruction: self.text("confirm_instruction.instruction_id", &sent.instruction_id, 35)?,
            reference: self.text("confirm_instruction.bank_reference", &sent.bank_reference, 64)?,
        };
        Ok(order.into())
    }

    pub(super) fn reject_instruction(&self, sent: &v1::RejectInstruction) -> Formed<Asked> {
        let order = Order::Reject {
            cycle: self.cycle("reject_instruction.cycle", sent.cycle.as_ref())?,
            instruction: self.text("reject_instruction.instruction_id", &sent.instruction_id, 35)?,
            reference: self.text_if_any("reject_instruction.bank_reference", &sent.bank_reference, 64)?,
            reason: self.text("reject_instruction.reason", &sent.reason, 200)?,
        };
        Ok(order.into())
    }

    /// `command` stands for the event id that the silent network would have given.
    pub(super) fn complete_from_evidence(&self, command: Id, sent: &v1::CompleteFromEvidence) -> Formed<Asked> {
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
        let completion = Completion {
            command,
            payment: self.id("complete_from_evidence.payment_id", &sent.payment_id)?,
            movement,
            kind,
            side: self.one_side("complete_from_evidence.side", sent.side)?,
            amount: self.amount("complete_from_evidence.amount", sent.amount.as_ref())?,
            row: self.bill_row("complete_from_evidence.bill_row", sent.bill_row.as_ref())?,
            ends: self.id_if_any("complete_from_evidence.break_id", &sent.break_id)?,
        };
        Ok(Action::Complete(completion).into())
    }

    pub(super) fn hold_long(&self, sent: &v1::HoldLong) -> Formed<Asked> {
        let from = self.network("hold_long.payer_network", &sent.payer_network)?;
        let to = self.network_if_any("hold_long.payee_network", &sent.payee_network)?;
        let amount = self.amount("hold_long.amount", sent.amount.as_ref())?;
        let id = self.id("hold_long.break_id", &sent.break_id)?;
        let row = self.bill_row("hold_long.bill_row", sent.bill_row.as_ref())?;
        Ok(Order::HoldLong { id, row, from, to, amount }.into())
    }

    pub(super) fn resolve_long(&self, sent: &v1::ResolveLong) -> Formed<Asked> {
        let payee = self.network_if_any("resolve_long.payee_network", &sent.payee_network)?;
        let outcome = match self.choice("resolve_long.outcome", sent.outcome)? {
            v1::LongOutcome::CreditPayee => LongOutcome::CreditPayee(payee),
            v1::LongOutcome::ReturnToPayer => LongOutcome::ReturnToPayer,
            v1::LongOutcome::Unspecified => return malformed("resolve_long.outcome", Quarantine::MissingField),
        };
        let order = Order::ResolveLong {
            id: self.id("resolve_long.break_id", &sent.break_id)?,
            outcome,
            amount: self.amount("resolve_long.amount", sent.amount.as_ref())?,
            note: self.text("resolve_long.note", &sent.note, 500)?,
        };
        Ok(order.into())
    }

    /// The wire names the side that still vouches, the domain the one whose books show nothing.
    pub(super) fn return_to_transit(&self, sent: &v1::ReturnToTransit) -> Formed<Asked> {
        let unproven = match self.one_side("return_to_transit.vouching_side", sent.vouching_side)? {
            Side::Payee => Side::Payer,
            Side::Payer | Side::Both => Side::Payee,
        };
        let movement = self.id_if_any("return_to_transit.movement_id", &sent.movement_id)?;
        let amount = self.amount("return_to_transit.amount", sent.amount.as_ref())?;
        let action = Action::Correct {
            answers: self.id("return_to_transit.break_id", &sent.break_id)?,
            payment: self.id("return_to_transit.payment_id", &sent.payment_id)?,
            correction: Correction::ReturnToTransit { movement, unproven, minor: amount.minor() },
            currency: amount.currency(),
        };
        Ok(action.into())
    }

    /// The payer's network gets the advance; the payee's, which was credited without proof, is to make good.
    pub(super) fn advance_short(&self, sent: &v1::AdvanceShort) -> Formed<Asked> {
        let to = self.network("advance_short.payer_network", &sent.payer_network)?;
        let against = self.network("advance_short.payee_network", &sent.payee_network)?;
        let amount = self.amount("advance_short.amount", sent.amount.as_ref())?;
        let id = self.id("advance_short.break_id", &sent.break_id)?;
        Ok(Order::AdvanceShort { id, to, against, amount }.into())
    }

    pub(super) fn recover_short(&self, sent: &v1::RecoverShort) -> Formed<Asked> {
        let order = Order::RecoverShort {
            id: self.id("recover_short.break_id", &sent.break_id)?,
            amount: self.amount("recover_short.amount", sent.amount.as_ref())?,
            note: self.text("recover_short.note", &sent.note, 500)?,
        };
        Ok(order.into())
    }

    pub(super) fn write_off_short(&self, sent: &v1::WriteOffShort) -> Formed<Asked> {
        let order = Order::WriteOffShort {
            id: self.id("write_off_short.break_id", &sent.break_id)?,
            amount: self.amount("write_off_short.amount", sent.amount.as_ref())?,
            note: self.text("write_off_short.note", &sent.note, 500)?,
        };
        Ok(order.into())
    }

    /// Whether the difference is small enough is for the domain to say.
    pub(super) fn adjust_fee(&self, sent: &v1::AdjustFee) -> Formed<Asked> {
        let network = self.network("adjust_fee.network", &sent.network)?;
        let amount = self.amount("adjust_fee.amount", sent.amount.as_ref())?;
        let minor = match self.choice("adjust_fee.adjustment", sent.adjustment)? {
            v1::FeeAdjustment::Charge => amount.minor(),
            v1::FeeAdjustment::Credit => -amount.minor(),
            v1::FeeAdjustment::Unspecified => return malformed("adjust_fee.adjustment", Quarantine::MissingField),
        };
        let payment = self.id("adjust_fee.payment_id", &sent.payment_id)?;
        self.id_if_any("adjust_fee.movement_id", &sent.movement_id)?;
        let currency = amount.currency();
        Ok(Action::FeeOf(payment, Command::AdjustFee { network, currency, minor }).into())
    }
}
