//! One event against one payment. What a kind of event does is in the module of its name; here is what they share: the
//! terms are compared, a missing predecessor parks the event, and an applied one is followed by those that waited for it.
//!
//! Every rule checks before it books, so a refusal has changed nothing.

use super::movement::{Leg, Pair};
use super::{Answer, DisputeState, Fees, Parked, Payment};
use crate::ids::{Name, Sequence};
use crate::journal::{Dimensions, Effects};
use crate::money::Currency;
use crate::rejection::{Rejection, RejectionCode};
use crate::report::{Kind, Report};
use crate::rulebook::FeeRule;
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

/// Looks at a waiting payment after the cycle numbered `closing` was closed: a leg whose partner is still silent becomes
/// LEG_MISSING, a parked refund or reversal without any capture leg an orphan. Only closings of the payment's own currency
/// count: for any other, nothing is due that was not due before. Nothing is booked, and a memo keeps counting against the
/// cap. `None` when nothing is due.
pub fn overdue(view: &impl View, before: &Payment, closing: u32, effects: &mut Effects) -> Option<Payment> {
    effects.clear();
    let limit = view.rules().current().transit_limit;
    let due = |since: u32, currency: Currency| {
        let open = view.open_cycle(currency).min(closing.saturating_add(1));
        since.saturating_add(limit) <= open
    };
    let mut case = Case { view, next: before.clone(), effects };
    let next = &mut case.next;
    if let Some(currency) = next.terms.map(|terms| terms.currency) {
        let movements = [&mut next.capture, &mut next.reversal].into_iter();
        for movement in movements.chain(next.refunds.iter_mut().map(|refund| &mut refund.movement)) {
            movement.overdue |= movement.silent_side().is_some() && due(movement.since, currency);
        }
    }
    let waiting = next.parked.iter_mut().filter(|parked| due(parked.since, parked.report.currency));
    waiting.for_each(|parked| parked.orphan = true);
    if next.capture.legs == [Leg::Silent; 2] {
        let reverses_original = |p: &Parked| p.orphan && p.report.kind == Kind::Reversed && p.report.movement.is_none();
        let buried = next.parked.iter().find(|parked| reverses_original(parked)).map(|parked| parked.report.minor);
        next.tombstone = next.tombstone.or(buried);
        next.parked.retain(|parked| !reverses_original(parked));
    }
    let next = case.finish(before);
    (next != *before).then_some(next)
}

pub(super) enum Outcome {
    Applied,
    Waiting,
}

/// Whether a refusal binds the payment or only this event.
pub(super) enum Refusal {
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

pub(super) type Applied = Result<Outcome, Refusal>;

pub(super) struct Case<'a, V> {
    pub view: &'a V,
    pub next: Payment,
    pub effects: &'a mut Effects,
}

impl<V: View> Case<'_, V> {
    fn apply(&mut self, report: &Report) -> Applied {
        if !report.is_whole() {
            return Err(RejectionCode::PaymentMismatch.into());
        }
        self.check_terms(report)?;
        let outcome = match report.kind {
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
        }?;
        self.learn_institutions(report);
        Ok(outcome)
    }

    fn check_terms(&self, report: &Report) -> Result<(), Refusal> {
        match &self.next.terms {
            Some(terms)
                if (terms.payer, terms.payee, terms.currency) != (report.payer, report.payee, report.currency) =>
            {
                Err(RejectionCode::PaymentMismatch.into())
            }
            _ => Ok(()),
        }
    }

    fn learn_institutions(&mut self, report: &Report) {
        let Some(terms) = &mut self.next.terms else { return };
        let learn = |known: &mut Name, said: Name| *known = if known.is_none() { said } else { *known };
        learn(&mut terms.payer_institution, report.payer_institution);
        learn(&mut terms.payee_institution, report.payee_institution);
    }

    /// Tries parked events in the order they came until none of them moves any more.
    fn apply_parked(&mut self) {
        let mut at = 0;
        while let Some(parked) = self.next.parked.get(at).copied() {
            let answer = match self.apply(&parked.report) {
                Ok(Outcome::Waiting) => {
                    at += 1;
                    continue;
                }
                Ok(Outcome::Applied) => Ok(()),
                Err(Refusal::Event(rejection) | Refusal::Payment(rejection)) => Err(rejection.code()),
            };
            self.unpark(parked.sequence, answer);
            at = 0;
        }
    }

    /// An event waits no longer.
    pub(super) fn unpark(&mut self, sequence: Sequence, answer: Result<(), RejectionCode>) {
        self.next.parked.retain(|parked| parked.sequence != sequence);
        self.effects.unparked.push((sequence, answer));
    }

    /// What changed in the breaks, and whose institutions the postings belong to.
    pub(super) fn finish(self, before: &Payment) -> Payment {
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

    pub(super) fn pair(&self) -> Pair {
        self.next.terms.as_ref().expect("terms are set before anything is booked").pair()
    }

    /// The fees of the corridor row whose verdict binds.
    pub(super) fn fee_rule(&self) -> FeeRule {
        let terms = self.next.terms.as_ref().expect("terms are set before anything is booked");
        let version = self.view.rules().version(terms.rulebook).expect("terms name a version that was loaded");
        version.corridors[usize::from(terms.corridor)].fees
    }
}

/// `a - b`, fee by fee.
pub(super) fn less(a: Fees, b: Fees) -> Fees {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}
