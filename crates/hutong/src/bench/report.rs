//! One line of JSON a run: what was measured, where, of what. Fractions are made of integers and only shown.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::machine::Machine;
use crate::cli::Output;

/// The commit this program was built from, or its version where there was none.
const REVISION: &str = match option_env!("HUTONG_REVISION") {
    Some(revision) => revision,
    None => env!("CARGO_PKG_VERSION"),
};

#[derive(Serialize)]
struct Line<F> {
    benchmark: &'static str,
    revision: &'static str,
    machine: Machine,
    parameters: Value,
    #[serde(flatten)]
    figures: F,
}

/// Prints the line of a run that worked in `directory`.
pub(super) fn print(
    benchmark: &'static str,
    directory: &Path,
    parameters: Value,
    figures: impl Serialize,
    output: Output,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let line = Line { benchmark, revision: REVISION, machine: Machine::of(directory), parameters, figures };
    match output {
        Output::Json => writeln!(out, "{}", serde_json::to_string(&line)?)?,
        Output::Table => print_value("", &serde_json::to_value(&line)?, out)?,
    }
    Ok(())
}

/// `name  value`, one a line; what is inside of something under the names of both.
fn print_value(name: &str, value: &Value, out: &mut impl Write) -> std::io::Result<()> {
    let below = |inner: &str| if name.is_empty() { inner.to_owned() } else { format!("{name}.{inner}") };
    match value {
        Value::Object(fields) => fields.iter().try_for_each(|(inner, value)| print_value(&below(inner), value, out)),
        Value::Array(items) => {
            items.iter().enumerate().try_for_each(|(at, value)| print_value(&below(&at.to_string()), value, out))
        }
        Value::String(text) => writeln!(out, "{name:<32}{text}"),
        other => writeln!(out, "{name:<32}{other}"),
    }
}

/// A quotient with three decimals.
pub(super) fn quotient(numerator: u128, denominator: u128) -> f64 {
    let thousandths = numerator.saturating_mul(1_000) / denominator.max(1);
    format!("{}.{:03}", thousandths / 1_000, thousandths % 1_000).parse().unwrap_or_default()
}

pub(super) fn seconds(duration: Duration) -> f64 {
    quotient(duration.as_millis(), 1_000)
}

pub(super) fn per_second(count: u64, duration: Duration) -> u64 {
    let rate = u128::from(count) * 1_000_000 / duration.as_micros().max(1);
    u64::try_from(rate).unwrap_or(u64::MAX)
}
