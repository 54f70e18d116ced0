//! How the words of a table are read.

use domain::codes::CodeKind;
use domain::cycle::CycleId;
use domain::ids::{Id, Name};
use domain::money::{Amount, CNY, Currency, Rate};
use domain::payment::Side;
use domain::report::{Evidence, Kind, Report, Scan};
use domain::rulebook::{Access, Fee};
use domain::time::{Date, Timestamp};

use super::Line;

/// Noon of the day on which everything happens that says nothing else.
pub(super) fn noon() -> (Date, Timestamp) {
    let day = Date::parse_iso("2026-11-11").expect("a date");
    (day, Timestamp::from_civil(day, 43_200, 28_800))
}

pub(super) fn days_after(at: Timestamp, days: &str) -> Result<Timestamp, String> {
    let micros = number::<i64>(days)?.saturating_mul(86_400_000_000);
    Ok(Timestamp::from_micros(at.micros().saturating_add(micros)))
}

pub(super) fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{text} is not a number that fits"))
}

/// `100` or `100USD`.
pub(super) fn money(text: &str) -> Result<(i128, Currency), String> {
    let letters = text.find(|letter: char| letter.is_ascii_uppercase()).unwrap_or(text.len());
    let (digits, code) = text.split_at(letters);
    let currency = if code.is_empty() { Some(CNY) } else { Currency::from_code(code) };
    Ok((number(digits)?, currency.ok_or_else(|| format!("no currency {code}"))?))
}

pub(super) fn amount(text: &str) -> Result<Amount, String> {
    let (minor, currency) = money(text)?;
    let minor = i64::try_from(minor).map_err(|_| format!("{text} does not fit"))?;
    Amount::new(minor, currency).ok_or_else(|| format!("{text} is negative"))
}

/// `1` or `1USD`.
pub(super) fn cycle(text: &str) -> Result<CycleId, String> {
    let (number, currency) = money(text)?;
    Ok(CycleId { currency, number: u32::try_from(number).map_err(|_| format!("{text} is no cycle"))? })
}

/// The id of a label, the same in every table.
pub(super) fn identifier(label: &str) -> Id {
    let mix = |hash: u128, byte: u8| (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013B);
    Id(label.bytes().fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d, mix))
}

pub(super) fn name(text: &str) -> Result<Name, String> {
    Name::new(text).ok_or_else(|| format!("{text} is not a name"))
}

pub(super) fn side(word: &str) -> Result<Side, String> {
    match word {
        "payer" => Ok(Side::Payer),
        "payee" => Ok(Side::Payee),
        "both" => Ok(Side::Both),
        other => Err(format!("no side {other}")),
    }
}

pub(super) fn kind(word: &str) -> Result<Kind, String> {
    Ok(match word {
        "authorised" => Kind::Authorised,
        "captured" => Kind::Captured,
        "voided" => Kind::Voided,
        "expired" => Kind::Expired,
        "unknown" => Kind::UnknownOutcome,
        "refunded" => Kind::Refunded,
        "reversed" => Kind::Reversed,
        "disputed" => Kind::Disputed,
        "dispute_won" => Kind::DisputeWon,
        "dispute_lost" => Kind::DisputeLost,
        other => return Err(format!("no kind {other}")),
    })
}

/// `0.35%`, or `0.35%/1300` with the most that it may be.
pub(super) fn fee(text: &str) -> Result<Fee, String> {
    let (rate, cap) = text.split_once('/').map_or((text, None), |(rate, cap)| (rate, Some(cap)));
    let rate = Rate::from_percent(rate).ok_or_else(|| format!("no rate {rate}"))?;
    Ok(Fee { rate, cap: cap.map(number).transpose()? })
}

pub(super) fn access(word: &str) -> Result<Access, String> {
    Ok(match word {
        "open" => Access::Open,
        "closed" => Access::Closed,
        "pilot" => Access::Pilot { cohorts: [].into(), regions: [].into() },
        other => return Err(format!("no access {other}")),
    })
}

/// One `key=value` of a payment or an event.
pub(super) fn set(report: &mut Report, option: &str) -> Line {
    let (key, value) = option.split_once('=').ok_or_else(|| format!("no option {option}"))?;
    match key {
        "event" => report.event = identifier(value),
        "channel" => report.channel = name(value)?,
        "cohort" => report.cohort = name(value)?,
        "region" => report.region = name(value)?,
        "from" => report.payer_institution = name(value)?,
        "to" => report.payee_institution = name(value)?,
        "scan" => report.scan = if value == "payer" { Scan::PayerScans } else { Scan::MerchantScans },
        "code" => report.code = CodeKind::ALL.iter().copied().find(|kind| kind.word() == value),
        "currency" => report.currency = Currency::from_code(value).ok_or_else(|| format!("no currency {value}"))?,
        "days" => report.occurred_at = days_after(report.occurred_at, value)?,
        "evidence" if value == "row" => report.evidence = Evidence::BillRow { file_digest: [7; 32], row: 1 },
        "evidence" => report.evidence = Evidence::QueryAnswer,
        _ => return Err(format!("no option {option}")),
    }
    Ok(())
}
