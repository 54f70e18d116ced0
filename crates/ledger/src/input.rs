//! What comes in, and through which ports: a source of records and a clock, beside the store and the codec. The production
//! ports are Kafka, the system's clock, RocksDB and protobuf; a test or a simulation swaps them and runs the same ledger.

use std::time::Duration;

use domain::time::Timestamp;

/// One record of a source, borrowed from it.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// Position in the genesis list of sources.
    pub source: u16,
    /// Where the record stands in its source. Offsets rise; they may have holes.
    pub offset: i64,
    /// When it was put there.
    pub arrived_at: Timestamp,
    /// Its key.
    pub key: &'a [u8],
    /// Its value as received.
    pub raw: &'a [u8],
}

/// Why a source stopped for good.
#[derive(Debug, thiserror::Error)]
#[error("source {source_name}: {reason}")]
pub struct SourceError {
    /// Topic and partition.
    pub source_name: String,
    /// What happened, for example an offset that is gone.
    pub reason: String,
    /// The stable code, and name of the runbook page.
    pub code: &'static str,
}

/// Whether more can come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Polled {
    /// More may come later.
    Open,
    /// Nothing will ever come again.
    Ended,
}

/// A stream of records from several topics, begun at the positions that the ledger holds.
pub trait Source: Send {
    /// Hands at most `max` records to `take`, in the order of each topic, waiting up to `patience` for the first one and not
    /// at all for the others.
    ///
    /// # Errors
    /// When the source cannot go on; the ledger stops then, it never skips.
    fn poll(&mut self, max: usize, patience: Duration, take: &mut dyn FnMut(Input<'_>)) -> Result<Polled, SourceError>;
}

/// Where the time of a block comes from.
pub trait Clock: Send {
    /// Now. The ledger forces it forward: a block is never recorded before the one in front of it.
    fn now(&self) -> Timestamp;
}
