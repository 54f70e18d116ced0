//! What the worker asks of the ledger, and the port through which it asks. An order is a fact of the log once the ledger has
//! accepted it; the same order has the same key, so that giving it again changes nothing.

use domain::clearing::{BillFile, BillRow, FileDigest, Finding, Match, MatchKey};
use domain::ids::{Id, Network};
use domain::money::Amount;
use domain::payment::Side;
use domain::report::Kind;

use crate::content::Content;

/// One thing to be recorded or booked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// A bill file was read.
    RecordFile(BillFile),
    /// Rows agree with the ledger; at least one and at most [`Order::MATCHES_MAX`].
    RecordMatches {
        /// The rows' file.
        file: FileDigest,
        /// In the order of their lines.
        matches: Vec<Match>,
    },
    /// Differences were found; at least one and at most [`Order::BREAKS_MAX`].
    RecordBreaks(Vec<Finding>),
    /// T3a: the row proves the leg of the side that is silent or does not know its outcome.
    Complete {
        /// The break that it ends.
        break_id: Id,
        /// The payment.
        payment: Id,
        /// The refund, when it is one.
        movement: Option<Id>,
        /// Captured, refunded or reversed.
        kind: Kind,
        /// The side that the file's network stands on.
        side: Side,
        /// What the row shows.
        amount: Amount,
        /// The row.
        row: BillRow,
    },
    /// J11: the row shows more than the ledger has; the difference is held.
    HoldLong {
        /// The break that it belongs to.
        break_id: Id,
        /// Who paid.
        from: Network,
        /// To whom.
        to: Network,
        /// The difference.
        amount: Amount,
        /// The row.
        row: BillRow,
    },
    /// J12a: the row shows less than the ledger has; the difference is in transit again.
    ReturnToTransit {
        /// The break that it belongs to.
        break_id: Id,
        /// The payment.
        payment: Id,
        /// The refund, when it is one.
        movement: Option<Id>,
        /// The side that the file's network stands on.
        unproven: Side,
        /// The difference.
        amount: Amount,
        /// The row.
        row: BillRow,
    },
}

impl Order {
    /// A match takes some 60 bytes on the wire, and a record has at most a megabyte.
    pub const MATCHES_MAX: usize = 10_000;
    /// A finding takes some 300 bytes on the wire.
    pub const BREAKS_MAX: usize = 2_000;

    /// The idempotency key: 32 hexadecimal digits made from the content.
    #[must_use]
    pub fn key(&self) -> String {
        let content = Content::of(self.name());
        let content = match self {
            Self::RecordFile(file) => {
                let date = file.business_date.days_since_epoch();
                content.bytes(&file.digest).number(file.network.index() as u64).number(date).text(&file.file_name)
            }
            Self::RecordMatches { file, matches } => matches.iter().fold(content.bytes(file), with_match),
            Self::RecordBreaks(findings) => {
                findings.iter().fold(content, |content, finding| content.bytes(&finding.id.to_bytes()))
            }
            Self::Complete { break_id, amount, row, .. }
            | Self::HoldLong { break_id, amount, row, .. }
            | Self::ReturnToTransit { break_id, amount, row, .. } => {
                content.bytes(&break_id.to_bytes()).bytes(&row.file).number(row.line).number(amount.minor())
            }
        };
        content.id().to_string()
    }

    /// The word for it in reports.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::RecordFile(_) => "record_file",
            Self::RecordMatches { .. } => "record_matches",
            Self::RecordBreaks(_) => "record_breaks",
            Self::Complete { .. } => "complete_from_evidence",
            Self::HoldLong { .. } => "hold_long",
            Self::ReturnToTransit { .. } => "return_to_transit",
        }
    }
}

fn with_match(content: Content, found: &Match) -> Content {
    let by_order = found.by == MatchKey::MerchantOrder;
    content
        .number(found.line)
        .number(found.leg.0)
        .number(u8::from(by_order))
        .bytes(&found.resolves.unwrap_or_default().to_bytes())
}

/// What became of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done, durably.
    Accepted,
    /// It had been done before.
    Duplicate,
    /// The ledger refused, for good or for now: the stable code.
    Refused(String),
}

/// The way to the ledger.
pub trait Commands {
    /// Gives one order and waits for its outcome. `key` is [`Order::key`].
    ///
    /// # Errors
    /// When it is not known whether the ledger has the order. Giving it again is safe.
    fn submit(&mut self, key: String, order: Order) -> Result<Outcome, Box<dyn std::error::Error + Send + Sync>>;
}
