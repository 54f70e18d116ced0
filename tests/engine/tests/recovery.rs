//! Opening again: after a clean end, after a stop in the middle, and what a restart must still know.

use std::sync::Arc;

use domain::ids::Sequence;
use engine::{Feed, ledger, small, store};
use ledger::{Input, Options, Polled, Source, SourceError};
use simulator::mix::{Mix, Stream};
use store::Store;

fn feed(directory: &std::path::Path, of: u64, events: u64, options: Options) -> (Sequence, [u8; 32]) {
    let ledger = ledger(store(directory), options);
    let (handle, feed) = (ledger.handle(), Feed::new(of, 3, ledger.positions()).ending_after(events));
    ledger.start(Box::new(feed)).expect("threads").wait().expect("an undisturbed run");
    let snapshot = handle.snapshot();
    (snapshot.sequence, snapshot.head)
}

#[test]
fn a_ledger_opened_again_and_again_ends_where_an_undisturbed_one_does() {
    let directory = tempfile::tempdir().expect("a directory");
    let undisturbed = feed(&directory.path().join("once"), 30_000, 30_000, small(1_000, 4_000));
    for events in [1, 999, 4_100, 4_100, 17_000] {
        feed(&directory.path().join("often"), 30_000, events, small(1_000, 4_000));
    }
    assert_eq!(feed(&directory.path().join("often"), 30_000, 30_000, small(1_000, 4_000)), undisturbed);
}

#[test]
fn a_directory_of_another_shard_is_refused_by_name() {
    let directory = tempfile::tempdir().expect("a directory");
    drop(store(directory.path()));
    let mut other = engine::genesis();
    other.sources[1].partitions = 6;
    let options = store::RocksOptions::default();
    let refused = store::RocksStore::open(directory.path(), &other, store::hash::HashKey::random(), &options);
    let message = format!("{:#}", refused.err().map(|error| chain(&error)).unwrap_or_default());
    assert!(message.contains("payments.unionpay") && message.contains('6'), "{message}");
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut inner = error.source();
    while let Some(error) = inner {
        text = format!("{text}: {error}");
        inner = error.source();
    }
    text
}

/// The first event of a stream once more, as new offsets of its topic.
struct Again {
    events: u64,
    offset: i64,
}

impl Source for Again {
    fn poll(
        &mut self,
        _: usize,
        _: std::time::Duration,
        take: &mut dyn FnMut(Input<'_>),
    ) -> Result<Polled, SourceError> {
        let mut stream = Stream::new(Mix::Natural, self.events, 3);
        let record = stream.next_event().expect("a first event").record;
        let arrived_at = domain::time::Timestamp::from_micros(record.timestamp);
        take(Input { source: record.source + 1, offset: self.offset, arrived_at, key: record.key, raw: record.value });
        Ok(Polled::Ended)
    }
}

/// Five million events are some minutes of a busy day. `HUTONG_TEST_EVENTS` asks for another number.
#[test]
fn a_duplicate_of_the_first_event_after_five_million_others_and_a_restart_costs_one_read() {
    let events = std::env::var("HUTONG_TEST_EVENTS").ok().and_then(|n| n.parse().ok()).unwrap_or(5_000_000);
    let directory = tempfile::tempdir().expect("a directory");
    feed(directory.path(), events, events, Options::default());

    let store = store(directory.path());
    let ledger = ledger(Arc::clone(&store) as Arc<dyn Store>, Options::default());
    let handle = ledger.handle();
    let offset = *ledger.positions().iter().max().expect("positions");
    let before = store.lookups();
    ledger.start(Box::new(Again { events, offset })).expect("threads").wait().expect("one event");
    let last = handle.snapshot().sequence;
    let after = store.lookups();
    assert!(after.disk_reads - before.disk_reads <= 1, "{before:?} {after:?}");

    let block = store.block(last).expect("a read").expect("the last block");
    let entry = block.entries().last().expect("an entry").expect("readable").1;
    assert_eq!(entry.answer, store::entry::AnswerCode::DUPLICATE);
    // Behind the rulebook and the three prefunds.
    assert_eq!(entry.duplicate_of, Some(Sequence(5)));
}
