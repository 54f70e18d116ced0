//! The log's records as reconciliation wants them.

use domain::clearing;
use domain::directive::{Action, Completion};
use domain::money::Currency;
use domain::payment::Correction;
use domain::rulebook::Rulebook;
use domain::time::Timestamp;
use ledger::EntryKind;
use recon::{LegFacts, Logged, Order};
use wire::control;
use wire::event::{self, PaymentEventRef};

/// Reads an entry under the rules by which its names are known.
pub(crate) fn read(rules: &Rulebook, kind: EntryKind, raw: &[u8]) -> Option<Logged> {
    match kind {
        EntryKind::PaymentEvent => leg(rules, &event::decode(raw).ok()?).map(Logged::Leg),
        EntryKind::Command => match control::decode(raw).ok()?.asked(rules).ok()?.action {
            Action::Order(clearing::Order::ResolveBreak { id, .. }) => Some(Logged::Ended(id)),
            action => order(action).map(Logged::Order),
        },
        EntryKind::Quarantined | EntryKind::Internal => None,
    }
}

fn leg(rules: &Rulebook, event: &PaymentEventRef<'_>) -> Option<LegFacts> {
    let network = rules.network(event.reporting_network)?;
    let occurred_at = Timestamp::from_micros(event.occurred_at_micros);
    let day = rules.networks.get(network.index())?.business_day;
    Some(LegFacts {
        network,
        side: event.side?.domain()?,
        payer: rules.network(event.payer_network)?,
        payee: rules.network(event.payee_network)?,
        kind: event.kind?.domain()?,
        business_date: wire::names::business_date(event.business_date).unwrap_or_else(|| day.date_of(occurred_at)),
        payment: domain::ids::Id::from_bytes(event.payment_id)?,
        movement: domain::ids::Id::from_bytes(event.movement_id),
        minor: event.amount_minor,
        currency: Currency::from_code(event.currency_code)?,
        occurred_at,
        network_reference: event.network_reference.to_owned(),
        refund_reference: event.refund_reference.to_owned(),
        merchant_order: event.merchant_order_number.to_owned(),
        merchant_fee_minor: event.merchant_fee_minor,
        has_evidence: !matches!(event.evidence, None | Some(event::v1::Evidence::Unspecified)),
    })
}

/// A command that reconciliation gave, or that anybody gave in its place.
fn order(action: Action) -> Option<Order> {
    Some(match action {
        Action::Order(clearing::Order::RecordFile(file)) => Order::RecordFile(file),
        Action::Order(clearing::Order::RecordMatches { file, matches }) => Order::RecordMatches { file, matches },
        Action::Order(clearing::Order::RecordBreaks(findings)) => Order::RecordBreaks(findings),
        Action::Order(clearing::Order::HoldLong { id, row, from, to: Some(to), amount }) => {
            Order::HoldLong { break_id: id, from, to, amount, row }
        }
        Action::Complete(Completion { payment, movement, kind, side, amount, row, ends: Some(break_id), .. }) => {
            Order::Complete { break_id, payment, movement, kind, side, amount, row }
        }
        Action::Correct { payment, correction, currency, answers } => {
            let Correction::ReturnToTransit { movement, unproven, minor } = correction else { return None };
            let amount = domain::money::Amount::new(minor, currency)?;
            // Which row it was stands in the break.
            let row = clearing::BillRow { file: [0; 32], line: 0 };
            Order::ReturnToTransit { break_id: answers, payment, movement, unproven, amount, row }
        }
        _ => return None,
    })
}
