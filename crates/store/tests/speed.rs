//! How long the hot parts take. Prints figures (`--nocapture`) and asserts nothing but that they were produced: a shared
//! machine is no judge.

mod common;

use std::time::Instant;

use domain::account::Account;
use domain::book::Balance;
use domain::ids::{Id, Sequence};
use domain::journal::Journal;
use domain::money::CNY;
use domain::time::Timestamp;
use store::block::{BlockBuilder, BlockView, Seal};
use store::chain;
use store::entry::{Content, Entry, EntryHead};
use store::history::{Direction, EncodedRow, Posting};
use store::mark::Mark;
use store::run::{PaymentTable, Run};
use store::{RocksOptions, RocksStore, Store};

const RUN: u64 = 1 << 18;
const BLOCK: u64 = 8_192;

/// Nanoseconds since `begun`, at least 1.
fn nanos(begun: Instant) -> u128 {
    begun.elapsed().as_nanos().max(1)
}

fn a_second(count: u64, nanos: u128) -> u128 {
    u128::from(count) * 1_000_000_000 / nanos
}

/// 172 bytes of which about a third is random, as in a report with three ids.
fn raw(sequence: u64) -> [u8; 172] {
    let mut bytes = *b"\n\x10eeeeeeeeeeeeeeee\x12\x10pppppppppppppppp\x1a\x10mmmmmmmmmmmmmmmm\"\x08unionpay*\x08unionpay2\x06tenpay:\x0848020000B\x0899990000J\x05jsapiP\x02X\x01h\xe8\x07r\x03CNYz\x04\x08\x01\x10\x02 shanghai pilot-2 1795000000000000 2026-11-18";
    let random = |n: u64| scatter(sequence * 3 + n);
    bytes[2..18].copy_from_slice(&random(0));
    bytes[20..36].copy_from_slice(&random(1));
    bytes[38..54].copy_from_slice(&random(2));
    bytes
}

fn entry_of(sequence: u64, raw: &[u8]) -> Entry<'_> {
    let step = i64::try_from(sequence).expect("small");
    Entry {
        source: u16::from(sequence % 2 == 1),
        offset: step / 2,
        arrived_at: Timestamp::from_micros(1_795_000_000_000_000 + step),
        ..common::entry(raw)
    }
}

#[test]
fn building_sealing_and_reading_blocks() {
    let raws: Vec<[u8; 172]> = (1..=RUN).map(raw).collect();
    let mut builder = BlockBuilder::new(Sequence(1), &[0, 0, 0]);
    let (mut out, mut blocks, mut bytes) = (Vec::new(), Vec::new(), 0);
    let (mut pushing, mut sealing) = (0, 0);
    for round in 0..3 {
        (pushing, sealing, bytes) = (0, 0, 0);
        blocks.clear();
        for first in (1..=RUN).step_by(8_192) {
            let begun = Instant::now();
            builder.begin(Sequence(first), &[0, 0, 0]);
            for sequence in first..first + BLOCK {
                let raw = &raws[usize::try_from(sequence - 1).expect("small")];
                builder.push(&entry_of(sequence, raw)).expect("it fits");
            }
            pushing += nanos(begun);
            let begun = Instant::now();
            let recorded_at = Timestamp::from_micros(1);
            builder
                .seal(&Seal { recorded_at, head_before: [0; 32], head_after: [0; 32] }, &mut out)
                .expect("it is not empty");
            sealing += nanos(begun);
            bytes += out.len() as u64;
            if round == 2 {
                blocks.push(out.clone());
            }
        }
    }
    println!("push: {} entries/s; push and seal: {}", a_second(RUN, pushing), a_second(RUN, pushing + sealing));
    println!("bytes an entry of 172: {} hundredths", bytes * 100 / RUN);

    let begun = Instant::now();
    let mut read = 0;
    for block in &blocks {
        read += BlockView::decode(block).expect("a block").entries().inspect(|e| assert!(e.is_ok())).count() as u64;
    }
    println!("decode: {} entries/s", a_second(read, nanos(begun)));
    assert_eq!(read, RUN);

    let begun = Instant::now();
    let mut head = [0; 32];
    for (sequence, raw) in (1..).zip(&raws) {
        let entry = entry_of(sequence, raw);
        let of: EntryHead = entry.head_with(Content::Raw(raw).digest());
        head = chain::next(&head, sequence, &of);
    }
    println!("digest and chain: {} entries/s ({:02x})", a_second(RUN, nanos(begun)), head[0]);
}

fn cpu_nanos() -> u128 {
    // Fields 14 and 15 of the process's stat: ticks of 10 ms in user and system mode, all threads.
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or("").split(' ').collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<u128>().ok()).unwrap_or(0);
    (ticks(11) + ticks(12)) * 10_000_000
}

fn big_run(store: &dyn Store, history: Vec<EncodedRow>) -> Run {
    let (tip, number) = (store.tip(), store.mark().map_or(1, |mark| mark.run + 1));
    let first = store.mark().map_or(1, |mark| mark.through.0 + 1);
    let mut payments = PaymentTable::default();
    let payment = common::simple_payment();
    for n in 0..100_000 {
        payments.put(Id(u128::from_be_bytes(scatter(first + n))), &payment, true);
    }
    let event = |sequence| {
        let id = store.hash_key().event(common::network(0), Id(u128::from(sequence)));
        (id, store::mark::EventIdRecord { sequence: Sequence(sequence), ..common::event_id() })
    };
    Run {
        mark: Mark { run: number, through: tip.sequence, head: tip.head, recorded_at: tip.recorded_at },
        first: Sequence(first),
        events: (first..=tip.sequence.0).map(event).collect(),
        payments,
        history,
        waiting: Vec::new(),
        cycles: Vec::new(),
        state: common::state(),
    }
}

fn scatter(n: u64) -> [u8; 16] {
    u128::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_be_bytes()
}

/// Thirty accounts, each with a row a block and a tenth of its entries.
fn history(first: u64) -> Vec<EncodedRow> {
    let mut rows = Vec::new();
    for block in (first..first + RUN).step_by(8_192) {
        for account in 0..30 {
            let account = Account::position(common::network(account), common::network(account + 1), CNY);
            let before = Balance { debits: 1 << 40, credits: 1 << 41 };
            let mut row = EncodedRow::new(account, Sequence(block), before);
            for sequence in (block..block + BLOCK).step_by(10) {
                let (direction, journal) = (Direction::Credit, Journal::Completed);
                row.post(&Posting { sequence: Sequence(sequence), direction, journal, cycle: 3, minor: 12_345 });
            }
            rows.push(row);
        }
    }
    rows
}

#[test]
fn ingesting_runs_and_looking_up() {
    let directory = tempfile::tempdir().expect("a directory");
    let options = RocksOptions::default();
    let store = RocksStore::open(directory.path(), &common::genesis(), common::hash_key(), &options).expect("it opens");
    for number in 1..=4 {
        let first = store.tip().sequence.0 + 1;
        let begun = Instant::now();
        for _ in 0..RUN / BLOCK {
            common::append(&store, BLOCK, 10);
        }
        let appended = nanos(begun);
        let begun = Instant::now();
        let history = history(first);
        let gathered = nanos(begun);
        let run = big_run(&store, history);
        let (begun, cpu) = (Instant::now(), cpu_nanos());
        store.ingest(&run).expect("ingested");
        println!(
            "run {number}: ingest {} ms ({} ms of CPU), {} history postings encoded in {} ms, {} blocks made and appended in {} ms",
            nanos(begun) / 1_000_000,
            (cpu_nanos() - cpu) / 1_000_000,
            30 * RUN / 10,
            gathered / 1_000_000,
            RUN / BLOCK,
            appended / 1_000_000,
        );
    }
    let digests: Vec<_> = (1..=RUN).map(|n| store.hash_key().event(common::network(1), Id(u128::from(n)))).collect();
    let begun = Instant::now();
    let passed = digests.iter().filter(|digest| store.may_have_event(**digest)).count();
    println!("absent ids: {} tests/s, {passed} of {RUN} pass", a_second(RUN, nanos(begun)));
    for pass in ["first", "again"] {
        let begun = Instant::now();
        for n in 1..=20_000_u64 {
            let digest = store.hash_key().event(common::network(0), Id(u128::from(n * 50)));
            assert!(store.find_event(digest).expect("read").is_some());
        }
        println!("known ids, {pass}: {} reads/s", a_second(20_000, nanos(begun)));
    }
    println!("{:?}", store.disk_usage().expect("measured"));
    drop(store);
    let begun = Instant::now();
    let store = RocksStore::open(directory.path(), &common::genesis(), common::hash_key(), &options).expect("it opens");
    println!("opened again in {} ms", nanos(begun) / 1_000_000);
    assert_eq!(store.tip().sequence.0, 4 * RUN);
}
