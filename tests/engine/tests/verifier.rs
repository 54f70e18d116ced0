//! The verifier agrees with a sound ledger, and names the first bad sequence of one whose books were tampered with.

use std::path::Path;

use audit::{Chained, Fault, Verified, verify, verify_chain};
use domain::ids::Sequence;
use engine::{Feed, codec, ledger, small, store};
use store::Store;
use store::history::HistoryRow;

fn books(directory: &Path) {
    let ledger = ledger(store(directory), small(500, 3_000));
    let feed = Feed::new(12_000, 11, ledger.positions());
    ledger.start(Box::new(feed)).expect("threads").wait().expect("an undisturbed run");
}

fn verified(directory: &Path) -> Verified {
    verify(store(directory).as_ref(), &codec(), |_| {}).expect("readable")
}

/// A row of the second run with at least three postings, and the posting in its middle.
fn victim(directory: &Path) -> (HistoryRow, usize) {
    let store = store(directory);
    let rows = store.rows(2).map(|row| row.expect("a row"));
    let row = rows.filter(|row| row.postings.len() > 2).last().expect("a busy account");
    let middle = row.postings.len() / 2;
    (row, middle)
}

#[test]
fn a_sound_ledger_is_proven_to_its_head() {
    let directory = tempfile::tempdir().expect("a directory");
    books(directory.path());
    let verified = verified(directory.path());
    let tip = store(directory.path()).tip();
    assert_eq!(verified.finding, None);
    assert_eq!((verified.entries, verified.head), (tip.sequence.0, tip.head));
    let chained = verify_chain(store(directory.path()).as_ref()).expect("readable");
    assert_eq!(chained, Chained { entries: tip.sequence.0, head: tip.head, broken: None });
    assert!(verified.compared > 9_000 && verified.payments > 3_000, "{verified:?}");
}

#[test]
fn a_dropped_posting_a_double_count_and_a_wrong_window_are_named_with_their_first_sequence() {
    for fault in ["dropped", "doubled", "window"] {
        let directory = tempfile::tempdir().expect("a directory");
        books(directory.path());
        let (mut row, middle) = victim(directory.path());
        let posting = row.postings[middle];
        let expected = match fault {
            "dropped" => {
                row.postings.remove(middle);
                Fault::PostingMissing
            }
            "doubled" => {
                row.postings.insert(middle, posting);
                Fault::PostingExtra
            }
            _ => {
                row.postings[middle].cycle += 1;
                Fault::WrongCycle { recorded: posting.cycle + 1, derived: posting.cycle }
            }
        };
        store(directory.path()).put_history_row(2, &row).expect("a write");
        let finding = verified(directory.path()).finding.expect("something is wrong");
        assert_eq!((finding.fault.clone(), finding.sequence), (expected, posting.sequence), "{fault}: {finding}");
    }
}

#[test]
fn an_empty_log_has_nothing_to_prove() {
    let directory = tempfile::tempdir().expect("a directory");
    assert_eq!(verified(directory.path()).entries, 0);
    assert_eq!(store(directory.path()).tip().sequence, Sequence(0));
}
