//! The broker in this process under the ordinary publisher and source.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use domain::time::Timestamp;
use ingest::{KafkaSource, LocalBroker, Paced, Start, check, codes};
use ledger::Source;

const TOPICS: [&str; 2] = ["hutong.control", "payments.alipay"];
const PATIENCE: Duration = Duration::from_secs(20);
/// 2020-01-01, in milliseconds: older than any retention.
const BEGIN: i64 = 1_577_836_800_000;

/// Source, offset, milliseconds, key and value.
type Taken = (u16, i64, i64, Vec<u8>, Vec<u8>);

fn open(broker: &LocalBroker) -> KafkaSource {
    let start = |topic: &str| Start { topic: topic.to_owned(), position: 0, anchor: None };
    KafkaSource::open(&broker.bootstrap(), TOPICS.map(start).to_vec(), PATIENCE).expect("a source")
}

/// Takes everything until it is told to stop.
fn take(mut source: KafkaSource, stop: Arc<AtomicBool>) -> JoinHandle<Vec<Taken>> {
    std::thread::spawn(move || {
        let mut taken = Vec::new();
        while !stop.load(Ordering::Acquire) {
            let polled = source.poll(1_000, Duration::from_millis(20), &mut |input| {
                let millis = input.arrived_at.micros() / 1_000;
                taken.push((input.source, input.offset, millis, input.key.to_vec(), input.raw.to_vec()));
            });
            polled.expect("nothing is wrong");
        }
        taken
    })
}

#[test]
fn more_than_the_broker_keeps_arrives_whole_in_order_and_with_its_times() {
    const RECORDS: i64 = 50_000;
    let broker = LocalBroker::start(&TOPICS).expect("a broker");
    let brokers = broker.bootstrap();
    check(&brokers, &TOPICS, PATIENCE).expect("topics");
    let source = open(&broker);
    let lags = source.lags();
    let stop = Arc::new(AtomicBool::new(false));
    let reader = take(source, Arc::clone(&stop));
    let mut paced = Paced::new(&brokers, lags, PATIENCE).expect("clients");
    let value = |number: i64| vec![u8::try_from(number % 251).expect("below 251"); 300];
    let begun = Instant::now();
    for number in 0..RECORDS {
        let time = Timestamp::from_micros((BEGIN + number) * 1_000);
        paced.send(TOPICS[1], &number.to_be_bytes(), &value(number), Some(time)).expect("a record");
    }
    paced.taken().expect("everything is taken");
    println!("{RECORDS} records of 300 bytes in {:?}", begun.elapsed());
    assert!(begun.elapsed() < PATIENCE, "it took {:?}", begun.elapsed());
    stop.store(true, Ordering::Release);
    let taken = reader.join().expect("the reader ends");
    let expected = |number: i64| (1, number, BEGIN + number, number.to_be_bytes().to_vec(), value(number));
    assert_eq!(taken.len(), usize::try_from(RECORDS).expect("few"));
    assert!((0..RECORDS).zip(&taken).all(|(number, taken)| *taken == expected(number)));
}

#[test]
fn a_source_that_takes_nothing_is_not_overrun() {
    let broker = LocalBroker::start(&TOPICS).expect("a broker");
    let source = open(&broker);
    let mut paced = Paced::new(&broker.bootstrap(), source.lags(), Duration::from_secs(1)).expect("clients");
    let mut sent = 0;
    let refused = loop {
        match paced.send(TOPICS[1], b"", &[0; 1_000], None) {
            Ok(()) => sent += 1,
            Err(error) => break error,
        }
    };
    assert!((1_000..4_000).contains(&sent), "{sent} records of a thousand bytes");
    assert!(refused.to_string().contains("the ledger has not taken"), "{refused}");
}

#[test]
fn every_start_is_another_incarnation_and_begins_at_0() {
    let first = LocalBroker::start(&TOPICS).expect("a broker");
    let incarnation = first.incarnation();
    drop(first);
    let second = LocalBroker::start(&TOPICS).expect("a broker");
    assert_ne!(second.incarnation(), incarnation);
    // What a ledger has from an incarnation before is not on this one, and the source says so.
    let start = Start { topic: TOPICS[1].to_owned(), position: 5, anchor: None };
    let refused = KafkaSource::open(&second.bootstrap(), vec![start], PATIENCE).map(drop).expect_err("an empty topic");
    assert_eq!(refused.code(), Some(codes::TOPIC_RECREATED), "{refused}");
    let refused = check(&second.bootstrap(), &["payments.netsunion"], PATIENCE).expect_err("no such topic");
    assert_eq!(refused.code(), Some(codes::TOPIC_MISSING), "{refused}");
}
