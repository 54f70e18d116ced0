//! What the first thread does, one poll of the source at a time: records are applied to the shard, blocks are sealed, and
//! questions are answered in between. It alone changes the ledger's state.

use std::sync::Arc;

use crate::error::Error;
use crate::input::{Clock, Polled, Source};
use crate::pipeline::Options;
use crate::sealed::SealedBlock;
use crate::shard::Shard;
use crate::shared::Shared;

/// The shard, what it reads from, and where its times come from.
pub(crate) struct Applier {
    pub(crate) shared: Arc<Shared>,
    pub(crate) shard: Shard,
    pub(crate) clock: Box<dyn Clock>,
    pub(crate) source: Box<dyn Source>,
    pub(crate) options: Options,
}

impl Applier {
    /// Applies what one poll gives and ends the block behind it. `send` takes a sealed block and says whether anybody will
    /// write it; when nobody will, nothing more is applied.
    pub(crate) fn step(&mut self, send: &mut dyn FnMut(SealedBlock) -> bool) -> Result<Polled, Error> {
        let Self { shared, shard, clock, source, options } = self;
        let mut send = |shard: &mut Shard| {
            shard.forget_flushed(shared.flushed_through());
            shard.seal(clock.now(), options.run_entries).is_none_or(&mut *send)
        };
        let mut applied = Ok(());
        let mut writer_lives = true;
        let polled = source.poll(options.block_entries_max, options.patience, &mut |input| {
            if applied.is_ok() && writer_lives {
                applied = shard.apply(&input).map(|_| ());
                writer_lives = !shard.is_full() || send(shard);
            }
        });
        applied?;
        let polled = polled.map_err(Error::Source)?;
        for question in shared.questions.take() {
            // Whoever asked may have gone away; that is no failure of ours.
            let _ = question.answer.send((shard.payment(question.payment)?, shard.sequence()));
        }
        Ok(if writer_lives && send(shard) { polled } else { Polled::Ended })
    }
}
