//! What can go wrong, told once: the outer error says what was being done to which directory, sequence or key, the inner
//! one why. A machine's failure is never turned into an empty answer.

use std::path::PathBuf;

use domain::ids::Sequence;
use thiserror::Error;

use crate::genesis::GenesisMismatch;
use crate::tables::Family;

/// A kind of record, as errors name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordKind {
    /// A block of the log.
    Block,
    /// One entry inside a block.
    Entry,
    /// What is kept of one payment.
    Payment,
    /// A settlement cycle.
    Cycle,
    /// The snapshot of everything that payments share.
    State,
    /// One account's postings in one block.
    HistoryRow,
    /// Which ledger a directory belongs to.
    Genesis,
    /// How far the folds reach.
    Mark,
    /// What is kept of one event id.
    EventId,
    /// A membership filter, or the digests one is made from.
    Filter,
    /// Since when a payment waits.
    Waiting,
    /// A topic that was made anew.
    Incarnation,
    /// How far the ledger has acknowledged.
    HighWaterMark,
    /// A key of some family.
    Key,
}

impl RecordKind {
    const fn word(self) -> &'static str {
        match self {
            Self::Block => "block",
            Self::Entry => "entry",
            Self::Payment => "payment",
            Self::Cycle => "cycle",
            Self::State => "state",
            Self::HistoryRow => "history row",
            Self::Genesis => "genesis",
            Self::Mark => "mark",
            Self::EventId => "event id",
            Self::Filter => "filter",
            Self::Waiting => "waiting payment",
            Self::Incarnation => "incarnation",
            Self::HighWaterMark => "high-water mark",
            Self::Key => "key",
        }
    }
}

impl std::fmt::Display for RecordKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}

/// Why bytes are not the record they should be, and where.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{record} at byte {at}: {reason}")]
pub struct FormatError {
    /// What was being read.
    pub record: RecordKind,
    /// Offset in the record (in the uncompressed payload for an entry).
    pub at: usize,
    /// What is wrong there.
    pub reason: FormatReason,
}

/// What is wrong with a record.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FormatReason {
    /// The first byte names a version that this program does not read.
    #[error("version {found} is not known, this program reads {supported:?}")]
    Version {
        /// The version byte.
        found: u8,
        /// What this program reads.
        supported: &'static [u8],
    },
    /// Something is missing at the end.
    #[error("ends early")]
    EndsEarly,
    /// The record is complete and bytes follow.
    #[error("{0} bytes too many")]
    TooMany(usize),
    /// A number does not fit its field.
    #[error("{0} is out of range")]
    Range(&'static str),
    /// A field holds a value that has no meaning.
    #[error("{field} has no value {value}")]
    Unknown {
        /// The field.
        field: &'static str,
        /// What it holds.
        value: u64,
    },
    /// A field is not the text it should be.
    #[error("{0} is not text of the allowed form")]
    Text(&'static str),
    /// The bytes are not those that were written.
    #[error("checksum is {found:08x}, the bytes give {computed:08x}")]
    Checksum {
        /// The stored checksum.
        found: u32,
        /// What the bytes give.
        computed: u32,
    },
    /// Another record that must be there is not.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// The compressed payload is not one.
    #[error("payload does not decompress to {0} bytes")]
    Compression(usize),
    /// The chain recomputed from the entries differs from the head that the block carries.
    #[error("the entries do not lead to the chain head that the block carries")]
    ChainHead,
}

/// What the keeper of the bytes said: the database or the file system.
#[derive(Debug, Error)]
pub enum TableError {
    /// RocksDB.
    #[error(transparent)]
    Database(#[from] rocksdb::Error),
    /// A file or a directory.
    #[error("{path}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The directory lacks a family that this program needs.
    #[error("family {0} does not exist")]
    NoFamily(Family),
    /// The keys of a run's table did not ascend: a mistake of this crate, refused before anything is changed.
    #[error("keys of a table do not ascend")]
    KeyOrder,
    /// Opened for reading only.
    #[error("opened for reading only")]
    ReadOnly,
}

/// Why a high-water mark and a ledger do not go together.
#[derive(Debug, Error)]
pub enum HighWaterError {
    /// The system cannot read or write it.
    #[error(transparent)]
    File(#[from] std::io::Error),
    /// It is of a version that this program does not read.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// Neither of its two slots is whole.
    #[error("both of its slots are damaged")]
    Damaged,
    /// It is gone.
    #[error("the ledger has one, and it is not there")]
    Missing,
    /// It was not said where it is.
    #[error("the ledger has one, and none was named")]
    NotNamed,
    /// It is another ledger's.
    #[error("it is of shard {shard} of cluster {cluster:?}")]
    OtherLedger {
        /// Of the mark.
        cluster: String,
        /// Of the mark.
        shard: u32,
    },
    /// The log ends before it.
    #[error(
        "the log ends at sequence {latest}, but {acknowledged} was acknowledged: the last {} entries are lost",
        acknowledged.0 - latest.0
    )]
    LogCut {
        /// Where the log ends.
        latest: Sequence,
        /// What the mark says.
        acknowledged: Sequence,
    },
    /// The log goes on past it, but is another one.
    #[error("the log has another chain head at sequence {0} than the one that was acknowledged")]
    OtherHead(Sequence),
}

/// What the store could not do. Nothing here may be tried again on the same open store: after a failed write every later
/// write is refused, because what reached the disk is not known. Close, find out why, open again.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The directory cannot be opened.
    #[error("cannot open {directory}")]
    Open {
        /// Which.
        directory: String,
        /// Why.
        source: TableError,
    },
    /// Another process, or this one a second time, has the directory open for writing.
    #[error("data directory {directory} is in use by another process, or by this one a second time")]
    InUse {
        /// Which.
        directory: String,
    },
    /// Something else is in the directory that a new ledger should begin in.
    #[error("{directory} is not empty and holds no ledger")]
    NotEmpty {
        /// Which.
        directory: String,
    },
    /// Opened for reading and nothing is there.
    #[error("{directory} holds no ledger")]
    NoLedger {
        /// Which.
        directory: String,
    },
    /// The directory belongs to another ledger, or the genesis itself is not one.
    #[error("{directory} cannot be used with this configuration")]
    Genesis {
        /// Which.
        directory: String,
        /// The field that differs.
        source: GenesisMismatch,
    },
    /// A read failed.
    #[error("cannot read {family} at key {key}")]
    Read {
        /// Where.
        family: Family,
        /// Hexadecimal.
        key: String,
        /// Why.
        source: TableError,
    },
    /// A record is not what it should be.
    #[error("cannot decode {family} at key {key}")]
    Decode {
        /// Where.
        family: Family,
        /// Hexadecimal.
        key: String,
        /// What is wrong with it.
        source: FormatError,
    },
    /// Bytes to be appended are not a block.
    #[error("what should be appended is not a block")]
    NotABlock {
        /// What is wrong with it.
        source: FormatError,
    },
    /// A block does not follow the last one: another sequence, an earlier time, another chain head or number of sources.
    #[error(
        "the block at sequence {first} does not follow the log, whose next sequence is {expected}: {field} differs"
    )]
    NotNext {
        /// First sequence of the refused block.
        first: Sequence,
        /// The sequence that is next.
        expected: Sequence,
        /// What does not fit.
        field: &'static str,
    },
    /// A block could not be made durable. Final.
    #[error("cannot append the block at sequence {first}")]
    Append {
        /// Its first sequence.
        first: Sequence,
        /// Why.
        source: TableError,
    },
    /// A run could not be ingested. Final.
    #[error("cannot ingest run {run}")]
    Ingest {
        /// Its number.
        run: u32,
        /// Why.
        source: TableError,
    },
    /// A run is not the one after the last.
    #[error("run {found} was given, the next one is {expected}")]
    RunNotNext {
        /// The number that is next.
        expected: u32,
        /// The number given.
        found: u32,
    },
    /// A run reaches over other blocks than the log has, or ends inside one.
    #[error("run {run} ends at sequence {through}, which is not the end of a block with the same chain head")]
    RunNotOfThisLog {
        /// Its number.
        run: u32,
        /// Where it says it ends.
        through: Sequence,
    },
    /// Blocks are missing.
    #[error("the log has a hole: sequence {expected} should follow, {found} is next")]
    Hole {
        /// The sequence that is missing.
        expected: Sequence,
        /// The next one that exists.
        found: Sequence,
    },
    /// The folds are ahead of the log: the end of the log was lost.
    #[error("the log ends at sequence {latest}, but its folds already reach {through}: the end of the log was lost")]
    LogCut {
        /// Where the log ends.
        latest: Sequence,
        /// How far the folds reach.
        through: Sequence,
    },
    /// The high-water mark does not let the ledger go on.
    #[error("cannot go on from high-water mark {mark}")]
    HighWater {
        /// Where it lies.
        mark: String,
        /// Why.
        source: HighWaterError,
    },
    /// No sealed run holds the sequence: it is after the mark, or zero.
    #[error("sequence {sequence} is in no run; runs reach to {through}")]
    NotInRun {
        /// What was asked for.
        sequence: Sequence,
        /// How far the runs reach.
        through: Sequence,
    },
    /// An earlier write failed.
    #[error("an earlier write to {directory} failed; nothing more is written until it is opened again")]
    Stopped {
        /// Which.
        directory: String,
    },
    /// A copy of what is durable could not be made.
    #[error("cannot copy the ledger to {directory}")]
    Checkpoint {
        /// Where to.
        directory: String,
        /// Why.
        source: TableError,
    },
    /// How much is on disk is not known.
    #[error("cannot measure {directory}")]
    Measure {
        /// Which.
        directory: String,
        /// Why.
        source: TableError,
    },
}

impl StoreError {
    /// The code of what passes by itself when somebody makes room.
    pub const DISK_FULL: &'static str = "DISK_FULL";

    /// The database says it in words only, which are the system's.
    fn is_of_full_disk(&self) -> bool {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(self);
        while let Some(error) = cause {
            if error.to_string().contains("No space left on device") {
                return true;
            }
            cause = error.source();
        }
        false
    }

    /// The name of the runbook page, for what an operator can act on.
    #[must_use]
    pub fn code(&self) -> Option<&'static str> {
        match self {
            _ if self.is_of_full_disk() => Some(Self::DISK_FULL),
            Self::LogCut { .. } => Some("LOG_CUT"),
            Self::Decode { source: FormatError { reason: FormatReason::Version { .. }, .. }, .. } => {
                Some("FORMAT_VERSION")
            }
            Self::HighWater { source, .. } => match source {
                HighWaterError::LogCut { .. } | HighWaterError::OtherHead(_) => Some("LOG_CUT"),
                HighWaterError::File(_) => None,
                _ => Some("HIGH_WATER_MARK"),
            },
            _ => None,
        }
    }
}
