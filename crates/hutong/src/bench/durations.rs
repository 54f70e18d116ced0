//! How long things took: a histogram with three significant digits, from a microsecond to ten minutes.

use std::time::Duration;

use anyhow::Context;
use hdrhistogram::Histogram;
use serde::Serialize;

const LONGEST: Duration = Duration::from_secs(600);

pub(super) struct Durations(Histogram<u64>);

/// In microseconds.
#[derive(Serialize)]
pub(super) struct Percentiles {
    p50: u64,
    p90: u64,
    p99: u64,
    #[serde(rename = "p99.9")]
    p999: u64,
    max: u64,
    count: u64,
}

impl Durations {
    pub(super) fn new() -> anyhow::Result<Self> {
        let longest = u64::try_from(LONGEST.as_micros())?;
        Ok(Self(Histogram::new_with_bounds(1, longest, 3).context("cannot make a histogram")?))
    }

    pub(super) fn record(&mut self, duration: Duration) {
        self.0.saturating_record(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX));
    }

    pub(super) fn add(&mut self, other: &Self) -> anyhow::Result<()> {
        self.0.add(&other.0).context("cannot add histograms")
    }

    pub(super) fn count(&self) -> u64 {
        self.0.len()
    }

    pub(super) fn percentiles(&self) -> Percentiles {
        let at = |percentile: f64| self.0.value_at_percentile(percentile);
        let (max, count) = (self.0.max(), self.0.len());
        Percentiles { p50: at(50.0), p90: at(90.0), p99: at(99.0), p999: at(99.9), max, count }
    }

    /// As if something had been begun every `interval` whether the one before had ended or not: what took longer stands for
    /// those that could not begin.
    pub(super) fn corrected(&self, interval: Duration) -> Self {
        Self(self.0.clone_correct(u64::try_from(interval.as_micros()).unwrap_or(u64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stall_stands_for_what_it_has_kept_from_beginning() {
        let mut durations = Durations::new().expect("a histogram");
        (0..99).for_each(|_| durations.record(Duration::from_millis(1)));
        durations.record(Duration::from_millis(100));
        assert_eq!(durations.percentiles().p90, 1_000);
        let corrected = durations.corrected(Duration::from_millis(1)).percentiles();
        assert_eq!(corrected.count, 199);
        assert!((79_000..81_100).contains(&corrected.p90), "{}", corrected.p90);
    }
}
