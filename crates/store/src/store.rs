//! What the ledger and the verifier ask of a store. Who may call what: one thread appends, one thread ingests runs (it may
//! be another one), any number read. Appends and runs do not wait for readers.
//!
//! * The log is the truth: [`Store::append`] returns when the block is durable, or never again succeeds.
//! * Everything else is a fold of the log that lags behind it: a [`Run`] is what a range of blocks adds to the folds, and
//!   becomes visible as a whole, together with its [`Mark`]. After a crash the ledger begins at [`Store::mark`] and
//!   [`Store::state`] and folds [`Store::blocks`] from there.
//! * What is asked by id or payment is answered as of the mark; what came after it is the caller's to remember.

use domain::account::Account;
use domain::cycle::CycleId;
use domain::ids::{Id, Sequence};
use domain::payment::Payment;
use domain::time::Timestamp;

use crate::block::BlockView;
use crate::chain::Head;
use crate::cycle::CycleRecord;
use crate::error::StoreError;
use crate::genesis::Genesis;
use crate::hash::{HashKey, IdDigest};
use crate::history::HistoryRow;
use crate::mark::{EventIdRecord, Mark};
use crate::run::Run;
use crate::state::StateRecord;

/// What a store answers, item by item. After an error nothing follows.
pub type Items<'a, T> = Box<dyn Iterator<Item = Result<T, StoreError>> + Send + 'a>;

/// The end of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tip {
    /// The last sequence; 0 before the first entry.
    pub sequence: Sequence,
    /// The chain head there; h\[0\] before the first entry.
    pub head: Head,
    /// Recorded time of the last block; the smallest timestamp before the first.
    pub recorded_at: Timestamp,
    /// By source of the genesis: the next Kafka offset to consume.
    pub positions: Vec<i64>,
}

/// How look-ups by event id and payment id were answered since the store was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lookups {
    /// The filters said that the id is not there: no read.
    pub filter_negative: u64,
    /// Reads of one key (from disk, or from the cache of the database).
    pub disk_reads: u64,
    /// Reads that found nothing: the filter was wrong.
    pub false_positive: u64,
}

/// What was written since the store was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Blocks appended: each was one synced write.
    pub blocks: u64,
    /// Their bytes, as they were appended.
    pub block_bytes: u64,
    /// Runs ingested.
    pub runs: u64,
}

/// Bytes on disk, by what they hold. What is still in memory tables is counted under `write_ahead_log`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiskUsage {
    /// The log and its index by time.
    pub blocks: u64,
    /// Event ids.
    pub event_ids: u64,
    /// Account history.
    pub history: u64,
    /// Payments, waiting payments, cycles, state and marks.
    pub current: u64,
    /// Membership filters.
    pub filters: u64,
    /// Blocks not yet flushed, and what the database keeps of its own.
    pub write_ahead_log: u64,
}

impl DiskUsage {
    /// All of it.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.blocks + self.event_ids + self.history + self.current + self.filters + self.write_ahead_log
    }
}

/// A ledger's log and folds. See the module.
pub trait Store: Send + Sync {
    /// Which ledger this is.
    fn genesis(&self) -> &Genesis;

    /// The key of the hash that event ids and payment ids are looked up by.
    fn hash_key(&self) -> &HashKey;

    // The log.

    /// The end of the log: of what is durable.
    fn tip(&self) -> Tip;

    /// Appends an encoded block and returns when it is durable. It must follow the log: next sequence, chain head before
    /// equal to the head of the log, recorded time not earlier, positions for every source.
    ///
    /// # Errors
    /// Any error is final: nothing more can be written until the store is opened again.
    /// A block that does not follow is refused without anything being written.
    fn append(&self, block: &[u8]) -> Result<(), StoreError>;

    /// The blocks from the one that holds `from` (at least 1) to the end of the log, in order, one at a time in memory.
    /// Gapless, or an item says where the hole is.
    fn blocks(&self, from: Sequence) -> Items<'_, BlockView<'static>>;

    /// The block that holds a sequence; `None` after the end of the log and for 0.
    ///
    /// # Errors
    /// When it cannot be read, or a hole is where it should be.
    fn block(&self, sequence: Sequence) -> Result<Option<BlockView<'static>>, StoreError>;

    /// As [`Store::block`], as it was appended.
    ///
    /// # Errors
    /// As [`Store::block`].
    fn block_bytes(&self, sequence: Sequence) -> Result<Option<Vec<u8>>, StoreError>;

    /// The last sequence recorded at or before `time`; 0 when nothing was.
    ///
    /// # Errors
    /// When it cannot be read.
    fn sequence_at(&self, time: Timestamp) -> Result<Sequence, StoreError>;

    // The folds, as of the mark.

    /// How far the folds reach; `None` before the first run.
    fn mark(&self) -> Option<Mark>;

    /// The marks of all runs, oldest first: run `n` holds the sequences after the mark of `n - 1` up to its own.
    fn marks(&self) -> Vec<Mark>;

    /// The snapshot at the mark; `None` before the first run.
    ///
    /// # Errors
    /// When it cannot be read.
    fn state(&self) -> Result<Option<StateRecord>, StoreError>;

    /// Makes a run part of the folds, all of it or nothing, and returns when that is durable. Its blocks must be in the
    /// log and end where it says. The last run may be given again, which changes nothing.
    ///
    /// # Errors
    /// A run out of order or of other blocks is refused without anything being written; any other error is final.
    fn ingest(&self, run: &Run) -> Result<(), StoreError>;

    /// What is kept of an event id, from the newest run that has it. Costs one cache line a segment of runs when the
    /// id is new, and one read when it is not.
    ///
    /// # Errors
    /// When it cannot be read: never to be taken for "new".
    fn find_event(&self, digest: IdDigest) -> Result<Option<EventIdRecord>, StoreError>;

    /// As [`Store::find_event`] for many ids at a time, in their order: cheaper for each.
    ///
    /// # Errors
    /// When one cannot be read: never to be taken for "new".
    fn find_events(&self, digests: &[IdDigest]) -> Result<Vec<Option<EventIdRecord>>, StoreError>;

    /// Whether the id may be known, by the filters alone: `false` is certain.
    fn may_have_event(&self, digest: IdDigest) -> bool;

    /// A payment as of the mark.
    ///
    /// # Errors
    /// When it cannot be read: never to be taken for "new".
    fn payment(&self, id: Id) -> Result<Option<Payment>, StoreError>;

    /// As [`Store::payment`] for many payments at a time, in their order, each with the digest of its id: cheaper for each.
    ///
    /// # Errors
    /// When one cannot be read: never to be taken for "new".
    fn find_payments(&self, ids: &[(IdDigest, Id)]) -> Result<Vec<Option<Payment>>, StoreError>;

    /// Whether the payment may be in the store, by the filters alone: `false` is certain.
    fn may_have_payment(&self, id: Id) -> bool;

    /// Every payment as of the mark, in the order of ids.
    fn payments(&self) -> Items<'_, (Id, Payment)>;

    /// The waiting payments as of the mark in the order of ids, with the settlement cycle since which each waits.
    fn waiting(&self) -> Items<'_, (Id, u32)>;

    /// A cycle as it was last written by a run.
    ///
    /// # Errors
    /// When it cannot be read.
    fn cycle(&self, id: CycleId) -> Result<Option<CycleRecord>, StoreError>;

    /// Every cycle written by a run, by currency and number.
    fn cycles(&self) -> Items<'_, CycleRecord>;

    /// The one row for a read of `account` as of `sequence`: the last row at or before it in the run that holds
    /// `sequence`. The balance then is the row's `before` and its postings up to `sequence`. `None`: nothing had been
    /// posted to the account. One read.
    ///
    /// # Errors
    /// When `sequence` is 0 or after the mark, or the row cannot be read.
    fn row_before(&self, account: Account, sequence: Sequence) -> Result<Option<HistoryRow>, StoreError>;

    /// The rows of an account with blocks at or after `from` and before `until`, oldest first, over all runs. A row of a
    /// block that a run begins with stands there even when it has no postings.
    fn account_rows(&self, account: Account, from: Sequence, until: Sequence) -> Items<'_, HistoryRow>;

    /// Every row of a run by account, then block: for the verifier.
    fn rows(&self, run: u32) -> Items<'_, HistoryRow>;

    /// Overwrites one row of a run. For tests of the verifier, which plant faults with it; a ledger never calls this.
    ///
    /// # Errors
    /// When it cannot be written.
    fn put_history_row(&self, run: u32, row: &HistoryRow) -> Result<(), StoreError>;

    // Figures.

    /// Reads everything that is kept beside the blocks, so that what a disk has damaged is found before somebody needs it.
    ///
    /// # Errors
    /// The first thing that cannot be read.
    fn read_through(&self) -> Result<(), StoreError>;

    /// Counts since the store was opened.
    fn lookups(&self) -> Lookups;

    /// What was written so far.
    fn written(&self) -> Written;

    /// Bytes on disk; of values for a store in memory.
    ///
    /// # Errors
    /// When the directory cannot be read.
    fn disk_usage(&self) -> Result<DiskUsage, StoreError>;
}
