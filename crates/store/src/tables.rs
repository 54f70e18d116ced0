//! What keeps the bytes. A store needs six operations of it; RocksDB and a map in memory offer them, and everything above
//! (keys, records, order of writes, checks) is written once for both.

use std::fmt;

use crate::error::TableError;
use crate::store::DiskUsage;

/// Where a record lies. Each is a column family of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// First sequence u64 -> block.
    Blocks,
    /// Recorded time i64 (in byte order), first sequence u64 -> count u32.
    Times,
    /// Run u32, digest u128 -> event id record.
    EventIds,
    /// Run u32, account 6 bytes, first sequence u64 -> history row.
    History,
    /// What has one value that runs replace: a letter, then the key. `m` mark; `p` payment id -> payment; `r` run u32 ->
    /// mark; `s` state; `w` payment id -> since u32; `y` currency, number u32 -> cycle.
    Current,
    /// Run u32, kind u8 -> filter or items.
    Filters,
    /// `genesis`, `format`, `hash_key`, `high_water_mark`.
    Meta,
}

impl Family {
    /// Every family.
    pub const ALL: [Self; 7] =
        [Self::Blocks, Self::Times, Self::EventIds, Self::History, Self::Current, Self::Filters, Self::Meta];

    /// Its name in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Blocks => "blocks",
            Self::Times => "times",
            Self::EventIds => "event_ids",
            Self::History => "history",
            Self::Current => "current",
            Self::Filters => "filters",
            Self::Meta => "meta",
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A key and its value.
pub type Pair = (Box<[u8]>, Box<[u8]>);

/// Pairs in the order of keys. After an error nothing follows.
pub type Pairs<'a> = Box<dyn Iterator<Item = Result<Pair, TableError>> + Send + 'a>;

/// Where the rows of a table go, in ascending order of keys.
pub trait Sink {
    /// Adds a row.
    ///
    /// # Errors
    /// When the key does not ascend or the row cannot be written.
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), TableError>;

    /// Adds the removal of a key.
    ///
    /// # Errors
    /// When the key does not ascend or the row cannot be written.
    fn delete(&mut self, key: &[u8]) -> Result<(), TableError>;
}

/// Writes all rows of a table into a sink.
pub type Fill<'a> = &'a mut dyn FnMut(&mut dyn Sink) -> Result<(), TableError>;

/// A key and its value to be written to a family.
pub type Put<'a> = (Family, &'a [u8], &'a [u8]);

/// Sorted maps of bytes, one a family.
pub trait Tables: Send + Sync {
    /// What errors call it: the directory.
    fn label(&self) -> String;

    /// The value of a key.
    ///
    /// # Errors
    /// When it cannot be read.
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, TableError>;

    /// The pair with the greatest key that is not above `key`.
    ///
    /// # Errors
    /// When it cannot be read.
    fn at_or_before(&self, family: Family, key: &[u8]) -> Result<Option<Pair>, TableError>;

    /// The pairs with keys from `from` on that are below `below`.
    fn range(&self, family: Family, from: &[u8], below: Option<&[u8]>) -> Pairs<'_>;

    /// Writes all or nothing and returns when it is durable.
    ///
    /// # Errors
    /// Final: what is on the disk is not known.
    fn write(&self, puts: &[Put<'_>]) -> Result<(), TableError>;

    /// Adds a table of ascending keys to a family, all of it or nothing, and returns when it is durable. The same table
    /// may be added twice. `name` tells it apart from others that are being added.
    ///
    /// # Errors
    /// Final, as for [`Tables::write`].
    fn ingest(&self, family: Family, name: &str, fill: Fill<'_>) -> Result<(), TableError>;

    /// Bytes used.
    ///
    /// # Errors
    /// When it cannot be measured.
    fn disk_usage(&self) -> Result<DiskUsage, TableError>;
}
