//! A topic as anybody else reads it.

use std::time::{Duration, Instant};

use ingest::{KafkaSource, Start};
use ledger::Source;

use crate::PATIENCE;

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
