//! Streams of payment events for benchmarks: seeded, of any length, and without memory of what went before.
//!
//! # The natural mix
//!
//! Payments come in rounds of a thousand, 2,195 events. Every round has the same composition, shuffled: the events of
//! this round's payments and the later steps of earlier rounds' payments. So the shares below are exact from the round
//! on in which the longest life that began with the stream has ended (about 230,000 events), and any event of the past
//! can be written again from its place alone, with its sequence number, without a table. Of a thousand payments:
//!
//! | life | payer -> payee, channel | per mille |
//! |---|---|---|
//! | Sale | unionpay -> tenpay | 430 |
//! | Sale | unionpay -> alipay | 120 |
//! | Sale | unionpay -> alipay, taobao | 20 |
//! | Held | unionpay -> tenpay | 150 |
//! | Held | unionpay -> alipay | 50 |
//! | OneFeedPayer | unionpay -> tenpay | 70 |
//! | OneFeedPayer | unionpay -> alipay | 20 |
//! | OneFeedPayee | unionpay -> tenpay | 30 |
//! | Voided | unionpay -> tenpay | 12 |
//! | Expired | unionpay -> tenpay | 6 |
//! | UnknownCaptured | unionpay -> tenpay | 8 |
//! | UnknownVoided | unionpay -> tenpay | 4 |
//! | Reversed | unionpay -> tenpay | 8 |
//! | Reversed | unionpay -> alipay | 2 |
//! | RefundedSoon | unionpay -> tenpay | 4 |
//! | RefundedSoon | unionpay -> alipay | 2 |
//! | RefundedInParts | unionpay -> tenpay | 3 |
//! | RefundedInParts | unionpay -> alipay | 1 |
//! | RefundedEarly | unionpay -> tenpay | 2 |
//! | RefundedTooMuch | unionpay -> tenpay | 1 |
//! | DisputeWon | unionpay -> tenpay | 3 |
//! | DisputeLost | unionpay -> tenpay | 3 |
//! | DisputeOpen | unionpay -> tenpay | 2 |
//! | Late | unionpay -> tenpay | 8 |
//! | Late | unionpay -> alipay | 2 |
//! | CorridorClosed | tenpay -> unionpay | 14 |
//! | CorridorClosed | alipay -> unionpay | 7 |
//! | ChannelClosed | unionpay -> tenpay, taobao | 2 |
//! | NotAdmitted | unionpay -> alipay | 8 |
//! | NotAdmitted | unionpay -> alipay, taobao | 2 |
//! | Unrecognised | tenpay -> unionpay | 6 |
//!
//! Captures, refunds and reversals have a leg from each network, but where one feed speaks for both sides. The payer's
//! comes first in two of three, the second in the same round or up to 90 rounds, about 200,000 events, later. `Held` is
//! authorised before it is captured, a quarter of them for less; of `RefundedEarly` one network's refund comes before
//! the other's capture and has to wait. A payment that is refused has one leg; of `NotAdmitted` a few networks go on
//! all the same. On top of its thousand payments a round has
//!
//! * 26 refunds drawn over the whole past: 24 in two legs, 2 from one feed; half of them of the whole amount. A payment
//!   is drawn at most once, so no refund exceeds what was captured;
//! * 10 exact re-sends of events drawn over the whole past, 2 of events of the last four rounds;
//! * 2 events drawn over the whole past that come again with another amount: conflicting duplicates.
//!
//! For a refund "the whole past" ends at the last of a row of marks: rounds 4, 6, 9, 13, 19 and so on, each half as
//! much again as the one before. What is more recent is refunded by `RefundedSoon`. Late events are two to nine hours
//! old when they arrive.
//!
//! Absent: legs that disagree about the amount or never come, records that are no events, references that repeat.
//!
//! # The transfer mix
//!
//! Captured sales in one step, each reported once for both sides, by the payer's and the payee's network in turn: the
//! shape of other ledgers' benchmarks.
//!
//! # What a ledger has to say to it
//!
//! With [`prefunds`] confirmed and the default rulebook, every event is accepted (some wait for their original first)
//! but those that carry a [`Refusal`], and a re-send is answered as the first time. A stream that ends leaves payments
//! half reported, as a day does.

mod clock;
mod event;
mod file;
mod lives;
mod natural;
mod plan;
mod references;
mod transfer;

pub use file::{FileError, FileReader, PIECE_BYTES, Piece, Summary, write_file, write_stream};
pub(crate) use lives::{ALIPAY, TENPAY, UNIONPAY};
use wire::event::v1::Kind;

/// The networks by their number in [`Record::source`]; the topic of each is `payments.<network>`.
pub const NETWORKS: [&str; 3] = ["unionpay", "tenpay", "alipay"];

/// The most events that a stream can have.
pub const EVENTS_MAX: u64 = 1_000_000_000;

/// Liquidity that has to be confirmed for each network before the first event, in minor units: no stream comes near it,
/// and the sum of all fits an `i64`.
#[must_use]
pub fn prefunds() -> Vec<(&'static str, i64)> {
    /// 10^15 yuan: the mean ticket of 346 yuan three thousand billion times.
    const MINOR: i64 = 100_000_000_000_000_000;
    NETWORKS.iter().map(|network| (*network, MINOR)).collect()
}

/// What kind of traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mix {
    /// Everything that an ordinary day has.
    Natural,
    /// Captured one-step sales only.
    Transfer {
        /// Institutions that the sales are spread over, half of them payers' and half of them payees', at least one of
        /// each.
        institutions: u32,
        /// Use only so many of them.
        hot: Option<u32>,
    },
}

impl Mix {
    /// The transfer mix over 10,000 institutions.
    pub const TRANSFER: Self = Self::Transfer { institutions: 10_000, hot: None };
}

/// How events and payments are identified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ids {
    /// 128 random bits.
    #[default]
    Random,
    /// UUID version 7: they rise with time, but for the last bits.
    TimeOrdered,
}

/// One record of a topic, as a consumer gets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// The network whose topic it is on: a position in [`NETWORKS`].
    pub source: u16,
    /// Its place on the topic, counted from 0.
    pub offset: i64,
    /// When it was put there, microseconds since 1970-01-01T00:00:00Z. Never falls from one record of the stream to the
    /// next.
    pub timestamp: i64,
    /// The 16 bytes of the payment id.
    pub key: &'a [u8],
    /// A `hutong.event.v1.PaymentEvent`.
    pub value: &'a [u8],
}

/// Whether an event is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sending {
    /// It is.
    First,
    /// The same bytes were sent before.
    Again,
    /// An event with this id was sent before and had another amount.
    Altered,
}

/// Why an event has to be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The corridor takes nobody.
    CorridorClosed,
    /// The channel has no corridor to this network.
    ChannelClosed,
    /// The payer is not in the pilot.
    PilotNotAdmitted,
    /// The payer's app did not know the code.
    UnrecognisedCode,
    /// More goes back than was captured.
    RefundExceeds,
    /// The event's id stands for another content.
    ConflictingDuplicate,
}

impl Refusal {
    /// Every refusal that a stream provokes.
    pub const ALL: [Self; 6] = [
        Self::CorridorClosed,
        Self::ChannelClosed,
        Self::PilotNotAdmitted,
        Self::UnrecognisedCode,
        Self::RefundExceeds,
        Self::ConflictingDuplicate,
    ];

    /// The stable code that the refused network is told.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::CorridorClosed => "CORRIDOR_CLOSED",
            Self::ChannelClosed => "CHANNEL_CLOSED",
            Self::PilotNotAdmitted => "PILOT_NOT_ADMITTED",
            Self::UnrecognisedCode => "UNRECOGNISED_CODE",
            Self::RefundExceeds => "REFUND_EXCEEDS",
            Self::ConflictingDuplicate => "CONFLICTING_DUPLICATE",
        }
    }
}

/// A record and what the plan knows of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent<'a> {
    /// What is on the topic.
    pub record: Record<'a>,
    /// What it reports.
    pub kind: Kind,
    /// Whether it is new.
    pub sending: Sending,
    /// Why it has to be refused, if so. A re-send repeats the refusal of the first time.
    pub refusal: Option<Refusal>,
}

/// A stream of events in the order in which they reach the ledger.
pub struct Stream(Source);

enum Source {
    Natural(Box<natural::Natural>),
    Transfer(transfer::Transfer),
}

impl Stream {
    /// The stream of `events` events that belongs to this mix and seed. The number of events decides how far apart they
    /// are in time, the day being given, and nothing else.
    ///
    /// # Panics
    /// When there are more than [`EVENTS_MAX`] events.
    #[must_use]
    pub fn new(mix: Mix, events: u64, seed: u64) -> Self {
        Self::with_ids(mix, events, seed, Ids::default())
    }

    /// As [`Stream::new`], with the other kind of identifiers.
    ///
    /// # Panics
    /// When there are more than [`EVENTS_MAX`] events.
    #[must_use]
    pub fn with_ids(mix: Mix, events: u64, seed: u64, ids: Ids) -> Self {
        assert!(events <= EVENTS_MAX, "a stream has at most {EVENTS_MAX} events, not {events}");
        Self(match mix {
            Mix::Natural => Source::Natural(Box::new(natural::Natural::new(events, seed, ids))),
            Mix::Transfer { institutions, hot } => {
                let used = hot.map_or(institutions, |hot| hot.min(institutions));
                Source::Transfer(transfer::Transfer::new(used, events, seed, ids))
            }
        })
    }

    /// The next event, which lies in the stream's own buffer until it is asked for another; `None` at the end.
    pub fn next_event(&mut self) -> Option<Sent<'_>> {
        match &mut self.0 {
            Source::Natural(natural) => natural.next_event(),
            Source::Transfer(transfer) => transfer.next_event(),
        }
    }
}
