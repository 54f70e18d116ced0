//! What a correction of one payment (T3a, J12a) rests on: a row of the network that it speaks for, and the break that it
//! answers. A row proves one leg, once, and only a leg that something waits for. A break is answered for what it is about: its
//! network, its currency and, when it names one, its payment.
//!
//! Not decided here: what is booked ([`crate::payment`]).

use super::records::{Booking, Break, Finding};
use super::register::Register;
use crate::break_code::BreakCode;
use crate::directive::Completion;
use crate::ids::{Id, Network};
use crate::money::Currency;
use crate::payment::{Correction, Payment, Side, Terms};
use crate::rejection::RejectionCode;
use crate::report::Kind;

type Checked = Result<(), RejectionCode>;

/// Checks what completes a movement from evidence (T3a); the terms of its payment.
///
/// # Errors
/// The code of what is missing, or of what is about something else.
pub fn check_completion(
    register: &Register,
    completion: &Completion,
    payment: &Payment,
) -> Result<Terms, RejectionCode> {
    let Completion { row, ends, side, kind, movement, .. } = completion;
    let file = register.file(&row.file).ok_or(RejectionCode::FileUnknown)?;
    let answered = ends.map(|id| super::breaks::open(register, id)).transpose()?;
    if answered.is_some_and(|answered| answered.holds_money()) {
        return Err(RejectionCode::BreakUnproven);
    }
    let terms = payment.terms.ok_or(RejectionCode::PaymentUnknown)?;
    let speaker = if *side == Side::Payee { terms.payee } else { terms.payer };
    let finding = answered.map(|answered| &answered.finding);
    if file.file.network != speaker || finding.is_some_and(|finding| shows_other(finding, completion)) {
        return Err(RejectionCode::PaymentMismatch);
    }
    finding.map_or(Ok(()), |finding| check_about(finding, &terms, (completion.payment, *movement)))?;
    if file.is_used(row.line) {
        return Err(RejectionCode::AlreadyMatched);
    }
    payment.check_waits_for(*kind, *movement, *side)?;
    Ok(terms)
}

/// Checks what puts an amount back into transit (J12a).
///
/// # Errors
/// As for a completion.
pub fn check_correction(
    register: &Register,
    answers: Id,
    (id, payment): (Id, &Payment),
    correction: Correction,
    currency: Currency,
) -> Checked {
    let answered = super::breaks::open(register, answers)?;
    if answered.booking.is_some() {
        return Err(RejectionCode::BreakUnproven);
    }
    let terms = payment.terms.as_ref().ok_or(RejectionCode::PaymentUnknown)?;
    if terms.currency != currency {
        return Err(RejectionCode::PaymentMismatch);
    }
    let (Correction::ReturnToTransit { movement, .. } | Correction::WithdrawRest { movement, .. }) = correction;
    check_about(&answered.finding, terms, (id, movement))
}

/// Checks that a break may be closed without a booking: what it says is missing must not be waited for any more. `payment`
/// is the one that the break names.
///
/// # Errors
/// [`RejectionCode::BreakUnproven`] while it is.
pub fn check_closing(closing: &Break, payment: &Payment) -> Checked {
    let Finding { code, kind, movement, .. } = closing.finding;
    let says_missing = code == BreakCode::LegMissing || closing.booking == Some(Booking::InTransit);
    let is_awaited = says_missing && payment.is_in_transit(kind.unwrap_or(Kind::Captured), movement);
    if is_awaited { Err(RejectionCode::BreakUnproven) } else { Ok(()) }
}

/// Whether the row shows another amount than the break says.
fn shows_other(finding: &Finding, completion: &Completion) -> bool {
    finding.file_minor.is_some_and(|minor| minor != completion.amount.minor())
}

fn check_about(finding: &Finding, terms: &Terms, (payment, movement): (Id, Option<Id>)) -> Checked {
    let other_payment = finding.payment.is_some_and(|of| of != payment);
    let other_movement = finding.movement.is_some_and(|of| Some(of) != movement);
    if other_payment || other_movement {
        return Err(RejectionCode::PaymentMismatch);
    }
    check_pair(finding, [Some(terms.payer), Some(terms.payee)], terms.currency)
}

/// The break's books are those of one of the pair, and counted in the same currency.
pub(super) fn check_pair(finding: &Finding, pair: [Option<Network>; 2], currency: Currency) -> Checked {
    let is_of_pair = pair.contains(&Some(finding.network)) && finding.currency == currency;
    if is_of_pair { Ok(()) } else { Err(RejectionCode::PaymentMismatch) }
}
