//! What a clerk asks for: money, cycles, settlement, rules. What is about files, breaks and single payments is beside it.

use domain::clearing::{BillRow, Break, InstructionState, Order, Settlement};
use domain::cycle::{CycleId, CycleState};
use domain::ids::{Id, Network, Sequence};
use domain::money::{Amount, CNY, Currency};
use domain::rulebook::Rulebook;
use domain::state::{State, View};
use wire::control::compose;
use wire::control::v1::{self, control_command::Command as Content};

use super::Asked;
use crate::networks::Known;
use crate::random::Random;
use crate::rules::Version;

/// What a clerk looks at when it gives an order.
pub(super) struct Desk<'a> {
    pub(super) random: &'a mut Random,
    pub(super) state: &'a State,
    pub(super) rules: &'a Rulebook,
    pub(super) known: &'a [Known],
    pub(super) sequence: Sequence,
}

impl Desk<'_> {
    // ---- words ----

    pub(super) fn network(&mut self) -> Network {
        let networks: Vec<_> = self.rules.networks().collect();
        *self.random.pick(&networks)
    }

    pub(super) fn pair(&mut self) -> (Network, Network) {
        let from = self.network();
        let to = self.network();
        let others = self.rules.networks().find(|other| *other != from).unwrap_or(from);
        if from == to && !self.random.one_in(20) { (from, others) } else { (from, to) }
    }

    pub(super) fn currency(&mut self) -> Currency {
        if self.random.one_in(6) { usd() } else { CNY }
    }

    pub(super) fn amount(&mut self, high: i64) -> Amount {
        let (minor, currency) = (self.random.between(1, high.max(1)), self.currency());
        Amount::new(minor, currency).expect("not negative")
    }

    pub(super) fn of(&self, order: &Order) -> Content {
        compose::order(order, self.rules)
    }

    pub(super) fn note(&mut self) -> String {
        format!("ticket {}", self.random.below(1_000))
    }

    pub(super) fn row(&mut self) -> BillRow {
        let files = self.state.register().files();
        let known = (!files.is_empty() && !self.random.one_in(10)).then(|| self.random.pick(files).file.digest);
        let file = known.unwrap_or_else(|| digest(self.random));
        BillRow { file, line: u32::try_from(self.random.between(1, 60)).expect("small") }
    }

    /// An open break that `fits`, if there is one; else any, or none that is known.
    pub(super) fn break_id(&mut self, fits: impl Fn(&Break) -> bool) -> (Id, Option<Break>) {
        let register = self.state.register();
        let fitting: Vec<_> = register.breaks().filter(|known| known.is_open() && fits(known)).collect();
        let any: Vec<_> = register.breaks().collect();
        let from = if fitting.is_empty() || self.random.one_in(8) { any } else { fitting };
        if from.is_empty() || self.random.one_in(15) {
            return (Id(u128::from_be_bytes(self.random.bytes())), None);
        }
        let found = (*self.random.pick(&from)).clone();
        (found.finding.id, Some(found))
    }

    // ---- money in and out ----

    pub(super) fn prefund(&mut self, bank_reference: String) -> Asked {
        let amount = Some(self.amount(2_500_000).into());
        let network = if self.random.one_in(25) { "nonet" } else { self.name() };
        let prefund = v1::ConfirmPrefund { network: network.to_owned(), amount, bank_reference };
        ("command ConfirmPrefund", Content::ConfirmPrefund(prefund))
    }

    pub(super) fn name(&mut self) -> &'static str {
        ["unionpay", "tenpay", "alipay"][self.random.index(3)]
    }

    pub(super) fn withdraw(&mut self, bank_reference: String) -> Asked {
        let amount = Some(self.amount(2_000_000).into());
        let network = self.name().to_owned();
        let withdrawal = v1::ConfirmWithdrawal { network, amount, bank_reference };
        ("command ConfirmWithdrawal", Content::ConfirmWithdrawal(withdrawal))
    }

    pub(super) fn sweep(&mut self, bank_reference: String) -> Asked {
        let amount = Some(self.amount(60).into());
        ("command SweepFees", Content::SweepFees(v1::SweepFees { amount, bank_reference }))
    }

    pub(super) fn adjust_fee(&mut self) -> Asked {
        let known = self.known();
        let minor_units = if self.random.one_in(5) { 2 } else { 1 };
        let currency_code = known.currency.to_owned();
        let adjust = v1::AdjustFee {
            payment_id: known.id.to_vec(),
            movement_id: Vec::new(),
            network: if self.random.one_in(6) { "alipay" } else { known.payer }.to_owned(),
            amount: Some(wire::common::v1::Amount { currency_code, minor_units }),
            adjustment: if self.random.one_in(2) { v1::FeeAdjustment::Charge } else { v1::FeeAdjustment::Credit }
                .into(),
        };
        ("command AdjustFee", Content::AdjustFee(adjust))
    }

    /// A payment that the networks are busy with, or one of nobody.
    pub(super) fn known(&mut self) -> Known {
        if self.known.is_empty() || self.random.one_in(15) {
            let (id, movement) = (self.random.bytes(), self.random.bytes());
            return Known { id, payer: "unionpay", payee: "tenpay", whole: 100, currency: "CNY", movement };
        }
        self.random.pick(self.known).clone()
    }

    // ---- cycles ----

    pub(super) fn cut_over(&mut self) -> Asked {
        let currency = self.currency();
        let rule = self.rules.currency(currency).expect("both are in every version");
        let (mut by, mut number) = (rule.cut_over_network, self.state.open_cycle(currency));
        match self.random.below(10) {
            0 => by = self.network(),
            1 => number = number.saturating_sub(1).max(1),
            _ => {}
        }
        let reporting_network = self.rules.network_name(by).to_owned();
        let cycle = Some(CycleId { currency, number }.into());
        ("command CutOver", Content::CutOver(v1::CutOver { cycle, reporting_network }))
    }

    /// The next step of the oldest cycle that is not settled; sometimes of another one, or another step.
    pub(super) fn settle(&mut self) -> Asked {
        let currency = self.currency();
        let cycles = self.state.cycles(currency);
        let oldest = cycles.iter().find(|cycle| cycle.state != CycleState::Settled).unwrap_or(&cycles[0]);
        let cycle = if self.random.one_in(6) { self.random.pick(cycles) } else { oldest };
        let settlement = self.state.register().settlement(cycle.id);
        if self.random.one_in(12) {
            return self.out_of_order(cycle.id, settlement);
        }
        let id = cycle.id;
        match (&cycle.state, settlement) {
            (CycleState::Open, _) if !self.random.one_in(4) => self.cut_over(),
            (CycleState::Proposed, Some(proposed)) => self.approve(id, proposed.digest),
            (CycleState::Approved, _) => ("command StartSettlement", self.of(&Order::Start(id))),
            (CycleState::Pending { .. }, Some(known)) if self.random.one_in(3) => self.answer(known),
            (CycleState::Pending { .. }, _) => ("command StartSettlement", self.of(&Order::Start(id))),
            (CycleState::Settling | CycleState::Settled, Some(settlement)) => self.answer(settlement),
            _ => ("command ProposeSettlement", self.of(&Order::Propose(id))),
        }
    }

    pub(super) fn approve(&mut self, cycle: CycleId, proposed: [u8; 32]) -> Asked {
        let digest = if self.random.one_in(8) { digest(self.random) } else { proposed };
        ("command ApproveSettlement", self.of(&Order::Approve { cycle, digest }))
    }

    pub(super) fn out_of_order(&mut self, id: CycleId, settlement: Option<&Settlement>) -> Asked {
        match (self.random.below(4), settlement) {
            (0, _) => ("command StartSettlement", self.of(&Order::Start(id))),
            (1, Some(known)) => self.approve(id, known.digest),
            (2, Some(known)) => self.bank(known.cycle, "CNY-1-00000000-1-1".to_owned(), false),
            _ => ("command ProposeSettlement", self.of(&Order::Propose(id))),
        }
    }

    /// The bank's word on an instruction, mostly on one that has none yet.
    pub(super) fn answer(&mut self, settlement: &Settlement) -> Asked {
        let places = settlement.instructions.iter().enumerate();
        let mut open = places.filter(|(_, sent)| sent.state == InstructionState::Sent).map(|(at, _)| at);
        let first = open.next();
        let at = match first {
            Some(first) if !self.random.one_in(6) => first,
            _ if settlement.instructions.is_empty() => {
                return ("command StartSettlement", self.of(&Order::Start(settlement.cycle)));
            }
            _ => self.random.index(settlement.instructions.len()),
        };
        let attempt = settlement.instructions[at].attempt;
        let attempt = if self.random.one_in(8) { attempt.saturating_sub(1).max(1) } else { attempt };
        let fails = self.random.one_in(6);
        self.bank(settlement.cycle, settlement.instruction_id(at, attempt), fails)
    }

    pub(super) fn bank(&mut self, cycle: CycleId, instruction: String, fails: bool) -> Asked {
        let reference = format!("bank {instruction}");
        if fails {
            let reference = self.random.one_in(2).then_some(reference);
            let reject = Order::Reject { cycle, instruction, reference, reason: "AM04".to_owned() };
            return ("command RejectInstruction", self.of(&reject));
        }
        ("command ConfirmInstruction", self.of(&Order::Confirm { cycle, instruction, reference }))
    }

    // ---- rules ----

    pub(super) fn load_rulebook(&mut self) -> Asked {
        let has_fourth = self.rules.network("jdpay").is_some() || self.random.one_in(2);
        let number = self.rules.version + u32::from(!self.random.one_in(6));
        let cap = self.random.between(2_000_000, 9_000_000);
        let version = Version { number, cap, is_open: self.random.one_in(2), has_fourth };
        let text = if self.random.one_in(6) { "version = ".to_owned() } else { version.text() };
        ("command LoadRulebook", Content::LoadRulebook(v1::LoadRulebook { toml: text.into_bytes() }))
    }

    pub(super) fn release(&mut self) -> Asked {
        let sequence = self.random.below(self.sequence.0.max(1)) + 1;
        let reason = self.note();
        ("command ReleaseQuarantined", Content::ReleaseQuarantined(v1::ReleaseQuarantined { sequence, reason }))
    }

    pub(super) fn made_anew(&mut self) -> Asked {
        let (topic, topic_id) = ("payments.tenpay".to_owned(), self.random.bytes().to_vec());
        let content = Content::RecordSourceIncarnation(v1::RecordSourceIncarnation { topic, topic_id });
        ("command RecordSourceIncarnation", content)
    }
}

pub(super) fn digest(random: &mut Random) -> [u8; 32] {
    let mut digest = [0; 32];
    digest[..16].copy_from_slice(&random.bytes());
    digest
}

fn usd() -> Currency {
    Currency::from_code("USD").expect("three capital letters")
}
