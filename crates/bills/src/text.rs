//! Lines and charsets. Lines are cut as bytes (no second byte of GBK is a line feed) and decoded whole before anything is
//! split, because second bytes of GBK may be `\`, `` ` `` or letters.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, BufRead, Read};

use domain::time::{Date, Timestamp};
use encoding_rs::{DecoderResult, GBK};

use crate::{Fault, Reason};

/// How a file's text is encoded. Decoding is strict: a byte that does not belong is a fault, never U+FFFD.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// With or without a byte order mark.
    Utf8,
    /// Read as its superset GB18030.
    Gbk,
}

impl fmt::Display for Charset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Self::Utf8 { "UTF-8" } else { "GBK" })
    }
}

impl Charset {
    /// The text, or how many bytes at the beginning are still text.
    pub(crate) fn decode(self, bytes: &[u8]) -> Result<Cow<'_, str>, usize> {
        match self {
            Self::Utf8 => std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|e| e.valid_up_to()),
            Self::Gbk => {
                GBK.decode_without_bom_handling_and_without_replacement(bytes).ok_or_else(|| gbk_valid_up_to(bytes))
            }
        }
    }
}

fn gbk_valid_up_to(bytes: &[u8]) -> usize {
    let mut decoder = GBK.new_decoder_without_bom_handling();
    let room = decoder.max_utf8_buffer_length_without_replacement(bytes.len()).unwrap_or(0);
    let mut text = String::with_capacity(room);
    match decoder.decode_to_string_without_replacement(bytes, &mut text, true) {
        (DecoderResult::Malformed(bad, beyond), read) => read.saturating_sub(usize::from(bad.saturating_add(beyond))),
        (_, read) => read,
    }
}

/// Far above the longest line of a bill; bounds the memory that a file without line feeds can take.
pub(crate) const LINE_BYTES_MAX: usize = 64 * 1024;

/// A line without its end.
#[derive(Clone, Copy)]
pub(crate) struct Line<'a> {
    pub(crate) number: u64,
    offset: u64,
    pub(crate) bytes: &'a [u8],
    cut: bool,
}

impl<'a> Line<'a> {
    /// The text of the line, or the fault that there is none.
    pub(crate) fn decode(self, charset: Charset) -> Result<Cow<'a, str>, Fault> {
        if self.cut {
            return Err(self.fault(Reason::TooLong(LINE_BYTES_MAX)));
        }
        charset
            .decode(self.bytes)
            .map_err(|valid| self.fault(Reason::Charset { offset: self.offset_of(valid), charset }))
    }

    /// Where a byte of the line stands in the file.
    pub(crate) fn offset_of(self, index: usize) -> u64 {
        self.offset.saturating_add(u64::try_from(index).unwrap_or(u64::MAX))
    }

    pub(crate) fn is_blank(self) -> bool {
        self.bytes.iter().all(u8::is_ascii_whitespace)
    }

    pub(crate) fn fault(self, reason: Reason) -> Fault {
        Fault::new(self.number, "line", &self.lossy(), reason)
    }

    /// For messages only.
    pub(crate) fn lossy(self) -> Cow<'a, str> {
        String::from_utf8_lossy(&self.bytes[..self.bytes.len().min(Fault::VALUE_CHARS_MAX)])
    }
}

/// Reads lines that end with LF, CRLF or the file.
pub(crate) struct Lines<R> {
    input: R,
    buffer: Vec<u8>,
    number: u64,
    offset: u64,
}

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

impl<R: BufRead> Lines<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input, buffer: Vec::new(), number: 0, offset: 0 }
    }

    pub(crate) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.buffer.clear();
        let mut read = self.fill()?;
        if read == 0 {
            return Ok(None);
        }
        let cut = self.buffer.len() >= LINE_BYTES_MAX && self.buffer.last() != Some(&b'\n');
        if cut {
            read = read.saturating_add(self.skip_rest()?);
        }
        let mut bytes = self.buffer.as_slice();
        bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        let mut offset = self.offset;
        if let (0, Some(rest)) = (self.number, bytes.strip_prefix(BYTE_ORDER_MARK)) {
            bytes = rest;
            offset = 3;
        }
        self.number = self.number.saturating_add(1);
        self.offset = self.offset.saturating_add(read);
        Ok(Some(Line { number: self.number, offset, bytes, cut }))
    }

    fn fill(&mut self) -> io::Result<u64> {
        let read = self.input.by_ref().take(LINE_BYTES_MAX as u64).read_until(b'\n', &mut self.buffer)?;
        Ok(u64::try_from(read).unwrap_or(u64::MAX))
    }

    fn skip_rest(&mut self) -> io::Result<u64> {
        let skipped = self.input.skip_until(b'\n')?;
        Ok(u64::try_from(skipped).unwrap_or(u64::MAX))
    }
}

/// China has one time zone and has had no daylight saving time since 1991.
const BEIJING_OFFSET_SECONDS: i32 = 8 * 3_600;

/// Reads `2026-11-22 08:30:00`.
pub(crate) fn civil(text: &str) -> Option<Timestamp> {
    let (date, time) = text.split_once(' ')?;
    let mut parts = time.split(':');
    let (hour, minute, second) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    at(Date::parse_iso(date)?, [hour, minute, second])
}

/// The instant of a Beijing date and `hh`, `mm`, `ss`.
pub(crate) fn at(date: Date, clock: [&str; 3]) -> Option<Timestamp> {
    let mut seconds = 0_u32;
    for (part, limit) in clock.into_iter().zip([24, 60, 60]) {
        let number = digits(part, 2)?.parse::<u32>().ok().filter(|number| *number < limit)?;
        seconds = seconds.checked_mul(60)?.checked_add(number)?;
    }
    Some(Timestamp::from_civil(date, seconds, BEIJING_OFFSET_SECONDS))
}

/// The text when it is exactly `count` ASCII digits.
pub(crate) fn digits(text: &str, count: usize) -> Option<&str> {
    (text.len() == count && text.bytes().all(|b| b.is_ascii_digit())).then_some(text)
}
