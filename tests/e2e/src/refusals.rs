//! What was refused, as the log has it and as the topic tells it.

use std::path::Path;

use domain::ids::Sequence;
use ingest::REJECTED;
use store::Store;
use store::entry::Entry;
use wire::event::v1::Rejection;

use crate::{open, records};

/// One refusal: sequence, code, topic and offset of what was refused, and when it had arrived, in microseconds.
pub type Told = (u64, String, String, i64, i64);

/// What the log in a directory says was refused of the networks' records, in order.
///
/// # Panics
/// When it cannot be read.
#[must_use]
pub fn refused(directory: &Path) -> Vec<Told> {
    let store = open(directory);
    let sources = &store.genesis().sources;
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

/// Every record on the topic of what was refused: its key and what it says.
///
/// # Panics
/// When one of them is no rejection.
#[must_use]
pub fn rejections(brokers: &str) -> Vec<(Vec<u8>, Rejection)> {
    let read = |(key, value): (Vec<u8>, Vec<u8>)| (key, wire::rejection::decode(&value).expect("a rejection"));
    records(brokers, REJECTED).into_iter().map(read).collect()
}

/// What rejections say, each once: a killed service may have left some of them twice.
///
/// # Panics
/// When a repeated one says something else.
#[must_use]
pub fn told<'a>(rejections: impl IntoIterator<Item = &'a Rejection>) -> Vec<Told> {
    let mut first: Vec<Told> = Vec::new();
    for rejection in rejections {
        let source = rejection.source.clone().expect("always set");
        let code = rejection.code.clone();
        let told = (rejection.sequence, code, source.topic, source.offset, rejection.recorded_at_micros);
        match first.last() {
            Some((sequence, ..)) if told.0 <= *sequence => assert!(first.contains(&told), "repeated with other words"),
            _ => first.push(told),
        }
    }
    first
}
