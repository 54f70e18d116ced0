//! The store, written once over any [`Tables`]. Who may write: [`Store::append`] and [`Store::ingest`] each take a lock of
//! their own, so one of each may run at a time, side by side.
//!
//! What makes a crash safe: a block is one atomic, synced write, and is visible only when the high-water mark says so too. A run is four tables. Event ids, history and filters lie
//! under the run's number, and nobody looks for a run that has no mark. The last table replaces payments, waiting payments,
//! cycles and state, and holds the mark itself: it becomes visible as a whole or not at all. So after a crash the folds are
//! those of one mark, never a mixture, and the run is made again from the log. Until the last table is in, its payments
//! would be ahead of the mark, and folding the same events into them a second time would refuse them as reported already.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use domain::account::Account;
use domain::cycle::CycleId;
use domain::ids::{Id, Sequence};
use domain::payment::Payment;
use domain::time::Timestamp;
use faults::{Mutant, Point};

use crate::block::{BlockHead, BlockView};
use crate::bytes::{Reader, ordered_i64};
use crate::cycle::{self, CycleRecord};
use crate::error::{FormatError, FormatReason, RecordKind, StoreError, TableError};
use crate::genesis::Genesis;
use crate::hash::{HashKey, IdDigest};
use crate::high_water::{HighWater, HighWaterMark};
use crate::history::{self, HistoryRow};
use crate::mark::{EventIdRecord, Mark};
use crate::payment;
use crate::run::Run;
use crate::segments::Segments;
use crate::state::StateRecord;
use crate::store::{DiskUsage, Items, Lookups, Store, Tip, Written};
use crate::tables::{Family, Pair, Tables};

mod ingest;
mod marked;
mod start;

pub(crate) use start::Settings;

/// Letters that the keys of [`Family::Current`] begin with.
mod letter {
    pub(super) const MARK: u8 = b'm';
    pub(super) const PAYMENT: u8 = b'p';
    pub(super) const RUN: u8 = b'r';
    pub(super) const STATE: u8 = b's';
    pub(super) const WAITING: u8 = b'w';
    pub(super) const CYCLE: u8 = b'y';
}

pub(crate) const WAITING_VERSION: u8 = 1;

/// A store over some tables: see [`crate::RocksStore`] and [`crate::MemoryStore`].
#[derive(Debug)]
pub struct Engine<T> {
    tables: T,
    genesis: Genesis,
    hash_key: HashKey,
    high_water: Option<HighWater>,
    tip: RwLock<Tip>,
    folds: RwLock<Arc<Folds>>,
    appending: Mutex<()>,
    ingesting: Mutex<()>,
    is_stopped: AtomicBool,
    counts: Counts,
}

/// What is known of the runs. Replaced as a whole with every run, so that readers never wait for one.
#[derive(Clone, Debug)]
struct Folds {
    marks: Vec<Mark>,
    segments: Segments,
}

#[derive(Debug, Default)]
struct Counts {
    filter_negative: AtomicU64,
    disk_reads: AtomicU64,
    false_positive: AtomicU64,
    blocks: AtomicU64,
    block_bytes: AtomicU64,
    runs: AtomicU64,
}

impl Folds {
    /// The last sequence of a run. What lies behind it under the run's number was left by a crash, from when the run was to
    /// reach further.
    fn through(&self, run: u32) -> Sequence {
        let at = self.marks.binary_search_by_key(&run, |mark| mark.run);
        at.map_or(Sequence(0), |at| self.marks[at].through)
    }
}

fn count(counter: &AtomicU64, times: usize) {
    counter.fetch_add(times as u64, Ordering::Relaxed);
}

impl<T: Tables> Engine<T> {
    pub(crate) const fn tables(&self) -> &T {
        &self.tables
    }

    /// The tables, when the store is no longer needed: what another one can be opened with.
    pub fn into_tables(self) -> T {
        self.tables
    }

    fn folds(&self) -> Arc<Folds> {
        Arc::clone(&self.folds.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes a writer's lock, unless an earlier write has failed.
    fn writing<'a>(&self, lock: &'a Mutex<()>) -> Result<MutexGuard<'a, ()>, StoreError> {
        let guard = lock.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_stopped.load(Ordering::Acquire) {
            return Err(StoreError::Stopped { directory: self.tables.label() });
        }
        Ok(guard)
    }

    /// After a failed write nothing is written any more.
    fn stop(&self) {
        self.is_stopped.store(true, Ordering::Release);
    }

    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.tables.get(family, key).map_err(|source| read_error(family, key, source))
    }

    fn at_or_before(&self, family: Family, key: &[u8]) -> Result<Option<Pair>, StoreError> {
        self.tables.at_or_before(family, key).map_err(|source| read_error(family, key, source))
    }

    /// The decoded rows of a range, up to the first error.
    fn rows<'a, R: 'a>(
        &'a self,
        family: Family,
        from: &[u8],
        below: Option<&[u8]>,
        decode: impl Fn(&[u8], &[u8]) -> Result<R, FormatError> + Send + 'a,
    ) -> Items<'a, R> {
        let from: Box<[u8]> = from.into();
        let pairs = self.tables.range(family, &from, below);
        Box::new(until_error(pairs.map(move |pair| {
            let (key, value) = pair.map_err(|source| read_error(family, &from, source))?;
            decode(&key, &value).map_err(|source| decode_error(family, &key, source))
        })))
    }

    /// The decoded rows of [`Family::Current`] under a letter.
    fn current<'a, R: 'a>(
        &'a self,
        letter: u8,
        decode: impl Fn(&[u8], &[u8]) -> Result<R, FormatError> + Send + 'a,
    ) -> Items<'a, R> {
        self.rows(Family::Current, &[letter], Some(&[letter + 1]), decode)
    }

    /// An event id that the filters let pass, from the newest run that has it.
    fn read_event(&self, folds: &Folds, digest: IdDigest) -> Result<Option<EventIdRecord>, StoreError> {
        for run in folds.segments.event_runs(digest).filter(|_| !faults::has(Mutant::StoredIdOverlooked)) {
            count(&self.counts.disk_reads, 1);
            let key = event_key(run, digest);
            if let Some(bytes) = self.get(Family::EventIds, &key)? {
                let record = EventIdRecord::decode(&bytes);
                let record = record.map_err(|source| decode_error(Family::EventIds, &key, source))?;
                if record.sequence <= folds.through(run) {
                    return Ok(Some(record));
                }
            }
            count(&self.counts.false_positive, 1);
        }
        Ok(None)
    }

    /// A payment that the filters let pass.
    fn read_payment(&self, id: Id) -> Result<Option<Payment>, StoreError> {
        count(&self.counts.disk_reads, 1);
        let key = id_key(letter::PAYMENT, id);
        let Some(bytes) = self.get(Family::Current, &key)? else {
            count(&self.counts.false_positive, 1);
            return Ok(None);
        };
        payment::decode(&bytes).map(Some).map_err(|source| decode_error(Family::Current, &key, source))
    }

    fn block_at(&self, sequence: Sequence) -> Result<Option<(Vec<u8>, BlockHead)>, StoreError> {
        let tip = self.tip.read().unwrap_or_else(PoisonError::into_inner).sequence;
        if sequence.0 == 0 || sequence > tip {
            return Ok(None);
        }
        let found = self.at_or_before(Family::Blocks, &sequence.0.to_be_bytes())?;
        let hole = || StoreError::Hole { expected: sequence, found: tip };
        let (key, bytes) = found.ok_or_else(hole)?;
        let head = BlockView::decode_head(&bytes).map_err(|source| decode_error(Family::Blocks, &key, source))?;
        if head.holds(sequence) { Ok(Some((bytes.into_vec(), head))) } else { Err(hole()) }
    }

    fn check_next(&self, head: &BlockHead) -> Result<(), StoreError> {
        let tip = self.tip();
        let expected = Sequence(tip.sequence.0 + 1);
        let differs = [
            ("the sequence", head.first != expected),
            ("the chain head", head.head_before != tip.head),
            ("the recorded time", head.recorded_at < tip.recorded_at),
            ("the number of sources", head.positions.len() != self.genesis.sources.len()),
        ];
        let field = differs.iter().find(|(_, differs)| *differs).map(|(field, _)| *field);
        field.map_or(Ok(()), |field| Err(StoreError::NotNext { first: head.first, expected, field }))
    }
}

impl<T: Tables> Store for Engine<T> {
    fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    fn hash_key(&self) -> &HashKey {
        &self.hash_key
    }

    fn tip(&self) -> Tip {
        self.tip.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn append(&self, block: &[u8]) -> Result<(), StoreError> {
        let _writing = self.writing(&self.appending)?;
        let head = BlockView::decode_head(block).map_err(|source| StoreError::NotABlock { source })?;
        self.check_next(&head)?;
        let first = head.first.0.to_be_bytes();
        let time = times_key(head.recorded_at, head.first);
        let puts = [(Family::Blocks, &first[..], block), (Family::Times, &time[..], &head.count.to_be_bytes()[..])];
        if faults::has(Mutant::AcknowledgedBeforeDurable) {
            self.acknowledge(&start::tip_of(head.clone()))?;
        }
        let mut written = self.tables.write(&puts);
        if written.is_err() && faults::has(Mutant::GoesOnAfterFailedWrite) {
            written = self.tables.write(&puts);
        }
        if let Err(source) = written {
            self.stop();
            return Err(StoreError::Append { first: head.first, source });
        }
        faults::pass(if faults::syncs() { Point::BlockSynced } else { Point::BlockWritten });
        let tip = start::tip_of(head);
        self.acknowledge(&tip)?;
        *self.tip.write().unwrap_or_else(PoisonError::into_inner) = tip;
        count(&self.counts.blocks, 1);
        self.counts.block_bytes.fetch_add(block.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    fn blocks(&self, from: Sequence) -> Items<'_, BlockView<'static>> {
        let from = Sequence(from.0.max(1));
        let start = match self.block_at(from) {
            Ok(Some((_, head))) => head.first,
            Ok(None) | Err(StoreError::Hole { .. }) => from,
            Err(error) => return Box::new(std::iter::once(Err(error))),
        };
        let decode = |_: &[u8], value: &[u8]| BlockView::decode(value).map(BlockView::into_owned);
        let blocks = self.rows(Family::Blocks, &start.0.to_be_bytes(), None, decode);
        let mut expected = start;
        Box::new(until_error(blocks.map(move |block| {
            let block = block?;
            if block.head().first != expected {
                return Err(StoreError::Hole { expected, found: block.head().first });
            }
            expected = Sequence(block.head().last().0 + 1);
            Ok(block)
        })))
    }

    fn block(&self, sequence: Sequence) -> Result<Option<BlockView<'static>>, StoreError> {
        let Some((bytes, head)) = self.block_at(sequence)? else { return Ok(None) };
        let block = BlockView::decode(&bytes).map(BlockView::into_owned);
        block.map(Some).map_err(|source| decode_error(Family::Blocks, &head.first.0.to_be_bytes(), source))
    }

    fn block_bytes(&self, sequence: Sequence) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.block_at(sequence)?.map(|(bytes, _)| bytes))
    }

    fn sequence_at(&self, time: Timestamp) -> Result<Sequence, StoreError> {
        let found = self.at_or_before(Family::Times, &times_key(time, Sequence(u64::MAX)))?;
        let Some((key, value)) = found else { return Ok(Sequence(0)) };
        last_of_times(&key, &value).map_err(|source| decode_error(Family::Times, &key, source))
    }

    fn mark(&self) -> Option<Mark> {
        self.folds().marks.last().copied()
    }

    fn marks(&self) -> Vec<Mark> {
        self.folds().marks.clone()
    }

    fn state(&self) -> Result<Option<StateRecord>, StoreError> {
        let key = [letter::STATE];
        let Some(bytes) = self.get(Family::Current, &key)? else { return Ok(None) };
        StateRecord::decode(&bytes).map(Some).map_err(|source| decode_error(Family::Current, &key, source))
    }

    fn ingest(&self, run: &Run) -> Result<(), StoreError> {
        self.ingest_run(run)?;
        count(&self.counts.runs, 1);
        Ok(())
    }

    fn find_event(&self, digest: IdDigest) -> Result<Option<EventIdRecord>, StoreError> {
        let folds = self.folds();
        if !folds.segments.may_have_event(digest) {
            count(&self.counts.filter_negative, 1);
            return Ok(None);
        }
        self.read_event(&folds, digest)
    }

    fn find_events(&self, digests: &[IdDigest]) -> Result<Vec<Option<EventIdRecord>>, StoreError> {
        let folds = self.folds();
        // All filters first: the processor then waits for many cache lines at once.
        let passed: Vec<bool> = digests.iter().map(|digest| folds.segments.may_have_event(*digest)).collect();
        count(&self.counts.filter_negative, passed.iter().filter(|passed| !**passed).count());
        let found = digests.iter().zip(passed).map(|(digest, passed)| match passed {
            true => self.read_event(&folds, *digest),
            false => Ok(None),
        });
        found.collect()
    }

    fn may_have_event(&self, digest: IdDigest) -> bool {
        self.folds().segments.may_have_event(digest)
    }

    fn payment(&self, id: Id) -> Result<Option<Payment>, StoreError> {
        if !self.may_have_payment(id) {
            count(&self.counts.filter_negative, 1);
            return Ok(None);
        }
        self.read_payment(id)
    }

    fn find_payments(&self, ids: &[(IdDigest, Id)]) -> Result<Vec<Option<Payment>>, StoreError> {
        let folds = self.folds();
        let passed: Vec<bool> = ids.iter().map(|(digest, _)| folds.segments.may_have_payment(*digest)).collect();
        count(&self.counts.filter_negative, passed.iter().filter(|passed| !**passed).count());
        let found = ids.iter().zip(passed).map(|((_, id), passed)| match passed {
            true => self.read_payment(*id),
            false => Ok(None),
        });
        found.collect()
    }

    fn may_have_payment(&self, id: Id) -> bool {
        self.folds().segments.may_have_payment(self.hash_key.payment(id))
    }

    fn payments(&self) -> Items<'_, (Id, Payment)> {
        self.current(letter::PAYMENT, |key, value| Ok((id_from(key)?, payment::decode(value)?)))
    }

    fn waiting(&self) -> Items<'_, (Id, u32)> {
        self.current(letter::WAITING, |key, value| Ok((id_from(key)?, waiting_since(value)?)))
    }

    fn cycle(&self, id: CycleId) -> Result<Option<CycleRecord>, StoreError> {
        let key = cycle_key(id);
        let Some(bytes) = self.get(Family::Current, &key)? else { return Ok(None) };
        CycleRecord::decode(&bytes).map(Some).map_err(|source| decode_error(Family::Current, &key, source))
    }

    fn cycles(&self) -> Items<'_, CycleRecord> {
        self.current(letter::CYCLE, |_, value| CycleRecord::decode(value))
    }

    fn row_before(&self, account: Account, sequence: Sequence) -> Result<Option<HistoryRow>, StoreError> {
        let folds = self.folds();
        let through = folds.marks.last().map_or(Sequence(0), |mark| mark.through);
        let run = folds.marks.get(folds.marks.partition_point(|mark| mark.through < sequence));
        let Some(run) = run.filter(|_| sequence.0 > 0).map(|mark| mark.run) else {
            return Err(StoreError::NotInRun { sequence, through });
        };
        let Some((key, value)) = self.at_or_before(Family::History, &history::key(run, account, sequence))? else {
            return Ok(None);
        };
        let row = history_row(&key, &value).map_err(|source| decode_error(Family::History, &key, source))?;
        Ok(Some(row).filter(|(of_run, row)| (*of_run, row.account) == (run, account)).map(|(_, row)| row))
    }

    fn account_rows(&self, account: Account, from: Sequence, until: Sequence) -> Items<'_, HistoryRow> {
        if from >= until {
            return Box::new(std::iter::empty());
        }
        let marks = self.marks();
        let first = marks.partition_point(|mark| mark.through < from);
        let rows = marks.into_iter().skip(first).flat_map(move |Mark { run, through, .. }| {
            let until = until.min(Sequence(through.0 + 1));
            let (from, until) = (history::key(run, account, from), history::key(run, account, until));
            self.rows(Family::History, &from, Some(&until), |key, value| Ok(history_row(key, value)?.1))
        });
        Box::new(until_error(rows))
    }

    fn rows(&self, run: u32) -> Items<'_, HistoryRow> {
        let below = run.checked_add(1).map(u32::to_be_bytes);
        let below = below.as_ref().map(<[u8; 4]>::as_slice);
        let through = self.folds().through(run);
        let rows = self.rows(Family::History, &run.to_be_bytes(), below, |key, value| Ok(history_row(key, value)?.1));
        Box::new(rows.filter(move |row| row.as_ref().map_or(true, |row| row.first <= through)))
    }

    fn put_history_row(&self, run: u32, row: &HistoryRow) -> Result<(), StoreError> {
        let _writing = self.writing(&self.ingesting)?;
        let key = history::key(run, row.account, row.first);
        let written = self.tables.write(&[(Family::History, &key, &row.encode())]);
        written.map_err(|source| StoreError::Ingest { run, source })
    }

    fn read_through(&self) -> Result<(), StoreError> {
        let mut families = Family::ALL.into_iter().filter(|family| *family != Family::Blocks);
        families.try_for_each(|family| self.rows(family, &[], None, |_, _| Ok(())).collect())
    }

    fn lookups(&self) -> Lookups {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Lookups {
            filter_negative: read(&self.counts.filter_negative),
            disk_reads: read(&self.counts.disk_reads),
            false_positive: read(&self.counts.false_positive),
        }
    }

    fn written(&self) -> Written {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Written {
            blocks: read(&self.counts.blocks),
            block_bytes: read(&self.counts.block_bytes),
            runs: read(&self.counts.runs),
        }
    }

    fn disk_usage(&self) -> Result<DiskUsage, StoreError> {
        let usage = self.tables.disk_usage();
        usage.map_err(|source| StoreError::Measure { directory: self.tables.label(), source })
    }
}

/// Ends after the first error.
fn until_error<R>(
    mut items: impl Iterator<Item = Result<R, StoreError>>,
) -> impl Iterator<Item = Result<R, StoreError>> {
    let mut is_over = false;
    std::iter::from_fn(move || {
        let item = if is_over { None } else { items.next() };
        is_over = !matches!(item, Some(Ok(_)));
        item
    })
}

fn read_error(family: Family, key: &[u8], source: TableError) -> StoreError {
    StoreError::Read { family, key: hex(key), source }
}

fn decode_error(family: Family, key: &[u8], source: FormatError) -> StoreError {
    StoreError::Decode { family, key: hex(key), source }
}

fn hex(key: &[u8]) -> String {
    key.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn times_key(time: Timestamp, first: Sequence) -> [u8; 16] {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&ordered_i64(time.micros()));
    key[8..].copy_from_slice(&first.0.to_be_bytes());
    key
}

fn last_of_times(key: &[u8], value: &[u8]) -> Result<Sequence, FormatError> {
    let mut key = Reader::new(RecordKind::Key, key);
    key.take(8)?;
    let first = key.be_u64()?;
    let count = u64::from(Reader::new(RecordKind::Key, value).be_u32()?);
    let last = first.checked_add(count).and_then(|next| next.checked_sub(1));
    last.map(Sequence).ok_or_else(|| key.error(FormatReason::Range("sequence")))
}

fn event_key(run: u32, digest: IdDigest) -> [u8; 20] {
    let mut key = [0; 20];
    key[..4].copy_from_slice(&run.to_be_bytes());
    key[4..].copy_from_slice(&digest.0.to_be_bytes());
    key
}

fn id_key(letter: u8, id: Id) -> [u8; 17] {
    let mut key = [letter; 17];
    key[1..].copy_from_slice(&id.to_bytes());
    key
}

fn id_from(key: &[u8]) -> Result<Id, FormatError> {
    let mut reader = Reader::new(RecordKind::Key, key);
    reader.u8()?;
    let id = Id(u128::from_be_bytes(reader.array()?));
    reader.finish().map(|()| id)
}

fn cycle_key(id: CycleId) -> [u8; 8] {
    let mut key = [letter::CYCLE; 8];
    key[1..].copy_from_slice(&cycle::key(id));
    key
}

fn waiting_value(since: u32) -> [u8; 5] {
    let [a, b, c, d] = since.to_be_bytes();
    [WAITING_VERSION, a, b, c, d]
}

fn waiting_since(value: &[u8]) -> Result<u32, FormatError> {
    let mut reader = Reader::versioned(RecordKind::Waiting, value, &[WAITING_VERSION])?;
    let since = reader.be_u32()?;
    reader.finish().map(|()| since)
}

fn history_row(key: &[u8], value: &[u8]) -> Result<(u32, HistoryRow), FormatError> {
    let (run, account, first) = history::from_key(key)?;
    Ok((run, HistoryRow::decode(account, first, value)?))
}
