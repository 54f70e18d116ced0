//! Reads UnionPay's fixed-width list of a merchant's transactions. Fields are slices of bytes: a name in GBK has half as many
//! characters. Signs are the merchant's: `C` is received, `D` is paid.

use std::io::BufRead;

use domain::money::{Amount, CNY, ParseMoneyError};
use domain::time::{Date, Timestamp};

use crate::document::Document;
use crate::layouts::{Field, zm};
use crate::text::{Charset, Line, Lines, at, digits};
use crate::{Error, Fault, Kind, Network, Reason, Row, Sink, Summary};

/// Whether the beginning of a file looks like a record, even a truncated one.
pub(crate) fn is_record(head: &[u8]) -> bool {
    let digits_at = |field: &Field| slice(head, field).is_some_and(|bytes| bytes.iter().all(u8::is_ascii_digit));
    let first_line = head.split(|byte| *byte == b'\n').next().unwrap_or(head);
    head.get(zm::CODE.width) == Some(&b' ')
        && digits_at(&zm::SENT)
        && digits_at(&zm::AMOUNT)
        && (digits_at(&zm::REFERENCE) || first_line.trim_ascii_end().len() == zm::RECORD_BYTES)
}

pub(crate) fn read(input: impl BufRead, each: Sink<'_>) -> Result<Document, Error> {
    let mut lines = Lines::new(input);
    let mut summary = Summary::new(Network::Unionpay, zm::NAME);
    while let Some(line) = lines.next()? {
        if line.is_blank() {
            continue;
        }
        let item = row(line);
        summary.fold(&item);
        each(item);
    }
    Ok(Document::Bill(summary))
}

fn row(line: Line<'_>) -> Result<Row, Fault> {
    let found = line.bytes.len();
    if found != zm::RECORD_BYTES {
        return Err(line.fault(Reason::Length { found, expected: zm::RECORD_BYTES }));
    }
    let record = Record { line };
    let kind = record.kind()?;
    let reference = record.digits(&zm::REFERENCE)?;
    let amount = record.amount()?;
    // The fee is printed as money of the merchant, so what is charged has a D.
    let fee_minor = record.signed(&zm::FEE)?.saturating_neg();
    let settled = record.signed(&zm::SETTLED)?;
    record.check_identity(kind, amount, fee_minor, settled)?;
    Ok(Row {
        network: Network::Unionpay,
        kind,
        at: record.sent(&reference)?,
        reference,
        refund_reference: None,
        original_reference: record.original()?,
        merchant: record.required(&zm::MERCHANT)?,
        order: record.text(&zm::ORDER)?,
        trace: Some(record.digits(&zm::TRACE)?),
        amount,
        ordered_minor: None,
        fee_minor,
        fee_rate: None,
        settled_minor: Some(settled),
        status: record.text(&zm::CODE)?,
        line: line.number,
    })
}

fn slice<'a>(bytes: &'a [u8], field: &Field) -> Option<&'a [u8]> {
    bytes.get(field.offset..field.offset.checked_add(field.width)?)
}

struct Record<'a> {
    line: Line<'a>,
}

impl Record<'_> {
    fn fault(&self, field: &Field, reason: impl Into<Reason>) -> Fault {
        let value = String::from_utf8_lossy(slice(self.line.bytes, field).unwrap_or(&[])).into_owned();
        Fault::new(self.line.number, field.name, &value, reason)
    }

    fn text(&self, field: &Field) -> Result<String, Fault> {
        let bytes = slice(self.line.bytes, field).unwrap_or(&[]);
        let behind = field.offset.saturating_add(field.width);
        if self.line.bytes.get(behind) != Some(&b' ') {
            return Err(self.fault(field, Reason::Shifted));
        }
        let text = Charset::Gbk.decode(bytes).map_err(|valid| {
            let offset = self.line.offset_of(field.offset.saturating_add(valid));
            self.fault(field, Reason::Charset { offset, charset: Charset::Gbk })
        })?;
        Ok(text.trim_matches(' ').to_owned())
    }

    fn required(&self, field: &Field) -> Result<String, Fault> {
        let text = self.text(field)?;
        if text.is_empty() { Err(self.fault(field, Reason::Empty)) } else { Ok(text) }
    }

    fn digits(&self, field: &Field) -> Result<String, Fault> {
        let text = self.text(field)?;
        digits(&text, field.width).map(str::to_owned).ok_or_else(|| self.fault(field, Reason::NotDigits(field.width)))
    }

    /// Blank or zeros where there is no original.
    fn original(&self) -> Result<Option<String>, Fault> {
        let text = self.text(&zm::ORIGINAL)?;
        Ok(Some(text).filter(|text| text.bytes().any(|byte| byte != b'0')))
    }

    fn kind(&self) -> Result<Kind, Fault> {
        let code = self.text(&zm::KIND)?;
        let known = zm::KINDS.iter().find(|(known, _)| *known == code);
        known.map(|(_, kind)| *kind).ok_or_else(|| self.fault(&zm::KIND, Reason::UnknownKind))
    }

    fn amount(&self) -> Result<Amount, Fault> {
        let minor =
            self.digits(&zm::AMOUNT)?.parse().map_err(|_| self.fault(&zm::AMOUNT, ParseMoneyError::OutOfRange))?;
        Amount::new(minor, CNY).ok_or_else(|| self.fault(&zm::AMOUNT, Reason::Negative))
    }

    /// Positive to the merchant.
    fn signed(&self, field: &Field) -> Result<i64, Fault> {
        let text = self.text(field)?;
        let magnitude = |rest: &str| digits(rest, 12).and_then(|rest| rest.parse::<i64>().ok());
        let signed = match text.as_bytes().first() {
            Some(b'C') => magnitude(&text[1..]),
            Some(b'D') => magnitude(&text[1..]).map(i64::saturating_neg),
            _ => None,
        };
        signed.ok_or_else(|| self.fault(field, Reason::NotSigned))
    }

    fn check_identity(&self, kind: Kind, amount: Amount, fee: i64, settled: i64) -> Result<(), Fault> {
        let gross = if kind == Kind::Payment { amount.minor() } else { amount.minor().saturating_neg() };
        // Twelve digits each: far from the range of an i64.
        let expected = gross.saturating_sub(fee);
        if settled == expected { Ok(()) } else { Err(self.fault(&zm::SETTLED, Reason::Identity { expected })) }
    }

    /// The time of sending has no year. It is the year that brings it nearest to the query number's, which matters in the
    /// night to New Year, when the two stand on different sides.
    fn sent(&self, reference: &str) -> Result<Timestamp, Fault> {
        let sent = self.digits(&zm::SENT)?;
        let clock = |text: &str| -> [String; 3] { [0, 2, 4].map(|from| text[from..].chars().take(2).collect()) };
        let instant = |date: Date, [h, m, s]: &[String; 3]| at(date, [h, m, s]);
        let not_a_time = || self.fault(&zm::REFERENCE, Reason::NotATime);
        let query_date = Date::parse_compact(&reference[..8]).ok_or_else(not_a_time)?;
        let query = instant(query_date, &clock(&reference[8..14])).ok_or_else(not_a_time)?;
        let sent_clock = clock(&sent[4..]);
        let (year, _, _) = query_date.ymd();
        (year.saturating_sub(1)..=year.saturating_add(1))
            .filter_map(|year| instant(Date::parse_compact(&format!("{year:04}{}", &sent[..4]))?, &sent_clock))
            .min_by_key(|at| at.micros_since(query).unsigned_abs())
            .ok_or_else(|| self.fault(&zm::SENT, Reason::NotATime))
    }
}
