//! Writes an event of the plan as its network would: the payment's traits are drawn from its number, those of the event
//! from the payment's and its own.

use wire::event::v1::{CodeKind, Evidence, Kind, ScanMode};

use super::clock::{Clock, HOUR_MICROS};
use super::lives::{ALIPAY, Amount, Life, Step, TENPAY, UNIONPAY};
use super::plan::{Plan, Told, network};
use super::references::{References, business_date};
use super::{Ids, NETWORKS};
use crate::proto::Message;
use crate::random::{Draws, Subject, share};

/// Upper ends of equally frequent classes of amounts, in fen: together about the mean ticket of the non-bank networks,
/// 346 yuan.
const AMOUNT_CLASSES: [u64; 4] = [2_000, 10_000, 50_000, 220_000];
/// The least amount, so that parts of it are amounts too.
const AMOUNT_MIN: u64 = 10;

const MERCHANTS: u64 = 100_000;
const ISSUERS: u64 = 200;
const ACQUIRERS: u64 = 40;

/// A network says what happened between 60 milliseconds and 3 seconds later.
const DELAY_MIN_MICROS: u64 = 60_000;
const DELAY_MAX_MICROS: u64 = 3_000_000;
/// The clocks of two networks differ by less than this; below the least delay, so that nothing happens after its
/// arrival.
const SKEW_MICROS: u64 = 40_000;

const COHORT: &str = "pilot-2021";
const COHORT_OF_TAOBAO: &str = "taobao-grey";
const REGION: &str = "CN-31";

/// What the events of one payment have in common.
struct Payment {
    id: [u8; 16],
    /// When it was made: the moment its first round begins.
    paid: u64,
    held: u64,
    captured: u64,
    /// How much earlier than its arrival everything happened, late events aside.
    delay: u64,
    late: u64,
    merchant: Option<u64>,
    issuer: u64,
    merchant_scans: bool,
    names_region: bool,
    reports_fees: bool,
}

/// Everything that an event's bytes depend on, beside its place in the plan.
#[derive(Clone, Copy)]
pub(super) struct Writer {
    pub seed: u64,
    pub ids: Ids,
    pub clock: Clock,
}

impl Writer {
    /// Writes the event over `value` and returns its payment's id.
    pub(super) fn write(
        &self,
        plan: &Plan,
        told: &Told<'_>,
        sequence: u64,
        altered: bool,
        value: &mut Vec<u8>,
    ) -> [u8; 16] {
        let payment = self.payment(plan, told);
        let born = self.moment(plan, told.round + u64::from(told.step.born));
        let mut draws = self.event_draws(told, told.number);
        let event_id = self.id(&mut draws, born);
        let occurred = born - payment.delay - payment.late - draws.below(SKEW_MICROS);
        let mut amount = amount(&told.step, &payment);
        if altered {
            amount += 1 + Draws::new(self.seed, Subject::Alteration, sequence).below(1_000);
        }
        let reporter = network(told.share, told.step.speaker);
        let references =
            References { network: reporter, payment: told.payment, paid: payment.paid, occurred, sequence };

        value.clear();
        let message = &mut Message(value);
        message.bytes(1, &event_id);
        message.bytes(2, &payment.id);
        message.bytes(3, NETWORKS[reporter].as_bytes());
        message.number(4, told.step.speaker.side() as u64);
        message.number(5, told.step.kind as u64);
        message.bytes(6, NETWORKS[told.share.payer].as_bytes());
        message.bytes(7, NETWORKS[told.share.payee].as_bytes());
        message.number(8, amount);
        message.bytes(9, b"CNY");
        references.network_reference(message);
        message.number(11, occurred);
        message.number(12, business_date(reporter, occurred));
        message.number(13, sequence);
        write_merchant(message, &references, told, &payment, amount);
        write_institutions(message, &told.step, &payment);
        write_request(message, told, &payment);
        references.trace_number(message);
        if told.step.kind == Kind::Refunded {
            references.refund_reference(message, told.step.movement);
        }
        self.write_links(message, plan, told);
        write_cohort(message, told, &payment);
        write_reported_fees(message, &told.step, &payment, amount);
        self.write_evidence(message, told);
        payment.id
    }

    fn payment(&self, plan: &Plan, told: &Told<'_>) -> Payment {
        let mut draws = Draws::new(self.seed, Subject::Payment, told.payment);
        let paid = self.moment(plan, told.round);
        let id = self.id(&mut draws, paid);
        let class = AMOUNT_CLASSES[(draws.next() % 4) as usize];
        let held = AMOUNT_MIN + draws.below(class);
        let is_held_for_more = told.share.life == Life::Held && draws.one_in(4);
        let is_to_person = told.share.payee == TENPAY && told.share.channel.is_empty() && draws.one_in(5);
        Payment {
            id,
            paid,
            held,
            captured: if is_held_for_more { held - held / 10 } else { held },
            delay: DELAY_MIN_MICROS + draws.below(DELAY_MAX_MICROS - DELAY_MIN_MICROS),
            late: if told.share.life == Life::Late { 2 * HOUR_MICROS + draws.below(7 * HOUR_MICROS) } else { 0 },
            merchant: (!is_to_person).then(|| skewed(&mut draws, MERCHANTS)),
            issuer: skewed(&mut draws, ISSUERS),
            merchant_scans: !is_to_person && draws.one_in(3),
            names_region: draws.one_in(20),
            reports_fees: draws.one_in(10),
        }
    }

    /// The moment a round begins.
    fn moment(&self, plan: &Plan, round: u64) -> u64 {
        self.clock.at(plan.before(round).all)
    }

    fn event_draws(&self, told: &Told<'_>, number: u8) -> Draws {
        Draws::new(self.seed, Subject::Event, told.payment << 8 | u64::from(number))
    }

    pub(super) fn id(&self, draws: &mut Draws, at: u64) -> [u8; 16] {
        let random = draws.id();
        match self.ids {
            Ids::Random => random,
            Ids::TimeOrdered => {
                let bits = u128::from_be_bytes(random) & !(0xF << 76) & !(0b11 << 62) & (u128::MAX >> 48);
                (bits | u128::from(at / 1_000) << 80 | 7 << 76 | 0b10 << 62).to_be_bytes()
            }
        }
    }

    fn write_links(&self, message: &mut Message<'_>, plan: &Plan, told: &Told<'_>) {
        let step = &told.step;
        if step.movement != 0 {
            // The same for both legs of a refund, and for a dispute and its decision.
            let place = told.payment << 8 | u64::from(step.movement);
            let mut draws = Draws::new(self.seed, Subject::Movement, place);
            message.bytes(24, &self.id(&mut draws, self.moment(plan, told.round)));
        }
        if let Some(cause) = step.cause {
            let born = told.round + u64::from(told.steps[usize::from(cause)].born);
            let id = self.id(&mut self.event_draws(told, cause), self.moment(plan, born));
            message.bytes(25, &id);
        }
    }

    fn write_evidence(&self, message: &mut Message<'_>, told: &Told<'_>) {
        let evidence = told.step.evidence;
        message.number(29, evidence as u64);
        if evidence == Evidence::BillRow {
            // One file a network and day; which row of it is drawn.
            let mut file = Draws::new(self.seed, Subject::Evidence, network(told.share, told.step.speaker) as u64);
            let row = 2 + self.event_draws(told, told.number).below(70_000);
            let digest = [file.id(), file.id()].concat();
            message.message(30, |inner| {
                inner.bytes(1, &digest);
                inner.number(2, row);
            });
        }
    }
}

fn amount(step: &Step, payment: &Payment) -> u64 {
    match step.amount {
        Amount::Held => payment.held,
        Amount::Captured => payment.captured,
        Amount::FirstPart => payment.captured * 3 / 10,
        Amount::SecondPart => payment.captured / 2,
        Amount::TooMuch => payment.captured * 2,
        Amount::Tenths(tenths) => (payment.captured * tenths / 10).max(1),
    }
}

/// A few are met often and most seldom.
fn skewed(draws: &mut Draws, count: u64) -> u64 {
    let (a, b) = (draws.next(), draws.next());
    share(a.min(b), count)
}

/// Whether the event asks for acceptance: then it says how the payment came about.
fn asks(told: &Told<'_>) -> bool {
    told.step.kind == Kind::Authorised || (told.step.kind == Kind::Captured && told.steps[0].kind != Kind::Authorised)
}

fn write_merchant(message: &mut Message<'_>, references: &References, told: &Told<'_>, payment: &Payment, amount: u64) {
    let Some(merchant) = payment.merchant else { return };
    let fee = i64::try_from((amount * 6 + 500) / 1_000).expect("a fee is small");
    match (told.step.speaker.is_payer_network(), told.step.kind) {
        (false, Kind::Captured) => message.signed(14, fee),
        (false, Kind::Refunded | Kind::Reversed) => message.signed(14, -fee),
        _ => {}
    }
    references.merchant_order_number(message);
    references.merchant_id(message, merchant);
}

fn write_institutions(message: &mut Message<'_>, step: &Step, payment: &Payment) {
    use super::lives::Speaker::{Payee, Payer};
    if step.speaker != Payee {
        message.digits(17, [(1_000_000 + payment.issuer * 10_000, 8)]);
    }
    if step.speaker != Payer {
        let acquirer = payment.merchant.unwrap_or(0) % ACQUIRERS;
        message.digits(18, [(48_000_000 + acquirer * 10_000, 8)]);
    }
}

/// Channel, and who scanned what.
fn write_request(message: &mut Message<'_>, told: &Told<'_>, payment: &Payment) {
    message.bytes(19, told.share.channel.as_bytes());
    if asks(told) {
        let (scan, code) = scanned(told, payment);
        message.number(20, scan as u64);
        message.number(21, code as u64);
    }
}

fn scanned(told: &Told<'_>, payment: &Payment) -> (ScanMode, CodeKind) {
    if !told.share.channel.is_empty() {
        return (ScanMode::NoScan, CodeKind::Unspecified);
    }
    if told.share.life == Life::Unrecognised {
        return (ScanMode::PayerScans, CodeKind::Unrecognised);
    }
    if payment.merchant_scans {
        let code = match told.share.payer {
            UNIONPAY => CodeKind::UnionpayPayer,
            TENPAY => CodeKind::TenpayPayer,
            _ => CodeKind::AlipayPayer,
        };
        return (ScanMode::MerchantScans, code);
    }
    let code = match told.share.payee {
        ALIPAY => CodeKind::AlipayReceive,
        TENPAY if payment.merchant.is_none() => CodeKind::TenpayPersonal,
        TENPAY => CodeKind::TenpayMerchant,
        _ => CodeKind::UnionpayQr,
    };
    (ScanMode::PayerScans, code)
}

/// A channel's pilot has a cohort of its own: that of the corridor does not admit there.
fn write_cohort(message: &mut Message<'_>, told: &Told<'_>, payment: &Payment) {
    if !asks(told) {
        return;
    }
    if payment.names_region {
        message.bytes(26, REGION.as_bytes());
    }
    let is_pilot = told.share.payee == ALIPAY;
    let is_taobao = !told.share.channel.is_empty();
    let cohort = match (is_pilot, is_taobao, told.share.life == Life::NotAdmitted) {
        (false, ..) | (_, false, true) => "",
        (_, false, false) | (_, true, true) => COHORT,
        (_, true, false) => COHORT_OF_TAOBAO,
    };
    message.bytes(27, cohort.as_bytes());
}

fn write_reported_fees(message: &mut Message<'_>, step: &Step, payment: &Payment, amount: u64) {
    if payment.reports_fees && step.kind == Kind::Captured {
        let fee =
            |millionths: u64, cap: i64| i64::try_from(amount * millionths / 1_000_000).map_or(cap, |fee| fee.min(cap));
        message.message(28, |inner| {
            for (field, fee) in [(1, fee(3_500, 1_300)), (2, fee(325, 325)), (3, fee(325, 325))] {
                if fee != 0 {
                    inner.signed(field, fee);
                }
            }
        });
    }
}
