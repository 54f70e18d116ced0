//! `hutong bench recover`: from the start of a process to its first answer, on what a killed one has left.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use ledger::{Input, Polled, Source, SourceError};
use serde::Serialize;
use serde_json::json;
use wire::netting::v1::GetPositionsRequest;

use super::arguments::{DirectoryArguments, InputArguments, WriteArguments};
use super::report::{self, quotient, seconds};
use super::work::{self, Work};
use super::{Prepared, asof, part};
use crate::exit::Exit;

/// The tail grows until a run is flushed, and falls by that run. At so many tenths of where it last fell it is long enough.
const LONG_ENOUGH_TENTHS: u64 = 9;
/// Runs in which it grows and falls a few times.
const RUNS_MORE: u64 = 4;

#[derive(Serialize)]
struct Figures {
    event_bytes_mean: u64,
    logs: Vec<Log>,
    /// The longest log's time, divided by the shortest's.
    ratio: f64,
}

#[derive(Serialize)]
struct Log {
    /// When it was killed.
    entries: u64,
    /// Of these, not flushed: they are replayed.
    tail_entries: u64,
    seconds: f64,
    #[serde(skip)]
    millis: u128,
}

pub(super) fn run(arguments: &InputArguments, out: &mut impl Write, log: &mut impl Write) -> anyhow::Result<Exit> {
    let more = arguments.events.min(RUNS_MORE * ledger::Options::default().run_entries);
    let prepared = Prepared::new(arguments, arguments.events + more, log)?;
    let mut lengths = vec![(arguments.events / 16).max(1), (arguments.events / 4).max(1), arguments.events];
    lengths.dedup();
    let mut logs = Vec::new();
    for events in lengths {
        let data = prepared.path(&format!("data-{events}"));
        writeln!(log, "killing a ledger of {events} events")?;
        kill_at(work::entries(events).0, work::entries(arguments.events + more).0, &data, &prepared.input())?;
        asof::forget(&data)?;
        logs.push(opened(&data)?);
        std::fs::remove_dir_all(&data)?;
    }
    let millis = |log: &Log| log.millis;
    let ratio = quotient(logs.last().map_or(0, millis), logs.first().map_or(0, millis));
    let figures = Figures { event_bytes_mean: prepared.written.event_bytes_mean, logs, ratio };
    let parameters = json!({
        "mix": arguments.mix.word(), "hot": arguments.hot, "seed": arguments.seed, "events": arguments.events,
    });
    report::print("recover", prepared.scratch.path(), parameters, figures, arguments.output, out)?;
    Ok(Exit::Clean)
}

/// Has a process keep a ledger, and kills it behind entry `sequence` when its tail is long, at the latest at the end of the
/// input.
fn kill_at(sequence: u64, end: u64, data: &Path, input: &Path) -> anyhow::Result<()> {
    let input = input.to_str().context("the directory's name is not text")?;
    let mut writing = part::start("write", data, &["--input", input])?;
    let (mut fell_at, mut before) = (0, 0);
    while let Some(line) = writing.line()? {
        let (visible, tail) = line.trim().split_once(' ').context("a process has said something else")?;
        let (visible, tail): (u64, u64) = (visible.parse()?, tail.parse()?);
        if tail < before {
            fell_at = before;
        }
        before = tail;
        let is_long = tail * 10 >= fell_at * LONG_ENOUGH_TENTHS;
        if visible == end || (visible >= sequence && is_long) {
            return writing.kill();
        }
    }
    anyhow::bail!("the process that was to be killed has ended by itself")
}

/// Starts a service on it.
fn opened(data: &Path) -> anyhow::Result<Log> {
    let begun = Instant::now();
    let mut opening = part::start("open", data, &[])?;
    let figures = opening.figures()?;
    let taken = begun.elapsed();
    let number = |name: &str| figures[name].as_u64().with_context(|| format!("no {name}"));
    let (entries, tail_entries) = (number("entries")?, number("tail_entries")?);
    Ok(Log { entries, tail_entries, seconds: seconds(taken), millis: taken.as_millis() })
}

/// Keeps a ledger until it is killed: how many entries are visible, and how many of them are not flushed.
pub(super) fn write(arguments: &WriteArguments, out: &mut impl Write) -> anyhow::Result<()> {
    let work = Work::begin(&arguments.directory.data_dir, &arguments.input, None)?;
    while !work.handle.has_failed() {
        let visible = work.handle.snapshot().sequence.0;
        let flushed = work.store.mark().map_or(0, |mark| mark.through.0);
        writeln!(out, "{visible} {}", visible.saturating_sub(flushed))?;
        out.flush()?;
        std::thread::sleep(Duration::from_millis(2));
    }
    anyhow::bail!("the ledger has stopped")
}

/// Serves what is there until the first call is answered.
pub(super) fn open(arguments: &DirectoryArguments, out: &mut impl Write) -> anyhow::Result<()> {
    let store = work::store(&arguments.data_dir)?;
    let (entries, flushed) = (store.tip().sequence.0, store.mark().map_or(0, |mark| mark.through.0));
    let ledger = work::ledger(&store)?;
    let handle = ledger.handle();
    let running = ledger.start(Box::new(Silent))?;
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let door = api::start(handle, &api::Options { listen, ..api::Options::default() })?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let client = client::Client::new(&format!("http://{}", door.address()), client::Options::default())?;
        client.positions(GetPositionsRequest { currency_code: "CNY".to_owned(), ..Default::default() }).await
    })?;
    writeln!(out, "{}", json!({ "entries": entries, "tail_entries": entries - flushed }))?;
    out.flush()?;
    door.stop();
    running.stop();
    running.wait().context("the ledger stopped")
}

/// Topics on which nothing comes.
struct Silent;

impl Source for Silent {
    fn poll(&mut self, _: usize, patience: Duration, _: &mut dyn FnMut(Input<'_>)) -> Result<Polled, SourceError> {
        std::thread::sleep(patience);
        Ok(Polled::Open)
    }
}
