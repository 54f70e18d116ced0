//! Disputes (退单; J8). One network opens a case over at most what is left of the capture; the amount goes from the payee's
//! position into escrow, and to whoever wins. Won and lost are the payee's words.

use super::case::{Applied, Case, Outcome};
use super::{Dispute, DisputeState};
use crate::rejection::{Rejection, RejectionCode};
use crate::report::Report;
use crate::state::View;

impl<V: View> Case<'_, V> {
    pub(super) fn dispute(&mut self, report: &Report) -> Applied {
        let claimed = report.minor;
        if self.next.capture.booked == 0 {
            let never = self.next.capture.any_withdrawn();
            return if never {
                Err(Rejection::DisputeExceeds { left: 0, claimed }.into())
            } else {
                Ok(Outcome::Waiting)
            };
        }
        let id = report.movement.expect("a whole dispute names its case");
        if self.next.disputes.iter().any(|dispute| dispute.id == id) {
            return Err(RejectionCode::LegAlreadyReported.into());
        }
        let left = self.next.capture.booked.saturating_sub(self.next.claimed());
        if claimed > left {
            return Err(Rejection::DisputeExceeds { left, claimed }.into());
        }
        self.pair().book_dispute(claimed, self.effects);
        self.next.disputes.push(Dispute { id, minor: claimed, state: DisputeState::Open });
        Ok(Outcome::Applied)
    }

    pub(super) fn decide_dispute(&mut self, report: &Report, state: DisputeState) -> Applied {
        let Some(at) = self.next.disputes.iter().position(|dispute| Some(dispute.id) == report.movement) else {
            return Ok(Outcome::Waiting);
        };
        let dispute = self.next.disputes[at];
        if dispute.state != DisputeState::Open {
            return Err(RejectionCode::LegAlreadyReported.into());
        }
        if dispute.minor != report.minor {
            return Err(RejectionCode::PaymentMismatch.into());
        }
        self.pair().book_dispute_decided(state == DisputeState::Won, dispute.minor, self.effects);
        self.next.disputes[at].state = state;
        Ok(Outcome::Applied)
    }
}
