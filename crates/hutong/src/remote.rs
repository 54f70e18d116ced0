//! What verbs that ask a running service share: how it is reached, how long it may take, which moment is asked for, and how
//! a failure ends the program.

use std::io::Write;
use std::time::Duration;

use clap::Args;
use client::Client;
use domain::time::{Date, Timestamp};
use wire::common::v1::{CycleRef, ReadAt, read_at};
use wire::names;

use crate::exit::Exit;

/// A service to ask.
#[derive(Debug, Args)]
pub(crate) struct Remote {
    /// The service, as `hutong serve --listen` says it
    #[arg(long, value_name = "URL", env = "HUTONG_ENDPOINT", default_value_t = format!("http://{}", api::Options::LISTEN))]
    pub(crate) endpoint: String,
    /// How long an answer may take, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) timeout_ms: u64,
}

impl Remote {
    /// Runs what asks the service. A service that is away ends the program with the code that says so.
    pub(crate) fn ask(
        &self,
        log: &mut impl Write,
        questions: impl AsyncFnOnce(&Client) -> anyhow::Result<()>,
    ) -> anyhow::Result<Exit> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let options = client::Options { deadline: Duration::from_millis(self.timeout_ms) };
        let asked = runtime.block_on(async {
            let client = Client::new(&self.endpoint, options)?;
            questions(&client).await
        });
        match asked {
            Ok(()) => Ok(Exit::Clean),
            Err(error) if error.downcast_ref().is_some_and(client::Error::is_unavailable) => {
                writeln!(log, "hutong: {}: {error:#}", self.endpoint)?;
                Ok(Exit::Unavailable)
            }
            // A reader of ours that has gone away has seen enough.
            Err(error) if is_closed_pipe(&error) => Ok(Exit::Clean),
            Err(error) => Err(error),
        }
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

/// A past moment.
#[derive(Clone, Copy, Debug, Args)]
#[group(multiple = false)]
pub(crate) struct At {
    /// As of this sequence number
    #[arg(long, value_name = "N")]
    pub(crate) at_sequence: Option<u64>,
    /// As of the last entry recorded at or before this time, for example 2026-11-20T12:00:00+08:00
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) at_time: Option<Timestamp>,
}

impl At {
    pub(crate) fn read_at(self) -> Option<ReadAt> {
        let sequence = self.at_sequence.map(read_at::At::Sequence);
        let at = sequence.or_else(|| self.at_time.map(|time| read_at::At::RecordedTime(names::timestamp(time))))?;
        Some(ReadAt { at: Some(at) })
    }
}

/// A date and a time of day with its offset from UTC, to the second.
pub(crate) fn time(text: &str) -> Result<Timestamp, String> {
    read_time(text).ok_or_else(|| "a time is written like 2026-11-20T12:00:00Z or 2026-11-20T12:00:00+08:00".to_owned())
}

fn read_time(text: &str) -> Option<Timestamp> {
    let (date, rest) = text.split_once('T')?;
    let (clock, zone) = rest.split_at_checked(8)?;
    let [hour, minute, second] = clock.split(':').map(two_digits).collect::<Option<Vec<_>>>()?.try_into().ok()?;
    let offset = match zone.split_at_checked(1)? {
        ("Z", "") => 0,
        (sign @ ("+" | "-"), offset) => {
            let (hours, minutes) = offset.split_once(':')?;
            let seconds = i32::try_from(two_digits(hours)? * 3_600 + two_digits(minutes)? * 60).ok()?;
            if sign == "-" { -seconds } else { seconds }
        }
        _ => return None,
    };
    let is_time = hour < 24 && minute < 60 && second < 60 && offset.abs() < 86_400;
    is_time.then_some(Timestamp::from_civil(Date::parse_iso(date)?, hour * 3_600 + minute * 60 + second, offset))
}

fn two_digits(text: &str) -> Option<u32> {
    (text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

/// A cycle as people write it: currency and number.
pub(crate) fn cycle(text: &str) -> Result<CycleRef, String> {
    let read = || {
        let (code, number) = text.split_once('/')?;
        Some(CycleRef { currency_code: code.to_owned(), number: number.parse().ok().filter(|number| *number > 0)? })
    };
    read().ok_or_else(|| "a cycle is written like CNY/1".to_owned())
}

/// Digits behind the point of amounts in a currency (ISO 4217).
pub(crate) fn exponent(currency_code: &str) -> u32 {
    match currency_code {
        "JPY" | "KRW" | "VND" => 0,
        _ => 2,
    }
}

/// A time as it is read, in UTC to the second.
pub(crate) fn shown(seconds: i64) -> String {
    let (date, second) = Timestamp::from_micros(seconds.saturating_mul(1_000_000)).civil(0);
    let (year, month, day) = date.ymd();
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", second / 3_600, second / 60 % 60, second % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_their_offset_and_shown_in_utc() {
        for (text, expected) in [
            ("2026-11-20T12:00:00Z", Some("2026-11-20T12:00:00Z")),
            ("2026-11-20T12:00:00+08:00", Some("2026-11-20T04:00:00Z")),
            ("2026-11-20T20:30:59-05:30", Some("2026-11-21T02:00:59Z")),
            ("2026-11-20T24:00:00Z", None),
            ("2026-11-20T12:00:00", None),
            ("2026-11-20 12:00:00Z", None),
            ("2026-02-30T12:00:00Z", None),
            ("noon", None),
        ] {
            let read = time(text).ok().map(|time| shown(time.micros().div_euclid(1_000_000)));
            assert_eq!(read.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_cycle_has_a_currency_and_a_number() {
        assert_eq!(cycle("CNY/7"), Ok(CycleRef { currency_code: "CNY".to_owned(), number: 7 }));
        for text in ["CNY", "CNY/", "CNY/0", "CNY/x"] {
            assert!(cycle(text).is_err(), "{text}");
        }
    }
}
