//! The records of a day.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};
use simulator::day::{Batch, CONTROL_TOPIC, Date, Day, DayError, DayOptions, Meaning, Record};
use wire::event::PaymentEventRef;
use wire::event::v1::{Kind, Side};

use crate::{DAYS, day};

fn records(day: &Day) -> Vec<Record> {
    day.batches().flat_map(|batch| batch.records).collect()
}

fn event(record: &Record) -> Option<PaymentEventRef<'_>> {
    wire::event::decode(&record.value).ok().filter(|_| record.topic != CONTROL_TOPIC)
}

#[test]
fn a_day_is_a_function_of_seed_size_and_date() {
    let options = DayOptions { seed: 7, payments: 1_500, date: Date::DOUBLE_ELEVEN };
    let first = records(&Day::new(options).unwrap());
    assert_eq!(first, records(&Day::new(options).unwrap()));
    for other in [
        DayOptions { seed: 8, ..options },
        DayOptions { payments: 1_501, ..options },
        DayOptions { date: Date::new(2025, 11, 12).unwrap(), ..options },
    ] {
        let other = records(&Day::new(other).unwrap());
        assert_ne!(first, other);
    }
}

#[test]
fn a_seed_gives_the_same_bytes_everywhere() {
    let digest = |seed| {
        let mut hash = Sha256::new();
        for record in records(&day(seed, 2_000)) {
            hash.update(record.topic);
            hash.update(record.recorded_at_micros.to_le_bytes());
            hash.update(record.key);
            hash.update(record.value);
        }
        hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    assert_eq!([digest(1), digest(2)], ["f73f258db1e3059d", "02a960475dafa377"]);
}

#[test]
fn no_two_days_have_an_event_in_common() {
    let tomorrow = DayOptions { seed: 7, payments: 1_500, date: Date::new(2025, 11, 12).unwrap() };
    let ids = |day: &Day| -> BTreeSet<Vec<u8>> {
        records(day).iter().filter_map(event).map(|event| event.event_id.to_vec()).collect()
    };
    assert!(ids(&day(7, 1_500)).is_disjoint(&ids(&Day::new(tomorrow).unwrap())));
}

#[test]
fn a_day_that_is_too_small_or_too_large_is_refused() {
    for payments in [0, 999, 1_000_001] {
        let refused = Day::new(DayOptions { payments, ..DayOptions::default() }).map(|_| ());
        assert!(matches!(refused, Err(DayError::Payments(found)) if found == payments));
    }
}

#[test]
fn money_comes_first_the_cut_stands_alone_and_batches_are_small() {
    for (seed, payments) in DAYS {
        let batches: Vec<Batch> = day(seed, payments).batches().collect();
        assert_eq!(batches[0].meaning, Meaning::Prefund);
        assert_eq!(batches.iter().filter(|batch| batch.meaning == Meaning::CutOver).count(), 1);
        for batch in &batches {
            let bytes: usize = batch.records.iter().map(|record| record.key.len() + record.value.len()).sum();
            assert!(!batch.records.is_empty() && batch.records.len() <= Batch::RECORDS_MAX && bytes < 5 << 20);
        }
        let times = batches.iter().flat_map(|batch| &batch.records).map(|record| record.recorded_at_micros);
        assert!(times.clone().all(|time| time % 1_000 == 0));
        assert!(times.is_sorted());
    }
}

#[test]
fn sequence_numbers_have_no_gaps() {
    let mut next: BTreeMap<String, u64> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for record in &records(&day(5, 5_000)) {
        let Some(event) = event(record) else { continue };
        if seen.insert((record.topic.clone(), event.event_id.to_vec())) {
            let next = next.entry(record.topic.clone()).or_default();
            *next += 1;
            assert_eq!(event.network_sequence, *next);
        }
    }
    assert_eq!(next.len(), 3);
}

#[test]
fn payments_have_legs_on_both_sides_of_the_cut_in_both_orders() {
    let batches: Vec<Batch> = day(6, 5_000).batches().collect();
    let cut = batches.iter().position(|batch| batch.meaning == Meaning::CutOver).unwrap();
    let mut before: BTreeMap<Vec<u8>, String> = BTreeMap::new();
    let mut straddling: BTreeMap<String, u64> = BTreeMap::new();
    for (at, batch) in batches.iter().enumerate() {
        let captures =
            batch.records.iter().filter(|record| event(record).is_some_and(|e| e.kind == Some(Kind::Captured)));
        for record in captures {
            let topic = before.entry(record.key.clone()).or_insert_with(|| record.topic.clone());
            if at > cut && *topic != record.topic {
                *straddling.entry(topic.clone()).or_default() += 1;
            }
            if at < cut {
                before.insert(record.key.clone(), record.topic.clone());
            }
        }
    }
    println!("{straddling:?}");
    assert!(straddling["payments.unionpay"] >= 3 && straddling["payments.tenpay"] >= 3, "{straddling:?}");
}

#[test]
fn references_belong_to_one_payment_and_both_networks_know_one_order_number() {
    let mut orders: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut references: BTreeMap<(String, String), Vec<u8>> = BTreeMap::new();
    for record in &records(&day(8, 5_000)) {
        let Some(event) = event(record).filter(|event| event.payment_id == record.key) else { continue };
        let payment = orders.entry(event.merchant_order_number.to_owned()).or_insert_with(|| record.key.clone());
        assert_eq!(*payment, record.key);
        let reference = (record.topic.clone(), event.network_reference.to_owned());
        assert_eq!(*references.entry(reference).or_insert_with(|| record.key.clone()), record.key);
        assert_eq!(event.network_reference.len(), if event.reporting_network == "unionpay" { 21 } else { 28 });
        assert!(event.side == Some(Side::Payer) || event.side == Some(Side::Payee));
    }
}

#[test]
fn a_file_of_events_is_the_day_but_for_what_a_line_cannot_say() {
    let day = day(9, 2_000);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.ndjson");
    let left_out = day.write_events(&path).unwrap();
    let text = std::fs::read_to_string(path).unwrap();
    let published: Vec<Record> = text
        .lines()
        .map(|line| wire::json::publish_line(line).unwrap())
        .map(|record| Record {
            topic: record.topic.name(),
            key: record.key,
            value: record.value,
            recorded_at_micros: record.recorded_at.unwrap().micros(),
        })
        .collect();
    let mut expected = records(&day);
    let unsaid = ["UNDECODABLE", "KEY_MISMATCH"].map(|code| day.truth().quarantined[code]);
    assert_eq!(left_out, unsaid.iter().sum::<u64>());
    expected.retain(|record| {
        record.topic == CONTROL_TOPIC
            || wire::event::decode(&record.value).map_or_else(
                |error| error.quarantine().name() == "RECORD_TOO_LONG",
                |event| event.payment_id == record.key,
            )
    });
    assert_eq!(published, expected);
}
