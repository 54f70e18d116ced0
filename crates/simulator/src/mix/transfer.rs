//! The transfer mix as a stream: sales in one step that one feed reports for both sides, spread over institutions.

use wire::event::v1::{CodeKind, Kind, ScanMode, Side};

use super::clock::Clock;
use super::event::Writer;
use super::lives::{TENPAY, UNIONPAY};
use super::references::{References, business_date};
use super::{Ids, NETWORKS, Record, Sending, Sent};
use crate::proto::Message;
use crate::random::{Draws, Subject};

const AMOUNT_MAX: u64 = 69_200;
const MERCHANTS: u64 = 100_000;
/// The first institution's number; ten digits hold any number of them.
const INSTITUTIONS_FROM: u64 = 1_000_000_000;

pub(super) struct Transfer {
    writer: Writer,
    payers: u64,
    payees: u64,
    events: u64,
    sent: u64,
    key: [u8; 16],
    value: Vec<u8>,
}

impl Transfer {
    pub(super) fn new(institutions: u32, events: u64, seed: u64, ids: Ids) -> Self {
        let payees = u64::from(institutions / 2).max(1);
        let payers = u64::from(institutions).saturating_sub(payees).max(1);
        let writer = Writer { seed, ids, clock: Clock::new(events) };
        Self { writer, payers, payees, events, sent: 0, key: [0; 16], value: Vec::with_capacity(512) }
    }

    pub(super) fn next_event(&mut self) -> Option<Sent<'_>> {
        if self.sent == self.events {
            return None;
        }
        let payment = self.sent;
        let arrived = self.writer.clock.at(payment);
        // Both feeds in turn, so each has every second number.
        let reporter = if payment.is_multiple_of(2) { UNIONPAY } else { TENPAY };
        self.write(payment, reporter, arrived);
        self.sent += 1;
        let record = Record {
            source: u16::try_from(reporter).expect("three networks"),
            offset: (payment / 2).cast_signed(),
            timestamp: arrived.cast_signed(),
            key: &self.key,
            value: &self.value,
        };
        Some(Sent { record, kind: Kind::Captured, sending: Sending::First, refusal: None })
    }

    fn write(&mut self, payment: u64, reporter: usize, arrived: u64) {
        let mut draws = Draws::new(self.writer.seed, Subject::Transfer, payment);
        self.key = self.writer.id(&mut draws, arrived);
        let event_id = self.writer.id(&mut draws, arrived);
        let occurred = arrived - 60_000 - draws.below(1_000_000);
        let sequence = payment / 2 + 1;
        let references = References { network: reporter, payment, paid: occurred, occurred, sequence };
        self.value.clear();
        let message = &mut Message(&mut self.value);
        message.bytes(1, &event_id);
        message.bytes(2, &self.key);
        message.bytes(3, NETWORKS[reporter].as_bytes());
        message.number(4, Side::Both as u64);
        message.number(5, Kind::Captured as u64);
        message.bytes(6, NETWORKS[UNIONPAY].as_bytes());
        message.bytes(7, NETWORKS[TENPAY].as_bytes());
        message.number(8, 1 + draws.below(AMOUNT_MAX));
        message.bytes(9, b"CNY");
        references.network_reference(message);
        message.number(11, occurred);
        message.number(12, business_date(reporter, occurred));
        message.number(13, sequence);
        references.merchant_order_number(message);
        references.merchant_id(message, draws.below(MERCHANTS));
        let payer = draws.below(self.payers);
        message.digits(17, [(INSTITUTIONS_FROM + payer, 10)]);
        message.digits(18, [(INSTITUTIONS_FROM + self.payers + draws.below(self.payees), 10)]);
        message.number(20, ScanMode::PayerScans as u64);
        message.number(21, CodeKind::TenpayMerchant as u64);
        references.trace_number(message);
    }
}
