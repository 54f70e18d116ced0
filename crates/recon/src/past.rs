//! What earlier runs have written down: files, matches, breaks and how they ended. A fold of the orders that the ledger
//! accepted, so that a run sees the work of those before it, its own interrupted one included.

use std::collections::{BTreeMap, BTreeSet};

use domain::clearing::{BillRow, FileDigest, Finding, Match};
use domain::ids::{Id, Network, Sequence};
use domain::time::Date;

use crate::order::Order;

/// What is on record.
#[derive(Clone, Debug, Default)]
pub struct Past {
    files: Vec<(Network, Date, FileDigest)>,
    matched: BTreeMap<(Network, Sequence), BillRow>,
    breaks: BTreeMap<Id, Finding>,
    ended: BTreeSet<Id>,
}

impl Past {
    /// Adds an order that was accepted.
    pub fn fold(&mut self, order: &Order) {
        match order {
            Order::RecordFile(file) => {
                let file = (file.network, file.business_date, file.digest);
                if !self.files.contains(&file) {
                    self.files.push(file);
                }
            }
            Order::RecordMatches { file, matches } => {
                let Some(network) = self.file(file).map(|(network, _)| network) else { return };
                for found in matches {
                    self.matched.insert((network, found.leg), BillRow { file: *file, line: found.line });
                    self.ended.extend(found.resolves);
                }
            }
            Order::RecordBreaks(findings) => {
                for finding in findings {
                    self.ended.extend(finding.replaces);
                    self.breaks.insert(finding.id, finding.clone());
                }
            }
            Order::Complete { break_id, .. } => self.end(*break_id),
            // What is held or in transit again waits for its own end.
            Order::HoldLong { .. } | Order::ReturnToTransit { .. } => {}
        }
    }

    /// A break ended by somebody else.
    pub fn end(&mut self, break_id: Id) {
        self.ended.insert(break_id);
    }

    /// Whose file that is, and of which business date.
    pub(crate) fn file(&self, digest: &FileDigest) -> Option<(Network, Date)> {
        self.files.iter().find(|(_, _, known)| known == digest).map(|&(network, date, _)| (network, date))
    }

    pub(crate) fn has_file_of(&self, network: Network, date: Date) -> bool {
        self.files.iter().any(|&(of, on, _)| (of, on) == (network, date))
    }

    /// The newest version of that day's file that was there before `digest`.
    pub(crate) fn version_before(&self, network: Network, date: Date, digest: &FileDigest) -> Option<&FileDigest> {
        let of_day = self.files.iter().filter(|&&(of, on, _)| (of, on) == (network, date)).map(|(_, _, known)| known);
        of_day.take_while(|known| *known != digest).last()
    }

    /// Business dates behind `date` and up to `last` of which a file of the network is known; `last` itself is.
    pub(crate) fn files_since(&self, network: Network, date: Date, last: Date) -> usize {
        let known = self.files.iter().filter(|(of, _, _)| *of == network).map(|&(_, on, _)| on);
        let dates: BTreeSet<Date> =
            known.chain([last]).filter(|on| (date..=last).contains(on) && *on != date).collect();
        dates.len()
    }

    /// The row that a leg was matched with.
    pub(crate) fn row_of(&self, network: Network, leg: Sequence) -> Option<BillRow> {
        self.matched.get(&(network, leg)).copied()
    }

    pub(crate) fn is_recorded(&self, file: FileDigest, found: &Match) -> bool {
        let row = BillRow { file, line: found.line };
        self.file(&file).is_some_and(|(network, _)| self.row_of(network, found.leg) == Some(row))
    }

    pub(crate) fn break_of(&self, id: Id) -> Option<&Finding> {
        self.breaks.get(&id)
    }

    /// Breaks of a network that nothing has ended.
    pub(crate) fn open(&self, network: Network) -> impl Iterator<Item = &Finding> {
        let of_network = self.breaks.values().filter(move |finding| finding.network == network);
        of_network.filter(|finding| !self.ended.contains(&finding.id))
    }
}
