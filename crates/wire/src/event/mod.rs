//! Payment events, topics `payments.<network>`, and what was decided about them, topic `payments.rejected`.
//!
//! [`decode`] reads the bytes of a `hutong.event.v1.PaymentEvent` as they came, on the hot path: nothing is copied and
//! nothing allocated. It is stricter than protobuf and than the decoder that prost generates: whatever it accepts, any
//! protobuf decoder reads as the same fields, and what two decoders could read differently it refuses (a singular field
//! given twice, a number too large for its field, groups). Fields that it does not know are passed over, so that a network
//! may be ahead of us; they must be well-formed.
//!
//! It checks form only. What the values mean is for [`domain::report::Report::new`], whose input is
//! [`PaymentEventRef::submission`].

mod fields;

use domain::codes::CodeKind;
use domain::rejection::Quarantine;
use domain::report::{Evidence, Scan, Submission};
use thiserror::Error;

use fields::{Fields, Read};

crate::package!("event");

/// Longest record that is looked at. With every field at its documented length an event has about 900 bytes; the rest is
/// room for fields that are not known here. The length is checked before anything is read.
pub const EVENT_BYTES_MAX: usize = 4_096;

/// A payment event whose fields lie in the record it was read from. A field that was not sent has its type's zero, as
/// protobuf says; an enum number that is not known here is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of hutong.event.v1.PaymentEvent and documented there")]
pub struct PaymentEventRef<'a> {
    pub event_id: &'a [u8],
    pub payment_id: &'a [u8],
    pub reporting_network: &'a str,
    pub side: Option<v1::Side>,
    pub kind: Option<v1::Kind>,
    pub payer_network: &'a str,
    pub payee_network: &'a str,
    pub amount_minor: i64,
    pub currency_code: &'a str,
    pub network_reference: &'a str,
    pub occurred_at_micros: i64,
    pub business_date: i32,
    pub network_sequence: u64,
    pub merchant_fee_minor: Option<i64>,
    pub merchant_order_number: &'a str,
    pub merchant_id: &'a str,
    pub payer_institution: &'a str,
    pub payee_institution: &'a str,
    pub channel: &'a str,
    pub scan_mode: Option<v1::ScanMode>,
    pub code_kind: Option<v1::CodeKind>,
    pub trace_number: &'a str,
    pub refund_reference: &'a str,
    pub movement_id: &'a [u8],
    pub original_event_id: &'a [u8],
    pub region: &'a str,
    pub cohort: &'a str,
    pub reported_fees: Option<v1::InterNetworkFees>,
    pub evidence: Option<v1::Evidence>,
    pub bill_row: Option<BillRowRef<'a>>,
}

/// A `hutong.common.v1.BillRow` inside a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of hutong.common.v1.BillRow and documented there")]
pub struct BillRowRef<'a> {
    pub file_digest: &'a [u8],
    pub row_number: u32,
}

/// Why a record is not a payment event: where, and what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{} at byte {offset}: {reason}", place(*field, *inner))]
pub struct Undecodable {
    /// Number of the event's field; 0 when it could not be read.
    pub field: u32,
    /// Number of the field inside that field when it holds a message; else 0.
    pub inner: u32,
    /// Where the field begins in the record, counted from 0.
    pub offset: usize,
    /// What is wrong with it.
    pub reason: Reason,
}

/// What is wrong with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Reason {
    /// The record has more than [`EVENT_BYTES_MAX`] bytes.
    #[error("the record goes on, a payment event has at most {EVENT_BYTES_MAX} bytes")]
    TooLong,
    /// The record, or the message that the field is in, ends inside the field.
    #[error("ends before it is complete")]
    Truncated,
    /// A number of more than 64 bits.
    #[error("is a varint of more than 64 bits")]
    VarintTooLong,
    /// Field numbers run from 1 to 536,870,911.
    #[error("is no field number")]
    FieldNumber,
    /// Groups left protobuf with its second version.
    #[error("is a group")]
    Group,
    /// The field is of another type, or of none.
    #[error("has a wire type that it cannot have")]
    WireType,
    /// A field that an event has once.
    #[error("was already given")]
    Repeated,
    /// Text is UTF-8.
    #[error("is not UTF-8")]
    NotUtf8,
    /// The field's type is narrower than the number.
    #[error("is out of the range of its type")]
    OutOfRange,
}

impl Undecodable {
    /// The code that the record is quarantined with.
    #[must_use]
    pub const fn quarantine(&self) -> Quarantine {
        match self.reason {
            Reason::TooLong => Quarantine::RecordTooLong,
            _ => Quarantine::Undecodable,
        }
    }
}

fn place(field: u32, inner: u32) -> String {
    match (field, inner) {
        (0, _) => "a field".to_owned(),
        (field, 0) => format!("field {field}"),
        (field, inner) => format!("field {field}.{inner}"),
    }
}

/// Reads the value of a record on a payments topic.
///
/// # Errors
/// When it is not a well-formed payment event: see [`Reason`].
pub fn decode(record: &[u8]) -> Result<PaymentEventRef<'_>, Undecodable> {
    if record.len() > EVENT_BYTES_MAX {
        return Err(Undecodable { field: 0, inner: 0, offset: EVENT_BYTES_MAX, reason: Reason::TooLong });
    }
    let mut event = PaymentEventRef {
        side: Some(v1::Side::Unspecified),
        kind: Some(v1::Kind::Unspecified),
        scan_mode: Some(v1::ScanMode::Unspecified),
        code_kind: Some(v1::CodeKind::Unspecified),
        evidence: Some(v1::Evidence::Unspecified),
        ..PaymentEventRef::default()
    };
    let mut fields = Fields::new(record, 30);
    match payment_event(&mut fields, &mut event) {
        Ok(()) => Ok(event),
        Err(reason) => Err(fields.undecodable(reason)),
    }
}

#[inline(always)]
fn payment_event<'a>(fields: &mut Fields<'a>, event: &mut PaymentEventRef<'a>) -> Read<()> {
    while let Some(number) = fields.next()? {
        match number {
            1 => event.event_id = fields.bytes()?,
            2 => event.payment_id = fields.bytes()?,
            3 => event.reporting_network = fields.text()?,
            4 => event.side = v1::Side::try_from(fields.int32()?).ok(),
            5 => event.kind = v1::Kind::try_from(fields.int32()?).ok(),
            6 => event.payer_network = fields.text()?,
            7 => event.payee_network = fields.text()?,
            8 => event.amount_minor = fields.int64()?,
            9 => event.currency_code = fields.text()?,
            10 => event.network_reference = fields.text()?,
            11 => event.occurred_at_micros = fields.int64()?,
            12 => event.business_date = fields.int32()?,
            13 => event.network_sequence = fields.uint64()?,
            14 => event.merchant_fee_minor = Some(fields.sint64()?),
            15 => event.merchant_order_number = fields.text()?,
            16 => event.merchant_id = fields.text()?,
            17 => event.payer_institution = fields.text()?,
            18 => event.payee_institution = fields.text()?,
            19 => event.channel = fields.text()?,
            20 => event.scan_mode = v1::ScanMode::try_from(fields.int32()?).ok(),
            21 => event.code_kind = v1::CodeKind::try_from(fields.int32()?).ok(),
            22 => event.trace_number = fields.text()?,
            23 => event.refund_reference = fields.text()?,
            24 => event.movement_id = fields.bytes()?,
            25 => event.original_event_id = fields.bytes()?,
            26 => event.region = fields.text()?,
            27 => event.cohort = fields.text()?,
            28 => event.reported_fees = Some(fields.message(3, inter_network_fees)?),
            29 => event.evidence = v1::Evidence::try_from(fields.int32()?).ok(),
            30 => event.bill_row = Some(fields.message(2, bill_row)?),
            _ => fields.skip()?,
        }
    }
    Ok(())
}

fn inter_network_fees(fields: &mut Fields<'_>) -> Read<v1::InterNetworkFees> {
    let mut fees = v1::InterNetworkFees::default();
    while let Some(number) = fields.next()? {
        match number {
            1 => fees.interchange_minor = fields.sint64()?,
            2 => fees.payer_network_fee_minor = fields.sint64()?,
            3 => fees.payee_network_fee_minor = fields.sint64()?,
            _ => fields.skip()?,
        }
    }
    Ok(fees)
}

fn bill_row<'a>(fields: &mut Fields<'a>) -> Read<BillRowRef<'a>> {
    let mut row = BillRowRef::default();
    while let Some(number) = fields.next()? {
        match number {
            1 => row.file_digest = fields.bytes()?,
            2 => row.row_number = fields.uint32()?,
            _ => fields.skip()?,
        }
    }
    Ok(row)
}

impl<'a> PaymentEventRef<'a> {
    /// What the domain checks and judges. The rest of the event serves reconciliation and audit.
    #[must_use]
    pub fn submission(&self) -> Submission<'a> {
        Submission {
            event_id: self.event_id,
            payment_id: self.payment_id,
            movement_id: self.movement_id,
            network_reference: self.network_reference,
            refund_reference: self.refund_reference,
            network: self.reporting_network,
            side: self.side.and_then(v1::Side::domain),
            kind: self.kind.and_then(v1::Kind::domain),
            payer_network: self.payer_network,
            payee_network: self.payee_network,
            payer_institution: self.payer_institution,
            payee_institution: self.payee_institution,
            channel: self.channel,
            scan: self.scan(),
            code: self.code(),
            amount_minor: self.amount_minor,
            currency_code: self.currency_code,
            evidence: self.evidence(),
            region: self.region,
            cohort: self.cohort,
            occurred_at: self.occurred_at_micros,
            business_date: self.business_date,
        }
    }

    /// An authorisation must say who scanned, be it that nobody did. A capture must too when it comes without one, which
    /// cannot be seen here; on it, as on all later steps, silence means that nothing was scanned.
    fn scan(&self) -> Option<Scan> {
        match self.scan_mode? {
            v1::ScanMode::Unspecified if self.kind != Some(v1::Kind::Authorised) => Some(Scan::None),
            mode => mode.domain(),
        }
    }

    /// A kind of code that is newer than this program is a code that this program cannot recognise.
    fn code(&self) -> Option<CodeKind> {
        self.code_kind?.domain()
    }

    /// A row comes with the word that it is the evidence, and with no other.
    fn evidence(&self) -> Option<Evidence> {
        match (self.evidence?, self.bill_row) {
            (v1::Evidence::Unspecified, None) => Some(Evidence::None),
            (v1::Evidence::QueryAnswer, None) => Some(Evidence::QueryAnswer),
            (v1::Evidence::BillRow, Some(row)) => row.evidence(),
            _ => None,
        }
    }
}

impl BillRowRef<'_> {
    /// `None` unless the digest has 32 bytes and the row a number; rows are counted from 1.
    #[must_use]
    pub fn evidence(&self) -> Option<Evidence> {
        let file_digest = self.file_digest.try_into().ok()?;
        (self.row_number > 0).then(|| Evidence::BillRow { file_digest, row: self.row_number.into() })
    }
}
