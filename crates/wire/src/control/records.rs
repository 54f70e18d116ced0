//! Commands of the reconciliation worker: what it read, matched and found. They book nothing.

use domain::break_code::BreakCode;
use domain::ids::{Id, Network, Sequence};
use domain::money::Currency;
use domain::payment::Side;
use domain::rejection::Quarantine;
use domain::report::{Evidence, Kind};
use domain::time::Date;

use super::form::{Form, Formed, known, malformed};
use super::{ENTRIES_MAX, Instruction, v1};
use crate::common::v1::{BillTotals as SentTotals, ControlTotals};
use crate::{common, event};

/// A bill file that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillFile {
    /// Whose books it shows.
    pub network: Network,
    /// That network's business date.
    pub business_date: Date,
    /// SHA-256 of the bytes as received.
    pub digest: [u8; 32],
    /// Without its directory.
    pub file_name: String,
    /// The layout it was recognised as.
    pub layout: String,
    /// What its rows add up to.
    pub totals: BillTotals,
    /// Whether its own totals agree.
    pub control_totals: ControlTotals,
    /// Rows that could not be read.
    pub invalid_rows: u32,
}

/// What the rows of a bill file add up to; sums in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BillTotals {
    /// Of all sums.
    pub currency: Currency,
    /// Data rows.
    pub rows: u32,
    /// Rows that are payments.
    pub payments: u32,
    /// Their sum, not negative.
    pub payments_minor: i64,
    /// Rows that are refunds, voids or reversals.
    pub refunds: u32,
    /// Their sum, not negative.
    pub refunds_minor: i64,
    /// Merchant fees; negative when more went back.
    pub fees_minor: i64,
}

/// A row and the leg that it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Match {
    /// The row, counted from 1.
    pub row: u32,
    /// The event that reported the leg.
    pub leg: Sequence,
    /// What the two were found by; never unspecified.
    pub matched_by: v1::MatchKey,
    /// The break that this match ends.
    pub resolves: Option<Id>,
}

/// A difference between the ledger and a network's books.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Made from what it is about.
    pub break_id: Id,
    /// What kind of difference.
    pub code: BreakCode,
    /// Whose books differ, or who is silent.
    pub network: Network,
    /// That network's business date.
    pub business_date: Date,
    /// The row that shows it.
    pub row: Option<Evidence>,
    /// The payment, when it is known.
    pub payment: Option<Id>,
    /// The refund or dispute, when it is about one.
    pub movement: Option<Id>,
    /// The kind of step, when known.
    pub kind: Option<Kind>,
    /// The side, when known.
    pub side: Option<Side>,
    /// The network's reference; may be empty.
    pub network_reference: String,
    /// The network's refund number; may be empty.
    pub refund_reference: String,
    /// Of both amounts.
    pub currency: Currency,
    /// Minor units as the ledger has it.
    pub ledger_minor: Option<i64>,
    /// Minor units as the file has it.
    pub file_minor: Option<i64>,
    /// One sentence; may be empty.
    pub note: String,
    /// The break that it takes the place of.
    pub replaces: Option<Id>,
}

/// How a person says that a break ended. The other endings are the ledger's to set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// A later file or event agrees.
    MatchedLater,
    /// The network undid what the ledger had refused.
    UndoneByNetwork,
    /// The network corrected its file.
    FileCorrected,
    /// Looked at and left as it is.
    Accepted,
}

impl Form<'_> {
    pub(super) fn record_bill_file(&self, sent: &v1::RecordBillFile) -> Formed<Instruction> {
        let control_totals = self.choice("record_bill_file.control_totals", sent.control_totals)?;
        Ok(Instruction::RecordBillFile(BillFile {
            network: self.network("record_bill_file.network", &sent.network)?,
            business_date: self.business_date("record_bill_file.business_date", sent.business_date)?,
            digest: self.digest("record_bill_file.digest", &sent.digest)?,
            file_name: self.text("record_bill_file.file_name", &sent.file_name, 200)?,
            layout: self.text("record_bill_file.layout", &sent.layout, 100)?,
            totals: self.totals(sent.totals.as_ref())?,
            control_totals,
            invalid_rows: sent.invalid_row_count,
        }))
    }

    fn totals(&self, sent: Option<&SentTotals>) -> Formed<BillTotals> {
        let Some(sent) = sent else { return malformed("record_bill_file.totals", Quarantine::MissingField) };
        if sent.payments_minor < 0 || sent.refunds_minor < 0 {
            return malformed("record_bill_file.totals", Quarantine::InvalidField);
        }
        Ok(BillTotals {
            currency: self.currency("record_bill_file.totals.currency_code", &sent.currency_code)?,
            rows: sent.row_count,
            payments: sent.payment_count,
            payments_minor: sent.payments_minor,
            refunds: sent.refund_count,
            refunds_minor: sent.refunds_minor,
            fees_minor: sent.fees_minor,
        })
    }

    fn check_count(&self, field: &'static str, count: usize) -> Formed<()> {
        match count {
            0 => malformed(field, Quarantine::MissingField),
            1..=ENTRIES_MAX => Ok(()),
            _ => malformed(field, Quarantine::InvalidField),
        }
    }

    pub(super) fn record_matches(&self, sent: &v1::RecordMatches) -> Formed<Instruction> {
        self.check_count("record_matches.matches", sent.matches.len())?;
        let file_digest = self.digest("record_matches.file_digest", &sent.file_digest)?;
        let matches = sent.matches.iter().map(|entry| self.matched(entry)).collect::<Formed<_>>()?;
        Ok(Instruction::RecordMatches { file_digest, matches })
    }

    fn matched(&self, sent: &v1::Match) -> Formed<Match> {
        if sent.row_number == 0 {
            return malformed("record_matches.matches.row_number", Quarantine::MissingField);
        }
        if sent.leg_sequence == 0 {
            return malformed("record_matches.matches.leg_sequence", Quarantine::MissingField);
        }
        Ok(Match {
            row: sent.row_number,
            leg: Sequence(sent.leg_sequence),
            matched_by: self.choice("record_matches.matches.matched_by", sent.matched_by)?,
            resolves: self.id_if_any("record_matches.matches.resolves_break_id", &sent.resolves_break_id)?,
        })
    }

    pub(super) fn record_breaks(&self, sent: &v1::RecordBreaks) -> Formed<Instruction> {
        self.check_count("record_breaks.findings", sent.findings.len())?;
        let findings = sent.findings.iter().map(|finding| self.finding(finding)).collect::<Formed<_>>()?;
        Ok(Instruction::RecordBreaks(findings))
    }

    fn finding(&self, sent: &v1::BreakFinding) -> Formed<Finding> {
        const ROW: &str = "record_breaks.findings.bill_row";
        let code: common::v1::BreakCode = self.choice("record_breaks.findings.code", sent.code)?;
        let Some(code) = code.domain() else {
            return malformed("record_breaks.findings.code", Quarantine::MissingField);
        };
        let kind = self.if_set::<event::v1::Kind>("record_breaks.findings.kind", sent.kind)?;
        let side = self.if_set::<event::v1::Side>("record_breaks.findings.side", sent.side)?;
        let note = self.text_if_any("record_breaks.findings.note", &sent.note, 500)?;
        let reference = |field, text: &str| self.text_if_any(field, text, 64).map(Option::unwrap_or_default);
        Ok(Finding {
            break_id: self.id("record_breaks.findings.break_id", &sent.break_id)?,
            code,
            network: self.network("record_breaks.findings.network", &sent.network)?,
            business_date: self.business_date("record_breaks.findings.business_date", sent.business_date)?,
            row: sent.bill_row.as_ref().map(|row| self.bill_row(ROW, Some(row))).transpose()?,
            payment: self.id_if_any("record_breaks.findings.payment_id", &sent.payment_id)?,
            movement: self.id_if_any("record_breaks.findings.movement_id", &sent.movement_id)?,
            kind: kind.and_then(event::v1::Kind::domain),
            side: side.and_then(event::v1::Side::domain),
            network_reference: reference("record_breaks.findings.network_reference", &sent.network_reference)?,
            refund_reference: reference("record_breaks.findings.refund_reference", &sent.refund_reference)?,
            currency: self.currency("record_breaks.findings.currency_code", &sent.currency_code)?,
            ledger_minor: sent.ledger_minor,
            file_minor: sent.file_minor,
            note: note.unwrap_or_default(),
            replaces: self.id_if_any("record_breaks.findings.replaces_break_id", &sent.replaces_break_id)?,
        })
    }

    fn if_set<E: TryFrom<i32>>(&self, field: &'static str, number: i32) -> Formed<Option<E>> {
        match (number, known(number)) {
            (0, _) => Ok(None),
            (_, Some(value)) => Ok(Some(value)),
            (_, None) => malformed(field, Quarantine::InvalidField),
        }
    }

    pub(super) fn resolve_break(&self, sent: &v1::ResolveBreak) -> Formed<Instruction> {
        use v1::BreakResolution as Sent;
        const FIELD: &str = "resolve_break.resolution";
        let resolution = match self.choice(FIELD, sent.resolution)? {
            Sent::MatchedLater => Resolution::MatchedLater,
            Sent::UndoneByNetwork => Resolution::UndoneByNetwork,
            Sent::FileCorrected => Resolution::FileCorrected,
            Sent::Accepted => Resolution::Accepted,
            Sent::Booked | Sent::Withdrawn | Sent::Replaced => return malformed(FIELD, Quarantine::InvalidField),
            Sent::Unspecified => return malformed(FIELD, Quarantine::MissingField),
        };
        Ok(Instruction::ResolveBreak {
            break_id: self.id("resolve_break.break_id", &sent.break_id)?,
            resolution,
            note: self.text("resolve_break.note", &sent.note, 500)?,
        })
    }
}
