//! Four threads, three bounded queues.
//!
//! * `read` polls the source, and finds out about records what does not depend on those before them.
//! * `apply` applies them to the shard and seals blocks. It alone changes the ledger's state.
//! * `write` makes each block durable, in order, and only then publishes it: its history rows, its snapshot, the answers of
//!   its commands. While it waits for the disk, the next block is applied.
//! * `flush` moves sealed runs from memory into the store.
//!
//! The queue of batches holds [`BATCHES_IN_FLIGHT_MAX`] and that of blocks [`BLOCKS_IN_FLIGHT_MAX`]; when they are full, the
//! source is not polled. The queue of runs holds one; when flushing falls two runs behind, `write` waits, so that what has to
//! be replayed after a crash is bounded. The first error of any thread stops all four, and nothing is retried: a failed sync
//! may have lost the page.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::apply::Applier;
use crate::batch::Batch;
use crate::error::Error;
use crate::flush::flush;
use crate::input::Polled;
use crate::read::Reader;
use crate::sealed::{SealedBlock, SealedRun};
use crate::shared::Shared;

/// Batches that are read and not yet applied: about a block.
pub(crate) const BATCHES_IN_FLIGHT_MAX: usize = 8;

/// Blocks that are applied and not yet durable: one being written and one behind it hide the sync.
pub(crate) const BLOCKS_IN_FLIGHT_MAX: usize = 2;

/// Runs that are sealed and not yet in the store, beside the one being flushed.
pub(crate) const RUNS_IN_FLIGHT_MAX: usize = 1;

/// How the pipeline works; the defaults are for production.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// A block holds at most this many entries. 8,192 of 200 bytes make a write of about 1 MiB, of which the sync is a
    /// small part.
    pub block_entries_max: usize,
    /// A run is sealed when it holds this many entries: two of them are replayed in a second or so.
    pub run_entries: u64,
    /// How long the source may wait for a first record; also how fast a stop is seen.
    pub patience: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { block_entries_max: 8_192, run_entries: 262_144, patience: Duration::from_millis(50) }
    }
}

/// A ledger at work.
pub struct Running {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
    failure: Arc<Mutex<Option<Error>>>,
}

impl Running {
    /// Asks the threads to finish: what was applied becomes durable, nothing more is read.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Release);
    }

    /// Whether every thread has ended, by itself or because one of them failed.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.threads.iter().all(JoinHandle::is_finished)
    }

    /// Waits for the end: of the source, after [`Running::stop`], or because of a failure.
    ///
    /// # Errors
    /// The first failure of any thread.
    pub fn wait(self) -> Result<(), Error> {
        let mut panicked = false;
        for thread in self.threads {
            panicked |= thread.join().is_err();
        }
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        match failure {
            Some(error) => Err(error),
            None if panicked => Err(Error::ThreadStopped("ledger")),
            None => Ok(()),
        }
    }
}

/// What the threads have in common.
#[derive(Clone)]
struct Common {
    shared: Arc<Shared>,
    stop: Arc<AtomicBool>,
    failure: Arc<Mutex<Option<Error>>>,
}

impl Common {
    /// Runs a thread's work; its failure is kept, unless another one failed first, and stops the others.
    fn guard(&self, work: impl FnOnce() -> Result<(), Error>) {
        if let Err(error) = work() {
            tracing::error!(%error, source = error_source(&error), "the ledger stops");
            self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            self.shared.fail();
        }
        self.stop.store(true, Ordering::Release);
    }
}

/// What one thread does until its input ends.
type Work = Box<dyn FnOnce(&Common) -> Result<(), Error> + Send>;

fn error_source(error: &Error) -> String {
    std::error::Error::source(error).map_or_else(String::new, ToString::to_string)
}

pub(crate) fn start(reader: Reader, applier: Applier) -> Result<Running, Error> {
    let common = Common { shared: Arc::clone(&applier.shared), stop: Arc::default(), failure: Arc::default() };
    let (batches_in, batches_out) = sync_channel(BATCHES_IN_FLIGHT_MAX);
    let (blocks_in, blocks_out) = sync_channel(BLOCKS_IN_FLIGHT_MAX);
    let (runs_in, runs_out) = sync_channel(RUNS_IN_FLIGHT_MAX);
    let spawn = |name: &'static str, common: Common, work: Work| {
        let thread = std::thread::Builder::new().name(format!("hutong-{name}"));
        thread.spawn(move || common.guard(|| work(&common))).map_err(|_| Error::ThreadStopped(name))
    };
    let threads = vec![
        spawn("flush", common.clone(), Box::new(move |common| flush_runs(common, &runs_out)))?,
        spawn("write", common.clone(), Box::new(move |common| write_blocks(common, &blocks_out, &runs_in)))?,
        spawn("apply", common.clone(), Box::new(move |_| apply_batches(applier, &batches_out, &blocks_in)))?,
        spawn("read", common.clone(), Box::new(move |common| read_records(common, reader, &batches_in)))?,
    ];
    Ok(Running { stop: common.stop, threads, failure: common.failure })
}

fn read_records(common: &Common, mut reader: Reader, batches: &SyncSender<Batch>) -> Result<(), Error> {
    // Whoever has gone away behind us has failed and has said why.
    let mut send = |batch| batches.send(batch).is_ok();
    while !common.stop.load(Ordering::Acquire) && reader.step(&mut send)? == Polled::Open {}
    Ok(())
}

/// A block ends when it is full, or when nothing more has come.
fn apply_batches(
    mut applier: Applier,
    batches: &Receiver<Batch>,
    blocks: &SyncSender<SealedBlock>,
) -> Result<(), Error> {
    let mut send = |block| blocks.send(block).is_ok();
    loop {
        let received = batches.recv_timeout(applier.options.patience);
        let mut waiting = received.as_ref().ok();
        let mut next;
        while let Some(batch) = waiting {
            if !applier.apply(batch, &mut send)? {
                return Ok(());
            }
            next = batches.try_recv();
            waiting = next.as_ref().ok();
        }
        if !applier.seal(&mut send)? || matches!(received, Err(RecvTimeoutError::Disconnected)) {
            return Ok(());
        }
    }
}

fn write_blocks(common: &Common, blocks: &Receiver<SealedBlock>, runs: &SyncSender<SealedRun>) -> Result<(), Error> {
    let mut buffer = Vec::new();
    for block in blocks {
        let run = common.shared.commit(block, &mut buffer)?;
        if let Some(run) = run
            && runs.send(run).is_err()
        {
            return Ok(()); // The flusher has failed and has said why.
        }
    }
    Ok(())
}

fn flush_runs(common: &Common, runs: &Receiver<SealedRun>) -> Result<(), Error> {
    for run in runs {
        flush(&common.shared, &run)?;
    }
    Ok(())
}
