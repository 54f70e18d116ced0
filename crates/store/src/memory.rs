//! Tables in memory: maps, deterministic, gone when dropped. For tests and simulations; everything above the tables is the
//! code that runs on disk.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::engine::Engine;
use crate::error::{StoreError, TableError};
use crate::genesis::Genesis;
use crate::hash::HashKey;
use crate::high_water::HighWater;
use crate::store::DiskUsage;
use crate::tables::{Family, Fill, Pair, Pairs, Put, Sink, Tables};

/// A store in memory.
pub type MemoryStore = Engine<MemoryTables>;

/// Items of a segment's filter: small, because a simulation makes many stores and copies the filter with every run.
const SEGMENT_ITEMS: usize = 1 << 16;

impl MemoryStore {
    /// An empty store.
    ///
    /// # Errors
    /// When no ledger may begin with this genesis.
    pub fn new(genesis: &Genesis, hash_key: HashKey) -> Result<Self, StoreError> {
        Self::open(MemoryTables::default(), genesis, hash_key)
    }

    /// A store of what another one has left behind: what a process finds that opens the same directory again.
    ///
    /// # Errors
    /// As for a directory on disk.
    pub fn open(tables: MemoryTables, genesis: &Genesis, hash_key: HashKey) -> Result<Self, StoreError> {
        Engine::over(tables, genesis, hash_key, SEGMENT_ITEMS, None)
    }

    /// As [`MemoryStore::open`], with a high-water mark that outlives the tables.
    ///
    /// # Errors
    /// As for a directory on disk.
    pub fn open_marked(
        tables: MemoryTables,
        genesis: &Genesis,
        hash_key: HashKey,
        high_water: HighWater,
    ) -> Result<Self, StoreError> {
        Engine::over(tables, genesis, hash_key, SEGMENT_ITEMS, Some(high_water))
    }
}

type Map = BTreeMap<Vec<u8>, Vec<u8>>;

/// One map a family.
#[derive(Debug, Default)]
pub struct MemoryTables {
    families: RwLock<BTreeMap<Family, Map>>,
}

impl Clone for MemoryTables {
    fn clone(&self) -> Self {
        Self { families: RwLock::new(self.read().clone()) }
    }
}

impl MemoryTables {
    // A panic while a lock is held leaves a whole map behind: every change under the lock is a plain insert or remove.
    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<Family, Map>> {
        self.families.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> RwLockWriteGuard<'_, BTreeMap<Family, Map>> {
        self.families.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self, family: Family, from: Bound<&[u8]>, below: Option<&[u8]>) -> Option<Pair> {
        let families = self.read();
        let (key, value) = families.get(&family)?.range::<[u8], _>((from, Bound::Unbounded)).next()?;
        let is_in = below.is_none_or(|below| key.as_slice() < below);
        is_in.then(|| (key.as_slice().into(), value.as_slice().into()))
    }
}

impl Tables for MemoryTables {
    fn label(&self) -> String {
        "memory".to_owned()
    }

    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, TableError> {
        Ok(self.read().get(&family).and_then(|map| map.get(key).cloned()))
    }

    fn at_or_before(&self, family: Family, key: &[u8]) -> Result<Option<Pair>, TableError> {
        let families = self.read();
        let upto = (Bound::Unbounded, Bound::Included(key));
        let found = families.get(&family).and_then(|map| map.range::<[u8], _>(upto).next_back());
        Ok(found.map(|(key, value)| (key.as_slice().into(), value.as_slice().into())))
    }

    fn range(&self, family: Family, from: &[u8], below: Option<&[u8]>) -> Pairs<'_> {
        let below = below.map(<[u8]>::to_vec);
        let mut last: Bound<Box<[u8]>> = Bound::Included(from.into());
        Box::new(std::iter::from_fn(move || {
            let from = match &last {
                Bound::Excluded(key) => Bound::Excluded(&**key),
                Bound::Included(key) => Bound::Included(&**key),
                Bound::Unbounded => Bound::Unbounded,
            };
            let pair = self.next(family, from, below.as_deref())?;
            last = Bound::Excluded(pair.0.clone());
            Some(Ok(pair))
        }))
    }

    fn write(&self, puts: &[Put<'_>]) -> Result<(), TableError> {
        let mut families = self.lock();
        for (family, key, value) in puts {
            families.entry(*family).or_default().insert(key.to_vec(), value.to_vec());
        }
        Ok(())
    }

    fn ingest(&self, family: Family, _: &str, fill: Fill<'_>) -> Result<(), TableError> {
        let mut table = Gathered(BTreeMap::new());
        fill(&mut table)?;
        let mut families = self.lock();
        let map = families.entry(family).or_default();
        for (key, value) in table.0 {
            match value {
                Some(value) => map.insert(key, value),
                None => map.remove(&key),
            };
        }
        Ok(())
    }

    fn disk_usage(&self) -> Result<DiskUsage, TableError> {
        let families = self.read();
        let size = |family: Family| {
            let rows = families.get(&family).into_iter().flatten();
            rows.fold(0, |sum, (key, value)| sum + (key.len() + value.len()) as u64)
        };
        Ok(DiskUsage {
            blocks: size(Family::Blocks) + size(Family::Times),
            event_ids: size(Family::EventIds),
            history: size(Family::History),
            current: size(Family::Current),
            filters: size(Family::Filters),
            write_ahead_log: 0,
        })
    }
}

/// A table before it is added. As strict about order as a file is.
struct Gathered(BTreeMap<Vec<u8>, Option<Vec<u8>>>);

impl Gathered {
    fn add(&mut self, key: &[u8], value: Option<Vec<u8>>) -> Result<(), TableError> {
        if self.0.last_key_value().is_some_and(|(last, _)| last.as_slice() >= key) {
            return Err(TableError::KeyOrder);
        }
        self.0.insert(key.to_vec(), value);
        Ok(())
    }
}

impl Sink for Gathered {
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), TableError> {
        self.add(key, Some(value.to_vec()))
    }

    fn delete(&mut self, key: &[u8]) -> Result<(), TableError> {
        self.add(key, None)
    }
}
