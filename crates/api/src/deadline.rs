//! The moment until which a caller waits: what it says in `grpc-timeout`, and never longer than the service allows. A wait
//! inside a call ends a little earlier, so that the caller hears why rather than that time is up.

use std::time::Duration;

use tokio::time::Instant;
use tonic::metadata::MetadataMap;

/// Until when a call may wait for the ledger.
pub(crate) fn of(metadata: &MetadataMap, call_time_max: Duration) -> Instant {
    let wanted = metadata.get("grpc-timeout").and_then(|value| parse(value.to_str().ok()?));
    let time = wanted.map_or(call_time_max, |wanted| wanted.min(call_time_max));
    Instant::now() + time.saturating_sub(time / 8)
}

/// At most eight digits and a unit.
fn parse(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let is_number = !digits.is_empty() && digits.len() <= 8 && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = is_number.then(|| digits.parse().ok()).flatten()?;
    Some(match unit {
        "H" => Duration::from_secs(number * 3_600),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_digits_and_a_unit() {
        for (text, expected) in [
            ("5S", Some(Duration::from_secs(5))),
            ("250m", Some(Duration::from_millis(250))),
            ("99999999H", Some(Duration::from_secs(99_999_999 * 3_600))),
            ("100000000S", None),
            ("S", None),
            ("5", None),
            ("-5S", None),
            ("", None),
            ("5秒", None),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }
}
