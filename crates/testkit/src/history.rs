//! Random histories: what three networks, an operator and a settlement bank might tell a ledger, garbage included. A step
//! is small and says little by itself; what it comes to depends on the ledger it is told to, so that every history can be
//! cut short and still means something. Amounts are mostly those of the payment, so that legs meet.

use domain::clearing::{InstructionState, Order, Settlement};
use domain::codes::CodeKind;
use domain::command::{Command, LongOwner};
use domain::cycle::{CycleId, CycleState};
use domain::ids::{Id, Name, Network};
use domain::money::{Amount, CNY, Currency};
use domain::payment::{Answer, Correction, Side};
use domain::rejection::RejectionCode;
use domain::report::{Evidence, Kind, Report, Scan};
use domain::rulebook::{Access, Corridor, CurrencyRule, Rulebook};
use domain::state::View;
use domain::time::{Date, Timestamp};
use proptest::prelude::*;

use crate::model::Model;

/// How many payments a history is about.
pub const PAYMENTS: u8 = 14;

/// The rules of every history: those of August 2021 with a second currency, two more open corridors that make money go
/// round, and caps that are sometimes reached.
///
/// # Panics
/// When the default rulebook cannot be read.
#[must_use]
pub fn rules() -> Rulebook {
    let mut rules = rulebook::parse(rulebook::DEFAULT).expect("the default is valid");
    rules.currencies.push(CurrencyRule { currency: usd(), exponent: 2, cut_over_network: number(1) });
    let open = rules.corridors[0].clone();
    for (payer, payee) in [(1, 2), (2, 1)] {
        rules.corridors.push(Corridor { payer: number(payer), payee: number(payee), ..open.clone() });
    }
    for (network, cap, cover) in [(0, Some(90_000), 0), (1, None, 20_000), (2, Some(40_000), 5_000)] {
        let rule = &mut rules.networks[network];
        rule.net_debit_caps.extend(cap.map(|cap| (CNY, cap)));
        rule.agreed_covers.push((CNY, cover));
    }
    rules
}

/// How much, in terms of a payment.
#[derive(Clone, Copy, Debug)]
pub enum Share {
    /// All of it.
    Whole,
    /// This many thousandths.
    Part(u16),
    /// So much more.
    More(u16),
    /// Nothing, which no report off the wire says.
    Nothing,
    /// The greatest amount there is.
    Greatest,
}

/// One thing that happens.
#[derive(Clone, Debug)]
pub enum Step {
    /// A network reports.
    Report {
        /// About which payment, below [`PAYMENTS`].
        payment: u8,
        /// For whom it speaks.
        side: Side,
        /// What.
        kind: Kind,
        /// How much.
        share: Share,
        /// Which of the payment's refunds or disputes; `None` where there must be one is garbage.
        movement: Option<u8>,
        /// Whether it reverses that refund and not the payment.
        of_refund: bool,
        /// Whether it brings evidence.
        proven: bool,
    },
    /// An earlier report once more, counted from the last one back.
    Again(u8),
    /// An earlier report's id with other content.
    Conflict(u8),
    /// The cut-over of the open cycle of a currency; wrongly: by another network, or of another cycle.
    CutOver {
        /// Of the second currency.
        second: bool,
        /// Not as it should be.
        wrongly: bool,
    },
    /// The next step of settling a cycle, counted from the open one back. It may fail on the way.
    Settle {
        /// How far back.
        back: u8,
        /// Of the second currency.
        second: bool,
        /// Its debtors do not pay.
        fails: bool,
    },
    /// Any command.
    Command(Command),
    /// A correction of a payment.
    Correct {
        /// Of which payment.
        payment: u8,
        /// Of which refund, or of the capture.
        movement: Option<u8>,
        /// Whose leg.
        side: Side,
        /// How much goes back into transit, or, without it, the rest is withdrawn.
        share: Option<Share>,
    },
    /// A next version of the rules, which closes or opens a pilot and sets a cap.
    Rules {
        /// The pilot's access.
        open: bool,
        /// UnionPay's cap.
        cap: u32,
    },
}

/// Histories of up to `length` steps after an opening in which money is paid in and a first cycle is settled, so that the
/// operator has own funds.
pub fn histories(length: usize) -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 0..=length).prop_map(|steps| opening().chain(steps).collect())
}

fn opening() -> impl Iterator<Item = Step> {
    let prefund = |(network, minor, currency)| {
        let amount = Amount::new(minor, currency).expect("not negative");
        Step::Command(Command::ConfirmPrefund { network: number(network), amount })
    };
    let sale = |payment| Step::Report {
        payment,
        side: Side::Both,
        kind: Kind::Captured,
        share: Share::Whole,
        movement: None,
        of_refund: false,
        proven: false,
    };
    let settle = Step::Settle { back: 1, second: false, fails: false };
    let prefunds = [(0, 120_000, CNY), (1, 30_000, CNY), (0, 50_000, usd())].map(prefund);
    let first_cycle = [sale(0), sale(11), Step::CutOver { second: false, wrongly: false }];
    prefunds.into_iter().chain(first_cycle).chain(std::iter::repeat_n(settle, 4))
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        40 => report(),
        3 => any::<u8>().prop_map(Step::Again),
        2 => any::<u8>().prop_map(Step::Conflict),
        3 => (prop::bool::weighted(0.3), prop::bool::weighted(0.2))
            .prop_map(|(second, wrongly)| Step::CutOver { second, wrongly }),
        6 => (0..5_u8, prop::bool::weighted(0.2), prop::bool::weighted(0.2))
            .prop_map(|(back, second, fails)| Step::Settle { back, second, fails }),
        6 => command().prop_map(Step::Command),
        3 => correction(),
        1 => (any::<bool>(), 0..200_000_u32).prop_map(|(open, cap)| Step::Rules { open, cap }),
    ]
}

fn report() -> impl Strategy<Value = Step> {
    let kind = prop_oneof![
        3 => Just(Kind::Authorised),
        12 => Just(Kind::Captured),
        1 => Just(Kind::Voided),
        1 => Just(Kind::Expired),
        1 => Just(Kind::UnknownOutcome),
        6 => Just(Kind::Refunded),
        3 => Just(Kind::Reversed),
        3 => Just(Kind::Disputed),
        1 => Just(Kind::DisputeWon),
        1 => Just(Kind::DisputeLost),
    ];
    let what = (0..PAYMENTS, side(), kind, share(), prop::option::weighted(0.97, 0..3_u8));
    (what, prop::bool::weighted(0.3), prop::bool::weighted(0.2)).prop_map(
        |((payment, side, kind, share, movement), of_refund, proven)| Step::Report {
            payment,
            side,
            kind,
            share,
            movement,
            of_refund,
            proven,
        },
    )
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![3 => Just(Side::Payer), 3 => Just(Side::Payee), 2 => Just(Side::Both)]
}

fn share() -> impl Strategy<Value = Share> {
    prop_oneof![
        10 => Just(Share::Whole),
        6 => (1..1_000_u16).prop_map(Share::Part),
        2 => (1..500_u16).prop_map(Share::More),
        1 => Just(Share::Nothing),
        1 => Just(Share::Greatest),
    ]
}

fn correction() -> impl Strategy<Value = Step> {
    (0..PAYMENTS, prop::option::weighted(0.4, 0..3_u8), side(), prop::option::weighted(0.7, share()))
        .prop_map(|(payment, movement, side, share)| Step::Correct { payment, movement, side, share })
}

/// Commands without regard to what they would find. Networks and currencies that the rules do not have are among them.
fn command() -> impl Strategy<Value = Command> {
    let network = || prop_oneof![12 => 0..3_usize, 1 => Just(63_usize)].prop_map(number);
    let code = prop_oneof![12 => Just(CNY), 4 => Just(usd()), 1 => Just(Currency::from_code("XXX").expect("a code"))];
    let minor = prop_oneof![8 => 0..60_000_i64, 6 => 0..20_i64, 1 => Just(i64::MAX)];
    let amount =
        || (minor.clone(), code.clone()).prop_map(|(minor, code)| Amount::new(minor, code).expect("not negative"));
    let cycle = (0..4_u32, code.clone()).prop_map(|(number, currency)| CycleId { currency, number });
    let owner = prop_oneof![network().prop_map(LongOwner::Creditor), Just(LongOwner::Back)];
    prop_oneof![
        8 => (network(), amount()).prop_map(|(network, amount)| Command::ConfirmPrefund { network, amount }),
        2 => (network(), amount()).prop_map(|(network, amount)| Command::ConfirmWithdrawal { network, amount }),
        1 => (network(), cycle).prop_map(|(network, cycle)| Command::CutOver { network, cycle }),
        2 => (network(), prop::option::of(network()), amount())
            .prop_map(|(from, to, amount)| Command::HoldLong { from, to, amount }),
        2 => (network(), prop::option::of(network()), owner, amount())
            .prop_map(|(from, to, owner, amount)| Command::ResolveLong { from, to, owner, amount }),
        3 => (0..4_u8, network(), network(), amount()).prop_map(|(which, to, against, amount)| match which {
            0 | 1 => Command::AdvanceShort { to, against, amount },
            2 => Command::RecoverShort { to, against, amount },
            _ => Command::WriteOffShort { to, against, amount, approved_twice: amount.minor() % 3 > 0 },
        }),
        1 => (network(), code.clone(), prop_oneof![Just(1), Just(-1), Just(0), Just(i64::MIN)])
            .prop_map(|(network, currency, minor)| Command::AdjustFee { network, currency, minor }),
        1 => amount().prop_map(Command::SweepFees),
    ]
}

fn number(index: usize) -> Network {
    Network::from_index(index).expect("below 64")
}

/// The second currency.
///
/// # Panics
/// Never: it is a currency.
#[must_use]
pub fn usd() -> Currency {
    Currency::from_code("USD").expect("three capital letters")
}

/// What a step came to.
#[derive(Clone, Debug)]
pub enum Told {
    /// A report and its answer; whether it had been told before.
    Report(Box<Report>, Answer, bool),
    /// A command and its answer.
    Command(Command, Result<(), RejectionCode>),
    /// An order and its answer.
    Order(Order, Result<(), RejectionCode>),
    /// A correction and its answer.
    Correct(Id, Correction, Result<(), RejectionCode>),
    /// There was nothing to repeat or to settle.
    Nothing,
}

/// A ledger that is told a history step by step.
pub struct Player {
    /// The ledger.
    pub model: Model,
    told: Vec<Report>,
}

impl Default for Player {
    fn default() -> Self {
        Self { model: Model::new(rules()), told: Vec::new() }
    }
}

impl Player {
    /// Tells the next step.
    pub fn play(&mut self, step: &Step) -> Told {
        match *step {
            Step::Report { payment, side, kind, share, movement, of_refund, proven } => {
                let mut report = template(payment);
                (report.side, report.kind) = (side, kind);
                report.network = if side == Side::Payee { report.payee } else { report.payer };
                report.event = Id(self.told.len() as u128 + 1);
                let has_amount = !matches!(kind, Kind::Voided | Kind::Expired | Kind::UnknownOutcome);
                report.minor = if has_amount { of(share, whole(payment)) } else { 0 };
                let names = matches!(kind, Kind::Refunded | Kind::Disputed | Kind::DisputeWon | Kind::DisputeLost);
                let named = names || (kind == Kind::Reversed && of_refund);
                report.movement = movement.filter(|_| named).map(|movement| Id(u128::from(movement) + 1));
                if proven {
                    report.evidence = Evidence::BillRow { file_digest: [payment; 32], row: 1 };
                }
                self.told.push(report);
                Told::Report(Box::new(report), self.model.report(&report), false)
            }
            Step::Again(back) => self
                .earlier(back)
                .map_or(Told::Nothing, |report| Told::Report(Box::new(report), self.model.report(&report), true)),
            Step::Conflict(back) => self.earlier(back).map_or(Told::Nothing, |mut report| {
                report.minor = report.minor.wrapping_add(1).max(1);
                Told::Report(Box::new(report), self.model.report(&report), true)
            }),
            Step::CutOver { second, wrongly } => {
                let (currency, by) = if second { (usd(), 1) } else { (CNY, 0) };
                let open = self.model.state.open_cycle(currency);
                let cycle = CycleId { currency, number: if wrongly && open > 1 { open - 1 } else { open } };
                self.command(Command::CutOver { network: number(if wrongly { 2 - by } else { by }), cycle })
            }
            Step::Settle { back, second, fails } => self.settle(back, if second { usd() } else { CNY }, fails),
            Step::Command(ref command) => self.command(command.clone()),
            Step::Correct { payment, movement, side, share } => {
                let movement = movement.map(|movement| Id(u128::from(movement) + 1));
                let correction = match share {
                    Some(share) => {
                        Correction::ReturnToTransit { movement, unproven: side, minor: of(share, whole(payment)) }
                    }
                    None => Correction::WithdrawRest { movement, side },
                };
                let id = template(payment).payment;
                Told::Correct(id, correction, self.model.correct(id, correction))
            }
            Step::Rules { open, cap } => self.next_rules(open, cap),
        }
    }

    fn earlier(&self, back: u8) -> Option<Report> {
        let back = usize::from(back) % self.told.len().max(1);
        self.told.iter().rev().nth(back).copied()
    }

    fn command(&mut self, command: Command) -> Told {
        let answer = self.model.command(&command);
        Told::Command(command, answer)
    }

    fn settle(&mut self, back: u8, currency: Currency, fails: bool) -> Told {
        let open = self.model.state.open_cycle(currency);
        let id = CycleId { currency, number: open.saturating_sub(u32::from(back)) };
        let Some(cycle) = self.model.state.cycle(id) else { return Told::Nothing };
        let settlement = self.model.state.register().settlement(id);
        let order = match (&cycle.state, settlement) {
            (CycleState::Closed, _) => Order::Propose(id),
            (CycleState::Proposed, Some(proposed)) => Order::Approve { cycle: id, digest: proposed.digest },
            (CycleState::Approved | CycleState::Pending { .. }, _) => Order::Start(id),
            (CycleState::Settling, Some(settlement)) => next_answer(settlement, fails),
            _ => return Told::Nothing,
        };
        let answer = self.model.order("clerk", &order);
        Told::Order(order, answer)
    }

    fn next_rules(&mut self, open: bool, cap: u32) -> Told {
        let mut next = self.model.rules().clone();
        next.version += 1;
        for row in next.corridors.iter_mut().filter(|row| (row.payer.index(), row.payee.index()) == (0, 2)) {
            row.access = if open { Access::Open } else { Access::Closed };
        }
        next.networks[0].net_debit_caps = vec![(CNY, i64::from(cap))];
        self.command(Command::LoadRulebook(Box::new(next)))
    }
}

/// The bank's word on the first instruction that it has not carried out.
fn next_answer(settlement: &Settlement, fails: bool) -> Order {
    let mut open = settlement.instructions.iter().enumerate();
    let open = open.find(|(_, instruction)| instruction.state == InstructionState::Sent);
    let instruction = open.map_or_else(String::new, |(index, sent)| settlement.instruction_id(index, sent.attempt));
    let (cycle, reference) = (settlement.cycle, format!("bank {instruction}"));
    if fails {
        Order::Reject { cycle, instruction, reference: None, reason: "AM04".to_owned() }
    } else {
        Order::Confirm { cycle, instruction, reference }
    }
}

/// A payment's whole amount, the same in every history; of many sizes, so that fees round up and down and reach their caps.
fn whole(payment: u8) -> i64 {
    const WHOLES: [i64; 7] = [10_000, 7_777, 143, 1, 28_571, 1_538, 1_234_567];
    WHOLES[usize::from(payment) % WHOLES.len()]
}

fn of(share: Share, whole: i64) -> i64 {
    match share {
        Share::Whole => whole,
        Share::Part(thousandths) => (whole * i64::from(thousandths) / 1_000).max(1),
        Share::More(more) => whole + i64::from(more),
        Share::Nothing => 0,
        Share::Greatest => i64::MAX,
    }
}

/// What every report of a payment says: corridors open, pilot and closed, channels, codes, two currencies.
fn template(payment: u8) -> Report {
    let day = Date::parse_iso("2026-11-11").expect("a date");
    let name = |text| Name::new(text).expect("a name");
    let (payer, payee) = match payment {
        0..=2 | 8 | 10..=12 => (0, 1),
        3 | 4 | 9 => (0, 2),
        5 => (1, 0),
        6 => (1, 2),
        _ => (2, 1),
    };
    Report {
        event: Id(0),
        network: number(payer),
        side: Side::Payer,
        payment: Id(u128::from(payment) + 1),
        movement: None,
        kind: Kind::Captured,
        payer: number(payer),
        payee: number(payee),
        payer_institution: if payment.is_multiple_of(2) { name("48020000") } else { Name::NONE },
        payee_institution: Name::NONE,
        channel: if payment == 9 { name("taobao") } else { Name::NONE },
        scan: if matches!(payment, 2 | 10) { Scan::PayerScans } else { Scan::None },
        code: (payment == 2).then_some(CodeKind::TenpayPersonal),
        minor: 0,
        currency: if payment == 8 { usd() } else { CNY },
        evidence: Evidence::None,
        region: Name::NONE,
        cohort: match payment {
            3 => name("pilot-2021"),
            9 => name("taobao-grey"),
            _ => Name::NONE,
        },
        occurred_at: Timestamp::from_civil(day, 43_200, 28_800),
        business_date: day,
    }
}
