//! One pass over the log: what the networks reported and what earlier runs have written down. It can be taken up again
//! where it ended.

use domain::clearing::Finding;
use domain::ids::{Id, Sequence};
use domain::time::Date;
use ledger::{AnswerCode, EntryKind, Handle, LoggedEntry};

use crate::legs::{Completed, Leg, LegFacts, Legs};
use crate::order::Order;
use crate::past::Past;

/// Entries fetched at once: some megabytes.
const PAGE: usize = 10_000;

/// What one entry of the log means here.
#[derive(Clone, Debug)]
pub enum Logged {
    /// A payment event.
    Leg(LegFacts),
    /// A command that was an order.
    Order(Order),
    /// A command by which somebody else ended a break.
    Ended(Id),
}

/// Reads an entry's bytes, in whatever format they have; `None` for what concerns nobody here.
pub type ReadLogged<'a> = &'a dyn Fn(EntryKind, &[u8]) -> Option<Logged>;

/// The log as reconciliation sees it.
#[derive(Clone, Debug, Default)]
pub struct Log {
    /// Payment events.
    pub legs: Legs,
    /// What is on record.
    pub past: Past,
    read_through: Sequence,
}

impl Log {
    /// Reads on from where it stands to the newest durable entry.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn follow(&mut self, handle: &Handle, read: ReadLogged<'_>) -> Result<(), ledger::Error> {
        loop {
            let from = Sequence(self.read_through.0.saturating_add(1));
            let page = handle.entries(from, PAGE)?;
            let Some(last) = page.last() else { break };
            self.read_through = last.sequence;
            page.iter().for_each(|entry| self.add(entry, read));
        }
        self.legs.index();
        Ok(())
    }

    pub(crate) const fn read_through(&self) -> Sequence {
        self.read_through
    }

    fn add(&mut self, entry: &LoggedEntry, read: ReadLogged<'_>) {
        let is_answer = [AnswerCode::ACCEPTED, AnswerCode::WAITING_FOR_ORIGINAL].contains(&entry.answer)
            || entry.answer.rejection().is_some();
        let is_record = matches!(entry.kind, EntryKind::PaymentEvent | EntryKind::Command);
        if !is_answer || !is_record {
            return;
        }
        match read(entry.kind, &entry.raw) {
            Some(Logged::Leg(facts)) => {
                self.legs.push(Leg { sequence: entry.sequence, answer: entry.answer, facts, proven_by: None });
            }
            Some(Logged::Order(order)) if entry.answer == AnswerCode::ACCEPTED => {
                self.complete(entry.sequence, &order);
                self.past.fold(&order);
            }
            Some(Logged::Ended(id)) if entry.answer == AnswerCode::ACCEPTED => self.past.end(id),
            _ => {}
        }
    }

    /// The leg that a row has proven stands in that row's file under that row's references.
    fn complete(&mut self, sequence: Sequence, order: &Order) {
        let &Order::Complete { break_id, payment, movement, kind, side, amount, row } = order else { return };
        let finding = self.past.break_of(break_id);
        let text = |of: fn(&Finding) -> &String| finding.map(of).cloned().unwrap_or_default();
        let business_date = self.past.file(&row.file).map_or_else(Date::default, |(_, date)| date);
        self.legs.complete(Completed {
            sequence,
            payment,
            movement,
            kind,
            side,
            minor: amount.minor(),
            currency: amount.currency(),
            business_date,
            network_reference: text(|finding| &finding.network_reference),
            refund_reference: text(|finding| &finding.refund_reference),
            proven_by: row.file,
        });
    }
}

#[cfg(test)]
mod tests {
    use domain::clearing::BillRow;
    use domain::ids::Network;
    use domain::money::{Amount, CNY};
    use domain::payment::Side;
    use domain::rejection::RejectionCode;
    use domain::report::Kind;
    use domain::time::Timestamp;

    use super::*;

    fn network(index: usize) -> Network {
        Network::from_index(index).expect("a network")
    }

    fn partner() -> LegFacts {
        LegFacts {
            network: network(0),
            side: Side::Payer,
            payer: network(0),
            payee: network(1),
            kind: Kind::Captured,
            business_date: Date::default(),
            payment: Id(1),
            movement: None,
            minor: 600,
            currency: CNY,
            occurred_at: Timestamp::default(),
            network_reference: "U1".to_owned(),
            refund_reference: String::new(),
            merchant_order: "A1".to_owned(),
            merchant_fee_minor: Some(4),
            has_evidence: false,
        }
    }

    fn completion() -> Order {
        Order::Complete {
            break_id: Id(9),
            payment: Id(1),
            movement: None,
            kind: Kind::Captured,
            side: Side::Payee,
            amount: Amount::new(600, CNY).expect("not negative"),
            row: BillRow { file: [7; 32], line: 2 },
        }
    }

    fn entry(sequence: u64, kind: EntryKind, answer: AnswerCode) -> LoggedEntry {
        LoggedEntry {
            sequence: Sequence(sequence),
            recorded_at: Timestamp::default(),
            source: 0,
            offset: 0,
            arrived_at: Timestamp::default(),
            kind,
            answer,
            rulebook: 1,
            duplicate_of: None,
            principal: String::new(),
            idempotency_key: String::new(),
            raw: Vec::new(),
            head: [0; 32],
            block: Sequence(sequence),
            digest: [0; 32],
            key: Vec::new(),
        }
    }

    fn legs_after(kind: EntryKind, answer: AnswerCode) -> Vec<(Network, u64)> {
        let mut log = Log::default();
        let read = |kind, _: &[u8]| match kind {
            EntryKind::Command => Some(Logged::Order(completion())),
            _ => Some(Logged::Leg(partner())),
        };
        // The command stands first: a log is also read from the middle.
        log.add(&entry(1, kind, answer), &read);
        log.add(&entry(2, EntryKind::PaymentEvent, AnswerCode::ACCEPTED), &read);
        log.legs.index();
        log.legs.beside([0; 32]).of_payment(Id(1)).map(|leg| (leg.facts.network, leg.sequence.0)).collect()
    }

    #[test]
    fn a_leg_that_a_row_has_proven_is_a_leg_of_the_rows_network() {
        assert_eq!(legs_after(EntryKind::Command, AnswerCode::ACCEPTED), [(network(1), 1), (network(0), 2)]);
        let refused = AnswerCode::from(RejectionCode::PaymentUnknown);
        assert_eq!(legs_after(EntryKind::Command, refused), [(network(0), 2)]);
    }

    #[test]
    fn refused_events_are_legs_and_repeated_or_quarantined_ones_are_not() {
        let refused = AnswerCode::from(RejectionCode::CorridorClosed);
        assert_eq!(legs_after(EntryKind::PaymentEvent, refused).len(), 2);
        assert_eq!(legs_after(EntryKind::PaymentEvent, AnswerCode::DUPLICATE).len(), 1);
        assert_eq!(legs_after(EntryKind::Quarantined, AnswerCode::ACCEPTED).len(), 1);
    }
}
