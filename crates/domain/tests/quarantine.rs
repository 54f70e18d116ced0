//! What is not a report of anything is quarantined: every code that the form of an event can earn, the exact time bounds,
//! and the order of the checks.

use domain::codes::CodeKind;
use domain::ids::Id;
use domain::payment::Side;
use domain::rejection::Quarantine;
use domain::report::{Evidence, Kind, Report, Scan, Submission};
use domain::rulebook::Rulebook;
use domain::time::{Date, Timestamp};

const DAY: i64 = 86_400_000_000;
const MINUTE: i64 = 60_000_000;
/// 2026-11-11 12:00 in Beijing.
const NOON: i64 = 1_794_369_600_000_000;
/// One character more than a reference has.
const LONG: &str = "42000000012026111100000000000000000000000000000000000000000000001";

fn rules() -> Rulebook {
    rulebook::parse(rulebook::DEFAULT).expect("the default is valid")
}

fn capture() -> Submission<'static> {
    Submission {
        event_id: &[1; 16],
        payment_id: &[2; 16],
        movement_id: &[],
        network_reference: "202611111200001234567",
        refund_reference: "",
        network: "unionpay",
        side: Some(Side::Payer),
        kind: Some(Kind::Captured),
        payer_network: "unionpay",
        payee_network: "tenpay",
        payer_institution: "48020000",
        payee_institution: "",
        channel: "",
        scan: Some(Scan::None),
        code: None,
        amount_minor: 1,
        currency_code: "CNY",
        evidence: Some(Evidence::None),
        region: "",
        cohort: "",
        occurred_at: NOON,
        business_date: 0,
    }
}

fn judged(submission: &Submission<'_>) -> Result<Report, Quarantine> {
    Report::new(submission, Timestamp::from_micros(NOON), &rules())
}

/// One change of a good submission.
type Change = fn(&mut Submission<'_>);

#[test]
fn every_fault_of_form_has_its_code() {
    use Quarantine::*;
    let rows: &[(&str, Change, Quarantine)] = &[
        ("no event id", |s| s.event_id = &[], MissingField),
        ("an event id of 15 bytes", |s| s.event_id = &[1; 15], InvalidField),
        ("no payment id", |s| s.payment_id = &[], MissingField),
        ("a payment id of 17 bytes", |s| s.payment_id = &[1; 17], InvalidField),
        ("no side", |s| s.side = None, MissingField),
        ("no kind", |s| s.kind = None, MissingField),
        ("a refund without id", |s| s.kind = Some(Kind::Refunded), MissingField),
        ("a dispute without id", |s| s.kind = Some(Kind::Disputed), MissingField),
        ("a decision without id", |s| s.kind = Some(Kind::DisputeWon), MissingField),
        ("a lost one without id", |s| s.kind = Some(Kind::DisputeLost), MissingField),
        ("a capture with a movement", |s| s.movement_id = &[3; 16], InvalidField),
        ("a void with a movement", |s| (s.kind, s.movement_id) = (Some(Kind::Voided), &[3; 16]), InvalidField),
        ("a refund id of 3 bytes", |s| (s.kind, s.movement_id) = (Some(Kind::Refunded), &[3; 3]), InvalidField),
        ("a capture without the network's number", |s| s.network_reference = "", MissingField),
        ("a reversal without it", |s| (s.kind, s.network_reference) = (Some(Kind::Reversed), ""), MissingField),
        (
            "a refund without the refund's number",
            |s| (s.kind, s.movement_id) = (Some(Kind::Refunded), &[3; 16]),
            MissingField,
        ),
        ("a number of 65 characters", |s| s.network_reference = LONG, InvalidField),
        ("a number with a line break", |s| s.network_reference = "4200\n", InvalidField),
        ("a refund's number of 65 characters", |s| s.refund_reference = LONG, InvalidField),
        ("no reporter", |s| s.network = "", MissingField),
        ("an unknown reporter", |s| s.network = "paypal", UnknownNetworkNamed),
        ("no payer network", |s| s.payer_network = "", MissingField),
        ("an unknown payer network", |s| s.payer_network = "UnionPay", UnknownNetworkNamed),
        ("no payee network", |s| s.payee_network = "", MissingField),
        ("an unknown payee network", |s| s.payee_network = "taobao", UnknownNetworkNamed),
        ("a payer institution of 16 bytes", |s| s.payer_institution = "0123456789abcdef", InvalidField),
        ("a payee institution with a space", |s| s.payee_institution = "a b", InvalidField),
        ("a channel in Chinese", |s| s.channel = "淘宝", InvalidField),
        ("a region with a line break", |s| s.region = "a\n", InvalidField),
        ("a cohort with a zero byte", |s| s.cohort = "a\0b", InvalidField),
        ("no scan mode", |s| s.scan = None, InvalidField),
        ("a currency that is not used", |s| s.currency_code = "USD", UnknownCurrency),
        ("a currency in small letters", |s| s.currency_code = "cny", UnknownCurrency),
        ("no currency", |s| s.currency_code = "", UnknownCurrency),
        ("no evidence mode", |s| s.evidence = None, InvalidField),
        ("a business date that is none", |s| s.business_date = 20_261_131, InvalidField),
        ("a negative business date", |s| s.business_date = -20_261_111, InvalidField),
        ("one network on both sides", |s| s.payee_network = "unionpay", SameNetwork),
        ("the payee's network for the payer", |s| s.network = "tenpay", WrongReporter),
        ("the payer's network for the payee", |s| s.side = Some(Side::Payee), WrongReporter),
        ("a third network for both", |s| (s.network, s.side) = ("alipay", Some(Side::Both)), WrongReporter),
        ("a capture of nothing", |s| s.amount_minor = 0, AmountNotPositive),
        ("a capture of less", |s| s.amount_minor = i64::MIN, AmountNotPositive),
        ("a void of less than nothing", |s| (s.kind, s.amount_minor) = (Some(Kind::Voided), -1), AmountNotPositive),
        (
            "the payee shows a code of a third network",
            |s| (s.scan, s.code) = (Some(Scan::PayerScans), Some(CodeKind::AlipayReceive)),
            CodeOfOtherNetwork,
        ),
        (
            "the payee shows a code of the payer's network",
            |s| (s.scan, s.code) = (Some(Scan::PayerScans), Some(CodeKind::UnionpayReceive)),
            CodeOfOtherNetwork,
        ),
        (
            "the payee shows a code for payers",
            |s| (s.scan, s.code) = (Some(Scan::PayerScans), Some(CodeKind::TenpayPayment)),
            CodeOfOtherNetwork,
        ),
        (
            "the payer shows a code for payees",
            |s| (s.scan, s.code) = (Some(Scan::MerchantScans), Some(CodeKind::UnionpayReceive)),
            CodeOfOtherNetwork,
        ),
        ("too old", |s| s.occurred_at -= 7 * DAY + 1, EventTooOld),
        ("too far ahead", |s| s.occurred_at += 5 * MINUTE + 1, EventFromFuture),
        ("at the beginning of time", |s| s.occurred_at = i64::MIN, EventTooOld),
        ("at the end of time", |s| s.occurred_at = i64::MAX, EventFromFuture),
    ];
    let mut seen = Vec::new();
    for (name, change, expected) in rows {
        let mut submission = capture();
        change(&mut submission);
        assert_eq!(judged(&submission), Err(*expected), "{name}");
        seen.push(*expected);
    }
    let by_the_door = [Undecodable, RecordTooLong, KeyMismatch];
    let missing: Vec<_> = Quarantine::ALL.iter().filter(|code| !seen.contains(code)).collect();
    assert_eq!(missing, by_the_door.iter().collect::<Vec<_>>(), "raised before there is a submission");
}

#[test]
fn what_is_right_passes() {
    let rows: &[(&str, Change)] = &[
        ("a capture", |_| {}),
        ("exactly seven days old", |s| s.occurred_at -= 7 * DAY),
        ("exactly five minutes ahead", |s| s.occurred_at += 5 * MINUTE),
        ("the payee's network for the payee", |s| (s.network, s.side) = ("tenpay", Some(Side::Payee))),
        ("the payer's network for both", |s| s.side = Some(Side::Both)),
        ("the payee's network for both", |s| (s.network, s.side) = ("tenpay", Some(Side::Both))),
        ("a void without amount", |s| (s.kind, s.amount_minor) = (Some(Kind::Voided), 0)),
        ("an unknown outcome", |s| (s.kind, s.amount_minor) = (Some(Kind::UnknownOutcome), 0)),
        ("an expiry with its amount", |s| (s.kind, s.amount_minor) = (Some(Kind::Expired), 5)),
        ("a refund", |s| (s.kind, s.movement_id, s.refund_reference) = (Some(Kind::Refunded), &[3; 16], "退-1")),
        ("an authorisation without the network's number", |s| {
            (s.kind, s.network_reference) = (Some(Kind::Authorised), "");
        }),
        ("the longest number", |s| s.network_reference = &LONG[1..]),
        ("a reversal", |s| s.kind = Some(Kind::Reversed)),
        ("the withdrawal of a refund", |s| (s.kind, s.movement_id) = (Some(Kind::Reversed), &[3; 16])),
        ("the greatest amount", |s| s.amount_minor = i64::MAX),
        ("a code of the payee's network", |s| {
            (s.scan, s.code) = (Some(Scan::PayerScans), Some(CodeKind::TenpayPersonal));
        }),
        ("a code of the payer's network", |s| {
            (s.scan, s.code) = (Some(Scan::MerchantScans), Some(CodeKind::UnionpayPayment));
        }),
        ("a code that nobody recognises: for the verdict to say", |s| s.scan = Some(Scan::PayerScans)),
        ("a code although nobody scanned", |s| s.code = Some(CodeKind::AlipayReceive)),
        ("a corridor that is closed: for the verdict to say", |s| {
            (s.network, s.payer_network, s.payee_network) = ("tenpay", "tenpay", "unionpay");
        }),
    ];
    for (name, change) in rows {
        let mut submission = capture();
        change(&mut submission);
        assert!(judged(&submission).is_ok(), "{name}: {:?}", judged(&submission));
    }
}

#[test]
fn the_bounds_are_those_of_the_rulebook_and_of_arrival_alone() {
    let mut rules = rules();
    (rules.event_age_max, rules.event_ahead_max) = (2, 0);
    let at = |occurred_at, arrived_at| {
        let submission = Submission { occurred_at, ..capture() };
        Report::new(&submission, Timestamp::from_micros(arrived_at), &rules).map(|report| report.occurred_at.micros())
    };
    assert_eq!(at(NOON, NOON), Ok(NOON));
    assert_eq!(at(NOON, NOON + 2), Ok(NOON));
    assert_eq!(at(NOON, NOON + 3), Err(Quarantine::EventTooOld));
    assert_eq!(at(NOON, NOON - 1), Err(Quarantine::EventFromFuture));
    assert_eq!(at(i64::MIN, i64::MAX), Err(Quarantine::EventTooOld));
    assert_eq!(at(i64::MAX, i64::MIN), Err(Quarantine::EventFromFuture));
}

/// Every fault at once, then one after the other repaired: the code left is always that of the first check.
#[test]
fn the_first_fault_in_the_written_order_is_the_answer() {
    let mut submission = Submission {
        event_id: &[],
        payment_id: &[],
        movement_id: &[3; 2],
        network_reference: "",
        network: "paypal",
        side: None,
        payer_network: "unionpay",
        payee_network: "unionpay",
        payer_institution: "a b",
        amount_minor: 0,
        currency_code: "USD",
        occurred_at: NOON - 8 * DAY,
        scan: Some(Scan::MerchantScans),
        code: Some(CodeKind::AlipayReceive),
        ..capture()
    };
    let repairs: &[(Quarantine, Change)] = &[
        (Quarantine::EventTooOld, |s| s.occurred_at = NOON),
        (Quarantine::MissingField, |s| (s.event_id, s.payment_id) = (&[1; 16], &[2; 16])),
        (Quarantine::MissingField, |s| s.side = Some(Side::Payee)),
        (Quarantine::InvalidField, |s| s.movement_id = &[]),
        (Quarantine::MissingField, |s| s.network_reference = "202611111200001234567"),
        (Quarantine::UnknownNetworkNamed, |s| s.network = "unionpay"),
        (Quarantine::InvalidField, |s| s.payer_institution = ""),
        (Quarantine::UnknownCurrency, |s| s.currency_code = "CNY"),
        (Quarantine::SameNetwork, |s| s.payee_network = "tenpay"),
        (Quarantine::WrongReporter, |s| s.side = Some(Side::Payer)),
        (Quarantine::AmountNotPositive, |s| s.amount_minor = 1),
        (Quarantine::CodeOfOtherNetwork, |s| s.code = Some(CodeKind::UnionpayPayment)),
    ];
    for (expected, repair) in repairs {
        assert_eq!(judged(&submission), Err(*expected));
        repair(&mut submission);
    }
    assert!(judged(&submission).is_ok());
}

#[test]
fn the_business_date_is_the_one_given_or_that_of_the_reporting_network() {
    let date = |submission: &Submission<'_>| judged(submission).map(|report| report.business_date.to_string());
    let late = NOON + 5 * MINUTE;
    assert_eq!(date(&capture()), Ok("2026-11-11".to_owned()));
    assert_eq!(date(&Submission { business_date: 20_261_112, ..capture() }), Ok("2026-11-12".to_owned()));
    // 23:00 in Beijing belongs to UnionPay's next day and to Tenpay's own.
    let cut = Timestamp::from_civil(Date::parse_iso("2026-11-11").expect("a date"), 23 * 3_600, 28_800).micros();
    let at_cut = Submission { occurred_at: cut, ..capture() };
    let seen = |submission: &Submission<'_>| {
        let report = Report::new(submission, Timestamp::from_micros(cut), &rules()).expect("a good report");
        (report.business_date.to_string(), report.event)
    };
    assert_eq!(seen(&at_cut), ("2026-11-12".to_owned(), Id(u128::from_be_bytes([1; 16]))));
    assert_eq!(seen(&Submission { network: "tenpay", side: Some(Side::Payee), ..at_cut }).0, "2026-11-11");
    assert_eq!(date(&Submission { occurred_at: late, ..capture() }), Ok("2026-11-11".to_owned()));
}
