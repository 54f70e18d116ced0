//! The life of one payment.
//!
//! **An obligation between two networks arises once, in one journal, at one sequence number, in one cycle: when the payment
//! is complete.** The first leg is a memo, the second takes the memo out and books both positions and the fees, so every
//! net is zero-sum by construction, whatever the order of legs and cut-offs.
//!
//! State is kept as amounts per movement and side, not as one word, because between networks no order holds: a refund leg
//! of one may come before the capture leg of the other. An event whose predecessor is missing is parked, posts nothing, and
//! is applied by the event that completes it. Predecessors: of a refund, a dispute and its decision the obligation (or the
//! dispute); of a reversal leg the capture leg of the same side; of a void, an expiry or an unknown outcome the
//! authorisation.
//!
//! The verdict (code, corridor, pilot, cap) is given once, on the first request of a payment, and binds every later event.
//! What cycle a payment was netted and settled in follows from the cycle it was booked in and is not kept here: closing a
//! cycle must not touch every payment.
//!
//! This module decides nothing about time-outs: a silent partner is a break after a number of closings ([`overdue`]), and
//! is resolved by evidence, never by time alone.

mod capture;
mod case;
mod correction;
mod dispute;
mod hold;
mod movement;
mod refund;
mod reversal;
mod verdict;

pub use case::{Decision, decide, overdue};
pub use correction::{Correction, correct};
pub use movement::{Leg, Movement, Side};

use crate::break_code::BreakCode;
use crate::ids::{Id, Name, Network, Sequence};
use crate::journal::Break;
use crate::money::Currency;
use crate::rejection::{Rejection, RejectionCode};
use crate::report::{Kind, Report};
use movement::{Direction, Pair};

/// What the first request of a payment settled for its whole life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Whose user pays.
    pub payer: Network,
    /// Whose user is paid.
    pub payee: Network,
    /// Counted in.
    pub currency: Currency,
    /// Channel or [`Name::NONE`].
    pub channel: Name,
    /// From whichever leg names it first.
    pub payer_institution: Name,
    /// From whichever leg names it first.
    pub payee_institution: Name,
    /// The rulebook version whose verdict binds.
    pub rulebook: u32,
    /// The row of that version's matrix.
    pub corridor: u16,
}

impl Terms {
    const fn pair(&self) -> Pair {
        Pair { payer: self.payer, payee: self.payee, currency: self.currency }
    }
}

/// What became of an authorisation's hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hold {
    /// No authorisation yet.
    #[default]
    None,
    /// It counts against the cap.
    Live,
    /// The first capture leg of either side took it out.
    Captured,
    /// Voided or expired without a capture.
    Released,
}

/// One refund of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refund {
    /// The same on both networks' legs.
    pub id: Id,
    /// From payee to payer.
    pub movement: Movement,
}

/// Where a dispute stands, in the payee's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisputeState {
    /// In escrow.
    Open,
    /// The amount went back to the payee.
    Won,
    /// The amount went to the payer.
    Lost,
}

/// One dispute of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dispute {
    /// The case.
    pub id: Id,
    /// Minor units in dispute.
    pub minor: i64,
    /// Where it stands.
    pub state: DisputeState,
}

/// An event whose predecessor is still missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parked {
    /// Its place in the log; parked events are tried in this order.
    pub sequence: Sequence,
    /// The settlement cycle that was open when it came.
    pub since: u32,
    /// The transit limit has passed: it is no longer looked at when a cycle closes, but applied if its predecessor comes.
    /// While no capture leg is known, a refund is an orphan.
    pub orphan: bool,
    /// What it says.
    pub report: Report,
}

/// Interchange, the payer's and the payee's network fee, in minor units.
pub type Fees = [i64; 3];

/// Everything the ledger remembers of one payment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Payment {
    /// Set by the first accepted request.
    pub terms: Option<Terms>,
    /// The verdict that refused the payment, for every later event too.
    pub refused: Option<RejectionCode>,
    /// Minor units authorised.
    pub authorised: Option<i64>,
    /// What became of the hold.
    pub hold: Hold,
    /// Voided or expired with evidence, also when the hold was already out.
    pub voided: bool,
    /// By side: the network does not know the outcome of its request.
    pub outcome_unknown: [bool; 2],
    /// From payer to payee.
    pub capture: Movement,
    /// The capture undone, from payee to payer.
    pub reversal: Movement,
    /// In order of their first leg.
    pub refunds: Vec<Refund>,
    /// In order.
    pub disputes: Vec<Dispute>,
    /// Booked so far.
    pub fees_charged: Fees,
    /// Given back so far.
    pub fees_returned: Fees,
    /// The settlement cycle of the last booking of the capture; 0 before the first.
    pub booked_cycle: u32,
    /// In order of arrival.
    pub parked: Vec<Parked>,
    /// A reversal became an orphan: a later original is refused. Minor units it named.
    pub tombstone: Option<i64>,
}

/// Where a payment stands, in the words of the state machine. Netted and settled are a matter of its cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Only parked events.
    Received,
    /// Refused at its first request.
    Rejected,
    /// A hold stands.
    Authorised,
    /// A network does not know the outcome.
    Unknown,
    /// Given up before capture.
    Voided,
    /// One side has reported the capture.
    InTransit,
    /// Both sides have.
    Captured,
    /// A part went back.
    PartiallyRefunded,
    /// All of it went back.
    Refunded,
    /// Undone, or withdrawn before it was owed.
    Reversed,
    /// In escrow.
    Disputed,
    /// Decided for the payee.
    DisputeWon,
    /// Decided for the payer.
    DisputeLost,
}

impl Status {
    /// The word, as in the rulebook.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Received => "RECEIVED",
            Self::Rejected => "REJECTED",
            Self::Authorised => "AUTHORISED",
            Self::Unknown => "UNKNOWN",
            Self::Voided => "VOIDED",
            Self::InTransit => "IN_TRANSIT",
            Self::Captured => "CAPTURED",
            Self::PartiallyRefunded => "PARTIALLY_REFUNDED",
            Self::Refunded => "REFUNDED",
            Self::Reversed => "REVERSED",
            Self::Disputed => "DISPUTED",
            Self::DisputeWon => "DISPUTE_WON",
            Self::DisputeLost => "DISPUTE_LOST",
        }
    }
}

impl Payment {
    /// Where the payment stands.
    #[must_use]
    pub fn status(&self) -> Status {
        if self.refused.is_some() {
            return Status::Rejected;
        }
        if self.reversal.booked > 0 || (self.capture.any_withdrawn() && !self.capture.any_live()) {
            return Status::Reversed;
        }
        match (self.capture.booked, self.capture.any_live()) {
            (0, true) => Status::InTransit,
            (0, false) => self.status_before_capture(),
            (captured, _) => self.status_after_capture(captured),
        }
    }

    fn status_before_capture(&self) -> Status {
        match self.hold {
            Hold::Live if self.outcome_unknown.contains(&true) => Status::Unknown,
            Hold::Live => Status::Authorised,
            Hold::Released => Status::Voided,
            Hold::None | Hold::Captured => Status::Received,
        }
    }

    fn status_after_capture(&self, captured: i64) -> Status {
        // Of several disputes the one that matters most, so that the word does not depend on their order.
        let any = |state| self.disputes.iter().any(|dispute| dispute.state == state);
        if any(DisputeState::Open) {
            return Status::Disputed;
        }
        if any(DisputeState::Lost) {
            return Status::DisputeLost;
        }
        if any(DisputeState::Won) {
            return Status::DisputeWon;
        }
        match self.refunded() {
            0 => Status::Captured,
            part if part < captured => Status::PartiallyRefunded,
            _ => Status::Refunded,
        }
    }

    /// Refunds booked, minor units.
    #[must_use]
    pub fn refunded(&self) -> i64 {
        self.refunds.iter().fold(0, |sum, refund| sum.saturating_add(refund.movement.booked))
    }

    /// What refunds, a reversal and open or lost disputes claim of the capture, minor units: never more than is booked.
    #[must_use]
    pub fn claimed(&self) -> i64 {
        let refunds = self.refunds.iter().map(|refund| refund.movement.claim());
        let disputes = self.disputes.iter().filter(|d| d.state != DisputeState::Won).map(|d| d.minor);
        refunds.chain(disputes).chain([self.reversal.claim()]).fold(0, i64::saturating_add)
    }

    /// The oldest settlement cycle in which something of this payment began to wait for the other network; `None` when
    /// nothing waits. What waits must be looked at when a cycle closes, and kept at hand until then.
    #[must_use]
    pub fn waiting_since(&self) -> Option<u32> {
        let movements = [&self.capture, &self.reversal].into_iter().chain(self.refunds.iter().map(|r| &r.movement));
        let transit = movements.filter(|m| !m.overdue && m.silent_side().is_some()).map(|m| m.since);
        let parked = self.parked.iter().filter(|p| !p.orphan).map(|p| p.since);
        transit.chain(parked).min()
    }

    /// Whether a leg of one side, proven by a row, would complete a capture, a refund or a reversal (T3a): its partner has
    /// reported more, or its network does not know the outcome of its own request.
    ///
    /// # Errors
    /// [`RejectionCode::LegAlreadyReported`] when that side has reported what there is, else
    /// [`RejectionCode::PaymentUnknown`].
    pub fn check_waits_for(&self, kind: Kind, movement: Option<Id>, side: Side) -> Result<(), RejectionCode> {
        let &[own] = side.indexes() else { return Err(RejectionCode::PaymentUnknown) };
        let completes = match kind {
            // A capture that was only recorded, because its partner was withdrawn, is taken back by its own reversal.
            Kind::Reversed => matches!(self.capture.legs[own], Leg::Stray(_)),
            Kind::Captured => self.capture.legs == [Leg::Silent; 2] && self.outcome_unknown[own],
            _ => false,
        };
        let legs = self.movement_of(kind, movement).legs;
        let (said, partner) = (legs[own].reported(), legs[1 - own].live());
        match said {
            _ if completes || partner > said => Ok(()),
            Some(_) => Err(RejectionCode::LegAlreadyReported),
            None => Err(RejectionCode::PaymentUnknown),
        }
    }

    /// Whether one side has reported more of a capture, a refund or a reversal than the other.
    #[must_use]
    pub fn is_in_transit(&self, kind: Kind, movement: Option<Id>) -> bool {
        let movement = self.movement_of(kind, movement);
        movement.legs.iter().filter_map(|leg| leg.live()).any(|minor| minor > movement.booked)
    }

    fn movement_of(&self, kind: Kind, id: Option<Id>) -> Movement {
        let refund = self.refunds.iter().find(|refund| Some(refund.id) == id).map(|refund| refund.movement);
        match kind {
            Kind::Refunded => refund.unwrap_or_default(),
            Kind::Reversed => self.reversal,
            _ => self.capture,
        }
    }

    /// Every break that the payment's own reports show now.
    #[must_use]
    pub fn breaks(&self) -> Vec<Break> {
        let mut breaks = Vec::new();
        self.capture.breaks(Direction::Forth, None, self.authorised, &mut breaks);
        self.reversal.breaks(Direction::Back, None, None, &mut breaks);
        for refund in &self.refunds {
            refund.movement.breaks(Direction::Back, Some(refund.id), None, &mut breaks);
        }
        // With one leg known, the original's LEG_MISSING stands for what waits for it too.
        let no_leg = self.capture.legs == [Leg::Silent; 2];
        for parked in self.parked.iter().filter(|p| no_leg && p.orphan && p.report.kind == Kind::Refunded) {
            let report = &parked.report;
            let (movement, side, minor) = (report.movement, report.side, report.minor);
            breaks.push(Break { code: BreakCode::RefundOrphan, movement, side, minor });
        }
        if let Some(minor) = self.tombstone {
            breaks.push(Break { code: BreakCode::ReversalOrphan, movement: None, side: Side::Both, minor });
        }
        breaks
    }
}

/// What the ledger answers to a well-formed event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Applied.
    Accepted,
    /// Its predecessor is missing; it waits and has posted nothing.
    WaitingForOriginal,
    /// Not applied, for good.
    Rejected(Rejection),
}

impl Answer {
    /// The stable name: `ACCEPTED`, `WAITING_FOR_ORIGINAL` or the rejection's code.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Accepted => "ACCEPTED",
            Self::WaitingForOriginal => "WAITING_FOR_ORIGINAL",
            Self::Rejected(rejection) => rejection.code().name(),
        }
    }
}
