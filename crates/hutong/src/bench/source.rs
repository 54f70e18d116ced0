//! The input file as a source, after the commands that fund the networks: as fast as the ledger asks, or at a rate.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use domain::time::Timestamp;
use ledger::{Input, Polled, Source, SourceError};
use simulator::mix::{self, FileError, FileReader};

use crate::data;

/// How often records that are due are handed over: a quarter of what a sync takes here.
const LOOK_EVERY: Duration = Duration::from_micros(100);

/// The commands that a benchmark begins with.
pub(super) fn prefunds() -> Vec<Vec<u8>> {
    mix::prefunds().into_iter().map(|(network, minor)| wire::control::prefund(network, minor)).collect()
}

pub(super) struct FileSource {
    prefunds: Vec<Vec<u8>>,
    reader: FileReader,
    pace: Option<Pace>,
    /// At the end of the file the ledger stays at work until this is set, so that its threads can be asked what they took.
    may_end: Arc<AtomicBool>,
}

struct Pace {
    per_second: u64,
    begun: Option<Instant>,
    given: u64,
}

impl FileSource {
    pub(super) fn open(input: &Path, per_second: Option<u64>, may_end: Arc<AtomicBool>) -> Result<Self, FileError> {
        let pace = per_second.map(|per_second| Pace { per_second, begun: None, given: 0 });
        Ok(Self { prefunds: prefunds(), reader: FileReader::open(input)?, pace, may_end })
    }

    fn fund(&mut self, take: &mut dyn FnMut(Input<'_>)) {
        for (raw, offset) in self.prefunds.drain(..).zip(0..) {
            let arrived_at = Timestamp::default();
            take(Input { source: data::CONTROL, offset, arrived_at, key: &[], raw: &raw });
        }
    }
}

impl Pace {
    /// How many more are due.
    fn due(&mut self) -> u64 {
        let begun = *self.begun.get_or_insert_with(Instant::now);
        due(begun.elapsed(), self.per_second).saturating_sub(self.given)
    }
}

/// How many of so many a second are due after a time.
pub(super) fn due(after: Duration, per_second: u64) -> u64 {
    u64::try_from(after.as_nanos() * u128::from(per_second) / 1_000_000_000).unwrap_or(u64::MAX)
}

impl Source for FileSource {
    fn poll(&mut self, max: usize, patience: Duration, take: &mut dyn FnMut(Input<'_>)) -> Result<Polled, SourceError> {
        if !self.prefunds.is_empty() {
            self.fund(take);
            return Ok(Polled::Open);
        }
        let due = self.pace.as_mut().map_or(max, |pace| usize::try_from(pace.due()).unwrap_or(max).min(max));
        if due == 0 {
            std::thread::sleep(patience.min(LOOK_EVERY));
            return Ok(Polled::Open);
        }
        let taken = self.reader.take(due, |record| {
            take(Input {
                source: data::FIRST_NETWORK + record.source,
                offset: record.offset,
                arrived_at: Timestamp::from_micros(record.timestamp),
                key: record.key,
                raw: record.value,
            });
        });
        let taken = taken.map_err(failed)?;
        if let Some(pace) = &mut self.pace {
            pace.given += taken as u64;
        }
        match taken {
            0 if self.may_end.load(Ordering::Acquire) => Ok(Polled::Ended),
            0 => {
                std::thread::sleep(patience);
                Ok(Polled::Open)
            }
            _ => Ok(Polled::Open),
        }
    }
}

fn failed(error: FileError) -> SourceError {
    SourceError {
        source_name: "benchmark input".to_owned(),
        reason: format!("{error}: {}", std::error::Error::source(&error).map_or_else(String::new, ToString::to_string)),
        code: "BENCHMARK_INPUT",
    }
}
