//! Commands of the reconciliation worker: what it read, matched and found. They book nothing.

use domain::clearing::{BillFile, BillTotals, ControlTotals, Finding, Match, MatchKey, Order, Resolution};
use domain::ids::Sequence;
use domain::rejection::Quarantine;
use domain::report::REFERENCE_CHARS_MAX;

use super::form::{Form, Formed, known, malformed};
use super::{Asked, ENTRIES_MAX, v1};
use crate::common::v1::{BillTotals as SentTotals, ControlTotals as SentControl};
use crate::{common, event};

impl Form<'_> {
    pub(super) fn record_bill_file(&self, sent: &v1::RecordBillFile) -> Formed<Asked> {
        let control_totals = match self.choice("record_bill_file.control_totals", sent.control_totals)? {
            SentControl::Matched => ControlTotals::Matched,
            SentControl::Mismatched => ControlTotals::Mismatched,
            SentControl::Absent => ControlTotals::Absent,
            SentControl::Unspecified => {
                return malformed("record_bill_file.control_totals", Quarantine::MissingField);
            }
        };
        let file = BillFile {
            network: self.network("record_bill_file.network", &sent.network)?,
            business_date: self.business_date("record_bill_file.business_date", sent.business_date)?,
            digest: self.digest("record_bill_file.digest", &sent.digest)?,
            file_name: self.text("record_bill_file.file_name", &sent.file_name, 200)?,
            layout: self.text("record_bill_file.layout", &sent.layout, 100)?,
            totals: self.totals(sent.totals.as_ref())?,
            control_totals,
            invalid_rows: sent.invalid_row_count,
        };
        Ok(Order::RecordFile(file).into())
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

    pub(super) fn record_matches(&self, sent: &v1::RecordMatches) -> Formed<Asked> {
        self.check_count("record_matches.matches", sent.matches.len())?;
        let file = self.digest("record_matches.file_digest", &sent.file_digest)?;
        let matches = sent.matches.iter().map(|entry| self.matched(entry)).collect::<Formed<_>>()?;
        Ok(Order::RecordMatches { file, matches }.into())
    }

    fn matched(&self, sent: &v1::Match) -> Formed<Match> {
        if sent.row_number == 0 {
            return malformed("record_matches.matches.row_number", Quarantine::MissingField);
        }
        if sent.leg_sequence == 0 {
            return malformed("record_matches.matches.leg_sequence", Quarantine::MissingField);
        }
        Ok(Match {
            line: sent.row_number,
            leg: Sequence(sent.leg_sequence),
            by: match self.choice("record_matches.matches.matched_by", sent.matched_by)? {
                v1::MatchKey::NetworkReference => MatchKey::NetworkReference,
                v1::MatchKey::MerchantOrder => MatchKey::MerchantOrder,
                v1::MatchKey::Unspecified => {
                    return malformed("record_matches.matches.matched_by", Quarantine::MissingField);
                }
            },
            resolves: self.id_if_any("record_matches.matches.resolves_break_id", &sent.resolves_break_id)?,
        })
    }

    pub(super) fn record_breaks(&self, sent: &v1::RecordBreaks) -> Formed<Asked> {
        self.check_count("record_breaks.findings", sent.findings.len())?;
        let findings = sent.findings.iter().map(|finding| self.finding(finding)).collect::<Formed<_>>()?;
        Ok(Order::RecordBreaks(findings).into())
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
        let reference =
            |field, text: &str| self.text_if_any(field, text, REFERENCE_CHARS_MAX).map(Option::unwrap_or_default);
        Ok(Finding {
            id: self.id("record_breaks.findings.break_id", &sent.break_id)?,
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

    pub(super) fn resolve_break(&self, sent: &v1::ResolveBreak) -> Formed<Asked> {
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
        let order = Order::ResolveBreak {
            id: self.id("resolve_break.break_id", &sent.break_id)?,
            resolution,
            note: self.text("resolve_break.note", &sent.note, 500)?,
        };
        Ok(order.into())
    }
}
