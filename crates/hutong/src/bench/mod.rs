//! `hutong bench`: how fast this machine does it, with nothing of the real path left out. One module a benchmark; each says
//! what it measures in its help. Stores, ledgers and clients are opened as the service opens them.

mod arguments;
mod asof;
mod durations;
mod engine;
mod fixed_loop;
mod kafka;
mod latency;
mod machine;
mod part;
mod reads;
mod recover;
mod report;
mod source;
mod stages;
mod topics;
mod verify;
mod work;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;
use serde::Serialize;
use simulator::mix::{self, FileReader};
use tempfile::TempDir;

pub(crate) use self::arguments::BenchVerb;
use self::arguments::InputArguments;
use self::report::seconds;
use self::work::Work;
use crate::exit::Exit;

pub(crate) fn run(verb: &BenchVerb, out: &mut impl Write, log: &mut impl Write) -> anyhow::Result<Exit> {
    match verb {
        BenchVerb::Engine(arguments) => engine::run(arguments, out, log),
        BenchVerb::Kafka(arguments) => kafka::run(arguments, out, log),
        BenchVerb::Latency(arguments) => latency::run(arguments, out, log),
        BenchVerb::Reads(arguments) => reads::run(arguments, out, log),
        BenchVerb::Recover(arguments) => recover::run(arguments, out, log),
        BenchVerb::Asof(arguments) => asof::run(arguments, out, log),
        BenchVerb::Verify(arguments) => verify::run(arguments, out, log),
        BenchVerb::Part(part) => part::run(part, out),
    }
}

/// A run that is not measured.
fn warm_up(arguments: &InputArguments, events: u64, log: &mut impl Write) -> anyhow::Result<()> {
    if events > 0 {
        let prepared = Prepared::new(arguments, events, log)?;
        Work::whole(&prepared.path("data"), &prepared.input(), events)?;
    }
    Ok(())
}

/// A directory for the run, with its input in it. Removed with everything in it when it is dropped.
struct Prepared {
    scratch: TempDir,
    written: Input,
}

/// What the ledger is fed with.
#[derive(Serialize)]
struct Input {
    events: u64,
    event_bytes_mean: u64,
    /// Reading the input and nothing else: what of `seconds` is not the engine's.
    read_seconds: f64,
}

impl Prepared {
    /// Writes `events` events, and reads them once.
    fn new(arguments: &InputArguments, events: u64, log: &mut impl Write) -> anyhow::Result<Self> {
        let parent = arguments.data_dir.clone().unwrap_or_else(|| ".".into());
        let scratch = TempDir::with_prefix_in("hutong-bench-", &parent);
        let scratch = scratch.with_context(|| format!("cannot make a directory in {}", parent.display()))?;
        writeln!(log, "writing {events} events")?;
        let path = scratch.path().join("input");
        let summary = mix::write_file(&path, arguments.mix(), events, arguments.seed, |_| {})?;
        let begun = Instant::now();
        let mut reader = FileReader::open(&path)?;
        while let Some(piece) = reader.next_piece()? {
            piece.for_each(drop);
        }
        let read_seconds = seconds(begun.elapsed());
        Ok(Self { scratch, written: Input { events, event_bytes_mean: summary.bytes / events, read_seconds } })
    }

    fn input(&self) -> PathBuf {
        self.path("input")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    fn directory(&self) -> &Path {
        self.scratch.path()
    }
}
