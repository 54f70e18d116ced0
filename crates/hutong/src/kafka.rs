//! What verbs that speak to Kafka share: how a failure ends the program, and where a ledger goes on reading.

use std::io::Write;
use std::time::Duration;

use anyhow::anyhow;
use ingest::{Anchor, Start};
use ledger::{EntryKind, Handle, LoggedEntry, SourceError};

use crate::data;
use crate::exit::Exit;

/// How long brokers may take to answer at the start.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// The id of the cluster, when it has every topic that the service reads or writes.
pub(crate) fn check(brokers: &str) -> Result<String, ingest::Error> {
    let mut topics = data::TOPICS.to_vec();
    topics.push(ingest::REJECTED);
    ingest::check(brokers, &topics, PATIENCE)
}

/// So many entries at each end of the log are searched for one of every topic: a few megabytes, and a network that has been
/// silent for longer is found at the beginning.
const ANCHOR_ENTRIES_MAX: usize = 16_384;

/// Where every topic is to be read from, each with a record by which it is recognised.
pub(crate) fn starts(handle: &Handle, positions: &[i64]) -> anyhow::Result<Vec<Start>> {
    let end = handle.snapshot().sequence.0;
    let mut anchors: Vec<Option<Anchor>> = positions.iter().map(|_| None).collect();
    let newest_from = end.saturating_sub(ANCHOR_ENTRIES_MAX as u64 - 1).max(1);
    for from in [newest_from, 1] {
        if anchors.iter().zip(positions).all(|(anchor, position)| anchor.is_some() || *position == 0) {
            break;
        }
        for entry in handle.entries(domain::ids::Sequence(from), ANCHOR_ENTRIES_MAX)?.into_iter().rev() {
            if let Some(anchor @ None) = anchors.get_mut(usize::from(entry.source))
                && holds_its_record(&entry)
            {
                *anchor = Some(Anchor { offset: entry.offset, arrived_at: entry.arrived_at, raw: entry.raw });
            }
        }
    }
    let start = |((topic, position), anchor): ((&str, &i64), Option<Anchor>)| {
        if anchor.is_none() && *position > 0 {
            tracing::warn!(topic, "no recent record of this topic to recognise it by");
        }
        Start { topic: topic.to_owned(), position: *position, anchor }
    };
    Ok(data::TOPICS.into_iter().zip(positions).zip(anchors).map(start).collect())
}

/// A duplicate's content is kept once, with the first of its id.
fn holds_its_record(entry: &LoggedEntry) -> bool {
    entry.kind != EntryKind::Internal && entry.duplicate_of.is_none() && !entry.raw.is_empty()
}

/// The end of a program that Kafka has failed.
pub(crate) fn failed(error: ingest::Error, log: &mut impl Write) -> anyhow::Result<Exit> {
    match error {
        ingest::Error::Unreachable { .. } => {
            writeln!(log, "hutong: {error}")?;
            Ok(Exit::Unavailable)
        }
        ingest::Error::Source(error) => Err(with_code(&error)),
        other => Err(other.into()),
    }
}

/// An error with its code and where to read on.
pub(crate) fn with_code(error: &SourceError) -> anyhow::Error {
    let code = error.code;
    anyhow!("{error}").context(format!("stopped with {code} (deploy/runbooks/{code}.md)"))
}
