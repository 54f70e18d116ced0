//! A topic as anybody else reads it.

use std::time::{Duration, Instant};

use ingest::{KafkaSource, Start};
use ledger::Source;

/// How long a topic that should hold something may stay silent.
const SILENCE: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(20);

/// Key and value of every record on a topic, in order.
///
/// # Panics
/// When it cannot be read.
#[must_use]
pub fn records(brokers: &str, topic: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
    let start = Start { topic: topic.to_owned(), position: 0, anchor: None };
    let mut source = KafkaSource::open(brokers, vec![start], PATIENCE).expect("a topic");
    let mut records = Vec::new();
    let mut heard = Instant::now();
    while heard.elapsed() < SILENCE {
        let polled = source.poll(1_000, Duration::from_millis(100), &mut |input| {
            records.push((input.key.to_vec(), input.raw.to_vec()));
            heard = Instant::now();
        });
        polled.expect("nothing is wrong");
    }
    records
}
