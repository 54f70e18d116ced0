//! `hutong serve`: the ledger at work, from the brokers' topics to durable blocks and gRPC, until a signal or a failure.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use api::{CommandSink, SinkError};
use ingest::{KafkaSource, Lags, Putter, Rejections};
use ledger::{Handle, Ledger, Options, Running};
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::cli::ServeArguments;
use crate::data::{self, SystemClock};
use crate::exit::Exit;
use crate::kafka;

/// A supervisor asks, waits ten seconds, and kills: calls under way get the first of them, the block in hand the rest.
const CALLS_WITHIN: Duration = Duration::from_secs(3);
const STOP_WITHIN: Duration = Duration::from_secs(6);
/// What is refused in the last block should be told before the service ends; after that it is told at the next start.
const REJECTIONS_WITHIN: Duration = Duration::from_millis(500);

pub(crate) fn run(arguments: &ServeArguments, log: &mut impl Write) -> anyhow::Result<Exit> {
    log_to_standard_error(tracing::Level::INFO);
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&stop)).context("cannot listen for signals")?;
    }
    let mut options = api_options(arguments);
    options.check().context("--listen needs --insecure-listen")?;
    let rulebook = arguments.rulebook.as_deref().map_or_else(|| Ok(rulebook::DEFAULT.to_owned()), read_rulebook)?;
    let cluster = match kafka::check(&arguments.brokers) {
        Ok(cluster) => cluster,
        Err(error) => return kafka::failed(error, log),
    };
    let store = data::open(&arguments.data_dir, &data::genesis(&cluster))?;
    let (codec, clock) = (Box::new(data::codec()), Box::new(SystemClock));
    let ledger = Ledger::open(store, codec, clock, rulebook.as_bytes(), Options::default())
        .with_context(|| format!("cannot open the ledger in {}", arguments.data_dir.display()))?;
    let handle = ledger.handle();
    let starts = kafka::starts(&handle, ledger.positions())?;
    let source = match KafkaSource::open(&arguments.brokers, starts, kafka::PATIENCE) {
        Ok(source) => source,
        Err(error) => return kafka::failed(error, log),
    };
    let lags = source.lags();
    let rejections = match Rejections::start(&arguments.brokers, handle.clone(), kafka::PATIENCE) {
        Ok(rejections) => rejections,
        Err(error) => return kafka::failed(error, log),
    };
    let control = Putter::new(&arguments.brokers, data::TOPICS[usize::from(data::CONTROL)])?;
    options.commands = Some(Arc::new(ControlTopic(control)));
    let api = api::start(handle.clone(), &options)?;
    let running = ledger.start(Box::new(source))?;
    let sequence = handle.snapshot().sequence.0;
    tracing::info!(%cluster, brokers = arguments.brokers, listen = %api.address(), sequence, "serving");
    let progress = |what: &str| report(&handle, &lags, &rejections, what);
    watch(&running, progress, &stop, Duration::from_millis(arguments.progress_ms));
    // First, so that calls under way still see what they wait for.
    api.stop();
    let ended = finish(running);
    progress("stopped");
    rejections.finish(REJECTIONS_WITHIN);
    ended.map(|()| Exit::Clean)
}

/// Where the service's changing calls put their commands.
#[derive(Debug)]
struct ControlTopic(Putter);

impl CommandSink for ControlTopic {
    fn put(&self, key: &[u8], value: &[u8]) -> Result<i64, SinkError> {
        self.0.put(key, value, kafka::PATIENCE).map_err(|error| SinkError(error.to_string()))
    }
}

fn api_options(arguments: &ServeArguments) -> api::Options {
    let (listen, insecure_listen) = (arguments.listen, arguments.insecure_listen);
    api::Options { listen, insecure_listen, shutdown_patience: CALLS_WITHIN, ..api::Options::default() }
}

/// Times are the supervisor's business as much as ours, but a file of lines without them helps nobody.
pub(crate) fn log_to_standard_error(level: tracing::Level) {
    let colours = std::io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(colours).with_target(false);
    // A second one is refused; the first goes on.
    let _ = lines.with_max_level(level).try_init();
}

fn read_rulebook(file: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    rulebook::parse(&text).with_context(|| format!("{} is no rulebook", file.display()))?;
    Ok(text)
}

/// Returns when a signal has come or the ledger has ended by itself.
fn watch(running: &Running, progress: impl Fn(&str), stop: &AtomicBool, every: Duration) {
    let mut reported = Instant::now();
    while !stop.load(Ordering::Acquire) && !running.is_finished() {
        std::thread::sleep(every.min(Duration::from_millis(50)));
        if reported.elapsed() >= every {
            progress("progress");
            reported = Instant::now();
        }
    }
}

/// What was applied becomes durable, nothing more is read.
fn finish(running: Running) -> anyhow::Result<()> {
    running.stop();
    let asked = Instant::now();
    while !running.is_finished() {
        anyhow::ensure!(asked.elapsed() < STOP_WITHIN, "the ledger did not finish its block in time; it is read again");
        std::thread::sleep(Duration::from_millis(10));
    }
    match running.wait() {
        Err(ledger::Error::Source(error)) => Err(kafka::with_code(&error)),
        ended => ended.context("the ledger stopped"),
    }
}

/// The newest durable entry, the chain's hash after it, how far every topic is ahead, and up to which entry refusals are on
/// their topic.
fn report(handle: &Handle, lags: &Lags, rejections: &Rejections, what: &str) {
    let snapshot = handle.snapshot();
    let head: String = snapshot.head.iter().map(|byte| format!("{byte:02x}")).collect();
    let lag = |lag: ingest::Lag| match lag.offsets() {
        Some(offsets) => format!("{}={offsets}", lag.topic),
        None => format!("{}=unknown", lag.topic),
    };
    let lag: Vec<_> = lags.now().into_iter().map(lag).collect();
    let rejected_through = rejections.through().0;
    tracing::info!(sequence = snapshot.sequence.0, %head, lag = lag.join(" "), rejected_through, "{what}");
}
