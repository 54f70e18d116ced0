//! History: one row for an account and a block, with the balance before the block and the account's postings in it. A
//! balance as of any sequence is read from one row, without a block.
//!
//! Key: run u32, account 6 bytes, first sequence of the block u64, big-endian: the rows of an account lie together inside
//! a run, and runs never overlap.

use domain::account::Account;
use domain::book::Balance;
use domain::ids::Sequence;
use domain::journal::Journal;

use crate::bytes::{Reader, put_i64, put_i128, put_u64};
use crate::error::{FormatError, RecordKind};

pub(crate) const VERSION: u8 = 1;

/// Bytes of a key.
pub(crate) const KEY: usize = 4 + 6 + 8;

/// Which of the two totals a posting adds to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To the debits.
    Debit,
    /// To the credits.
    Credit,
}

/// One half of a journal entry, as the account sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posting {
    /// The log entry it comes from.
    pub sequence: Sequence,
    /// Debit or credit.
    pub direction: Direction,
    /// The rule it was booked by.
    pub journal: Journal,
    /// The settlement cycle it was booked in.
    pub cycle: u32,
    /// Minor units.
    pub minor: i128,
}

/// A row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryRow {
    /// Whose.
    pub account: Account,
    /// First sequence of the block, or of the run for the row that every account has there.
    pub first: Sequence,
    /// Both totals before the block.
    pub before: Balance,
    /// In the order of the log.
    pub postings: Vec<Posting>,
}

impl HistoryRow {
    /// Both totals after every posting up to `sequence`.
    #[must_use]
    pub fn balance_at(&self, sequence: Sequence) -> Balance {
        let mut balance = self.before;
        for posting in self.postings.iter().take_while(|posting| posting.sequence <= sequence) {
            match posting.direction {
                Direction::Debit => balance.debits += posting.minor,
                Direction::Credit => balance.credits += posting.minor,
            }
        }
        balance
    }

    /// The record without its key.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut row = EncodedRow::new(self.account, self.first, self.before);
        for posting in &self.postings {
            row.post(posting);
        }
        row.bytes
    }

    /// The inverse of [`HistoryRow::encode`], for the key that the row lies under.
    ///
    /// # Errors
    /// When the bytes are not a history row of a known version.
    pub fn decode(account: Account, first: Sequence, bytes: &[u8]) -> Result<Self, FormatError> {
        let mut reader = Reader::versioned(RecordKind::HistoryRow, bytes, &[VERSION])?;
        let before = Balance { debits: reader.i128()?, credits: reader.i128()? };
        let mut row = Self { account, first, before, postings: Vec::new() };
        let mut last = (first.0, 0_u32);
        while !reader.is_at_end() {
            let posting = posting(&mut reader, last)?;
            last = (posting.sequence.0, posting.cycle);
            row.postings.push(posting);
        }
        Ok(row)
    }
}

fn posting(reader: &mut Reader<'_>, (sequence, cycle): (u64, u32)) -> Result<Posting, FormatError> {
    let sequence = sequence.wrapping_add(reader.u64()?);
    let tag = reader.u8()?;
    let direction = if tag & 1 == 0 { Direction::Debit } else { Direction::Credit };
    let journal = Journal::ALL.iter().copied().find(|journal| *journal as u8 == tag >> 1);
    let journal = journal.ok_or_else(|| reader.unknown("journal", tag >> 1))?;
    let change = reader.i64()?;
    let cycle = i64::from(cycle).checked_add(change).and_then(|cycle| u32::try_from(cycle).ok());
    let cycle = cycle.ok_or_else(|| reader.error(crate::error::FormatReason::Range("cycle")))?;
    Ok(Posting { sequence: Sequence(sequence), direction, journal, cycle, minor: reader.i128()? })
}

/// A row that is encoded as its postings come: about eight bytes a posting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedRow {
    account: Account,
    first: Sequence,
    last: (u64, u32),
    bytes: Vec<u8>,
}

impl EncodedRow {
    /// A row without postings: see [`HistoryRow`] for the fields.
    #[must_use]
    pub fn new(account: Account, first: Sequence, before: Balance) -> Self {
        let mut bytes = vec![VERSION];
        put_i128(&mut bytes, before.debits);
        put_i128(&mut bytes, before.credits);
        Self { account, first, last: (first.0, 0), bytes }
    }

    /// Adds a posting; they come in the order of the log.
    pub fn post(&mut self, posting: &Posting) {
        let (sequence, cycle) = self.last;
        put_u64(&mut self.bytes, posting.sequence.0.wrapping_sub(sequence));
        self.bytes.push(((posting.journal as u8) << 1) | u8::from(posting.direction == Direction::Credit));
        put_i64(&mut self.bytes, i64::from(posting.cycle) - i64::from(cycle));
        put_i128(&mut self.bytes, posting.minor);
        self.last = (posting.sequence.0, posting.cycle);
    }

    /// Whose row it is.
    #[must_use]
    pub const fn account(&self) -> Account {
        self.account
    }

    /// The first sequence of its block.
    #[must_use]
    pub const fn first(&self) -> Sequence {
        self.first
    }

    /// The row.
    #[must_use]
    pub fn row(&self) -> HistoryRow {
        HistoryRow::decode(self.account, self.first, &self.bytes).expect("what was encoded here is a row")
    }

    pub(crate) fn key(&self, run: u32) -> [u8; KEY] {
        key(run, self.account, self.first)
    }

    pub(crate) fn value(&self) -> &[u8] {
        &self.bytes
    }
}

impl From<&HistoryRow> for EncodedRow {
    fn from(row: &HistoryRow) -> Self {
        let mut encoded = Self::new(row.account, row.first, row.before);
        for posting in &row.postings {
            encoded.post(posting);
        }
        encoded
    }
}

/// The key of a row.
pub(crate) fn key(run: u32, account: Account, first: Sequence) -> [u8; KEY] {
    let mut key = [0; KEY];
    key[..4].copy_from_slice(&run.to_be_bytes());
    key[4..10].copy_from_slice(&account.to_bytes());
    key[10..].copy_from_slice(&first.0.to_be_bytes());
    key
}

/// The inverse of [`key`].
pub(crate) fn from_key(bytes: &[u8]) -> Result<(u32, Account, Sequence), FormatError> {
    let mut reader = Reader::new(RecordKind::Key, bytes);
    let run = reader.be_u32()?;
    let account = Account::from_bytes(reader.array()?);
    let account = account.ok_or_else(|| reader.error(crate::error::FormatReason::Text("account")))?;
    let first = Sequence(reader.be_u64()?);
    reader.finish()?;
    Ok((run, account, first))
}
