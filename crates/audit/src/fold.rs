//! The verifier's own books: what the rules decide is folded here into balances, history rows and cycles, with plain maps.

use std::collections::BTreeMap;

use domain::account::Account;
use domain::book::Balance;
use domain::cycle::{CycleId, Flows};
use domain::ids::Sequence;
use domain::journal::Entry;
use store::history::{Direction, HistoryRow, Posting};

/// Balances and cycles after some entry, and the rows of the run being read.
#[derive(Default)]
pub(crate) struct Books {
    pub(crate) balances: BTreeMap<Account, Balance>,
    pub(crate) flows: BTreeMap<CycleId, Flows>,
    pub(crate) rows: BTreeMap<(Account, Sequence), HistoryRow>,
}

impl Books {
    /// A run begins at `first`: every account that is known has a row there.
    pub(crate) fn begin_run(&mut self, first: Sequence) {
        let row = |(account, before): (&Account, &Balance)| {
            ((*account, first), HistoryRow { account: *account, first, before: *before, postings: Vec::new() })
        };
        self.rows = self.balances.iter().map(row).collect();
    }

    /// Books one entry at `sequence`, in the block that begins at `first` and in `cycle`.
    pub(crate) fn book(&mut self, first: Sequence, sequence: Sequence, cycle: u32, entry: &Entry) {
        let (minor, journal) = (entry.minor, entry.journal);
        for (account, direction) in [(entry.debit, Direction::Debit), (entry.credit, Direction::Credit)] {
            let balance = self.balances.entry(account).or_default();
            let empty = || HistoryRow { account, first, before: *balance, postings: Vec::new() };
            let row = self.rows.entry((account, first)).or_insert_with(empty);
            row.postings.push(Posting { sequence, direction, journal, cycle, minor });
            match direction {
                Direction::Debit => balance.debits += minor,
                Direction::Credit => balance.credits += minor,
            }
        }
        if let (Some(debtor), Some(creditor)) = (entry.debit.party(), entry.credit.party())
            && debtor != creditor
        {
            let id = CycleId { currency: entry.debit.currency(), number: cycle };
            let flow = self.flows.entry(id).or_default().entry((debtor, creditor)).or_default();
            flow.count += 1;
            flow.minor += minor;
        }
    }
}
