//! One event against one payment: every rule of the life of a payment, one function a kind.

use super::movement::{Direction, Leg, Movement, Pair, Side};
use super::{Answer, Dispute, DisputeState, Fees, Hold, Parked, Payment, Refund, Terms};
use crate::ids::{Id, Name, Sequence};
use crate::journal::{Dimensions, Effects, Journal};
use crate::money::scale_half_up;
use crate::rejection::{Rejection, RejectionCode};
use crate::report::{Evidence, Kind, Report, Scan};
use crate::rulebook::{Access, FeeRule};
use crate::state::View;

/// The answer to an event and what the payment is afterwards, when it changed. What is booked is in the effects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What the reporter is told.
    pub answer: Answer,
    /// The payment's next state.
    pub payment: Option<Payment>,
}

/// Judges `report`, which stands at `sequence`, against a payment. Total: every report gets an answer, and a refused one
/// leaves nothing in `effects` beyond the answers of events it condemned with it.
pub fn decide(
    view: &impl View,
    before: &Payment,
    report: &Report,
    sequence: Sequence,
    effects: &mut Effects,
) -> Decision {
    effects.clear();
    if let Some(code) = before.refused {
        return Decision { answer: Answer::Rejected(code.into()), payment: None };
    }
    let mut case = Case { view, next: before.clone(), effects };
    match case.apply(report) {
        Ok(Outcome::Applied) => {
            case.apply_parked();
            let next = case.finish(before);
            Decision { answer: Answer::Accepted, payment: Some(next) }
        }
        Ok(Outcome::Waiting) => {
            let since = view.open_cycle(report.currency);
            case.next.parked.push(Parked { sequence, since, orphan: false, report: *report });
            Decision { answer: Answer::WaitingForOriginal, payment: Some(case.next) }
        }
        Err(Refusal::Event(rejection)) => {
            effects.clear();
            Decision { answer: Answer::Rejected(rejection), payment: None }
        }
        Err(Refusal::Payment(rejection)) => {
            effects.clear();
            let parked = before.parked.iter().map(|parked| (parked.sequence, Err(rejection.code())));
            effects.unparked.extend(parked);
            let refused = Payment { refused: Some(rejection.code()), ..Payment::default() };
            Decision { answer: Answer::Rejected(rejection), payment: Some(refused) }
        }
    }
}

/// Looks at a waiting payment when the cycle numbered `closing` closes: a leg whose partner is still silent becomes
/// LEG_MISSING, a parked refund or reversal without any capture leg an orphan. Nothing is booked, and a memo keeps counting
/// against the cap. `None` when nothing is due.
pub fn overdue(view: &impl View, before: &Payment, closing: u32, effects: &mut Effects) -> Option<Payment> {
    effects.clear();
    let limit = view.rules().current().transit_limit;
    let due = |since: u32| since.saturating_add(limit) <= closing.saturating_add(1);
    let mut case = Case { view, next: before.clone(), effects };
    let next = &mut case.next;
    let movements = [&mut next.capture, &mut next.reversal].into_iter();
    for movement in movements.chain(next.refunds.iter_mut().map(|refund| &mut refund.movement)) {
        movement.overdue |= movement.silent_side().is_some() && due(movement.since);
    }
    if next.capture.legs == [Leg::Silent; 2] {
        let (due_now, waiting) = next.parked.iter().partition::<Vec<Parked>, _>(|parked| due(parked.since));
        next.tombstone =
            next.tombstone.or(due_now.iter().find(|p| p.report.kind == Kind::Reversed).map(|p| p.report.minor));
        let kept =
            due_now.into_iter().filter(|p| p.report.kind != Kind::Reversed).map(|p| Parked { orphan: true, ..p });
        next.parked = kept.chain(waiting).collect();
        next.parked.sort_by_key(|parked| parked.sequence);
    }
    let next = case.finish(before);
    (next != *before).then_some(next)
}

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
/// [`RejectionCode::PaymentUnknown`] when nothing stands that it could change.
pub fn correct(
    view: &impl View,
    before: &Payment,
    correction: Correction,
    effects: &mut Effects,
) -> Result<Payment, RejectionCode> {
    effects.clear();
    let mut case = Case { view, next: before.clone(), effects };
    let corrected = match correction {
        Correction::ReturnToTransit { movement, unproven, minor } => case.return_to_transit(movement, unproven, minor),
        Correction::WithdrawRest { movement, side } => case.withdraw_rest(movement, side),
    };
    match corrected {
        Some(()) => Ok(case.finish(before)),
        None => {
            effects.clear();
            Err(RejectionCode::PaymentUnknown)
        }
    }
}

enum Outcome {
    Applied,
    Waiting,
}

/// Whether a refusal binds the payment or only this event.
enum Refusal {
    Payment(Rejection),
    Event(Rejection),
}

impl From<RejectionCode> for Refusal {
    fn from(code: RejectionCode) -> Self {
        Self::Event(code.into())
    }
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        Self::Event(rejection)
    }
}

type Applied = Result<Outcome, Refusal>;

struct Case<'a, V> {
    view: &'a V,
    next: Payment,
    effects: &'a mut Effects,
}

impl<V: View> Case<'_, V> {
    fn apply(&mut self, report: &Report) -> Applied {
        self.check_terms(report)?;
        match report.kind {
            Kind::Authorised => self.authorise(report),
            Kind::Captured => self.capture(report),
            Kind::Voided | Kind::Expired | Kind::UnknownOutcome => self.end_hold(report),
            Kind::Refunded => self.refund(report),
            Kind::Reversed => match report.movement {
                Some(refund) => self.withdraw_refund(report, refund),
                None => self.reverse(report),
            },
            Kind::Disputed => self.dispute(report),
            Kind::DisputeWon => self.decide_dispute(report, DisputeState::Won),
            Kind::DisputeLost => self.decide_dispute(report, DisputeState::Lost),
        }
    }

    /// Tries parked events in the order they came until none of them moves any more.
    fn apply_parked(&mut self) {
        let mut at = 0;
        while let Some(parked) = self.next.parked.get(at).copied() {
            let (mark, undo) = (self.effects.entries.len(), self.next.clone());
            let answer = match self.apply(&parked.report) {
                Ok(Outcome::Waiting) => {
                    at += 1;
                    continue;
                }
                Ok(Outcome::Applied) => Ok(()),
                Err(Refusal::Event(rejection) | Refusal::Payment(rejection)) => {
                    self.effects.entries.truncate(mark);
                    self.next = undo;
                    Err(rejection.code())
                }
            };
            self.next.parked.retain(|other| other.sequence != parked.sequence);
            self.effects.unparked.push((parked.sequence, answer));
            at = 0;
        }
    }

    /// What changed in the breaks, and whose institutions the postings belong to.
    fn finish(self, before: &Payment) -> Payment {
        let (was, is) = (before.breaks(), self.next.breaks());
        self.effects.raised.extend(is.iter().filter(|b| !was.contains(b)));
        self.effects.resolved.extend(was.iter().filter(|b| !is.contains(b)));
        self.effects.dimensions = self.next.terms.map(|terms| Dimensions {
            payer: terms.payer,
            payer_institution: terms.payer_institution,
            payee_institution: terms.payee_institution,
        });
        self.next
    }

    // ---- the verdict ----

    fn check_terms(&mut self, report: &Report) -> Result<(), Refusal> {
        let Some(terms) = &mut self.next.terms else { return Ok(()) };
        if (terms.payer, terms.payee, terms.currency) != (report.payer, report.payee, report.currency) {
            return Err(RejectionCode::PaymentMismatch.into());
        }
        let learn = |known: &mut Name, said: Name| *known = if known.is_none() { said } else { *known };
        learn(&mut terms.payer_institution, report.payer_institution);
        learn(&mut terms.payee_institution, report.payee_institution);
        Ok(())
    }

    /// Gives the verdict of a first request, the cap aside: sets the terms. Whether they are new decides if a cap that is
    /// passed refuses the payment or only the event.
    fn judge(&mut self, report: &Report) -> Result<bool, Refusal> {
        if self.next.terms.is_some() {
            return Ok(false);
        }
        let refuse = |code: RejectionCode| Err(Refusal::Payment(code.into()));
        if report.scan != Scan::None && report.code.is_none() {
            return refuse(RejectionCode::UnrecognisedCode);
        }
        let rules = self.view.rules().in_force(report.occurred_at);
        let row = rules.corridor(report.payer, report.payee, report.channel, report.occurred_at);
        let open = row.filter(|(_, corridor)| corridor.access != Access::Closed);
        let Some((index, corridor)) = open else {
            let through_channel = !report.channel.is_none();
            return refuse(if through_channel { RejectionCode::ChannelClosed } else { RejectionCode::CorridorClosed });
        };
        if let Access::Pilot { cohorts, regions } = &corridor.access {
            let admitted = cohorts.contains(&report.cohort) || regions.contains(&report.region);
            if !admitted {
                return refuse(RejectionCode::PilotNotAdmitted);
            }
        }
        self.next.terms = Some(Terms {
            payer: report.payer,
            payee: report.payee,
            currency: report.currency,
            channel: report.channel,
            payer_institution: report.payer_institution,
            payee_institution: report.payee_institution,
            rulebook: rules.version,
            corridor: index,
        });
        Ok(true)
    }

    /// Whether `minor` more may count against the payer network's cap and liquidity.
    fn check_cap(&self, first: bool, minor: i64) -> Result<(), Refusal> {
        let Pair { payer, currency, .. } = self.pair();
        let exposure = self.view.exposure(payer, currency).saturating_add(i128::from(minor));
        let limit = self.view.exposure_limit(payer, currency);
        if exposure <= limit {
            return Ok(());
        }
        let rejection = Rejection::NetDebitCapExceeded { limit, exposure, currency };
        Err(if first { Refusal::Payment(rejection) } else { Refusal::Event(rejection) })
    }

    fn pair(&self) -> Pair {
        self.next.terms.as_ref().expect("terms are set before anything is booked").pair()
    }

    fn fee_rule(&self) -> FeeRule {
        let terms = self.next.terms.as_ref().expect("terms are set before anything is booked");
        let version = self.view.rules().version(terms.rulebook).expect("terms name a version that was loaded");
        version.corridors[usize::from(terms.corridor)].fees
    }

    // ---- authorisation and its end ----

    fn authorise(&mut self, report: &Report) -> Applied {
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

    /// Voided, expired, unknown. An expiry without evidence is only an unknown outcome: the hold stays.
    fn end_hold(&mut self, report: &Report) -> Applied {
        let Some(authorised) = self.next.authorised else { return Ok(Outcome::Waiting) };
        if report.minor != 0 && report.minor != authorised {
            return Err(RejectionCode::PaymentMismatch.into());
        }
        let proven = report.evidence != Evidence::None;
        if report.kind != Kind::UnknownOutcome {
            self.check_outcome_known(report)?;
        }
        if report.kind == Kind::UnknownOutcome || (report.kind == Kind::Expired && !proven) {
            for &side in report.side.indexes() {
                self.next.outcome_unknown[side] |= self.next.capture.legs[side] == Leg::Silent;
            }
            return Ok(Outcome::Applied);
        }
        self.next.voided = true;
        if self.next.hold == Hold::Live {
            self.pair().book_hold(Journal::HoldReleased, -i128::from(authorised), self.effects);
            self.next.hold = Hold::Released;
        }
        Ok(Outcome::Applied)
    }

    fn check_outcome_known(&self, report: &Report) -> Result<(), Refusal> {
        let unknown = report.side.indexes().iter().any(|&side| self.next.outcome_unknown[side]);
        if unknown && report.evidence == Evidence::None { Err(RejectionCode::EvidenceRequired.into()) } else { Ok(()) }
    }

    // ---- capture ----

    fn capture(&mut self, report: &Report) -> Applied {
        if self.next.tombstone.is_some() {
            return Err(RejectionCode::OriginalReversed.into());
        }
        for &side in report.side.indexes() {
            if self.next.reversal.legs[side] != Leg::Silent {
                return Err(RejectionCode::OriginalReversed.into());
            }
        }
        let before = self.next.capture;
        let mut after = before;
        self.report_leg(&mut after, report)?;
        self.check_outcome_known(report)?;
        let first = self.judge(report)?;
        if before.any_withdrawn() || self.next.hold == Hold::Released {
            self.stray(&mut after, report);
            self.next.capture = after;
            return Ok(Outcome::Applied);
        }
        if self.next.hold == Hold::Live {
            let held = self.next.authorised.expect("a live hold has an amount");
            self.pair().book_hold(Journal::FirstLegPayer, -i128::from(held), self.effects);
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
    fn report_leg(&self, movement: &mut Movement, report: &Report) -> Result<(), Refusal> {
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

    /// The partner has withdrawn, or the hold had ended: the report is accepted, raises a break and books nothing.
    fn stray(&self, movement: &mut Movement, report: &Report) {
        for &side in report.side.indexes() {
            if let Leg::Live(minor) = movement.legs[side] {
                movement.legs[side] = Leg::Stray(minor);
            }
        }
    }

    /// Moves the capture to `after`: memos, positions, and the fees of what is booked, cumulative over its parts so that
    /// they end at the fee of the whole.
    fn book_capture(&mut self, after: Movement, out: Journal, booked: Journal, fees: Journal) {
        let before = self.next.capture;
        let pair = self.pair();
        pair.book_difference(Direction::Forth, (&before, &after), (out, booked), self.effects);
        if after.booked != before.booked {
            let rule = self.fee_rule();
            let charged = [rule.interchange.of(after.booked), rule.payer.of(after.booked), rule.payee.of(after.booked)];
            pair.book_fees(fees, less(charged, self.next.fees_charged), self.effects);
            self.next.fees_charged = charged;
            self.next.booked_cycle = self.view.open_cycle(pair.currency);
        }
        self.next.capture = after;
    }

    // ---- refunds ----

    fn refund(&mut self, report: &Report) -> Applied {
        let claimed = report.minor;
        if self.next.capture.booked == 0 {
            let never = self.next.capture.any_withdrawn();
            return if never {
                Err(Rejection::RefundExceeds { left: 0, claimed }.into())
            } else {
                Ok(Outcome::Waiting)
            };
        }
        let id = report.movement.expect("a refund names its movement: checked at the door");
        let known = self.next.refunds.iter().position(|refund| refund.id == id);
        let before = known.map_or_else(Movement::default, |at| self.next.refunds[at].movement);
        let mut after = before;
        self.report_leg(&mut after, report)?;
        if before.any_withdrawn() {
            self.stray(&mut after, report);
        } else {
            let others = self.next.claimed().saturating_sub(before.claim());
            let left = self.next.capture.booked.saturating_sub(others);
            if after.claim() > left {
                return Err(Rejection::RefundExceeds { left, claimed: after.claim() }.into());
            }
            after.rebook();
        }
        let at = known.unwrap_or_else(|| {
            self.next.refunds.push(Refund { id, movement: before });
            self.next.refunds.len() - 1
        });
        let full = after.booked == self.next.capture.booked;
        let journal = if full { Journal::Refunded } else { Journal::PartiallyRefunded };
        self.book_refund(at, after, Journal::Completed, journal);
        Ok(Outcome::Applied)
    }

    /// Moves a refund to `after`. The fee that goes back is the share of all refunds so far, rounded once on the whole, less
    /// what went back already: never negative, exact at the end.
    fn book_refund(&mut self, at: usize, after: Movement, out: Journal, journal: Journal) {
        let before = self.next.refunds[at].movement;
        let pair = self.pair();
        pair.book_difference(Direction::Back, (&before, &after), (out, journal), self.effects);
        self.next.refunds[at].movement = after;
        if after.booked == before.booked {
            return;
        }
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
    fn withdraw_refund(&mut self, report: &Report, id: Id) -> Applied {
        let Some(at) = self.next.refunds.iter().position(|refund| refund.id == id) else { return Ok(Outcome::Waiting) };
        let before = self.next.refunds[at].movement;
        if before.booked > 0 {
            return Err(RejectionCode::RefundBooked.into());
        }
        let mut after = before;
        for &side in report.side.indexes() {
            let Some(reported) = self.reversible(&before, side, report.minor)? else { return Ok(Outcome::Waiting) };
            debug_assert!(reported == report.minor);
            after.legs[side] = Leg::Withdrawn;
        }
        after.overdue &= after.any_live();
        self.book_refund(at, after, Journal::Withdrawn, Journal::PartiallyRefunded);
        Ok(Outcome::Applied)
    }

    // ---- reversal ----

    fn reverse(&mut self, report: &Report) -> Applied {
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
    fn reversible(&self, movement: &Movement, side: usize, reversed: i64) -> Result<Option<i64>, Refusal> {
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

    // ---- disputes ----

    fn dispute(&mut self, report: &Report) -> Applied {
        let claimed = report.minor;
        if self.next.capture.booked == 0 {
            let never = self.next.capture.any_withdrawn();
            return if never {
                Err(Rejection::DisputeExceeds { left: 0, claimed }.into())
            } else {
                Ok(Outcome::Waiting)
            };
        }
        let id = report.movement.expect("a dispute names its case: checked at the door");
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

    fn decide_dispute(&mut self, report: &Report, state: DisputeState) -> Applied {
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

    // ---- corrections ----

    fn return_to_transit(&mut self, movement: Option<Id>, unproven: Side, minor: i64) -> Option<()> {
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
        after.rebook();
        self.move_to(at, after, Journal::ReturnedToTransit);
        Some(())
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

/// `a - b`, fee by fee.
fn less(a: Fees, b: Fees) -> Fees {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}
