//! Sudden death. A child process consumes and prints every durable snapshot; it is killed at a moment that nobody chose,
//! and what it had printed must be there when the directory is opened again: nothing acknowledged is lost, nothing counts
//! twice, and in the end the chain is the one of a run that nobody disturbed.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use domain::ids::Sequence;
use engine::{Feed, ledger, small, store};
use store::Store;

const EVENTS: u64 = 40_000;
const DIRECTORY: &str = "HUTONG_TEST_KILL_DIRECTORY";

/// The child's whole life. As a test of its own it has nothing to do.
#[test]
fn child() {
    let Some(directory) = std::env::var_os(DIRECTORY) else { return };
    let ledger = ledger(store(Path::new(&directory)), small(200, 3_000));
    let handle = ledger.handle();
    let feed = Feed::new(EVENTS, 5, ledger.positions()).with_pause(Duration::from_millis(1));
    let running = ledger.start(Box::new(feed)).expect("threads");
    let mut next = Sequence(1);
    while !running.is_finished() {
        if let Some(snapshot) = handle.wait_for(next, Duration::from_millis(5)) {
            println!("durable {} {}", snapshot.sequence, hex(&snapshot.head));
            next = Sequence(snapshot.sequence.0 + 1);
        }
    }
    running.wait().expect("an undisturbed run");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Lets a child run until it has printed `lines` snapshots, kills it, and returns the last one.
fn killed_after(directory: &Path, lines: usize) -> Option<(u64, String)> {
    let program = std::env::current_exe().expect("this program");
    let mut child = Command::new(program)
        .args(["--exact", "child", "--nocapture"])
        .env(DIRECTORY, directory)
        .stdout(Stdio::piped())
        .spawn()
        .expect("a child");
    let output = BufReader::new(child.stdout.take().expect("piped"));
    let durable = output.lines().map_while(Result::ok).filter_map(|line| {
        let mut words = line.strip_prefix("durable ")?.split(' ').map(str::to_owned);
        Some((words.next()?.parse().ok()?, words.next()?))
    });
    let mut last = None;
    for (count, snapshot) in durable.enumerate() {
        last = Some(snapshot);
        if count + 1 == lines {
            break;
        }
    }
    let _ = child.kill();
    child.wait().expect("an end");
    last
}

/// The chain head after `sequence`, from the blocks themselves.
fn head_at(store: &dyn Store, sequence: u64) -> String {
    let block = store.block(Sequence(sequence)).expect("a read").expect("it was acknowledged");
    let mut head = block.head().head_before;
    for entry in block.entries() {
        let (at, entry) = entry.expect("readable");
        head = store::chain::next(&head, at.0, &entry.head());
        if at.0 == sequence {
            break;
        }
    }
    hex(&head)
}

#[test]
fn what_was_acknowledged_before_a_kill_is_there_after_it_and_nothing_counts_twice() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("killed");
    for lines in [1, 2, 3, 5, 8, 13, 21, 34, 20, 10, 40, 1] {
        let (sequence, head) = killed_after(&path, lines).expect("a durable block");
        let store = store(&path);
        assert!(store.tip().sequence.0 >= sequence, "an acknowledged entry is lost");
        assert_eq!(head_at(store.as_ref(), sequence), head, "the chain has changed up to entry {sequence}");
    }
    let finish = |path: &Path| {
        let ledger = ledger(store(path), small(200, 3_000));
        let handle = ledger.handle();
        let feed = Feed::new(EVENTS, 5, ledger.positions());
        ledger.start(Box::new(feed)).expect("threads").wait().expect("an undisturbed run");
        (handle.snapshot().sequence, handle.snapshot().head)
    };
    assert_eq!(finish(&path), finish(&directory.path().join("undisturbed")));
    let verified = audit::verify(store(&path).as_ref(), &engine::codec(), |_| {}).expect("readable");
    assert_eq!(verified.finding, None);
}
