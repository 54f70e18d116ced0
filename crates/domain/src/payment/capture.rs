//! A capture (T1 to T4, J2, J2', J3). The first leg of either side takes the hold out and stands as a memo; the second
//! books both positions with the fees. A leg that comes after its partner withdrew, or after the hold had ended, is
//! accepted, raises a break and books nothing.

use super::Hold;
use super::case::{Applied, Case, Outcome, Refusal, less};
use super::movement::{Direction, Leg, Movement, Side};
use crate::journal::Journal;
use crate::money::scale_half_up;
use crate::rejection::RejectionCode;
use crate::report::{Evidence, Report};
use crate::state::View;

impl<V: View> Case<'_, V> {
    pub(super) fn capture(&mut self, report: &Report) -> Applied {
        let sides = report.side.indexes();
        if self.next.tombstone.is_some() || sides.iter().any(|&side| self.next.reversal.legs[side] != Leg::Silent) {
            return Err(RejectionCode::OriginalReversed.into());
        }
        let before = self.next.capture;
        let mut after = before;
        self.report_leg(&mut after, report)?;
        self.check_capture_known(report)?;
        let first = self.judge(report)?;
        if before.any_withdrawn() || self.next.hold == Hold::Released {
            stray(&mut after, report);
            self.next.capture = after;
            return Ok(Outcome::Applied);
        }
        if self.next.hold == Hold::Live {
            let held = self.next.authorised.expect("a live hold has an amount");
            self.pair().book_hold(first_leg_of(report.side), -i128::from(held), self.effects);
            self.next.hold = Hold::Captured;
        } else if !before.any_live() {
            self.check_cap(first, report.minor)?;
        }
        after.rebook();
        let booked = if after.single_feed { Journal::CapturedBoth } else { Journal::Completed };
        self.book_capture(after, Journal::Completed, booked, Journal::Fees);
        Ok(Outcome::Applied)
    }

    /// Puts the report's amount on its side or sides; more is added only with evidence.
    pub(super) fn report_leg(&self, movement: &mut Movement, report: &Report) -> Result<(), Refusal> {
        if !movement.any_live() {
            movement.since = self.view.open_cycle(report.currency);
            movement.single_feed = report.side == Side::Both;
        }
        for &side in report.side.indexes() {
            let sum = |minor: i64| minor.checked_add(report.minor).ok_or(Refusal::from(RejectionCode::AmountOverflow));
            movement.legs[side] = match movement.legs[side] {
                Leg::Silent => Leg::Live(report.minor),
                Leg::Withdrawn => return Err(RejectionCode::OriginalReversed.into()),
                Leg::Live(_) | Leg::Stray(_) if report.evidence == Evidence::None => {
                    return Err(RejectionCode::LegAlreadyReported.into());
                }
                Leg::Live(minor) => Leg::Live(sum(minor)?),
                Leg::Stray(minor) => Leg::Stray(sum(minor)?),
            };
        }
        Ok(())
    }

    /// Moves the capture to `after`: memos, positions, and the fees of what is booked, cumulative over its parts so that
    /// they end at the fee of the whole. What is booked less (J12a) also sets the share that refunds gave back.
    pub(super) fn book_capture(&mut self, after: Movement, out: Journal, booked: Journal, fees: Journal) {
        let before = self.next.capture;
        let pair = self.pair();
        pair.book_difference(Direction::Forth, (&before, &after), (out, booked), self.effects);
        if after.booked != before.booked {
            let rule = self.fee_rule();
            let charged = [rule.interchange.of(after.booked), rule.payer.of(after.booked), rule.payee.of(after.booked)];
            let mut returned = self.next.fees_returned;
            let refunded = self.next.refunded();
            if after.booked < before.booked && refunded > 0 {
                returned = charged.map(|fee| scale_half_up(fee, refunded, after.booked));
            }
            let (left, left_before) = (less(charged, returned), less(self.next.fees_charged, self.next.fees_returned));
            pair.book_fees(fees, less(left, left_before), self.effects);
            (self.next.fees_charged, self.next.fees_returned) = (charged, returned);
            self.next.booked_cycle = self.view.open_cycle(pair.currency);
        }
        self.next.capture = after;
    }
}

/// The partner has withdrawn, or the hold had ended: recorded beside what counts.
pub(super) fn stray(movement: &mut Movement, report: &Report) {
    for &side in report.side.indexes() {
        if let Leg::Live(minor) = movement.legs[side] {
            movement.legs[side] = Leg::Stray(minor);
        }
    }
}

const fn first_leg_of(side: Side) -> Journal {
    match side {
        Side::Payer => Journal::FirstLegPayer,
        Side::Payee => Journal::FirstLegPayee,
        Side::Both => Journal::CapturedBoth,
    }
}
