//! The record of a payment: everything the domain remembers of it, exactly. What most payments do not have costs a bit
//! each, so that an ordinary one takes some fifty bytes.

pub(crate) mod report;

use domain::ids::{Id, Sequence};
use domain::payment::{Dispute, DisputeState, Fees, Hold, Leg, Movement, Parked, Payment, Refund, Terms};
use domain::rejection::RejectionCode;

use crate::bytes::{Reader, put_i64, put_u64};
use crate::error::{FormatError, RecordKind};
use crate::fields::{self, put_name};

pub(crate) const VERSION: u8 = 1;

mod has {
    pub(super) const TERMS: u64 = 1;
    pub(super) const REFUSED: u64 = 1 << 1;
    pub(super) const AUTHORISED: u64 = 1 << 2;
    pub(super) const VOIDED: u64 = 1 << 3;
    pub(super) const PAYER_UNKNOWN: u64 = 1 << 4;
    pub(super) const PAYEE_UNKNOWN: u64 = 1 << 5;
    pub(super) const CAPTURE: u64 = 1 << 6;
    pub(super) const FEES: u64 = 1 << 7;
    pub(super) const HOLD: u64 = 1 << 8;
    pub(super) const REVERSAL: u64 = 1 << 9;
    pub(super) const REFUNDS: u64 = 1 << 10;
    pub(super) const DISPUTES: u64 = 1 << 11;
    pub(super) const RETURNED: u64 = 1 << 12;
    pub(super) const PARKED: u64 = 1 << 13;
    pub(super) const TOMBSTONE: u64 = 1 << 14;
    pub(super) const ALL: u64 = (1 << 15) - 1;
}

/// The record.
#[must_use]
pub fn encode(payment: &Payment) -> Vec<u8> {
    let mut out = Vec::new();
    encode_into(payment, &mut out);
    out
}

/// The record, appended to `out`.
pub fn encode_into(payment: &Payment, out: &mut Vec<u8>) {
    let flags = flags_of(payment);
    out.push(VERSION);
    put_u64(out, flags);
    if let Some(terms) = &payment.terms {
        put_terms(out, terms);
    }
    if let Some(code) = payment.refused {
        put_u64(out, u64::from(code.number()));
    }
    if let Some(minor) = payment.authorised {
        put_i64(out, minor);
    }
    if flags & has::HOLD != 0 {
        out.push(hold_number(payment.hold));
    }
    for (flag, movement) in [(has::CAPTURE, &payment.capture), (has::REVERSAL, &payment.reversal)] {
        if flags & flag != 0 {
            put_movement(out, movement);
        }
    }
    put_list(out, &payment.refunds, |out, refund| {
        out.extend(refund.id.to_bytes());
        put_movement(out, &refund.movement);
    });
    put_list(out, &payment.disputes, |out, dispute| {
        out.extend(dispute.id.to_bytes());
        put_i64(out, dispute.minor);
        out.push(dispute_number(dispute.state));
    });
    for (flag, fees) in [(has::FEES, &payment.fees_charged), (has::RETURNED, &payment.fees_returned)] {
        if flags & flag != 0 {
            fees.iter().for_each(|minor| put_i64(out, *minor));
        }
    }
    put_u64(out, u64::from(payment.booked_cycle));
    put_list(out, &payment.parked, |out, parked| {
        put_u64(out, parked.sequence.0);
        put_u64(out, u64::from(parked.since));
        out.push(u8::from(parked.orphan));
        report::put(out, &parked.report);
    });
    if let Some(minor) = payment.tombstone {
        put_i64(out, minor);
    }
}

fn flags_of(payment: &Payment) -> u64 {
    let none = Movement::default();
    let no_fees = Fees::default();
    [
        (has::TERMS, payment.terms.is_some()),
        (has::REFUSED, payment.refused.is_some()),
        (has::AUTHORISED, payment.authorised.is_some()),
        (has::VOIDED, payment.voided),
        (has::PAYER_UNKNOWN, payment.outcome_unknown[0]),
        (has::PAYEE_UNKNOWN, payment.outcome_unknown[1]),
        (has::CAPTURE, payment.capture != none),
        (has::FEES, payment.fees_charged != no_fees),
        (has::HOLD, payment.hold != Hold::None),
        (has::REVERSAL, payment.reversal != none),
        (has::REFUNDS, !payment.refunds.is_empty()),
        (has::DISPUTES, !payment.disputes.is_empty()),
        (has::RETURNED, payment.fees_returned != no_fees),
        (has::PARKED, !payment.parked.is_empty()),
        (has::TOMBSTONE, payment.tombstone.is_some()),
    ]
    .into_iter()
    .fold(0, |flags, (flag, is_there)| if is_there { flags | flag } else { flags })
}

/// The inverse of [`encode`].
///
/// # Errors
/// When the bytes are not a payment of a known version.
pub fn decode(bytes: &[u8]) -> Result<Payment, FormatError> {
    let mut reader = Reader::versioned(RecordKind::Payment, bytes, &[VERSION])?;
    let flags = reader.u64()?;
    if flags & !has::ALL != 0 {
        return Err(reader.unknown("flags", flags));
    }
    let reader = &mut reader;
    let payment = Payment {
        terms: when(flags, has::TERMS, || terms(reader))?,
        refused: when(flags, has::REFUSED, || rejection(reader))?,
        authorised: when(flags, has::AUTHORISED, || reader.i64())?,
        voided: flags & has::VOIDED != 0,
        outcome_unknown: [flags & has::PAYER_UNKNOWN != 0, flags & has::PAYEE_UNKNOWN != 0],
        hold: when(flags, has::HOLD, || hold(reader))?.unwrap_or_default(),
        capture: when(flags, has::CAPTURE, || movement(reader))?.unwrap_or_default(),
        reversal: when(flags, has::REVERSAL, || movement(reader))?.unwrap_or_default(),
        refunds: when(flags, has::REFUNDS, || list(reader, refund))?.unwrap_or_default(),
        disputes: when(flags, has::DISPUTES, || list(reader, dispute))?.unwrap_or_default(),
        fees_charged: when(flags, has::FEES, || fees(reader))?.unwrap_or_default(),
        fees_returned: when(flags, has::RETURNED, || fees(reader))?.unwrap_or_default(),
        booked_cycle: reader.u32("cycle")?,
        parked: when(flags, has::PARKED, || list(reader, parked))?.unwrap_or_default(),
        tombstone: when(flags, has::TOMBSTONE, || reader.i64())?,
    };
    reader.finish()?;
    Ok(payment)
}

fn when<T>(flags: u64, flag: u64, read: impl FnOnce() -> Result<T, FormatError>) -> Result<Option<T>, FormatError> {
    if flags & flag == 0 { Ok(None) } else { read().map(Some) }
}

/// Nothing for an empty list: a flag has said so.
fn put_list<T>(out: &mut Vec<u8>, items: &[T], put: impl Fn(&mut Vec<u8>, &T)) {
    if !items.is_empty() {
        put_u64(out, items.len() as u64);
        items.iter().for_each(|item| put(out, item));
    }
}

fn list<T>(
    reader: &mut Reader<'_>,
    read: impl Fn(&mut Reader<'_>) -> Result<T, FormatError>,
) -> Result<Vec<T>, FormatError> {
    let mut items = Vec::new();
    for _ in 0..reader.u64()? {
        items.push(read(reader)?);
    }
    Ok(items)
}

fn put_terms(out: &mut Vec<u8>, terms: &Terms) {
    out.extend([terms.payer, terms.payee].map(fields::network_number));
    out.extend(terms.currency.to_bytes());
    put_name(out, terms.channel);
    put_name(out, terms.payer_institution);
    put_name(out, terms.payee_institution);
    put_u64(out, u64::from(terms.rulebook));
    put_u64(out, u64::from(terms.corridor));
}

fn terms(reader: &mut Reader<'_>) -> Result<Terms, FormatError> {
    Ok(Terms {
        payer: fields::network(reader)?,
        payee: fields::network(reader)?,
        currency: fields::currency(reader)?,
        channel: fields::name(reader)?,
        payer_institution: fields::name(reader)?,
        payee_institution: fields::name(reader)?,
        rulebook: reader.u32("rulebook")?,
        corridor: reader.u16("corridor")?,
    })
}

fn rejection(reader: &mut Reader<'_>) -> Result<RejectionCode, FormatError> {
    let number = reader.u16("rejection")?;
    RejectionCode::from_number(number).ok_or_else(|| reader.unknown("rejection", number))
}

const fn hold_number(hold: Hold) -> u8 {
    match hold {
        Hold::None => 0,
        Hold::Live => 1,
        Hold::Captured => 2,
        Hold::Released => 3,
    }
}

fn hold(reader: &mut Reader<'_>) -> Result<Hold, FormatError> {
    Ok(match reader.u8()? {
        0 => Hold::None,
        1 => Hold::Live,
        2 => Hold::Captured,
        3 => Hold::Released,
        other => return Err(reader.unknown("hold", other)),
    })
}

/// Bits 0-1 and 2-3: the legs; 4: a single feed; 5: overdue.
fn put_movement(out: &mut Vec<u8>, movement: &Movement) {
    let [payer, payee] = movement.legs.map(leg_number);
    out.push(payer | payee << 2 | u8::from(movement.single_feed) << 4 | u8::from(movement.overdue) << 5);
    movement.legs.into_iter().filter_map(|leg| leg.reported()).for_each(|minor| put_i64(out, minor));
    put_i64(out, movement.booked);
    put_u64(out, u64::from(movement.since));
}

fn movement(reader: &mut Reader<'_>) -> Result<Movement, FormatError> {
    let bits = reader.u8()?;
    if bits >= 1 << 6 {
        return Err(reader.unknown("movement", bits));
    }
    Ok(Movement {
        legs: [leg(reader, bits & 3)?, leg(reader, bits >> 2 & 3)?],
        booked: reader.i64()?,
        since: reader.u32("cycle")?,
        single_feed: bits & 1 << 4 != 0,
        overdue: bits & 1 << 5 != 0,
    })
}

const fn leg_number(leg: Leg) -> u8 {
    match leg {
        Leg::Silent => 0,
        Leg::Live(_) => 1,
        Leg::Stray(_) => 2,
        Leg::Withdrawn => 3,
    }
}

fn leg(reader: &mut Reader<'_>, number: u8) -> Result<Leg, FormatError> {
    Ok(match number {
        0 => Leg::Silent,
        1 => Leg::Live(reader.i64()?),
        2 => Leg::Stray(reader.i64()?),
        _ => Leg::Withdrawn,
    })
}

fn refund(reader: &mut Reader<'_>) -> Result<Refund, FormatError> {
    Ok(Refund { id: id(reader)?, movement: movement(reader)? })
}

const fn dispute_number(state: DisputeState) -> u8 {
    match state {
        DisputeState::Open => 1,
        DisputeState::Won => 2,
        DisputeState::Lost => 3,
    }
}

fn dispute(reader: &mut Reader<'_>) -> Result<Dispute, FormatError> {
    let (id, minor) = (id(reader)?, reader.i64()?);
    let state = match reader.u8()? {
        1 => DisputeState::Open,
        2 => DisputeState::Won,
        3 => DisputeState::Lost,
        other => return Err(reader.unknown("dispute state", other)),
    };
    Ok(Dispute { id, minor, state })
}

fn fees(reader: &mut Reader<'_>) -> Result<Fees, FormatError> {
    Ok([reader.i64()?, reader.i64()?, reader.i64()?])
}

fn parked(reader: &mut Reader<'_>) -> Result<Parked, FormatError> {
    let (sequence, since) = (Sequence(reader.u64()?), reader.u32("cycle")?);
    let orphan = match reader.u8()? {
        0 => false,
        1 => true,
        other => return Err(reader.unknown("orphan", other)),
    };
    Ok(Parked { sequence, since, orphan, report: report::read(reader)? })
}

fn id(reader: &mut Reader<'_>) -> Result<Id, FormatError> {
    reader.array().map(|bytes| Id(u128::from_be_bytes(bytes)))
}
