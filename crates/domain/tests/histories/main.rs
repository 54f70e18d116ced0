//! The invariants of the rulebook as properties of random histories. A history that fails is printed, cut down to the steps
//! that are needed.

mod independent;

use std::collections::{BTreeMap, BTreeSet};

use domain::account::Account;
use domain::book::Balance;
use domain::command::Command;
use domain::cycle::{CycleId, Flows};
use domain::ids::{Id, Network, Party};
use domain::journal::Journal;
use domain::netting::net;
use domain::payment::{Answer, Hold, Leg, Payment};
use domain::rejection::RejectionCode;
use domain::report::{Evidence, Kind, Report};
use domain::rulebook::Rulebook;
use domain::state::View;
use independent::Nets;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use testkit::history::{Player, Step, Told, histories};
use testkit::model::Model;

/// What a ledger looked like before a step.
struct Before {
    payments: BTreeMap<Id, Payment>,
    balances: Vec<(Account, Balance)>,
    exposures: BTreeMap<Network, i128>,
    unparked: usize,
    booked: usize,
}

impl Before {
    fn of(model: &Model, currency: domain::money::Currency) -> Self {
        let exposure = |network| (network, model.state.exposure(network, currency));
        Self {
            payments: model.payments.clone(),
            balances: model.state.book().accounts().collect(),
            exposures: model.rules().networks().map(exposure).collect(),
            unparked: model.unparked.len(),
            booked: model.booked.len(),
        }
    }

    fn assert_unchanged(&self, model: &Model, but: Option<Id>) {
        assert!(model.state.book().accounts().eq(self.balances.iter().copied()), "balances changed");
        assert_eq!(model.booked.len(), self.booked, "something was booked");
        let others = |payments: &BTreeMap<Id, Payment>| {
            payments.clone().into_iter().filter(|(id, _)| Some(*id) != but).collect::<Vec<_>>()
        };
        assert_eq!(others(&model.payments), others(&self.payments), "payments changed");
    }
}

/// Everything that is followed beside the ledger.
#[derive(Default)]
struct Follower {
    nets: Nets,
    closed: BTreeMap<CycleId, Flows>,
    answers: BTreeMap<(Network, Id), (Report, Answer)>,
    bills: BTreeMap<(Id, usize), i128>,
    versions: Vec<Rulebook>,
}

impl Follower {
    fn follow(&mut self, before: &Before, told: &Told, model: &Model) {
        match told {
            Told::Report(report, answer, again) => {
                let first = self.answers.get(&(report.network, report.event)).copied();
                assert_eq!(first.is_some(), *again);
                match first {
                    Some(first) => self.repeated(first, report, *answer, before, model),
                    None => self.reported(report, *answer, before, model),
                }
            }
            Told::Command(command, Ok(())) => {
                if let Command::CutOver { cycle, .. } = *command {
                    self.closed.insert(cycle, model.state.cycle(cycle).expect("it closed").flows.clone());
                }
                if let Command::ConfirmWithdrawal { network, amount } = *command {
                    // A cap apart, what is left covers what is owed.
                    let owed = model.state.exposure(network, amount.currency());
                    let left = owed <= covered(model, network, amount.currency()) || amount.minor() == 0;
                    assert!(left, "13: {network:?} took out what it needs");
                }
                self.versions = versions(model);
                self.nets.command(command, |currency| model.state.open_cycle(currency));
            }
            Told::Command(_, Err(_)) | Told::Order(_, Err(_)) | Told::Correct(_, _, Err(_)) => {
                before.assert_unchanged(model, None);
            }
            Told::Order(_, Ok(())) => {}
            Told::Correct(id, ..) => {
                self.rebill(*id, model);
                self.renet(*id, before, model);
            }
            Told::Nothing => {}
        }
    }

    /// 12: the first answer again, or a conflict; nothing else happens.
    fn repeated(&self, first: (Report, Answer), report: &Report, answer: Answer, before: &Before, model: &Model) {
        if first.0 == *report {
            assert_eq!(answer, first.1, "12: another answer");
        } else {
            assert_eq!(answer.name(), RejectionCode::ConflictingDuplicate.name());
        }
        before.assert_unchanged(model, None);
        assert_eq!(model.unparked.len(), before.unparked);
    }

    fn reported(&mut self, report: &Report, answer: Answer, before: &Before, model: &Model) {
        self.answers.insert((report.network, report.event), (*report, answer));
        match answer {
            Answer::Accepted => {
                check_limits(report, before, model);
                self.bill(report);
            }
            Answer::WaitingForOriginal | Answer::Rejected(_) => {
                before.assert_unchanged(model, Some(report.payment));
                let was = before.payments.get(&report.payment).cloned().unwrap_or_default();
                let is = model.payments.get(&report.payment).cloned().unwrap_or_default();
                if is.refused == was.refused && matches!(answer, Answer::Rejected(_)) {
                    assert_eq!(is, was, "a refused event changed its payment");
                }
            }
        }
        let applied: Vec<Report> = self.unparked(before, model);
        applied.iter().for_each(|report| self.bill(report));
        self.check_bill(report.payment, model);
        self.renet(report.payment, before, model);
    }

    /// The reports that waited and were applied in this step.
    fn unparked(&self, before: &Before, model: &Model) -> Vec<Report> {
        let parked = before.payments.values().flat_map(|payment| &payment.parked);
        let parked: BTreeMap<_, _> = parked.map(|parked| (parked.sequence, parked.report)).collect();
        let now = model.unparked[before.unparked..].iter().filter(|(_, answer)| answer.is_ok());
        now.map(|(sequence, _)| parked[sequence]).collect()
    }

    /// What a network's bill of this report shows: captures and withdrawn refunds add, refunds and reversals take away.
    fn bill(&mut self, report: &Report) {
        let sign = match (report.kind, report.movement) {
            (Kind::Captured, _) | (Kind::Reversed, Some(_)) => 1,
            (Kind::Refunded, _) | (Kind::Reversed, None) => -1,
            _ => return,
        };
        for &side in sides(report) {
            *self.bills.entry((report.payment, side)).or_default() += sign * i128::from(report.minor);
        }
    }

    /// A correction says that a side's books are not what it reported.
    fn rebill(&mut self, id: Id, model: &Model) {
        for side in [0, 1] {
            self.bills.insert((id, side), stands(&model.payments[&id], side));
        }
    }

    /// 14: a network's file is what is booked, in transit, stands alone, or was withdrawn (which is in it twice).
    fn check_bill(&self, id: Id, model: &Model) {
        let Some(payment) = model.payments.get(&id).filter(|payment| payment.refused.is_none()) else { return };
        for side in [0, 1] {
            let billed = self.bills.get(&(id, side)).copied().unwrap_or(0);
            assert_eq!(stands(payment, side), billed, "14: side {side} of {payment:?}");
        }
    }

    fn renet(&mut self, id: Id, before: &Before, model: &Model) {
        let Some(after) = model.payments.get(&id) else { return };
        let was = before.payments.get(&id).cloned().unwrap_or_default();
        let number = after.terms.map_or(0, |terms| model.state.open_cycle(terms.currency));
        self.nets.payment(id, &was, after, &self.versions, number);
    }

    /// 8 and 9: every cycle's nets are those of the second computation, and a closed cycle takes no posting.
    fn check_cycles(&self, model: &Model) {
        for currency in model.rules().currencies.iter().map(|rule| rule.currency) {
            for cycle in model.state.cycles(currency) {
                let netting = net(&cycle.flows);
                let nets: BTreeMap<Party, i128> =
                    netting.multilateral.iter().filter(|(_, m)| **m != 0).map(|(p, m)| (*p, *m)).collect();
                assert_eq!(nets, self.nets.of(cycle.id), "8: nets of {:?}", cycle.id);
                if let Some(flows) = self.closed.get(&cycle.id) {
                    assert_eq!(&cycle.flows, flows, "9: a posting in a closed cycle");
                }
                assert!(cycle.flows.keys().all(|(debtor, creditor)| debtor != creditor), "a party owes itself");
                for party in netting.multilateral.keys() {
                    let bilateral = netting.bilateral.iter().map(|(&(debtor, creditor), minor)| {
                        i128::from(creditor == *party) * minor - i128::from(debtor == *party) * minor
                    });
                    assert_eq!(bilateral.sum::<i128>(), netting.of(*party), "netting changes what {party:?} is owed");
                }
                let (multi, bi, gross) =
                    (netting.multilateral_effort(), netting.bilateral_effort(), netting.gross_effort());
                assert!(multi.minor <= bi.minor && bi.minor <= gross.minor, "netting makes more to move");
            }
        }
    }
}

fn versions(model: &Model) -> Vec<Rulebook> {
    (1..).map_while(|number| model.state.rules().version(number).cloned()).collect()
}

fn covered(model: &Model, network: Network, currency: domain::money::Currency) -> i128 {
    use domain::account::Class;
    let liquidity = model.state.book().standing(Account::of_network(Class::Liquidity, network, currency));
    let covers = &model.rules().networks[network.index()].agreed_covers;
    liquidity + covers.iter().filter(|(of, _)| *of == currency).map(|(_, minor)| i128::from(*minor)).sum::<i128>()
}

fn sides(report: &Report) -> &'static [usize] {
    match report.side {
        domain::payment::Side::Payer => &[0],
        domain::payment::Side::Payee => &[1],
        domain::payment::Side::Both => &[0, 1],
    }
}

/// What a side has said in all and not taken back.
fn stands(payment: &Payment, side: usize) -> i128 {
    let said = |leg: Leg| i128::from(leg.reported().unwrap_or(0));
    let refunds: i128 = payment.refunds.iter().map(|refund| said(refund.movement.legs[side])).sum();
    said(payment.capture.legs[side]) - refunds - said(payment.reversal.legs[side])
}

/// 13: nothing that is not exempt raises an exposure above its limit. Exempt are refunds, reversals, disputes, what a file
/// proves, what was reported beyond the hold or the partner's leg, and fees above the interchange.
fn check_limits(report: &Report, before: &Before, model: &Model) {
    let exempt_kind = !matches!(report.kind, Kind::Authorised | Kind::Captured);
    if exempt_kind || report.evidence != Evidence::None || model.unparked.len() > before.unparked {
        return;
    }
    let was = before.payments.get(&report.payment).cloned().unwrap_or_default();
    let held = if was.hold == Hold::Live { was.authorised.unwrap_or(0) } else { 0 };
    let reported = was.capture.legs.iter().filter_map(|leg| leg.live()).max().unwrap_or(0);
    let beyond = if held > 0 || reported > 0 { (report.minor - held.max(reported)).max(0) } else { 0 };
    let booked = model.booked[before.booked..].iter().flat_map(|booked| &booked.entries);
    let network_fee = |network| {
        let account = Account::position_operator(network, report.currency);
        let fees = booked.clone().filter(|entry| entry.journal == Journal::Fees && entry.debit == account);
        fees.map(|entry| entry.minor).sum::<i128>()
    };
    for (&network, &exposure) in &before.exposures {
        let is = model.state.exposure(network, report.currency);
        let limit = model.state.exposure_limit(network, report.currency);
        let exempt = network_fee(network) + if network == report.payer { i128::from(beyond) } else { 0 };
        assert!(is <= limit || is <= exposure + exempt, "13: {network:?} owes {is} of {limit}, {exposure} before");
    }
}

fn play(history: &[Step]) -> Player {
    let mut player = Player::default();
    let mut follower = Follower { versions: versions(&player.model), ..Follower::default() };
    for step in history {
        let currency = match step {
            Step::Report { payment: 8, .. } => testkit::history::usd(),
            _ => domain::money::CNY,
        };
        let before = Before::of(&player.model, currency);
        let told = player.play(step);
        player.model.check_invariants();
        follower.follow(&before, &told, &player.model);
    }
    follower.check_cycles(&player.model);
    player
}

/// A generator that never comes to a rule proves nothing about it.
#[test]
fn random_histories_come_to_every_rule_and_every_refusal_that_reports_and_commands_can_earn() {
    let mut runner = TestRunner::deterministic();
    let (mut journals, mut codes) = (BTreeSet::new(), BTreeSet::new());
    for _ in 0..600 {
        let history = histories(120).new_tree(&mut runner).expect("nothing is filtered").current();
        let mut player = Player::default();
        for step in &history {
            match player.play(step) {
                Told::Report(_, Answer::Rejected(rejection), _) => drop(codes.insert(rejection.code())),
                Told::Command(_, Err(code)) | Told::Order(_, Err(code)) | Told::Correct(_, _, Err(code)) => {
                    codes.insert(code);
                }
                _ => {}
            }
            journals.extend(player.model.last_booked().iter().map(|entry| entry.journal));
        }
    }
    let missing = |all: &[&'static str], seen: Vec<&'static str>| {
        all.iter().copied().filter(|name| !seen.contains(name)).collect::<Vec<_>>()
    };
    let all: Vec<_> = Journal::ALL.iter().map(|journal| journal.code()).collect();
    assert_eq!(missing(&all, journals.iter().map(|journal| journal.code()).collect()), [""; 0]);
    let all: Vec<_> = RejectionCode::ALL.iter().map(|code| code.name()).collect();
    // Its rulebooks are always good, its commands are all known, its settlements go their way, and it keeps no files.
    let never = |code: &str| {
        [
            "CYCLE_STATE",
            "RULEBOOK_INVALID",
            "COMMAND_NOT_SUPPORTED",
            "INCARNATION_REFUSED",
            "PROPOSAL_CHANGED",
            "FILE_UNKNOWN",
        ]
        .contains(&code)
            || ["BREAK", "INSTRUCTION_", "ALREADY_"].iter().any(|of_files| code.starts_with(of_files))
    };
    let seen = codes.iter().map(|code| code.name()).collect();
    assert_eq!(missing(&all, seen).into_iter().filter(|code| !never(code)).collect::<Vec<_>>(), [""; 0]);
}

proptest! {
    #[test]
    fn every_invariant_holds_at_every_step_of_any_history(history in histories(120)) {
        play(&history);
    }

    #[test]
    fn told_the_same_again_a_ledger_comes_out_the_same(history in histories(60)) {
        let model = play(&history).model;
        let again = model.replay();
        prop_assert!(model.state.book().accounts().eq(again.state.book().accounts()));
        prop_assert_eq!(&model.payments, &again.payments);
        prop_assert_eq!(&model.booked, &again.booked);
        prop_assert_eq!(model.unparked, again.unparked);
    }
}
