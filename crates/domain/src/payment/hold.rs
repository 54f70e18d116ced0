//! An authorisation and its end (J1, J4). The hold counts against the payer network's cap until the first capture leg of
//! either side, a void, or an expiry that is proven takes it out. An expiry without evidence is only an unknown outcome:
//! never is it decided by time alone that no money moved.

use super::Hold;
use super::case::{Applied, Case, Outcome, Refusal};
use super::movement::Leg;
use crate::journal::Journal;
use crate::rejection::RejectionCode;
use crate::report::{Evidence, Kind, Report};
use crate::state::View;

impl<V: View> Case<'_, V> {
    pub(super) fn authorise(&mut self, report: &Report) -> Applied {
        if self.next.tombstone.is_some() {
            return Err(RejectionCode::OriginalReversed.into());
        }
        if self.next.authorised.is_some() {
            return Err(RejectionCode::LegAlreadyReported.into());
        }
        let first = self.judge(report)?;
        if self.next.capture.any_live() {
            self.next.hold = Hold::Captured;
        } else {
            self.check_cap(first, report.minor)?;
            self.pair().book_hold(Journal::Authorised, i128::from(report.minor), self.effects);
            self.next.hold = Hold::Live;
        }
        self.next.authorised = Some(report.minor);
        Ok(Outcome::Applied)
    }

    /// Voided, expired, unknown.
    pub(super) fn end_hold(&mut self, report: &Report) -> Applied {
        let Some(authorised) = self.next.authorised else { return Ok(Outcome::Waiting) };
        if report.minor != 0 && report.minor != authorised {
            return Err(RejectionCode::PaymentMismatch.into());
        }
        if leaves_outcome_unknown(report) {
            if report.kind == Kind::Expired {
                self.check_outcome_known(report)?;
            }
            for &side in report.side.indexes() {
                self.next.outcome_unknown[side] |= self.next.capture.legs[side] == Leg::Silent;
            }
            return Ok(Outcome::Applied);
        }
        self.check_outcome_known(report)?;
        self.next.voided = true;
        if self.next.hold == Hold::Live {
            self.pair().book_hold(Journal::HoldReleased, -i128::from(authorised), self.effects);
            self.next.hold = Hold::Released;
        }
        Ok(Outcome::Applied)
    }

    /// After an unknown outcome its network must bring evidence.
    fn check_outcome_known(&self, report: &Report) -> Result<(), Refusal> {
        let unknown = report.side.indexes().iter().any(|&side| self.next.outcome_unknown[side]);
        if unknown && report.evidence == Evidence::None { Err(RejectionCode::EvidenceRequired.into()) } else { Ok(()) }
    }

    /// The same for a capture, which may come before the authorisation: an unknown outcome that waits for it counts.
    pub(super) fn check_capture_known(&self, report: &Report) -> Result<(), Refusal> {
        self.check_outcome_known(report)?;
        let waiting =
            self.next.parked.iter().map(|parked| &parked.report).filter(|parked| leaves_outcome_unknown(parked));
        let sides = waiting.flat_map(|parked| parked.side.indexes());
        let unknown = sides.into_iter().any(|side| report.side.indexes().contains(side));
        if unknown && report.evidence == Evidence::None { Err(RejectionCode::EvidenceRequired.into()) } else { Ok(()) }
    }
}

fn leaves_outcome_unknown(report: &Report) -> bool {
    report.kind == Kind::UnknownOutcome || (report.kind == Kind::Expired && report.evidence == Evidence::None)
}
