//! Refunds (J5, J6): new movements from payee to payer, each with its own id and its own two legs. They go against the
//! corridor and are never refused for it, nor for the cap. Refunds with everything else that is claimed never pass what was
//! captured; fees go back in proportion, rounded once on the sum of all refunds.

use super::Refund;
use super::capture::stray;
use super::case::{Applied, Case, Outcome, less};
use super::movement::{Direction, Leg, Movement};
use crate::ids::Id;
use crate::journal::Journal;
use crate::money::scale_half_up;
use crate::rejection::{Rejection, RejectionCode};
use crate::report::{Kind, Report};
use crate::state::View;

impl<V: View> Case<'_, V> {
    pub(super) fn refund(&mut self, report: &Report) -> Applied {
        let claimed = report.minor;
        if self.next.capture.booked == 0 {
            let never = self.next.capture.any_withdrawn();
            return if never {
                Err(Rejection::RefundExceeds { left: 0, claimed }.into())
            } else {
                Ok(Outcome::Waiting)
            };
        }
        let id = report.movement.expect("a whole refund names its movement");
        let known = self.next.refunds.iter().position(|refund| refund.id == id);
        let before = known.map_or_else(Movement::default, |at| self.next.refunds[at].movement);
        let mut after = before;
        self.report_leg(&mut after, report)?;
        if before.any_withdrawn() {
            stray(&mut after, report);
        } else {
            let others = self.next.claimed().saturating_sub(before.claim());
            let left = self.next.capture.booked.saturating_sub(others);
            if after.claim() > left {
                return Err(Rejection::RefundExceeds { left, claimed: after.claim() }.into());
            }
            after.rebook();
        }
        let at = known.unwrap_or_else(|| self.new_refund(id, before));
        let full = after.booked == self.next.capture.booked;
        let journal = if full { Journal::Refunded } else { Journal::PartiallyRefunded };
        self.book_refund(at, after, Journal::Completed, journal);
        Ok(Outcome::Applied)
    }

    fn new_refund(&mut self, id: Id, movement: Movement) -> usize {
        self.next.refunds.push(Refund { id, movement });
        self.next.refunds.len() - 1
    }

    /// Moves a refund to `after`. The fee that goes back is the share of all refunds so far, rounded once on the whole, less
    /// what went back already: never negative, exact at the end.
    pub(super) fn book_refund(&mut self, at: usize, after: Movement, out: Journal, journal: Journal) {
        let before = self.next.refunds[at].movement;
        let pair = self.pair();
        pair.book_difference(Direction::Back, (&before, &after), (out, journal), self.effects);
        self.next.refunds[at].movement = after;
        if after.booked == before.booked {
            return;
        }
        self.next.refunds[at].movement.since = self.view.open_cycle(pair.currency);
        let (refunded, captured) = (self.next.refunded(), self.next.capture.booked);
        let share = |fee: i64| scale_half_up(fee, refunded.min(captured), captured);
        let mut returned = self.next.fees_charged.map(share);
        if after.booked > before.booked {
            for (returned, already) in returned.iter_mut().zip(self.next.fees_returned) {
                *returned = already.max(*returned);
            }
        }
        pair.book_fees(journal, less(self.next.fees_returned, returned), self.effects);
        self.next.fees_returned = returned;
    }

    /// The network that reported a refund takes its leg back; a booked refund stands.
    pub(super) fn withdraw_refund(&mut self, report: &Report, id: Id) -> Applied {
        let Some(at) = self.next.refunds.iter().position(|refund| refund.id == id) else {
            return self.withdraw_parked_refund(report, id);
        };
        let before = self.next.refunds[at].movement;
        if before.booked > 0 {
            return Err(RejectionCode::RefundBooked.into());
        }
        let mut after = before;
        for &side in report.side.indexes() {
            if self.reversible(&before, side, report.minor)?.is_none() {
                return Ok(Outcome::Waiting);
            }
            after.legs[side] = Leg::Withdrawn;
        }
        after.overdue &= after.any_live();
        self.book_refund(at, after, Journal::Withdrawn, Journal::PartiallyRefunded);
        Ok(Outcome::Applied)
    }

    /// A refund leg that still waits for its original is taken back before it was applied: it waits no longer, and a leg
    /// of the partner will stand alone.
    fn withdraw_parked_refund(&mut self, report: &Report, id: Id) -> Applied {
        let waiting = self.next.parked.iter().find(|parked| {
            let waiting = &parked.report;
            (waiting.kind, waiting.movement, waiting.side) == (Kind::Refunded, Some(id), report.side)
        });
        let Some(waiting) = waiting.copied() else { return Ok(Outcome::Waiting) };
        let (reported, reversed) = (waiting.report.minor, report.minor);
        if reported != reversed {
            return Err(Rejection::ReversalAmount { reported, reversed }.into());
        }
        let mut movement = Movement::default();
        for &side in report.side.indexes() {
            movement.legs[side] = Leg::Withdrawn;
        }
        self.new_refund(id, movement);
        self.unpark(waiting.sequence, Ok(()));
        Ok(Outcome::Applied)
    }
}
