//! How numbers and texts lie in records. Integers that are usually small are LEB128, signed ones zigzag first; what is
//! compared or hashed is fixed and big-endian. A reader never trusts a length: it takes what is there or says what is
//! missing, and nothing is allocated from a number it has read.

use crate::error::{FormatError, FormatReason, RecordKind};

/// Appends an unsigned number, seven bits a byte.
#[inline]
pub(crate) fn put_u64(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push((value & 0x7f) as u8);
}

/// Appends a signed number.
#[inline]
pub(crate) fn put_i64(out: &mut Vec<u8>, value: i64) {
    put_u64(out, ((value << 1) ^ (value >> 63)).cast_unsigned());
}

/// Appends an unsigned number of 128 bits.
#[inline]
pub(crate) fn put_u128(out: &mut Vec<u8>, mut value: u128) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push((value & 0x7f) as u8);
}

/// Appends a signed number of 128 bits.
#[inline]
pub(crate) fn put_i128(out: &mut Vec<u8>, value: i128) {
    put_u128(out, ((value << 1) ^ (value >> 127)).cast_unsigned());
}

/// Appends a length and as many bytes.
#[inline]
pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_u64(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// The order of signed numbers as the order of bytes.
pub(crate) const fn ordered_i64(value: i64) -> [u8; 8] {
    (value.cast_unsigned() ^ (1 << 63)).to_be_bytes()
}

/// Reads one record from its beginning to its end.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    record: RecordKind,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(record: RecordKind, bytes: &'a [u8]) -> Self {
        Self { record, bytes, at: 0 }
    }

    /// A reader of a record that begins with its version; refuses one that is not in `supported`.
    pub(crate) fn versioned(
        record: RecordKind,
        bytes: &'a [u8],
        supported: &'static [u8],
    ) -> Result<Self, FormatError> {
        let mut reader = Self::new(record, bytes);
        let found = reader.u8()?;
        if !supported.contains(&found) {
            return Err(FormatError { record, at: 0, reason: FormatReason::Version { found, supported } });
        }
        Ok(reader)
    }

    pub(crate) const fn error(&self, reason: FormatReason) -> FormatError {
        FormatError { record: self.record, at: self.at, reason }
    }

    pub(crate) fn unknown(&self, field: &'static str, value: impl Into<u64>) -> FormatError {
        self.error(FormatReason::Unknown { field, value: value.into() })
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.at == self.bytes.len()
    }

    pub(crate) const fn position(&self) -> usize {
        self.at
    }

    /// Everything that is left.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        let rest = self.bytes.get(self.at..).unwrap_or(&[]);
        self.at = self.bytes.len();
        rest
    }

    /// Refuses bytes that nobody has read.
    pub(crate) fn finish(&self) -> Result<(), FormatError> {
        match self.bytes.len() - self.at {
            0 => Ok(()),
            left => Err(self.error(FormatReason::TooMany(left))),
        }
    }

    #[inline]
    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], FormatError> {
        let taken = self.at.checked_add(length).and_then(|end| self.bytes.get(self.at..end));
        let taken = taken.ok_or_else(|| self.error(FormatReason::EndsEarly))?;
        self.at += length;
        Ok(taken)
    }

    #[inline]
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], FormatError> {
        let found = self.bytes.get(self.at..).and_then(|rest| rest.first_chunk::<N>());
        let found = *found.ok_or_else(|| self.error(FormatReason::EndsEarly))?;
        self.at += N;
        Ok(found)
    }

    #[inline]
    pub(crate) fn u8(&mut self) -> Result<u8, FormatError> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn be_u16(&mut self) -> Result<u16, FormatError> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn be_u32(&mut self) -> Result<u32, FormatError> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn be_u64(&mut self) -> Result<u64, FormatError> {
        self.array().map(u64::from_be_bytes)
    }

    pub(crate) fn be_i64(&mut self) -> Result<i64, FormatError> {
        self.array().map(i64::from_be_bytes)
    }

    #[inline]
    pub(crate) fn u64(&mut self) -> Result<u64, FormatError> {
        let first = self.u8()?;
        if first < 0x80 {
            return Ok(u64::from(first));
        }
        let wide = self.u128_from(first, 9)?;
        u64::try_from(wide).map_err(|_| self.error(FormatReason::Range("a number")))
    }

    pub(crate) fn u128(&mut self) -> Result<u128, FormatError> {
        let first = self.u8()?;
        self.u128_from(first, 18)
    }

    /// `more_max` bytes may follow the first. The last of 19 may only hold what is left of 128 bits.
    fn u128_from(&mut self, first: u8, more_max: u32) -> Result<u128, FormatError> {
        let mut value = u128::from(first & 0x7f);
        let (mut byte, mut more) = (first, 0);
        while byte & 0x80 != 0 {
            more += 1;
            byte = self.u8()?;
            let part = u128::from(byte & 0x7f);
            let shifted = part << (more * 7);
            if more > more_max || shifted >> (more * 7) != part {
                return Err(self.error(FormatReason::Range("a number")));
            }
            value |= shifted;
        }
        Ok(value)
    }

    #[inline]
    pub(crate) fn i64(&mut self) -> Result<i64, FormatError> {
        let zigzag = self.u64()?;
        Ok((zigzag >> 1).cast_signed() ^ -((zigzag & 1).cast_signed()))
    }

    pub(crate) fn i128(&mut self) -> Result<i128, FormatError> {
        let zigzag = self.u128()?;
        Ok((zigzag >> 1).cast_signed() ^ -((zigzag & 1).cast_signed()))
    }

    #[inline]
    pub(crate) fn u32(&mut self, field: &'static str) -> Result<u32, FormatError> {
        let value = self.u64()?;
        u32::try_from(value).map_err(|_| self.error(FormatReason::Range(field)))
    }

    #[inline]
    pub(crate) fn u16(&mut self, field: &'static str) -> Result<u16, FormatError> {
        let value = self.u64()?;
        u16::try_from(value).map_err(|_| self.error(FormatReason::Range(field)))
    }

    /// A length and as many bytes.
    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], FormatError> {
        let length = self.u64()?;
        let length = usize::try_from(length).map_err(|_| self.error(FormatReason::EndsEarly))?;
        self.take(length)
    }

    /// A length and as many bytes of UTF-8.
    pub(crate) fn text(&mut self, field: &'static str) -> Result<&'a str, FormatError> {
        let bytes = self.bytes()?;
        std::str::from_utf8(bytes).map_err(|_| self.error(FormatReason::Text(field)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_are_read_back_as_written(a: u64, b: i64, c: u128, d: i128) {
            let mut out = Vec::new();
            put_u64(&mut out, a);
            put_i64(&mut out, b);
            put_u128(&mut out, c);
            put_i128(&mut out, d);
            let mut reader = Reader::new(RecordKind::Key, &out);
            prop_assert_eq!((reader.u64(), reader.i64(), reader.u128(), reader.i128()), (Ok(a), Ok(b), Ok(c), Ok(d)));
            prop_assert!(reader.finish().is_ok());
        }

        #[test]
        fn the_order_of_signed_numbers_is_the_order_of_bytes(a: i64, b: i64) {
            prop_assert_eq!(a.cmp(&b), ordered_i64(a).cmp(&ordered_i64(b)));
        }
    }

    #[test]
    fn numbers_that_are_too_long_are_refused() {
        let too_long = [0xff; 20];
        assert!(Reader::new(RecordKind::Key, &too_long).u64().is_err());
        assert!(Reader::new(RecordKind::Key, &too_long).u128().is_err());
        let over = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02];
        assert!(Reader::new(RecordKind::Key, &over).u64().is_err());
    }

    #[test]
    fn a_length_beyond_the_end_is_refused() {
        let mut out = Vec::new();
        put_u64(&mut out, u64::MAX);
        out.push(1);
        let error = Reader::new(RecordKind::Key, &out).bytes().expect_err("nothing is that long");
        assert_eq!(error.reason, FormatReason::EndsEarly);
    }
}
