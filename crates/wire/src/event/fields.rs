//! The protobuf wire format, one field after the other, without allocation and stricter than the specification: what two
//! decoders might read differently is refused, so that an event means the same to us and to whoever sent it.
//!
//! A message is a sequence of fields. A field is a tag (a varint: the field's number times eight, plus its wire type) and
//! a value: a varint, four bytes, eight bytes, or a length and so many bytes. The specification lets a singular field come
//! twice and takes the last one; here that is refused, as are groups, which proto3 does not have.

use super::{Reason, Undecodable};

const VARINT: u32 = 0;
const EIGHT_BYTES: u32 = 1;
const LENGTH: u32 = 2;
const GROUP_START: u32 = 3;
const GROUP_END: u32 = 4;
const FOUR_BYTES: u32 = 5;

/// A varint carries seven bits a byte: ten bytes are 70, of which the last byte may use one.
const VARINT_BYTES_MAX: usize = 10;

/// The fields of one message. After [`Fields::next`] has said which field comes, exactly one of the other methods reads
/// its value; after one has refused, [`Fields::undecodable`] says where.
///
/// Everything is inlined into the one loop that calls it, and what is not takes and gives values, so that the place lives
/// in registers: through memory each step waits for the one before. For an event of 180 bytes this is the difference
/// between 200 and 175 nanoseconds.
pub(super) struct Fields<'a> {
    rest: &'a [u8],
    /// Where the message ends in the record, so that places are counted from the record's first byte.
    end: usize,
    /// The highest field number that the reader of this message knows, at most 31.
    known: u32,
    /// A bit for each known field that has come.
    seen: u32,
    number: u32,
    wire_type: u32,
    start: usize,
    /// The field inside this one that was refused, or 0.
    inner: u32,
}

pub(super) type Read<T> = Result<T, Reason>;

impl<'a> Fields<'a> {
    pub(super) const fn new(record: &'a [u8], known: u32) -> Self {
        Self { rest: record, end: record.len(), known, seen: 0, number: 0, wire_type: 0, start: 0, inner: 0 }
    }

    /// A refusal with its place: the field that came last.
    pub(super) const fn undecodable(&self, reason: Reason) -> Undecodable {
        Undecodable { field: self.number, inner: self.inner, offset: self.start, reason }
    }

    /// The number of the next field; `None` at the end.
    #[inline(always)]
    pub(super) fn next(&mut self) -> Read<Option<u32>> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        self.start = self.end - self.rest.len();
        self.number = 0;
        let tag = u32::try_from(self.varint()?).map_err(|_| Reason::FieldNumber)?;
        (self.number, self.wire_type) = (tag >> 3, tag & 7);
        if self.number == 0 {
            return Err(Reason::FieldNumber);
        }
        if self.number <= self.known {
            let bit = 1 << self.number;
            if self.seen & bit != 0 {
                return Err(Reason::Repeated);
            }
            self.seen |= bit;
        }
        Ok(Some(self.number))
    }

    /// A `bytes` field.
    #[inline(always)]
    pub(super) fn bytes(&mut self) -> Read<&'a [u8]> {
        self.expect(LENGTH)?;
        self.delimited()
    }

    /// A `string` field.
    #[inline(always)]
    pub(super) fn text(&mut self) -> Read<&'a str> {
        let bytes = self.bytes()?;
        std::str::from_utf8(bytes).map_err(|_| Reason::NotUtf8)
    }

    /// A message field, whose fields `read` reads; `known` is the highest of them.
    #[inline(always)]
    pub(super) fn message<T>(&mut self, known: u32, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        let inside = self.bytes()?;
        let mut fields = Self { end: self.end - self.rest.len(), ..Self::new(inside, known) };
        read(&mut fields).inspect_err(|_| (self.inner, self.start) = (fields.number, fields.start))
    }

    /// A `uint64` field.
    #[inline(always)]
    pub(super) fn uint64(&mut self) -> Read<u64> {
        self.expect(VARINT)?;
        self.varint()
    }

    /// An `int64` field.
    #[inline(always)]
    pub(super) fn int64(&mut self) -> Read<i64> {
        Ok(self.uint64()?.cast_signed())
    }

    /// A `sint64` field: 0, -1, 1, -2 are sent as 0, 1, 2, 3.
    #[inline(always)]
    pub(super) fn sint64(&mut self) -> Read<i64> {
        let sent = self.uint64()?;
        Ok((sent >> 1).cast_signed() ^ -(sent & 1).cast_signed())
    }

    /// An `int32` or enum field. Lenient decoders cut larger numbers off, which makes another number of them.
    #[inline(always)]
    pub(super) fn int32(&mut self) -> Read<i32> {
        let sent = self.int64()?;
        i32::try_from(sent).map_err(|_| Reason::OutOfRange)
    }

    /// A `uint32` field.
    #[inline(always)]
    pub(super) fn uint32(&mut self) -> Read<u32> {
        let sent = self.uint64()?;
        u32::try_from(sent).map_err(|_| Reason::OutOfRange)
    }

    /// A field that is not known here: passed over, but it must be one.
    #[inline(always)]
    pub(super) fn skip(&mut self) -> Read<()> {
        match self.wire_type {
            VARINT => self.varint().map(|_| ()),
            EIGHT_BYTES => self.take(8).map(|_| ()),
            LENGTH => self.delimited().map(|_| ()),
            FOUR_BYTES => self.take(4).map(|_| ()),
            GROUP_START | GROUP_END => Err(Reason::Group),
            _ => Err(Reason::WireType),
        }
    }

    #[inline(always)]
    const fn expect(&self, wire_type: u32) -> Read<()> {
        match self.wire_type {
            actual if actual == wire_type => Ok(()),
            GROUP_START | GROUP_END => Err(Reason::Group),
            _ => Err(Reason::WireType),
        }
    }

    #[inline(always)]
    fn delimited(&mut self) -> Read<&'a [u8]> {
        let length = self.varint()?;
        self.take(usize::try_from(length).map_err(|_| Reason::Truncated)?)
    }

    #[inline(always)]
    fn take(&mut self, length: usize) -> Read<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Reason::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    #[inline(always)]
    fn varint(&mut self) -> Read<u64> {
        match self.rest {
            [byte, rest @ ..] if *byte < 0x80 => {
                self.rest = rest;
                Ok(u64::from(*byte))
            }
            [low, high, rest @ ..] if *high < 0x80 => {
                self.rest = rest;
                Ok(u64::from(*low & 0x7f) | u64::from(*high) << 7)
            }
            _ => {
                let (value, rest) = long_varint(self.rest)?;
                self.rest = rest;
                Ok(value)
            }
        }
    }
}

fn long_varint(bytes: &[u8]) -> Read<(u64, &[u8])> {
    let mut value = 0;
    for (index, &byte) in bytes.iter().take(VARINT_BYTES_MAX).enumerate() {
        if index == VARINT_BYTES_MAX - 1 && byte > 1 {
            return Err(Reason::VarintTooLong);
        }
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte < 0x80 {
            return Ok((value, &bytes[index + 1..]));
        }
    }
    Err(Reason::Truncated)
}
