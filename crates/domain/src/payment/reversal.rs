//! Reversals (冲正, 撤销; J7, T3b): a side undoes its whole leg. What the partner had not confirmed was never owed and is
//! withdrawn; what is booked goes back in two legs, like a refund, but mirrors all that is left of the fees. Once a refund
//! or a dispute is known there is no reversal any more.

use super::case::{Applied, Case, Outcome, Refusal, less};
use super::movement::{Direction, Leg, Movement};
use super::{DisputeState, Hold};
use crate::journal::Journal;
use crate::rejection::{Rejection, RejectionCode};
use crate::report::{Kind, Report};
use crate::state::View;

impl<V: View> Case<'_, V> {
    pub(super) fn reverse(&mut self, report: &Report) -> Applied {
        for &side in report.side.indexes() {
            if self.next.reversal.legs[side] != Leg::Silent {
                return Err(RejectionCode::LegAlreadyReported.into());
            }
            if self.next.capture.legs[side] == Leg::Silent {
                return Ok(Outcome::Waiting);
            }
        }
        let refund_parked = self.next.parked.iter().any(|parked| parked.report.kind == Kind::Refunded);
        if refund_parked || self.next.refunds.iter().any(|refund| refund.movement.any_live()) {
            return Err(RejectionCode::ReversalAfterRefund.into());
        }
        if self.next.disputes.iter().any(|dispute| dispute.state != DisputeState::Won) {
            return Err(RejectionCode::ReversalAfterDispute.into());
        }
        let (before, mut capture, mut reversal) = (self.next.capture, self.next.capture, self.next.reversal);
        for &side in report.side.indexes() {
            self.reversible(&before, side, report.minor)?;
            let booked = before.booked > 0 && before.legs[side].live().is_some();
            if booked && !reversal.any_live() {
                reversal.since = self.view.open_cycle(report.currency);
            }
            // What the partner had not confirmed is withdrawn with the leg; what is booked goes back in two legs.
            capture.legs[side] = if booked { Leg::Live(before.booked) } else { Leg::Withdrawn };
            reversal.legs[side] = if booked { Leg::Live(before.booked) } else { Leg::Silent };
        }
        self.book_capture(capture, Journal::Withdrawn, Journal::Withdrawn, Journal::Withdrawn);
        self.book_reversal(reversal);
        self.restore_hold(before);
        Ok(Outcome::Applied)
    }

    /// What `side` reported and may take back, `None` while it has reported nothing.
    pub(super) fn reversible(&self, movement: &Movement, side: usize, reversed: i64) -> Result<Option<i64>, Refusal> {
        match movement.legs[side] {
            Leg::Silent => Ok(None),
            Leg::Withdrawn => Err(RejectionCode::LegAlreadyReported.into()),
            Leg::Live(reported) | Leg::Stray(reported) if reported == reversed => Ok(Some(reported)),
            Leg::Live(reported) | Leg::Stray(reported) => Err(Rejection::ReversalAmount { reported, reversed }.into()),
        }
    }

    /// Both legs of a reversal mirror positions and fees of the original; a hold does not come back.
    fn book_reversal(&mut self, mut after: Movement) {
        after.rebook();
        let before = self.next.reversal;
        let pair = self.pair();
        pair.book_difference(Direction::Back, (&before, &after), (Journal::Completed, Journal::Reversed), self.effects);
        if after.booked > before.booked {
            let left = less(self.next.fees_returned, self.next.fees_charged);
            pair.book_fees(Journal::Reversed, left, self.effects);
            self.next.fees_returned = self.next.fees_charged;
        }
        self.next.reversal = after;
    }

    /// T3b: a withdrawn first leg was never owed, so the hold it took out comes back, unless it was voided too.
    fn restore_hold(&mut self, before: Movement) {
        let withdrawn = before.booked == 0 && before.any_live() && !self.next.capture.any_live();
        if let (true, false, Hold::Captured, Some(minor)) =
            (withdrawn, self.next.voided, self.next.hold, self.next.authorised)
        {
            self.pair().book_hold(Journal::Withdrawn, i128::from(minor), self.effects);
            self.next.hold = Hold::Live;
        }
    }
}
