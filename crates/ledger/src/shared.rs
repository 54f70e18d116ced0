//! What the threads and the readers share: the store, the newest durable snapshot, and the history that is durable and not
//! yet in a run. `write` adds to it, `flush` takes away what the store has, readers only read.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use domain::account::Account;
use domain::ids::Sequence;
use faults::{Mutant, Point};
use store::Store;
use store::history::{EncodedRow, HistoryRow};

use crate::error::Error;
use crate::past::Past;
use crate::query::Questions;
use crate::sealed::{SealedBlock, SealedRun};
use crate::snapshot::{Published, Snapshot};

/// History rows that are durable in blocks and not yet in a run.
type Tail = BTreeMap<(Account, Sequence), EncodedRow>;

/// What the threads and the readers share.
pub(crate) struct Shared {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) published: Published,
    pub(crate) questions: Questions,
    /// What `read` looks things up in; `apply` goes on with it.
    past: Mutex<Past>,
    tail: RwLock<Tail>,
    flushed_through: AtomicU32,
    failed: AtomicBool,
}

impl Shared {
    pub(crate) fn new(store: Arc<dyn Store>, first: Snapshot, flushed_through: u32) -> Self {
        Self {
            store,
            published: Published::new(first),
            questions: Questions::default(),
            past: Mutex::new(Past::new(flushed_through)),
            tail: RwLock::default(),
            flushed_through: AtomicU32::new(flushed_through),
            failed: AtomicBool::new(false),
        }
    }

    pub(crate) fn past(&self) -> Past {
        self.past.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn go_past(&self, past: Past) {
        *self.past.lock().unwrap_or_else(PoisonError::into_inner) = past;
    }

    /// Makes a block durable, then visible. `buffer` is kept by the caller between blocks.
    pub(crate) fn commit(&self, mut block: SealedBlock, buffer: &mut Vec<u8>) -> Result<Option<SealedRun>, Error> {
        block.encode(buffer)?;
        faults::pass(Point::BlockSealed);
        if faults::has(Mutant::PublishedBeforeDurable) {
            self.published.publish(Arc::clone(&block.snapshot));
        }
        self.store.append(buffer).map_err(Error::Store)?;
        faults::pass(Point::BlockDurable);
        Ok(self.show(block))
    }

    /// Makes a durable block visible: history first, so that whoever sees the snapshot finds its rows.
    pub(crate) fn show(&self, block: SealedBlock) -> Option<SealedRun> {
        let mut tail = self.tail.write().unwrap_or_else(PoisonError::into_inner);
        tail.extend(block.rows.into_iter().map(|row| ((row.account(), row.first()), row)));
        drop(tail);
        self.published.publish(block.snapshot);
        faults::pass(Point::BlockVisible);
        block.run
    }

    /// Every history row of the run that ends at `through`.
    pub(crate) fn rows_through(&self, through: Sequence) -> Vec<EncodedRow> {
        let tail = self.tail.read().unwrap_or_else(PoisonError::into_inner);
        tail.values().filter(|row| row.first() <= through).cloned().collect()
    }

    /// The store has this run.
    pub(crate) fn run_flushed(&self, run: u32, through: Sequence) {
        self.tail.write().unwrap_or_else(PoisonError::into_inner).retain(|(_, first), _| *first > through);
        self.flushed_through.store(run, Ordering::Release);
    }

    /// The newest row of an account at or before `sequence` that is not in a run.
    pub(crate) fn recent_row(&self, account: Account, sequence: Sequence) -> Option<HistoryRow> {
        let tail = self.tail.read().unwrap_or_else(PoisonError::into_inner);
        tail.range((account, Sequence(0))..=(account, sequence)).next_back().map(|(_, row)| row.row())
    }

    /// The rows of an account with blocks from `from` to `through` that are not in a run, by block.
    pub(crate) fn recent_rows(
        &self,
        account: Account,
        from: Sequence,
        through: Sequence,
    ) -> BTreeMap<Sequence, HistoryRow> {
        let tail = self.tail.read().unwrap_or_else(PoisonError::into_inner);
        let range = (account, from)..=(account, through.max(from));
        tail.range(range).map(|((_, first), row)| (*first, row.row())).collect()
    }

    pub(crate) fn flushed_through(&self) -> u32 {
        self.flushed_through.load(Ordering::Acquire)
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }

    pub(crate) fn fail(&self) {
        self.failed.store(true, Ordering::Release);
    }
}
