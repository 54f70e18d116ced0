//! What is written down about the networks' books: files that were read, rows that agree with the ledger, breaks where they
//! do not, and how a break ends. Plain facts; what may be written down when is in [`super`].

use crate::break_code::BreakCode;
use crate::ids::{Id, Network, Sequence};
use crate::money::Currency;
use crate::payment::Side;
use crate::report::Kind;
use crate::time::Date;

/// SHA-256 of a bill file's bytes as received; a file that came in a zip is named by the zip's bytes.
pub type FileDigest = [u8; 32];

/// One row of one bill file: the evidence for whatever is booked because of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BillRow {
    /// The file.
    pub file: FileDigest,
    /// The row's line in the file, from 1, headings included.
    pub line: u32,
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

/// Whether a file's own totals agree with its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlTotals {
    /// They do.
    Matched,
    /// They do not: truncated or altered, refused as a whole.
    Mismatched,
    /// It states none and none came beside it.
    Absent,
}

/// A bill file that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillFile {
    /// Whose books it shows.
    pub network: Network,
    /// That network's business date.
    pub business_date: Date,
    /// Which bytes.
    pub digest: FileDigest,
    /// Without its directory, at most 200 characters.
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

/// What a row and a leg were found to belong together by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatchKey {
    /// The network's own reference, the kind and the refund reference.
    NetworkReference,
    /// Merchant order number, amount and kind, when the row lacks the reference.
    MerchantOrder,
}

/// A row and the leg that it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Match {
    /// The row's line in the file, from 1.
    pub line: u32,
    /// The event that reported the leg.
    pub leg: Sequence,
    /// What the two were found by.
    pub by: MatchKey,
    /// The break that this match ends, for a row or leg carried over from an earlier file.
    pub resolves: Option<Id>,
}

/// A difference between the ledger and a network's books, with the facts that show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Made from what it is about, so that finding it again finds the same id.
    pub id: Id,
    /// What kind of difference.
    pub code: BreakCode,
    /// Whose books differ, or who is silent.
    pub network: Network,
    /// That network's business date.
    pub business_date: Date,
    /// The row that shows it; `None` when the difference is that there is no row.
    pub row: Option<BillRow>,
    /// The payment, when it is known.
    pub payment: Option<Id>,
    /// The refund or dispute, when it is about one.
    pub movement: Option<Id>,
    /// The kind of step, when known.
    pub kind: Option<Kind>,
    /// The side, when known.
    pub side: Option<Side>,
    /// The network's reference as row or leg has it; may be empty.
    pub network_reference: String,
    /// The network's refund number; may be empty.
    pub refund_reference: String,
    /// Of both amounts.
    pub currency: Currency,
    /// Minor units as the ledger has it: the amount, for `FEE_DIFF` the merchant fee (signed).
    pub ledger_minor: Option<i64>,
    /// Minor units as the file has it: the amount, for `FEE_DIFF` the merchant fee (signed).
    pub file_minor: Option<i64>,
    /// One sentence for a person; may be empty.
    pub note: String,
    /// The break that it takes the place of, for a `TIMING` that did not go away by itself.
    pub replaces: Option<Id>,
}

/// How a break ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// A later file or event agrees: the difference was one of time.
    MatchedLater,
    /// Booked by a command that rests on evidence. Set by the ledger.
    Booked,
    /// The network undid on its side what the ledger had refused.
    UndoneByNetwork,
    /// The network corrected its file.
    FileCorrected,
    /// Looked at and left as it is; nothing is owed for it in this ledger.
    Accepted,
    /// Another break took its place. Set by the ledger.
    Replaced,
}

/// Who did something, and at which entry of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The principal.
    pub by: String,
    /// The entry.
    pub at: Sequence,
}

/// What is booked because of a break and waits for its own end, minor units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Booking {
    /// J11: held for a payee that is not certain.
    Held {
        /// Who paid.
        from: Network,
        /// To whom, if known.
        to: Option<Network>,
        /// Still held.
        minor: i64,
    },
    /// J12a: the unproven amount is in transit again.
    InTransit,
    /// J12: advanced from own funds.
    Advanced {
        /// Who got the advance.
        to: Network,
        /// Who is to make good.
        against: Network,
        /// Not yet recovered or written off.
        minor: i64,
        /// The first of two approvals to write off, and of how much.
        approval: Option<(String, i64)>,
    },
}

/// How, by whom and why a break ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// How.
    pub resolution: Resolution,
    /// By whom and when.
    pub signature: Signature,
    /// Why; may be empty.
    pub note: String,
}

/// One break of the register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Break {
    /// What was found.
    pub finding: Finding,
    /// Who recorded it.
    pub raised: Signature,
    /// What is booked because of it.
    pub booking: Option<Booking>,
    /// `None` while it is open.
    pub ending: Option<Ending>,
}

impl Break {
    /// Whether it still needs something.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.ending.is_none()
    }

    /// Whether an amount is held or advanced because of it: then only a booking ends it.
    #[must_use]
    pub const fn holds_money(&self) -> bool {
        matches!(self.booking, Some(Booking::Held { .. } | Booking::Advanced { .. }))
    }

    /// Whether it keeps cycles from being settled: an amount that nobody has booked, or a file that does not add up.
    #[must_use]
    pub const fn holds_settlement_back(&self) -> bool {
        let amount =
            matches!(self.finding.code, BreakCode::AmountOver | BreakCode::AmountShort | BreakCode::ControlTotal);
        amount && self.is_open() && self.booking.is_none()
    }
}
