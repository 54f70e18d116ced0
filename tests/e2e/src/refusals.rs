//! What the log says of refusals, beside what `payments.rejected` says of them.

use std::path::Path;

use domain::ids::Sequence;
use ingest::REJECTED;
use store::Store;
use store::entry::Entry;
use wire::event::v1::Rejection;

use crate::{open, records};

/// Sequence, code, topic, offset, and when it was put there in microseconds.
type Told = (u64, String, String, i64, i64);

/// Compares the topic with the log of a service that has stopped: complete, in order, and what is repeated is repeated
/// word for word. Returns how many refusals there are.
///
/// # Panics
/// When one of them is not so.
#[must_use]
pub fn every_refusal_is_told(brokers: &str, data: &Path) -> usize {
    let (expected, sent) = (in_the_log(data), records(brokers, REJECTED));
    let mut first: Vec<Told> = Vec::new();
    for (_, value) in &sent {
        let told = told(wire::rejection::decode(value).expect("a rejection"));
        match first.last() {
            Some((sequence, ..)) if told.0 <= *sequence => assert!(first.contains(&told), "{told:?} is told otherwise"),
            _ => first.push(told),
        }
    }
    assert_eq!(first, expected);
    expected.len()
}

fn in_the_log(data: &Path) -> Vec<Told> {
    let store = open(data);
    let topics: Vec<_> = store.genesis().sources.iter().map(|source| source.topic.clone()).collect();
    let mut refused = Vec::new();
    for block in store.blocks(Sequence(1)) {
        for entry in block.expect("a block").entries() {
            let (sequence, entry) = entry.expect("readable");
            let topic = topics.get(usize::from(entry.source)).filter(|topic| topic.starts_with("payments."));
            if let (Some(code), Some(topic)) = (code(&entry), topic) {
                refused.push((sequence.0, code, topic.clone(), entry.offset, entry.arrived_at.micros()));
            }
        }
    }
    refused
}

fn code(entry: &Entry<'_>) -> Option<String> {
    let rejected = entry.answer.rejection().map(|code| code.name().to_owned());
    rejected.or_else(|| entry.answer.quarantine().map(|code| code.name().to_owned()))
}

fn told(rejection: Rejection) -> Told {
    let source = rejection.source.expect("always set");
    (rejection.sequence, rejection.code, source.topic, source.offset, rejection.recorded_at_micros)
}
