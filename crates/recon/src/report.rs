//! What a run says: one JSON object for machines, whose names are a contract, and one line for people.

use std::fmt;

use domain::break_code::BreakCode;
use domain::clearing::{BillFile, ControlTotals, Finding};
use domain::ids::Id;
use domain::payment::Side;
use domain::rulebook::Rulebook;
use domain::time::Date;
use serde::Serialize;

use crate::draft::kind_word;
use crate::order::{Order, Outcome};
use crate::plan::{Counts, Plan, hex};

/// How a run ended, the worst last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Ledger and files agree.
    #[default]
    Clean,
    /// They were compared and differ.
    Breaks,
    /// A file was refused, or the ledger refused to record one: not everything was compared.
    Refused,
}

/// What a run did and found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The business date, `2026-11-22`.
    pub business_date: String,
    /// In one word.
    pub verdict: Verdict,
    /// Nothing was submitted.
    pub dry_run: bool,
    /// Files that were compared, in the order of their names.
    pub files: Vec<FileLine>,
    /// Files that were not.
    pub not_compared: Vec<Unread>,
    /// Every difference.
    pub breaks: Vec<BreakLine>,
    /// What was booked, or would have been, because of a break.
    pub bookings: Vec<BookingLine>,
}

/// One file.
#[derive(Clone, Debug, Serialize)]
pub struct FileLine {
    /// Its name.
    pub file: String,
    /// SHA-256, hexadecimal.
    pub digest: String,
    /// Whose.
    pub network: String,
    /// As recognised.
    pub layout: String,
    /// `matched`, `mismatched` or `absent`.
    pub control_totals: &'static str,
    /// Lines that are no rows.
    pub invalid_rows: u32,
    /// Of rows and legs.
    #[serde(flatten)]
    pub counts: Counts,
}

/// A file that was not compared.
#[derive(Clone, Debug, Serialize)]
pub struct Unread {
    /// Its name.
    pub file: String,
    /// Whether that makes the run incomplete; else it was set aside.
    pub refused: bool,
    /// Why.
    pub reason: String,
}

/// One difference, both sides beside each other; amounts in minor units.
#[derive(Clone, Debug, Serialize)]
#[expect(missing_docs, reason = "the fields are those of `domain::clearing::Finding` and documented there")]
pub struct BreakLine {
    pub break_id: String,
    pub code: &'static str,
    pub network: String,
    pub business_date: String,
    pub file_digest: Option<String>,
    pub line: Option<u32>,
    pub payment_id: Option<String>,
    pub movement_id: Option<String>,
    pub kind: &'static str,
    pub side: &'static str,
    pub network_reference: String,
    pub refund_reference: String,
    pub currency: String,
    pub ledger_minor: Option<i64>,
    pub file_minor: Option<i64>,
    pub note: String,
    pub replaces: Option<String>,
}

/// One booking that a row proves.
#[derive(Clone, Debug, Serialize)]
pub struct BookingLine {
    /// Because of which break.
    pub break_id: String,
    /// [`Order::name`].
    pub action: &'static str,
    /// Minor units.
    pub amount_minor: i64,
    /// `accepted`, `duplicate`, `not_submitted`, or the code of the ledger's refusal.
    pub outcome: String,
}

impl Report {
    pub(crate) fn new(business_date: Date) -> Self {
        Self {
            business_date: business_date.to_string(),
            verdict: Verdict::Clean,
            dry_run: false,
            files: Vec::new(),
            not_compared: Vec::new(),
            breaks: Vec::new(),
            bookings: Vec::new(),
        }
    }

    /// The JSON object.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("text, numbers and lists are JSON")
    }

    pub(crate) fn add_plan(&mut self, plan: &Plan, rules: &Rulebook) {
        self.files.push(file_line(&plan.file, plan.counts, rules));
        if plan.file.control_totals == ControlTotals::Mismatched {
            self.worsen(Verdict::Refused);
        }
        plan.findings.iter().for_each(|finding| self.add_break(finding, rules));
    }

    pub(crate) fn add_break(&mut self, finding: &Finding, rules: &Rulebook) {
        // A file that came again is news; what it changed is a break of its own.
        if finding.code != BreakCode::FileReplaced {
            self.worsen(Verdict::Breaks);
        }
        self.breaks.push(break_line(finding, rules));
    }

    pub(crate) fn add_booking(&mut self, order: &Order, outcome: Option<&Outcome>) {
        let (Order::Complete { break_id, amount, .. }
        | Order::HoldLong { break_id, amount, .. }
        | Order::ReturnToTransit { break_id, amount, .. }) = order
        else {
            return;
        };
        let outcome = match outcome {
            None => "not_submitted",
            Some(Outcome::Accepted) => "accepted",
            Some(Outcome::Duplicate) => "duplicate",
            Some(Outcome::Refused(code)) => code,
        };
        let (break_id, outcome) = (break_id.to_string(), outcome.to_owned());
        self.bookings.push(BookingLine { break_id, action: order.name(), amount_minor: amount.minor(), outcome });
    }

    pub(crate) fn add_unread(&mut self, file: String, refused: bool, reason: String) {
        if refused {
            self.worsen(Verdict::Refused);
        }
        self.not_compared.push(Unread { file, refused, reason });
    }

    pub(crate) fn worsen(&mut self, verdict: Verdict) {
        self.verdict = self.verdict.max(verdict);
    }
}

/// `2026-11-22: 3 files, 41 of 42 rows matched, 1 break, 0 bookings`.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sum =
            |of: fn(&Counts) -> u64| self.files.iter().fold(0_u64, |sum, file| sum.saturating_add(of(&file.counts)));
        let (matched, rows) = (sum(|counts| counts.matched), sum(|counts| counts.rows));
        let (files, breaks, bookings) = (self.files.len(), self.breaks.len(), self.bookings.len());
        write!(f, "{}: {}, {matched} of {rows} rows matched, ", self.business_date, count(files, "file"))?;
        write!(f, "{}, {}", count(breaks, "break"), count(bookings, "booking"))?;
        let refused = self.not_compared.iter().filter(|file| file.refused).count();
        if refused > 0 { write!(f, ", {} refused", count(refused, "file")) } else { Ok(()) }
    }
}

fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

fn file_line(file: &BillFile, counts: Counts, rules: &Rulebook) -> FileLine {
    FileLine {
        file: file.file_name.clone(),
        digest: hex(&file.digest),
        network: rules.network_name(file.network).to_owned(),
        layout: file.layout.clone(),
        control_totals: match file.control_totals {
            ControlTotals::Matched => "matched",
            ControlTotals::Mismatched => "mismatched",
            ControlTotals::Absent => "absent",
        },
        invalid_rows: file.invalid_rows,
        counts,
    }
}

fn break_line(finding: &Finding, rules: &Rulebook) -> BreakLine {
    let id = |id: Option<Id>| id.map(|id| id.to_string());
    BreakLine {
        break_id: finding.id.to_string(),
        code: finding.code.name(),
        network: rules.network_name(finding.network).to_owned(),
        business_date: finding.business_date.to_string(),
        file_digest: finding.row.map(|row| hex(&row.file)),
        line: finding.row.map(|row| row.line),
        payment_id: id(finding.payment),
        movement_id: id(finding.movement),
        kind: finding.kind.map_or("", kind_word),
        side: match finding.side {
            None => "",
            Some(Side::Payer) => "payer",
            Some(Side::Payee) => "payee",
            Some(Side::Both) => "both",
        },
        network_reference: finding.network_reference.clone(),
        refund_reference: finding.refund_reference.clone(),
        currency: finding.currency.to_string(),
        ledger_minor: finding.ledger_minor,
        file_minor: finding.file_minor,
        note: finding.note.clone(),
        replaces: id(finding.replaces),
    }
}
