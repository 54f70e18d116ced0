//! The text form: serde describes it, and every value that the domain restricts further is checked here with the line it
//! stands in.

use std::collections::BTreeMap;

use domain::ids::{Name, Network};
use domain::money::{Currency, Rate};
use domain::rulebook::{Access, Corridor, CurrencyRule, Fee, FeeRule, NetworkRule, Rulebook};
use domain::time::{BusinessDay, Calendar, Date, Timestamp};
use serde::Deserialize;
use thiserror::Error;
use toml::Spanned;

/// What answers, nets and accounts call whoever is no network, and what filters call everybody.
const RESERVED: [&str; 4] = ["operator", "escrow", "unknown", "all"];

/// What is wrong with a rulebook text, and where.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}: {reason}")]
pub struct Error {
    /// Counted from 1.
    pub line: usize,
    /// Names the value and what is allowed.
    pub reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    effective_from: Spanned<String>,
    transit_limit: u32,
    event_age_max_seconds: i64,
    event_ahead_max_seconds: i64,
    currency: Vec<CurrencyRow>,
    network: Vec<NetworkRow>,
    #[serde(default)]
    fee: BTreeMap<String, FeeTable>,
    #[serde(default)]
    corridor: Vec<CorridorRow>,
    #[serde(default)]
    calendar: CalendarTable,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CurrencyRow {
    code: Spanned<String>,
    exponent: u32,
    cut_over_network: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NetworkRow {
    name: Spanned<String>,
    utc_offset: Spanned<String>,
    cut_off: Option<Spanned<String>>,
    #[serde(default = "yes")]
    cut_off_is_next_day: bool,
    #[serde(default)]
    net_debit_cap: BTreeMap<Spanned<String>, i64>,
    #[serde(default)]
    agreed_cover: BTreeMap<Spanned<String>, i64>,
}

const fn yes() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FeeTable {
    interchange: FeeRow,
    payer: FeeRow,
    payee: FeeRow,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FeeRow {
    rate: Spanned<String>,
    cap: Option<Spanned<i64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CorridorRow {
    payer: Spanned<String>,
    payee: Spanned<String>,
    #[serde(default)]
    channel: Option<Spanned<String>>,
    access: Spanned<String>,
    #[serde(default)]
    cohorts: Vec<Spanned<String>>,
    #[serde(default)]
    regions: Vec<Spanned<String>>,
    fee: Option<Spanned<String>>,
    effective_from: Spanned<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct CalendarTable {
    #[serde(default)]
    holidays: Vec<Spanned<String>>,
    #[serde(default)]
    make_up_days: Vec<Spanned<String>>,
}

/// Reads a rulebook text. Whether it may be loaded after another version is said by `Rulebook::validate`.
///
/// # Errors
/// The first thing that is wrong, with its line.
pub fn parse(text: &str) -> Result<Rulebook, Error> {
    let reader = Reader { text };
    let file: File = toml::from_str(text).map_err(|error| Error {
        line: reader.line(error.span().map_or(0, |span| span.start)),
        reason: error.message().to_owned(),
    })?;
    reader.rulebook(&file)
}

struct Reader<'a> {
    text: &'a str,
}

type Read<T> = Result<T, Error>;

impl Reader<'_> {
    fn rulebook(&self, file: &File) -> Read<Rulebook> {
        let networks = file.network.iter().map(|row| self.network_rule(row)).collect::<Read<Vec<_>>>()?;
        let fees = file.fee.iter().map(|(name, table)| Ok((name.as_str(), self.fee_rule(table)?)));
        let fees = fees.collect::<Read<BTreeMap<_, _>>>()?;
        let currency = |row: &CurrencyRow| {
            Ok(CurrencyRule {
                currency: self.currency(&row.code)?,
                exponent: row.exponent,
                cut_over_network: self.network(&row.cut_over_network, &networks)?,
            })
        };
        let micros = |seconds: i64| seconds.saturating_mul(1_000_000);
        Ok(Rulebook {
            version: file.version,
            effective_from: self.timestamp(&file.effective_from)?,
            currencies: file.currency.iter().map(currency).collect::<Read<_>>()?,
            corridors: file.corridor.iter().map(|row| self.corridor(row, &networks, &fees)).collect::<Read<_>>()?,
            networks,
            transit_limit: file.transit_limit,
            event_age_max: micros(file.event_age_max_seconds),
            event_ahead_max: micros(file.event_ahead_max_seconds),
            calendar: Calendar::new(self.dates(&file.calendar.holidays)?, self.dates(&file.calendar.make_up_days)?),
        })
    }

    fn network_rule(&self, row: &NetworkRow) -> Read<NetworkRule> {
        let offset =
            |text: &str| offset_seconds(text).ok_or_else(|| format!("offset {text:?} is not of the form +hh:mm"));
        let cut_off = row.cut_off.as_ref().map(|cut_off| {
            self.check(cut_off, |text| {
                second_of_day(text).ok_or_else(|| format!("time {text:?} is not of the form hh:mm:ss"))
            })
        });
        let limits = |limits: &BTreeMap<Spanned<String>, i64>| {
            limits.iter().map(|(code, minor)| Ok((self.currency(code)?, *minor))).collect::<Read<Vec<_>>>()
        };
        Ok(NetworkRule {
            name: self.network_name(&row.name)?,
            business_day: BusinessDay {
                offset_seconds: self.check(&row.utc_offset, offset)?,
                cut_off_second: cut_off.transpose()?,
                boundary_is_next_day: row.cut_off_is_next_day,
            },
            net_debit_caps: limits(&row.net_debit_cap)?,
            agreed_covers: limits(&row.agreed_cover)?,
        })
    }

    fn corridor(&self, row: &CorridorRow, networks: &[NetworkRule], fees: &BTreeMap<&str, FeeRule>) -> Read<Corridor> {
        let names = |list: &[Spanned<String>]| list.iter().map(|name| self.name(name)).collect::<Read<_>>();
        let (cohorts, regions) = (names(&row.cohorts)?, names(&row.regions)?);
        let access = self.check(&row.access, |text| match text {
            "open" => Ok(Access::Open),
            "pilot" => Ok(Access::Pilot { cohorts, regions }),
            "closed" => Ok(Access::Closed),
            other => Err(format!("access {other:?} is none of open, pilot, closed")),
        })?;
        let fee = |name: &str| fees.get(name).copied().ok_or_else(|| format!("fee {name:?} has no [fee.{name}] table"));
        Ok(Corridor {
            payer: self.network(&row.payer, networks)?,
            payee: self.network(&row.payee, networks)?,
            channel: row.channel.as_ref().map_or(Ok(Name::NONE), |channel| self.name(channel))?,
            effective_from: self.timestamp(&row.effective_from)?,
            access,
            fees: row.fee.as_ref().map_or(Ok(FeeRule::default()), |name| self.check(name, fee))?,
        })
    }

    fn fee_rule(&self, table: &FeeTable) -> Read<FeeRule> {
        let fee = |row: &FeeRow| {
            let rate = self.check(&row.rate, |text| {
                let form = "is not a per cent figure like \"0.35%\" with at most 4 decimals";
                Rate::from_percent(text).ok_or_else(|| format!("rate {text:?} {form}"))
            })?;
            let negative =
                |cap: &Spanned<i64>| self.error(cap.span().start, format!("cap {} is negative", cap.get_ref()));
            match &row.cap {
                Some(cap) if *cap.get_ref() < 0 => Err(negative(cap)),
                cap => Ok(Fee { rate, cap: cap.as_ref().map(|cap| *cap.get_ref()) }),
            }
        };
        Ok(FeeRule { interchange: fee(&table.interchange)?, payer: fee(&table.payer)?, payee: fee(&table.payee)? })
    }

    fn network(&self, name: &Spanned<String>, networks: &[NetworkRule]) -> Read<Network> {
        self.check(name, |text| {
            let index = networks.iter().position(|network| network.name.as_str() == text);
            index.and_then(Network::from_index).ok_or_else(|| format!("network {text:?} has no [[network]] entry"))
        })
    }

    /// Stands in names of topics and, between points, in names of accounts, beside the words that mean no network.
    fn network_name(&self, name: &Spanned<String>) -> Read<Name> {
        self.check(name, |text| {
            if RESERVED.contains(&text) {
                return Err(format!("name {text:?} is taken: {} mean no network", RESERVED.join(", ")));
            }
            let fits = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
            let name = Name::new(text).filter(|name| fits && !name.is_none());
            name.ok_or_else(|| format!("network name {text:?} is not 1 to 15 ASCII letters, digits, - or _"))
        })
    }

    fn name(&self, name: &Spanned<String>) -> Read<Name> {
        self.check(name, |text| {
            let name = Name::new(text).filter(|name| !name.is_none());
            name.ok_or_else(|| format!("name {text:?} is not 1 to 15 visible ASCII characters"))
        })
    }

    fn currency(&self, code: &Spanned<String>) -> Read<Currency> {
        self.check(code, |text| {
            Currency::from_code(text).ok_or_else(|| format!("currency {text:?} is not three capital letters"))
        })
    }

    fn timestamp(&self, time: &Spanned<String>) -> Read<Timestamp> {
        self.check(time, |text| {
            timestamp(text).ok_or_else(|| format!("time {text:?} is not of the form 2021-08-20T00:00:00+08:00"))
        })
    }

    fn dates(&self, dates: &[Spanned<String>]) -> Read<Vec<Date>> {
        let date =
            |text: &str| Date::parse_iso(text).ok_or_else(|| format!("date {text:?} is not of the form 2026-10-01"));
        dates.iter().map(|text| self.check(text, date)).collect()
    }

    /// Reads one value, naming its line when it is refused.
    fn check<T>(&self, value: &Spanned<String>, read: impl FnOnce(&str) -> Result<T, String>) -> Read<T> {
        read(value.get_ref()).map_err(|reason| self.error(value.span().start, reason))
    }

    fn error(&self, offset: usize, reason: String) -> Error {
        Error { line: self.line(offset), reason }
    }

    fn line(&self, offset: usize) -> usize {
        self.text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count() + 1
    }
}

fn two_digits(text: Option<&str>) -> Option<u32> {
    text.filter(|digits| digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit()))?.parse().ok()
}

fn second_of_day(text: &str) -> Option<u32> {
    let mut parts = text.split(':');
    let (hour, minute, second) = (two_digits(parts.next())?, two_digits(parts.next())?, two_digits(parts.next())?);
    (parts.next().is_none() && hour < 24 && minute < 60 && second < 60).then_some(hour * 3_600 + minute * 60 + second)
}

fn offset_seconds(text: &str) -> Option<i32> {
    let (sign, rest) =
        text.strip_prefix('+').map(|rest| (1, rest)).or(text.strip_prefix('-').map(|rest| (-1, rest)))?;
    let mut parts = rest.split(':');
    let (hours, minutes) = (two_digits(parts.next())?, two_digits(parts.next())?);
    let seconds = i32::try_from(hours * 3_600 + minutes * 60).ok()?;
    (parts.next().is_none() && hours <= 14 && minutes < 60).then_some(sign * seconds)
}

fn timestamp(text: &str) -> Option<Timestamp> {
    let (date, rest) = text.split_once('T')?;
    let (time, offset) = rest.split_at_checked(8)?;
    Some(Timestamp::from_civil(Date::parse_iso(date)?, second_of_day(time)?, offset_seconds(offset)?))
}
