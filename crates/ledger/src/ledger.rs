//! Opening a data directory, and what others may do with an open ledger.

use std::sync::Arc;
use std::time::Duration;

use domain::account::Account;
use domain::book::Balance;
use domain::directive::Codec;
use domain::ids::{Id, Sequence};
use domain::payment::Payment;
use domain::time::Timestamp;
use store::Store;
use store::genesis::Genesis;
use store::incarnation::Incarnation;

use crate::apply::Applier;
use crate::entries::{self, LoggedEntry};
use crate::error::Error;
use crate::input::{Clock, Source};
use crate::pipeline::{self, Options, Running};
use crate::read::Reader;
use crate::recover;
use crate::shard::Shard;
use crate::shared::Shared;
use crate::snapshot::Snapshot;
use crate::stepper::Stepper;

/// A data directory that is open, recovered and idle.
pub struct Ledger {
    shard: Shard,
    shared: Arc<Shared>,
    clock: Box<dyn Clock>,
    options: Options,
}

impl Ledger {
    /// Replays what the last flushed run of `store` does not hold. `rulebook` is the text that an empty log begins with;
    /// a log that has one keeps it.
    ///
    /// # Errors
    /// When the store belongs to another shard, is damaged, or was written by a program that decides differently.
    pub fn open(
        store: Arc<dyn Store>,
        codec: Box<dyn Codec>,
        clock: Box<dyn Clock>,
        rulebook: &[u8],
        options: Options,
    ) -> Result<Self, Error> {
        let (shard, shared) = recover::open(store, codec, rulebook, clock.now(), options.run_entries)?;
        Ok(Self { shard, shared: Arc::new(shared), clock, options })
    }

    /// For readers.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle { shared: Arc::clone(&self.shared) }
    }

    /// The next offset wanted of every source, in the order of the genesis: where the source must begin.
    #[must_use]
    pub fn positions(&self) -> &[i64] {
        self.shard.positions()
    }

    /// Notes that the topic of a source was made anew under this id, so that its offsets begin at 0 again; what was read from
    /// the old one stays. Only for whoever owns the topics and knows that the old ones are gone: the demonstration.
    ///
    /// # Errors
    /// When the genesis has no such source or the log cannot be written.
    pub fn record_incarnation(&mut self, source: u16, topic_id: &str) -> Result<(), Error> {
        let incarnation = Incarnation { source, topic_id: topic_id.to_owned() };
        if usize::from(source) >= self.positions().len() {
            return Err(Error::UnknownSource { source_index: source });
        }
        let now = self.clock.now();
        self.shard.log_incarnation(&incarnation, now)?;
        let block = self.shard.seal(now, self.options.run_entries).expect("an entry was logged");
        let run = self.shared.commit(block, &mut Vec::new())?;
        recover::flush_if_any(&mut self.shard, &self.shared, run)
    }

    /// Starts consuming.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn start(self, source: Box<dyn Source>) -> Result<Running, Error> {
        let (reader, applier) = self.parts(source);
        pipeline::start(reader, applier)
    }

    /// Consumes on the caller's thread, a step at a time: for simulations, which choose the order of the steps.
    #[must_use]
    pub fn steps(self, source: Box<dyn Source>) -> Stepper {
        let (reader, applier) = self.parts(source);
        Stepper::new(reader, applier)
    }

    fn parts(self, source: Box<dyn Source>) -> (Reader, Applier) {
        let Self { shard, shared, clock, options } = self;
        shared.go_past(shard.past().clone());
        let reader = Reader { shared: Arc::clone(&shared), intake: shard.intake().clone(), source, options };
        (reader, Applier { shared, shard, clock, options })
    }
}

/// A reader's door to a ledger; cheap to clone.
#[derive(Clone)]
pub struct Handle {
    pub(crate) shared: Arc<Shared>,
}

impl Handle {
    /// The newest durable state. It stays as it is for as long as it is held.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.shared.published.newest()
    }

    /// The first durable state that includes `sequence`; `None` when it does not come within `patience`.
    #[must_use]
    pub fn wait_for(&self, sequence: Sequence, patience: Duration) -> Option<Arc<Snapshot>> {
        self.shared.published.wait_for(sequence, patience)
    }

    /// Whether the ledger has stopped because it failed.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.shared.has_failed()
    }

    /// What an account stood at after entry `sequence`, zeros after entry 0; `None` when that entry is not durable yet.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn balance_at(&self, account: Account, sequence: Sequence) -> Result<Option<Balance>, Error> {
        if sequence > self.snapshot().sequence {
            return Ok(None);
        }
        // Nothing stands before the first entry, and the store has no row to ask for it.
        if sequence == Sequence(0) {
            return Ok(Some(Balance::default()));
        }
        let row = match (self.shared.recent_row(account, sequence), self.shared.store.mark()) {
            (Some(row), _) => Some(row),
            (None, None) => None,
            // Nothing was posted to it behind the last run, or the run was flushed a moment ago.
            (None, Some(mark)) => {
                let sequence = sequence.min(mark.through);
                self.shared.store.row_before(account, sequence).map_err(Error::Store)?
            }
        };
        Ok(Some(row.map_or_else(Balance::default, |row| row.balance_at(sequence))))
    }

    /// Which shard this is: its cluster and its topics, in the order by which entries name them.
    #[must_use]
    pub fn genesis(&self) -> &Genesis {
        self.shared.store.genesis()
    }

    /// The last entry recorded at or before `time`; 0 when there is none.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn sequence_at(&self, time: Timestamp) -> Result<Sequence, Error> {
        self.shared.store.sequence_at(time).map_err(Error::Store)
    }

    /// At most `max` durable entries, the first of them `from` or entry 1.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn entries(&self, from: Sequence, max: usize) -> Result<Vec<LoggedEntry>, Error> {
        let (from, end) = (from.max(Sequence(1)), self.snapshot().sequence);
        let mut entries = Vec::new();
        if from > end || max == 0 {
            return Ok(entries);
        }
        for block in self.shared.store.blocks(from) {
            entries::collect(&block.map_err(Error::Store)?, from, max, &mut entries)?;
            if entries.len() >= max {
                break;
            }
        }
        // A block may be durable a moment before it is visible.
        entries.retain(|entry| entry.sequence <= end);
        Ok(entries)
    }

    /// A payment and the entry it stands after; both are durable when this returns. `None`: nobody has named the payment.
    ///
    /// # Errors
    /// [`Error::NotAnswered`] when the writer has stopped, was not started, or does not answer within `patience`.
    pub fn payment(&self, id: Id, patience: Duration) -> Result<(Option<Payment>, Sequence), Error> {
        let answered = self.shared.questions.ask(id).ok_or(Error::NotAnswered)?;
        let (payment, sequence) = answered.recv_timeout(patience).map_err(|_| Error::NotAnswered)?;
        self.wait_for(sequence, patience).ok_or(Error::NotAnswered)?;
        Ok((payment, sequence))
    }
}
