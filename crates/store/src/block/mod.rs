//! A block: consecutive entries of the log, made durable by one write. What lies before the payload is of fixed width and
//! big-endian; the payload is one LZ4 block, or plain where that is not smaller; four bytes of CRC-32 over everything
//! before them end the block, so that a flipped bit is an error and not an amount.
//!
//! ```text
//! version u8 | flags u8 | first u64 | count u32 | recorded at i64 | head before 32 | head after 32
//! | sources u16 | next offset i64, for every source | payload length u32 | length of its bodies u32
//! | payload | CRC-32 u32
//! ```
//!
//! The payload is the bodies (texts and raw records, one after the other) and behind them the heads (everything else), in
//! both the entries in order. A head: flags u8 (bits 0-2 kind, 3 duplicate, 4 digest in place of the record, 5 principal
//! and idempotency key, 6 key, 7 another rulebook than the entry before), source, offset less the one expected, arrival
//! less that of the entry before, answer, rulebook if flagged, sequences back to the first of a duplicate if flagged,
//! lengths of the texts and of the record.

mod build;
mod view;

pub use build::{BlockBuilder, BlockError, Seal};
pub use view::{BlockView, Entries};

use domain::ids::Sequence;
use domain::time::Timestamp;

use crate::bytes::Reader;
use crate::chain::Head;
use crate::error::{FormatError, FormatReason, RecordKind};

pub(crate) const VERSION: u8 = 1;
const FLAG_LZ4: u8 = 1;
/// Where the number of sources lies.
const SOURCES_AT: usize = 1 + 1 + 8 + 4 + 8 + 32 + 32;
const CHECKSUM: usize = 4;

/// The most that the entries of a block may take up, uncompressed: bytes. One write of this size takes a disk tens of
/// milliseconds, and a single record is never longer than a Kafka message.
pub const PAYLOAD_MAX: usize = 64 << 20;

/// LZ4 makes at most this of one byte.
const LZ4_RATIO_MAX: usize = 255;

mod flag {
    pub(super) const KIND: u8 = 0b0000_0111;
    pub(super) const DUPLICATE: u8 = 1 << 3;
    pub(super) const DIGEST: u8 = 1 << 4;
    pub(super) const COMMAND: u8 = 1 << 5;
    pub(super) const KEY: u8 = 1 << 6;
    pub(super) const RULEBOOK: u8 = 1 << 7;
}

/// What a block says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockHead {
    /// Its first sequence, at least 1.
    pub first: Sequence,
    /// Its entries, at least 1.
    pub count: u32,
    /// When it was recorded; never earlier than the block before.
    pub recorded_at: Timestamp,
    /// The chain head after the entry before `first`.
    pub head_before: Head,
    /// The chain head after its last entry.
    pub head_after: Head,
    /// By source of the genesis: the next Kafka offset to consume after this block.
    pub positions: Vec<i64>,
}

impl BlockHead {
    /// Its last sequence.
    #[must_use]
    pub fn last(&self) -> Sequence {
        Sequence(self.first.0 + u64::from(self.count) - 1)
    }

    /// Whether it holds `sequence`.
    #[must_use]
    pub fn holds(&self, sequence: Sequence) -> bool {
        (self.first..=self.last()).contains(&sequence)
    }
}

/// Lengths and flags of the payload, as the head says.
struct Payload {
    is_lz4: bool,
    length: usize,
    bodies: usize,
}

/// Checks version and checksum, then reads what lies before the payload. The reader stands at the payload afterwards.
fn open(bytes: &[u8]) -> Result<(Reader<'_>, BlockHead, Payload), FormatError> {
    Reader::versioned(RecordKind::Block, bytes, &[VERSION])?;
    let at = bytes.len().saturating_sub(CHECKSUM);
    let (covered, checksum) = bytes.split_at(at);
    let mut reader = Reader::new(RecordKind::Block, covered);
    let mut end = Reader::new(RecordKind::Block, checksum);
    let (found, computed) = (end.be_u32()?, crc32fast::hash(covered));
    if found != computed {
        return Err(FormatError { record: RecordKind::Block, at, reason: FormatReason::Checksum { found, computed } });
    }
    let (_, flags) = (reader.u8()?, reader.u8()?);
    if flags & !FLAG_LZ4 != 0 {
        return Err(reader.unknown("flags", flags));
    }
    let head = head(&mut reader)?;
    let (length, bodies) = (length(&mut reader)?, length(&mut reader)?);
    let stored = covered.len() - reader.position();
    let is_lz4 = flags == FLAG_LZ4;
    let possible = if is_lz4 { length <= stored.saturating_mul(LZ4_RATIO_MAX) } else { length == stored };
    if !possible || length > PAYLOAD_MAX || bodies > length {
        return Err(reader.error(FormatReason::Range("payload length")));
    }
    Ok((reader, head, Payload { is_lz4, length, bodies }))
}

fn head(reader: &mut Reader<'_>) -> Result<BlockHead, FormatError> {
    let (first, count) = (reader.be_u64()?, reader.be_u32()?);
    if first == 0 || count == 0 || first.checked_add(u64::from(count)).is_none() {
        return Err(reader.error(FormatReason::Range("sequence")));
    }
    let recorded_at = Timestamp::from_micros(reader.be_i64()?);
    let (head_before, head_after) = (reader.array()?, reader.array()?);
    let sources = reader.be_u16()?;
    let mut positions = Vec::new();
    for _ in 0..sources {
        positions.push(reader.be_i64()?);
    }
    Ok(BlockHead { first: Sequence(first), count, recorded_at, head_before, head_after, positions })
}

fn length(reader: &mut Reader<'_>) -> Result<usize, FormatError> {
    usize::try_from(reader.be_u32()?).map_err(|_| reader.error(FormatReason::Range("payload length")))
}

/// What the next entry is expected to look like, given those before it in the block. Writer and reader keep the same.
#[derive(Clone, Debug, Default)]
struct Expected {
    /// By source, the one for no source last.
    offsets: Vec<i64>,
    arrived_at: i64,
    rulebook: u32,
}

impl Expected {
    fn begin(&mut self, sources: usize) {
        self.offsets.clear();
        self.offsets.resize(sources + 1, 0);
        (self.arrived_at, self.rulebook) = (0, 0);
    }

    /// Where the expected offset of a source is kept; `None` when there is no such source.
    fn slot(&self, source: u16) -> Option<usize> {
        let sources = self.offsets.len() - 1;
        if source == crate::entry::Entry::NO_SOURCE {
            return Some(sources);
        }
        Some(usize::from(source)).filter(|index| *index < sources)
    }
}
