//! Corrections of one payment that a file or a query proves (J12a, the rest of T2d). A correction is a new journal; what was
//! booked before is not touched. Not decided here: whether the proof is good, and the corrections that name no payment
//! (`crate::command`).

use super::Payment;
use super::case::Case;
use super::movement::{Leg, Movement, Side};
use crate::cycle::CycleId;
use crate::ids::Id;
use crate::journal::{Effects, Journal};
use crate::rejection::RejectionCode;
use crate::state::View;

/// A correction that a file or a query proves, made by the operator and not by a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Correction {
    /// J12a: `minor` of what is booked is not proven by `unproven`; it goes back into transit and `unproven`'s leg is
    /// lowered by as much.
    ReturnToTransit {
        /// A refund, or the capture.
        movement: Option<Id>,
        /// The side whose books do not show it.
        unproven: Side,
        /// Minor units.
        minor: i64,
    },
    /// T2d: what `side` reported beyond its partner is withdrawn.
    WithdrawRest {
        /// A refund, or the capture.
        movement: Option<Id>,
        /// The side that reported more.
        side: Side,
    },
}

/// Applies a correction.
///
/// # Errors
/// [`RejectionCode::PaymentUnknown`] when nothing stands that it could change, [`RejectionCode::CycleSettled`] when the
/// money has moved already (J12 then).
pub fn correct(
    view: &impl View,
    before: &Payment,
    correction: Correction,
    effects: &mut Effects,
) -> Result<Payment, RejectionCode> {
    effects.clear();
    let mut case = Case { view, next: before.clone(), effects };
    match correction {
        Correction::ReturnToTransit { movement, unproven, minor } => {
            case.return_to_transit(movement, unproven, minor)?;
        }
        Correction::WithdrawRest { movement, side } => {
            case.withdraw_rest(movement, side).ok_or(RejectionCode::PaymentUnknown)?;
        }
    }
    Ok(case.finish(before))
}

impl<V: View> Case<'_, V> {
    fn return_to_transit(&mut self, movement: Option<Id>, unproven: Side, minor: i64) -> Result<(), RejectionCode> {
        let (at, after, cycle) = self.returned(movement, unproven, minor).ok_or(RejectionCode::PaymentUnknown)?;
        if self.view.is_settled(CycleId { currency: self.pair().currency, number: cycle }) {
            return Err(RejectionCode::CycleSettled);
        }
        self.move_to(at, after, Journal::ReturnedToTransit);
        Ok(())
    }

    /// The movement without what is not proven, and the cycle it was booked in.
    fn returned(&self, movement: Option<Id>, unproven: Side, minor: i64) -> Option<(Option<usize>, Movement, u32)> {
        let at = self.locate(movement)?;
        let mut after = *self.movement(at);
        let &[side] = unproven.indexes() else { return None };
        let reported = after.legs[side].live()?;
        if minor <= 0 || minor > after.booked || self.claims_would_exceed(at, minor) {
            return None;
        }
        // A leg of nothing is a silent one: the proof may still come as that network's own report.
        after.legs[side] = if minor == reported { Leg::Silent } else { Leg::Live(reported - minor) };
        after.since = self.view.open_cycle(self.pair().currency);
        (after.overdue, after.single_feed) = (false, false);
        after.rebook();
        let booked_cycle = at.map_or(self.next.booked_cycle, |at| self.next.refunds[at].movement.since);
        Some((at, after, booked_cycle))
    }

    fn withdraw_rest(&mut self, movement: Option<Id>, side: Side) -> Option<()> {
        let at = self.locate(movement)?;
        let mut after = *self.movement(at);
        let &[side] = side.indexes() else { return None };
        let rest = after.legs[side].live()? - after.booked;
        if rest <= 0 || after.booked == 0 {
            return None;
        }
        after.legs[side] = Leg::Live(after.booked);
        self.move_to(at, after, Journal::Withdrawn);
        Some(())
    }

    /// A refund's place, or `None` inside for the capture.
    fn locate(&self, movement: Option<Id>) -> Option<Option<usize>> {
        match movement {
            None => self.next.terms.map(|_| None),
            Some(id) => self.next.refunds.iter().position(|refund| refund.id == id).map(Some),
        }
    }

    fn movement(&self, at: Option<usize>) -> &Movement {
        at.map_or(&self.next.capture, |at| &self.next.refunds[at].movement)
    }

    fn move_to(&mut self, at: Option<usize>, after: Movement, journal: Journal) {
        match at {
            None => self.book_capture(after, journal, journal, journal),
            Some(at) => self.book_refund(at, after, journal, journal),
        }
    }

    fn claims_would_exceed(&self, at: Option<usize>, minor: i64) -> bool {
        at.is_none() && self.next.claimed() > self.next.capture.booked.saturating_sub(minor)
    }
}
