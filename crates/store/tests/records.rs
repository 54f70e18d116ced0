//! Every record against a file that was written when its version was new: it is encoded to the same bytes and read back to
//! the same value, for as long as a ledger of that version may exist. `BLESS=1` writes the files of a new version.

mod common;

use std::path::Path;

use domain::clearing::Register;
use domain::ids::Sequence;
use store::block::BlockView;
use store::cycle::CycleRecord;
use store::entry::Entry;
use store::error::{FormatError, FormatReason};
use store::filter::{Filter, Salt};
use store::formats::FORMATS;
use store::genesis::Genesis;
use store::high_water::HighWaterMark;
use store::history::HistoryRow;
use store::incarnation::Incarnation;
use store::mark::{EventIdRecord, Mark};
use store::payment;
use store::state::StateRecord;

fn golden(name: &str, encoded: &[u8]) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/records").join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::create_dir_all(path.parent().expect("it has one")).expect("created");
        std::fs::write(&path, encoded).expect("written");
    }
    let stored = std::fs::read(&path).expect("a golden file for every record");
    assert!(stored == encoded, "{name}: {} bytes are stored, {} encoded otherwise", stored.len(), encoded.len());
    stored
}

/// What a known version is not: every record refuses it by name.
fn assert_versioned<T: std::fmt::Debug>(bytes: &[u8], decode: impl Fn(&[u8]) -> Result<T, FormatError>) {
    let mut other = bytes.to_vec();
    other[0] = 9;
    let error = decode(&other).expect_err("version 9 does not exist");
    let FormatReason::Version { found: 9, supported } = error.reason else { panic!("{error}") };
    assert_eq!(supported.last(), bytes.first());
    assert!(
        error.to_string().ends_with(&format!("version 9 is not known, this program reads {supported:?}")),
        "{error}"
    );
    assert!(decode(&bytes[..bytes.len() - 1]).is_err(), "a record that ends early");
    assert!(decode(&[]).is_err(), "nothing");
}

#[test]
fn the_document_of_formats_lists_every_record_with_its_versions() {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/formats.md"));
    let text = text.expect("the document");
    let rows = text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| record"));
    let listed: Vec<_> = rows.map(|row| row.split('|').skip(1).take(3).map(str::trim).collect::<Vec<_>>()).collect();
    let expected = FORMATS.iter().map(|format| {
        let read = format.read.iter().map(u8::to_string).collect::<Vec<_>>().join(", ");
        vec![format.record.to_string(), format.written.to_string(), read]
    });
    assert_eq!(listed, expected.collect::<Vec<_>>());
}

#[test]
fn genesis() {
    let value = common::genesis();
    let stored = golden("v1/genesis.bin", &value.encode());
    assert_eq!(Genesis::decode(&stored), Ok(value));
    assert_versioned(&stored, Genesis::decode);
}

#[test]
fn payments_simple_and_with_everything() {
    for (name, value) in
        [("v1/payment_simple.bin", common::simple_payment()), ("v1/payment_everything.bin", common::full_payment())]
    {
        let stored = golden(name, &payment::encode(&value));
        assert_eq!(payment::decode(&stored), Ok(value));
        assert_versioned(&stored, payment::decode);
    }
    assert!(payment::encode(&common::simple_payment()).len() < 60, "an ordinary payment is small");
}

#[test]
fn cycle() {
    let value = common::cycle(12, domain::cycle::CycleState::Pending { debtors: vec![common::network(1)] });
    let stored = golden("v1/cycle.bin", &value.encode());
    assert_eq!(CycleRecord::decode(&stored), Ok(value));
    assert_versioned(&stored, CycleRecord::decode);
}

#[test]
fn state() {
    let value = common::state();
    let stored = golden("v2/state.bin", &value.encode());
    assert_eq!(StateRecord::decode(&stored), Ok(value));
    assert_versioned(&stored, StateRecord::decode);
}

#[test]
fn a_state_of_version_1_has_an_empty_register() {
    let stored = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/records/v1/state.bin"));
    let expected = StateRecord { register: Register::default(), ..common::state() };
    assert_eq!(StateRecord::decode(&stored.expect("it is kept")), Ok(expected));
}

#[test]
fn incarnation() {
    let value = Incarnation { source: 3, topic_id: "b8tRS7h4TJ2Vt43Dp85v2A".to_owned() };
    let stored = golden("v1/incarnation.bin", &value.encode());
    assert_eq!(Incarnation::decode(&stored), Ok(value));
    assert_versioned(&stored, Incarnation::decode);
}

#[test]
fn high_water_mark() {
    let (cluster, positions) = ("lkc-1".to_owned(), vec![44, 1, 8]);
    let value = HighWaterMark { cluster, shard: 3, sequence: Sequence(15), head: [0x5a; 32], positions };
    let stored = golden("v1/high_water_mark.bin", &value.encode(258));
    assert_eq!(HighWaterMark::decode(&stored), Ok((258, value)));
    assert_versioned(&stored, HighWaterMark::decode);
}

#[test]
fn history_row() {
    let value = common::history_row();
    let stored = golden("v1/history_row.bin", &value.encode());
    let decode = |bytes: &[u8]| HistoryRow::decode(value.account, value.first, bytes);
    assert_eq!(decode(&stored), Ok(value.clone()));
    assert_versioned(&stored, decode);
}

#[test]
fn mark() {
    let value = common::mark();
    let stored = golden("v1/mark.bin", &value.encode());
    assert_eq!(Mark::decode(&stored), Ok(value));
    assert_versioned(&stored, Mark::decode);
}

#[test]
fn event_id() {
    let value = common::event_id();
    let mut encoded = Vec::new();
    value.encode_into(&mut encoded);
    let stored = golden("v1/event_id.bin", &encoded);
    assert_eq!(EventIdRecord::decode(&stored), Ok(value));
    assert_versioned(&stored, EventIdRecord::decode);
}

#[test]
fn filter() {
    let mut value = Filter::new(Salt::Run, 64);
    (1..=64_u64).for_each(|n| value.insert(n.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
    let stored = golden("v1/filter.bin", &value.encode());
    assert_eq!(Filter::decode(Salt::Run, &stored), Ok(value));
    assert!(Filter::decode(Salt::Segment, &stored).is_err(), "a filter of the other kind");
    assert_versioned(&stored, |bytes| Filter::decode(Salt::Run, bytes));
}

#[test]
fn blocks_plain_and_compressed() {
    let short = [common::entry(b"\x01\x02\x03\x04")];
    let all = common::entries();
    for (name, entries, is_lz4) in [("v1/block_plain.bin", &short[..], 0), ("v1/block_lz4.bin", &all[..], 1)] {
        let stored = golden(name, &common::block_of(entries));
        assert_eq!(stored[1], is_lz4, "{name}");
        let view = BlockView::decode(&stored).expect("a block");
        let read: Vec<Entry<'_>> = view.entries().map(|entry| entry.expect("an entry").1).collect();
        assert_eq!(read, entries, "{name}");
        assert_eq!(view.check_chain(), Ok(()), "{name}");
        assert_eq!((view.head().first.0, view.head().last().0), (10, 9 + entries.len() as u64));
        assert_versioned(&stored, |bytes| BlockView::decode(bytes).map(BlockView::into_owned));
    }
    let view = common::block_of(&all);
    let view = BlockView::decode(&view).expect("a block");
    assert_eq!(view.head().positions, [44, 1, 8], "the ledger's own entry moves no position");
}
