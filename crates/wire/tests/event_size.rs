//! A payment event takes at most 200 bytes on average: the log, the topics and the disks are sized by it.
//!
//! The mix is that of an ordinary day: every payment has a leg from each network, a third is authorised before it is
//! captured, a few are refunded, voided, disputed or resolved by a bill row. References, order numbers and merchant
//! numbers have the lengths that the networks' bill files print.

use prost::Message;
use wire::common::v1::BillRow;
use wire::event::v1::{CodeKind, Evidence, InterNetworkFees, Kind, PaymentEvent, ScanMode, Side};

const MEAN_BYTES_MAX: usize = 200;
const PAYMENTS: u64 = 20_000;
/// 2025-11-11 00:00:00 in Shanghai.
const MIDNIGHT_MICROS: i64 = 1_762_790_400_000_000;

#[test]
fn an_event_of_an_ordinary_day_has_at_most_200_bytes_on_average() {
    let mut day = Day { random: 20_251_111, events: Vec::new() };
    for _ in 0..PAYMENTS {
        day.add_payment();
    }
    let kinds = [Kind::Authorised, Kind::Captured, Kind::Voided, Kind::UnknownOutcome, Kind::Refunded, Kind::Disputed];
    for kind in kinds {
        let sizes: Vec<usize> = day.events.iter().filter(|e| e.kind() == kind).map(Message::encoded_len).collect();
        assert!(!sizes.is_empty(), "no {kind:?} in the mix");
        println!("{kind:?}: {} events, {} bytes on average", sizes.len(), sizes.iter().sum::<usize>() / sizes.len());
    }
    let total: usize = day.events.iter().map(Message::encoded_len).sum();
    let count = day.events.len();
    println!("all: {count} events, {} bytes on average", total / count);
    assert!(total <= MEAN_BYTES_MAX * count, "{count} events have {total} bytes, more than {MEAN_BYTES_MAX} each");
}

/// A payment network as far as it shapes its events.
struct Network {
    id: &'static str,
    reference_digits: usize,
    merchant_id_digits: usize,
    has_trace_number: bool,
}

const UNIONPAY: Network =
    Network { id: "unionpay", reference_digits: 21, merchant_id_digits: 15, has_trace_number: true };
const TENPAY: Network = Network { id: "tenpay", reference_digits: 28, merchant_id_digits: 10, has_trace_number: false };
const ALIPAY: Network = Network { id: "alipay", reference_digits: 28, merchant_id_digits: 16, has_trace_number: false };

struct Day {
    random: u64,
    events: Vec<PaymentEvent>,
}

impl Day {
    fn add_payment(&mut self) {
        let payee = if self.one_in(4) { &ALIPAY } else { &TENPAY };
        let sides = [(&UNIONPAY, Side::Payer), (payee, Side::Payee)];
        let payment = self.payment(payee);

        if self.one_in(3) {
            let authorised = self.step(&payment, &UNIONPAY, Side::Payer, Kind::Authorised);
            let original = authorised.event_id.clone();
            self.events.push(authorised);
            if self.one_in(50) {
                let unknown = self.step(&payment, &UNIONPAY, Side::Payer, Kind::UnknownOutcome);
                self.events.push(PaymentEvent { original_event_id: original.clone(), ..unknown });
            }
            if self.one_in(50) {
                let voided = self.step(&payment, &UNIONPAY, Side::Payer, Kind::Voided);
                self.events.push(PaymentEvent { original_event_id: original, ..voided });
                return;
            }
        }
        for (network, side) in sides {
            let captured = self.step(&payment, network, side, Kind::Captured);
            self.events.push(captured);
        }
        if self.one_in(33) {
            let movement = self.bytes();
            for (network, side) in sides {
                let refunded = self.movement(&payment, network, side, Kind::Refunded, &movement);
                self.events.push(refunded);
            }
        }
        if self.one_in(1_000) {
            let movement = self.bytes();
            for kind in [Kind::Disputed, Kind::DisputeLost] {
                let disputed = self.movement(&payment, &UNIONPAY, Side::Payer, kind, &movement);
                self.events.push(disputed);
            }
        }
    }

    /// What all steps of one payment have in common. Four of five pay a merchant, the others a person's code.
    fn payment(&mut self, payee: &Network) -> PaymentEvent {
        let to_merchant = !self.one_in(5);
        let code_kind = match (payee.id, to_merchant) {
            ("alipay", _) => CodeKind::AlipayReceive,
            (_, true) => CodeKind::TenpayMerchant,
            (_, false) => CodeKind::TenpayPersonal,
        };
        PaymentEvent {
            payment_id: self.bytes(),
            payer_network: UNIONPAY.id.to_owned(),
            payee_network: payee.id.to_owned(),
            currency_code: "CNY".to_owned(),
            // Mean ticket of the non-bank networks: 346 yuan.
            amount_minor: i64::try_from(self.below(69_200)).expect("small") + 1,
            merchant_order_number: if to_merchant { self.digits(20) } else { String::new() },
            scan_mode: ScanMode::PayerScans.into(),
            code_kind: code_kind.into(),
            ..PaymentEvent::default()
        }
    }

    fn step(&mut self, payment: &PaymentEvent, network: &Network, side: Side, kind: Kind) -> PaymentEvent {
        let to_merchant = !payment.merchant_order_number.is_empty();
        let second_of_day = i64::try_from(self.below(86_400)).expect("small");
        let mut event = PaymentEvent {
            event_id: self.bytes(),
            reporting_network: network.id.to_owned(),
            side: side.into(),
            kind: kind.into(),
            network_reference: self.digits(network.reference_digits),
            occurred_at_micros: MIDNIGHT_MICROS + second_of_day * 1_000_000,
            business_date: 20_251_111,
            network_sequence: 1_000_000 + self.below(20_000_000),
            ..payment.clone()
        };
        if side == Side::Payee && to_merchant {
            event.merchant_fee_minor = Some(payment.amount_minor * 6 / 1_000);
        }
        if to_merchant {
            event.merchant_id = self.digits(network.merchant_id_digits);
        }
        if side == Side::Payee {
            event.payee_institution = self.digits(10);
        }
        if network.has_trace_number {
            event.payer_institution = self.digits(8);
            event.trace_number = self.digits(6);
        }
        if self.one_in(20) {
            event.region = "CN-31".to_owned();
            event.cohort = "taobao-pilot".to_owned();
        }
        if self.one_in(10) {
            event.channel = "taobao".to_owned();
            let interchange_minor = payment.amount_minor * 35 / 10_000;
            let fees = InterNetworkFees { interchange_minor, payer_network_fee_minor: 11, payee_network_fee_minor: 11 };
            event.reported_fees = Some(fees);
        }
        if self.one_in(1_000) {
            event.evidence = Evidence::BillRow.into();
            let file_digest = [self.bytes(), self.bytes()].concat();
            event.bill_row = Some(BillRow { file_digest, row_number: 70_000 });
        }
        event
    }

    fn movement(
        &mut self,
        payment: &PaymentEvent,
        network: &Network,
        side: Side,
        kind: Kind,
        movement: &[u8],
    ) -> PaymentEvent {
        let event = self.step(payment, network, side, kind);
        PaymentEvent {
            movement_id: movement.to_vec(),
            original_event_id: self.bytes(),
            refund_reference: if kind == Kind::Refunded { self.digits(29) } else { String::new() },
            scan_mode: ScanMode::Unspecified.into(),
            code_kind: CodeKind::Unspecified.into(),
            ..event
        }
    }

    /// SplitMix64: a fixed seed gives the same day on every machine.
    fn next(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.random ^ (self.random >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    fn bytes(&mut self) -> Vec<u8> {
        [self.next().to_be_bytes(), self.next().to_be_bytes()].concat()
    }

    fn digits(&mut self, length: usize) -> String {
        (0..length).map(|_| char::from(b"0123456789"[usize::try_from(self.below(10)).expect("a digit")])).collect()
    }
}
