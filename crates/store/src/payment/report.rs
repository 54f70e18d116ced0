//! A network's report inside a payment's record: that of a parked event.

use domain::codes::CodeKind;
use domain::ids::Id;
use domain::payment::Side;
use domain::report::{Evidence, Kind, Report, Scan};
use domain::time::{Date, Timestamp};

use super::id;
use crate::bytes::{Reader, put_i64, put_u64};
use crate::error::{FormatError, FormatReason};
use crate::fields::{self, put_name};

pub(super) fn put(out: &mut Vec<u8>, report: &Report) {
    out.extend(report.event.to_bytes());
    out.push(fields::network_number(report.network));
    out.push(report.side as u8);
    out.extend(report.payment.to_bytes());
    put_option(out, report.movement, |out, movement: Id| out.extend(movement.to_bytes()));
    out.push(kind_number(report.kind));
    out.extend([report.payer, report.payee].map(fields::network_number));
    for name in [report.payer_institution, report.payee_institution, report.channel] {
        put_name(out, name);
    }
    out.push(scan_number(report.scan));
    out.push(report.code.map_or(0, |code| code as u8));
    put_i64(out, report.minor);
    out.extend(report.currency.to_bytes());
    put_evidence(out, &report.evidence);
    put_name(out, report.region);
    put_name(out, report.cohort);
    put_i64(out, report.occurred_at.micros());
    put_i64(out, i64::from(report.business_date.days_since_epoch()));
}

pub(super) fn read(reader: &mut Reader<'_>) -> Result<Report, FormatError> {
    Ok(Report {
        event: id(reader)?,
        network: fields::network(reader)?,
        side: side(reader)?,
        payment: id(reader)?,
        movement: option(reader, "movement", id)?,
        kind: kind(reader)?,
        payer: fields::network(reader)?,
        payee: fields::network(reader)?,
        payer_institution: fields::name(reader)?,
        payee_institution: fields::name(reader)?,
        channel: fields::name(reader)?,
        scan: scan(reader)?,
        code: code(reader)?,
        minor: reader.i64()?,
        currency: fields::currency(reader)?,
        evidence: evidence(reader)?,
        region: fields::name(reader)?,
        cohort: fields::name(reader)?,
        occurred_at: Timestamp::from_micros(reader.i64()?),
        business_date: date(reader)?,
    })
}

fn put_option<T>(out: &mut Vec<u8>, value: Option<T>, put: impl Fn(&mut Vec<u8>, T)) {
    out.push(u8::from(value.is_some()));
    if let Some(value) = value {
        put(out, value);
    }
}

fn option<T>(
    reader: &mut Reader<'_>,
    field: &'static str,
    read: impl Fn(&mut Reader<'_>) -> Result<T, FormatError>,
) -> Result<Option<T>, FormatError> {
    match reader.u8()? {
        0 => Ok(None),
        1 => read(reader).map(Some),
        other => Err(reader.unknown(field, other)),
    }
}

pub(crate) fn side(reader: &mut Reader<'_>) -> Result<Side, FormatError> {
    Ok(match reader.u8()? {
        1 => Side::Payer,
        2 => Side::Payee,
        3 => Side::Both,
        other => return Err(reader.unknown("side", other)),
    })
}

pub(crate) const fn kind_number(kind: Kind) -> u8 {
    match kind {
        Kind::Authorised => 1,
        Kind::Captured => 2,
        Kind::Voided => 3,
        Kind::Expired => 4,
        Kind::UnknownOutcome => 5,
        Kind::Refunded => 6,
        Kind::Reversed => 7,
        Kind::Disputed => 8,
        Kind::DisputeWon => 9,
        Kind::DisputeLost => 10,
    }
}

pub(crate) fn kind(reader: &mut Reader<'_>) -> Result<Kind, FormatError> {
    Ok(match reader.u8()? {
        1 => Kind::Authorised,
        2 => Kind::Captured,
        3 => Kind::Voided,
        4 => Kind::Expired,
        5 => Kind::UnknownOutcome,
        6 => Kind::Refunded,
        7 => Kind::Reversed,
        8 => Kind::Disputed,
        9 => Kind::DisputeWon,
        10 => Kind::DisputeLost,
        other => return Err(reader.unknown("event kind", other)),
    })
}

const fn scan_number(scan: Scan) -> u8 {
    match scan {
        Scan::None => 0,
        Scan::PayerScans => 1,
        Scan::MerchantScans => 2,
    }
}

fn scan(reader: &mut Reader<'_>) -> Result<Scan, FormatError> {
    Ok(match reader.u8()? {
        0 => Scan::None,
        1 => Scan::PayerScans,
        2 => Scan::MerchantScans,
        other => return Err(reader.unknown("scan", other)),
    })
}

/// Kinds of code are counted from 1.
fn code(reader: &mut Reader<'_>) -> Result<Option<CodeKind>, FormatError> {
    let number = reader.u8()?;
    if number == 0 {
        return Ok(None);
    }
    let code = CodeKind::ALL.iter().copied().find(|code| *code as u8 == number);
    code.map(Some).ok_or_else(|| reader.unknown("code", number))
}

fn put_evidence(out: &mut Vec<u8>, evidence: &Evidence) {
    match evidence {
        Evidence::None => out.push(0),
        Evidence::QueryAnswer => out.push(1),
        Evidence::BillRow { file_digest, row } => {
            out.push(2);
            out.extend(file_digest);
            put_u64(out, *row);
        }
    }
}

fn evidence(reader: &mut Reader<'_>) -> Result<Evidence, FormatError> {
    Ok(match reader.u8()? {
        0 => Evidence::None,
        1 => Evidence::QueryAnswer,
        2 => Evidence::BillRow { file_digest: reader.array()?, row: reader.u64()? },
        other => return Err(reader.unknown("evidence", other)),
    })
}

fn date(reader: &mut Reader<'_>) -> Result<Date, FormatError> {
    let days = reader.i64()?;
    let days = i32::try_from(days).map_err(|_| reader.error(FormatReason::Range("business date")))?;
    Ok(Date::from_days_since_epoch(days))
}
