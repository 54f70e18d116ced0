//! Before anything is opened: who the brokers are, and whether the topics are what a shard reads.

use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer as _;

use crate::config;
use crate::error::Error;
use crate::look;

/// A topic that was made a moment ago is not known to every broker at once.
const CONFIRM_AFTER: Duration = Duration::from_secs(2);

/// The id has come with the first answer, if one came.
const GRACE: Duration = Duration::from_millis(100);

/// The id of the cluster behind `brokers`, when it has all of `topics` with one partition each.
///
/// # Errors
/// [`Error::Unreachable`] when nobody answers within `patience`; [`Error::Source`] with `TOPIC_MISSING` or `PARTITION_COUNT`.
pub fn check(brokers: &str, topics: &[&str], patience: Duration) -> Result<String, Error> {
    let consumer = config::looker(brokers)?;
    let unreachable = |reason: String| Error::Unreachable { brokers: brokers.to_owned(), reason };
    let begun = Instant::now();
    // Who only waits for the cluster's id waits for the client's own clock, which asks once a second: a question about a topic
    // is asked at once, and its answer has the id with it.
    while let (Some(topic), true) = (topics.first(), begun.elapsed() < patience) {
        if consumer.fetch_metadata(Some(topic), patience.saturating_sub(begun.elapsed())).is_ok() {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    // An address that nobody listens at says nothing else.
    let Some(cluster) = consumer.client().fetch_cluster_id(patience.saturating_sub(begun.elapsed()).max(GRACE)) else {
        return Err(unreachable(format!("no answer within {} s", patience.as_secs())));
    };
    for topic in topics {
        let mut wrong_since: Option<Instant> = None;
        loop {
            match look::existence(&consumer, topic) {
                Ok(None) => break,
                Ok(Some(wrong)) if wrong_since.is_some_and(|since| since.elapsed() >= CONFIRM_AFTER) => {
                    return Err(Error::Source(wrong));
                }
                Ok(Some(_)) => {
                    wrong_since.get_or_insert_with(Instant::now);
                }
                Err(error) if begun.elapsed() >= patience => return Err(unreachable(error.to_string())),
                Err(_) => {}
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }
    Ok(cluster)
}
