//! What the first thread does, one poll of the source at a time: records are read and looked up, a batch ahead of the thread
//! that decides. It changes nothing; what it finds out too early is found out again.

use std::sync::Arc;

use domain::state::View;

use crate::batch::Batch;
use crate::error::Error;
use crate::input::{Input, Polled, Source};
use crate::intake::Intake;
use crate::pipeline::Options;
use crate::shared::Shared;

/// Records of a batch: few enough to be in the cache still when their turn comes, many enough to make handing them over
/// cheap.
const RECORDS_MAX: usize = 1_024;

/// Bytes of a batch: commands may be long.
const BYTES_MAX: usize = 1 << 20;

/// The source, and what its records are read with.
pub(crate) struct Reader {
    pub(crate) shared: Arc<Shared>,
    pub(crate) intake: Intake,
    pub(crate) source: Box<dyn Source>,
    pub(crate) options: Options,
}

impl Reader {
    /// Reads what one poll gives. `send` takes a batch and says whether anybody will apply it; when nobody will, nothing more
    /// is read.
    pub(crate) fn step(&mut self, send: &mut dyn FnMut(Batch) -> bool) -> Result<Polled, Error> {
        let Self { shared, intake, source, options } = self;
        let newest = shared.published.newest();
        let rules = newest.state.rules().current();
        intake.follow(rules);
        let mut batch = Batch::new(intake);
        let mut hand_over = |batch: &mut Batch| {
            let mut batch = std::mem::replace(batch, Batch::new(intake));
            batch.look_up(&shared.past(), shared.store.as_ref()).map(|()| batch.is_empty() || send(batch))
        };
        let mut goes_on = Ok(true);
        let mut take = |input: Input<'_>| {
            if matches!(goes_on, Ok(true)) {
                goes_on = intake.read(&input, Some(input.key), rules).and_then(|reading| {
                    batch.push(&input, reading);
                    let is_full = batch.len() >= RECORDS_MAX || batch.bytes() >= BYTES_MAX;
                    if is_full { hand_over(&mut batch) } else { Ok(true) }
                });
            }
        };
        let polled = source.poll(RECORDS_MAX.min(options.block_entries_max), options.patience, &mut take);
        let goes_on = goes_on? && hand_over(&mut batch)?;
        let polled = polled.map_err(Error::Source)?;
        Ok(if goes_on { polled } else { Polled::Ended })
    }
}
