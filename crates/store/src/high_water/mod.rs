//! The high-water mark: how far the ledger has acknowledged, kept outside the database. A write-ahead log that was cut
//! between two records opens as if it had always ended there; only what is kept elsewhere can tell. The mark is written
//! when a block is durable and before anybody hears of it, so the log may be ahead of the mark and never behind it.
//!
//! Two slots, written in turn, so that a torn write leaves the one before:
//!
//! ```text
//! slot   = length u32 || record || zeros || CRC-32 of all before it u32       a multiple of 4,096 bytes
//! record = version u8 || generation u64 || sequence u64 || chain head || cluster || shard u32 || positions
//! ```
//!
//! Of two whole slots the one with the higher generation holds. What the mark does not decide: what to do when it and the
//! log disagree. A person does, with a runbook.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use domain::ids::Sequence;

use crate::bytes::{Reader, put_bytes, put_u64};
use crate::chain::Head;
use crate::error::{FormatError, HighWaterError, RecordKind, StoreError};
use crate::genesis::Genesis;
use crate::store::Tip;

mod device;

pub use device::{Device, FileDevice, MemoryDevice};

pub(crate) const VERSION: u8 = 1;

/// What a disk writes as a whole, or tears: the larger of the usual sectors.
const SECTOR: usize = 4_096;

/// How far a ledger has acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HighWaterMark {
    /// The Kafka cluster of the ledger.
    pub cluster: String,
    /// Its shard.
    pub shard: u32,
    /// The last sequence that was acknowledged.
    pub sequence: Sequence,
    /// The chain head there.
    pub head: Head,
    /// By source of the genesis: the next Kafka offset to consume.
    pub positions: Vec<i64>,
}

impl HighWaterMark {
    /// That a log up to its tip is acknowledged.
    #[must_use]
    pub fn of(genesis: &Genesis, tip: &Tip) -> Self {
        let (cluster, positions) = (genesis.cluster.clone(), tip.positions.clone());
        Self { cluster, shard: genesis.shard, sequence: tip.sequence, head: tip.head, positions }
    }

    /// The record; of the same length for every mark of a ledger.
    #[must_use]
    pub fn encode(&self, generation: u64) -> Vec<u8> {
        let mut out = vec![VERSION];
        out.extend(generation.to_be_bytes());
        out.extend(self.sequence.0.to_be_bytes());
        out.extend(self.head);
        put_bytes(&mut out, self.cluster.as_bytes());
        out.extend(self.shard.to_be_bytes());
        put_u64(&mut out, self.positions.len() as u64);
        out.extend(self.positions.iter().flat_map(|position| position.to_be_bytes()));
        out
    }

    /// The inverse of [`HighWaterMark::encode`].
    ///
    /// # Errors
    /// When the bytes are not a mark of a known version.
    pub fn decode(bytes: &[u8]) -> Result<(u64, Self), FormatError> {
        let mut reader = Reader::versioned(RecordKind::HighWaterMark, bytes, &[VERSION])?;
        let generation = reader.be_u64()?;
        let (sequence, head) = (Sequence(reader.be_u64()?), reader.array()?);
        let (cluster, shard) = (reader.text("cluster")?.to_owned(), reader.be_u32()?);
        let positions = (0..reader.u64()?).map(|_| reader.be_i64()).collect::<Result<_, _>>()?;
        reader.finish()?;
        Ok((generation, Self { cluster, shard, sequence, head, positions }))
    }
}

/// The two slots.
#[derive(Debug)]
pub struct HighWater {
    device: Box<dyn Device>,
    /// Of the newest slot.
    generation: Mutex<u64>,
}

impl HighWater {
    /// In a file of its own.
    #[must_use]
    pub fn file(path: &Path) -> Self {
        Self::on(FileDevice::new(path))
    }

    /// In something else that can be written to.
    #[must_use]
    pub fn on(device: impl Device + 'static) -> Self {
        Self { device: Box::new(device), generation: Mutex::default() }
    }

    /// What errors call it: the file.
    #[must_use]
    pub fn label(&self) -> String {
        self.device.label()
    }

    /// The mark; `None` when there has never been one.
    ///
    /// # Errors
    /// When it cannot be read, is of a later version, or neither slot is whole.
    pub fn read(&self) -> Result<Option<HighWaterMark>, StoreError> {
        self.read_slots().map_err(|source| self.error(source))
    }

    /// Begins anew with a mark, which may be lower than the one before.
    ///
    /// # Errors
    /// When it cannot be written; then the one before stands.
    pub fn replace(&self, mark: &HighWaterMark) -> Result<(), StoreError> {
        let record = mark.encode(0);
        let length = slot_length(&record);
        let mut slots = slot(&record, length);
        slots.resize(2 * length, 0);
        self.device.create(&slots).map_err(|source| self.error(source.into()))?;
        *self.generation.lock().unwrap_or_else(PoisonError::into_inner) = 0;
        Ok(())
    }

    /// Moves the mark, and returns when that is durable.
    pub(crate) fn advance(&self, mark: &HighWaterMark) -> Result<(), StoreError> {
        let mut generation = self.generation.lock().unwrap_or_else(PoisonError::into_inner);
        let record = mark.encode(*generation + 1);
        let length = slot_length(&record);
        let at = if (*generation + 1).is_multiple_of(2) { 0 } else { length };
        self.device.write(at as u64, &slot(&record, length)).map_err(|source| self.error(source.into()))?;
        *generation += 1;
        Ok(())
    }

    pub(crate) fn error(&self, source: HighWaterError) -> StoreError {
        StoreError::HighWater { mark: self.label(), source }
    }

    fn read_slots(&self) -> Result<Option<HighWaterMark>, HighWaterError> {
        let Some(bytes) = self.device.read()? else { return Ok(None) };
        let length = bytes.len() / 2;
        if bytes.len() != 2 * length || length == 0 || length % SECTOR != 0 {
            return Err(HighWaterError::Damaged);
        }
        let whole = bytes.chunks_exact(length).filter_map(record_of).map(HighWaterMark::decode);
        let newest = whole.collect::<Result<Vec<_>, _>>()?.into_iter().max_by_key(|(generation, _)| *generation);
        let (generation, mark) = newest.ok_or(HighWaterError::Damaged)?;
        *self.generation.lock().unwrap_or_else(PoisonError::into_inner) = generation;
        Ok(Some(mark))
    }
}

fn slot_length(record: &[u8]) -> usize {
    (record.len() + 8).next_multiple_of(SECTOR)
}

fn slot(record: &[u8], length: usize) -> Vec<u8> {
    let mut slot = u32::try_from(record.len()).expect("1,024 positions are 8 KiB").to_be_bytes().to_vec();
    slot.extend(record);
    slot.resize(length - 4, 0);
    let checksum = crc32fast::hash(&slot);
    slot.extend(checksum.to_be_bytes());
    slot
}

/// The record of a slot that is whole.
fn record_of(slot: &[u8]) -> Option<&[u8]> {
    let (covered, checksum) = slot.split_last_chunk::<4>()?;
    let (length, rest) = covered.split_first_chunk::<4>()?;
    let is_whole = crc32fast::hash(covered) == u32::from_be_bytes(*checksum);
    let record = rest.get(..usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    is_whole.then_some(record)
}

#[cfg(test)]
mod tests;
