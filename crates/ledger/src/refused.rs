//! What was refused, for whoever sends it back: the durable log, read a block at a time, without copying and without its
//! hashes. A follower goes at its own pace and holds nobody up.

use domain::ids::Sequence;
use domain::time::Timestamp;
use store::block::BlockView;
use store::entry::{AnswerCode, Entry};

use crate::error::Error;
use crate::ledger::Handle;

/// A record that was rejected or quarantined, lent from the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused<'a> {
    /// Its place.
    pub sequence: Sequence,
    /// Position of its topic in the genesis.
    pub source: u16,
    /// Where it stood on that topic.
    pub offset: i64,
    /// When it was put there.
    pub arrived_at: Timestamp,
    /// A rejection's or a quarantine's.
    pub answer: AnswerCode,
    /// Its key, where the log keeps one: see [`Entry::key`].
    pub key: &'a [u8],
    /// As received.
    pub raw: &'a [u8],
}

impl Handle {
    /// Hands what was refused behind entry `after` to `take`, in order, from one block at most. Returns the last entry that
    /// was looked at: `after` itself when nothing behind it is durable.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn refused(&self, after: Sequence, take: &mut dyn FnMut(Refused<'_>)) -> Result<Sequence, Error> {
        let end = self.snapshot().sequence;
        if after >= end {
            return Ok(after);
        }
        match self.shared.store.blocks(Sequence(after.0 + 1)).next() {
            Some(block) => visit(&block.map_err(Error::Store)?, after, end, take),
            None => Ok(after),
        }
    }
}

fn visit(
    block: &BlockView<'_>,
    after: Sequence,
    end: Sequence,
    take: &mut dyn FnMut(Refused<'_>),
) -> Result<Sequence, Error> {
    let mut last = after;
    for entry in block.entries() {
        let (sequence, entry) = entry.map_err(Error::Format)?;
        // A block may be durable a moment before it is visible.
        if sequence > end {
            break;
        }
        if sequence > after {
            last = sequence;
            if is_refused(&entry) {
                take(refused(sequence, &entry));
            }
        }
    }
    Ok(last)
}

fn is_refused(entry: &Entry<'_>) -> bool {
    entry.answer.rejection().is_some() || entry.answer.quarantine().is_some()
}

fn refused<'a>(sequence: Sequence, entry: &Entry<'a>) -> Refused<'a> {
    Refused {
        sequence,
        source: entry.source,
        offset: entry.offset,
        arrived_at: entry.arrived_at,
        answer: entry.answer,
        key: entry.key,
        raw: entry.content.raw().unwrap_or_default(),
    }
}
