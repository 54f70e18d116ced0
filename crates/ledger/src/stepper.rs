//! The pipeline on one thread, a step at a time, in an order that the caller chooses: for simulations. The steps are those
//! of the four threads and the bounds those of their queues, so that every order that is possible here is possible there.

use std::collections::VecDeque;

use crate::apply::Applier;
use crate::batch::Batch;
use crate::error::Error;
use crate::flush::flush;
use crate::input::Polled;
use crate::pipeline::{BATCHES_IN_FLIGHT_MAX, BLOCKS_IN_FLIGHT_MAX, RUNS_IN_FLIGHT_MAX};
use crate::read::Reader;
use crate::sealed::{SealedBlock, SealedRun};

/// What one of the threads does at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// One poll of the source is read.
    Read,
    /// One batch of records is applied.
    Apply,
    /// One block becomes durable, then visible.
    Write,
    /// One run goes into the store.
    Flush,
}

impl Step {
    /// Every step.
    pub const ALL: [Self; 4] = [Self::Read, Self::Apply, Self::Write, Self::Flush];
}

/// A ledger at work without threads: see [`crate::Ledger::steps`]. After an error it is at its end, as [`crate::Running`].
pub struct Stepper {
    reader: Reader,
    applier: Applier,
    polled: Polled,
    batches: VecDeque<Batch>,
    blocks: VecDeque<SealedBlock>,
    runs: VecDeque<SealedRun>,
    buffer: Vec<u8>,
}

impl Stepper {
    pub(crate) fn new(reader: Reader, applier: Applier) -> Self {
        Self {
            reader,
            applier,
            polled: Polled::Open,
            batches: VecDeque::new(),
            blocks: VecDeque::new(),
            runs: VecDeque::new(),
            buffer: Vec::new(),
        }
    }

    /// Whether the thread of this step would not wait: for another thread, or for ever.
    #[must_use]
    pub fn is_ready(&self, step: Step) -> bool {
        match step {
            // One more than the queue holds is in the hands of whoever takes from it.
            Step::Read => self.polled == Polled::Open && self.batches.len() <= BATCHES_IN_FLIGHT_MAX,
            Step::Apply => !self.batches.is_empty() && self.blocks.len() <= BLOCKS_IN_FLIGHT_MAX,
            Step::Write => !self.blocks.is_empty() && self.runs.len() <= RUNS_IN_FLIGHT_MAX,
            Step::Flush => !self.runs.is_empty(),
        }
    }

    /// Does one step; one that is not ready does nothing.
    ///
    /// # Errors
    /// What stops the thread. The ledger has failed then and must be opened again.
    pub fn step(&mut self, step: Step) -> Result<(), Error> {
        let done = if self.is_ready(step) { self.perform(step) } else { Ok(()) };
        if done.is_err() {
            self.applier.shared.fail();
        }
        done
    }

    fn perform(&mut self, step: Step) -> Result<(), Error> {
        let Self { reader, applier, batches, blocks, runs, buffer, .. } = self;
        match step {
            Step::Read => {
                self.polled = reader.step(&mut |batch| {
                    batches.push_back(batch);
                    true
                })?;
            }
            Step::Apply => {
                let mut send = |block| {
                    blocks.push_back(block);
                    true
                };
                applier.apply(&batches.pop_front().expect("a batch is ready"), &mut send)?;
                // A block ends when nothing more has come.
                if batches.is_empty() {
                    applier.seal(&mut send)?;
                }
            }
            Step::Write => {
                let block = blocks.pop_front().expect("a block is ready");
                runs.extend(applier.shared.commit(block, buffer)?);
            }
            Step::Flush => flush(&applier.shared, &runs.pop_front().expect("a run is ready"))?,
        }
        Ok(())
    }
}
