//! The source against the client library's own pretended broker, in this process: what it hands over, and when it refuses to
//! begin. What needs a broker that can die or delete is tested with a real one, in `tests/e2e`.

use std::time::{Duration, Instant};

use domain::time::Timestamp;
use ingest::{Anchor, Error, KafkaSource, Publisher, Start, check, codes};
use ledger::Source;
use rdkafka::mocking::MockCluster;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

const PATIENCE: Duration = Duration::from_secs(10);
const TOPICS: [&str; 2] = ["hutong.control", "payments.alipay"];

/// A record as the ledger gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Taken {
    source: u16,
    offset: i64,
    millis: i64,
    key: Vec<u8>,
    raw: Vec<u8>,
}

/// Twenty records on the second topic, one on the first.
fn published(brokers: &str) {
    let publisher = Publisher::new(brokers).expect("a client");
    publisher.send(TOPICS[0], b"", b"command", None).expect("a queue with room");
    for number in 0..20_u8 {
        let time = Some(Timestamp::from_micros(1_762_790_400_000_999 + i64::from(number) * 1_000));
        publisher.send(TOPICS[1], &[number], &[b'e', number], time).expect("a queue with room");
    }
    assert_eq!(publisher.finish(PATIENCE).expect("a broker"), 21);
}

fn start(topic: &str, position: i64, anchor: Option<Anchor>) -> Start {
    Start { topic: topic.to_owned(), position, anchor }
}

fn take(source: &mut KafkaSource, count: usize) -> Vec<Taken> {
    let mut taken = Vec::new();
    let begun = Instant::now();
    while taken.len() < count && begun.elapsed() < PATIENCE {
        let polled = source.poll(7, Duration::from_millis(50), &mut |input| {
            taken.push(Taken {
                source: input.source,
                offset: input.offset,
                millis: input.arrived_at.micros() / 1_000,
                key: input.key.to_vec(),
                raw: input.raw.to_vec(),
            });
        });
        polled.expect("nothing is wrong");
    }
    taken
}

fn cluster() -> (MockCluster<'static, rdkafka::producer::DefaultProducerContext>, String) {
    let cluster = MockCluster::new(1).expect("a pretended cluster");
    for topic in TOPICS {
        cluster.create_topic(topic, 1, 1).expect("a topic");
    }
    let brokers = cluster.bootstrap_servers();
    (cluster, brokers)
}

#[test]
fn records_come_in_the_order_of_their_topic_from_the_position_on_with_key_and_time() {
    let (_cluster, brokers) = cluster();
    published(&brokers);
    assert!(!check(&brokers, &TOPICS, PATIENCE).expect("topics").is_empty());
    let starts = vec![start(TOPICS[0], 1, None), start(TOPICS[1], 5, None)];
    let mut source = KafkaSource::open(&brokers, starts, PATIENCE).expect("a source");
    let taken = take(&mut source, 15);
    let expected = (5..20_u8).map(|number| Taken {
        source: 1,
        offset: i64::from(number),
        millis: 1_762_790_400_000 + i64::from(number),
        key: vec![number],
        raw: vec![b'e', number],
    });
    assert_eq!(taken, expected.collect::<Vec<_>>());
    let lags: Vec<_> = source.lags().now().into_iter().map(|lag| (lag.topic.clone(), lag.offsets())).collect();
    assert_eq!(lags, TOPICS.map(|topic| (topic.to_owned(), Some(0))));
}

#[test]
fn a_topic_begins_only_where_it_is_the_one_that_was_read() {
    let (_cluster, brokers) = cluster();
    published(&brokers);
    let anchor = |offset: i64, millis: i64, raw: &[u8]| {
        Some(Anchor { offset, arrived_at: Timestamp::from_micros(millis * 1_000), raw: raw.to_vec() })
    };
    let fourth = 1_762_790_400_004;
    let cases = [
        (5, anchor(4, fourth, &[b'e', 4]), None),
        (5, anchor(4, fourth, &[b'e', 5]), Some("another record")),
        (5, anchor(4, fourth + 1, &[b'e', 4]), Some("another record")),
        (20, None, None),
        (21, None, Some("the topic ends at 20")),
        (20, anchor(25, fourth, b"e"), Some("holds no record")),
    ];
    for (position, anchor, refused) in cases {
        let starts = vec![start(TOPICS[1], position, anchor.clone())];
        let opened = KafkaSource::open(&brokers, starts, PATIENCE);
        match (opened.map(drop), refused) {
            (Ok(()), None) => {}
            (Err(Error::Source(error)), Some(part)) => {
                assert_eq!(error.code, codes::TOPIC_RECREATED);
                assert!(error.reason.contains(part), "{position}, {anchor:?}: {error}");
            }
            (opened, _) => panic!("{position}, {anchor:?}: {opened:?}"),
        }
    }
}

/// What the brokers may answer to a fetch, and what it ends with.
#[test]
fn an_answer_that_does_not_pass_by_itself_stops_the_source() {
    let cases = [
        (RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, None),
        (RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, Some(codes::KAFKA_FATAL)),
        (RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN, Some(codes::KAFKA_FATAL)),
    ];
    for (answer, code) in cases {
        let (cluster, brokers) = cluster();
        published(&brokers);
        let starts = vec![start(TOPICS[0], 0, None), start(TOPICS[1], 0, None)];
        cluster.request_errors(RDKafkaApiKey::Fetch, &[answer]);
        let mut source = KafkaSource::open(&brokers, starts, PATIENCE).expect("a source");
        let (begun, mut taken, mut stopped) = (Instant::now(), 0, None);
        while taken < 21 && stopped.is_none() && begun.elapsed() < PATIENCE {
            stopped = source.poll(100, Duration::from_millis(50), &mut |_| taken += 1).err();
        }
        assert_eq!(stopped.as_ref().map(|error| error.code), code, "{answer:?}: {stopped:?}, {taken} taken");
    }
}

#[test]
fn more_than_one_partition_is_refused_by_name() {
    let cluster = MockCluster::new(1).expect("a pretended cluster");
    cluster.create_topic(TOPICS[1], 3, 1).expect("a topic");
    let refused = check(&cluster.bootstrap_servers(), &TOPICS[1..], PATIENCE).expect_err("three partitions");
    let Error::Source(error) = refused else { panic!("{refused}") };
    assert_eq!((error.code, error.source_name.as_str()), (codes::PARTITION_COUNT, "payments.alipay[0]"));
}
