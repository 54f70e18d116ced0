//! What one network says about one payment. A report is made from a submission (text and numbers as they came) by checks
//! in a fixed order; what fails them is not a report of anything and is quarantined byte for byte. From here on names are
//! numbers, amounts are positive where the kind has one, and the reporter speaks for the side it names.
//!
//! Order: time bounds first, then presence, identifiers, references, parties, amount, code.

use crate::codes::{CodeKind, Presenter};
use crate::ids::{Id, Name, Network};
use crate::money::Currency;
use crate::payment::Side;
use crate::rejection::Quarantine;
use crate::rulebook::Rulebook;
use crate::time::{Date, Timestamp};

/// Most characters of a network's reference. A longer one could stand in no record of a break, and its row would be lost.
pub const REFERENCE_CHARS_MAX: usize = 64;

/// What happened, in the words of the network that reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The payer's network holds the amount; asks for acceptance.
    Authorised,
    /// One side's books show the payment.
    Captured,
    /// An authorisation was given up before it was captured.
    Voided,
    /// An authorisation ran out.
    Expired,
    /// 掉单: the network does not know what became of its request.
    UnknownOutcome,
    /// One side's books show a refund.
    Refunded,
    /// 冲正 or 撤销: one side undid its whole leg; with a movement, it withdraws that refund.
    Reversed,
    /// 退单: the payer's side disputes an amount.
    Disputed,
    /// The payee's side won.
    DisputeWon,
    /// The payee's side lost.
    DisputeLost,
}

impl Kind {
    /// The word of the contracts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Authorised => "AUTHORISED",
            Self::Captured => "CAPTURED",
            Self::Voided => "VOIDED",
            Self::Expired => "EXPIRED",
            Self::UnknownOutcome => "UNKNOWN_OUTCOME",
            Self::Refunded => "REFUNDED",
            Self::Reversed => "REVERSED",
            Self::Disputed => "DISPUTED",
            Self::DisputeWon => "DISPUTE_WON",
            Self::DisputeLost => "DISPUTE_LOST",
        }
    }

    const fn has_amount(self) -> bool {
        !matches!(self, Self::Voided | Self::Expired | Self::UnknownOutcome)
    }

    /// Whether a row of the network's bill file shows it, which only the network's reference can match.
    const fn has_row(self) -> bool {
        matches!(self, Self::Captured | Self::Refunded | Self::Reversed)
    }

    const fn has_movement(self) -> bool {
        matches!(self, Self::Refunded | Self::Disputed | Self::DisputeWon | Self::DisputeLost)
    }
}

/// Who scanned whose code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scan {
    /// Nobody: an order, a link, a channel's checkout.
    None,
    /// 主扫: the payer scanned the payee's code.
    PayerScans,
    /// 被扫: the merchant scanned the payer's code.
    MerchantScans,
}

/// On what the report rests beside the network's word at the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// Nothing else.
    None,
    /// 查询: the network answered a query.
    QueryAnswer,
    /// A row of the network's bill file.
    BillRow {
        /// SHA-256 of the file.
        file_digest: [u8; 32],
        /// Row number in it, counted from 1.
        row: u64,
    },
}

/// A payment event as it came off the wire: nothing is checked yet beyond its being decodable.
#[derive(Clone, Copy, Debug)]
pub struct Submission<'a> {
    /// 16 bytes.
    pub event_id: &'a [u8],
    /// 16 bytes; the record's key is the same.
    pub payment_id: &'a [u8],
    /// 16 bytes for refunds and disputes, otherwise empty.
    pub movement_id: &'a [u8],
    /// The network's own number of this transaction, as its bill file prints it.
    pub network_reference: &'a str,
    /// The network's own number of this refund, as its bill file prints it.
    pub refund_reference: &'a str,
    /// Reporting network by name.
    pub network: &'a str,
    /// Whom it speaks for.
    pub side: Option<Side>,
    /// What happened; `None` when the wire had no such kind.
    pub kind: Option<Kind>,
    /// Payer's network by name.
    pub payer_network: &'a str,
    /// Payee's network by name.
    pub payee_network: &'a str,
    /// Payer's institution, may be empty.
    pub payer_institution: &'a str,
    /// Payee's institution, may be empty.
    pub payee_institution: &'a str,
    /// Channel, may be empty.
    pub channel: &'a str,
    /// Who scanned; `None` when the wire had no such mode.
    pub scan: Option<Scan>,
    /// What the code was recognised as.
    pub code: Option<CodeKind>,
    /// Minor units.
    pub amount_minor: i64,
    /// ISO 4217.
    pub currency_code: &'a str,
    /// `None` when the wire had no such evidence or a digest of the wrong size.
    pub evidence: Option<Evidence>,
    /// For pilots, may be empty.
    pub region: &'a str,
    /// For pilots, may be empty.
    pub cohort: &'a str,
    /// Microseconds since the epoch.
    pub occurred_at: i64,
    /// As a number yyyymmdd; 0 when not given.
    pub business_date: i32,
}

/// One network's report, checked for form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// Unique for its network.
    pub event: Id,
    /// Who reports.
    pub network: Network,
    /// Whom it speaks for; a side is one of the original payment.
    pub side: Side,
    /// The original payment.
    pub payment: Id,
    /// The refund or dispute concerned; the same on both networks.
    pub movement: Option<Id>,
    /// What happened.
    pub kind: Kind,
    /// Payer's network of the original payment.
    pub payer: Network,
    /// Payee's network of the original payment.
    pub payee: Network,
    /// Payer's institution or [`Name::NONE`].
    pub payer_institution: Name,
    /// Payee's institution or [`Name::NONE`].
    pub payee_institution: Name,
    /// Channel or [`Name::NONE`].
    pub channel: Name,
    /// Who scanned.
    pub scan: Scan,
    /// What the code was recognised as; `None`: not recognised, or nothing was scanned.
    pub code: Option<CodeKind>,
    /// Minor units; above zero where the kind has an amount.
    pub minor: i64,
    /// Counted in.
    pub currency: Currency,
    /// What it rests on.
    pub evidence: Evidence,
    /// For pilots.
    pub region: Name,
    /// For pilots.
    pub cohort: Name,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// The reporting network's business date.
    pub business_date: Date,
}

impl Report {
    /// Checks `submission` in the documented order. `arrived_at` is the time the record was put on its topic, never the
    /// machine's clock, so that a day published again is judged alike.
    ///
    /// # Errors
    /// The first check that fails, as the code the record is quarantined with.
    pub fn new(submission: &Submission<'_>, arrived_at: Timestamp, rules: &Rulebook) -> Result<Self, Quarantine> {
        let occurred_at = within_bounds(submission.occurred_at, arrived_at, rules)?;
        let (event, payment) = (id(submission.event_id)?, id(submission.payment_id)?);
        let (Some(side), Some(kind)) = (submission.side, submission.kind) else { return Err(Quarantine::MissingField) };
        let movement = movement(submission.movement_id, kind)?;
        check_reference(submission.network_reference, kind.has_row())?;
        if !submission.network_reference.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return Err(Quarantine::InvalidField);
        }
        check_reference(submission.refund_reference, kind == Kind::Refunded)?;
        let reporter = network(submission.network, rules)?;
        let (payer, payee) = (network(submission.payer_network, rules)?, network(submission.payee_network, rules)?);
        let currency = Currency::from_code(submission.currency_code).filter(|c| rules.currency(*c).is_some());
        let report = Self {
            event,
            network: reporter,
            side,
            payment,
            movement,
            kind,
            payer,
            payee,
            payer_institution: name(submission.payer_institution)?,
            payee_institution: name(submission.payee_institution)?,
            channel: name(submission.channel)?,
            scan: submission.scan.ok_or(Quarantine::InvalidField)?,
            code: submission.code,
            minor: submission.amount_minor,
            currency: currency.ok_or(Quarantine::UnknownCurrency)?,
            evidence: submission.evidence.ok_or(Quarantine::InvalidField)?,
            region: name(submission.region)?,
            cohort: name(submission.cohort)?,
            occurred_at,
            business_date: business_date(submission.business_date, reporter, occurred_at, rules)?,
        };
        report.check_parties()?;
        report.check_amount()?;
        report.check_code(rules)?;
        Ok(report)
    }

    fn check_parties(&self) -> Result<(), Quarantine> {
        if self.payer == self.payee {
            return Err(Quarantine::SameNetwork);
        }
        let speaks_for_side = match self.side {
            Side::Payer => self.network == self.payer,
            Side::Payee => self.network == self.payee,
            Side::Both => self.network == self.payer || self.network == self.payee,
        };
        if speaks_for_side { Ok(()) } else { Err(Quarantine::WrongReporter) }
    }

    fn check_amount(&self) -> Result<(), Quarantine> {
        let allowed = if self.kind.has_amount() { self.minor > 0 } else { self.minor >= 0 };
        if allowed { Ok(()) } else { Err(Quarantine::AmountNotPositive) }
    }

    /// Whether it has the amount and the movement that its kind needs. A report off the wire always has; one that stands for
    /// a bill row is made elsewhere.
    pub(crate) const fn is_whole(&self) -> bool {
        (self.minor > 0 || !self.kind.has_amount()) && (self.movement.is_some() || !self.kind.has_movement())
    }

    /// A code of another network than the one that shows it contradicts the event; no recognised code at all is for the
    /// verdict to say.
    fn check_code(&self, rules: &Rulebook) -> Result<(), Quarantine> {
        let (Some(code), Some(presenter)) = (self.code, self.scan.presenter()) else { return Ok(()) };
        let shown_by = match presenter {
            Presenter::Payee => self.payee,
            Presenter::Payer => self.payer,
        };
        let agrees = code.presenter() == presenter && rules.network_name(shown_by) == code.network();
        if agrees { Ok(()) } else { Err(Quarantine::CodeOfOtherNetwork) }
    }
}

impl Scan {
    /// Who shows the code.
    #[must_use]
    pub const fn presenter(self) -> Option<Presenter> {
        match self {
            Self::None => None,
            Self::PayerScans => Some(Presenter::Payee),
            Self::MerchantScans => Some(Presenter::Payer),
        }
    }
}

fn within_bounds(micros: i64, arrived_at: Timestamp, rules: &Rulebook) -> Result<Timestamp, Quarantine> {
    let occurred_at = Timestamp::from_micros(micros);
    if arrived_at.micros_since(occurred_at) > rules.event_age_max {
        return Err(Quarantine::EventTooOld);
    }
    if occurred_at.micros_since(arrived_at) > rules.event_ahead_max {
        return Err(Quarantine::EventFromFuture);
    }
    Ok(occurred_at)
}

fn id(bytes: &[u8]) -> Result<Id, Quarantine> {
    if bytes.is_empty() {
        return Err(Quarantine::MissingField);
    }
    Id::from_bytes(bytes).ok_or(Quarantine::InvalidField)
}

fn movement(bytes: &[u8], kind: Kind) -> Result<Option<Id>, Quarantine> {
    match (bytes.is_empty(), kind.has_movement()) {
        (true, true) => Err(Quarantine::MissingField),
        (true, false) => Ok(None),
        (false, true) => id(bytes).map(Some),
        (false, false) if kind == Kind::Reversed => id(bytes).map(Some),
        (false, false) => Err(Quarantine::InvalidField),
    }
}

fn check_reference(text: &str, is_needed: bool) -> Result<(), Quarantine> {
    match text.chars().count() {
        0 if is_needed => Err(Quarantine::MissingField),
        0..=REFERENCE_CHARS_MAX => Ok(()),
        _ => Err(Quarantine::InvalidField),
    }
}

fn network(name: &str, rules: &Rulebook) -> Result<Network, Quarantine> {
    if name.is_empty() {
        return Err(Quarantine::MissingField);
    }
    rules.network(name).ok_or(Quarantine::UnknownNetworkNamed)
}

fn name(text: &str) -> Result<Name, Quarantine> {
    Name::new(text).ok_or(Quarantine::InvalidField)
}

fn business_date(given: i32, network: Network, at: Timestamp, rules: &Rulebook) -> Result<Date, Quarantine> {
    if given != 0 {
        return u32::try_from(given).ok().and_then(date_from_number).ok_or(Quarantine::InvalidField);
    }
    let rule = rules.networks.get(network.index()).ok_or(Quarantine::UnknownNetworkNamed)?;
    Ok(rule.business_day.date_of(at))
}

fn date_from_number(number: u32) -> Option<Date> {
    Date::from_ymd(i32::try_from(number / 10_000).ok()?, number / 100 % 100, number % 100)
}
