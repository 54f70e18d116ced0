//! The composition of a round, and from it everything that makes the past writable again: which event stands in which
//! place of which round, how many events of each network came before a round, and which payments are drawn from the
//! past.
//!
//! A round is a list of slots: one for each step of each of its thousand positions, one for each leg of a refund drawn
//! from the past, one for each re-send. A slot of lag `n` is empty in the first `n` rounds and never after. Counting is
//! thereby arithmetic. The slots come in one of a few shuffled orders.

use wire::event::v1::{Evidence, Kind};

use super::lives::{self, ALIPAY, Amount, Life, SHARES, Share, Speaker, Step, TENPAY};
use crate::random::{Draws, Subject};

/// Payments that begin in a round: a share of the table is so many of them.
pub(super) const PAYMENTS: u64 = 1_000;
const ORDERS: u64 = 32;

/// Groups of payments that refunds are drawn from: how many a round, of which payee network, and whether one feed
/// speaks for both sides. Of each group a round has at least so many positions for every one of the [`MARKS`].
const REFUNDS: [(usize, usize, bool); 3] = [(18, TENPAY, false), (6, ALIPAY, false), (2, TENPAY, true)];
/// Rounds after which the second leg of such a refund follows, the draws taking turns.
const REFUND_LAGS: [u32; 8] = [0, 0, 1, 1, 2, 5, 15, 60];
/// The round of the first such refund: by then the quick payments are complete.
const FIRST_MARK: u32 = 4;
const MARKS: usize = 31;
/// Numbers of the events of such a refund among those of its payment; steps have small ones.
const REFUND_NUMBER: u8 = 200;

const RESENDS_OF_PAST: u8 = 10;
const RESENDS_OF_RECENT: u8 = 2;
const ALTERATIONS: u8 = 2;
const RECENT_ROUNDS: u64 = 4;

/// A payment's place in its round, and the life that comes with the place.
struct Position {
    share: &'static Share,
    steps: Vec<Step>,
}

/// What stands in a slot.
#[derive(Clone, Copy)]
pub(super) enum What {
    Step {
        position: u16,
        step: u8,
    },
    Refund {
        draw: u8,
        second: bool,
    },
    /// An event of an earlier round, again or altered.
    Resend {
        draw: u8,
    },
}

pub(super) struct Slot {
    pub what: What,
    /// Whose event it is; of a re-send only the draw decides.
    network: usize,
    /// The first round that has it.
    since: u32,
}

/// One refund a round, drawn from the past: between two marks it goes once over a position of every round before the
/// first of them, in a shuffled order, and from mark to mark it has another position. So no payment is drawn twice.
struct RefundDraw {
    speakers: [Speaker; 2],
    second_lag: u32,
    tenths: u64,
    sweeps: Vec<Sweep>,
}

/// The order is `(factor * n + start) mod rounds`, which meets every round once when the factor has no divisor in
/// common with their number.
struct Sweep {
    position: u16,
    rounds: u64,
    factor: u64,
    start: u64,
}

/// Events before a round: of each network without re-sends, and all with them.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Count {
    pub networks: [u64; 3],
    pub all: u64,
}

/// An event as far as the plan goes.
#[derive(Clone, Copy)]
pub(super) struct Told<'a> {
    pub share: &'static Share,
    /// Of the payment's life, refunds from the past aside.
    pub steps: &'a [Step],
    pub step: Step,
    /// Which event of its payment it is.
    pub number: u8,
    /// The payment, counted from 0 over the whole stream.
    pub payment: u64,
    /// The round of the payment's first event.
    pub round: u64,
}

pub(super) struct Plan {
    seed: u64,
    positions: Vec<Position>,
    refunds: Vec<RefundDraw>,
    marks: Vec<u64>,
    /// Re-sends stand last.
    slots: Vec<Slot>,
    first_sends: usize,
    orders: Vec<Vec<u16>>,
    /// Of every round up to the one from which on no slot is empty, and the round after it.
    counts: Vec<Count>,
}

impl Plan {
    pub(super) fn new(seed: u64) -> Self {
        let positions = positions();
        let marks = marks();
        let refunds = refund_draws(seed, &positions, &marks);
        let mut slots = step_slots(&positions);
        slots.extend(refund_slots(&refunds));
        let first_sends = slots.len();
        let resends = 0..RESENDS_OF_PAST + RESENDS_OF_RECENT + ALTERATIONS;
        slots.extend(resends.map(|draw| Slot { what: What::Resend { draw }, network: 0, since: 1 }));
        let orders = (0..ORDERS).map(|order| shuffled(seed, order, slots.len())).collect();
        let counts = counts(&slots);
        Self { seed, positions, refunds, marks, slots, first_sends, orders, counts }
    }

    /// The slots of a round in their order, empty ones too.
    pub(super) fn order(&self, round: u64) -> &[u16] {
        let order = Draws::new(self.seed, Subject::Round, round).below(ORDERS);
        &self.orders[index(order)]
    }

    pub(super) fn slot(&self, slot: u16) -> &Slot {
        &self.slots[usize::from(slot)]
    }

    pub(super) fn before(&self, round: u64) -> Count {
        let full = self.counts.len() - 2;
        if let Some(count) = self.counts.get(index(round)) {
            return *count;
        }
        let (last, next) = (self.counts[full], self.counts[full + 1]);
        let more = round - full as u64;
        let grown = |last: u64, next: u64| last + (next - last) * more;
        let networks = [0, 1, 2].map(|network| grown(last.networks[network], next.networks[network]));
        Count { networks, all: grown(last.all, next.all) }
    }

    /// The event in a slot that is no re-send.
    pub(super) fn told(&self, round: u64, slot: u16) -> Option<Told<'_>> {
        match self.slot(slot).what {
            What::Step { position, step } => {
                let at = &self.positions[usize::from(position)];
                let told = at.steps[usize::from(step)];
                Some(self.told_of(position, round - u64::from(told.lag), told, step))
            }
            What::Refund { draw, second } => Some(self.told_refund(round, &self.refunds[usize::from(draw)], second)),
            What::Resend { .. } => None,
        }
    }

    fn told_of(&self, position: u16, round: u64, step: Step, number: u8) -> Told<'_> {
        let Position { share, steps } = &self.positions[usize::from(position)];
        Told { share, steps, step, number, payment: round * PAYMENTS + u64::from(position), round }
    }

    fn told_refund(&self, round: u64, draw: &RefundDraw, second: bool) -> Told<'_> {
        let born = round - if second { u64::from(draw.second_lag) } else { 0 };
        let mark = self.marks.partition_point(|mark| *mark <= born) - 1;
        let sweep = &draw.sweeps[mark];
        let target = (sweep.factor * (born - self.marks[mark]) + sweep.start) % sweep.rounds;
        let age = |at: u64| u32::try_from(at - target).expect("a stream has fewer rounds");
        let speaker = draw.speakers[usize::from(second)];
        let step = Step {
            kind: Kind::Refunded,
            speaker,
            amount: Amount::Tenths(draw.tenths),
            lag: age(round),
            born: age(born),
            movement: 1,
            cause: lives::capture_of(&self.positions[usize::from(sweep.position)].steps, speaker),
            evidence: Evidence::Unspecified,
            refusal: None,
        };
        self.told_of(sweep.position, target, step, REFUND_NUMBER + u8::from(second))
    }

    /// The round and the slot of the earlier event that a re-send repeats, and whether it is altered.
    pub(super) fn resent(&self, round: u64, draw: u8) -> (u64, u16, bool) {
        let mut draws = Draws::new(self.seed, Subject::Resend, round << 8 | u64::from(draw));
        let is_recent = (RESENDS_OF_PAST..RESENDS_OF_PAST + RESENDS_OF_RECENT).contains(&draw);
        let from = if is_recent { round.saturating_sub(RECENT_ROUNDS) } else { 0 };
        let past = from + draws.below(round - from);
        loop {
            let slot = draws.below(self.first_sends as u64);
            if u64::from(self.slots[index(slot)].since) <= past {
                return (past, slot_number(index(slot)), draw >= RESENDS_OF_PAST + RESENDS_OF_RECENT);
            }
        }
    }

    /// The sequence number that the network gave to its event in this slot.
    pub(super) fn sequence(&self, round: u64, slot: u16) -> u64 {
        let network = self.slot(slot).network;
        let earlier = self.order(round).iter().take_while(|other| **other != slot);
        let same = earlier.filter(|other| {
            let other = self.slot(**other);
            other.network == network && other.is_in(round) && other.is_first_send()
        });
        self.before(round).networks[network] + same.count() as u64 + 1
    }
}

impl Slot {
    pub(super) fn is_in(&self, round: u64) -> bool {
        round >= u64::from(self.since)
    }

    const fn is_first_send(&self) -> bool {
        !matches!(self.what, What::Resend { .. })
    }
}

/// Whose event it is.
pub(super) const fn network(share: &Share, speaker: Speaker) -> usize {
    if speaker.is_payer_network() { share.payer } else { share.payee }
}

fn positions() -> Vec<Position> {
    let of_share = |share: &'static Share| {
        let of = usize::from(share.per_mille);
        (0..of).map(move |nth| Position { share, steps: lives::steps(share.life, nth, of) })
    };
    SHARES.iter().flat_map(of_share).collect()
}

fn marks() -> Vec<u64> {
    std::iter::successors(Some(u64::from(FIRST_MARK)), |mark| Some(mark + mark / 2)).take(MARKS + 1).collect()
}

fn refund_draws(seed: u64, positions: &[Position], marks: &[u64]) -> Vec<RefundDraw> {
    let mut draws = Vec::new();
    for (count, payee, one_feed) in REFUNDS {
        let mut candidates: Vec<usize> = (0..positions.len())
            .filter(|at| {
                let share = positions[*at].share;
                let fits = if one_feed {
                    share.life == Life::OneFeedPayer
                } else {
                    matches!(share.life, Life::Sale | Life::Held)
                };
                fits && share.payee == payee
            })
            .collect();
        candidates.sort_by_key(|at| lives::completed(&positions[*at].steps));
        for nth in 0..count {
            let sweeps = (0..MARKS).map(|mark| {
                let position = candidates[mark * count + nth];
                let complete = u64::from(lives::completed(&positions[position].steps));
                let place = (draws.len() << 8 | mark) as u64;
                Sweep::new(seed, place, slot_number(position), marks[mark] - complete)
            });
            let sweeps = sweeps.collect();
            draws.push(refund_draw(draws.len(), one_feed, sweeps));
        }
    }
    draws
}

const fn refund_draw(nth: usize, one_feed: bool, sweeps: Vec<Sweep>) -> RefundDraw {
    let speakers = match (one_feed, nth.is_multiple_of(3)) {
        (true, _) => [Speaker::PayerForBoth; 2],
        (false, true) => [Speaker::Payer, Speaker::Payee],
        (false, false) => [Speaker::Payee, Speaker::Payer],
    };
    let tenths = if nth.is_multiple_of(2) { 10 } else { (nth % 9) as u64 + 1 };
    RefundDraw { speakers, second_lag: REFUND_LAGS[nth % REFUND_LAGS.len()], tenths, sweeps }
}

impl Sweep {
    fn new(seed: u64, place: u64, position: u16, rounds: u64) -> Self {
        let mut draws = Draws::new(seed, Subject::Sweep, place);
        let mut factor = 1 + draws.below(rounds);
        while divisor(factor, rounds) != 1 {
            factor += 1;
        }
        Self { position, rounds, factor, start: draws.below(rounds) }
    }
}

fn divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { divisor(b, a % b) }
}

fn step_slots(positions: &[Position]) -> Vec<Slot> {
    let of_position = |(at, position): (usize, &Position)| {
        let share = position.share;
        let slots = position.steps.iter().zip(0..).map(|(step, number)| Slot {
            what: What::Step { position: slot_number(at), step: number },
            network: network(share, step.speaker),
            since: step.lag,
        });
        slots.collect::<Vec<_>>()
    };
    positions.iter().enumerate().flat_map(of_position).collect()
}

fn refund_slots(refunds: &[RefundDraw]) -> Vec<Slot> {
    let mut slots = Vec::new();
    let groups = REFUNDS.iter().flat_map(|group| std::iter::repeat_n(group, group.0));
    for ((refund, draw), (_, payee, one_feed)) in refunds.iter().zip(0..).zip(groups) {
        let legs = if *one_feed { 1 } else { 2 };
        for (speaker, second) in refund.speakers.iter().zip([false, true]).take(legs) {
            let network = if speaker.is_payer_network() { lives::UNIONPAY } else { *payee };
            let since = FIRST_MARK + if second { refund.second_lag } else { 0 };
            slots.push(Slot { what: What::Refund { draw, second }, network, since });
        }
    }
    slots
}

fn shuffled(seed: u64, order: u64, slots: usize) -> Vec<u16> {
    let mut draws = Draws::new(seed, Subject::Order, order);
    let mut shuffled: Vec<u16> = (0..slots).map(slot_number).collect();
    for at in (1..slots).rev() {
        shuffled.swap(at, index(draws.below(at as u64 + 1)));
    }
    shuffled
}

fn counts(slots: &[Slot]) -> Vec<Count> {
    let full = slots.iter().map(|slot| slot.since).max().unwrap_or(0);
    let mut counts = vec![Count::default()];
    for round in 0..=full {
        let mut count = counts[counts.len() - 1];
        for slot in slots.iter().filter(|slot| slot.since <= round) {
            count.all += 1;
            count.networks[slot.network] += u64::from(slot.is_first_send());
        }
        counts.push(count);
    }
    counts
}

fn slot_number(at: usize) -> u16 {
    u16::try_from(at).expect("a round has some thousand slots")
}

pub(super) fn index(number: u64) -> usize {
    usize::try_from(number).expect("an index fits the machine")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::mix::EVENTS_MAX;

    #[test]
    fn a_round_has_the_events_that_the_documentation_says() {
        let plan = Plan::new(1);
        let full = plan.counts.len() as u64 - 2;
        let (round, next) = (plan.before(full), plan.before(full + 1));
        println!("{} slots, full from round {full}, {} events before", plan.slots.len(), round.all);
        assert_eq!(next.all - round.all, 2_195);
        assert_eq!(plan.slots.len(), 2_195);
        assert!((200_000..250_000).contains(&round.all));
    }

    #[test]
    fn counting_goes_on_as_it_began() {
        let plan = Plan::new(1);
        let mut counted = Count::default();
        for round in 0..400 {
            assert_eq!(plan.before(round), counted, "{round}");
            for slot in plan.order(round).iter().map(|slot| plan.slot(*slot)).filter(|slot| slot.is_in(round)) {
                counted.all += 1;
                counted.networks[slot.network] += u64::from(slot.is_first_send());
            }
        }
    }

    #[test]
    fn a_payment_is_drawn_for_one_refund_at_most_and_after_it_is_complete() {
        let plan = Plan::new(2);
        for draw in &plan.refunds {
            let mut drawn = BTreeSet::new();
            for round in u64::from(FIRST_MARK)..5_000 {
                let told = plan.told_refund(round, draw, false);
                assert!(drawn.insert(told.payment));
                assert!(lives::completed(told.steps) < told.step.lag);
                assert_eq!(plan.told_refund(round + u64::from(draw.second_lag), draw, true).payment, told.payment);
            }
        }
        let positions = plan.refunds.iter().flat_map(|draw| draw.sweeps.iter().map(|sweep| sweep.position));
        let distinct: BTreeSet<u16> = positions.clone().collect();
        assert_eq!(distinct.len(), positions.count());
    }

    #[test]
    fn the_marks_reach_to_the_end_of_the_longest_stream() {
        let plan = Plan::new(3);
        let last = plan.marks[MARKS];
        assert!(plan.before(last).all > EVENTS_MAX, "{last}");
        for draw in &plan.refunds {
            for (sweep, marks) in draw.sweeps.iter().zip(plan.marks.windows(2)) {
                assert!(marks[1] - marks[0] <= sweep.rounds, "{marks:?}");
                assert_eq!(divisor(sweep.factor, sweep.rounds), 1);
            }
        }
    }
}
