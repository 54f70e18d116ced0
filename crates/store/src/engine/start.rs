//! Opening: whose ledger it is, where the log ends, how far the folds reach, and whether these agree.

use super::*;

const GENESIS: &[u8] = b"genesis";
const FORMAT: &[u8] = b"format";
const HASH_KEY: &[u8] = b"hash_key";

/// The families and keys as they are now. Records have versions of their own.
const LAYOUT: u8 = 1;

/// What differs between a store on disk and one in memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    /// Ids that the filter of a segment has room for.
    pub(crate) segment_items: usize,
}

impl<T: Tables> Engine<T> {
    /// A store over tables of the caller's own, empty ones or those that another store has left behind: what a process finds
    /// that opens the same directory again. `segment_items` and the high-water mark as in [`crate::RocksOptions`].
    ///
    /// # Errors
    /// As for a directory on disk.
    pub fn over(
        tables: T,
        genesis: &Genesis,
        hash_key: HashKey,
        segment_items: usize,
        high_water: Option<HighWater>,
    ) -> Result<Self, StoreError> {
        Self::start(tables, Some((genesis, hash_key)), Settings { segment_items })?.marked(high_water)
    }

    /// Opens what the tables hold. With a genesis (and a key, should there be none yet) empty tables become a new ledger,
    /// and others must have the same one; without, there must be a ledger.
    pub(crate) fn start(tables: T, own: Option<(&Genesis, HashKey)>, settings: Settings) -> Result<Self, StoreError> {
        let engine = Self::begin(tables, own, settings)?;
        let folds = engine.load_folds(settings)?;
        *engine.folds.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(folds);
        Ok(engine)
    }

    /// As [`Engine::start`], up to the end of the log: without folds.
    pub(crate) fn begin(tables: T, own: Option<(&Genesis, HashKey)>, settings: Settings) -> Result<Self, StoreError> {
        let directory = tables.label();
        let refuse = |source| StoreError::Genesis { directory: directory.clone(), source };
        let stored = meta(&tables, GENESIS)?;
        if let (None, Some((genesis, hash_key))) = (&stored, &own) {
            genesis.check().map_err(refuse)?;
            create(&tables, genesis, hash_key)?;
        }
        let no_ledger = || StoreError::NoLedger { directory: directory.clone() };
        let stored = meta(&tables, GENESIS)?.ok_or_else(no_ledger)?;
        let genesis = Genesis::decode(&stored).map_err(|source| decode_error(Family::Meta, GENESIS, source))?;
        if let Some((given, _)) = &own {
            genesis.admit(given).map_err(refuse)?;
        }
        check_layout(&tables)?;
        let hash_key = hash_key(&tables)?.ok_or_else(no_ledger)?;
        let tip = last_block(&tables)?.map_or_else(|| beginning(&genesis), tip_of);
        Ok(Self {
            tables,
            genesis,
            hash_key,
            high_water: None,
            tip: RwLock::new(tip),
            folds: RwLock::new(Arc::new(Folds { marks: Vec::new(), segments: Segments::new(settings.segment_items) })),
            appending: Mutex::default(),
            ingesting: Mutex::default(),
            is_stopped: AtomicBool::new(false),
            counts: Counts::default(),
        })
    }

    /// The marks of all runs; the last must be of this log.
    pub(crate) fn marks_of_log(&self) -> Result<Vec<Mark>, StoreError> {
        let marks = self.current(letter::RUN, |_, value| Mark::decode(value)).collect::<Result<Vec<_>, _>>()?;
        let Some(mark) = marks.last() else { return Ok(marks) };
        let latest = self.tip().sequence;
        if mark.through > latest {
            return Err(StoreError::LogCut { latest, through: mark.through });
        }
        let block = self.block_at(mark.through)?;
        if !block.is_some_and(|(_, head)| ends_at(&head, mark)) {
            return Err(StoreError::RunNotOfThisLog { run: mark.run, through: mark.through });
        }
        Ok(marks)
    }

    /// Marks and filters.
    fn load_folds(&self, settings: Settings) -> Result<Folds, StoreError> {
        let marks = self.marks_of_log()?;
        let Some(mark) = marks.last() else {
            return Ok(Folds { marks, segments: Segments::new(settings.segment_items) });
        };
        let rows = self.tables.range(Family::Filters, &[], None);
        let rows = rows.map(|row| row.map_err(|source| read_error(Family::Filters, &[], source)));
        let decode_error = |key: &[u8], source| decode_error(Family::Filters, key, source);
        let segments = Segments::load(settings.segment_items, mark.run, rows, decode_error)?;
        Ok(Folds { marks, segments })
    }
}

/// Whether a block ends where a run says that it does.
pub(super) fn ends_at(head: &BlockHead, mark: &Mark) -> bool {
    (head.last(), head.head_after, head.recorded_at) == (mark.through, mark.head, mark.recorded_at)
}

pub(super) fn tip_of(head: BlockHead) -> Tip {
    Tip { sequence: head.last(), head: head.head_after, recorded_at: head.recorded_at, positions: head.positions }
}

fn beginning(genesis: &Genesis) -> Tip {
    Tip {
        sequence: Sequence(0),
        head: genesis.chain_head(),
        recorded_at: Timestamp::from_micros(i64::MIN),
        positions: vec![0; genesis.sources.len()],
    }
}

pub(super) fn meta<T: Tables>(tables: &T, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
    tables.get(Family::Meta, key).map_err(|source| read_error(Family::Meta, key, source))
}

fn create<T: Tables>(tables: &T, genesis: &Genesis, hash_key: &HashKey) -> Result<(), StoreError> {
    if let Some(head) = last_block(tables)? {
        // Blocks without a genesis: not something to be made a new ledger of.
        return Err(StoreError::Hole { expected: Sequence(0), found: head.first });
    }
    let records = [
        (Family::Meta, GENESIS, &genesis.encode()[..]),
        (Family::Meta, FORMAT, &[LAYOUT][..]),
        (Family::Meta, HASH_KEY, &hash_key.to_bytes()[..]),
    ];
    tables.write(&records).map_err(|source| StoreError::Open { directory: tables.label(), source })
}

fn check_layout<T: Tables>(tables: &T) -> Result<(), StoreError> {
    let found = meta(tables, FORMAT)?.unwrap_or_default();
    let checked = Reader::versioned(RecordKind::Genesis, &found, &[LAYOUT]).and_then(|reader| reader.finish());
    checked.map_err(|source| decode_error(Family::Meta, FORMAT, source))
}

fn hash_key<T: Tables>(tables: &T) -> Result<Option<HashKey>, StoreError> {
    let Some(bytes) = meta(tables, HASH_KEY)? else { return Ok(None) };
    let mut reader = Reader::new(RecordKind::Genesis, &bytes);
    let key = reader.array().and_then(|key| reader.finish().map(|()| HashKey::new(key)));
    key.map(Some).map_err(|source| decode_error(Family::Meta, HASH_KEY, source))
}

fn last_block<T: Tables>(tables: &T) -> Result<Option<BlockHead>, StoreError> {
    let greatest = [0xff; 8];
    let found = tables.at_or_before(Family::Blocks, &greatest);
    let found = found.map_err(|source| read_error(Family::Blocks, &greatest, source))?;
    let Some((key, bytes)) = found else { return Ok(None) };
    let head = BlockView::decode_head(&bytes).map_err(|source| decode_error(Family::Blocks, &key, source))?;
    Ok(Some(head))
}
