//! The register: everything of [`super`] that stands. Only [`Register::fold`] changes it, and it cannot fail: what was
//! decided always applies.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::numbers::Numbers;
use super::records::{
    BillFile, BillRow, Booking, Break, ControlTotals, Ending, FileDigest, Finding, Match, Resolution, Signature,
};
use super::settlement::{InstructionState, Settlement};
use crate::cycle::CycleId;
use crate::ids::{Id, Network, Party, Sequence};
use crate::money::Currency;
use crate::time::Timestamp;

/// One version of one bill file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRecord {
    /// As it was read.
    pub file: BillFile,
    /// 1 for the first file of its network and business date, then counting.
    pub version: u32,
    /// The entry that recorded it.
    pub recorded: Sequence,
    /// Lines that are matched.
    pub matched: Numbers,
    /// Lines that have completed a movement (T3a).
    pub proven: Numbers,
    /// How many lines are matched.
    pub matched_count: u32,
    /// The entries that recorded its matches, in order: a match is read from there.
    pub match_entries: Vec<Sequence>,
}

impl FileRecord {
    /// Whether a line has a partner, or has proven a leg.
    #[must_use]
    pub fn is_used(&self, line: u32) -> bool {
        [&self.matched, &self.proven].iter().any(|lines| lines.contains(u64::from(line)))
    }
}

/// What one order writes into the register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A settlement was proposed.
    Proposed(Settlement),
    /// It was approved.
    Approved(CycleId, Signature),
    /// Its instructions went out.
    Sent(CycleId, Timestamp),
    /// The bank answered one.
    Answered {
        /// Of this cycle's settlement.
        cycle: CycleId,
        /// The instruction's place.
        index: usize,
        /// What became of it.
        state: InstructionState,
    },
    /// The last one is confirmed: final.
    Settled(CycleId, (Sequence, Timestamp)),
    /// A file was read.
    File(BillFile, Sequence),
    /// Rows of a file agree.
    Matches(FileDigest, Vec<Match>, Signature),
    /// A row has completed a movement.
    Proven(BillRow),
    /// Differences were found; those that are known change nothing.
    Breaks(Vec<Finding>, Signature),
    /// Something is booked, or no longer booked, because of a break.
    Booked(Id, Option<Booking>),
    /// A break ended.
    Ended(Id, Ending),
}

/// Settlements, files and breaks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Register {
    settlements: BTreeMap<CycleId, Arc<Settlement>>,
    /// In the order in which they were recorded.
    files: Vec<Arc<FileRecord>>,
    breaks: BTreeMap<Id, Arc<Break>>,
    /// Break ids in the order in which they were raised.
    raised: Vec<Id>,
    /// By network, the legs that its files' rows are matched with, by the sequence number of their event: one that speaks for
    /// both sides is a leg of both.
    legs: BTreeMap<Network, Numbers>,
}

impl Register {
    /// The register that stood when its parts were taken down, each in its order.
    #[must_use]
    pub fn restore(
        settlements: impl IntoIterator<Item = Settlement>,
        files: impl IntoIterator<Item = FileRecord>,
        breaks: impl IntoIterator<Item = Break>,
        legs: impl IntoIterator<Item = (Network, Numbers)>,
    ) -> Self {
        let mut register = Self { legs: legs.into_iter().collect(), ..Self::default() };
        register.settlements = settlements.into_iter().map(|s| (s.cycle, Arc::new(s))).collect();
        register.files = files.into_iter().map(Arc::new).collect();
        for raised in breaks {
            register.raised.push(raised.finding.id);
            register.breaks.insert(raised.finding.id, Arc::new(raised));
        }
        register
    }

    /// The settlement of a cycle.
    #[must_use]
    pub fn settlement(&self, cycle: CycleId) -> Option<&Settlement> {
        self.settlements.get(&cycle).map(Arc::as_ref)
    }

    /// Every settlement, by currency and cycle.
    pub fn settlements(&self) -> impl DoubleEndedIterator<Item = &Settlement> {
        self.settlements.values().map(Arc::as_ref)
    }

    /// What a party owes in settlements of a currency whose instructions are out, minor units.
    #[must_use]
    pub fn at_the_bank(&self, party: Party, currency: Currency) -> i128 {
        let of_currency = self.settlements().filter(|settlement| settlement.cycle.currency == currency);
        of_currency.fold(0, |sum: i128, settlement| sum.saturating_add(settlement.at_the_bank(party)))
    }

    /// Every version of every file, in the order in which they were recorded.
    #[must_use]
    pub fn files(&self) -> &[Arc<FileRecord>] {
        &self.files
    }

    /// The file of this digest.
    #[must_use]
    pub fn file(&self, digest: &FileDigest) -> Option<&FileRecord> {
        self.files.iter().find(|record| record.file.digest == *digest).map(Arc::as_ref)
    }

    /// Whether a newer version took the place of `record`.
    #[must_use]
    pub fn is_replaced(&self, record: &FileRecord) -> bool {
        self.versions_of(&record.file) > record.version
    }

    fn versions_of(&self, file: &BillFile) -> u32 {
        let versions = self
            .files
            .iter()
            .filter(|record| (record.file.network, record.file.business_date) == (file.network, file.business_date));
        versions.map(|record| record.version).max().unwrap_or(0)
    }

    /// One break.
    #[must_use]
    pub fn break_of(&self, id: Id) -> Option<&Break> {
        self.breaks.get(&id).map(Arc::as_ref)
    }

    /// Every break in the order in which it was raised.
    pub fn breaks(&self) -> impl DoubleEndedIterator<Item = &Break> {
        self.raised.iter().filter_map(|id| self.break_of(*id))
    }

    /// Whether the event of this sequence number is matched with a row of that network.
    #[must_use]
    pub fn is_matched(&self, network: Network, leg: Sequence) -> bool {
        self.legs.get(&network).is_some_and(|legs| legs.contains(leg.0))
    }

    /// The legs that are matched, by the network whose rows show them.
    pub fn matched_legs(&self) -> impl ExactSizeIterator<Item = (Network, &Numbers)> {
        self.legs.iter().map(|(network, legs)| (*network, legs))
    }

    /// How many breaks and unexplained files keep cycles of `currency` from being settled. A file with rows that could not be
    /// read is explained by control totals that agree with the others.
    #[must_use]
    pub fn holding_back(&self, currency: Currency) -> usize {
        let breaks = self.breaks().filter(|b| b.finding.currency == currency && b.holds_settlement_back());
        let partial = self.files.iter().filter(|record| {
            let file = &record.file;
            file.totals.currency == currency
                && file.invalid_rows > 0
                && file.control_totals != ControlTotals::Matched
                && !self.is_replaced(record)
        });
        breaks.count().saturating_add(partial.count())
    }

    /// Writes one record down.
    pub fn fold(&mut self, record: Record) {
        match record {
            Record::Proposed(settlement) => drop(self.settlements.insert(settlement.cycle, Arc::new(settlement))),
            Record::Approved(cycle, by) => self.settlement_mut(cycle).approved = Some(by),
            Record::Sent(cycle, at) => self.settlement_mut(cycle).send(at),
            Record::Answered { cycle, index, state } => self.settlement_mut(cycle).instructions[index].state = state,
            Record::Settled(cycle, at) => self.settlement_mut(cycle).settled = Some(at),
            Record::File(file, recorded) => self.add_file(file, recorded),
            Record::Matches(file, matches, signature) => self.add_matches(&file, &matches, &signature),
            Record::Proven(row) => drop(self.file_mut(&row.file).proven.insert(u64::from(row.line))),
            Record::Breaks(findings, signature) => self.raise(findings, &signature),
            Record::Booked(id, booking) => self.break_mut(id).booking = booking,
            Record::Ended(id, ending) => self.break_mut(id).ending = Some(ending),
        }
    }

    fn settlement_mut(&mut self, cycle: CycleId) -> &mut Settlement {
        Arc::make_mut(self.settlements.get_mut(&cycle).expect("decided about a settlement that was proposed"))
    }

    fn break_mut(&mut self, id: Id) -> &mut Break {
        Arc::make_mut(self.breaks.get_mut(&id).expect("decided about a break that is known"))
    }

    fn add_file(&mut self, file: BillFile, recorded: Sequence) {
        if self.file(&file.digest).is_some() {
            return;
        }
        let version = self.versions_of(&file).saturating_add(1);
        let (matched, proven, matched_count, match_entries) = (Numbers::default(), Numbers::default(), 0, Vec::new());
        let record = FileRecord { file, version, recorded, matched, proven, matched_count, match_entries };
        self.files.push(Arc::new(record));
    }

    fn file_mut(&mut self, digest: &FileDigest) -> &mut FileRecord {
        let record = self.files.iter_mut().find(|record| record.file.digest == *digest);
        Arc::make_mut(record.expect("decided about a file that is recorded"))
    }

    fn add_matches(&mut self, digest: &FileDigest, matches: &[Match], signature: &Signature) {
        let record = self.file_mut(digest);
        let network = record.file.network;
        record.match_entries.push(signature.at);
        for found in matches {
            record.matched.insert(u64::from(found.line));
            record.matched_count = record.matched_count.saturating_add(1);
        }
        let legs = self.legs.entry(network).or_default();
        for found in matches {
            legs.insert(found.leg.0);
        }
        for id in matches.iter().filter_map(|found| found.resolves) {
            self.end(id, Resolution::MatchedLater, signature);
        }
    }

    fn raise(&mut self, findings: Vec<Finding>, signature: &Signature) {
        for finding in findings {
            let id = finding.id;
            if self.breaks.contains_key(&id) {
                continue;
            }
            if let Some(replaced) = finding.replaces {
                self.end(replaced, Resolution::Replaced, signature);
            }
            let raised = Break { finding, raised: signature.clone(), booking: None, ending: None };
            self.breaks.insert(id, Arc::new(raised));
            self.raised.push(id);
        }
    }

    /// Ends a break, unless it has ended already or an amount hangs on it.
    fn end(&mut self, id: Id, resolution: Resolution, signature: &Signature) {
        if let Some(open) = self.breaks.get_mut(&id).filter(|open| open.is_open() && !open.holds_money()) {
            let ending = Ending { resolution, signature: signature.clone(), note: String::new() };
            Arc::make_mut(open).ending = Some(ending);
        }
    }
}
