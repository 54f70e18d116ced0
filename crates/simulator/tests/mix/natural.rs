//! The natural mix, event by event.

use std::collections::{BTreeMap, BTreeSet};

use simulator::mix::{Ids, Mix, NETWORKS, Sending, Stream};
use wire::event::PaymentEventRef;
use wire::event::v1::{CodeKind, Evidence, Kind, ScanMode, Side};

use crate::{digest, each, event_of};

const DAY_MICROS: i64 = 86_400_000_000;

fn natural(events: u64, seed: u64) -> Stream {
    Stream::new(Mix::Natural, events, seed)
}

#[test]
fn a_seed_gives_the_same_bytes_everywhere_and_another_seed_gives_others() {
    assert_eq!(digest(natural(50_000, 1)), "e148003bae8d327c");
    assert_eq!(digest(natural(50_000, 2)), "5570e3bfecf5059a");
    assert_eq!(digest(Stream::with_ids(Mix::Natural, 50_000, 1, Ids::TimeOrdered)), "ab9f4e85b9df1f2c");
}

#[test]
fn events_have_at_most_200_bytes_on_average() {
    let mut bytes = 0;
    each(natural(300_000, 3), |sent| bytes += sent.record.value.len());
    println!("{} bytes on average", bytes / 300_000);
    assert!(bytes <= 200 * 300_000);
}

#[test]
fn offsets_and_sequence_numbers_have_no_gaps_and_time_never_goes_back() {
    let (mut offsets, mut sequences, mut time) = ([0; 3], [0; 3], i64::MIN);
    each(natural(500_000, 4), |sent| {
        let record = sent.record;
        let source = usize::from(record.source);
        assert_eq!(record.offset, offsets[source]);
        offsets[source] += 1;
        assert!(record.timestamp >= time);
        time = record.timestamp;
        if sent.sending == Sending::First {
            sequences[source] += 1;
            assert_eq!(wire::event::decode(record.value).unwrap().network_sequence, sequences[source]);
        }
    });
    assert!(offsets.iter().all(|count| *count > 10_000), "{offsets:?}");
}

#[test]
fn a_day_is_filled_whatever_the_number_of_events() {
    for events in [1_000, 30_000] {
        let (mut first, mut last) = (None, 0);
        each(natural(events, 5), |sent| {
            first.get_or_insert(sent.record.timestamp);
            last = sent.record.timestamp;
        });
        let span = last - first.unwrap();
        assert!(span < DAY_MICROS && span > DAY_MICROS - DAY_MICROS / 500, "{span}");
    }
}

#[test]
fn every_field_is_as_the_contract_says() {
    for ids in [Ids::Random, Ids::TimeOrdered] {
        each(Stream::with_ids(Mix::Natural, 400_000, 6, ids), |sent| {
            let event = event_of(sent);
            assert_eq!(sent.record.key, event.payment_id);
            assert_eq!(event.kind, Some(sent.kind));
            assert_eq!(event.reporting_network, NETWORKS[usize::from(sent.record.source)]);
            assert_common(&event);
            assert_kind(&event);
            let age = sent.record.timestamp - event.occurred_at_micros;
            assert!((0..=2 * DAY_MICROS).contains(&age), "{age} microseconds old");
        });
    }
}

fn assert_common(event: &PaymentEventRef<'_>) {
    assert_eq!((event.event_id.len(), event.payment_id.len()), (16, 16));
    let speaks_for = match event.side.expect("a side") {
        Side::Payer => event.payer_network,
        Side::Payee => event.payee_network,
        Side::Both => event.reporting_network,
        Side::Unspecified => panic!("no side"),
    };
    assert_eq!(event.reporting_network, speaks_for);
    assert_ne!(event.payer_network, event.payee_network);
    assert!([event.payer_network, event.payee_network].iter().all(|network| NETWORKS.contains(network)));
    assert!(event.amount_minor > 0);
    assert_eq!(event.currency_code, "CNY");
    assert!((20_251_110..=20_251_112).contains(&event.business_date));
    assert_digits(event.network_reference, if event.reporting_network == "unionpay" { 21 } else { 28 });
    assert_eq!(event.trace_number.len(), if event.reporting_network == "unionpay" { 6 } else { 0 });
    assert!(event.merchant_order_number.is_empty() || event.merchant_order_number.len() == 20);
    let merchant_id = match event.reporting_network {
        _ if event.merchant_order_number.is_empty() => 0,
        "unionpay" => 15,
        "tenpay" => 10,
        _ => 16,
    };
    assert_eq!(event.merchant_id.len(), merchant_id);
    for institution in [event.payer_institution, event.payee_institution] {
        assert!(institution.is_empty() || (8..=11).contains(&institution.len()), "{institution}");
    }
    assert!(["", "taobao"].contains(&event.channel));
    assert!(["", "pilot-2021", "taobao-grey"].contains(&event.cohort));
    assert!(["", "CN-31"].contains(&event.region));
}

fn assert_kind(event: &PaymentEventRef<'_>) {
    let kind = event.kind.expect("a kind");
    let length = |present: bool, length: usize| if present { length } else { 0 };
    let is_refund = kind == Kind::Refunded;
    let has_movement = is_refund || matches!(kind, Kind::Disputed | Kind::DisputeWon | Kind::DisputeLost);
    let refers = !matches!(kind, Kind::Authorised | Kind::Captured);
    assert_eq!(event.movement_id.len(), length(has_movement, 16), "{kind:?}");
    assert_eq!(event.original_event_id.len(), length(refers, 16), "{kind:?}");
    let refund_reference = match event.reporting_network {
        "unionpay" => 21,
        "tenpay" => 29,
        _ => 20,
    };
    assert_digits(event.refund_reference, length(is_refund, refund_reference));
    if kind == Kind::Authorised {
        assert_ne!(event.scan_mode, Some(ScanMode::Unspecified));
    }
    let scans = matches!(event.scan_mode, Some(ScanMode::PayerScans | ScanMode::MerchantScans));
    assert_eq!(scans, event.code_kind != Some(CodeKind::Unspecified));
    let fee_may_be = if is_refund || kind == Kind::Reversed { i64::MIN..=0 } else { 0..=event.amount_minor };
    assert!(event.merchant_fee_minor.is_none_or(|fee| fee_may_be.contains(&fee)));
    match event.evidence.expect("a known evidence") {
        Evidence::BillRow => {
            let row = event.bill_row.expect("the row that is the evidence");
            assert_eq!(row.file_digest.len(), 32);
            assert!(row.row_number > 0);
        }
        _ => assert_eq!(event.bill_row, None),
    }
}

fn assert_digits(text: &str, length: usize) {
    assert!(text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit()), "{text:?}, not {length} digits");
}

#[test]
fn a_business_date_is_that_of_the_networks_own_day() {
    let eleventh = 1_762_790_400_000_000;
    each(natural(300_000, 7), |sent| {
        let event = event_of(sent);
        let turned = if event.reporting_network == "unionpay" { DAY_MICROS / 24 } else { 0 };
        let day = (event.occurred_at_micros + turned - eleventh).div_euclid(DAY_MICROS);
        assert_eq!(i64::from(event.business_date), 20_251_111 + day);
    });
}

/// Events of each sort in a round, by hand from the table in the documentation.
const ROUND: [(&str, u64); 17] = [
    ("AUTHORISED", 230),
    ("CAPTURED", 1_800),
    ("VOIDED", 16),
    ("EXPIRED", 6),
    ("UNKNOWN_OUTCOME", 12),
    ("REFUNDED", 83),
    ("REVERSED", 20),
    ("DISPUTED", 8),
    ("DISPUTE_WON", 3),
    ("DISPUTE_LOST", 3),
    ("again", 12),
    ("altered", 2),
    ("CORRIDOR_CLOSED", 21),
    ("CHANNEL_CLOSED", 2),
    ("PILOT_NOT_ADMITTED", 13),
    ("UNRECOGNISED_CODE", 6),
    ("REFUND_EXCEEDS", 1),
];
const ROUND_EVENTS: u64 = 2_195;

#[test]
fn the_shares_are_those_of_the_table() {
    const EVENTS: u64 = 1_200_000;
    const STEADY_FROM: u64 = 400_000;
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    let mut seen = 0;
    each(natural(EVENTS, 8), |sent| {
        seen += 1;
        if seen <= STEADY_FROM {
            return;
        }
        let word = match sent.sending {
            Sending::First => sent.kind.as_str_name().trim_start_matches("KIND_"),
            Sending::Again => "again",
            Sending::Altered => "altered",
        };
        *counts.entry(word).or_default() += 1;
        if let (Sending::First, Some(refusal)) = (sent.sending, sent.refusal) {
            *counts.entry(refusal.code()).or_default() += 1;
        }
    });
    println!("{counts:#?}");
    for (word, in_a_round) in ROUND {
        let found = counts.get(word).copied().unwrap_or(0) * ROUND_EVENTS;
        let expected = in_a_round * (EVENTS - STEADY_FROM);
        let tolerance = expected / 50 + 8 * ROUND_EVENTS;
        assert!(found.abs_diff(expected) <= tolerance, "{word}: {found} instead of {expected}");
    }
}

#[test]
fn one_payment_in_a_hundred_is_first_heard_of_hours_late() {
    const HOUR_MICROS: i64 = 3_600_000_000;
    let mut payments = BTreeSet::new();
    let mut late = 0;
    each(natural(300_000, 12), |sent| {
        let event = event_of(sent);
        if payments.insert(event.payment_id.to_vec()) {
            let age = sent.record.timestamp - event.occurred_at_micros;
            late += usize::from(age >= 2 * HOUR_MICROS);
            assert!(age <= 10 * HOUR_MICROS);
        }
    });
    assert!(late.abs_diff(payments.len() / 100) <= payments.len() / 1_000, "{late} of {}", payments.len());
}

#[test]
fn legs_come_in_both_orders_and_up_to_200_000_events_apart() {
    let mut first_legs: BTreeMap<Vec<u8>, (u64, Option<Side>)> = BTreeMap::new();
    let (mut payer_first, mut payee_first, mut gaps) = (0_u64, 0_u64, Vec::new());
    let mut place = 0;
    each(natural(600_000, 9), |sent| {
        place += 1;
        let event = event_of(sent);
        if sent.sending != Sending::First || sent.kind != Kind::Captured || event.side == Some(Side::Both) {
            return;
        }
        match first_legs.remove(event.payment_id) {
            None => {
                first_legs.insert(event.payment_id.to_vec(), (place, event.side));
            }
            Some((first, side)) => {
                gaps.push(place - first);
                *(if side == Some(Side::Payer) { &mut payer_first } else { &mut payee_first }) += 1;
            }
        }
    });
    gaps.sort_unstable();
    let share = payee_first * 100 / (payer_first + payee_first);
    println!("payee first {share} %, median {}, most {}", gaps[gaps.len() / 2], gaps[gaps.len() - 1]);
    assert!((30..45).contains(&share));
    assert!((300..10_000).contains(&gaps[gaps.len() / 2]));
    assert!((150_000..210_000).contains(&gaps[gaps.len() - 1]));
}

#[test]
fn a_networks_references_are_not_given_twice() {
    let mut payments: BTreeMap<(u16, String), Vec<u8>> = BTreeMap::new();
    each(natural(200_000, 10), |sent| {
        let event = event_of(sent);
        let reference = (sent.record.source, event.network_reference.to_owned());
        let owner = payments.entry(reference).or_insert_with(|| event.payment_id.to_vec());
        assert_eq!(owner, event.payment_id);
    });
}
