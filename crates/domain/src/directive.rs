//! What a record of the log says, and the port that reads it. Records arrive as bytes in a format that belongs to the wire
//! and changes with it; the rules see only what a [`Codec`] makes of them. A codec decodes and nothing more: whether what it
//! reads is allowed is decided here.

use crate::clearing::{BillRow, Order};
use crate::command::Command;
use crate::ids::{Id, Name};
use crate::money::{Amount, Currency};
use crate::payment::{Correction, Side, Terms};
use crate::rejection::{Quarantine, RejectionCode};
use crate::report::{Evidence, Kind, Report, Scan, Submission};
use crate::rulebook::Rulebook;
use crate::time::Timestamp;

/// What a command record asks for.
#[derive(Clone, Debug)]
pub struct Directive {
    /// Who asks.
    pub principal: String,
    /// Chosen by whoever asks; the same key with the same content gets the first answer again.
    pub idempotency_key: String,
    /// The bank's booking that the command reports, which counts once whoever reports it.
    pub bank_reference: Option<String>,
    /// What for; `Err` when it names something that does not exist.
    pub action: Result<Action, RejectionCode>,
}

/// The kinds of command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// A command of the rulebook.
    Command(Command),
    /// An order to the clearing house.
    Order(Order),
    /// A command about a fee of this payment, which must be known.
    FeeOf(Id, Command),
    /// A proven correction of one payment.
    Correct {
        /// Which.
        payment: Id,
        /// How.
        correction: Correction,
        /// What its amounts are counted in: must be the payment's.
        currency: Currency,
        /// The break that it answers.
        answers: Id,
    },
    /// T3a: the silent network's bill row shows its leg.
    Complete(Completion),
    /// The text of the next rulebook version.
    LoadRulebook(Vec<u8>),
    /// A command that the rules do not know yet.
    Unsupported,
}

/// What a bill row of a silent network proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Completion {
    /// Names the command; stands for the event id that the network would have given.
    pub command: Id,
    /// The payment.
    pub payment: Id,
    /// The refund; `None` for the capture and its reversal.
    pub movement: Option<Id>,
    /// Captured, refunded or reversed.
    pub kind: Kind,
    /// The silent side.
    pub side: Side,
    /// What the row shows.
    pub amount: Amount,
    /// The row.
    pub row: BillRow,
    /// The break that it ends.
    pub ends: Option<Id>,
}

impl Completion {
    /// The report that the silent network would have sent, to be judged like one. The payment is known by its terms, so
    /// neither code nor channel nor pilot is looked at again.
    #[must_use]
    pub fn report(&self, terms: &Terms, at: Timestamp, rules: &Rulebook) -> Report {
        let network = if self.side == Side::Payee { terms.payee } else { terms.payer };
        let business_day = rules.networks.get(network.index()).map(|rule| rule.business_day);
        Report {
            event: self.command,
            network,
            side: self.side,
            payment: self.payment,
            movement: self.movement,
            kind: self.kind,
            payer: terms.payer,
            payee: terms.payee,
            payer_institution: Name::NONE,
            payee_institution: Name::NONE,
            channel: terms.channel,
            scan: Scan::None,
            code: None,
            minor: self.amount.minor(),
            currency: self.amount.currency(),
            evidence: Evidence::BillRow { file_digest: self.row.file, row: u64::from(self.row.line) },
            region: Name::NONE,
            cohort: Name::NONE,
            occurred_at: at,
            business_date: business_day.map(|day| day.date_of(at)).unwrap_or_default(),
        }
    }
}

/// Reads records.
pub trait Codec: Send + Sync {
    /// A payment event.
    ///
    /// # Errors
    /// When the bytes are none: what the record is quarantined with.
    fn event<'a>(&self, raw: &'a [u8]) -> Result<Submission<'a>, Quarantine>;

    /// A command, its names looked up in `rules`.
    ///
    /// # Errors
    /// When the bytes are none, or nobody could be answered: what the record is quarantined with.
    fn command(&self, raw: &[u8], rules: &Rulebook) -> Result<Directive, Quarantine>;

    /// The text of a rulebook.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    fn rulebook(&self, text: &[u8]) -> Result<Rulebook, String>;
}
