//! What earlier runs have written down: files, matches, breaks and how they ended. A fold of the orders that the ledger
//! accepted, so that a run sees the work of those before it, its own interrupted one included.

use std::collections::{BTreeMap, BTreeSet};

use domain::clearing::{BillFile, BillRow, ControlTotals, FileDigest, Finding, Match};
use domain::ids::{Id, Network, Sequence};
use domain::time::Date;

use crate::order::Order;

/// A file on record.
#[derive(Clone, Debug)]
struct Known {
    network: Network,
    business_date: Date,
    digest: FileDigest,
    /// Its totals did not refuse it, so that what is not in it was not shown.
    is_compared: bool,
}

/// What is on record.
#[derive(Clone, Debug, Default)]
pub struct Past {
    files: Vec<Known>,
    matched: BTreeMap<(Network, Sequence), BillRow>,
    breaks: BTreeMap<Id, Finding>,
    ended: BTreeSet<Id>,
}

impl Past {
    /// Adds an order that was accepted.
    pub fn fold(&mut self, order: &Order) {
        match order {
            Order::RecordFile(file) => self.add_file(file),
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

    fn add_file(&mut self, file: &BillFile) {
        if !self.has_file(file) {
            self.files.push(Known {
                network: file.network,
                business_date: file.business_date,
                digest: file.digest,
                is_compared: file.control_totals != ControlTotals::Mismatched,
            });
        }
    }

    pub(crate) fn has_file(&self, file: &BillFile) -> bool {
        self.versions(file.network, file.business_date).any(|known| known.digest == file.digest)
    }

    pub(crate) fn has_file_of(&self, network: Network, date: Date) -> bool {
        self.versions(network, date).next().is_some()
    }

    /// Business dates under which a file is on record.
    pub(crate) fn dates_of(&self, network: Network, digest: &FileDigest) -> BTreeSet<Date> {
        let versions = self.files.iter().filter(|known| known.network == network && known.digest == *digest);
        versions.map(|known| known.business_date).collect()
    }

    /// Whose file that is, and of which business date. Days without a row may share one, but no row can tell.
    pub(crate) fn file(&self, digest: &FileDigest) -> Option<(Network, Date)> {
        let known = self.files.iter().find(|known| known.digest == *digest)?;
        Some((known.network, known.business_date))
    }

    fn versions(&self, network: Network, date: Date) -> impl Iterator<Item = &Known> {
        self.files.iter().filter(move |known| (known.network, known.business_date) == (network, date))
    }

    /// The newest version of that file that was there before it.
    pub(crate) fn version_before(&self, file: &BillFile) -> Option<&FileDigest> {
        let versions = self.versions(file.network, file.business_date).map(|known| &known.digest);
        versions.take_while(|digest| **digest != file.digest).last()
    }

    /// Business dates behind `date` and up to that of `last` of which a file of its network was compared, `last` included.
    pub(crate) fn files_since(&self, date: Date, last: &BillFile) -> usize {
        let compared = self.files.iter().filter(|known| known.network == last.network && known.is_compared);
        let dates = compared.map(|known| known.business_date).chain([last.business_date]);
        dates.filter(|on| *on > date && *on <= last.business_date).collect::<BTreeSet<_>>().len()
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

    /// Every break of a network, ended or not.
    pub(crate) fn breaks(&self, network: Network) -> impl Iterator<Item = &Finding> {
        self.breaks.values().filter(move |finding| finding.network == network)
    }

    /// Those that nothing has ended.
    pub(crate) fn open(&self, network: Network) -> impl Iterator<Item = &Finding> {
        self.breaks(network).filter(|finding| !self.ended.contains(&finding.id))
    }
}
