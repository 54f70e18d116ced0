//! What stops a shard. A refusal is an answer and is in the log; an error here is a machine, a source or a mistake of ours,
//! and the ledger stops with it: wrong is worse than down.

use domain::ids::Sequence;
use store::StoreError;
use store::block::BlockError;
use store::entry::AnswerCode;
use store::error::FormatError;
use thiserror::Error;

use crate::input::SourceError;

/// Why the ledger cannot go on.
#[derive(Debug, Error)]
pub enum Error {
    /// The disk, or what is on it.
    #[error("cannot use the data directory")]
    Store(#[source] StoreError),
    /// An entry of the log cannot be read.
    #[error("cannot read the log")]
    Format(#[source] FormatError),
    /// A block cannot take an entry that was decided.
    #[error("cannot write an entry down")]
    Block(#[source] BlockError),
    /// The stream of records.
    #[error("cannot read events")]
    Source(#[source] SourceError),
    /// The first rulebook, or one in the log, is not readable any more.
    #[error("the rulebook cannot be read: {0}")]
    Rulebook(String),
    /// A record of a source that the genesis does not name.
    #[error("a record came from source {source_index}, which the genesis of this data directory does not name")]
    UnknownSource {
        /// Its position in the list.
        source_index: u16,
    },
    /// Replaying the log gives another answer than the log holds: other code, or other bytes.
    #[error("replaying entry {sequence} gives answer {}, the log says {}: this program must not serve this log", derived.0, recorded.0)]
    Diverged {
        /// The first such entry.
        sequence: Sequence,
        /// What the log holds.
        recorded: AnswerCode,
        /// What this program decides.
        derived: AnswerCode,
    },
    /// The chain of hashes breaks.
    #[error("the hash chain breaks in the block that begins at entry {block}")]
    ChainBroken {
        /// First sequence of the block.
        block: Sequence,
    },
    /// The writer does not answer: it has stopped, was never started, or too many readers are waiting for it.
    #[error("the writer does not answer now")]
    NotAnswered,
    /// A thread of the ledger ended without saying why.
    #[error("the {0} thread stopped")]
    ThreadStopped(&'static str),
}
