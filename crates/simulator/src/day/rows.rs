//! The rows of the bill files, and what is planted into them. A network prints what it captured, refunded and reversed on
//! its own business date; of a planted discrepancy exactly one row, or the lack of it, has to be found.

use wire::event::v1::Kind;

use super::fees;
use super::population::{Life, Plant};
use super::story::{Answer, Story};
use crate::mix::UNIONPAY;
use crate::random::Draws;

/// What a row does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RowKind {
    Payment,
    Refund,
    Reversal,
}

/// One movement as a network prints it.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub network: usize,
    pub kind: RowKind,
    pub occurred: i64,
    /// When the payment was made that this row is about.
    pub created: i64,
    pub reference: String,
    /// On the refunds of wallets.
    pub refund_reference: Option<String>,
    /// On what comes back at UnionPay.
    pub original: Option<String>,
    pub order: String,
    pub minor: i64,
    /// Positive when charged, negative when given back.
    pub fee: i64,
    /// Whether a network reported the same: key, amount, and the fee but for one fen.
    pub agrees: bool,
    /// Cannot be read, in one of some ways.
    pub spoiled: Option<u32>,
}

/// What was planted, and at which row.
#[derive(Clone, Debug)]
pub(super) struct Planted {
    pub plant: Plant,
    pub network: usize,
    pub reference: String,
    pub refund_reference: Option<String>,
}

impl Story<'_> {
    /// The rows that go with the events, whoever gets to see these.
    pub(super) fn natural_rows(&self, life: Life) -> Vec<Row> {
        let rows = (0..self.events.len()).filter_map(|event| {
            let told = &self.events[event];
            let kind = match told.kind {
                Kind::Captured => RowKind::Payment,
                Kind::Refunded => RowKind::Refund,
                Kind::Reversed => RowKind::Reversal,
                Kind::Authorised if life == Life::Planted(Plant::UnknownButPaid) => RowKind::Payment,
                _ => return None,
            };
            let stands = told.answer == Answer::Accepted || matches!(life, Life::Planted(_));
            let today = self.calendar.business_date(told.network, told.occurred) == self.calendar.date;
            (stands && today).then(|| self.row(event, kind))
        });
        rows.collect()
    }

    fn row(&self, event: usize, kind: RowKind) -> Row {
        let told = &self.events[event];
        let is_unionpay = told.network == UNIONPAY;
        let refund = || self.numbers().refund(told.network, event, told.occurred);
        let cause = told.cause.filter(|_| is_unionpay && kind != RowKind::Payment);
        let fee = fees::merchant(told.network, told.minor);
        Row {
            network: told.network,
            kind,
            occurred: told.occurred,
            created: told.cause.map_or(told.occurred, |cause| self.events[cause].occurred),
            reference: self.reference(event),
            refund_reference: (kind == RowKind::Refund && !is_unionpay).then(refund),
            original: cause.map(|cause| self.reference(cause)),
            order: self.numbers().order(),
            minor: told.minor,
            fee: if kind == RowKind::Payment { fee } else { -fee },
            agrees: true,
            spoiled: None,
        }
    }

    pub(super) fn plant(&mut self, plant: Plant, nth: u32) {
        let network = plant.place(nth).1;
        let kind = match plant {
            Plant::RefundOrphan | Plant::RefundExceeds => RowKind::Refund,
            Plant::ReversedInFile | Plant::ReversalOrphan => RowKind::Reversal,
            _ => RowKind::Payment,
        };
        let at = self.rows.iter().position(|row| row.network == network && row.kind == kind);
        let at = at.expect("what is planted lies inside the bill's day");
        let Row { reference, refund_reference, .. } = self.rows[at].clone();
        self.planted = Some(Planted { plant, network, reference, refund_reference });
        self.alter(plant, nth, at);
    }

    fn alter(&mut self, plant: Plant, nth: u32, at: usize) {
        let network = self.rows[at].network;
        match plant {
            Plant::TimingOfRow | Plant::NetworkMissing => drop(self.rows.remove(at)),
            Plant::TimingOfLegs | Plant::LedgerMissing | Plant::RefundOrphan | Plant::ReversalOrphan => self.keep(at),
            Plant::RowInvalid => {
                self.keep(at);
                self.rows[0].spoiled = Some(nth);
            }
            Plant::LegMissing => {
                self.keep_back(|event_network, _| event_network == network);
                self.rows[at].agrees = false;
            }
            Plant::ReversedInFile => {
                self.keep_back(|_, kind| kind == Kind::Reversed);
                self.rows[at].agrees = false;
                self.rows.retain(|row| row.kind != RowKind::Reversal || row.network == network);
            }
            Plant::Duplicate => self.rows.insert(at + 1, Row { agrees: false, ..self.rows[at].clone() }),
            Plant::RefusedButPaid | Plant::UnknownButPaid | Plant::RefundExceeds => self.rows[at].agrees = false,
            Plant::AmountOver | Plant::AmountShort | Plant::FeeDiff | Plant::FeeRounding => {
                misprint(&mut self.rows[at], plant, &mut self.draws);
            }
        }
    }

    /// Nobody reports anything, and one file has one row.
    fn keep(&mut self, at: usize) {
        self.keep_back(|_, _| true);
        self.rows.swap(0, at);
        self.rows.truncate(1);
        self.rows[0].agrees = false;
    }

    fn keep_back(&mut self, which: impl Fn(usize, Kind) -> bool) {
        for event in self.events.iter_mut().filter(|event| which(event.network, event.kind)) {
            event.sent = false;
        }
    }
}

/// Another amount with the fee that belongs to it, or another fee.
fn misprint(row: &mut Row, plant: Plant, draws: &mut Draws) {
    let some = 1 + draws.signed_below(1_000);
    let sign = if draws.one_in(2) { 1 } else { -1 };
    row.agrees = plant == Plant::FeeRounding;
    match plant {
        Plant::AmountOver => row.minor += some,
        Plant::AmountShort => row.minor -= some,
        Plant::FeeRounding => row.fee += sign,
        _ => row.fee += sign * (2 + some % 19),
    }
    if matches!(plant, Plant::AmountOver | Plant::AmountShort) {
        row.fee = fees::merchant(row.network, row.minor);
    }
}
