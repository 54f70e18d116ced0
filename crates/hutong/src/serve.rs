//! `hutong serve`: the ledger at work, from the brokers' topics to durable blocks and gRPC, until a signal or a failure.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use domain::ids::Sequence;
use ingest::Lags;
use ledger::Handle;
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::backup::Worker;
use crate::cli::ServeArguments;
use crate::data::Sizes;
use crate::exit::Exit;
use crate::node::{self, Node, Topics};
use crate::{data, kafka, settle};

pub(crate) fn run(arguments: &ServeArguments, log: &mut impl Write) -> anyhow::Result<Exit> {
    log_to_standard_error(tracing::Level::INFO);
    if faults::ARMED {
        tracing::warn!("this program was built to be killed at failpoints: it must not keep a ledger");
    }
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&stop)).context("cannot listen for signals")?;
    }
    let (listen, insecure_listen) = (arguments.listen, arguments.insecure_listen);
    let options = api::Options { listen, insecure_listen, ..api::Options::default() };
    options.check().context("--listen needs --insecure-listen")?;
    let rulebook = arguments.rulebook.as_deref().map_or_else(|| Ok(rulebook::DEFAULT.to_owned()), read_rulebook)?;
    let cluster = match kafka::check(&arguments.brokers) {
        Ok(cluster) => cluster,
        Err(error) => return kafka::failed(error, log),
    };
    let sizes = Sizes { run_entries: arguments.run_entries, memory_table_bytes: arguments.memory_table_bytes };
    let opened = node::open(Topics::Kept { cluster: &cluster }, &arguments.place, &rulebook, sizes)?;
    let mut node = match Node::start(&arguments.brokers, opened) {
        Ok(node) => node,
        Err(error) => return kafka::failed(error, log),
    };
    let listen = node.serve(&arguments.brokers, &options)?;
    let backups = Worker::start(&arguments.backups, Arc::clone(&node.store))?;
    let bank = settle::speak_to_bank(&arguments.brokers, &node.handle)?;
    let sequence = node.handle.snapshot().sequence.0;
    tracing::info!(%cluster, brokers = arguments.brokers, %listen, sequence, "serving");
    watch(&node, &stop, Duration::from_millis(arguments.progress_ms));
    drop(bank);
    drop(backups);
    let (handle, lags) = (node.handle.clone(), node.lags.clone());
    let rejected_through = node.rejections.through();
    let ended = node.stop();
    report(&handle, &lags, rejected_through, "stopped");
    ended.map(|()| Exit::Clean)
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
fn watch(node: &Node, stop: &AtomicBool, every: Duration) {
    let mut reported = Instant::now();
    while !stop.load(Ordering::Acquire) && !node.is_finished() {
        std::thread::sleep(every.min(Duration::from_millis(50)));
        if reported.elapsed() >= every {
            report(&node.handle, &node.lags, node.rejections.through(), "progress");
            reported = Instant::now();
        }
    }
}

/// The newest durable entry, the chain's hash after it, how far every topic is ahead, and up to which entry refusals are on
/// their topic.
fn report(handle: &Handle, lags: &Lags, rejected_through: Sequence, what: &str) {
    let snapshot = handle.snapshot();
    let head = data::hex(&snapshot.head);
    let lag = |lag: ingest::Lag| match lag.offsets() {
        Some(offsets) => format!("{}={offsets}", lag.topic),
        None => format!("{}=unknown", lag.topic),
    };
    let lag: Vec<_> = lags.now().into_iter().map(lag).collect();
    let (sequence, rejected_through) = (snapshot.sequence.0, rejected_through.0);
    tracing::info!(sequence, %head, lag = lag.join(" "), rejected_through, "{what}");
}
