//! What the second thread does, a batch at a time: records are applied to the shard, blocks are sealed, and questions are
//! answered in between. It alone changes the ledger's state.

use std::sync::Arc;

use faults::Point;

use crate::batch::Batch;
use crate::error::Error;
use crate::input::Clock;
use crate::pipeline::Options;
use crate::sealed::SealedBlock;
use crate::shard::Shard;
use crate::shared::Shared;

/// Records whose look-ups go on at the same time: what they touch stays in the nearest cache until their turn.
const WARM_AT_ONCE: usize = 32;

/// Takes a sealed block; whether anybody will write it.
pub(crate) type Send<'a> = dyn FnMut(SealedBlock) -> bool + 'a;

/// The shard, and where its times come from.
pub(crate) struct Applier {
    pub(crate) shared: Arc<Shared>,
    pub(crate) shard: Shard,
    pub(crate) clock: Box<dyn Clock>,
    pub(crate) options: Options,
}

impl Applier {
    /// Applies a batch and ends every block that it fills; whether anybody will write them.
    pub(crate) fn apply(&mut self, batch: &Batch, send: &mut Send<'_>) -> Result<bool, Error> {
        for begin in (0..batch.len()).step_by(WARM_AT_ONCE) {
            let group = begin..batch.len().min(begin + WARM_AT_ONCE);
            self.shard.warm(batch.known(group.clone()));
            for known in batch.known(group) {
                self.shard.apply(&known)?;
                faults::pass(Point::RecordApplied);
                if self.shard.is_full(self.options.block_entries_max) && !self.seal(send)? {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Ends the open block and answers what was asked meanwhile; whether anybody will write it.
    pub(crate) fn seal(&mut self, send: &mut Send<'_>) -> Result<bool, Error> {
        let Self { shared, shard, clock, options } = self;
        for question in shared.questions.take() {
            // Whoever asked may have gone away; that is no failure of ours.
            let _ = question.answer.send((shard.payment(question.payment)?, shard.sequence()));
        }
        let has_less = shard.forget_flushed(shared.flushed_through());
        let block = shard.seal(clock.now(), options.run_entries);
        if has_less || block.as_ref().is_some_and(|block| block.run.is_some()) {
            shared.go_past(shard.past().clone());
        }
        Ok(block.is_none_or(send))
    }
}
