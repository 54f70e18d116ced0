//! A copy of a ledger that is being written is a ledger: a beginning of the same log, with folds that belong to it.

mod common;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::ids::Sequence;
use store::{RocksOptions, RocksStore, Store};

use common::{append, genesis, hash_key, run_of};

fn options() -> RocksOptions {
    RocksOptions { cache_bytes: 8 << 20, open_files_max: 128, ..RocksOptions::default() }
}

fn open(directory: &Path) -> RocksStore {
    RocksStore::open(directory, &genesis(), hash_key(), &options()).expect("it opens")
}

/// The head of a log after an entry that ends a block.
fn head_at(store: &dyn Store, sequence: Sequence) -> [u8; 32] {
    store.block(sequence).expect("read").expect("it is there").head().head_after
}

#[test]
fn copies_taken_while_blocks_and_runs_are_written_are_beginnings_of_the_log() {
    let home = tempfile::tempdir().expect("a directory");
    let store = open(&home.path().join("data"));
    append(&store, 3, 1);
    let is_over = AtomicBool::new(false);
    let copies = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for seconds in 2.. {
                append(&store, 3, seconds);
                if seconds % 10 == 0 {
                    store.ingest(&run_of(&store)).expect("ingested");
                }
                if is_over.load(Ordering::Acquire) {
                    break;
                }
            }
        });
        let copies: Vec<_> = (0..6)
            .map(|n| {
                let before = store.tip().sequence;
                let copy = home.path().join(format!("copy-{n}"));
                store.checkpoint(&copy).expect("copied");
                (before, copy)
            })
            .collect();
        is_over.store(true, Ordering::Release);
        writer.join().expect("it writes");
        copies
    });
    for (before, copy) in copies {
        let copy = open(&copy);
        let tip = copy.tip();
        assert!(tip.sequence >= before, "{} was durable before, {} is in the copy", before, tip.sequence);
        assert_eq!(tip.head, head_at(&store, tip.sequence));
        assert!(copy.blocks(Sequence(1)).all(|block| block.expect("a block").check_chain().is_ok()));
        let marks = copy.marks();
        assert_eq!(marks, store.marks()[..marks.len()]);
        append(&copy, 2, 1_000_000);
    }
    store.checkpoint(&home.path().join("copy-0")).expect_err("it is there already");
}
