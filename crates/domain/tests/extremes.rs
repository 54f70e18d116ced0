//! What nobody sends on purpose: thousands of refunds of one payment, rulebooks whose parts do not fit, accounts that cannot
//! be, and reports that no door would let in.

use domain::account::{Account, Class};
use domain::command::Command;
use domain::ids::{Id, Name, Network};
use domain::money::{Amount, CNY, Currency};
use domain::payment::{Side, Status};
use domain::report::{Evidence, Kind, Report, Scan};
use domain::rulebook::{Rulebook, RulebookError, Rules};
use domain::time::{Date, Timestamp};
use testkit::model::Model;

fn rules() -> Rulebook {
    rulebook::parse(rulebook::DEFAULT).expect("the default is valid")
}

fn network(index: usize) -> Network {
    Network::from_index(index).expect("below 64")
}

fn report(event: u128, side: Side, kind: Kind, minor: i64) -> Report {
    let day = Date::parse_iso("2026-11-11").expect("a date");
    Report {
        event: Id(event),
        network: network(usize::from(side == Side::Payee)),
        side,
        payment: Id(1),
        movement: None,
        kind,
        payer: network(0),
        payee: network(1),
        payer_institution: Name::NONE,
        payee_institution: Name::NONE,
        channel: Name::NONE,
        scan: Scan::None,
        code: None,
        minor,
        currency: CNY,
        evidence: Evidence::None,
        region: Name::NONE,
        cohort: Name::NONE,
        occurred_at: Timestamp::from_civil(day, 43_200, 28_800),
        business_date: day,
    }
}

fn funded() -> Model {
    let mut model = Model::new(rules());
    let amount = Amount::new(i64::MAX, CNY).expect("not negative");
    model.command(&Command::ConfirmPrefund { network: network(0), amount }).expect("a known network");
    model
}

#[test]
fn three_thousand_refunds_of_one_payment_give_every_fee_back_to_the_last_unit() {
    let mut model = funded();
    let part = 7;
    model.report(&report(1, Side::Both, Kind::Captured, 3_000 * part));
    for refund in 1..=3_000_u128 {
        let leg = Report { movement: Some(Id(refund)), ..report(1 + refund, Side::Both, Kind::Refunded, part) };
        assert_eq!(model.report(&leg).name(), "ACCEPTED");
    }
    model.check_invariants();
    let payment = &model.payments[&Id(1)];
    assert_eq!(payment.status(), Status::Refunded);
    assert_eq!(payment.fees_charged, [74, 7, 7]);
    assert_eq!(payment.fees_returned, payment.fees_charged);
}

#[test]
fn two_thousand_events_that_wait_for_one_payment_are_all_applied_by_the_leg_that_completes_it() {
    let mut model = funded();
    for refund in 1..=2_000_u128 {
        let leg = Report { movement: Some(Id(refund)), ..report(refund, Side::Payee, Kind::Refunded, 1) };
        assert_eq!(model.report(&leg).name(), "WAITING_FOR_ORIGINAL");
    }
    model.report(&report(9_001, Side::Both, Kind::Captured, 1_999));
    let refused = model.unparked.iter().filter(|(_, answer)| answer.is_err()).count();
    assert_eq!((model.unparked.len(), refused), (2_000, 1));
    model.check_invariants();
}

#[test]
fn a_report_without_what_its_kind_needs_is_refused_and_changes_nothing() {
    let mut model = funded();
    model.report(&report(1, Side::Both, Kind::Captured, 1_000));
    let before = model.payments.clone();
    for (event, kind, minor) in [
        (2, Kind::Refunded, 5),
        (3, Kind::Disputed, 5),
        (4, Kind::DisputeWon, 5),
        (5, Kind::DisputeLost, 5),
        (6, Kind::Captured, 0),
        (7, Kind::Authorised, -1),
        (8, Kind::Reversed, i64::MIN),
        (9, Kind::Voided, -1),
    ] {
        let answer = model.report(&report(event, Side::Payer, kind, minor)).name();
        // A void waits for its authorisation, which will not be of that amount.
        let expected = if kind == Kind::Voided { "WAITING_FOR_ORIGINAL" } else { "PAYMENT_MISMATCH" };
        assert_eq!(answer, expected, "{kind:?}");
        if kind != Kind::Voided {
            assert_eq!(model.payments, before);
        }
    }
    model.report(&report(10, Side::Payer, Kind::Authorised, 1_000));
    assert_eq!(model.unparked.len(), 1);
    assert!(model.unparked[0].1.is_err());
}

#[test]
fn a_rulebook_whose_parts_do_not_fit_is_refused() {
    type Change = fn(&mut Rulebook);
    let rows: &[(&str, Change)] = &[
        ("a corridor to nobody", |r| r.corridors[0].payee = network(3)),
        ("a corridor from nobody", |r| r.corridors[0].payer = network(63)),
        ("a corridor to itself", |r| r.corridors[0].payee = r.corridors[0].payer),
        ("a cut-over by nobody", |r| r.currencies[0].cut_over_network = network(3)),
        ("a negative cap of a fee", |r| r.corridors[0].fees.payee.cap = Some(-1)),
        ("a negative net debit cap", |r| r.networks[0].net_debit_caps = vec![(CNY, -1)]),
        ("a negative cover", |r| r.networks[0].agreed_covers = vec![(CNY, -1)]),
        ("a cap in no currency", |r| {
            r.networks[0].net_debit_caps = vec![(Currency::from_code("USD").expect("a code"), 1)];
        }),
        ("no network", |r| r.networks.clear()),
        ("no currency", |r| r.currencies.clear()),
        ("a currency twice", |r| r.currencies.push(r.currencies[0])),
        ("a network twice", |r| r.networks[1].name = r.networks[0].name),
        ("a network without a name", |r| r.networks[1].name = Name::NONE),
        ("no transit limit", |r| r.transit_limit = 0),
        ("no age", |r| r.event_age_max = 0),
        ("a negative lead", |r| r.event_ahead_max = -1),
        ("five decimals", |r| r.currencies[0].exponent = 5),
    ];
    for (name, change) in rows {
        let mut rules = rules();
        change(&mut rules);
        assert!(matches!(rules.validate(None), Err(RulebookError::Invalid(_))), "{name}");
    }
    assert_eq!(rules().validate(None), Ok(()));
}

#[test]
fn a_version_follows_the_one_before_or_is_refused_and_nothing_has_changed() {
    let mut loaded = Rules::new(rules()).expect("a first version");
    let second = Rulebook { version: 2, ..rules() };
    let earlier = Rulebook { effective_from: Timestamp::from_micros(0), ..second.clone() };
    assert_eq!(loaded.load(earlier), Err(RulebookError::EffectiveBeforePrevious));
    assert_eq!(loaded.load(rules()), Err(RulebookError::Version { found: 1, expected: 2 }));
    let mut moved = second.clone();
    moved.networks.swap(0, 1);
    assert!(matches!(loaded.load(moved), Err(RulebookError::NetworkMoved(_))));
    let mut finer = second.clone();
    finer.currencies[0].exponent = 3;
    assert_eq!(loaded.load(finer), Err(RulebookError::CurrencyChanged(CNY)));
    assert_eq!(loaded.current().version, 1);
    loaded.load(second).expect("it follows");
    assert_eq!(loaded.current().version, 2);
}

#[test]
fn an_account_is_read_back_as_written_and_bytes_of_no_account_are_none() {
    for &class in Class::ALL {
        for account in [
            Account::between(class, network(0), network(63), CNY),
            Account::of_network(class, network(1), CNY),
            Account::of_operator(class, CNY),
            Account::suspense(class, network(2), None, CNY),
            Account::position_operator(network(2), CNY),
        ] {
            assert_eq!(Account::from_bytes(account.to_bytes()), Some(account));
        }
    }
    let [class, owner, against, a, b, c] = Account::position(network(0), network(1), CNY).to_bytes();
    for bytes in [[0, owner, against, a, b, c], [class, 64, against, a, b, c], [class, owner, 251, a, b, c]] {
        assert_eq!(Account::from_bytes(bytes), None, "{bytes:?}");
    }
    assert_eq!(Account::from_bytes([class, owner, against, b'c', b, c]), None);
}

#[test]
fn postings_belong_to_the_institutions_that_any_leg_has_named() {
    let mut model = funded();
    let [bank, shop] = ["48020000", "shop"].map(|name| Name::new(name).expect("a name"));
    let payer = Report { payer_institution: bank, ..report(1, Side::Payer, Kind::Captured, 10_000) };
    let payee = Report { payee_institution: shop, ..report(2, Side::Payee, Kind::Captured, 10_000) };
    model.report(&payer);
    model.report(&payee);
    let cycle = &model.state.cycles(CNY)[0];
    assert_eq!(cycle.institutions(network(0)).into_iter().collect::<Vec<_>>(), [(bank, -9_968)]);
    assert_eq!(cycle.institutions(network(1)).into_iter().collect::<Vec<_>>(), [(shop, 9_962)]);
    assert_eq!(cycle.institutions(network(2)).len(), 0);
}
