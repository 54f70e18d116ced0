//! The high-water mark at open and at every block. A ledger that has once had a mark notes so in its own directory: from
//! then on it is not opened without one. A directory of an earlier version, and a new one, get theirs when they are opened.

use super::*;
use crate::chain::{self, Head};
use crate::error::HighWaterError;

const HAS_MARK: &[u8] = b"high_water_mark";

impl<T: Tables> Engine<T> {
    /// Goes on only when the log holds all that the mark says was acknowledged; from then on the mark follows the log.
    pub(crate) fn marked(mut self, high_water: Option<HighWater>) -> Result<Self, StoreError> {
        let Some(high_water) = high_water else { return self.agrees(None, None).map(|()| self) };
        let mark = high_water.read()?;
        self.agrees(Some(&high_water), mark.as_ref())?;
        let tip = HighWaterMark::of(&self.genesis, &self.tip());
        match mark {
            // The crash came between block and mark. Whoever reads from now on reads the block.
            Some(_) => high_water.advance(&tip)?,
            None => high_water.replace(&tip)?,
        }
        if !self.has_mark()? {
            let written = self.tables.write(&[(Family::Meta, HAS_MARK, &[1])]);
            written.map_err(|source| StoreError::Open { directory: self.tables.label(), source })?;
        }
        self.high_water = Some(high_water);
        Ok(self)
    }

    /// Whether what was read as the mark lets the ledger go on.
    pub(crate) fn agrees(
        &self,
        high_water: Option<&HighWater>,
        mark: Option<&HighWaterMark>,
    ) -> Result<(), StoreError> {
        let Some(high_water) = high_water else {
            let label = self.tables.label();
            let not_named = StoreError::HighWater { mark: format!("of {label}"), source: HighWaterError::NotNamed };
            return if self.has_mark()? { Err(not_named) } else { Ok(()) };
        };
        match mark {
            Some(mark) => self.mismatch(mark)?.map_or(Ok(()), |source| Err(high_water.error(source))),
            None if self.has_mark()? => Err(high_water.error(HighWaterError::Missing)),
            None => Ok(()),
        }
    }

    /// Whether the ledger has ever had a high-water mark.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn has_mark(&self) -> Result<bool, StoreError> {
        Ok(start::meta(&self.tables, HAS_MARK)?.is_some())
    }

    /// Why a log is not one that goes on from a mark: it is another ledger's, ends earlier, or leads to another chain head
    /// there. `None` when it is.
    ///
    /// # Errors
    /// When the log cannot be read there.
    pub fn mismatch(&self, mark: &HighWaterMark) -> Result<Option<HighWaterError>, StoreError> {
        if (&mark.cluster, mark.shard) != (&self.genesis.cluster, self.genesis.shard) {
            let (cluster, shard) = (mark.cluster.clone(), mark.shard);
            return Ok(Some(HighWaterError::OtherLedger { cluster, shard }));
        }
        let (latest, acknowledged) = (self.tip().sequence, mark.sequence);
        if latest < acknowledged {
            return Ok(Some(HighWaterError::LogCut { latest, acknowledged }));
        }
        let is_same = self.head_at(acknowledged)? == Some(mark.head);
        Ok((!is_same).then_some(HighWaterError::OtherHead(acknowledged)))
    }

    /// The chain head after an entry, which may stand in the middle of a block.
    fn head_at(&self, sequence: Sequence) -> Result<Option<Head>, StoreError> {
        if sequence.0 == 0 {
            return Ok(Some(self.genesis.chain_head()));
        }
        let Some(block) = self.block(sequence)? else { return Ok(None) };
        if block.head().last() == sequence {
            return Ok(Some(block.head().head_after));
        }
        let mut upto = block.entries().take_while(|entry| entry.as_ref().map_or(true, |(at, _)| *at <= sequence));
        let head = upto.try_fold(block.head().head_before, |head, entry| {
            entry.map(|(at, entry)| chain::next(&head, at.0, &entry.head()))
        });
        let key = block.head().first.0.to_be_bytes();
        head.map(Some).map_err(|source| decode_error(Family::Blocks, &key, source))
    }

    /// Moves the mark to the tip of what is durable.
    pub(super) fn acknowledge(&self, tip: &Tip) -> Result<(), StoreError> {
        let Some(high_water) = &self.high_water else { return Ok(()) };
        high_water.advance(&HighWaterMark::of(&self.genesis, tip)).inspect_err(|_| self.stop())
    }
}
