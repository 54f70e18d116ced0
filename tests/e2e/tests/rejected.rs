//! What was refused goes back: everything, in order, whatever dies in between.

use std::path::Path;
use std::time::Duration;

use domain::ids::Sequence;
use domain::time::Timestamp;
use e2e::{Broker, Service, TOPICS, events, fund, hutong, make_topics, open, publish, records};
use ingest::{Admin, Publisher, REJECTED, codes};
use store::Store;
use store::entry::Entry;
use wire::event::v1::{Outcome, Rejection};

const PATIENCE: Duration = Duration::from_secs(40);
const FROM_FILE: u64 = 2_000;
const UNDER_LOAD: u64 = 12_000;

/// One of each that a network can get wrong before anything can be judged, and their keys.
fn unreadable(brokers: &str) -> u64 {
    let publisher = Publisher::new(brokers).expect("a client");
    let mut wrong_key = Vec::new();
    events(1, 9, |_, record| wrong_key = record.value.to_vec());
    let long = vec![0; 700 << 10];
    for (key, value) in [(&b"garbage"[..], &b"no protobuf"[..]), (b"", b""), (b"other", &wrong_key), (b"long", &long)] {
        let time = Some(Timestamp::from_micros(1_762_790_400_000_000));
        publisher.send(TOPICS[3], key, value, time).expect("a queue with room");
    }
    publisher.finish(PATIENCE).expect("a broker that takes records")
}

/// What the log says of a refusal, and what the topic says of it.
type Told = (u64, String, String, i64, i64);

fn in_the_log(data: &Path) -> Vec<Told> {
    let store = open(data);
    let sources = store.genesis().sources.clone();
    let mut refused = Vec::new();
    for block in store.blocks(Sequence(1)) {
        for entry in block.expect("a block").entries() {
            let (sequence, entry) = entry.expect("readable");
            let code = entry.answer.rejection().map(|code| code.name());
            let code = code.or_else(|| entry.answer.quarantine().map(|code| code.name()));
            if let (Some(code), true) = (code, entry.source != Entry::NO_SOURCE && entry.source > 0) {
                let topic = sources[usize::from(entry.source)].topic.clone();
                refused.push((sequence.0, code.to_owned(), topic, entry.offset, entry.arrived_at.micros()));
            }
        }
    }
    refused
}

fn told(rejection: &Rejection) -> Told {
    let source = rejection.source.clone().expect("always set");
    (rejection.sequence, rejection.code.clone(), source.topic, source.offset, rejection.recorded_at_micros)
}

#[test]
fn every_refusal_reaches_its_topic_in_order_though_the_service_is_killed() {
    let broker = Broker::start();
    let address = broker.address();
    make_topics(&address);
    let directory = tempfile::tempdir().expect("a directory");
    let (file, data) = (directory.path().join("day.ndjson"), directory.path().join("data"));
    let mut entries = 1 + fund(&address) + unreadable(&address);
    let mut lines = String::new();
    events(FROM_FILE, 21, |_, record| {
        let event = wire::json::payment_event(record.value).expect("an event");
        lines += &format!("{{\"recordedAtMicros\": \"{}\", \"paymentEvent\": {event}}}\n", record.timestamp);
    });
    std::fs::write(&file, lines).expect("a file");
    let file = file.to_str().expect("paths of tests are text");
    assert_eq!(hutong(&["publish", file, "--brokers", &address]).status.code(), Some(0));
    entries += FROM_FILE;

    let load = {
        let address = address.clone();
        std::thread::spawn(move || publish(&address, UNDER_LOAD, 22, Duration::from_millis(40)))
    };
    for milliseconds in [50, 700, 200, 900, 100, 400] {
        let mut service = Service::start(&address, &data);
        service.wait_for(1, PATIENCE);
        std::thread::sleep(Duration::from_millis(milliseconds));
        service.kill();
    }
    entries += load.join().expect("the load arrives");
    let mut service = Service::start(&address, &data);
    service.wait_for(entries, PATIENCE);
    let ended = service.stop();
    assert_eq!(ended.code, Some(0), "{}", ended.said);

    let sent = records(&address, REJECTED);
    let rejections: Vec<_> =
        sent.iter().map(|(_, value)| wire::rejection::decode(value).expect("a rejection")).collect();
    let expected = in_the_log(&data);
    let mut first: Vec<Told> = Vec::new();
    for rejection in &rejections {
        let told = told(rejection);
        match first.last() {
            Some((sequence, ..)) if told.0 <= *sequence => assert!(first.contains(&told), "repeated with other words"),
            _ => first.push(told),
        }
    }
    println!("{} refusals, {} repeated", expected.len(), rejections.len() - first.len());
    assert!(expected.len() > 100, "only {} refusals", expected.len());
    assert_eq!(first, expected);
    unreadable_came_back(&sent, &rejections);
    refuses_a_topic_of_another_ledger(&address, &data);
}

fn unreadable_came_back(sent: &[(Vec<u8>, Vec<u8>)], rejections: &[Rejection]) {
    let quarantined = |code: &str| {
        let found = rejections.iter().zip(sent).find(|(rejection, _)| rejection.code == code);
        let (rejection, (key, _)) = found.unwrap_or_else(|| panic!("no {code}"));
        assert_eq!((rejection.outcome(), rejection.reporting_network.as_str()), (Outcome::Quarantined, "alipay"));
        (rejection.clone(), key.clone(), rejection.quarantined.clone().expect("quarantined"))
    };
    let (_, _, record) = quarantined("UNDECODABLE");
    assert_eq!((record.value.as_slice(), record.value_length), (&b"no protobuf"[..], 11));
    let (rejection, key, record) = quarantined("KEY_MISMATCH");
    assert_eq!((key.as_slice(), record.key.as_slice()), (&b"other"[..], &b"other"[..]));
    assert_eq!((rejection.event_id.len(), rejection.payment_id.len()), (16, 16));
    let (_, _, record) = quarantined("RECORD_TOO_LONG");
    assert_eq!((record.value.len(), record.value_length), (512 << 10, 700 << 10));
}

/// The last record tells whose topic it is; without any the whole log is told again.
fn refuses_a_topic_of_another_ledger(address: &str, data: &Path) {
    let admin = Admin::new(address).expect("a client");
    let told_before = in_the_log(data);
    admin.delete(REJECTED).expect("a topic is deleted");
    admin.create(&[REJECTED], 1).expect("a topic");
    let publisher = Publisher::new(address).expect("a client");
    publisher.send(REJECTED, b"", b"no rejection", None).expect("a queue with room");
    publisher.finish(PATIENCE).expect("a broker that takes records");
    let ended = Service::start(address, data).wait(PATIENCE);
    let page = format!("stopped with {0} (deploy/runbooks/{0}.md)", codes::REJECTIONS_DIVERGED);
    assert!(ended.code == Some(1) && ended.said.contains(&page), "{}", ended.said);

    admin.delete(REJECTED).expect("a topic is deleted");
    admin.create(&[REJECTED], 1).expect("a topic");
    let mut service = Service::start(address, data);
    service.wait_for(1, PATIENCE);
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(service.stop().code, Some(0));
    let again = records(address, REJECTED);
    let again: Vec<_> = again.iter().map(|(_, value)| told(&wire::rejection::decode(value).expect("ours"))).collect();
    assert_eq!(again, told_before);
}
