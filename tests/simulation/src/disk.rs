//! A disk that fails as disks do, under the store's own engine. It keeps the promises that the engine relies on: a write is
//! all or nothing, what was acknowledged stays, and a value that has changed by itself is an error with its place. Every
//! other liberty it takes: a write may fail with EIO, on the way or at the sync, or for want of space; power may fail before
//! or behind it; then it may be there after the restart or not, and nobody was told. Reads may fail once.
//!
//! Two promises can be taken away, to see who notices: [`Promise::Sync`], and [`Promise::Checksum`].

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::Bound;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use store::DiskUsage;
use store::error::TableError;
use store::tables::{Family, Fill, Pair, Pairs, Put, Sink, Tables};

const EIO: i32 = 5;
const ENOSPC: i32 = 28;

/// What the reader of a value is told that has changed by itself.
pub const CHANGED: &str = "block checksum mismatch";

/// What a disk can be asked to do to its user, once, at an operation to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// A write fails. After a restart it may be there.
    WriteFails {
        /// Whether it is.
        lands: bool,
    },
    /// A sync fails. After a restart the write may be there.
    SyncFails {
        /// Whether it is.
        lands: bool,
    },
    /// The power goes at a write: nothing works until the restart.
    PowerFails {
        /// Whether the write is there then.
        lands: bool,
    },
    /// No space is left, from this write on until it is freed.
    Full,
    /// A read fails.
    ReadFails,
}

impl Fault {
    /// Its name in the table of what was hit.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::WriteFails { .. } => "write EIO",
            Self::SyncFails { lands: false } => "sync EIO, write lost",
            Self::SyncFails { lands: true } => "sync EIO, write kept",
            Self::PowerFails { lands: false } => "power cut, write lost",
            Self::PowerFails { lands: true } => "power cut, write kept",
            Self::Full => "ENOSPC",
            Self::ReadFails => "read EIO",
        }
    }
}

/// What a store relies on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// What a write has acknowledged is there after a power cut.
    Sync,
    /// A value that has changed by itself is an error.
    Checksum,
}

type Map = BTreeMap<Vec<u8>, Vec<u8>>;
/// A batch: keys with their new values, or without one.
type Batch = Vec<(Family, Vec<u8>, Option<Vec<u8>>)>;
/// Where a value lies.
pub type Place = (Family, Vec<u8>);

#[derive(Default)]
struct Platter {
    families: BTreeMap<Family, Map>,
    /// What happens, and after how many more operations of its kind.
    armed: Option<(u64, Fault)>,
    hit: Vec<Fault>,
    is_dead: bool,
    /// A write has failed since the start. What is written behind it is acknowledged and lost: the system has forgotten that
    /// the page before it is not on the disk.
    is_deceiving: bool,
    is_full: bool,
    /// The write that failed and will be there after a restart.
    landing: Option<Batch>,
    /// Values that have changed by themselves, as they were.
    flipped: BTreeMap<Place, Vec<u8>>,
    /// Those of them that somebody has tried to read.
    touched: BTreeSet<Place>,
    broken: Vec<Promise>,
    /// How to undo what was acknowledged and is not on the disk.
    undo: Vec<Batch>,
    /// While somebody looks who is not the ledger: no fault happens, and nothing has changed by itself.
    is_masked: bool,
    errors: u64,
    writes: u64,
}

/// A disk; a clone is the same one.
#[derive(Clone, Default)]
pub struct Disk(Arc<Mutex<Platter>>);

impl std::fmt::Debug for Disk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Disk")
    }
}

impl Disk {
    fn platter(&self) -> MutexGuard<'_, Platter> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets `fault` happen after `operations` more that it can happen to.
    pub fn arm(&self, fault: Fault, operations: u64) {
        self.platter().armed = Some((operations, fault));
    }

    /// No fault is to come.
    pub fn disarm(&self) {
        self.platter().armed = None;
    }

    /// Frees space.
    pub fn free(&self) {
        self.platter().is_full = false;
    }

    /// Whether there is no space.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.platter().is_full
    }

    /// The faults that happened since they were last taken.
    #[must_use]
    pub fn take_hit(&self) -> Vec<Fault> {
        std::mem::take(&mut self.platter().hit)
    }

    /// Lets somebody look at what the disk holds, past every fault.
    pub fn masked<R>(&self, look: impl FnOnce() -> R) -> R {
        self.platter().is_masked = true;
        let seen = look();
        self.platter().is_masked = false;
        seen
    }

    /// How often an operation has failed.
    #[must_use]
    pub fn errors(&self) -> u64 {
        self.platter().errors
    }

    /// How many writes have been tried.
    #[must_use]
    pub fn writes(&self) -> u64 {
        self.platter().writes
    }

    /// Takes a promise back.
    pub fn break_promise(&self, promise: Promise) {
        self.platter().broken.push(promise);
    }

    /// The process is started again: what had failed and landed is seen.
    pub fn restart(&self) {
        let mut platter = self.platter();
        platter.is_dead = false;
        if std::mem::take(&mut platter.is_deceiving) {
            platter.lose(usize::MAX);
        }
        if let Some(batch) = platter.landing.take() {
            platter.apply(batch);
        }
    }

    /// The power goes: what was acknowledged and is not on the disk is lost, the newest `writes` of it.
    pub fn cut_power(&self, writes: usize) {
        self.platter().lose(writes);
    }

    /// Every place that holds a value.
    #[must_use]
    pub fn places(&self, family: Family) -> Vec<Place> {
        let platter = self.platter();
        let keys = platter.families.get(&family).into_iter().flat_map(BTreeMap::keys);
        keys.map(|key| (family, key.clone())).collect()
    }

    /// Changes one bit of a value by itself. `false` when there is none.
    pub fn flip(&self, place: &Place, bit: u64) -> bool {
        let mut platter = self.platter();
        let Some(value) = platter.families.get_mut(&place.0).and_then(|map| map.get_mut(&place.1)) else {
            return false;
        };
        if value.is_empty() {
            return false;
        }
        let (was, bits) = (value.clone(), value.len() as u64 * 8);
        let at = usize::try_from(bit % bits).expect("a position fits the machine");
        value[at / 8] ^= 1 << (at % 8);
        platter.flipped.entry(place.clone()).or_insert(was);
        true
    }

    /// Puts back what has changed by itself, as a copy would. Returns how much of it nobody has tried to read.
    pub fn mend(&self) -> u64 {
        let mut platter = self.platter();
        let (flipped, touched) = (std::mem::take(&mut platter.flipped), std::mem::take(&mut platter.touched));
        let untouched = flipped.keys().filter(|place| !touched.contains(*place)).count();
        for ((family, key), was) in flipped {
            platter.families.entry(family).or_default().insert(key, was);
        }
        untouched as u64
    }

    /// A copy of the disk as it is, without any fault to come.
    #[must_use]
    pub fn copy(&self) -> Self {
        let families = self.platter().families.clone();
        Self(Arc::new(Mutex::new(Platter { families, ..Platter::default() })))
    }
}

impl Platter {
    fn failure(&mut self, what: &str, errno: i32) -> TableError {
        self.errors += 1;
        TableError::File { path: PathBuf::from(what), source: io::Error::from_raw_os_error(errno) }
    }

    /// The fault that happens now, if it is of this kind.
    fn due(&mut self, is_write: bool) -> Option<Fault> {
        let (left, fault) = self.armed?;
        if (fault == Fault::ReadFails) == is_write {
            return None;
        }
        self.armed = left.checked_sub(1).map(|left| (left, fault));
        if left > 0 {
            return None;
        }
        self.hit.push(fault);
        Some(fault)
    }

    fn check_read(&mut self, family: Family) -> Result<(), TableError> {
        if self.is_masked {
            return Ok(());
        }
        if self.is_dead {
            return Err(self.failure("the power is off", EIO));
        }
        match self.due(false) {
            Some(_) => Err(self.failure(family.name(), EIO)),
            None => Ok(()),
        }
    }

    /// A value as it is read.
    fn checked(&mut self, family: Family, key: &[u8], value: Vec<u8>) -> Result<Vec<u8>, TableError> {
        if self.flipped.is_empty() || self.broken.contains(&Promise::Checksum) {
            return Ok(value);
        }
        match self.flipped.get(&(family, key.to_vec())) {
            None => Ok(value),
            Some(was) if self.is_masked => Ok(was.clone()),
            Some(_) => {
                self.errors += 1;
                self.touched.insert((family, key.to_vec()));
                let source = io::Error::new(io::ErrorKind::InvalidData, CHANGED);
                Err(TableError::File { path: PathBuf::from(family.name()), source })
            }
        }
    }

    fn write(&mut self, batch: Batch) -> Result<(), TableError> {
        self.writes += 1;
        if self.is_dead {
            return Err(self.failure("the power is off", EIO));
        }
        let fault = self.due(true);
        self.is_full |= fault == Some(Fault::Full);
        if self.is_full {
            return Err(self.failure("no space", ENOSPC));
        }
        let lands = match fault {
            None | Some(Fault::Full | Fault::ReadFails) => {
                self.acknowledge(batch);
                return Ok(());
            }
            Some(Fault::WriteFails { lands } | Fault::SyncFails { lands } | Fault::PowerFails { lands }) => lands,
        };
        self.is_dead = matches!(fault, Some(Fault::PowerFails { .. }));
        self.is_deceiving = true;
        self.landing = lands.then_some(batch);
        Err(self.failure("write", EIO))
    }

    fn acknowledge(&mut self, batch: Batch) {
        if self.is_deceiving || self.broken.contains(&Promise::Sync) {
            let before = |(family, key, _): &(Family, Vec<u8>, Option<Vec<u8>>)| {
                let value = self.families.get(family).and_then(|map| map.get(key));
                (*family, key.clone(), value.cloned())
            };
            let undo = batch.iter().map(before).collect();
            self.undo.push(undo);
        }
        self.apply(batch);
    }

    /// Undoes the newest writes of those that are not on the disk; the others are from now on.
    fn lose(&mut self, writes: usize) {
        for batch in std::mem::take(&mut self.undo).into_iter().rev().take(writes) {
            self.put_back(batch);
        }
    }

    fn apply(&mut self, batch: Batch) {
        if !self.flipped.is_empty() {
            for (family, key, _) in &batch {
                self.flipped.remove(&(*family, key.clone()));
            }
        }
        self.put_back(batch);
    }

    fn put_back(&mut self, batch: Batch) {
        for (family, key, value) in batch {
            let map = self.families.entry(family).or_default();
            match value {
                Some(value) => map.insert(key, value),
                None => map.remove(&key),
            };
        }
    }

    fn next(&self, family: Family, from: Bound<&[u8]>, below: Option<&[u8]>) -> Option<(Box<[u8]>, Vec<u8>)> {
        let (key, value) = self.families.get(&family)?.range::<[u8], _>((from, Bound::Unbounded)).next()?;
        let is_in = below.is_none_or(|below| key.as_slice() < below);
        is_in.then(|| (key.as_slice().into(), value.clone()))
    }
}

impl Tables for Disk {
    fn label(&self) -> String {
        "simulated disk".to_owned()
    }

    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, TableError> {
        let mut platter = self.platter();
        platter.check_read(family)?;
        let value = platter.families.get(&family).and_then(|map| map.get(key).cloned());
        value.map(|value| platter.checked(family, key, value)).transpose()
    }

    fn at_or_before(&self, family: Family, key: &[u8]) -> Result<Option<Pair>, TableError> {
        let mut platter = self.platter();
        platter.check_read(family)?;
        let upto = (Bound::Unbounded, Bound::Included(key));
        let found = platter.families.get(&family).and_then(|map| map.range::<[u8], _>(upto).next_back());
        let Some((key, value)) = found.map(|(key, value)| (key.clone(), value.clone())) else { return Ok(None) };
        let value = platter.checked(family, &key, value)?;
        Ok(Some((key.into(), value.into())))
    }

    fn range(&self, family: Family, from: &[u8], below: Option<&[u8]>) -> Pairs<'_> {
        let below = below.map(<[u8]>::to_vec);
        let mut last: Option<Bound<Box<[u8]>>> = Some(Bound::Included(from.into()));
        Box::new(std::iter::from_fn(move || {
            let at = last.take()?;
            let mut platter = self.platter();
            if let Err(error) = platter.check_read(family) {
                return Some(Err(error));
            }
            let (key, value) = platter.next(family, at.as_ref().map(|key| &**key), below.as_deref())?;
            let value = platter.checked(family, &key, value);
            if value.is_ok() {
                last = Some(Bound::Excluded(key.clone()));
            }
            Some(value.map(|value| (key, value.into())))
        }))
    }

    fn write(&self, puts: &[Put<'_>]) -> Result<(), TableError> {
        let batch = puts.iter().map(|(family, key, value)| (*family, key.to_vec(), Some(value.to_vec())));
        self.platter().write(batch.collect())
    }

    fn ingest(&self, family: Family, _: &str, fill: Fill<'_>) -> Result<(), TableError> {
        let mut table = Table { family, batch: Vec::new() };
        fill(&mut table)?;
        self.platter().write(table.batch)
    }

    fn disk_usage(&self) -> Result<DiskUsage, TableError> {
        Ok(DiskUsage::default())
    }
}

/// A table before it is added. As strict about order as a file is.
struct Table {
    family: Family,
    batch: Batch,
}

impl Table {
    fn add(&mut self, key: &[u8], value: Option<Vec<u8>>) -> Result<(), TableError> {
        if self.batch.last().is_some_and(|(_, last, _)| last.as_slice() >= key) {
            return Err(TableError::KeyOrder);
        }
        self.batch.push((self.family, key.to_vec(), value));
        Ok(())
    }
}

impl Sink for Table {
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), TableError> {
        self.add(key, Some(value.to_vec()))
    }

    fn delete(&mut self, key: &[u8]) -> Result<(), TableError> {
        self.add(key, None)
    }
}
