//! A ledger at work on an input file.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use domain::ids::Sequence;
use ledger::{Handle, Ledger, Options, Running};
use store::Store;

use super::source::{self, FileSource};
use crate::data::{self, Place, Sizes, SystemClock};

/// See the module.
pub(super) struct Work {
    pub(super) store: Arc<dyn Store>,
    pub(super) handle: Handle,
    running: Running,
    may_end: Arc<AtomicBool>,
}

/// Entries of a ledger that has taken so many events: the first rulebook and the prefunds are entries too.
pub(super) fn entries(events: u64) -> Sequence {
    Sequence(1 + source::prefunds().len() as u64 + events)
}

/// Opens a data directory as the service does.
pub(super) fn store(directory: &Path) -> anyhow::Result<Arc<dyn Store>> {
    Ok(data::open(&Place::of(directory), &data::genesis("bench"), Sizes::default())?)
}

/// Opens its ledger as the service does.
pub(super) fn ledger(store: &Arc<dyn Store>) -> anyhow::Result<Ledger> {
    let (codec, clock) = (Box::new(data::codec()), Box::new(SystemClock));
    let rulebook = rulebook::DEFAULT.as_bytes();
    Ledger::open(Arc::clone(store), codec, clock, rulebook, Options::default()).context("cannot open the ledger")
}

impl Work {
    /// Begins a ledger in `directory`; `per_second` events a second, or as many as it takes.
    pub(super) fn begin(directory: &Path, input: &Path, per_second: Option<u64>) -> anyhow::Result<Self> {
        let store = store(directory)?;
        let ledger = ledger(&store)?;
        let handle = ledger.handle();
        let may_end = Arc::new(AtomicBool::new(false));
        let source = FileSource::open(input, per_second, Arc::clone(&may_end))?;
        let running = ledger.start(Box::new(source))?;
        Ok(Self { store, handle, running, may_end })
    }

    /// Waits until this entry is visible.
    pub(super) fn wait_for(&self, sequence: Sequence) -> anyhow::Result<Instant> {
        wait_for(&self.handle, sequence, || self.running.is_finished())
    }

    /// Lets the ledger end with its input.
    pub(super) fn end(self) -> anyhow::Result<()> {
        self.may_end.store(true, Ordering::Release);
        self.running.wait().context("the ledger stopped")
    }

    /// Takes a whole input and closes the ledger; how long until the last event was visible.
    pub(super) fn whole(directory: &Path, input: &Path, events: u64) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        let work = Self::begin(directory, input, None)?;
        let visible = work.wait_for(entries(events));
        work.end()?;
        Ok(visible? - begun)
    }
}

/// When this entry has become the last visible one.
pub(super) fn wait_for(handle: &Handle, sequence: Sequence, has_ended: impl Fn() -> bool) -> anyhow::Result<Instant> {
    loop {
        let ended = has_ended();
        if let Some(snapshot) = handle.wait_for(sequence, Duration::from_millis(100)) {
            let now = Instant::now();
            let visible = snapshot.sequence;
            anyhow::ensure!(visible == sequence, "{visible} entries are visible, {sequence} were consumed");
            return Ok(now);
        }
        anyhow::ensure!(!ended, "the ledger has stopped at entry {}", handle.snapshot().sequence);
    }
}
