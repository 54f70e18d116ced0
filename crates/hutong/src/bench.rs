//! `hutong bench`: how fast this machine does it, with nothing of the real path left out.

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use domain::ids::Sequence;
use domain::time::Timestamp;
use ledger::{Input, Ledger, Options, Polled, Source, SourceError};
use serde::Serialize;
use simulator::mix::{self, FileReader, Mix};

use crate::cli::{BenchArguments, MixName, Output};
use crate::data::{self, Sizes, SystemClock};
use crate::exit::Exit;

/// One line of JSON a run.
#[derive(Serialize)]
struct Figures {
    benchmark: &'static str,
    version: &'static str,
    cores: usize,
    mix: &'static str,
    seed: u64,
    events: u64,
    event_bytes_mean: u64,
    /// Reading the input and nothing else: what of `seconds` is not the engine's.
    read_seconds: String,
    seconds: String,
    events_per_second: u64,
    peak_rss_bytes: u64,
    /// On disk when the last event is visible, blocks, indexes and history together.
    disk_bytes: u64,
    disk_bytes_per_event: u64,
    entries: u64,
    chain_head: String,
}

pub(crate) fn engine(arguments: &BenchArguments, out: &mut impl Write, log: &mut impl Write) -> anyhow::Result<Exit> {
    let parent = arguments.data_dir.clone().unwrap_or_else(|| ".".into());
    let scratch = tempfile::Builder::new().prefix("hutong-bench-").tempdir_in(&parent);
    let scratch = scratch.with_context(|| format!("cannot make a directory in {}", parent.display()))?;
    let input = scratch.path().join("input");
    let mix = match arguments.mix {
        MixName::Natural => Mix::Natural,
        MixName::Transfer => Mix::Transfer { institutions: 10_000, hot: arguments.hot },
    };
    writeln!(log, "writing {} events", arguments.events)?;
    let written = mix::write_file(&input, mix, arguments.events, arguments.seed, |_| {})?;
    let read = Instant::now();
    let mut reader = FileReader::open(&input)?;
    while let Some(piece) = reader.next_piece()? {
        piece.for_each(drop);
    }
    let read = read.elapsed();
    writeln!(log, "applying them")?;
    let measured = apply(&scratch.path().join("data"), &input, arguments.events)?;
    let per_second = u128::from(arguments.events) * 1_000_000 / measured.elapsed.as_micros().max(1);
    let figures = Figures {
        benchmark: "engine",
        version: env!("CARGO_PKG_VERSION"),
        cores: std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
        mix: arguments.mix.word(),
        seed: arguments.seed,
        events: arguments.events,
        event_bytes_mean: written.bytes / arguments.events.max(1),
        read_seconds: seconds(read),
        seconds: seconds(measured.elapsed),
        events_per_second: u64::try_from(per_second).unwrap_or(u64::MAX),
        peak_rss_bytes: peak_rss(),
        disk_bytes: measured.disk_bytes,
        disk_bytes_per_event: measured.disk_bytes / arguments.events.max(1),
        entries: measured.entries.0,
        chain_head: measured.chain_head,
    };
    match arguments.output {
        Output::Json => writeln!(out, "{}", serde_json::to_string(&figures)?)?,
        Output::Table => {
            let value = serde_json::to_value(&figures)?;
            for (name, value) in value.as_object().into_iter().flatten() {
                writeln!(out, "{name:<22}{}", value.as_str().map_or_else(|| value.to_string(), str::to_owned))?;
            }
        }
    }
    Ok(Exit::Clean)
}

struct Measured {
    elapsed: Duration,
    entries: Sequence,
    chain_head: String,
    disk_bytes: u64,
}

/// From the first event consumed to the last one visible.
fn apply(directory: &Path, input: &Path, events: u64) -> anyhow::Result<Measured> {
    let store = data::open(&data::Place::of(directory), &data::genesis("bench"), Sizes::default())?;
    let rulebook = rulebook::DEFAULT.as_bytes();
    let ledger =
        Ledger::open(store.clone(), Box::new(data::codec()), Box::new(SystemClock), rulebook, Options::default())?;
    let handle = ledger.handle();
    let source = FileSource { prefunds: prefunds(), reader: FileReader::open(input)?, control_offset: 0 };
    let begun = Instant::now();
    let running = ledger.start(Box::new(source))?;
    running.wait()?;
    let elapsed = begun.elapsed();
    let end = handle.snapshot();
    // The first rulebook and the prefunds are entries too; nothing else is.
    let expected = events + 1 + u64::try_from(mix::prefunds().len())?;
    anyhow::ensure!(end.sequence.0 == expected, "{} entries are visible, {expected} were consumed", end.sequence);
    let chain_head = end.head.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Measured { elapsed, entries: end.sequence, chain_head, disk_bytes: store.disk_usage()?.total() })
}

fn prefunds() -> Vec<Vec<u8>> {
    mix::prefunds().into_iter().map(|(network, minor)| wire::control::prefund(network, minor)).collect()
}

/// The input file as a source, after the commands that fund the networks.
struct FileSource {
    prefunds: Vec<Vec<u8>>,
    reader: FileReader,
    control_offset: i64,
}

impl Source for FileSource {
    fn poll(&mut self, max: usize, _: Duration, take: &mut dyn FnMut(Input<'_>)) -> Result<Polled, SourceError> {
        for raw in self.prefunds.drain(..) {
            let arrived_at = Timestamp::default();
            take(Input { source: data::CONTROL, offset: self.control_offset, arrived_at, key: &[], raw: &raw });
            self.control_offset += 1;
        }
        let failed = |error: mix::FileError| SourceError {
            source_name: "benchmark input".to_owned(),
            reason: error.to_string(),
            code: "BENCHMARK_INPUT",
        };
        let mut taken = 0;
        while taken * 2 < max {
            let Some(piece) = self.reader.next_piece().map_err(failed)? else { return Ok(Polled::Ended) };
            for record in piece {
                taken += 1;
                take(Input {
                    source: data::FIRST_NETWORK + record.source,
                    offset: record.offset,
                    arrived_at: Timestamp::from_micros(record.timestamp),
                    key: record.key,
                    raw: record.value,
                });
            }
        }
        Ok(Polled::Open)
    }
}

fn seconds(duration: Duration) -> String {
    format!("{}.{:03}", duration.as_secs(), duration.subsec_millis())
}

/// The most memory this process has held, from the kernel; 0 where it does not say.
fn peak_rss() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()).and_then(|number| number.parse::<u64>().ok());
    kibibytes.unwrap_or(0) * 1_024
}
