//! Reading blocks. Entries borrow from the block; nothing of it is trusted, and a block that is not exactly used up by its
//! entries is refused.

use std::borrow::Cow;

use domain::ids::Sequence;
use domain::time::Timestamp;

use super::{BlockHead, Expected, flag, open};
use crate::bytes::Reader;
use crate::chain;
use crate::entry::{AnswerCode, Content, Entry, EntryKind};
use crate::error::{FormatError, FormatReason, RecordKind};

/// A decoded block: its head, and its entries to be iterated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockView<'a> {
    head: BlockHead,
    payload: Cow<'a, [u8]>,
    bodies: usize,
}

impl<'a> BlockView<'a> {
    /// Checks version and checksum and decompresses; entries are checked as they are iterated. Borrows a payload that was
    /// stored plain.
    ///
    /// # Errors
    /// When the bytes are not a block of a known version exactly as it was written.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, FormatError> {
        let (mut reader, head, payload) = open(bytes)?;
        let at = reader.position();
        let stored = reader.rest();
        let decoded = if payload.is_lz4 {
            let mut out = vec![0; payload.length];
            let written = lz4_flex::block::decompress_into(stored, &mut out);
            if written.ok() != Some(payload.length) {
                let reason = FormatReason::Compression(payload.length);
                return Err(FormatError { record: RecordKind::Block, at, reason });
            }
            Cow::Owned(out)
        } else {
            Cow::Borrowed(stored)
        };
        Ok(Self { head, payload: decoded, bodies: payload.bodies })
    }

    /// Only what the block says about itself; version and checksum are checked all the same.
    ///
    /// # Errors
    /// As [`BlockView::decode`].
    pub fn decode_head(bytes: &[u8]) -> Result<BlockHead, FormatError> {
        open(bytes).map(|(_, head, _)| head)
    }

    /// A view that borrows nothing.
    #[must_use]
    pub fn into_owned(self) -> BlockView<'static> {
        let Self { head, payload, bodies } = self;
        BlockView { head, payload: Cow::Owned(payload.into_owned()), bodies }
    }

    /// What the block says about itself.
    #[must_use]
    pub const fn head(&self) -> &BlockHead {
        &self.head
    }

    /// The entries in order, each with its sequence.
    #[must_use]
    pub fn entries(&self) -> Entries<'_> {
        let (bodies, heads) = self.payload.split_at(self.bodies);
        let mut expected = Expected::default();
        expected.begin(self.head.positions.len());
        Entries {
            next: self.head.first.0,
            left: self.head.count,
            is_over: false,
            expected,
            bodies: Reader::new(RecordKind::Entry, bodies),
            heads: Reader::new(RecordKind::Entry, heads),
        }
    }

    /// Computes the chain over the entries, from the head before to the head after.
    ///
    /// # Errors
    /// When an entry cannot be read, or the block carries another head than its entries lead to.
    pub fn check_chain(&self) -> Result<(), FormatError> {
        let mut head = self.head.head_before;
        for entry in self.entries() {
            let (sequence, entry) = entry?;
            head = chain::next(&head, sequence.0, &entry.head());
        }
        if head == self.head.head_after {
            return Ok(());
        }
        Err(FormatError { record: RecordKind::Block, at: 0, reason: FormatReason::ChainHead })
    }
}

/// The entries of a block. After an error nothing follows.
#[derive(Clone, Debug)]
pub struct Entries<'a> {
    next: u64,
    left: u32,
    is_over: bool,
    expected: Expected,
    bodies: Reader<'a>,
    heads: Reader<'a>,
}

impl<'a> Entries<'a> {
    fn entry(&mut self) -> Result<(Sequence, Entry<'a>), FormatError> {
        let sequence = Sequence(self.next);
        let flags = self.heads.u8()?;
        let kind = EntryKind::from_number(flags & flag::KIND);
        let kind = kind.ok_or_else(|| self.heads.unknown("entry kind", flags & flag::KIND))?;
        let source = self.heads.u16("source")?;
        let slot = self.expected.slot(source).ok_or_else(|| self.heads.unknown("source", source))?;
        let offset = self.expected.offsets[slot].wrapping_add(self.heads.i64()?);
        let arrived_at = self.expected.arrived_at.wrapping_add(self.heads.i64()?);
        let answer = AnswerCode(self.heads.u16("answer")?);
        if flags & flag::RULEBOOK != 0 {
            self.expected.rulebook = self.heads.u32("rulebook")?;
        }
        let has = |wanted: u8| flags & wanted != 0;
        let duplicate_of = if has(flag::DUPLICATE) { Some(self.duplicate_of(sequence)?) } else { None };
        let (principal, idempotency_key) =
            if has(flag::COMMAND) { (self.text("principal")?, self.text("idempotency key")?) } else { ("", "") };
        let key = if has(flag::KEY) { self.body()? } else { &[] };
        let content =
            if has(flag::DIGEST) { Content::Digest(self.bodies.array()?) } else { Content::Raw(self.body()?) };
        self.expected.offsets[slot] = offset.wrapping_add(1);
        self.expected.arrived_at = arrived_at;
        let (arrived_at, rulebook) = (Timestamp::from_micros(arrived_at), self.expected.rulebook);
        let (next, left) = (self.next + 1, self.left - 1);
        (self.next, self.left) = (next, left);
        let entry = Entry {
            source,
            offset,
            arrived_at,
            kind,
            answer,
            rulebook,
            duplicate_of,
            principal,
            idempotency_key,
            key,
            content,
        };
        Ok((sequence, entry))
    }

    fn duplicate_of(&mut self, sequence: Sequence) -> Result<Sequence, FormatError> {
        let back = self.heads.u64()?;
        let first = sequence.0.checked_sub(back).filter(|first| *first < sequence.0);
        first.map(Sequence).ok_or_else(|| self.heads.error(FormatReason::Range("duplicate of")))
    }

    fn body(&mut self) -> Result<&'a [u8], FormatError> {
        let length = self.heads.u64()?;
        let length = usize::try_from(length).map_err(|_| self.heads.error(FormatReason::Range("length")))?;
        self.bodies.take(length)
    }

    fn text(&mut self, field: &'static str) -> Result<&'a str, FormatError> {
        let bytes = self.body()?;
        std::str::from_utf8(bytes).map_err(|_| self.bodies.error(FormatReason::Text(field)))
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Result<(Sequence, Entry<'a>), FormatError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        if self.left == 0 {
            self.is_over = true;
            let used_up = self.heads.finish().and_then(|()| self.bodies.finish());
            return used_up.err().map(Err);
        }
        let entry = self.entry();
        self.is_over = entry.is_err();
        Some(entry)
    }
}
