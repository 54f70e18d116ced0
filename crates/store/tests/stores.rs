//! What a store promises, on disk and in memory.

mod common;

use std::path::Path;

use domain::ids::Sequence;
use domain::time::Timestamp;
use store::error::StoreError;
use store::genesis::{Genesis, Source};
use store::{Lookups, MemoryStore, RocksOptions, RocksStore, Store, is_empty_directory};

use common::{append, event, genesis, hash_key, network, payment, position, run_of};

fn options() -> RocksOptions {
    RocksOptions { cache_bytes: 8 << 20, open_files_max: 128, segment_items: 4_096, ..RocksOptions::default() }
}

fn open(directory: &Path) -> RocksStore {
    try_open(directory, &genesis()).expect("it opens")
}

fn try_open(directory: &Path, genesis: &Genesis) -> Result<RocksStore, StoreError> {
    RocksStore::open(directory, genesis, hash_key(), &options())
}

/// Runs a test against both stores.
fn both(check: impl Fn(&dyn Store)) {
    check(&MemoryStore::new(&genesis(), hash_key()).expect("a genesis"));
    let directory = tempfile::tempdir().expect("a directory");
    check(&open(directory.path()));
}

fn words(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {}", words(source)))
}

#[test]
fn blocks_come_back_in_order_from_any_sequence() {
    both(|store| {
        assert_eq!((store.tip().sequence, store.tip().head), (Sequence(0), genesis().chain_head()));
        assert_eq!(store.blocks(Sequence(1)).count(), 0);
        for (count, seconds) in [(3, 10), (1, 10), (5, 20)] {
            append(store, count, seconds);
        }
        for (from, firsts) in
            [(0, vec![1, 4, 5]), (1, vec![1, 4, 5]), (3, vec![1, 4, 5]), (4, vec![4, 5]), (9, vec![5]), (10, vec![])]
        {
            let found: Vec<u64> =
                store.blocks(Sequence(from)).map(|block| block.expect("a block").head().first.0).collect();
            assert_eq!(found, firsts, "from {from}");
        }
        assert!(store.blocks(Sequence(1)).all(|block| block.expect("a block").check_chain().is_ok()));
        let holds = |n| store.block(Sequence(n)).expect("read").map(|block| block.head().first.0);
        assert_eq!([0, 1, 3, 4, 9, 10].map(holds), [None, Some(1), Some(1), Some(4), Some(5), None]);
        let at = |seconds: i64| store.sequence_at(Timestamp::from_micros(seconds * 1_000_000)).expect("read").0;
        assert_eq!([-5, 9, 10, 19, 20, 99].map(at), [0, 0, 4, 4, 9, 9]);
        assert_eq!(store.tip().positions, [9, 0, 0]);
    });
}

#[test]
fn a_block_that_does_not_follow_is_refused_and_the_log_goes_on() {
    both(|store| {
        let stale = common::next_block(store, 2, 10);
        append(store, 2, 10);
        let refused = |block: &[u8]| store.append(block).expect_err("it does not follow").to_string();
        assert_eq!(
            refused(&stale),
            "the block at sequence 1 does not follow the log, whose next sequence is 3: the sequence differs"
        );
        assert!(refused(&common::next_block(store, 1, 9)).ends_with("the recorded time differs"));
        assert_eq!(refused(b"nothing"), "what should be appended is not a block");
        assert_eq!(append(store, 1, 10).sequence, Sequence(3));
    });
}

#[test]
fn a_run_answers_as_of_its_mark_and_may_be_given_twice() {
    both(|store| {
        append(store, 4, 10);
        append(store, 4, 11);
        let run = run_of(store);
        assert_eq!((store.mark(), store.state().expect("read")), (None, None));
        for _ in 0..2 {
            store.ingest(&run).expect("ingested");
            assert_eq!((store.mark(), store.marks()), (Some(run.mark), vec![run.mark]));
            assert_eq!(store.state().expect("read").as_ref(), Some(&run.state));
            let found = store.find_event(store.hash_key().event(network(0), event(5))).expect("read");
            assert_eq!(found.map(|record| record.sequence), Some(Sequence(5)));
            assert_eq!(store.find_event(store.hash_key().event(network(1), event(5))).expect("read"), None);
            assert_eq!(store.payment(common::SHARED).expect("read").map(|payment| payment.booked_cycle), Some(1));
            assert_eq!(store.payments().count(), 6);
            assert_eq!(store.waiting().map(|item| item.expect("read")).collect::<Vec<_>>(), [(common::SHARED, 1)]);
            assert_eq!(store.cycle(run.cycles[0].id).expect("read").as_ref(), Some(&run.cycles[0]));
            assert_eq!(store.cycles().count(), 1);
            assert_eq!(store.rows(1).count(), 2);
        }
        append(store, 2, 12);
        let mut next = run_of(store);
        next.waiting = vec![(common::SHARED, None)];
        store.ingest(&next).expect("ingested");
        assert_eq!(store.waiting().count(), 0);
        assert_eq!(store.payment(common::SHARED).expect("read").map(|payment| payment.booked_cycle), Some(2));
        let late = store.ingest(&run).expect_err("an old run");
        assert_eq!(late.to_string(), "run 1 was given, the next one is 3");
    });
}

#[test]
fn a_run_of_other_blocks_is_refused() {
    both(|store| {
        append(store, 4, 10);
        let good = run_of(store);
        for change in [
            |run: &mut store::run::Run| run.mark.through = Sequence(3),
            |run: &mut store::run::Run| run.mark.through = Sequence(5),
            |run: &mut store::run::Run| run.mark.head = [0; 32],
            |run: &mut store::run::Run| run.first = Sequence(2),
        ] {
            let mut bad = good.clone();
            change(&mut bad);
            assert!(matches!(store.ingest(&bad), Err(StoreError::RunNotOfThisLog { run: 1, .. })));
        }
        store.ingest(&good).expect("nothing was written by the others");
    });
}

#[test]
fn a_balance_as_of_any_sequence_is_one_row_of_its_run() {
    both(|store| {
        for seconds in 0..6 {
            append(store, 3, seconds);
            append(store, 2, seconds);
            store.ingest(&run_of(store)).expect("ingested");
        }
        for sequence in 1..=30 {
            let row = store.row_before(position(), Sequence(sequence)).expect("read").expect("posted every time");
            assert_eq!(row.balance_at(Sequence(sequence)).debits, i128::from(sequence));
            assert!(row.first.0 + 3 > sequence, "no row but the block's own");
        }
        let other = domain::account::Account::position(network(1), network(0), domain::money::CNY);
        assert_eq!(store.row_before(other, Sequence(30)).expect("read"), None);
        for outside in [0, 31] {
            let error = store.row_before(position(), Sequence(outside)).expect_err("in no run");
            assert_eq!(error.to_string(), format!("sequence {outside} is in no run; runs reach to 30"));
        }
        let firsts = |from, until| -> Vec<u64> {
            let rows = store.account_rows(position(), Sequence(from), Sequence(until));
            rows.map(|row| row.expect("read").first.0).collect()
        };
        assert_eq!(firsts(4, 14), [4, 6, 9, 11]);
        assert_eq!(firsts(14, 14), []);
        let mut planted = store.row_before(position(), Sequence(9)).expect("read").expect("a row");
        planted.before.credits = 1;
        store.put_history_row(2, &planted).expect("written");
        assert_eq!(store.row_before(position(), Sequence(9)).expect("read"), Some(planted));
    });
}

#[test]
fn everything_is_there_after_opening_again_and_the_genesis_must_be_the_same() {
    let directory = tempfile::tempdir().expect("a directory");
    assert!(is_empty_directory(directory.path()).expect("listed"));
    let (tip, run, key) = {
        let store = open(directory.path());
        append(&store, 6, 10);
        let run = run_of(&store);
        store.ingest(&run).expect("ingested");
        (append(&store, 3, 11), run, store.hash_key().clone())
    };
    assert!(!is_empty_directory(directory.path()).expect("listed"));
    {
        let store = open(directory.path());
        assert_eq!((store.tip(), store.mark(), store.hash_key()), (tip, Some(run.mark), &key));
        assert_eq!(store.state().expect("read"), Some(run.state));
        assert!(store.may_have_event(key.event(network(0), event(6))));
        assert!(store.find_event(key.event(network(0), event(6))).expect("read").is_some());
        assert_eq!(store.find_event(key.event(network(0), event(7))).expect("read"), None, "after the mark");
        assert!(store.payment(payment(6)).expect("read").is_some());
        let tail: Vec<u64> = store.blocks(Sequence(7)).map(|b| b.expect("a block").head().first.0).collect();
        assert_eq!(tail, [7]);
        assert!(store.disk_usage().expect("measured").total() > 0);
    }
    let other = |change: fn(&mut Genesis)| {
        let mut other = genesis();
        change(&mut other);
        words(&try_open(directory.path(), &other).expect_err("another ledger"))
    };
    let begins = format!("{} cannot be used with this configuration: ", directory.path().display());
    for (change, reason) in [
        ((|g| g.cluster = "lkc-2".into()) as fn(&mut Genesis), r#"cluster is "lkc-1" in the directory and "lkc-2" in"#),
        (|g| g.shard = 0, "shard is 3 in the directory and 0 in the configuration"),
        (|g| g.sources.swap(0, 1), r#"topics are ["payments.unionpay", "payments.tenpay", "hutong.control"] in"#),
        (|g| g.sources[1].topic_id = "x".into(), "topics are"),
        (|g| g.sources[1].partitions = 3, r#"topic "payments.tenpay" has a partition count of 3"#),
    ] {
        let message = other(change);
        assert!(message.starts_with(&begins) && message[begins.len()..].starts_with(reason), "{message}");
    }
}

#[test]
fn a_second_opener_is_refused_and_a_reader_is_not() {
    let directory = tempfile::tempdir().expect("a directory");
    let reader = || RocksStore::open_read_only(directory.path(), &options());
    assert!(matches!(reader(), Err(StoreError::NoLedger { .. })));
    let store = open(directory.path());
    append(&store, 2, 10);
    store.ingest(&run_of(&store)).expect("ingested");
    let refused = try_open(directory.path(), &genesis()).expect_err("it is in use");
    assert!(matches!(refused, StoreError::InUse { .. }), "{refused}");
    assert!(refused.to_string().starts_with(&format!("data directory {} is in use", directory.path().display())));
    let reader = reader().expect("readers may");
    assert_eq!((reader.tip(), reader.mark()), (store.tip(), store.mark()));
    assert_eq!(reader.genesis(), &genesis());
    append(&store, 1, 11);
    assert_eq!(reader.tip().sequence, Sequence(2), "a reader sees what was there when it opened");
    let block = common::next_block(&reader, 1, 12);
    assert!(matches!(reader.append(&block), Err(StoreError::Append { .. })));
    assert!(
        matches!(reader.append(&block), Err(StoreError::Stopped { .. })),
        "after a failed write nothing is written"
    );
}

#[test]
fn a_directory_with_something_else_in_it_is_left_alone() {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("letter.txt"), "dear").expect("written");
    let refused = try_open(directory.path(), &genesis()).expect_err("it is not ours");
    assert_eq!(refused.to_string(), format!("{} is not empty and holds no ledger", directory.path().display()));
    assert_eq!(std::fs::read_dir(directory.path()).expect("listed").count(), 1);
}

#[test]
fn topics_of_several_partitions_begin_no_ledger() {
    let directory = tempfile::tempdir().expect("a directory");
    let sources = vec![Source { partitions: 2, ..common::source("payments.alipay") }];
    let refused = try_open(directory.path(), &Genesis { sources, ..genesis() }).expect_err("two partitions");
    assert!(
        words(&refused).ends_with(r#"topic "payments.alipay" has a partition count of 2, a shard reads topics of 1"#)
    );
    assert!(try_open(directory.path(), &genesis()).is_ok(), "nothing was begun");
}

#[test]
fn an_id_of_the_first_run_is_found_with_one_read_after_many_more_runs_also_after_opening_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let check = |store: &RocksStore, last: u64| {
        let before = store.lookups();
        let first = store.find_event(store.hash_key().event(network(0), event(1))).expect("read");
        assert_eq!(first.map(|record| record.sequence), Some(Sequence(1)));
        let after = store.lookups();
        assert_eq!(after, Lookups { disk_reads: before.disk_reads + 1, ..before });
        // All ids are found, and ids that are not there are not read for.
        for sequence in 1..=last {
            let found = store.find_event(store.hash_key().event(network(0), event(sequence))).expect("read");
            assert_eq!(found.map(|record| record.sequence), Some(Sequence(sequence)));
            assert!(store.payment(payment(sequence)).expect("read").is_some());
        }
        let before = store.lookups();
        for absent in 1..=10_000 {
            let digest = store.hash_key().event(network(0), event(1_000_000 + absent));
            assert_eq!(store.find_event(digest).expect("read"), None);
        }
        let wrong = store.lookups().false_positive - before.false_positive;
        assert!(wrong <= 10, "{wrong} of 10,000 absent ids were read for");
    };
    let last = {
        let store = open(directory.path());
        for seconds in 0..21 {
            append(&store, 400, seconds);
            store.ingest(&run_of(&store)).expect("ingested");
        }
        check(&store, store.tip().sequence.0);
        store.tip().sequence.0
    };
    // Ten runs fill a segment here: sealed ones are loaded, the open one is made from its items.
    let store = open(directory.path());
    check(&store, last);
    append(&store, 400, 99);
    store.ingest(&run_of(&store)).expect("ingested");
    check(&store, last + 400);
}

#[test]
fn a_log_that_lost_its_end_is_not_opened() {
    let store = MemoryStore::new(&genesis(), hash_key()).expect("a genesis");
    append(&store, 2, 10);
    append(&store, 2, 11);
    append(&store, 2, 12);
    let whole = store.into_tables();
    let without = |first: u64| {
        use store::tables::{Family, Tables};
        let tables = whole.clone();
        let fill = &mut |sink: &mut dyn store::tables::Sink| sink.delete(&first.to_be_bytes());
        tables.ingest(Family::Blocks, "", fill).expect("in memory");
        tables
    };
    let holed = MemoryStore::open(without(3), &genesis(), hash_key()).expect("a hole is found by reading");
    let found: Vec<_> = holed.blocks(Sequence(1)).collect();
    assert!(matches!(found[..], [Ok(_), Err(StoreError::Hole { expected: Sequence(3), found: Sequence(5) })]));
    assert!(matches!(holed.block(Sequence(3)), Err(StoreError::Hole { .. })));

    let store = MemoryStore::open(whole.clone(), &genesis(), hash_key()).expect("it is whole");
    store.ingest(&run_of(&store)).expect("ingested");
    let whole = store.into_tables();
    let cut = whole;
    use store::tables::{Family, Tables};
    cut.ingest(Family::Blocks, "", &mut |sink| sink.delete(&5_u64.to_be_bytes())).expect("in memory");
    let refused = MemoryStore::open(cut, &genesis(), hash_key()).expect_err("the folds are ahead");
    assert!(matches!(refused, StoreError::LogCut { latest: Sequence(4), through: Sequence(6) }), "{refused}");
}
