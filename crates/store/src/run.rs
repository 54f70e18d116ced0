//! A run: what a range of blocks adds to the folds. The ledger gathers one while it folds blocks and hands it over; it is
//! sorted here, not by the thread that gathers. A run is a pure function of its blocks and of the folds before them.

use domain::ids::{Id, Sequence};
use domain::payment::Payment;

use crate::cycle::CycleRecord;
use crate::hash::IdDigest;
use crate::history::EncodedRow;
use crate::mark::{EventIdRecord, Mark};
use crate::payment;
use crate::state::StateRecord;

/// See the module. Everything may be in any order.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its number (the one before plus 1, beginning with 1) and where it ends.
    pub mark: Mark,
    /// Its first sequence: the one after the mark before, 1 for the first run.
    pub first: Sequence,
    /// Every event id and command first seen in it.
    pub events: Vec<(IdDigest, EventIdRecord)>,
    /// Every payment changed in it, as it is at its end.
    pub payments: PaymentTable,
    /// A row for every account and block with postings. Beside those, every account that is known when the run begins has
    /// a row at the run's first sequence, with or without postings, so that reading as of a sequence stays in one run.
    pub history: Vec<EncodedRow>,
    /// Payments that began to wait (since this settlement cycle) or no longer do (`None`).
    pub waiting: Vec<(Id, Option<u32>)>,
    /// Cycles that were closed or moved on.
    pub cycles: Vec<CycleRecord>,
    /// Everything that payments share, at its end.
    pub state: StateRecord,
}

/// Payments of a run, encoded as they are put: half a kilobyte each in memory becomes some fifty bytes.
#[derive(Clone, Debug, Default)]
pub struct PaymentTable {
    bytes: Vec<u8>,
    rows: Vec<PaymentAt>,
}

#[derive(Clone, Copy, Debug)]
struct PaymentAt {
    id: Id,
    begin: usize,
    end: usize,
    is_new: bool,
}

impl PaymentTable {
    /// Adds a payment. Each id once. `is_new` says that no earlier run has it: it is then added to the filter.
    pub fn put(&mut self, id: Id, payment: &Payment, is_new: bool) {
        let begin = self.bytes.len();
        payment::encode_into(payment, &mut self.bytes);
        self.rows.push(PaymentAt { id, begin, end: self.bytes.len(), is_new });
    }

    /// How many.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Forgets everything and keeps the buffers.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.rows.clear();
    }

    /// The records by id.
    pub(crate) fn sorted(&self) -> impl Iterator<Item = (Id, &[u8])> {
        let mut rows = self.rows.clone();
        rows.sort_unstable_by_key(|row| row.id);
        rows.into_iter().map(|row| (row.id, &self.bytes[row.begin..row.end]))
    }

    /// The ids that no earlier run has.
    pub(crate) fn new_ids(&self) -> impl Iterator<Item = Id> + '_ {
        self.rows.iter().filter(|row| row.is_new).map(|row| row.id)
    }
}
