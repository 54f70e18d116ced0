//! A topic as anybody else reads it.

use std::time::{Duration, Instant};

use ingest::{KafkaSource, Start};
use ledger::Source;

use crate::{PATIENCE, TOPICS};

/// Key and value of every record on a topic that nobody writes to any more, in order.
///
/// # Panics
/// When it cannot be read to its end.
#[must_use]
pub fn records(brokers: &str, topic: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
    let start = Start { topic: topic.to_owned(), position: 0, anchor: None };
    let mut source = KafkaSource::open(brokers, vec![start], PATIENCE).expect("a topic");
    let lags = source.lags();
    let mut records = Vec::new();
    let begun = Instant::now();
    while lags.now()[0].offsets() != Some(0) {
        assert!(begun.elapsed() < PATIENCE, "{topic} does not end: {:?}", lags.now());
        let polled = source.poll(1_000, Duration::from_millis(100), &mut |input| {
            records.push((input.key.to_vec(), input.raw.to_vec()));
        });
        polled.expect("nothing is wrong");
    }
    records
}

/// How many records stand on the topics of the shard. More than were published, when a broker was killed that had written
/// some and not said so: the client hands them over again, and a broker that comes back does not know producers whose newest
/// record is older than a day, as all of a past day are. The ledger knows them for what they are.
///
/// # Panics
/// When no broker answers.
#[must_use]
pub fn written(brokers: &str) -> u64 {
    let starts = TOPICS.map(|topic| Start { topic: topic.to_owned(), position: 0, anchor: None });
    let source = KafkaSource::open(brokers, starts.to_vec(), PATIENCE).expect("the topics");
    let ends = source.lags().now().into_iter().map(|lag| lag.end.expect("it has looked at every topic"));
    ends.sum::<i64>().unsigned_abs()
}
