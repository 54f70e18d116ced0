//! History as it arises: for every account touched in the open block, its balance before the block and its postings in it.
//! One such row answers what the account stood at after any entry of the block.

use domain::account::Account;
use domain::book::Balance;
use domain::ids::Sequence;
use domain::journal::Entry;
use faults::Mutant;
use store::history::{Direction, EncodedRow, Posting};

const UNTOUCHED: u32 = u32::MAX;

/// The rows of the open block.
#[derive(Default)]
pub(crate) struct Rows {
    /// By account handle: where its row is.
    places: Vec<u32>,
    handles: Vec<usize>,
    rows: Vec<EncodedRow>,
}

impl Rows {
    /// Notes both postings of an entry booked at `sequence` in the block that begins at `first`.
    pub(crate) fn note(
        &mut self,
        first: Sequence,
        sequence: Sequence,
        entry: &Entry,
        cycle: u32,
        [debited, credited]: [(usize, Balance); 2],
    ) {
        if sequence.0.is_multiple_of(64) && faults::has(Mutant::HistoryPostingDropped) {
            return;
        }
        let posting = |direction| Posting { sequence, direction, journal: entry.journal, cycle, minor: entry.minor };
        self.row(first, entry.debit, debited).post(&posting(Direction::Debit));
        self.row(first, entry.credit, credited).post(&posting(Direction::Credit));
    }

    fn row(&mut self, first: Sequence, account: Account, (handle, before): (usize, Balance)) -> &mut EncodedRow {
        if handle >= self.places.len() {
            self.places.resize(handle + 1, UNTOUCHED);
        }
        if self.places[handle] == UNTOUCHED {
            self.places[handle] = u32::try_from(self.rows.len()).expect("fewer rows than accounts");
            self.handles.push(handle);
            self.rows.push(EncodedRow::new(account, first, before));
        }
        let place = usize::try_from(self.places[handle]).expect("a place is an index");
        &mut self.rows[place]
    }

    /// Ends the block: its rows, in the order in which their accounts were touched.
    pub(crate) fn take(&mut self) -> Vec<EncodedRow> {
        for handle in self.handles.drain(..) {
            self.places[handle] = UNTOUCHED;
        }
        std::mem::take(&mut self.rows)
    }
}
