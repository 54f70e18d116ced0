//! Building blocks. One pass, append only: pushing an entry copies it into two buffers that are kept from block to block,
//! and allocates nothing once they have grown.

use domain::ids::Sequence;
use domain::time::Timestamp;
use thiserror::Error;

use super::{CHECKSUM, Expected, FLAG_LZ4, PAYLOAD_MAX, SOURCES_AT, VERSION, flag};
use crate::bytes::{put_i64, put_u64};
use crate::chain::Head;
use crate::entry::{Content, Entry};

/// Why an entry or a block cannot be encoded: a mistake of whoever builds it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BlockError {
    /// The genesis has no such source.
    #[error("source {source_number} does not exist, the genesis has {sources}")]
    NoSource {
        /// The index given.
        source_number: u16,
        /// How many there are.
        sources: usize,
    },
    /// The entry does not fit into this block; it may fit into the next.
    #[error("the block is full")]
    Full,
    /// A duplicate names itself or a later entry as the first.
    #[error("entry {sequence} cannot be a duplicate of {duplicate_of}")]
    NotEarlier {
        /// The entry.
        sequence: Sequence,
        /// What it names.
        duplicate_of: Sequence,
    },
    /// A block has at least one entry.
    #[error("the block is empty")]
    Empty,
}

/// What a block needs beside its entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seal {
    /// When it is recorded; not earlier than the block before.
    pub recorded_at: Timestamp,
    /// The chain head before its first entry.
    pub head_before: Head,
    /// The chain head after its last.
    pub head_after: Head,
}

/// See the module. May be built by one thread and sealed by another.
#[derive(Clone, Debug)]
pub struct BlockBuilder {
    first: Sequence,
    count: u32,
    positions: Vec<i64>,
    expected: Expected,
    bodies: Vec<u8>,
    heads: Vec<u8>,
}

impl BlockBuilder {
    /// A builder whose first block begins at `first`, after the given positions (next offset by source of the genesis).
    #[must_use]
    pub fn new(first: Sequence, positions: &[i64]) -> Self {
        let mut builder = Self {
            first,
            count: 0,
            positions: Vec::new(),
            expected: Expected::default(),
            bodies: Vec::new(),
            heads: Vec::new(),
        };
        builder.begin(first, positions);
        builder
    }

    /// Forgets the block and begins another one; the buffers are kept.
    pub fn begin(&mut self, first: Sequence, positions: &[i64]) {
        (self.first, self.count) = (first, 0);
        self.positions.clear();
        self.positions.extend_from_slice(positions);
        self.expected.begin(positions.len());
        self.bodies.clear();
        self.heads.clear();
    }

    /// The sequence that the next entry gets.
    #[must_use]
    pub fn next(&self) -> Sequence {
        Sequence(self.first.0 + u64::from(self.count))
    }

    /// Entries so far.
    #[must_use]
    pub const fn len(&self) -> u32 {
        self.count
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Bytes so far, uncompressed.
    #[must_use]
    pub const fn payload_length(&self) -> usize {
        self.bodies.len() + self.heads.len()
    }

    /// The next offset of every source, after the entries so far.
    #[must_use]
    pub fn positions(&self) -> &[i64] {
        &self.positions
    }

    /// Moves the position of a source past offsets that hold no record (compacted, or control records).
    ///
    /// # Errors
    /// When the genesis has no such source.
    pub fn skip_to(&mut self, source: u16, next_offset: i64) -> Result<(), BlockError> {
        let sources = self.positions.len();
        let position = self.positions.get_mut(usize::from(source));
        *position.ok_or(BlockError::NoSource { source_number: source, sources })? = next_offset;
        Ok(())
    }

    /// Adds an entry and moves the position of its source behind it; answers its sequence.
    ///
    /// # Errors
    /// When the source does not exist, a duplicate names a later entry, or the block would pass [`PAYLOAD_MAX`]. The
    /// block is then as before.
    pub fn push(&mut self, entry: &Entry<'_>) -> Result<Sequence, BlockError> {
        let sequence = self.next();
        let no_source = BlockError::NoSource { source_number: entry.source, sources: self.positions.len() };
        let slot = self.expected.slot(entry.source).ok_or(no_source)?;
        let back = match entry.duplicate_of {
            None => 0,
            Some(first) if first < sequence => sequence.0 - first.0,
            Some(duplicate_of) => return Err(BlockError::NotEarlier { sequence, duplicate_of }),
        };
        if self.payload_length() + entry_length_max(entry) > PAYLOAD_MAX || self.count == u32::MAX {
            return Err(BlockError::Full);
        }
        let is_command = !entry.principal.is_empty() || !entry.idempotency_key.is_empty();
        let flags = entry.kind as u8
            | flag_if(back != 0, flag::DUPLICATE)
            | flag_if(entry.content.raw().is_none(), flag::DIGEST)
            | flag_if(is_command, flag::COMMAND)
            | flag_if(!entry.key.is_empty(), flag::KEY)
            | flag_if(entry.rulebook != self.expected.rulebook, flag::RULEBOOK);
        self.put_head(entry, flags, slot);
        if back != 0 {
            put_u64(&mut self.heads, back);
        }
        if is_command {
            self.put_body(entry.principal.as_bytes());
            self.put_body(entry.idempotency_key.as_bytes());
        }
        if !entry.key.is_empty() {
            self.put_body(entry.key);
        }
        match &entry.content {
            Content::Raw(raw) => self.put_body(raw),
            Content::Digest(digest) => self.bodies.extend_from_slice(digest),
        }
        let next_offset = entry.offset.wrapping_add(1);
        self.expected.offsets[slot] = next_offset;
        if let Some(position) = self.positions.get_mut(slot) {
            *position = next_offset;
        }
        self.expected.arrived_at = entry.arrived_at.micros();
        self.expected.rulebook = entry.rulebook;
        self.count += 1;
        Ok(sequence)
    }

    fn put_head(&mut self, entry: &Entry<'_>, flags: u8, slot: usize) {
        let heads = &mut self.heads;
        heads.push(flags);
        put_u64(heads, u64::from(entry.source));
        put_i64(heads, entry.offset.wrapping_sub(self.expected.offsets[slot]));
        put_i64(heads, entry.arrived_at.micros().wrapping_sub(self.expected.arrived_at));
        put_u64(heads, u64::from(entry.answer.0));
        if flags & flag::RULEBOOK != 0 {
            put_u64(heads, u64::from(entry.rulebook));
        }
    }

    fn put_body(&mut self, bytes: &[u8]) {
        put_u64(&mut self.heads, bytes.len() as u64);
        self.bodies.extend_from_slice(bytes);
    }

    /// Encodes the block into `out`, which is cleared first. The entries are then no longer here: call
    /// [`BlockBuilder::begin`] before pushing again.
    ///
    /// # Errors
    /// When there is no entry.
    pub fn seal(&mut self, seal: &Seal, out: &mut Vec<u8>) -> Result<(), BlockError> {
        if self.count == 0 {
            return Err(BlockError::Empty);
        }
        let bodies = self.bodies.len();
        self.bodies.append(&mut self.heads);
        let payload = &self.bodies;
        out.clear();
        out.extend([VERSION, FLAG_LZ4]);
        out.extend(self.first.0.to_be_bytes());
        out.extend(self.count.to_be_bytes());
        out.extend(seal.recorded_at.micros().to_be_bytes());
        out.extend(seal.head_before);
        out.extend(seal.head_after);
        debug_assert_eq!(out.len(), SOURCES_AT, "what lies before the sources has a fixed width");
        out.extend(u16::try_from(self.positions.len()).expect("a genesis has at most 1024 sources").to_be_bytes());
        out.extend(self.positions.iter().flat_map(|position| position.to_be_bytes()));
        for length in [payload.len(), bodies] {
            out.extend(u32::try_from(length).expect("a payload is at most PAYLOAD_MAX").to_be_bytes());
        }
        let at = out.len();
        out.resize(at + lz4_flex::block::get_maximum_output_size(payload.len()), 0);
        match lz4_flex::block::compress_into(payload, &mut out[at..]) {
            Ok(length) if length < payload.len() => out.truncate(at + length),
            _ => {
                out[1] = 0;
                out.truncate(at);
                out.extend_from_slice(payload);
            }
        }
        let checksum = crc32fast::hash(out);
        out.extend(checksum.to_be_bytes());
        debug_assert!(out.len() > SOURCES_AT + CHECKSUM, "a block has a head and a checksum");
        self.count = 0;
        self.bodies.clear();
        Ok(())
    }
}

const fn flag_if(condition: bool, flag: u8) -> u8 {
    if condition { flag } else { 0 }
}

/// More than an entry can take up: its texts, and what a head of ten numbers of at most ten bytes each can be.
const fn entry_length_max(entry: &Entry<'_>) -> usize {
    let content = match entry.content {
        Content::Raw(raw) => raw.len(),
        Content::Digest(_) => 32,
    };
    128 + entry.principal.len() + entry.idempotency_key.len() + entry.key.len() + content
}
