//! The payment events of the log, in the order of the log and found by network reference, by merchant order number and by
//! payment. The indexes are sorted positions, so that they cost four bytes an event each and are walked in one order always.
//!
//! Not decided here: what agrees with what.

use std::cmp::Ordering;

use domain::clearing::FileDigest;
use domain::ids::{Id, Network, Sequence};
use domain::money::Currency;
use domain::payment::Side;
use domain::report::Kind;
use domain::time::{Date, Timestamp};
use ledger::AnswerCode;

/// What a payment event says, as far as bill files can show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegFacts {
    /// Who reports.
    pub network: Network,
    /// For which side.
    pub side: Side,
    /// Payer's network of the original payment.
    pub payer: Network,
    /// Payee's network of the original payment.
    pub payee: Network,
    /// What happened.
    pub kind: Kind,
    /// The reporting network's business date.
    pub business_date: Date,
    /// The original payment.
    pub payment: Id,
    /// The refund or dispute, when it is about one.
    pub movement: Option<Id>,
    /// Minor units.
    pub minor: i64,
    /// Of the amount and the fee.
    pub currency: Currency,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// As the network's file prints it; may be empty.
    pub network_reference: String,
    /// As the network's file prints it; may be empty.
    pub refund_reference: String,
    /// 商户订单号; may be empty.
    pub merchant_order: String,
    /// The merchant fee in minor units, negative when given back; `None` when the event says nothing about one.
    pub merchant_fee_minor: Option<i64>,
    /// Whether it rests on a query answer or a bill row.
    pub has_evidence: bool,
}

/// One event of a network, with what the ledger answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leg {
    /// Its place in the log.
    pub sequence: Sequence,
    /// Accepted, waiting for its original, or a rejection's code.
    pub answer: AnswerCode,
    /// What it says.
    pub facts: LegFacts,
    /// The file whose row it was made from (T3a); `None` for what a network reported.
    pub proven_by: Option<FileDigest>,
}

impl Leg {
    /// Applied, or waiting to be.
    #[must_use]
    pub fn stands(&self) -> bool {
        [AnswerCode::ACCEPTED, AnswerCode::WAITING_FOR_ORIGINAL].contains(&self.answer)
    }

    /// The other network of its payment.
    pub(crate) fn partner(&self) -> Network {
        if self.facts.network == self.facts.payer { self.facts.payee } else { self.facts.payer }
    }

    /// The side that `network` stands on in its payment; `None` when it is no party.
    pub(crate) fn side_of(&self, network: Network) -> Option<Side> {
        match network {
            payer if payer == self.facts.payer => Some(Side::Payer),
            payee if payee == self.facts.payee => Some(Side::Payee),
            _ => None,
        }
    }
}

/// A leg that the ledger made from a bill row (T3a).
#[derive(Clone, Debug)]
pub(crate) struct Completed {
    pub(crate) sequence: Sequence,
    pub(crate) payment: Id,
    pub(crate) movement: Option<Id>,
    pub(crate) kind: Kind,
    pub(crate) side: Side,
    pub(crate) minor: i64,
    pub(crate) currency: Currency,
    pub(crate) business_date: Date,
    pub(crate) network_reference: String,
    pub(crate) refund_reference: String,
    pub(crate) proven_by: FileDigest,
}

/// Every leg so far.
#[derive(Clone, Debug, Default)]
pub struct Legs {
    all: Vec<Leg>,
    completed: Vec<Completed>,
    by_reference: Vec<u32>,
    by_order: Vec<u32>,
    by_payment: Vec<u32>,
}

impl Legs {
    /// Of these events, in the order of the log.
    #[must_use]
    pub fn new(all: Vec<Leg>) -> Self {
        let mut legs = Self { all, ..Self::default() };
        legs.index();
        legs
    }

    pub(crate) fn push(&mut self, leg: Leg) {
        self.all.push(leg);
    }

    pub(crate) fn complete(&mut self, completed: Completed) {
        self.completed.push(completed);
    }

    /// Sorts what was pushed into the indexes. A leg made from a row takes its parties from its partner's leg, which is
    /// why it waits until then.
    pub(crate) fn index(&mut self) {
        self.by_payment = sorted(&self.all, |a, b| a.payment.cmp(&b.payment));
        if !self.completed.is_empty() {
            for completed in std::mem::take(&mut self.completed) {
                let leg = self.with_payment(completed.payment).next().map(|partner| made_from_row(partner, completed));
                self.all.extend(leg);
            }
            self.all.sort_by_key(|leg| leg.sequence);
            self.by_payment = sorted(&self.all, |a, b| a.payment.cmp(&b.payment));
        }
        self.by_reference =
            sorted(&self.all, |a, b| (a.network, &a.network_reference).cmp(&(b.network, &b.network_reference)));
        self.by_order = sorted(&self.all, |a, b| a.merchant_order.cmp(&b.merchant_order));
    }

    /// What there is to hold `file` against: everything but what the file itself has proven, so that a run again over it finds
    /// what the first one found.
    pub(crate) const fn beside(&self, file: FileDigest) -> Beside<'_> {
        Beside { legs: self, file }
    }

    fn with_payment(&self, payment: Id) -> impl Iterator<Item = &Leg> {
        self.range(&self.by_payment, move |leg| leg.facts.payment.cmp(&payment))
    }

    fn range<'a>(&'a self, index: &'a [u32], compare: impl Fn(&Leg) -> Ordering) -> impl Iterator<Item = &'a Leg> {
        let start = index.partition_point(|&position| compare(&self.all[position as usize]).is_lt());
        let legs = index[start..].iter().map(|&position| &self.all[position as usize]);
        legs.take_while(move |leg| compare(leg).is_eq())
    }
}

/// The legs that a file is held against.
#[derive(Clone, Copy)]
pub(crate) struct Beside<'a> {
    legs: &'a Legs,
    file: FileDigest,
}

impl<'a> Beside<'a> {
    /// Captures, refunds and reversals of a network's business date, in the order of the log.
    pub(crate) fn of_day(self, network: Network, date: Date) -> impl Iterator<Item = &'a Leg> {
        let of_day = move |leg: &&Leg| (leg.facts.network, leg.facts.business_date) == (network, date);
        self.but_own(self.legs.all.iter()).filter(of_day)
    }

    /// Everything that a network reported under its reference; nothing for no reference.
    pub(crate) fn referring(self, network: Network, reference: &str) -> impl Iterator<Item = &'a Leg> {
        let wanted = (network, reference);
        let found = self.legs.range(&self.legs.by_reference, move |leg| {
            (leg.facts.network, leg.facts.network_reference.as_str()).cmp(&wanted)
        });
        self.but_own(found).filter(move |_| !reference.is_empty())
    }

    /// Everything that any network reported for a merchant's order; nothing for no order number.
    pub(crate) fn with_order(self, order: &str) -> impl Iterator<Item = &'a Leg> {
        let found = self.legs.range(&self.legs.by_order, move |leg| leg.facts.merchant_order.as_str().cmp(order));
        self.but_own(found).filter(move |_| !order.is_empty())
    }

    /// Everything that any network reported of a payment.
    pub(crate) fn of_payment(self, payment: Id) -> impl Iterator<Item = &'a Leg> {
        self.but_own(self.legs.with_payment(payment))
    }

    fn but_own(self, legs: impl Iterator<Item = &'a Leg>) -> impl Iterator<Item = &'a Leg> {
        legs.filter(move |leg| leg.proven_by != Some(self.file))
    }
}

/// Positions in the order that `compare` says, equal ones in the order of the log.
fn sorted(all: &[Leg], compare: impl Fn(&LegFacts, &LegFacts) -> Ordering) -> Vec<u32> {
    let count = u32::try_from(all.len()).expect("four billion events do not fit into memory");
    let mut positions: Vec<u32> = (0..count).collect();
    positions.sort_by(|&a, &b| compare(&all[a as usize].facts, &all[b as usize].facts));
    positions
}

fn made_from_row(partner: &Leg, completed: Completed) -> Leg {
    let Completed { sequence, payment, movement, kind, side, minor, currency, business_date, .. } = completed;
    let known = &partner.facts;
    let network = if side == Side::Payee { known.payee } else { known.payer };
    let facts = LegFacts {
        network,
        side,
        payment,
        movement,
        kind,
        minor,
        currency,
        business_date,
        network_reference: completed.network_reference,
        refund_reference: completed.refund_reference,
        merchant_fee_minor: None,
        has_evidence: true,
        ..known.clone()
    };
    Leg { sequence, answer: AnswerCode::ACCEPTED, facts, proven_by: Some(completed.proven_by) }
}
