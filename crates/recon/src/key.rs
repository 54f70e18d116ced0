//! What a row and a leg are recognised by: the step, the network's own reference and, where several refunds share their
//! payment's reference, the refund's number.
//!
//! WeChat and Alipay print the payment's number on a refund row and the refund's beside it; UnionPay gives each step a
//! number of its own, which alone says which step is meant. Whatever else a row or a leg carries decides nothing here.

use bills::Row;
use domain::money::Currency;
use domain::report::Kind;

use crate::legs::Leg;

/// The steps that bill files show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    Captured,
    Refunded,
    Reversed,
}

impl Step {
    pub(crate) const fn of_row(row: &Row) -> Self {
        match row.kind {
            bills::Kind::Payment => Self::Captured,
            bills::Kind::Refund => Self::Refunded,
            bills::Kind::Revoked => Self::Reversed,
        }
    }

    pub(crate) const fn of(kind: Kind) -> Option<Self> {
        match kind {
            Kind::Captured => Some(Self::Captured),
            Kind::Refunded => Some(Self::Refunded),
            Kind::Reversed => Some(Self::Reversed),
            _ => None,
        }
    }

    pub(crate) const fn kind(self) -> Kind {
        match self {
            Self::Captured => Kind::Captured,
            Self::Refunded => Kind::Refunded,
            Self::Reversed => Kind::Reversed,
        }
    }
}

/// The key of rows and legs of one network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key<'a> {
    pub(crate) step: Step,
    pub(crate) currency: Currency,
    pub(crate) reference: &'a str,
    /// Empty where the reference alone is enough.
    pub(crate) refund: &'a str,
}

impl<'a> Key<'a> {
    pub(crate) fn new(
        step: Step,
        currency: Currency,
        reference: &'a str,
        refund: &'a str,
        writer: bills::Network,
    ) -> Self {
        let shares_reference = step == Step::Refunded && writer != bills::Network::Unionpay;
        Self { step, currency, reference, refund: if shares_reference { refund } else { "" } }
    }

    pub(crate) fn of_row(row: &'a Row) -> Self {
        let refund = row.refund_reference.as_deref().unwrap_or_default();
        Self::new(Step::of_row(row), row.amount.currency(), &row.reference, refund, row.network)
    }

    /// `None` for a leg that no file shows: an authorisation, a dispute.
    pub(crate) fn of_leg(leg: &'a Leg, writer: bills::Network) -> Option<Self> {
        let facts = &leg.facts;
        let step = Step::of(facts.kind)?;
        Some(Self::new(step, facts.currency, &facts.network_reference, &facts.refund_reference, writer))
    }
}

/// The number that a refund or reversal row gives its payment.
pub(crate) fn payment_reference(row: &Row) -> &str {
    if row.network == bills::Network::Unionpay {
        row.original_reference.as_deref().unwrap_or_default()
    } else {
        &row.reference
    }
}

/// The documented fallback: what a row and a leg without a common reference have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct OrderKey<'a> {
    pub(crate) order: &'a str,
    pub(crate) step: Step,
    pub(crate) currency: Currency,
    pub(crate) minor: i64,
}

impl<'a> OrderKey<'a> {
    pub(crate) fn of_row(row: &'a Row) -> Self {
        let (minor, currency) = (row.amount.minor(), row.amount.currency());
        Self { order: &row.order, step: Step::of_row(row), currency, minor }
    }

    /// `None` for a leg that no file shows.
    pub(crate) fn of_leg(leg: &'a Leg) -> Option<Self> {
        let facts = &leg.facts;
        let step = Step::of(facts.kind)?;
        Some(Self { order: &facts.merchant_order, step, currency: facts.currency, minor: facts.minor })
    }
}
