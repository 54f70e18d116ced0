//! Looking at a topic: is it there, is it the same one, does it still have what is wanted next.
//!
//! The id that a broker gives a topic would tell a topic from another one of the same name; the client that is linked here
//! does not show it, and only hints that it has changed (see [`crate::config`]). What is looked at in its place:
//!
//! * the topic has not lost the position: its first record is at or before it, its end is at or behind it;
//! * a record that the ledger took from it, an [`Anchor`], is still there, byte for byte and with its time. A topic
//!   that was made anew and filled past the position fails here, unless it was filled with the same records.
//!
//! An anchor that retention has deleted proves nothing, and nothing is concluded from it.

use std::time::{Duration, Instant};

use domain::time::Timestamp;
use ledger::SourceError;
use rdkafka::Offset;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::topic_partition_list::TopicPartitionList;

use crate::codes::{self, stop};
use crate::config::Consumer;

/// How long one question to a broker may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// A record that the ledger has taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// Where it stands on its topic.
    pub offset: i64,
    /// When it was put there.
    pub arrived_at: Timestamp,
    /// Its value as received.
    pub raw: Vec<u8>,
}

impl Anchor {
    pub(crate) fn of(message: &impl Message) -> Self {
        let raw = message.payload().unwrap_or_default().to_vec();
        Self { offset: message.offset(), arrived_at: arrived_at(message), raw }
    }
}

/// When a record was put onto its topic; a broker counts milliseconds.
pub(crate) fn arrived_at(message: &impl Message) -> Timestamp {
    message
        .timestamp()
        .to_millis()
        .map_or_else(Timestamp::default, |ms| Timestamp::from_micros(ms.saturating_mul(1_000)))
}

/// What a look has shown.
pub(crate) enum Sight {
    /// All is well; the offset that the next record will get.
    Well { end: i64 },
    /// This topic cannot be read on.
    Wrong(SourceError),
}

/// Checks that a topic exists and has one partition.
///
/// # Errors
/// When no broker answers.
pub(crate) fn existence(consumer: &Consumer, topic: &str) -> Result<Option<SourceError>, KafkaError> {
    use RDKafkaErrorCode as Code;
    let metadata = consumer.fetch_metadata(Some(topic), PATIENCE)?;
    let found = metadata.topics().iter().find(|found| found.name() == topic);
    let error = found.and_then(|found| found.error()).map(RDKafkaErrorCode::from);
    let partitions = found.map_or(0, |found| found.partitions().len());
    match (error, partitions) {
        (Some(Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::InvalidTopic), _) | (None, 0) => {
            Ok(Some(stop(codes::TOPIC_MISSING, topic, "the cluster has no such topic".to_owned())))
        }
        (Some(other), _) => Err(KafkaError::MetadataFetch(other)),
        (None, 1) => Ok(None),
        (None, count) => {
            let reason = format!("the topic has {count} partitions, a shard reads topics of 1");
            Ok(Some(stop(codes::PARTITION_COUNT, topic, reason)))
        }
    }
}

/// Checks that a topic exists and still has `position`.
///
/// # Errors
/// When no broker answers.
pub(crate) fn range(consumer: &Consumer, topic: &str, position: i64) -> Result<Sight, KafkaError> {
    if let Some(wrong) = existence(consumer, topic)? {
        return Ok(Sight::Wrong(wrong));
    }
    let (begin, end) = consumer.fetch_watermarks(topic, 0, PATIENCE)?;
    Ok(if position < begin {
        let reason = format!("the next record wanted is {position}, the topic begins at {begin}");
        Sight::Wrong(stop(codes::OFFSET_OUT_OF_RANGE, topic, reason))
    } else if position > end {
        let reason = format!("the next record wanted is {position}, the topic ends at {end}");
        Sight::Wrong(stop(codes::TOPIC_RECREATED, topic, reason))
    } else {
        Sight::Well { end }
    })
}

/// Checks that a topic still has a record that was taken from it.
///
/// # Errors
/// When no broker answers.
pub(crate) fn identity(consumer: &Consumer, topic: &str, anchor: &Anchor) -> Result<Option<SourceError>, KafkaError> {
    let (begin, _) = consumer.fetch_watermarks(topic, 0, PATIENCE)?;
    if anchor.offset < begin {
        return Ok(None);
    }
    let found = record_at(consumer, topic, anchor.offset)?;
    let difference = match found {
        Some(found) if found == *anchor => return Ok(None),
        Some(found) if found.offset == anchor.offset => "holds another record than the ledger has from there",
        _ => "holds no record, the ledger has one from there",
    };
    Ok(Some(stop(codes::TOPIC_RECREATED, topic, format!("offset {} {difference}", anchor.offset))))
}

/// The value of a topic's last record; `None` when it has none. The offsets at its end may belong to no record, so the search
/// begins close to the end and goes back further each time.
///
/// # Errors
/// When no broker answers.
pub(crate) fn last_record(consumer: &Consumer, topic: &str) -> Result<Option<Vec<u8>>, KafkaError> {
    let (begin, end) = consumer.fetch_watermarks(topic, 0, PATIENCE)?;
    let mut back = 1;
    loop {
        let from = end.saturating_sub(back).max(begin);
        let mut last = None;
        let mut next = from;
        while next < end
            && let Some(found) = record_at(consumer, topic, next)?
        {
            next = found.offset.saturating_add(1);
            last = Some(found.raw);
        }
        if last.is_some() || from == begin {
            return Ok(last);
        }
        back = back.saturating_mul(16);
    }
}

/// The first record at or behind an offset; `None` when there is none.
fn record_at(consumer: &Consumer, topic: &str, offset: i64) -> Result<Option<Anchor>, KafkaError> {
    let mut wanted = TopicPartitionList::new();
    wanted.add_partition_offset(topic, 0, Offset::Offset(offset))?;
    consumer.assign(&wanted)?;
    let begun = Instant::now();
    let mut found = Err(KafkaError::MetadataFetch(RDKafkaErrorCode::OperationTimedOut));
    while begun.elapsed() < PATIENCE {
        match consumer.poll(Duration::from_millis(100)) {
            // What is left of an earlier question is of another topic, or of this one and lower.
            Some(Ok(message)) if message.topic() == topic && message.offset() >= offset => {
                found = Ok(Some(Anchor::of(&message)));
                break;
            }
            Some(Err(KafkaError::PartitionEOF(_))) => {
                found = Ok(None);
                break;
            }
            Some(Err(KafkaError::MessageConsumption(RDKafkaErrorCode::AutoOffsetReset))) => {
                found = Ok(None);
                break;
            }
            Some(Ok(_) | Err(_)) | None => {}
        }
    }
    consumer.unassign()?;
    found
}
