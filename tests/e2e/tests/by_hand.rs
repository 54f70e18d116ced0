//! A day fed by hand: a file of lines, published, served, verified.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use e2e::{Broker, PATIENCE, Service, events, hutong, make_topics, open};
use simulator::mix;
use store::Store;

const EVENTS: u64 = 2_000;

/// Prefunds, then events, each with the time at which it is to have been recorded.
fn day() -> String {
    let mut lines = String::new();
    for (network, minor) in mix::prefunds() {
        let command = wire::json::command(&wire::control::prefund(network, minor)).expect("a command");
        writeln!(lines, r#"{{"command": {command}}}"#).expect("text grows");
    }
    events(EVENTS, 3, |_, record| {
        let event = wire::json::payment_event(record.value).expect("an event");
        let line = writeln!(lines, r#"{{"recordedAtMicros": "{}", "paymentEvent": {event}}}"#, record.timestamp);
        line.expect("text grows");
    });
    lines
}

fn text(path: &Path) -> &str {
    path.to_str().expect("paths of tests are text")
}

#[test]
fn what_is_published_from_a_file_is_what_the_ledger_keeps() {
    let broker = Broker::start();
    let address = broker.address();
    make_topics(&address);
    let directory = tempfile::tempdir().expect("a directory");
    let (file, data) = (directory.path().join("day.ndjson"), directory.path().join("data"));
    let day = day();

    // A mistake in the last lines: nothing is published, which the number of entries shows in the end.
    fs::write(&file, format!("{day}\n{{\"paymentEvent\": {{\"amountMinor\": \"much\"}}}}\n{{}}\n")).expect("a file");
    let refused = hutong(&["publish", text(&file), "--brokers", &address]);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(4), "{said}");
    assert!(said.contains(&format!("day.ndjson:{}: paymentEvent.amountMinor at column", EVENTS + 5)), "{said}");
    assert!(said.contains(&format!("day.ndjson:{}: line at column", EVENTS + 6)), "{said}");

    fs::write(&file, &day).expect("a file");
    let published = hutong(&["publish", text(&file), "--brokers", &address]);
    assert_eq!(published.status.code(), Some(0), "{published:?}");
    let said = String::from_utf8_lossy(&published.stdout);
    assert!(said.starts_with(&format!("published {} records: hutong.control 3, ", EVENTS + 3)), "{said}");

    let entries = EVENTS + 4;
    let mut service = Service::start(&address, &data);
    service.wait_for(entries, PATIENCE);
    let ended = service.stop();
    assert_eq!(ended.code, Some(0), "{}", ended.said);

    let verified = hutong(&["verify", "--data-dir", text(&data), "-o", "json"]);
    assert_eq!(verified.status.code(), Some(0), "{verified:?}");
    let said = String::from_utf8_lossy(&verified.stdout);
    assert!(said.contains(r#""verdict":"proven""#) && said.contains(&format!(r#""entries":{entries},"#)), "{said}");
    assert_eq!(arrivals(&data), in_the_file());
}

/// When the events arrived, in order, in milliseconds: the topics interleave freely.
fn arrivals(data: &Path) -> Vec<i64> {
    let store = open(data);
    let mut arrivals = Vec::new();
    for block in store.blocks(domain::ids::Sequence(1)) {
        for entry in block.expect("a block").entries() {
            let (_, entry) = entry.expect("readable");
            if entry.kind == store::entry::EntryKind::PaymentEvent {
                arrivals.push(entry.arrived_at.micros() / 1_000);
            }
        }
    }
    arrivals.sort_unstable();
    arrivals
}

fn in_the_file() -> Vec<i64> {
    let mut times = Vec::new();
    events(EVENTS, 3, |_, record| times.push(record.timestamp / 1_000));
    times.sort_unstable();
    times
}
