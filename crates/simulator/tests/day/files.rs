//! The bill files of a day, read by the reader that reconciliation uses.

use std::collections::{BTreeSet, HashMap};
use std::fs::{self, File};

use bills::{Control, Fault, Kind, Row, Summary};
use domain::break_code::BreakCode;
use simulator::day::{Break, Day, Truth};

use crate::judged::{EventId, accepted};
use crate::{DAYS, day};

struct Reading {
    rows: Vec<Row>,
    faults: Vec<Fault>,
    summary: Summary,
}

fn read(day: &Day) -> Vec<Reading> {
    let directory = tempfile::tempdir().expect("a directory");
    let paths = day.write_bills(directory.path()).expect("written files");
    let reading = |path| {
        let (mut rows, mut faults) = (Vec::new(), Vec::new());
        let summary = bills::read(File::open(path).expect("a file"), |item| match item {
            Ok(row) => rows.push(row),
            Err(fault) => faults.push(fault),
        });
        Reading { rows, faults, summary: summary.expect("a bill") }
    };
    paths.into_iter().map(reading).collect()
}

fn of<'a>(truth: &'a Truth, network: &str, codes: &'a [&str]) -> impl Iterator<Item = &'a Break> {
    let network = network.to_owned();
    truth.breaks.iter().filter(move |found| found.network == network && codes.contains(&found.code.as_str()))
}

/// What an event says of a movement, as a row would.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    order: String,
    amount: i64,
    fee: i64,
}

impl Said {
    /// All but for one fen of the fee, and what that fen is.
    fn agrees(&self, row: &Row) -> Option<u64> {
        let rounding = self.fee.abs_diff(row.fee_minor);
        (self.order == row.order && self.amount == row.amount.minor() && rounding <= 1).then_some(rounding)
    }
}

type Key = (Kind, String, Option<String>);

fn key(row: &Row) -> Key {
    (row.kind, row.reference.clone(), row.refund_reference.clone())
}

/// The movements of a network's accepted events of the date, by what a row is found by.
fn said(day: &Day, network: &str, accepted: &BTreeSet<EventId>) -> HashMap<Key, Said> {
    let topic = format!("payments.{network}");
    let mut said = HashMap::new();
    for record in day.batches().flat_map(|batch| batch.records).filter(|record| record.topic == topic) {
        let Ok(event) = wire::event::decode(&record.value) else { continue };
        let counts = event.business_date == 20_251_111;
        let kind = match event.kind.map(|kind| kind.as_str_name()) {
            Some("KIND_CAPTURED") => Kind::Payment,
            Some("KIND_REFUNDED") => Kind::Refund,
            Some("KIND_REVERSED") => Kind::Revoked,
            _ => continue,
        };
        if !counts || !accepted.contains(&(topic.clone(), event.event_id.to_vec())) {
            continue;
        }
        let refund = Some(event.refund_reference.to_owned()).filter(|text| !text.is_empty() && network != "unionpay");
        let order = event.merchant_order_number.to_owned();
        let it = Said { order, amount: event.amount_minor, fee: event.merchant_fee_minor.expect("a fee") };
        said.entry((kind, event.network_reference.to_owned(), refund)).or_insert(it);
    }
    said
}

#[test]
fn files_are_read_whole_but_for_the_rows_that_were_spoiled() {
    for (seed, payments) in DAYS {
        let (day, mut faults) = (day(seed, payments), 0);
        let truth = day.truth();
        for reading in read(&day) {
            let network = reading.summary.network.to_string();
            assert_eq!(reading.summary.control, Control::Matched, "{network}: {:?}", reading.faults);
            let lines: Vec<u64> = reading.faults.iter().map(|fault| fault.line).collect();
            let mut expected: Vec<u64> =
                of(&truth, &network, &["ROW_INVALID"]).map(|found| found.line.unwrap()).collect();
            expected.sort_unstable();
            assert_eq!(lines, expected, "{network}");
            assert!(reading.rows.is_sorted_by_key(|row| row.at), "{network}");
            faults += lines.len() as u64;
        }
        assert_eq!(faults, truth.planted["ROW_INVALID"]);
    }
}

/// Network, reference and refund reference of a row without its event, or of an event without its row.
type Lone = (String, String, Option<String>);

#[test]
fn what_is_planted_is_all_in_which_rows_and_accepted_events_differ() {
    for (seed, payments) in DAYS {
        let day = day(seed, payments);
        let (truth, accepted) = (day.truth(), accepted(&day));
        let (mut matched, mut roundings) = (0, 0);
        let mut found: Vec<Lone> = Vec::new();
        for reading in read(&day) {
            let network = reading.summary.network.to_string();
            let mut said = said(&day, &network, &accepted);
            for row in &reading.rows {
                match said.remove(&key(row)).and_then(|said| said.agrees(row)) {
                    Some(rounding) => {
                        matched += 1;
                        roundings += rounding;
                    }
                    None => found.push((network.clone(), row.reference.clone(), row.refund_reference.clone())),
                }
            }
            found.extend(said.into_keys().map(|(_, reference, refund)| (network.clone(), reference, refund)));
        }
        let readable = truth.breaks.iter().filter(|found| found.code != "ROW_INVALID").cloned();
        let mut expected: Vec<Lone> =
            readable.map(|found| (found.network, found.network_reference, found.refund_reference)).collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected);
        assert_eq!((matched, roundings), (truth.matched, truth.fee_roundings));
    }
}

#[test]
fn the_members_of_alipays_archive_are_named_in_gbk() {
    let directory = tempfile::tempdir().expect("a directory");
    let [_, _, path] = day(13, 1_000).write_bills(directory.path()).unwrap();
    let archive = fs::read(path).unwrap();
    for member in ["业务明细.csv", "业务明细(汇总).csv"] {
        let (name, ..) = encoding_rs::GBK.encode(member);
        let name = [b"20880000000001710156_20251111_", &*name].concat();
        // Once before the member and once in the directory at the end.
        assert_eq!(archive.windows(name.len()).filter(|window| *window == name).count(), 2, "{member}");
    }
}

#[test]
fn every_discrepancy_is_planted_often_enough() {
    for (payments, least) in [(1_000, 1), (5_000, 5)] {
        let truth = day(11, payments).truth();
        assert_eq!(truth.planted.len(), 14, "{:?}", truth.planted);
        assert!(truth.planted.values().all(|count| *count >= least), "{:?}", truth.planted);
        assert_eq!(truth.planted.values().sum::<u64>(), truth.breaks.len() as u64);
        assert!(truth.fee_roundings >= least);
        assert!(truth.planted.keys().all(|code| BreakCode::ALL.iter().any(|known| known.name() == code)));
    }
}

#[test]
fn truth_and_files_are_the_same_bytes_every_time() {
    let bytes = || {
        let (directory, day) = (tempfile::tempdir().unwrap(), day(12, 1_000));
        day.write_truth(&directory.path().join("truth.json")).unwrap();
        day.write_bills(directory.path()).unwrap();
        let mut files: Vec<_> = fs::read_dir(directory.path()).unwrap().map(|file| file.unwrap().path()).collect();
        files.sort();
        let content = files.iter().map(|path| (path.file_name().unwrap().to_owned(), fs::read(path).unwrap()));
        content.collect::<Vec<_>>()
    };
    let first = bytes();
    assert_eq!(first.len(), 4);
    assert!(first == bytes());
    let truth = Truth::from_json(std::str::from_utf8(&first[3].1).unwrap()).unwrap();
    assert_eq!(truth, day(12, 1_000).truth());
}
