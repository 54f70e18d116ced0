//! What happens to one payment: which events the networks send, when they arrive, what has to be answered, and which rows
//! stand in the bill files. A pure function of the day and of the payment's lot.
//!
//! The plan must not depend on how topics are interleaved. Whatever needs an earlier event to be known therefore happens
//! [`LATER_MIN`] or more after that event has arrived, which is in a later batch.

use wire::event::v1::{CodeKind, Evidence, Kind, ScanMode, Side};

use super::calendar::{Calendar, HOUR, MINUTE, SECOND};
use super::numbers::Numbers;
use super::population::{Dispute, Life, Lot, Malformed, Plant, Refusal, Route, moment};
use super::rows::{Planted, Row};
use crate::mix::{ALIPAY, TENPAY, UNIONPAY};
use crate::random::{Draws, Subject};

/// Upper ends of equally frequent classes of amounts, in fen.
const AMOUNT_CLASSES: [i64; 4] = [2_000, 10_000, 50_000, 220_000];
/// The least amount, so that parts of it are amounts too.
const AMOUNT_MIN: i64 = 10;
/// What is planted into a bill file is large enough to be seen in the fee.
const PLANTED_MIN: i64 = 10_000;

/// A network says what happened between 60 milliseconds and 3 seconds later, and clocks differ by less than that.
const DELAY_MIN: i64 = SECOND * 6 / 100;
const DELAY_MAX: i64 = 3 * SECOND;
const SKEW: i64 = SECOND * 4 / 100;

/// A batch is at most half an hour of arrivals.
pub(super) const LATER_MIN: i64 = 35 * MINUTE;
const LATER_MAX: i64 = 120 * MINUTE;

/// What one network reports.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event {
    pub network: usize,
    pub side: Side,
    pub kind: Kind,
    pub minor: i64,
    pub occurred: i64,
    /// Whole milliseconds, because that is what a topic keeps.
    pub arrived: i64,
    /// Which refund or dispute of the payment; 0 for none.
    pub movement: u8,
    /// The event that it refers to.
    pub cause: Option<usize>,
    pub evidence: Evidence,
    pub answer: Answer,
    /// Planted discrepancies keep some events back.
    pub sent: bool,
}

/// What has to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Accepted,
    Refused(&'static str),
    Malformed(Malformed),
    /// As to this event, which it repeats.
    Again(usize),
    /// It has this event's id and another amount.
    Altered(usize),
}

/// What all events of a payment have in common, and the events.
pub(super) struct Story<'a> {
    pub calendar: &'a Calendar,
    pub seed: u64,
    pub payment: u64,
    pub id: [u8; 16],
    pub route: Route,
    pub cohort: &'static str,
    pub scan: ScanMode,
    pub code: CodeKind,
    pub made: i64,
    pub events: Vec<Event>,
    pub rows: Vec<Row>,
    pub planted: Option<Planted>,
    pub(super) draws: Draws,
    minor: i64,
    delay: i64,
    /// From the arrival of a first leg to that of the second.
    gap: i64,
    payer_first: bool,
}

impl<'a> Story<'a> {
    pub(super) fn tell(calendar: &'a Calendar, seed: u64, payment: u64, lot: &Lot) -> Self {
        let mut draws = Draws::new(seed, Subject::DayPayment, payment);
        let (scan, code) = scanned(lot, &mut draws);
        let mut story = Self {
            calendar,
            seed,
            payment,
            id: draws.id(),
            route: lot.route,
            cohort: cohort(lot),
            scan,
            code,
            made: calendar.at(made(lot, &mut draws)),
            events: Vec::new(),
            rows: Vec::new(),
            planted: None,
            minor: amount(lot, &mut draws),
            delay: DELAY_MIN + draws.signed_below(DELAY_MAX - DELAY_MIN),
            gap: if draws.one_in(2) { draws.signed_below(2 * SECOND) } else { draws.signed_below(5 * MINUTE) },
            payer_first: !draws.one_in(3),
            draws,
        };
        story.live(lot);
        story.rows = story.natural_rows(lot.life);
        if let Life::Planted(plant) = lot.life {
            story.plant(plant, lot.nth);
        }
        story
    }

    fn live(&mut self, lot: &Lot) {
        match lot.life {
            Life::Sale => self.sell(),
            Life::Held => self.hold_and_capture(),
            Life::Voided => self.hold_and_void(),
            Life::UnknownCaptured => self.unknown(Some(Kind::Captured)),
            Life::UnknownVoided => self.unknown(Some(Kind::Voided)),
            Life::Reversed => self.sell_and_reverse(),
            Life::Refunded => self.sell_and_refund(&[self.minor]),
            Life::RefundedInParts => self.sell_and_refund(&[self.minor * 3 / 10, self.minor / 2]),
            Life::RefundedTooMuch => self.refund_too_much(if lot.nth.is_multiple_of(2) { TENPAY } else { UNIONPAY }),
            Life::Disputed(end) => self.dispute(end),
            Life::SentAgain => self.send_again(),
            Life::SentAltered => self.send_altered(),
            Life::Late => self.sell_late(),
            Life::Straddling => self.straddle(lot.nth),
            Life::Refused(refusal) => self.refuse(refusal, lot.nth.is_multiple_of(3)),
            Life::Malformed(malformed) => self.send_malformed(malformed),
            Life::Planted(plant) => self.live_for(plant, lot),
        }
    }

    fn live_for(&mut self, plant: Plant, lot: &Lot) {
        let network = plant.place(lot.nth).1;
        match plant {
            Plant::RefusedButPaid => self.refuse(refusal_of(lot), false),
            Plant::UnknownButPaid => self.unknown(None),
            Plant::ReversedInFile | Plant::ReversalOrphan => self.sell_and_reverse(),
            Plant::RefundOrphan => self.sell_and_refund(&[self.minor]),
            Plant::RefundExceeds => self.refund_too_much(network),
            _ => self.sell(),
        }
    }

    /// The arrival of what has arrived so far.
    fn done(&self) -> i64 {
        self.events.iter().map(|event| event.arrived).max().unwrap_or(self.made)
    }

    fn later(&mut self) -> i64 {
        self.done() + LATER_MIN + self.draws.signed_below(LATER_MAX - LATER_MIN)
    }

    const fn network_of(&self, side: Side) -> usize {
        if matches!(side, Side::Payer) { self.route.payer } else { self.route.payee }
    }

    fn add(&mut self, kind: Kind, side: Side, minor: i64, occurred: i64) -> &mut Event {
        let arrived = whole_millisecond(occurred + self.delay);
        let event = Event {
            network: self.network_of(side),
            side,
            kind,
            minor,
            occurred,
            arrived,
            movement: 0,
            cause: None,
            evidence: Evidence::Unspecified,
            answer: Answer::Accepted,
            sent: true,
        };
        self.events.push(event);
        self.events.last_mut().expect("it was just put there")
    }

    /// Both networks report what happened at `occurred`.
    fn legs(&mut self, kind: Kind, minor: i64, occurred: i64) {
        let (first, second) = if self.payer_first { (Side::Payer, Side::Payee) } else { (Side::Payee, Side::Payer) };
        let skew = self.draws.signed_below(SKEW);
        let gap = self.gap;
        self.add(kind, first, minor, occurred);
        let second = self.add(kind, second, minor, occurred + skew);
        second.arrived = whole_millisecond(second.arrived + gap);
    }

    /// Both networks take back what their capture booked, in whole or in part.
    fn legs_back(&mut self, kind: Kind, movement: u8, minor: i64) {
        let (begun, at) = (self.events.len(), self.later());
        self.legs(kind, minor, at);
        for at in begun..self.events.len() {
            self.events[at].movement = movement;
            self.events[at].cause = self.capture_of(self.events[at].side);
        }
    }

    fn capture_of(&self, side: Side) -> Option<usize> {
        self.events.iter().position(|event| event.kind == Kind::Captured && event.side == side)
    }

    fn sell(&mut self) {
        self.legs(Kind::Captured, self.minor, self.made);
    }

    fn hold(&mut self) {
        self.add(Kind::Authorised, Side::Payer, self.minor, self.made);
    }

    fn hold_and_capture(&mut self) {
        self.hold();
        let captured = if self.draws.one_in(4) { self.minor - self.minor / 10 } else { self.minor };
        let at = self.made + SECOND + self.draws.signed_below(20 * MINUTE);
        self.legs(Kind::Captured, captured, at);
    }

    fn hold_and_void(&mut self) {
        self.hold();
        let at = self.made + MINUTE + self.draws.signed_below(20 * MINUTE);
        self.add(Kind::Voided, Side::Payer, self.minor, at).cause = Some(0);
    }

    /// The answer to a query ends it, if anything.
    fn unknown(&mut self, end: Option<Kind>) {
        self.hold();
        let (minor, asked) = (self.minor, self.made + 30 * SECOND);
        self.add(Kind::UnknownOutcome, Side::Payer, minor, asked).cause = Some(0);
        let Some(kind) = end else { return };
        if kind == Kind::Captured {
            self.add(kind, Side::Payee, minor, self.made + SECOND);
        }
        let answered = asked + MINUTE + self.draws.signed_below(50 * MINUTE);
        let ended = self.add(kind, Side::Payer, minor, answered);
        ended.evidence = Evidence::QueryAnswer;
        ended.cause = (kind == Kind::Voided).then_some(0);
    }

    fn sell_and_reverse(&mut self) {
        self.sell();
        self.legs_back(Kind::Reversed, 0, self.minor);
    }

    fn sell_and_refund(&mut self, parts: &[i64]) {
        self.sell();
        for (part, movement) in parts.iter().zip(1..) {
            self.legs_back(Kind::Refunded, movement, *part);
        }
    }

    fn refund_too_much(&mut self, network: usize) {
        self.sell();
        let side = if network == self.route.payer { Side::Payer } else { Side::Payee };
        let (at, cause) = (self.later(), self.capture_of(side));
        let refund = self.add(Kind::Refunded, side, self.minor * 2, at);
        refund.movement = 1;
        refund.cause = cause;
        refund.answer = Answer::Refused("REFUND_EXCEEDS");
    }

    fn dispute(&mut self, end: Dispute) {
        self.sell();
        let (opened, cause) = (self.later(), self.capture_of(Side::Payer));
        let disputed = self.add(Kind::Disputed, Side::Payer, self.minor, opened);
        (disputed.movement, disputed.cause) = (1, cause);
        let kind = match end {
            Dispute::Open => return,
            Dispute::Won => Kind::DisputeWon,
            Dispute::Lost => Kind::DisputeLost,
        };
        let (decided, cause) = (self.later(), self.events.len() - 1);
        let decision = self.add(kind, Side::Payer, self.minor, decided);
        (decision.movement, decision.cause) = (1, Some(cause));
    }

    fn send_again(&mut self) {
        self.sell();
        let of = self.draws.index(self.events.len());
        let arrived = whole_millisecond(self.done() + self.draws.signed_below(HOUR));
        self.events.push(Event { arrived, answer: Answer::Again(of), ..self.events[of] });
    }

    fn send_altered(&mut self) {
        self.sell();
        let of = self.draws.index(self.events.len());
        let arrived = whole_millisecond(self.later());
        let minor = self.events[of].minor + 1 + self.draws.signed_below(1_000);
        self.events.push(Event { arrived, minor, answer: Answer::Altered(of), ..self.events[of] });
    }

    fn sell_late(&mut self) {
        self.delay = 2 * HOUR + self.draws.signed_below(4 * HOUR);
        self.sell();
    }

    fn straddle(&mut self, nth: u32) {
        self.payer_first = nth.is_multiple_of(2);
        self.gap = self.calendar.cut() - self.made + self.draws.signed_below(10 * MINUTE);
        self.sell();
    }

    /// A network that goes on all the same sends a second leg, which is refused with the first.
    fn refuse(&mut self, refusal: Refusal, goes_on: bool) {
        self.payer_first = true;
        self.sell();
        self.events.truncate(if goes_on { 2 } else { 1 });
        for event in &mut self.events {
            event.answer = Answer::Refused(refusal.code());
        }
    }

    fn send_malformed(&mut self, malformed: Malformed) {
        self.sell();
        self.events.truncate(1);
        self.events[0].answer = Answer::Malformed(malformed);
        if malformed == Malformed::ZeroAmount {
            self.events[0].minor = 0;
        }
    }

    /// The event of which this one has the id and the numbers.
    pub(super) fn original(&self, event: usize) -> usize {
        match self.events[event].answer {
            Answer::Again(of) | Answer::Altered(of) => of,
            _ => event,
        }
    }

    pub(super) const fn numbers(&self) -> Numbers<'_> {
        Numbers { calendar: self.calendar, payment: self.payment, made: self.made }
    }

    /// The network's number of what an event reports; an unknown outcome is about the authorisation itself.
    pub(super) fn reference(&self, event: usize) -> String {
        let event = self.original(event);
        let told = if self.events[event].kind == Kind::UnknownOutcome { 0 } else { event };
        self.numbers().reference(self.events[told].network, told, self.events[told].occurred)
    }
}

const fn whole_millisecond(micros: i64) -> i64 {
    (micros + 999).div_euclid(1_000) * 1_000
}

/// When the payment is made, in microseconds after the date's midnight. What is planted lies far from the ends of every
/// network's day, but for what is a matter of time itself.
fn made(lot: &Lot, draws: &mut Draws) -> i64 {
    match lot.life {
        Life::Sale | Life::Held | Life::Refused(_) | Life::Malformed(_) => moment(draws, -1, 24),
        Life::Voided | Life::UnknownCaptured | Life::UnknownVoided | Life::SentAgain => moment(draws, -1, 23),
        Life::Refunded | Life::RefundedInParts | Life::RefundedTooMuch => moment(draws, -1, 21),
        Life::Disputed(_) | Life::SentAltered => moment(draws, -1, 21),
        Life::Reversed => moment(draws, -1, 20),
        Life::Late => moment(draws, -1, 18),
        Life::Straddling => 23 * HOUR - 10 * SECOND + draws.signed_below(5 * SECOND),
        Life::Planted(plant @ (Plant::TimingOfRow | Plant::TimingOfLegs)) => {
            let last = if plant.place(lot.nth).1 == UNIONPAY { 22 } else { 23 };
            last * HOUR + 5 * MINUTE + draws.signed_below(50 * MINUTE)
        }
        Life::Planted(_) => moment(draws, 1, 18),
    }
}

fn amount(lot: &Lot, draws: &mut Draws) -> i64 {
    let class = AMOUNT_CLASSES[draws.index(AMOUNT_CLASSES.len())];
    let least = if matches!(lot.life, Life::Planted(_)) { PLANTED_MIN } else { AMOUNT_MIN };
    least + draws.signed_below(class)
}

/// Why a payment is refused that stands in a file all the same.
const fn refusal_of(lot: &Lot) -> Refusal {
    match (lot.route.payer, lot.nth.is_multiple_of(2)) {
        (UNIONPAY, _) => Refusal::Pilot,
        (_, true) => Refusal::Corridor,
        (_, false) => Refusal::Code,
    }
}

fn refused(lot: &Lot) -> Option<Refusal> {
    match lot.life {
        Life::Refused(refusal) => Some(refusal),
        Life::Planted(Plant::RefusedButPaid) => Some(refusal_of(lot)),
        _ => None,
    }
}

/// A channel's pilot has a cohort of its own: that of the corridor does not admit there.
fn cohort(lot: &Lot) -> &'static str {
    let admitted = refused(lot) != Some(Refusal::Pilot);
    match (lot.route.payee, lot.route.channel.is_empty(), admitted) {
        (ALIPAY, true, true) | (ALIPAY, false, false) => "pilot-2021",
        (ALIPAY, false, true) => "taobao-grey",
        _ => "",
    }
}

fn scanned(lot: &Lot, draws: &mut Draws) -> (ScanMode, CodeKind) {
    let merchant_scans = draws.one_in(3);
    if !lot.route.channel.is_empty() {
        return (ScanMode::NoScan, CodeKind::Unspecified);
    }
    if refused(lot) == Some(Refusal::Code) {
        return (ScanMode::PayerScans, CodeKind::Unrecognised);
    }
    match (merchant_scans, lot.route.payer, lot.route.payee) {
        (true, UNIONPAY, _) => (ScanMode::MerchantScans, CodeKind::UnionpayPayer),
        (true, TENPAY, _) => (ScanMode::MerchantScans, CodeKind::TenpayPayer),
        (true, ..) => (ScanMode::MerchantScans, CodeKind::AlipayPayer),
        (false, _, UNIONPAY) => (ScanMode::PayerScans, CodeKind::UnionpayQr),
        (false, _, TENPAY) => (ScanMode::PayerScans, CodeKind::TenpayMerchant),
        (false, ..) => (ScanMode::PayerScans, CodeKind::AlipayReceive),
    }
}
