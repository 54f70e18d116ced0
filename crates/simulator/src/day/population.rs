//! What happens to the payments of a day, and how often. [`SHARES`] is the one table of what is natural, [`PLANTS`] that of
//! what is planted into the bill files; everything else is a plain sale.

use Life::*;

use super::calendar::{DAY, HOUR};
use crate::mix::{ALIPAY, TENPAY, UNIONPAY};
use crate::random::{Draws, Subject};

/// From which network's user to which network's user, and through which channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Route {
    pub payer: usize,
    pub payee: usize,
    pub channel: &'static str,
}

pub(super) const TO_TENPAY: Route = Route { payer: UNIONPAY, payee: TENPAY, channel: "" };
pub(super) const TO_ALIPAY: Route = Route { payer: UNIONPAY, payee: ALIPAY, channel: "" };
pub(super) const FROM_TENPAY: Route = Route { payer: TENPAY, payee: UNIONPAY, channel: "" };
pub(super) const FROM_ALIPAY: Route = Route { payer: ALIPAY, payee: UNIONPAY, channel: "" };
const TAOBAO_TO_ALIPAY: Route = Route { payer: UNIONPAY, payee: ALIPAY, channel: "taobao" };
const TAOBAO_TO_TENPAY: Route = Route { payer: UNIONPAY, payee: TENPAY, channel: "taobao" };

/// A course that payments take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    Sale,
    Held,
    Voided,
    UnknownCaptured,
    UnknownVoided,
    Reversed,
    Refunded,
    RefundedInParts,
    RefundedTooMuch,
    Disputed(Dispute),
    SentAgain,
    SentAltered,
    Late,
    /// One leg before the cut-over, the other after it.
    Straddling,
    Refused(Refusal),
    Malformed(Malformed),
    Planted(Plant),
}

/// How a dispute stands at the end of the day, in the payee's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dispute {
    Open,
    Won,
    Lost,
}

/// Why a payment is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Corridor,
    Channel,
    Pilot,
    Code,
}

impl Refusal {
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Corridor => "CORRIDOR_CLOSED",
            Self::Channel => "CHANNEL_CLOSED",
            Self::Pilot => "PILOT_NOT_ADMITTED",
            Self::Code => "UNRECOGNISED_CODE",
        }
    }
}

/// What is wrong with a record that cannot be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Malformed {
    CutShort,
    WrongKey,
    TooLong,
    ZeroAmount,
}

impl Malformed {
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::CutShort => "UNDECODABLE",
            Self::WrongKey => "KEY_MISMATCH",
            Self::TooLong => "RECORD_TOO_LONG",
            Self::ZeroAmount => "AMOUNT_NOT_POSITIVE",
        }
    }
}

/// A discrepancy between a bill file and what the networks reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plant {
    /// In the last hour of the bill's day: the row will be in the next file.
    TimingOfRow,
    /// In the last hour of the bill's day: both networks report tomorrow.
    TimingOfLegs,
    LegMissing,
    LedgerMissing,
    NetworkMissing,
    AmountOver,
    AmountShort,
    /// Refused, and in the file all the same.
    RefusedButPaid,
    /// Nobody knows the outcome but the file.
    UnknownButPaid,
    /// Captured by both, and taken back in one file.
    ReversedInFile,
    FeeDiff,
    /// One fen: not a break.
    FeeRounding,
    Duplicate,
    RefundOrphan,
    RefundExceeds,
    ReversalOrphan,
    RowInvalid,
}

impl Plant {
    /// The break that has to be found; `None`: none.
    pub(super) const fn code(self) -> Option<&'static str> {
        Some(match self {
            Self::TimingOfRow | Self::TimingOfLegs => "TIMING",
            Self::LegMissing => "LEG_MISSING",
            Self::LedgerMissing => "LEDGER_MISSING",
            Self::NetworkMissing => "NETWORK_MISSING",
            Self::AmountOver => "AMOUNT_OVER",
            Self::AmountShort => "AMOUNT_SHORT",
            Self::RefusedButPaid | Self::UnknownButPaid => "STATUS_LEDGER_FAIL",
            Self::ReversedInFile => "STATUS_LEDGER_OK",
            Self::FeeDiff => "FEE_DIFF",
            Self::FeeRounding => return None,
            Self::Duplicate => "DUPLICATE",
            Self::RefundOrphan => "REFUND_ORPHAN",
            Self::RefundExceeds => "REFUND_EXCEEDS",
            Self::ReversalOrphan => "REVERSAL_ORPHAN",
            Self::RowInvalid => "ROW_INVALID",
        })
    }

    /// Route, and in whose file: in turn through all that can show it. Alipay's file has no kind of row for a reversal.
    pub(super) fn place(self, nth: u32) -> (Route, usize) {
        let in_turn = |places: &[(Route, usize)]| places[nth as usize % places.len()];
        match self {
            Self::ReversedInFile | Self::ReversalOrphan => in_turn(&[(TO_TENPAY, UNIONPAY), (TO_TENPAY, TENPAY)]),
            Self::UnknownButPaid => in_turn(&[(TO_TENPAY, UNIONPAY), (TO_ALIPAY, UNIONPAY)]),
            Self::RefusedButPaid => in_turn(&[(FROM_TENPAY, TENPAY), (FROM_ALIPAY, ALIPAY), (TO_ALIPAY, UNIONPAY)]),
            _ => in_turn(&[(TO_TENPAY, UNIONPAY), (TO_TENPAY, TENPAY), (TO_ALIPAY, UNIONPAY), (TO_ALIPAY, ALIPAY)]),
        }
    }
}

/// A row of the table.
pub(super) struct Share {
    pub life: Life,
    pub route: Route,
    /// Of a hundred thousand payments.
    per_100_000: u64,
    /// At any size of the day.
    least: u64,
}

const fn share(per_100_000: u64, life: Life, route: Route) -> Share {
    Share { life, route, per_100_000, least: 2 }
}

pub(super) const SHARES: &[Share] = &[
    share(12_000, Sale, TO_ALIPAY),
    share(2_000, Sale, TAOBAO_TO_ALIPAY),
    share(12_000, Held, TO_TENPAY),
    share(3_000, Held, TO_ALIPAY),
    share(1_200, Voided, TO_TENPAY),
    share(800, UnknownCaptured, TO_TENPAY),
    share(400, UnknownVoided, TO_TENPAY),
    share(1_000, Reversed, TO_TENPAY),
    share(2_000, Refunded, TO_TENPAY),
    share(500, Refunded, TO_ALIPAY),
    share(1_000, RefundedInParts, TO_TENPAY),
    share(300, RefundedInParts, TO_ALIPAY),
    share(100, RefundedTooMuch, TO_TENPAY),
    share(200, Disputed(Dispute::Open), TO_TENPAY),
    share(300, Disputed(Dispute::Won), TO_TENPAY),
    share(300, Disputed(Dispute::Lost), TO_ALIPAY),
    share(500, SentAgain, TO_TENPAY),
    share(100, SentAltered, TO_TENPAY),
    share(800, Late, TO_TENPAY),
    share(200, Late, TO_ALIPAY),
    Share { life: Straddling, route: TO_TENPAY, per_100_000: 200, least: 4 },
    Share { life: Straddling, route: TO_ALIPAY, per_100_000: 50, least: 4 },
    share(1_400, Refused(Refusal::Corridor), FROM_TENPAY),
    share(700, Refused(Refusal::Corridor), FROM_ALIPAY),
    share(200, Refused(Refusal::Channel), TAOBAO_TO_TENPAY),
    share(800, Refused(Refusal::Pilot), TO_ALIPAY),
    share(200, Refused(Refusal::Pilot), TAOBAO_TO_ALIPAY),
    share(600, Refused(Refusal::Code), FROM_TENPAY),
    share(5, Malformed(Malformed::CutShort), TO_TENPAY),
    share(5, Malformed(Malformed::WrongKey), TO_TENPAY),
    share(5, Malformed(Malformed::TooLong), TO_TENPAY),
    share(5, Malformed(Malformed::ZeroAmount), TO_TENPAY),
];

pub(super) const PLANTS: [Plant; 17] = [
    Plant::TimingOfRow,
    Plant::TimingOfLegs,
    Plant::LegMissing,
    Plant::LedgerMissing,
    Plant::NetworkMissing,
    Plant::AmountOver,
    Plant::AmountShort,
    Plant::RefusedButPaid,
    Plant::UnknownButPaid,
    Plant::ReversedInFile,
    Plant::FeeDiff,
    Plant::FeeRounding,
    Plant::Duplicate,
    Plant::RefundOrphan,
    Plant::RefundExceeds,
    Plant::ReversalOrphan,
    Plant::RowInvalid,
];

/// How often each discrepancy is planted: five times at least in a day that has room for it.
const fn planted_each(payments: u64) -> u64 {
    match payments {
        25_000.. => payments / 5_000,
        5_000.. => 5,
        _ => 1,
    }
}

/// What became of one payment, and how many had the same fate before it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lot {
    pub life: Life,
    pub route: Route,
    pub nth: u32,
}

/// Deals the lots out to so many payments.
pub(super) fn lots(seed: u64, payments: u64) -> Vec<Lot> {
    let natural = SHARES.iter().map(|share| {
        let count = (payments * share.per_100_000 / 100_000).max(share.least);
        (share.life, share.route, count)
    });
    let planted = PLANTS.iter().map(|plant| (Planted(*plant), TO_TENPAY, planted_each(payments)));
    let mut lots: Vec<Lot> = natural.chain(planted).flat_map(|(life, route, count)| same(life, route, count)).collect();
    let sales = payments.saturating_sub(lots.len() as u64);
    lots.extend(same(Sale, TO_TENPAY, sales));
    let mut draws = Draws::new(seed, Subject::Lots, 0);
    for at in (1..lots.len()).rev() {
        lots.swap(at, draws.index(at + 1));
    }
    lots
}

fn same(life: Life, route: Route, count: u64) -> impl Iterator<Item = Lot> {
    (0..count).zip(0..).map(move |(_, nth)| match life {
        Planted(plant) => Lot { life, route: plant.place(nth).0, nth },
        _ => Lot { life, route, nth },
    })
}

/// How many of a thousand payments are made in each hour of the day, the last of the day before first: lunch and evening.
const HOURS: [u64; 25] =
    [32, 36, 18, 9, 6, 5, 6, 11, 20, 32, 42, 50, 62, 58, 46, 42, 44, 46, 50, 56, 66, 92, 76, 52, 43];

/// A moment between two whole hours of the date, in microseconds after its midnight.
pub(super) fn moment(draws: &mut Draws, from_hour: i64, to_hour: i64) -> i64 {
    let hours = || (-1..DAY / HOUR).zip(HOURS).filter(|(hour, _)| (from_hour..to_hour).contains(hour));
    let mut place = draws.below(hours().map(|(_, weight)| weight).sum());
    for (hour, weight) in hours() {
        if place < weight {
            return hour * HOUR + draws.signed_below(HOUR);
        }
        place -= weight;
    }
    unreachable!("a place lies below the sum of the weights")
}
