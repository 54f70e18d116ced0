//! The ledger against the model, and against itself in other batch sizes.

use std::sync::Arc;

use domain::book::Balance;
use domain::directive::Codec;
use domain::ids::Sequence;
use domain::report::Report;
use domain::state::View;
use domain::time::Timestamp;
use engine::{Feed, codec, ledger, small, store};
use ledger::{Handle, Options, Snapshot};
use simulator::mix::{Mix, Stream};
use store::Store;
use testkit::model::Model;

const EVENTS: u64 = 60_000;

fn run(options: Options, store: Arc<dyn Store>, events: u64) -> Handle {
    let ledger = ledger(store, options);
    let (handle, feed) = (ledger.handle(), Feed::new(events, 7, ledger.positions()));
    ledger.start(Box::new(feed)).expect("threads").wait().expect("an undisturbed run");
    handle
}

/// Everything a reader can see, as text.
fn figures(snapshot: &Snapshot) -> String {
    let currencies = snapshot.state.rules().current().currencies.iter().map(|rule| rule.currency);
    let cycles: Vec<_> =
        currencies.flat_map(|currency| snapshot.state.cycles(currency)).map(|c| (&c.id, &c.flows)).collect();
    let accounts: Vec<_> = snapshot.state.book().accounts().collect();
    format!("{:?} {:?} {:?} {accounts:?} {cycles:?}", snapshot.sequence, snapshot.head, snapshot.positions)
}

#[test]
fn where_blocks_and_runs_end_changes_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let figures = [(1, 500), (7, 10_000), (10_000, 1_000_000)].map(|(block, run_entries)| {
        let handle = run(small(block, run_entries), store(&directory.path().join(block.to_string())), 6_000);
        figures(&handle.snapshot())
    });
    assert_eq!(figures[0], figures[1]);
    assert_eq!(figures[1], figures[2]);
}

#[test]
fn before_the_first_entry_every_account_stands_at_zero() {
    let directory = tempfile::tempdir().expect("a directory");
    // Once with runs in the store and once without any.
    for run_entries in [1_000, 1_000_000] {
        let handle = run(small(100, run_entries), store(&directory.path().join(run_entries.to_string())), 2_000);
        for (account, _) in handle.snapshot().state.book().accounts() {
            assert_eq!(handle.balance_at(account, Sequence(0)).expect("readable"), Some(Balance::default()));
        }
    }
}

#[test]
fn balances_are_those_of_the_model_now_and_as_of_every_block() {
    let directory = tempfile::tempdir().expect("a directory");
    let handle = run(small(1_000, 8_000), store(directory.path()), EVENTS);
    let mut model = Model::new(rulebook::parse(rulebook::DEFAULT).expect("the default"));
    // Entry 1 is the rulebook; the commands and the events follow in the order of the feed.
    let mut sequence = 1;
    let rules = model.rules().clone();
    for (network, minor) in simulator::mix::prefunds() {
        let raw = wire::control::prefund(network, minor);
        let directive = codec().command(&raw, &rules).expect("a command");
        let Ok(domain::directive::Action::Command(command)) = directive.action else { panic!("a prefund") };
        model.command(&command).expect("accepted");
        sequence += 1;
    }
    let mut stream = Stream::new(Mix::Natural, EVENTS, 7);
    while let Some(sent) = stream.next_event() {
        sequence += 1;
        let raw = sent.record.value;
        let submission = codec().event(raw).expect("an event");
        let arrived_at = Timestamp::from_micros(sent.record.timestamp);
        let report = Report::new(&submission, arrived_at, &rules).expect("well-formed");
        model.report(&report);
        if sequence % 9_973 == 0 || sequence == 1 + 3 + EVENTS {
            for (account, balance) in model.state.book().accounts() {
                let found = handle.balance_at(account, Sequence(sequence)).expect("a read");
                assert_eq!(found, Some(balance), "{account:?} as of {sequence}");
            }
        }
    }
    assert_eq!(handle.snapshot().sequence, Sequence(sequence));
    assert_eq!(
        handle.balance_at(model.state.book().accounts().next().expect("one").0, Sequence(sequence + 1)).ok(),
        Some(None)
    );
}

#[test]
fn a_reader_gets_payments_entries_and_times_that_are_durable() {
    let directory = tempfile::tempdir().expect("a directory");
    let ledger = ledger(store(directory.path()), small(500, 4_000));
    let handle = ledger.handle();
    let patience = std::time::Duration::from_secs(10);
    let mut stream = Stream::new(Mix::Natural, 9_000, 7);
    let first = domain::ids::Id::from_bytes(stream.next_event().expect("an event").record.key).expect("16 bytes");
    // A source that pauses for ever once it is dry keeps the writer answering.
    let feed = Feed::new(9_000, 7, ledger.positions()).never_ending();
    let running = ledger.start(Box::new(feed)).expect("threads");
    let end = Sequence(1 + 3 + 9_000);
    handle.wait_for(end, patience).expect("all of it");

    let (payment, sequence) = handle.payment(first, patience).expect("an answer");
    assert!(payment.is_some_and(|payment| payment.terms.is_some() || payment.refused.is_some()));
    assert!(sequence >= end);
    assert_eq!(handle.payment(domain::ids::Id(1), patience).expect("an answer").0, None);

    let entries = handle.entries(Sequence(8_000), 1_500).expect("a read");
    assert_eq!(entries.iter().map(|entry| entry.sequence.0).collect::<Vec<_>>(), (8_000..=9_004).collect::<Vec<_>>());
    assert_eq!(entries.last().map(|entry| entry.head), Some(handle.snapshot().head));
    let middle = &entries[500];
    let at = handle.sequence_at(middle.recorded_at).expect("a read");
    assert!(at >= middle.sequence && at.0 < middle.sequence.0 + 500, "{at} for {}", middle.sequence);

    running.stop();
    running.wait().expect("a clean end");
    assert!(handle.payment(first, std::time::Duration::from_millis(50)).is_err(), "nobody answers any more");
}
