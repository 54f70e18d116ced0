//! The log as readers see it: durable entries, with the chain's hash after each.

use domain::ids::Sequence;
use domain::time::Timestamp;
use store::block::BlockView;
use store::chain::{self, Head};
use store::entry::{AnswerCode, EntryKind};

use crate::error::Error;

/// One entry of the log, as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedEntry {
    /// Its place.
    pub sequence: Sequence,
    /// First entry of its block.
    pub block: Sequence,
    /// When its block was recorded.
    pub recorded_at: Timestamp,
    /// Position of its topic in the genesis.
    pub source: u16,
    /// Where it stood on that topic.
    pub offset: i64,
    /// When it was put there.
    pub arrived_at: Timestamp,
    /// What the record is.
    pub kind: EntryKind,
    /// What was answered.
    pub answer: AnswerCode,
    /// The rulebook version then current.
    pub rulebook: u32,
    /// The first entry with its id, for duplicates and conflicts.
    pub duplicate_of: Option<Sequence>,
    /// Who gave a command, else empty.
    pub principal: String,
    /// A command's key, else empty.
    pub idempotency_key: String,
    /// The record's key, kept when it contradicts the content; else empty.
    pub key: Vec<u8>,
    /// As received; empty for a duplicate, whose content is that of the first.
    pub raw: Vec<u8>,
    /// SHA-256 of the record as received, of a duplicate too.
    pub digest: Head,
    /// The chain's hash after this entry.
    pub head: Head,
}

/// Adds the entries of `block` at or after `from` to `entries`, until there are `max`.
pub(crate) fn collect(
    block: &BlockView<'_>,
    from: Sequence,
    max: usize,
    entries: &mut Vec<LoggedEntry>,
) -> Result<(), Error> {
    let mut head = block.head().head_before;
    for entry in block.entries() {
        let (sequence, entry) = entry.map_err(Error::Format)?;
        let covered = entry.head();
        head = chain::next(&head, sequence.0, &covered);
        if sequence < from {
            continue;
        }
        if entries.len() >= max {
            break;
        }
        entries.push(LoggedEntry {
            sequence,
            block: block.head().first,
            recorded_at: block.head().recorded_at,
            source: entry.source,
            offset: entry.offset,
            arrived_at: entry.arrived_at,
            kind: entry.kind,
            answer: entry.answer,
            rulebook: entry.rulebook,
            duplicate_of: entry.duplicate_of,
            principal: entry.principal.to_owned(),
            idempotency_key: entry.idempotency_key.to_owned(),
            key: entry.key.to_vec(),
            digest: covered.digest,
            raw: entry.content.raw().unwrap_or_default().to_vec(),
            head,
        });
    }
    Ok(())
}
