//! What the networks owe at the cut-over, counted from the plan: a movement counts when both legs have arrived before it.

use std::collections::BTreeMap;

use wire::event::v1::Kind;

use super::fees::Fees;
use super::story::{Answer, Event, Story};
use crate::mix::NETWORKS;

/// Nets of a cycle in fen, positive when owed to the party. They add up to zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Nets {
    networks: [i64; 3],
    operator: i64,
    escrow: i64,
}

impl Nets {
    pub(super) fn by_name(self) -> BTreeMap<String, i64> {
        let networks = NETWORKS.iter().copied().zip(self.networks);
        let all = networks.chain([("operator", self.operator), ("escrow", self.escrow)]);
        all.map(|(name, minor)| (name.to_owned(), minor)).collect()
    }

    /// Counts one payment in.
    pub(super) fn add(&mut self, story: &Story<'_>) {
        let in_time =
            |event: &&Event| event.sent && event.answer == Answer::Accepted && event.arrived < story.calendar.cut();
        let events: Vec<&Event> = story.events.iter().filter(in_time).collect();
        let Some(captured) = complete(&events, Kind::Captured, 0) else { return };
        let fees = Fees::of(captured);
        self.pay(story, captured, fees);
        let refunded: i64 = [1, 2].iter().filter_map(|movement| complete(&events, Kind::Refunded, *movement)).sum();
        self.pay(story, -refunded, Fees::default().less(fees.returned(refunded, captured)));
        if let Some(reversed) = complete(&events, Kind::Reversed, 0) {
            self.pay(story, -reversed, Fees::default().less(fees));
        }
        for event in events {
            self.dispute(story, event);
        }
    }

    /// From payer to payee; back when negative.
    fn pay(&mut self, story: &Story<'_>, minor: i64, fees: Fees) {
        self.networks[story.route.payer] += fees.interchange - fees.network - minor;
        self.networks[story.route.payee] += minor - fees.interchange - fees.network;
        self.operator += 2 * fees.network;
    }

    fn dispute(&mut self, story: &Story<'_>, event: &Event) {
        let (escrow, to) = match event.kind {
            Kind::Disputed => (event.minor, story.route.payee),
            Kind::DisputeWon => (-event.minor, story.route.payee),
            Kind::DisputeLost => (-event.minor, story.route.payer),
            _ => return,
        };
        self.escrow += escrow;
        self.networks[to] -= escrow;
    }
}

/// The amount of a movement of which both legs are there.
fn complete(events: &[&Event], kind: Kind, movement: u8) -> Option<i64> {
    let mut legs = events.iter().filter(|event| event.kind == kind && event.movement == movement);
    let (first, second) = (legs.next()?, legs.next()?);
    debug_assert_eq!(first.minor, second.minor, "both networks report the same");
    Some(first.minor)
}
