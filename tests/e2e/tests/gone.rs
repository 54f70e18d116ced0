//! Topics that are not what the ledger has read: each stops it with its code and leaves the log as it was.

use std::path::Path;
use std::time::Duration;

use e2e::{Broker, PATIENCE, Service, TOPICS, fund, make_topics, open, publish};
use ingest::{Admin, Publisher, REJECTED, codes};
use store::Store;

/// Starts the service, which has to end by itself with exit code 1 and this code.
fn refuses(address: &str, data: &Path, code: &str, part: &str) {
    let ended = Service::start(address, data).wait(PATIENCE);
    assert_eq!(ended.code, Some(1), "{code}:\n{}", ended.said);
    let page = format!("stopped with {code} (deploy/runbooks/{code}.md)");
    assert!(ended.said.contains(&page) && ended.said.contains(part), "{code}, {part}:\n{}", ended.said);
}

#[test]
fn a_topic_that_lost_records_or_is_another_one_stops_the_shard_with_the_code() {
    let [control, unionpay, tenpay, alipay] = TOPICS;
    let broker = Broker::start();
    let address = broker.address();
    let admin = Admin::new(&address).expect("a client");
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");

    admin.create(&TOPICS[..3], 1).expect("topics");
    refuses(&address, &data, codes::TOPIC_MISSING, alipay);
    admin.create(&[alipay], 1).expect("a topic");
    refuses(&address, &data, codes::TOPIC_MISSING, REJECTED);
    admin.create(&[REJECTED], 1).expect("a topic");

    let entries = 1 + fund(&address) + publish(&address, 3_000, 11, Duration::ZERO);
    let mut service = Service::start(&address, &data);
    service.wait_for(entries, PATIENCE);
    // Records that have been read may go.
    admin.delete_records_before(control, 2).expect("records are deleted");

    // Under the reader's eyes: another topic of the same name, and longer.
    admin.delete(alipay).expect("a topic is deleted");
    let ended = service.wait(PATIENCE);
    assert_eq!(ended.code, Some(1), "{}", ended.said);
    assert!(ended.said.contains(codes::TOPIC_MISSING), "{}", ended.said);
    admin.create(&[alipay], 1).expect("a topic");
    refuses(&address, &data, codes::TOPIC_RECREATED, "the topic ends at 0");
    let refilled = publish(&address, 9_000, 12, Duration::ZERO);
    assert_eq!(refilled, 9_000);
    refuses(&address, &data, codes::TOPIC_RECREATED, "another record than the ledger has");

    // The other topics have 9,000 records more now, of which some are wanted and gone.
    let position = open(&data).block(open(&data).tip().sequence).expect("a read").expect("a block").head().positions[2];
    admin.delete_records_before(tenpay, position + 10).expect("records are deleted");
    refuses(&address, &data, codes::OFFSET_OUT_OF_RANGE, tenpay);

    admin.delete(unionpay).expect("a topic is deleted");
    refuses(&address, &data, codes::TOPIC_MISSING, unionpay);
    admin.create(&[unionpay], 2).expect("a topic");
    refuses(&address, &data, codes::PARTITION_COUNT, "2 partitions");

    assert_eq!(open(&data).tip().sequence.0, entries);
}

/// Nobody has to restart anything for it: the topic is another one from one fetch to the next.
#[test]
fn no_record_is_taken_from_a_topic_that_was_replaced_while_it_was_read() {
    let alipay = TOPICS[3];
    let broker = Broker::start();
    let address = broker.address();
    make_topics(&address);
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    let entries = 1 + fund(&address) + publish(&address, 3_000, 31, Duration::ZERO);
    let mut service = Service::start(&address, &data);
    service.wait_for(entries, PATIENCE);
    std::thread::sleep(Duration::from_millis(2_500));
    let admin = Admin::new(&address).expect("a client");
    admin.delete(alipay).and_then(|()| admin.create(&[alipay], 1)).expect("another topic");
    // More than it had: the position that the ledger wants next is on it.
    let publisher = Publisher::new(&address).expect("a client");
    for _ in 0..9_000 {
        publisher.send(alipay, b"", b"of another topic", None).expect("a queue with room");
    }
    publisher.finish(PATIENCE).expect("a broker that takes records");
    let ended = service.wait(PATIENCE);
    // By which of them depends on whether it looked before, while or after the topic was filled.
    let codes = [codes::TOPIC_RECREATED, codes::TOPIC_MISSING, codes::OFFSET_OUT_OF_RANGE];
    let has_code = codes.iter().any(|code| ended.said.contains(code));
    assert!(ended.code == Some(1) && has_code, "{}", ended.said);
    assert_eq!(open(&data).tip().sequence.0, entries, "records of the other topic were taken:\n{}", ended.said);
}

#[test]
fn brokers_that_do_not_answer_are_worth_another_try() {
    let directory = tempfile::tempdir().expect("a directory");
    // Nobody listens on the port of discard.
    let ended = Service::start("127.0.0.1:9", &directory.path().join("data")).wait(PATIENCE);
    assert_eq!(ended.code, Some(5), "{}", ended.said);
    assert!(ended.said.contains("no broker of 127.0.0.1:9 answers"), "{}", ended.said);
}
