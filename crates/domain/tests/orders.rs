//! Order between networks means nothing (6.5): however the two networks' reports of one payment are merged, each network's
//! own order kept, the payment comes to the same end. A cut-over in the middle may move an obligation to another cycle; what
//! all cycles come to is the same.

use std::collections::BTreeMap;

use domain::account::{Account, Class};
use domain::command::Command;
use domain::cycle::CycleId;
use domain::ids::{Id, Network, Party};
use domain::journal::Break;
use domain::money::{Amount, CNY, Rate};
use domain::netting::net;
use domain::payment::Status;
use domain::report::{Evidence, Report};
use domain::rulebook::{Fee, FeeRule, Rulebook};
use domain::state::View;
use proptest::prelude::*;
use testkit::life::lives;
use testkit::model::Model;

/// What must not depend on order.
#[derive(Debug, PartialEq, Eq)]
struct Final {
    status: Option<Status>,
    breaks: Vec<Break>,
    /// Over all cycles.
    nets: BTreeMap<Party, i128>,
    /// Charged and not given back.
    fees: [i64; 3],
    /// Holds, memos, escrow, fee income: everything that a cut does not move.
    standing: BTreeMap<[u8; 6], i128>,
    waiting: usize,
}

fn rules(rates: [u32; 3], cap: Option<i64>) -> Rulebook {
    let mut rules = rulebook::parse(rulebook::DEFAULT).expect("the default is valid");
    let [interchange, payer, payee] =
        rates.map(|rate| Fee { rate: Rate::from_millionths(rate).expect("at most 100 %"), cap });
    rules.corridors.iter_mut().for_each(|row| row.fees = FeeRule { interchange, payer, payee });
    rules
}

/// Tells the reports in order, with a cut-over before each place in `cuts`, and `cuts_after` more at the end.
fn told(rules: &Rulebook, reports: &[Report], cuts: &[usize], cuts_after: usize) -> Final {
    let network = Network::from_index(0).expect("below 64");
    let mut model = Model::new(rules.clone());
    let amount = Amount::new(i64::MAX, CNY).expect("not negative");
    model.command(&Command::ConfirmPrefund { network, amount }).expect("a network of the rules");
    let cut_over = |model: &mut Model| {
        let cycle = CycleId { currency: CNY, number: model.state.open_cycle(CNY) };
        model.command(&Command::CutOver { network, cycle }).expect("the open cycle, by its own network");
        model.check_invariants();
    };
    for (place, report) in reports.iter().enumerate() {
        (0..cuts.iter().filter(|cut| **cut == place).count()).for_each(|_| cut_over(&mut model));
        model.report(report);
        model.check_invariants();
    }
    (0..cuts_after).for_each(|_| cut_over(&mut model));
    ended(&model)
}

fn ended(model: &Model) -> Final {
    let mut nets = BTreeMap::new();
    for netting in model.state.cycles(CNY).iter().map(|cycle| net(&cycle.flows)) {
        for (party, minor) in netting.multilateral.into_iter().filter(|(_, minor)| *minor != 0) {
            *nets.entry(party).or_insert(0) += minor;
        }
    }
    nets.retain(|_, minor| *minor != 0);
    let stays = |account: Account| !matches!(account.class(), Class::Position | Class::Receivable | Class::Payable);
    let accounts = model.state.book().accounts().filter(|(account, _)| stays(*account));
    let standing = accounts.map(|(account, balance)| (account.to_bytes(), balance.standing(account.class().grows())));
    let payment = model.payments.get(&Id(1));
    let mut breaks = payment.map_or_else(Vec::new, |payment| payment.breaks());
    breaks.sort_unstable();
    Final {
        status: payment.map(|payment| payment.status()),
        breaks,
        nets,
        fees: payment
            .map_or([0; 3], |payment| [0, 1, 2].map(|fee| payment.fees_charged[fee] - payment.fees_returned[fee])),
        standing: standing.filter(|(_, minor)| *minor != 0).collect(),
        waiting: payment.map_or(0, |payment| payment.parked.len()),
    }
}

fn in_words(reports: &[Report]) -> Vec<String> {
    let words = |report: &Report| {
        let proven = if report.evidence == Evidence::None { "" } else { " proven" };
        let movement = report.movement.map_or(String::new(), |id| format!(" {}", id.0));
        format!("{:?} {:?}{movement} {}{proven}", report.side, report.kind, report.minor)
    };
    reports.iter().map(words).collect()
}

fn any_rules() -> impl Strategy<Value = Rulebook> {
    let rates = prop_oneof![Just([3_500, 325, 325]), Just([0; 3]), any::<[u16; 3]>().prop_map(|r| r.map(u32::from))];
    (rates, prop::option::of(0..500_i64)).prop_map(|(rates, cap)| rules(rates, cap))
}

/// Merging two streams: which one is next, again and again.
fn picks() -> impl Strategy<Value = Vec<bool>> {
    prop::collection::vec(any::<bool>(), 24)
}

proptest! {
    #[test]
    fn reports_of_two_networks_come_to_the_same_end_in_any_order(
        (rules, life, orders) in (any_rules(), lives(), prop::collection::vec(picks(), 4)),
    ) {
        let expected = told(&rules, &life.merged(&[true; 24]), &[], 0);
        for order in orders.iter().chain([&vec![false; 24]]) {
            let reports = life.merged(order);
            prop_assert_eq!(&told(&rules, &reports, &[], 0), &expected, "in the order {:?}", in_words(&reports));
        }
    }

    #[test]
    fn cut_overs_in_the_middle_move_obligations_between_cycles_and_change_nothing_else(
        (rules, life) in (any_rules(), lives()),
        orders in prop::collection::vec((picks(), prop::collection::vec(0..12_usize, 0..4)), 4),
    ) {
        // After three closings every leg and every parked event that is still alone has waited long enough.
        let expected = told(&rules, &life.merged(&[true; 24]), &[], 3);
        for (order, cuts) in orders {
            let reports = life.merged(&order);
            prop_assert_eq!(&told(&rules, &reports, &cuts, 3), &expected, "{:?} cut at {:?}", in_words(&reports), cuts);
        }
    }
}
