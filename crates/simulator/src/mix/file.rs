//! The file that a stream is kept in, so that a benchmark reads its input from a disk and does not make it.
//!
//! A file is a row of pieces of 1 MiB. A piece begins with four bytes that name the format and a number of four bytes
//! that says how many bytes of it are in use, these eight included; the rest is zero. Records fill a piece one after
//! the other and none goes over its end. A record is a head of 24 bytes - source (2 bytes), length of the key (2),
//! length of the value (4), offset (8), timestamp (8) - then key and value. Numbers are little-endian.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use thiserror::Error;
use wire::event::v1::Kind;

use super::{Mix, Record, Refusal, Sending, Stream};

/// The size of a piece.
pub const PIECE_BYTES: usize = 1 << 20;

const MAGIC: &[u8; 4] = b"HTM1";
const PIECE_HEAD: usize = 8;
const RECORD_HEAD: usize = 24;

/// Why a file cannot be written or read.
#[derive(Debug, Error)]
#[error("cannot {verb} benchmark input {}", path.display())]
pub struct FileError {
    verb: &'static str,
    path: PathBuf,
    source: io::Error,
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Records.
    pub events: u64,
    /// Of all values together.
    pub bytes: u64,
    /// Events by what they report, `AUTHORISED` and so on; those that are not new are `RESENT` or `CONFLICTING`
    /// instead.
    pub kinds: BTreeMap<&'static str, u64>,
    /// New events and conflicting ones that have to be refused, by the stable code of the refusal.
    pub refusals: BTreeMap<&'static str, u64>,
}

/// Writes the stream of [`Stream::new`] to a file; what was there is lost. `progress` hears after every piece how many
/// events are written.
///
/// # Errors
/// When the file cannot be written.
///
/// # Panics
/// When there are more than [`super::EVENTS_MAX`] events.
pub fn write_file(
    path: &Path,
    mix: Mix,
    events: u64,
    seed: u64,
    progress: impl FnMut(u64),
) -> Result<Summary, FileError> {
    write_stream(path, Stream::new(mix, events, seed), progress)
}

/// As [`write_file`], of any stream, from where it stands to its end.
///
/// # Errors
/// When the file cannot be written.
pub fn write_stream(path: &Path, stream: Stream, progress: impl FnMut(u64)) -> Result<Summary, FileError> {
    let failed = |source| FileError { verb: "write", path: path.to_owned(), source };
    let file = File::create(path).map_err(failed)?;
    write_pieces(file, stream, progress).map_err(failed)
}

fn write_pieces(mut file: File, mut stream: Stream, mut progress: impl FnMut(u64)) -> io::Result<Summary> {
    let mut counts = Counts::default();
    let mut piece = Vec::with_capacity(PIECE_BYTES);
    begin(&mut piece);
    while let Some(sent) = stream.next_event() {
        let size = RECORD_HEAD + sent.record.key.len() + sent.record.value.len();
        if piece.len() + size > PIECE_BYTES {
            flush(&mut file, &mut piece)?;
            progress(counts.events);
        }
        append(&mut piece, &sent.record);
        counts.events += 1;
        counts.bytes += sent.record.value.len() as u64;
        counts.kinds[counted_as(sent.kind, sent.sending)] += 1;
        if let Some(refusal) = sent.refusal.filter(|_| sent.sending != Sending::Again) {
            counts.refusals[refusal as usize] += 1;
        }
    }
    if piece.len() > PIECE_HEAD {
        flush(&mut file, &mut piece)?;
    }
    progress(counts.events);
    Ok(counts.summary())
}

fn begin(piece: &mut Vec<u8>) {
    piece.clear();
    piece.extend_from_slice(MAGIC);
    piece.extend_from_slice(&[0; PIECE_HEAD - 4]);
}

fn append(piece: &mut Vec<u8>, record: &Record<'_>) {
    let key_length = u16::try_from(record.key.len()).expect("a key of 16 bytes");
    let value_length = u32::try_from(record.value.len()).expect("a value of a few hundred bytes");
    piece.extend_from_slice(&record.source.to_le_bytes());
    piece.extend_from_slice(&key_length.to_le_bytes());
    piece.extend_from_slice(&value_length.to_le_bytes());
    piece.extend_from_slice(&record.offset.to_le_bytes());
    piece.extend_from_slice(&record.timestamp.to_le_bytes());
    piece.extend_from_slice(record.key);
    piece.extend_from_slice(record.value);
}

fn flush(file: &mut File, piece: &mut Vec<u8>) -> io::Result<()> {
    let used = u32::try_from(piece.len()).expect("a piece is 1 MiB");
    piece[4..PIECE_HEAD].copy_from_slice(&used.to_le_bytes());
    piece.resize(PIECE_BYTES, 0);
    file.write_all(piece)?;
    begin(piece);
    Ok(())
}

/// Words of [`Summary::kinds`]; the kinds stand at their number in the contract.
const KINDS: [&str; 13] = [
    "UNSPECIFIED",
    "AUTHORISED",
    "CAPTURED",
    "VOIDED",
    "EXPIRED",
    "UNKNOWN_OUTCOME",
    "REFUNDED",
    "REVERSED",
    "DISPUTED",
    "DISPUTE_WON",
    "DISPUTE_LOST",
    "RESENT",
    "CONFLICTING",
];

const fn counted_as(kind: Kind, sending: Sending) -> usize {
    match sending {
        Sending::First => kind as usize,
        Sending::Again => KINDS.len() - 2,
        Sending::Altered => KINDS.len() - 1,
    }
}

#[derive(Default)]
struct Counts {
    events: u64,
    bytes: u64,
    kinds: [u64; KINDS.len()],
    refusals: [u64; Refusal::ALL.len()],
}

impl Counts {
    fn summary(self) -> Summary {
        let kinds = KINDS.into_iter().zip(self.kinds).filter(|(_, count)| *count > 0).collect();
        let refusals = Refusal::ALL.map(Refusal::code).into_iter().zip(self.refusals);
        let refusals = refusals.filter(|(_, count)| *count > 0).collect();
        Summary { events: self.events, bytes: self.bytes, kinds, refusals }
    }
}

/// Reads a file piece by piece into one buffer.
pub struct FileReader {
    file: File,
    path: PathBuf,
    piece: Vec<u8>,
    /// What of the piece [`FileReader::take`] has not handed out.
    rest: Range<usize>,
}

impl FileReader {
    /// Opens a file that [`write_file`] wrote.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        let file = File::open(path).map_err(|source| FileError { verb: "open", path: path.to_owned(), source })?;
        Ok(Self { file, path: path.to_owned(), piece: vec![0; PIECE_BYTES], rest: 0..0 })
    }

    /// Hands at most `max` records to `take`, going on where it last ended; fewer only at the end of the file. Returns how
    /// many.
    ///
    /// # Errors
    /// As [`FileReader::next_piece`].
    pub fn take(&mut self, max: usize, mut take: impl FnMut(Record<'_>)) -> Result<usize, FileError> {
        let mut taken = 0;
        while taken < max {
            if self.rest.is_empty() {
                match self.next_piece()? {
                    Some(piece) => self.rest = PIECE_HEAD..PIECE_HEAD + piece.rest.len(),
                    None => break,
                }
            }
            let mut records = Piece { rest: &self.piece[self.rest.clone()] };
            for record in records.by_ref().take(max - taken) {
                take(record);
                taken += 1;
            }
            self.rest.start = self.rest.end - records.rest.len();
        }
        Ok(taken)
    }

    /// The records of the next piece; `None` at the end of the file. They lie in the reader's buffer until it is asked
    /// for another piece.
    ///
    /// # Errors
    /// When the file cannot be read, or what stands there is no piece: then none of its records is given.
    pub fn next_piece(&mut self) -> Result<Option<Piece<'_>>, FileError> {
        self.rest = 0..0;
        let read = match self.fill() {
            Ok(read) => read,
            Err(source) => return Err(FileError { verb: "read", path: self.path.clone(), source }),
        };
        Ok(read.map(|used| Piece { rest: &self.piece[PIECE_HEAD..used] }))
    }

    fn fill(&mut self) -> io::Result<Option<usize>> {
        let mut filled = 0;
        while filled < PIECE_BYTES {
            match self.file.read(&mut self.piece[filled..])? {
                0 if filled == 0 => return Ok(None),
                0 => return Err(malformed("ends inside a piece")),
                read => filled += read,
            }
        }
        let (magic, rest) = self.piece.split_at(4);
        let used = usize::try_from(little_endian(rest, 4)).unwrap_or(usize::MAX);
        if magic != MAGIC || !(PIECE_HEAD..=PIECE_BYTES).contains(&used) {
            return Err(malformed("a piece does not begin as one"));
        }
        let mut records = Piece { rest: &self.piece[PIECE_HEAD..used] };
        records.by_ref().for_each(drop);
        if records.rest.is_empty() { Ok(Some(used)) } else { Err(malformed("a record goes over the end of its piece")) }
    }
}

fn malformed(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// The records of one piece, in order.
#[derive(Clone, Debug)]
pub struct Piece<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Piece<'a> {
    type Item = Record<'a>;

    #[inline]
    fn next(&mut self) -> Option<Record<'a>> {
        let (head, rest) = self.rest.split_at_checked(RECORD_HEAD)?;
        let key_length = usize::try_from(little_endian(&head[2..], 2)).ok()?;
        let value_length = usize::try_from(little_endian(&head[4..], 4)).ok()?;
        let (key, rest) = rest.split_at_checked(key_length)?;
        let (value, rest) = rest.split_at_checked(value_length)?;
        self.rest = rest;
        Some(Record {
            source: u16::try_from(little_endian(head, 2)).ok()?,
            offset: little_endian(&head[8..], 8).cast_signed(),
            timestamp: little_endian(&head[16..], 8).cast_signed(),
            key,
            value,
        })
    }
}

/// The number in the first `width` bytes, at most eight.
#[inline]
fn little_endian(bytes: &[u8], width: usize) -> u64 {
    let mut number = [0; 8];
    number[..width].copy_from_slice(&bytes[..width]);
    u64::from_le_bytes(number)
}
