//! What one thread hands to the next: a block that is applied and not yet durable, and with it, now and then, the run that
//! it completes.

use std::sync::Arc;

use domain::ids::Id;
use domain::payment::Payment;
use store::block::{BlockBuilder, Seal};
use store::chain::Head;
use store::history::EncodedRow;
use store::mark::EventIdRecord;

use crate::error::Error;
use crate::memtable::Generation;
use crate::snapshot::Snapshot;

/// A payment in memory.
pub(crate) struct Held {
    pub(crate) id: Id,
    pub(crate) payment: Payment,
    /// The store has an older state of it.
    pub(crate) stored: bool,
}

/// A block that is applied and not yet durable.
pub(crate) struct SealedBlock {
    pub(crate) builder: BlockBuilder,
    pub(crate) head_before: Head,
    pub(crate) rows: Vec<EncodedRow>,
    pub(crate) snapshot: Arc<Snapshot>,
    /// The run that this block completes.
    pub(crate) run: Option<SealedRun>,
}

impl SealedBlock {
    /// The block as it is stored; compressed here, by the thread that writes it.
    pub(crate) fn encode(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        let (recorded_at, head_after) = (self.snapshot.recorded_at, self.snapshot.head);
        let seal = Seal { recorded_at, head_before: self.head_before, head_after };
        self.builder.seal(&seal, out).map_err(Error::Block)
    }
}

/// The folds of a range of blocks, frozen.
pub(crate) struct SealedRun {
    /// Counted from 1.
    pub(crate) number: u32,
    /// What stood before its first block.
    pub(crate) begin: Arc<Snapshot>,
    /// What stands after its last.
    pub(crate) end: Arc<Snapshot>,
    pub(crate) rulebooks: Vec<Vec<u8>>,
    pub(crate) ids: Arc<Generation<EventIdRecord>>,
    pub(crate) payments: Arc<Generation<Held>>,
}
