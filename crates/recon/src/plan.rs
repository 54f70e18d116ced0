//! One bill file held against the ledger. Pure: the same rows, legs and record give the same plan, whatever the order of the
//! rows.
//!
//! Rows and legs of the business date are sorted by their key and walked side by side. What is left over is tried, in this
//! order: legs of other dates with the same key; rows of earlier files that were carried; merchant order number, amount and
//! kind, where the ledger knows nothing of the row's reference and exactly one row and one leg are left; then it is
//! explained ([`crate::alone`]). A row gives at most one break, and so does a leg.
//!
//! Not decided here: what is done about a break beyond what its row proves.

use std::collections::{BTreeMap, BTreeSet};

use bills::{Discrepancy, Fault, Row};
use domain::break_code::BreakCode;
use domain::clearing::{BillFile, BillRow, ControlTotals, FileDigest, Finding, Match, MatchKey};
use domain::ids::{Id, Sequence};
use domain::rejection::RejectionCode;
use domain::time::BusinessDay;

use crate::draft::{Draft, Proof, identify, line_number};
use crate::judge::{Verdict, judge};
use crate::key::{Key, OrderKey, Step};
use crate::legs::{Beside, Leg, Legs};
use crate::order::Order;
use crate::past::Past;

/// Files after which what was carried is a break of its own.
const CARRIED_FILES: usize = 2;

/// A bill file as it was read.
#[derive(Clone, Debug)]
pub struct Bill {
    /// What is recorded of it.
    pub file: BillFile,
    /// Whose layout it has.
    pub writer: bills::Network,
    /// Its rows, in any order.
    pub rows: Vec<Row>,
    /// Its lines that are no rows.
    pub faults: Vec<Fault>,
    /// What its totals contradict.
    pub discrepancies: Vec<Discrepancy>,
}

/// How many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Rows of the file.
    pub rows: u64,
    /// Legs of its network and business date.
    pub legs: u64,
    /// Rows that agree with a leg, those matched before included.
    pub matched: u64,
    /// Of them, those found by merchant order number.
    pub matched_by_order: u64,
    /// Rows of earlier files that now agree with a leg.
    pub carried_matched: u64,
    /// Matched rows whose merchant fee is off by one minor unit.
    pub fees_off_by_one: u64,
}

/// What follows from one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// To be recorded first.
    pub file: BillFile,
    /// Rows of this file that agree, in the order of their lines. Those that an earlier version of it showed are not among
    /// them: their matches stand.
    pub matches: Vec<Match>,
    /// Rows of earlier files that agree now.
    pub carried: Vec<(FileDigest, Match)>,
    /// Differences, in an order that does not depend on that of the file.
    pub findings: Vec<Finding>,
    /// What the rows of some of them prove: [`Order::Complete`], [`Order::HoldLong`] and [`Order::ReturnToTransit`].
    pub bookings: Vec<Order>,
    /// How many of what.
    pub counts: Counts,
}

/// Holds `bill` against `legs`. `day` is the business day of its network, `past` what earlier runs have recorded.
#[must_use]
pub fn plan(bill: &Bill, legs: &Legs, past: &Past, day: BusinessDay) -> Plan {
    let mut planner = Planner::new(bill, legs, past, day);
    if bill.file.control_totals == ControlTotals::Mismatched {
        planner.refuse();
    } else {
        planner.compare();
    }
    planner.finish()
}

pub(crate) struct Planner<'a> {
    pub(crate) bill: &'a Bill,
    pub(crate) legs: Beside<'a>,
    pub(crate) past: &'a Past,
    pub(crate) day: BusinessDay,
    /// Open breaks of one side only, which a match ends.
    waiting: BTreeMap<Key<'a>, Id>,
    /// Legs that a row of another day's file has shown with a difference.
    disputed: BTreeSet<(Key<'a>, Id)>,
    pub(crate) resolved: BTreeSet<Id>,
    /// Legs that a row of this run shows.
    taken: BTreeSet<Sequence>,
    pub(crate) drafts: Vec<Draft>,
    matches: Vec<Match>,
    carried: Vec<(FileDigest, Match)>,
    counts: Counts,
}

impl<'a> Planner<'a> {
    fn new(bill: &'a Bill, legs: &'a Legs, past: &'a Past, day: BusinessDay) -> Self {
        let waiting = past.open(bill.file.network).filter(|finding| is_one_sided(finding.code));
        let of_row = past.breaks(bill.file.network).filter(|finding| finding.row.is_some());
        let disputed = of_row.filter(|finding| finding.business_date != bill.file.business_date);
        Self {
            bill,
            legs: legs.beside(bill.file.digest),
            past,
            day,
            waiting: waiting.filter_map(|finding| Some((key_of(finding, bill.writer)?, finding.id))).collect(),
            disputed: disputed.filter_map(|one| Some((key_of(one, bill.writer)?, one.payment?))).collect(),
            resolved: BTreeSet::new(),
            taken: BTreeSet::new(),
            drafts: Vec::new(),
            matches: Vec::new(),
            carried: Vec::new(),
            counts: Counts { rows: bill.rows.len() as u64, ..Counts::default() },
        }
    }

    fn refuse(&mut self) {
        let differs = self.bill.discrepancies.iter().map(ToString::to_string);
        let faults = self.bill.faults.iter().take(1).map(ToString::to_string);
        let note = differs.chain(faults).collect::<Vec<_>>().join("; ");
        self.drafts.push(Draft::of_file(BreakCode::ControlTotal, &self.bill.file).noting(cut(&note)));
    }

    fn compare(&mut self) {
        self.note_faults();
        self.note_replacement();
        let (rows, legs) = self.merge();
        let rows = self.look_at_other_dates(rows);
        self.carry();
        let rows = self.fall_back(rows, &legs);
        self.explain_rows(rows);
        self.explain_legs(&legs);
    }

    fn finish(mut self) -> Plan {
        self.matches.sort_by_key(|found| (found.line, found.leg));
        let (findings, bookings) = identify(self.drafts);
        let Self { matches, carried, counts, .. } = self;
        Plan { file: self.bill.file.clone(), matches, carried, findings, bookings, counts }
    }

    fn note_faults(&mut self) {
        for fault in &self.bill.faults {
            let draft = Draft::new(BreakCode::RowInvalid, self.bill.file.network, self.bill.file.business_date);
            self.drafts.push(draft.at_line(&self.bill.file, fault.line).noting(cut(&fault.to_string())));
        }
    }

    fn note_replacement(&mut self) {
        let file = &self.bill.file;
        if let Some(before) = self.past.version_before(file) {
            let note = format!("takes the place of the file with SHA-256 {}", hex(before));
            self.drafts.push(Draft::of_file(BreakCode::FileReplaced, file).noting(note));
        }
    }

    /// Both sides by key. What is returned has no partner of its key and date.
    fn merge(&mut self) -> (Vec<&'a Row>, Vec<&'a Leg>) {
        let bill = self.bill;
        let mut rows: Vec<_> = bill.rows.iter().map(|row| (Key::of_row(row), row)).collect();
        rows.sort_by_key(|&(key, row)| (key, row.line));
        let of_day = self.legs.of_day(bill.file.network, bill.file.business_date);
        let mut legs: Vec<_> = of_day.filter_map(|leg| Some((Key::of_leg(leg, bill.writer)?, leg))).collect();
        legs.sort_by_key(|&(key, leg)| (key, !leg.stands(), leg.sequence));
        self.counts.legs = legs.len() as u64;

        let (mut rows_alone, mut legs_alone) = (Vec::new(), Vec::new());
        let mut groups = legs.chunk_by(|a, b| a.0 == b.0).peekable();
        for same in rows.chunk_by(|a, b| a.0 == b.0) {
            while let Some(group) = groups.next_if(|group| group[0].0 < same[0].0) {
                legs_alone.extend(group.iter().map(|(_, leg)| *leg));
            }
            let group = groups.next_if(|group| group[0].0 == same[0].0).unwrap_or_default();
            let group: Vec<_> = group.iter().map(|(_, leg)| *leg).collect();
            let same: Vec<_> = same.iter().map(|(_, row)| *row).collect();
            match (self.stands_for(&same), group.is_empty()) {
                (Some(row), true) => rows_alone.push(row),
                (Some(row), false) => legs_alone.extend(self.pair(row, &group, MatchKey::NetworkReference)),
                (None, _) => self.taken.extend(group.iter().map(|leg| leg.sequence)),
            }
        }
        legs_alone.extend(groups.flatten().map(|(_, leg)| *leg));
        (rows_alone, legs_alone)
    }

    /// The row that stands for all rows of one key: the first, when the others say the same; none, when they do not.
    fn stands_for(&mut self, same: &[&'a Row]) -> Option<&'a Row> {
        let (&first, further) = same.split_first()?;
        let agree = further.iter().all(|row| says_the_same(first, row));
        let note = if agree {
            format!("says the same as line {}", first.line)
        } else {
            format!("has the key of line {} and says something else; no row of this key is matched", first.line)
        };
        for row in further {
            let draft = Draft::of_row(BreakCode::Duplicate, &self.bill.file, row);
            self.drafts.push(draft.noting(note.clone()));
        }
        agree.then_some(first)
    }

    /// Judges `row` by the legs of its key, those that stand first. Gives back legs of other payments, which the row does
    /// not show.
    fn pair(&mut self, row: &'a Row, group: &[&'a Leg], by: MatchKey) -> Vec<&'a Leg> {
        let leg = group[0];
        let is_of_it = |other: &&&Leg| {
            (other.facts.payment, other.facts.movement) == (leg.facts.payment, leg.facts.movement) || !other.stands()
        };
        let (shown, rest): (Vec<&Leg>, Vec<&Leg>) = group.iter().partition(|other| is_of_it(other));
        self.taken.extend(shown.iter().map(|leg| leg.sequence));
        let minor = total(leg, &shown);
        if let Some(before) = self.shown_by_other_date(leg) {
            let note = format!("line {} of another day's file shows the same", before.line);
            let draft = Draft::of_row(BreakCode::Duplicate, &self.bill.file, row).with_leg(leg, minor);
            self.drafts.push(draft.noting(note));
        } else {
            self.settle(row, leg, minor, by);
        }
        rest
    }

    fn settle(&mut self, row: &'a Row, leg: &'a Leg, minor: i64, by: MatchKey) {
        let verdict = judge(row, leg, minor);
        let break_of = |code| Draft::of_row(code, &self.bill.file, row).with_leg(leg, minor);
        let draft = match verdict {
            Verdict::Agree { fee_off } => {
                self.counts.fees_off_by_one = self.counts.fees_off_by_one.saturating_add(u64::from(fee_off));
                return self.agree(row, leg, by);
            }
            Verdict::Over => break_of(BreakCode::AmountOver).proving(more(leg)),
            Verdict::Short => break_of(BreakCode::AmountShort).proving(less(leg)),
            Verdict::Fee { event, expected } => {
                let note =
                    if event.is_none() { format!("the file's own rate gives {expected}") } else { String::new() };
                break_of(BreakCode::FeeDiff).with_fees(event, row.fee_minor).noting(note)
            }
            Verdict::Refused(RejectionCode::RefundExceeds) if leg.facts.kind == Step::Refunded.kind() => {
                break_of(BreakCode::RefundExceeds)
            }
            Verdict::Refused(code) => {
                let proof = if code == RejectionCode::EvidenceRequired { Proof::Leg } else { Proof::None };
                break_of(BreakCode::StatusLedgerFail)
                    .proving(proof)
                    .noting(format!("the ledger refused it: {}", code.name()))
            }
        };
        self.drafts.push(draft);
    }

    pub(crate) fn agree(&mut self, row: &'a Row, leg: &'a Leg, by: MatchKey) {
        self.counts.matched = self.counts.matched.saturating_add(1);
        let by_order = u64::from(by == MatchKey::MerchantOrder);
        self.counts.matched_by_order = self.counts.matched_by_order.saturating_add(by_order);
        let resolves = self.waiting.get(&Key::of_row(row)).copied();
        self.resolved.extend(resolves);
        let line = line_number(row.line);
        let before = self.past.row_of(self.bill.file.network, leg.sequence);
        if before.is_none_or(|before| before.file == self.bill.file.digest) {
            self.matches.push(Match { line, leg: leg.sequence, by, resolves });
        }
    }

    /// The row of another day's file that a leg was matched with.
    fn shown_by_other_date(&self, leg: &Leg) -> Option<BillRow> {
        let row = self.past.row_of(self.bill.file.network, leg.sequence)?;
        let (_, date) = self.past.file(&row.file)?;
        (date != self.bill.file.business_date).then_some(row)
    }

    fn look_at_other_dates(&mut self, rows: Vec<&'a Row>) -> Vec<&'a Row> {
        let mut alone = Vec::new();
        for row in rows {
            let mut group = self.legs_with_key(Key::of_row(row));
            group.sort_by_key(|leg| (!leg.stands(), leg.sequence));
            if group.is_empty() {
                alone.push(row);
            } else {
                self.pair(row, &group, MatchKey::NetworkReference);
            }
        }
        alone
    }

    /// Of any date.
    fn legs_with_key(&self, key: Key<'a>) -> Vec<&'a Leg> {
        let referring = self.legs.referring(self.bill.file.network, key.reference);
        referring.filter(|leg| Key::of_leg(leg, self.bill.writer) == Some(key)).collect()
    }

    /// Whether no row has shown the leg yet; what this very file has shown in an earlier run, it shows again.
    pub(crate) fn is_free(&self, leg: &Leg) -> bool {
        let before = self.past.row_of(self.bill.file.network, leg.sequence);
        !self.taken.contains(&leg.sequence) && before.is_none_or(|row| row.file == self.bill.file.digest)
    }

    /// Whether a row of another day's file stands against the leg in a break.
    pub(crate) fn is_disputed(&self, leg: &Leg) -> bool {
        let key = Key::of_leg(leg, self.bill.writer);
        key.is_some_and(|key| self.disputed.contains(&(key, leg.facts.payment)))
    }

    /// What earlier files have left open near their cut-off: ended by a leg that has come, or, after two files, a break of
    /// its own.
    fn carry(&mut self) {
        let (past, file) = (self.past, &self.bill.file);
        let open = past.open(file.network).filter(|finding| finding.code == BreakCode::Timing);
        for finding in open.filter(|finding| finding.business_date < file.business_date) {
            if self.resolved.contains(&finding.id) || self.ends(finding) {
                continue;
            }
            if past.files_since(finding.business_date, file) >= CARRIED_FILES {
                let code = if finding.row.is_some() { BreakCode::LedgerMissing } else { BreakCode::NetworkMissing };
                self.drafts.push(Draft::replacing(code, finding));
            }
        }
    }

    /// Whether a leg has come for the row of an earlier file.
    fn ends(&mut self, finding: &'a Finding) -> bool {
        let Some((row, key)) = finding.row.zip(key_of(finding, self.bill.writer)) else { return false };
        let found = self.legs_with_key(key).into_iter().find(|leg| leg.stands() && self.is_free(leg));
        let Some(leg) = found else { return false };
        self.taken.insert(leg.sequence);
        let file_minor = finding.file_minor.unwrap_or_default();
        let (code, proof) = match file_minor.cmp(&leg.facts.minor) {
            std::cmp::Ordering::Greater => (BreakCode::AmountOver, more(leg)),
            std::cmp::Ordering::Less => (BreakCode::AmountShort, less(leg)),
            std::cmp::Ordering::Equal => {
                self.counts.carried_matched = self.counts.carried_matched.saturating_add(1);
                let (by, resolves) = (MatchKey::NetworkReference, Some(finding.id));
                self.carried.push((row.file, Match { line: row.line, leg: leg.sequence, by, resolves }));
                return true;
            }
        };
        self.drafts.push(Draft::replacing(code, finding).with_leg(leg, leg.facts.minor).proving(proof));
        true
    }

    /// One row and one leg of the same order number, amount and kind, where the row's reference tells the ledger nothing.
    fn fall_back(&mut self, rows: Vec<&'a Row>, legs: &[&'a Leg]) -> Vec<&'a Row> {
        let free = legs.iter().copied().filter(|leg| self.is_free(leg));
        let mut legs: Vec<_> = free.filter_map(|leg| Some((OrderKey::of_leg(leg)?, leg))).collect();
        legs.sort_by_key(|&(key, leg)| (key, !leg.stands(), leg.sequence));
        let network = self.bill.file.network;
        let is_unknown = |row: &&Row| self.legs.referring(network, &row.reference).next().is_none();
        let (mut unknown, mut alone): (Vec<&Row>, Vec<&Row>) = rows.into_iter().partition(is_unknown);
        unknown.sort_by_key(|row| (OrderKey::of_row(row), row.line));
        for same in unknown.chunk_by(|a, b| OrderKey::of_row(a) == OrderKey::of_row(b)) {
            let key = OrderKey::of_row(same[0]);
            let start = legs.partition_point(|(other, _)| *other < key);
            let group = legs[start..].iter().take_while(|(other, _)| *other == key).map(|(_, leg)| *leg);
            match (same, only(group)) {
                (&[row], Some(leg)) if !key.order.is_empty() => {
                    self.pair(row, &[leg], MatchKey::MerchantOrder);
                }
                _ => alone.extend(same),
            }
        }
        alone
    }
}

/// The only one that stands, or the only one when none does.
fn only<'a>(group: impl Iterator<Item = &'a Leg>) -> Option<&'a Leg> {
    let group: Vec<_> = group.collect();
    let standing = group.partition_point(|leg| leg.stands());
    match (standing, group.as_slice()) {
        (1, [leg, ..]) | (0, [leg]) => Some(leg),
        _ => None,
    }
}

/// Evidence adds to a side what its own report had left out, so that several legs may be one row.
fn total(leg: &Leg, shown: &[&Leg]) -> i64 {
    if !leg.stands() {
        return leg.facts.minor;
    }
    shown.iter().filter(|leg| leg.stands()).fold(0, |sum: i64, leg| sum.saturating_add(leg.facts.minor))
}

/// A refund goes the other way. A reversal is of a whole leg: there is no part of it to book.
const fn more(leg: &Leg) -> Proof {
    let (payer, payee) = (leg.facts.payer, leg.facts.payee);
    match Step::of(leg.facts.kind) {
        Some(Step::Captured) => Proof::More { from: payer, to: payee },
        Some(Step::Refunded) => Proof::More { from: payee, to: payer },
        _ => Proof::None,
    }
}

const fn less(leg: &Leg) -> Proof {
    match Step::of(leg.facts.kind) {
        Some(Step::Captured | Step::Refunded) => Proof::Less,
        _ => Proof::None,
    }
}

const fn is_one_sided(code: BreakCode) -> bool {
    matches!(
        code,
        BreakCode::Timing
            | BreakCode::LegMissing
            | BreakCode::LedgerMissing
            | BreakCode::NetworkMissing
            | BreakCode::RefundOrphan
            | BreakCode::ReversalOrphan
    )
}

fn key_of(finding: &Finding, writer: bills::Network) -> Option<Key<'_>> {
    let step = Step::of(finding.kind?)?;
    Some(Key::new(step, finding.currency, &finding.network_reference, &finding.refund_reference, writer))
}

fn says_the_same(a: &Row, b: &Row) -> bool {
    Row { line: 0, ..a.clone() } == Row { line: 0, ..b.clone() }
}

/// A note is a sentence for a person, not a copy of the file.
fn cut(text: &str) -> String {
    text.chars().take(Fault::VALUE_CHARS_MAX.saturating_mul(2)).collect()
}

pub(crate) fn hex(digest: &FileDigest) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
