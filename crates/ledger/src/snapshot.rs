//! What readers see. A snapshot is the state at the end of a durable block; readers take the newest one and never wait for
//! the writer. The pipeline's writer thread is the only one that publishes, after the block is synced.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use domain::ids::Sequence;
use domain::state::State;
use domain::time::Timestamp;

/// The ledger at one sequence number.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The last entry it includes.
    pub sequence: Sequence,
    /// The hash of the chain there.
    pub head: [u8; 32],
    /// When that block was recorded.
    pub recorded_at: Timestamp,
    /// The next offset of every source, in the order of the genesis.
    pub positions: Vec<i64>,
    /// Rules, balances, cycles.
    pub state: State,
}

/// The newest durable snapshot, and a way to wait for a newer one.
pub(crate) struct Published {
    newest: Mutex<Arc<Snapshot>>,
    changed: Condvar,
}

impl Published {
    pub(crate) fn new(first: Snapshot) -> Self {
        Self { newest: Mutex::new(Arc::new(first)), changed: Condvar::new() }
    }

    pub(crate) fn newest(&self) -> Arc<Snapshot> {
        Arc::clone(&self.newest.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn publish(&self, snapshot: Arc<Snapshot>) {
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner) = snapshot;
        self.changed.notify_all();
    }

    /// The first snapshot that includes `sequence`; `None` when it does not come in time.
    pub(crate) fn wait_for(&self, sequence: Sequence, patience: Duration) -> Option<Arc<Snapshot>> {
        let until = Instant::now() + patience;
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        while newest.sequence < sequence {
            let left = until.checked_duration_since(Instant::now())?;
            newest = self.changed.wait_timeout(newest, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        Some(Arc::clone(&newest))
    }
}
