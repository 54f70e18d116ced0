//! What the networks send: reports about a few payments at a time, of every kind, mostly of the payment's own amount so that
//! legs meet, in no order that anybody keeps to; reports sent again, the same or with other content; and now and then
//! something that is no report at all (`garbage`).

use domain::money::{Amount, Currency};
use domain::time::Timestamp;
use wire::common::v1::BillRow;
use wire::event::v1::{CodeKind, Evidence, Kind, PaymentEvent, ScanMode, Side};
use wire::message::event_record;

use crate::garbage;
use crate::random::Random;

/// The networks in the order of their topics, which stand behind that of the commands. The last one is not in the first
/// rulebook.
pub const NETWORKS: [&str; 4] = ["unionpay", "tenpay", "alipay", "jdpay"];

/// Payments that are reported about at the same time.
const PAYMENTS: usize = 9;
/// Reports after which a payment is let go.
const REPORTS: u32 = 9;
const WHOLES: [i64; 9] = [10_000, 7_777, 143, 1, 28_571, 1_538, 50_000, 9_999, 834_567];

/// A record for a topic.
#[derive(Clone, Debug)]
pub struct Produced {
    /// Its number.
    pub topic: usize,
    /// The key.
    pub key: Vec<u8>,
    /// The value.
    pub raw: Vec<u8>,
    /// What it is, in the table of what was hit.
    pub kind: &'static str,
}

/// What every report of a payment says.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    id: [u8; 16],
    payer: usize,
    payee: usize,
    channel: &'static str,
    cohort: &'static str,
    region: &'static str,
    scan: (ScanMode, CodeKind),
    whole: i64,
    currency: &'static str,
    reports: u32,
    movements: [[u8; 16]; 2],
}

/// What others may know of a payment.
#[derive(Clone, Debug)]
pub struct Known {
    /// The id.
    pub id: [u8; 16],
    /// Whose user pays.
    pub payer: &'static str,
    /// Whose user is paid.
    pub payee: &'static str,
    /// Minor units.
    pub whole: i64,
    /// Counted in.
    pub currency: &'static str,
    /// One of its refunds or disputes.
    pub movement: [u8; 16],
}

impl Known {
    /// All of it.
    ///
    /// # Panics
    /// Never: it is an amount.
    #[must_use]
    pub fn amount(&self) -> Amount {
        let currency = Currency::from_code(self.currency).expect("three capital letters");
        Amount::new(self.whole, currency).expect("not negative")
    }
}

impl Plan {
    const fn known(&self) -> Known {
        let (payer, payee) = (NETWORKS[self.payer], NETWORKS[self.payee]);
        let (whole, currency) = (self.whole, self.currency);
        Known { id: self.id, payer, payee, whole, currency, movement: self.movements[0] }
    }
}

/// Networks at work.
pub struct Networks {
    random: Random,
    plans: Vec<Plan>,
    /// Payments that nobody reports about any more, the newest last.
    past: Vec<Known>,
    sent: Vec<(usize, PaymentEvent)>,
    /// Files whose rows a report may name as its evidence.
    pub files: Vec<[u8; 32]>,
}

impl Networks {
    /// Networks that do as `random` says.
    #[must_use]
    pub const fn new(random: Random) -> Self {
        Self { random, plans: Vec::new(), past: Vec::new(), sent: Vec::new(), files: Vec::new() }
    }

    /// The next record.
    pub fn produce(&mut self, now: Timestamp) -> Produced {
        match self.random.weighted(&[(84, 0), (5, 1), (4, 2), (7, 3)]) {
            1 if !self.sent.is_empty() => self.again(),
            2 if !self.sent.is_empty() => self.altered(),
            3 => {
                let (topic, event) = self.report(now);
                garbage::spoil(&mut self.random, topic, event)
            }
            _ => {
                let (topic, event) = self.report(now);
                self.sent.push((topic, event.clone()));
                produced(topic, &event, kind_name(event.kind()))
            }
        }
    }

    /// The payments that are reported about now, and some of the past.
    #[must_use]
    pub fn known(&self) -> Vec<Known> {
        let past = self.past.iter().rev().take(2 * PAYMENTS).cloned();
        self.plans.iter().map(Plan::known).chain(past).collect()
    }

    fn earlier(&mut self) -> (usize, PaymentEvent) {
        let last = self.sent.len();
        let from = if self.random.one_in(2) { last.saturating_sub(20) } else { 0 };
        let at = from + self.random.index(last - from);
        self.sent[at].clone()
    }

    fn again(&mut self) -> Produced {
        let (topic, event) = self.earlier();
        produced(topic, &event, "event again, same bytes")
    }

    fn altered(&mut self) -> Produced {
        let (topic, mut event) = self.earlier();
        event.amount_minor = event.amount_minor.wrapping_add(1).max(1);
        produced(topic, &event, "event again, other bytes")
    }

    /// A report and the topic it belongs to.
    fn report(&mut self, now: Timestamp) -> (usize, PaymentEvent) {
        let at = self.plan();
        let plan = &mut self.plans[at];
        plan.reports += 1;
        let (kind, side) = if plan.reports <= 3 && !self.random.one_in(4) {
            opening(&mut self.random, plan.reports)
        } else {
            (kind(&mut self.random), side(&mut self.random))
        };
        let plan = self.plans[at].clone();
        let mut event = self.event(&plan, kind, side, now);
        if self.random.one_in(4) {
            self.prove(&mut event);
        }
        (topic_of(&plan, side), event)
    }

    /// The place of a payment to report about.
    fn plan(&mut self) -> usize {
        if self.plans.len() < PAYMENTS {
            let plan = plan(&mut self.random);
            self.plans.push(plan);
            return self.plans.len() - 1;
        }
        let at = self.random.index(PAYMENTS);
        if self.plans[at].reports >= REPORTS {
            let past = std::mem::replace(&mut self.plans[at], plan(&mut self.random));
            self.past.push(past.known());
        }
        at
    }

    fn event(&mut self, plan: &Plan, kind: Kind, side: Side, now: Timestamp) -> PaymentEvent {
        let reporter = if side == Side::Payee { plan.payee } else { plan.payer };
        let has_amount = !matches!(kind, Kind::Voided | Kind::Expired | Kind::UnknownOutcome);
        let names = matches!(kind, Kind::Refunded | Kind::Disputed | Kind::DisputeWon | Kind::DisputeLost);
        let named = names || (kind == Kind::Reversed && self.random.one_in(2));
        let movement = *self.random.pick(&plan.movements);
        let reference = self.random.next();
        PaymentEvent {
            event_id: self.random.bytes().to_vec(),
            payment_id: plan.id.to_vec(),
            reporting_network: NETWORKS[reporter].to_owned(),
            side: side.into(),
            kind: kind.into(),
            payer_network: NETWORKS[plan.payer].to_owned(),
            payee_network: NETWORKS[plan.payee].to_owned(),
            amount_minor: if has_amount { share(&mut self.random, plan.whole) } else { 0 },
            currency_code: plan.currency.to_owned(),
            network_reference: format!("{reference:016x}"),
            occurred_at_micros: now.micros() - self.random.between(0, 5_000_000),
            payer_institution: if reference.is_multiple_of(2) { "48020000".to_owned() } else { String::new() },
            channel: plan.channel.to_owned(),
            scan_mode: plan.scan.0.into(),
            code_kind: plan.scan.1.into(),
            refund_reference: if kind == Kind::Refunded { format!("R{reference:x}") } else { String::new() },
            movement_id: if named { movement.to_vec() } else { Vec::new() },
            region: plan.region.to_owned(),
            cohort: plan.cohort.to_owned(),
            ..PaymentEvent::default()
        }
    }

    fn prove(&mut self, event: &mut PaymentEvent) {
        if self.random.one_in(2) || self.files.is_empty() {
            event.evidence = Evidence::QueryAnswer.into();
            return;
        }
        event.evidence = Evidence::BillRow.into();
        let file = *self.random.pick(&self.files);
        let row_number = 1 + u32::try_from(self.random.below(40)).unwrap_or_default();
        event.bill_row = Some(BillRow { file_digest: file.to_vec(), row_number });
    }
}

pub(crate) fn produced(topic: usize, event: &PaymentEvent, kind: &'static str) -> Produced {
    Produced { topic, key: event.payment_id.clone(), raw: event_record(event), kind }
}

fn topic_of(plan: &Plan, side: Side) -> usize {
    1 + if side == Side::Payee { plan.payee } else { plan.payer }
}

/// What a payment mostly begins with: held, then captured on both sides.
fn opening(random: &mut Random, report: u32) -> (Kind, Side) {
    match (report, random.below(4)) {
        (1, 0) => (Kind::Authorised, Side::Payer),
        (1, 1) => (Kind::Captured, Side::Both),
        (1 | 2, 2) => (Kind::Captured, Side::Payee),
        (3, 3) => (Kind::Refunded, Side::Payer),
        (2, _) => (Kind::Captured, Side::Payer),
        (1, _) => (Kind::Captured, Side::Payer),
        _ => (Kind::Captured, Side::Payee),
    }
}

fn kind(random: &mut Random) -> Kind {
    random.weighted(&[
        (3, Kind::Authorised),
        (10, Kind::Captured),
        (2, Kind::Voided),
        (2, Kind::Expired),
        (2, Kind::UnknownOutcome),
        (7, Kind::Refunded),
        (4, Kind::Reversed),
        (4, Kind::Disputed),
        (2, Kind::DisputeWon),
        (2, Kind::DisputeLost),
    ])
}

fn side(random: &mut Random) -> Side {
    random.weighted(&[(3, Side::Payer), (3, Side::Payee), (2, Side::Both)])
}

fn share(random: &mut Random, whole: i64) -> i64 {
    match random.weighted(&[(26, 0), (8, 1), (3, 2), (1, 3)]) {
        0 => whole,
        1 => (whole * random.between(1, 999) / 1_000).max(1),
        2 => whole + random.between(1, 500),
        _ => i64::MAX,
    }
}

fn plan(random: &mut Random) -> Plan {
    let (payer, payee) =
        random.weighted(&[(9, (0, 1)), (5, (0, 2)), (3, (1, 2)), (3, (2, 1)), (1, (1, 0)), (1, (2, 0)), (2, (3, 1))]);
    let channel = match (payer, payee) {
        (0, 2) if random.one_in(3) => "taobao",
        (0, 1) if random.one_in(20) => "taobao",
        _ => "",
    };
    let cohort = match (payee, channel.is_empty()) {
        (2, true) if !random.one_in(4) => "pilot-2021",
        (2, false) if !random.one_in(4) => "taobao-grey",
        _ => "",
    };
    let region = if random.one_in(5) { "CN-31" } else { "" };
    let scan = match random.below(24) {
        0 => (ScanMode::PayerScans, CodeKind::Unrecognised),
        1..=6 if payee == 1 => (ScanMode::PayerScans, CodeKind::TenpayPersonal),
        1..=6 if payee == 2 => (ScanMode::PayerScans, CodeKind::AlipayReceive),
        7..=9 if payer == 0 => (ScanMode::MerchantScans, CodeKind::UnionpayPayer),
        _ => (ScanMode::NoScan, CodeKind::Unspecified),
    };
    Plan {
        id: random.bytes(),
        payer,
        payee,
        channel,
        cohort,
        region,
        scan,
        whole: *random.pick(&WHOLES),
        currency: if random.one_in(7) { "USD" } else { "CNY" },
        reports: 0,
        movements: [random.bytes(), random.bytes()],
    }
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Unspecified => "event without a kind",
        Kind::Authorised => "event AUTHORISED",
        Kind::Captured => "event CAPTURED",
        Kind::Voided => "event VOIDED",
        Kind::Expired => "event EXPIRED",
        Kind::UnknownOutcome => "event UNKNOWN_OUTCOME",
        Kind::Refunded => "event REFUNDED",
        Kind::Reversed => "event REVERSED",
        Kind::Disputed => "event DISPUTED",
        Kind::DisputeWon => "event DISPUTE_WON",
        Kind::DisputeLost => "event DISPUTE_LOST",
    }
}
