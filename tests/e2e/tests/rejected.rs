//! What was refused goes back: everything, in order, whatever dies in between.

use std::path::Path;
use std::time::Duration;

use domain::time::Timestamp;
use e2e::{Broker, PATIENCE, Service, TOPICS, events, fund, hutong, make_topics, publish, refused, rejections, told};
use ingest::{Admin, Publisher, REJECTED, codes};
use wire::event::v1::{Outcome, Rejection};

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
    service.wait_told(entries, PATIENCE);
    let ended = service.stop();
    assert_eq!(ended.code, Some(0), "{}", ended.said);

    let sent = rejections(&address);
    let (first, expected) = (told(sent.iter().map(|(_, rejection)| rejection)), refused(&data));
    println!("{} refusals, {} repeated", expected.len(), sent.len() - first.len());
    assert!(expected.len() > 100, "only {} refusals", expected.len());
    assert_eq!(first, expected);
    unreadable_came_back(&sent);
    refuses_a_topic_of_another_ledger(&address, &data, entries);
}

fn unreadable_came_back(sent: &[(Vec<u8>, Rejection)]) {
    let quarantined = |code: &str| {
        let found = sent.iter().find(|(_, rejection)| rejection.code == code);
        let (key, rejection) = found.unwrap_or_else(|| panic!("no {code}"));
        assert_eq!((rejection.outcome(), rejection.reporting_network.as_str()), (Outcome::Quarantined, "alipay"));
        (rejection.clone(), key.clone(), rejection.quarantined.clone().expect("quarantined"))
    };
    let (_, key, record) = quarantined("UNDECODABLE");
    assert_eq!((key.as_slice(), record.key.as_slice()), (&b"garbage"[..], &b"garbage"[..]));
    assert_eq!((record.value.as_slice(), record.value_length), (&b"no protobuf"[..], 11));
    let (rejection, key, record) = quarantined("KEY_MISMATCH");
    assert_eq!((key.as_slice(), record.key.as_slice()), (&b"other"[..], &b"other"[..]));
    assert_eq!((rejection.event_id.len(), rejection.payment_id.len()), (16, 16));
    let (_, _, record) = quarantined("RECORD_TOO_LONG");
    assert_eq!((record.value.len(), record.value_length), (512 << 10, 700 << 10));
}

/// The last record tells whose topic it is; without any the whole log is told again.
fn refuses_a_topic_of_another_ledger(address: &str, data: &Path, entries: u64) {
    let admin = Admin::new(address).expect("a client");
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
    service.wait_told(entries, PATIENCE);
    assert_eq!(service.stop().code, Some(0));
    let again = rejections(address);
    assert_eq!(again.len(), refused(data).len());
    assert_eq!(told(again.iter().map(|(_, rejection)| rejection)), refused(data));
}
