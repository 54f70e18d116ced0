//! How the database is set up. Everything that safety rests on is said here, also where it is the default today.

use std::path::PathBuf;

use rocksdb::{BlockBasedOptions, Cache, DBCompressionType, DBRecoveryMode, LogLevel, Options};

use crate::tables::Family;

/// What the operator may choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RocksOptions {
    /// Bytes of blocks of files, with their indexes and filters, kept in memory.
    pub cache_bytes: usize,
    /// Files open at a time; at most half of what the system allows the process.
    pub open_files_max: u16,
    /// Ids that the filter of one segment of runs has room for, at 2 bytes each. Larger: fewer cache lines for every new
    /// id. Smaller: less to build at open, which does a million in some 20 ms.
    pub segment_items: usize,
    /// Where the high-water mark lies, which is best on another disk. A ledger that has had one is not written without;
    /// to readers it is nothing.
    pub high_water_mark: Option<PathBuf>,
    /// Blocks in memory before they are flushed to a blob file.
    pub memory_table_bytes: usize,
}

impl Default for RocksOptions {
    fn default() -> Self {
        Self {
            cache_bytes: 256 << 20,
            open_files_max: 512,
            segment_items: 32 << 18,
            memory_table_bytes: 64 << 20,
            high_water_mark: None,
        }
    }
}

/// One write of this size is 2-4 times faster on our disks than one of 1 MiB (docs: write the log in pieces).
const WRITE_PIECE: u64 = 512 << 10;

impl RocksOptions {
    pub(super) fn cache(&self) -> Cache {
        Cache::new_lru_cache(self.cache_bytes)
    }

    pub(super) fn database(&self) -> Options {
        let mut options = Options::default();
        options.create_if_missing(true);
        options.create_missing_column_families(true);
        // The end of the log up to the first damage: a torn last record is what a power cut leaves. A cut between two
        // records looks the same: the high-water mark tells.
        options.set_wal_recovery_mode(DBRecoveryMode::PointInTime);
        options.set_track_and_verify_wals_in_manifest(true);
        options.set_paranoid_checks(true);
        // Families share the log: flushed one by one, a disk that fills up between them leaves files ahead of it.
        options.set_atomic_flush(true);
        options.set_max_open_files(i32::from(self.open_files_max));
        options.set_max_background_jobs(2);
        options.set_writable_file_max_buffer_size(WRITE_PIECE);
        options.set_max_total_wal_size(4 * self.memory_table_bytes as u64);
        options.set_max_manifest_file_size(64 << 20);
        options.set_keep_log_file_num(4);
        options.set_log_level(LogLevel::Warn);
        options
    }

    pub(super) fn family(&self, family: Family, cache: &Cache) -> Options {
        let mut options = Options::default();
        let mut blocks = BlockBasedOptions::default();
        blocks.set_block_cache(cache);
        blocks.set_cache_index_and_filter_blocks(true);
        blocks.set_block_size(16 << 10);
        options.set_compression_type(DBCompressionType::None);
        options.set_level_compaction_dynamic_level_bytes(true);
        match family {
            Family::Blocks => {
                // Compaction moves keys only; the payload is compressed already.
                options.set_enable_blob_files(true);
                options.set_min_blob_size(256);
                options.set_blob_file_size(256 << 20);
                options.set_blob_compression_type(DBCompressionType::None);
                options.set_write_buffer_size(self.memory_table_bytes);
                options.set_max_write_buffer_number(3);
            }
            // Digests do not compress, and a read is of one key: small blocks.
            Family::EventIds => blocks.set_block_size(4 << 10),
            Family::History => options.set_compression_type(DBCompressionType::Lz4),
            Family::Current => {
                options.set_compression_type(DBCompressionType::Lz4);
                blocks.set_block_size(4 << 10);
                blocks.set_bloom_filter(10.0, false);
            }
            Family::Times | Family::Filters | Family::Meta => {}
        }
        options.set_block_based_table_factory(&blocks);
        options
    }
}
