//! Tables on disk: one RocksDB, one column family each. What RocksDB is relied on for, and no more: an atomic synced write
//! of a block, atomic adding of a sorted file, checksums. It cannot notice a write-ahead log that was cut between two
//! records: the high-water mark, outside the database, does.
//!
//! One process writes a directory; others may read it. RocksDB's lock file is held as long as the store is open.

use std::fs;
use std::path::{Path, PathBuf};

use domain::ids::Sequence;
use faults::Point;
use rocksdb::checkpoint::Checkpoint;
use rocksdb::{
    ColumnFamily, ColumnFamilyDescriptor, DB, Direction, IngestExternalFileOptions, IteratorMode, ReadOptions,
    SstFileWriter, WriteBatch, WriteOptions,
};

use crate::engine::{Engine, Settings};
use crate::error::{HighWaterError, StoreError, TableError};
use crate::genesis::Genesis;
use crate::hash::HashKey;
use crate::high_water::HighWater;
use crate::store::DiskUsage;
use crate::tables::{Family, Fill, Pair, Pairs, Put, Sink, Tables};

mod leftover;
mod options;

pub use options::RocksOptions;

/// A store on disk.
pub type RocksStore = Engine<RocksTables>;

/// Where the files of a run are written before they are added.
const RUNS: &str = "runs-tmp";

/// Names that RocksDB and we leave in a directory before a ledger in it is complete.
const OURS: [&str; 7] = ["LOCK", "LOG", "IDENTITY", "MANIFEST", "OPTIONS", "lost+found", RUNS];

impl RocksStore {
    /// Opens a directory for writing; an empty or absent one becomes a new ledger with `genesis`, and `hash_key` is used
    /// then only.
    ///
    /// # Errors
    /// When another process has it open, it belongs to another ledger, holds something else, or cannot be read; when the
    /// log ends before its folds or before its high-water mark.
    pub fn open(
        directory: &Path,
        genesis: &Genesis,
        hash_key: HashKey,
        options: &RocksOptions,
    ) -> Result<Self, StoreError> {
        let high_water = options.high_water_mark.as_deref().map(HighWater::file);
        if let Some(high_water) = &high_water {
            refuse_to_begin_behind(directory, high_water)?;
        }
        // Before the log, which another process may be making longer: then the log is as far as the mark, or ahead of it.
        let mark = high_water.as_ref().map(HighWater::read).transpose()?.flatten();
        if let Some(log) = found(directory, options)? {
            log.agrees(high_water.as_ref(), mark.as_ref())?;
        }
        let tables = RocksTables::open(directory, options)?;
        faults::pass(Point::TablesOpened);
        let own = Some((genesis, hash_key));
        Engine::start(tables, own, Settings { segment_items: options.segment_items })?.marked(high_water)
    }

    /// Opens a directory for writing whatever its high-water mark says: for a person who decides which of them holds. No
    /// block may be appended to it.
    ///
    /// # Errors
    /// When there is no ledger, another process has it open, or it cannot be read; when the log ends before its folds.
    pub fn open_for_recovery(directory: &Path, options: &RocksOptions) -> Result<Self, StoreError> {
        if !directory.join("CURRENT").is_file() {
            return Err(StoreError::NoLedger { directory: directory.display().to_string() });
        }
        found(directory, options)?;
        let tables = RocksTables::open(directory, options)?;
        Engine::start(tables, None, Settings { segment_items: options.segment_items })
    }

    /// Opens a directory for reading, beside the process that writes it or without one. Sees what was durable when it was
    /// opened, and nothing later; a block that was being written at that moment may be among it.
    ///
    /// # Errors
    /// When there is no ledger, or it cannot be read; when the log ends before its folds.
    pub fn open_read_only(directory: &Path, options: &RocksOptions) -> Result<Self, StoreError> {
        let tables = RocksTables::open_read_only(directory, options)?;
        Engine::start(tables, None, Settings { segment_items: options.segment_items })
    }

    /// Makes a directory that does not exist yet into a copy of the ledger, while it is written to: up to the end of the
    /// log at this moment, or a few blocks further. Files are shared by hard links where the file system allows it. A run
    /// that is being ingested is in it as a whole or not at all.
    ///
    /// # Errors
    /// When the directory is there already or cannot be written; the ledger itself is not affected.
    pub fn checkpoint(&self, directory: &Path) -> Result<(), StoreError> {
        let copied = Checkpoint::new(&self.tables().db).and_then(|copy| copy.create_checkpoint(directory));
        let label = directory.display().to_string();
        copied.map_err(|error| StoreError::Checkpoint { directory: label, source: error.into() })
    }
}

/// A ledger whose directory is gone is not begun anew: nothing is made in its place.
fn refuse_to_begin_behind(directory: &Path, high_water: &HighWater) -> Result<(), StoreError> {
    let acknowledged = high_water.read()?.map_or(Sequence(0), |mark| mark.sequence);
    if acknowledged.0 > 0 && is_empty_directory(directory)? {
        return Err(high_water.error(HighWaterError::LogCut { latest: Sequence(0), acknowledged }));
    }
    Ok(())
}

/// The log as it is found. Opening for writing makes tables of the write-ahead log as far as it can be read, and the rest of
/// it is gone. So a log that has lost something is refused before: who brings back what is lost finds everything else as it
/// was. `None` when there is no ledger yet.
fn found(directory: &Path, options: &RocksOptions) -> Result<Option<RocksStore>, StoreError> {
    if !RocksTables::is_made(directory, options) {
        return Ok(None);
    }
    let settings = Settings { segment_items: options.segment_items };
    match Engine::begin(RocksTables::look(directory, options)?, None, settings) {
        Err(StoreError::NoLedger { .. }) => Ok(None),
        log => log.and_then(|log| log.marks_of_log().map(|_| Some(log))),
    }
}

/// Whether a directory is absent or holds nothing: whether opening it would begin a new ledger.
///
/// # Errors
/// When it cannot be listed.
pub fn is_empty_directory(directory: &Path) -> Result<bool, StoreError> {
    let names = names(directory).map_err(|source| open_error(directory, source))?;
    Ok(names.iter().all(|name| name == "lost+found"))
}

fn names(directory: &Path) -> Result<Vec<String>, TableError> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|source| file_error(directory, source))?,
    };
    let name = |entry: std::io::Result<fs::DirEntry>| {
        entry.map(|entry| entry.file_name().to_string_lossy().into_owned()).map_err(|e| file_error(directory, e))
    };
    entries.map(name).collect()
}

/// One RocksDB.
pub struct RocksTables {
    db: DB,
    directory: PathBuf,
    options: RocksOptions,
    cache: rocksdb::Cache,
    is_read_only: bool,
}

impl std::fmt::Debug for RocksTables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RocksTables").field("directory", &self.directory).finish_non_exhaustive()
    }
}

impl RocksTables {
    fn open(directory: &Path, options: &RocksOptions) -> Result<Self, StoreError> {
        let found = names(directory).map_err(|source| open_error(directory, source))?;
        let is_ours = |name: &String| OURS.iter().any(|ours| name.starts_with(ours)) || name.ends_with(".dbtmp");
        if !found.iter().any(|name| name == "CURRENT") && !found.iter().all(is_ours) {
            return Err(StoreError::NotEmpty { directory: directory.display().to_string() });
        }
        let prepared = fs::create_dir_all(directory).map_err(|source| file_error(directory, source));
        prepared.map_err(|source| open_error(directory, source))?;
        let cache = options.cache();
        let db = DB::open_cf_descriptors(&options.database(), directory, families(options, &cache));
        let db = db.map_err(|error| database_error(directory, error))?;
        let tables = Self { db, directory: directory.into(), options: options.clone(), cache, is_read_only: false };
        // Only now: whoever holds the lock owns these files.
        tables.clear_runs().map_err(|source| open_error(directory, source))?;
        Ok(tables)
    }

    fn open_read_only(directory: &Path, options: &RocksOptions) -> Result<Self, StoreError> {
        if !directory.join("CURRENT").is_file() {
            return Err(StoreError::NoLedger { directory: directory.display().to_string() });
        }
        let cache = options.cache();
        let (database, families) = (options.database(), families(options, &cache));
        let db = DB::open_cf_descriptors_read_only(&database, directory, families, false);
        let db = db.map_err(|error| database_error(directory, error))?;
        leftover::check(&db, directory).map_err(|source| open_error(directory, source))?;
        Ok(Self { db, directory: directory.into(), options: options.clone(), cache, is_read_only: true })
    }

    /// For reading, by whoever is about to write: a table that is missing and was not lost is put back.
    fn look(directory: &Path, options: &RocksOptions) -> Result<Self, StoreError> {
        let cache = options.cache();
        let open =
            || DB::open_cf_descriptors_read_only(&options.database(), directory, families(options, &cache), false);
        let db = leftover::open(directory, &directory.join(RUNS), open);
        let db = db.map_err(|source| open_error(directory, source))?;
        Ok(Self { db, directory: directory.into(), options: options.clone(), cache, is_read_only: true })
    }

    /// Whether a database was made to its end: a crash may have come before all families were there.
    fn is_made(directory: &Path, options: &RocksOptions) -> bool {
        let names = DB::list_cf(&options.database(), directory).unwrap_or_default();
        Family::ALL.iter().all(|family| names.iter().any(|name| name == family.name()))
    }

    /// Files that a crash has left behind; their run is made again.
    fn clear_runs(&self) -> Result<(), TableError> {
        let runs = self.directory.join(RUNS);
        match fs::remove_dir_all(&runs) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(file_error(&runs, error)),
            _ => {}
        }
        fs::create_dir_all(&runs).map_err(|source| file_error(&runs, source))
    }

    fn family(&self, family: Family) -> Result<&ColumnFamily, TableError> {
        self.db.cf_handle(family.name()).ok_or(TableError::NoFamily(family))
    }

    fn pairs(
        &self,
        family: Family,
        from: &[u8],
        below: Option<&[u8]>,
    ) -> Result<impl Iterator<Item = Result<Pair, TableError>> + Send + '_, TableError> {
        let mut options = ReadOptions::default();
        options.fill_cache(false);
        options.set_readahead_size(READ_AHEAD);
        if let Some(below) = below {
            options.set_iterate_upper_bound(below);
        }
        let mode = IteratorMode::From(from, Direction::Forward);
        let pairs = self.db.iterator_cf_opt(self.family(family)?, options, mode);
        Ok(pairs.map(|pair| pair.map_err(TableError::from)))
    }

    /// Bytes of a family's files.
    fn size(&self, family: Family) -> Result<u64, TableError> {
        let family = self.family(family)?;
        let property = |name: &str| self.db.property_int_value_cf(family, name).map(Option::unwrap_or_default);
        Ok(property("rocksdb.total-sst-files-size")? + property("rocksdb.total-blob-file-size")?)
    }

    /// Bytes of the write-ahead log and the database's own records.
    fn own_size(&self) -> Result<u64, TableError> {
        let is_own = |name: &&String| name.ends_with(".log") || name.starts_with("MANIFEST");
        names(&self.directory)?.iter().filter(is_own).try_fold(0, |sum, name| {
            let path = self.directory.join(name);
            match fs::metadata(&path) {
                Ok(metadata) => Ok(sum + metadata.len()),
                // The database deletes what it needs no more at any time.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(sum),
                Err(source) => Err(TableError::File { path, source }),
            }
        })
    }
}

/// Bytes read ahead when a range is read: what a disk does in one go.
const READ_AHEAD: usize = 512 << 10;

impl Tables for RocksTables {
    fn label(&self) -> String {
        self.directory.display().to_string()
    }

    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, TableError> {
        Ok(self.db.get_cf(self.family(family)?, key)?)
    }

    fn at_or_before(&self, family: Family, key: &[u8]) -> Result<Option<Pair>, TableError> {
        let mut iterator = self.db.raw_iterator_cf(self.family(family)?);
        iterator.seek_for_prev(key);
        iterator.status()?;
        Ok(iterator.item().map(|(key, value)| (key.into(), value.into())))
    }

    fn range(&self, family: Family, from: &[u8], below: Option<&[u8]>) -> Pairs<'_> {
        match self.pairs(family, from, below) {
            Ok(pairs) => Box::new(pairs),
            Err(error) => Box::new(std::iter::once(Err(error))),
        }
    }

    fn write(&self, puts: &[Put<'_>]) -> Result<(), TableError> {
        if self.is_read_only {
            return Err(TableError::ReadOnly);
        }
        let mut batch = WriteBatch::default();
        for (family, key, value) in puts {
            batch.put_cf(self.family(*family)?, key, value);
        }
        let mut options = WriteOptions::default();
        options.set_sync(faults::syncs());
        Ok(self.db.write_opt(batch, &options)?)
    }

    fn ingest(&self, family: Family, name: &str, fill: Fill<'_>) -> Result<(), TableError> {
        if self.is_read_only {
            return Err(TableError::ReadOnly);
        }
        let path = self.directory.join(RUNS).join(format!("{}-{name}.sst", family.name()));
        let options = self.options.family(family, &self.cache);
        let writer = SstFileWriter::create(&options);
        writer.open(&path)?;
        let mut table = Table { writer, rows: 0, deleted: None };
        fill(&mut table)?;
        if table.rows == 0 {
            return Ok(()); // An empty file is an error to the database, and nothing to us.
        }
        table.writer.finish()?;
        faults::pass(Point::RunFileWritten);
        let mut ingest = IngestExternalFileOptions::default();
        ingest.set_move_files(true);
        let handle = self.family(family)?;
        self.db.ingest_external_file_cf_opts(handle, &ingest, vec![path])?;
        faults::pass(Point::RunFileIngested);
        if let (Family::Filters, Some((first, last))) = (family, table.deleted) {
            // The items of a sealed segment are several times its filters; nothing else would ever merge these files.
            self.db.compact_range_cf(handle, Some(first), Some(last));
        }
        Ok(())
    }

    fn disk_usage(&self) -> Result<DiskUsage, TableError> {
        Ok(DiskUsage {
            blocks: self.size(Family::Blocks)? + self.size(Family::Times)?,
            event_ids: self.size(Family::EventIds)?,
            history: self.size(Family::History)?,
            current: self.size(Family::Current)?,
            filters: self.size(Family::Filters)?,
            write_ahead_log: self.own_size()? + self.size(Family::Meta)?,
        })
    }
}

/// A file being written. The writer refuses keys that do not ascend.
struct Table<'a> {
    writer: SstFileWriter<'a>,
    rows: u64,
    deleted: Option<(Vec<u8>, Vec<u8>)>,
}

impl Sink for Table<'_> {
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), TableError> {
        self.rows += 1;
        Ok(self.writer.put(key, value)?)
    }

    fn delete(&mut self, key: &[u8]) -> Result<(), TableError> {
        self.rows += 1;
        let first = self.deleted.take().map_or_else(|| key.to_vec(), |(first, _)| first);
        self.deleted = Some((first, key.to_vec()));
        Ok(self.writer.delete(key)?)
    }
}

fn families(options: &RocksOptions, cache: &rocksdb::Cache) -> Vec<ColumnFamilyDescriptor> {
    let default = ColumnFamilyDescriptor::new("default", rocksdb::Options::default());
    let ours = Family::ALL.into_iter().map(|f| ColumnFamilyDescriptor::new(f.name(), options.family(f, cache)));
    [default].into_iter().chain(ours).collect()
}

fn file_error(path: &Path, source: std::io::Error) -> TableError {
    TableError::File { path: path.into(), source }
}

fn open_error(directory: &Path, source: TableError) -> StoreError {
    StoreError::Open { directory: directory.display().to_string(), source }
}

/// The database says in words only that its lock is held.
fn database_error(directory: &Path, error: rocksdb::Error) -> StoreError {
    let words = error.to_string();
    let is_lock = words.contains("While lock file") || words.contains("lock hold by current process");
    if is_lock && error.kind() == rocksdb::ErrorKind::IOError {
        return StoreError::InUse { directory: directory.display().to_string() };
    }
    open_error(directory, error.into())
}
