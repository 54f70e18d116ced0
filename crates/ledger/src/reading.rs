//! Readers' ways through the log and the history, for whoever asks about single entries. Nothing here waits for the writer.
//!
//! What an entry booked is not in the log but in the history rows of its block, one a touched account: [`Handle::postings`]
//! gathers them. An order among the accounts is not kept, so postings come by rule, and inside a rule by account.

use std::ops::ControlFlow;

use domain::account::Account;
use domain::ids::Sequence;
use store::entry::Entry;
use store::history::{HistoryRow, Posting};

use crate::entries::LoggedEntry;
use crate::error::Error;
use crate::ledger::Handle;

/// One half of a booking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoggedPosting {
    /// Where.
    pub account: Account,
    /// Which entry, rule, direction, cycle and amount.
    pub posting: Posting,
}

/// Visits one entry of the log; [`ControlFlow::Break`] ends the search.
pub type Visit<'v> = dyn FnMut(Sequence, &Entry<'_>) -> ControlFlow<()> + 'v;

impl Handle {
    /// Shows durable entries from `from` to `through` to `visit`, without copying and without the chain: about 0.15 µs an
    /// entry and what `visit` takes. Returns the last entry shown, or the one before `from` when there was none.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn visit(&self, from: Sequence, through: Sequence, visit: &mut Visit<'_>) -> Result<Sequence, Error> {
        let (from, through) = (from.max(Sequence(1)), through.min(self.snapshot().sequence));
        let mut shown = Sequence(from.0 - 1);
        if from > through {
            return Ok(shown);
        }
        for block in self.shared.store.blocks(from) {
            for entry in block.map_err(Error::Store)?.entries() {
                let (sequence, entry) = entry.map_err(Error::Format)?;
                if sequence > through {
                    return Ok(shown);
                }
                if sequence >= from {
                    shown = sequence;
                    if visit(sequence, &entry).is_break() {
                        return Ok(shown);
                    }
                }
            }
        }
        Ok(shown)
    }

    /// The entry that holds the record at `offset` of source `source`, from entry `from` on; `None` when no durable entry
    /// does.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn entry_of(&self, source: u16, offset: i64, from: Sequence) -> Result<Option<LoggedEntry>, Error> {
        let mut found = None;
        self.visit(from, Sequence(u64::MAX), &mut |sequence, entry| {
            if (entry.source, entry.offset) != (source, offset) {
                return ControlFlow::Continue(());
            }
            found = Some(sequence);
            ControlFlow::Break(())
        })?;
        match found {
            Some(sequence) => Ok(self.entries(sequence, 1)?.pop()),
            None => Ok(None),
        }
    }

    /// Everything that the entries of one block booked, by sequence, then rule, then account. `block` is the first entry of
    /// a durable block, [`LoggedEntry::block`]. One look-up for every account of the ledger.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn postings(&self, block: Sequence) -> Result<Vec<LoggedPosting>, Error> {
        let mut postings = Vec::new();
        for (account, _) in self.snapshot().state.book().accounts() {
            let row = self.row_of_block(account, block)?;
            let of_row = row.into_iter().flat_map(|row| row.postings);
            postings.extend(of_row.map(|posting| LoggedPosting { account, posting }));
        }
        // Stable, so that postings of one account stay in the order in which they were made.
        postings.sort_by_key(|logged| (logged.posting.sequence, logged.posting.journal, logged.account));
        Ok(postings)
    }

    fn row_of_block(&self, account: Account, block: Sequence) -> Result<Option<HistoryRow>, Error> {
        // The tail first: what leaves it meanwhile is in the store by then.
        let recent = self.shared.recent_row(account, block).filter(|row| row.first == block);
        let is_flushed = self.shared.store.mark().is_some_and(|mark| block <= mark.through);
        if recent.is_some() || !is_flushed {
            return Ok(recent);
        }
        let row = self.shared.store.row_before(account, block).map_err(Error::Store)?;
        Ok(row.filter(|row| row.first == block))
    }

    /// Every posting of an account from entry `from` to entry `through`, in the order of the log.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn postings_of(&self, account: Account, from: Sequence, through: Sequence) -> Result<Vec<Posting>, Error> {
        let from = from.max(Sequence(1));
        let Some(block) = self.shared.store.block(from).map_err(Error::Store)? else { return Ok(Vec::new()) };
        let first = block.head().first;
        // The tail first: what leaves it meanwhile is in the store by then, and may be in both.
        let mut rows = self.shared.recent_rows(account, first, through);
        for row in self.shared.store.account_rows(account, first, Sequence(through.0.saturating_add(1))) {
            let row = row.map_err(Error::Store)?;
            rows.entry(row.first).or_insert(row);
        }
        let postings = rows.into_values().flat_map(|row| row.postings);
        Ok(postings.filter(|posting| (from..=through).contains(&posting.sequence)).collect())
    }
}
