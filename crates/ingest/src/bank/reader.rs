//! The topic from its beginning, and the bank's answers on it.

use std::time::Duration;

use faults::Point;
use rdkafka::Offset;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::topic_partition_list::TopicPartitionList;
use wire::bank::v1::SettlementConfirmation;
use wire::bank::{self, v1::bank_record::Record};

use super::worker::{self, Worker};
use crate::cluster;
use crate::config::{self, Consumer};
use crate::error::Error;
use crate::publish::Publisher;

/// How long brokers may take to show the topic.
const CHECK_WITHIN: Duration = Duration::from_secs(5);
/// How long a record is waited for before a stop is looked for.
const PATIENCE: Duration = Duration::from_millis(100);
/// How long brokers may take to acknowledge a command.
const TELL_WITHIN: Duration = Duration::from_secs(30);

/// Every record of the topic, from its beginning on.
pub(super) struct Reader(Consumer);

impl Reader {
    pub(super) fn open(brokers: &str) -> Result<Self, Error> {
        cluster::check(brokers, &[bank::TOPIC], CHECK_WITHIN)?;
        let consumer = config::follower(brokers)?;
        let mut all = TopicPartitionList::new();
        let refused = |error: KafkaError| Error::Client(error.to_string());
        all.add_partition_offset(bank::TOPIC, 0, Offset::Beginning).map_err(refused)?;
        consumer.assign(&all).map_err(refused)?;
        Ok(Self(consumer))
    }

    /// The next record that can be read. Others are said and passed over: nobody could answer them.
    ///
    /// # Errors
    /// When the topic has to be read from its beginning again, with another reader.
    pub(super) fn next(&self, patience: Duration) -> Result<Option<Record>, Error> {
        match self.0.poll(patience) {
            Some(Ok(message)) => {
                let decoded = bank::decode(message.payload().unwrap_or_default());
                if !matches!(decoded, Ok(Some(_))) {
                    tracing::warn!(topic = bank::TOPIC, offset = message.offset(), "no record of the bank's or ours");
                }
                Ok(decoded.ok().flatten())
            }
            Some(Err(KafkaError::MessageConsumption(RDKafkaErrorCode::AutoOffsetReset))) => {
                Err(Error::Client(format!("records of {} are gone", bank::TOPIC)))
            }
            // Brokers that are away: the client goes on by itself.
            Some(Err(_)) | None => Ok(None),
        }
    }
}

/// Hands every answer on the topic to `take`, in order, from the beginning. One that `take` fails on comes again.
///
/// # Errors
/// When there is no thread for it.
pub fn read_answers(
    brokers: &str,
    mut take: impl FnMut(&SettlementConfirmation) -> Result<(), Error> + Send + 'static,
) -> Result<Worker, Error> {
    let brokers = brokers.to_owned();
    worker::start("hutong-answers", move |stop| {
        let reader = Reader::open(&brokers)?;
        while !stop.is_asked() {
            if let Some(Record::Confirmation(answer)) = reader.next(PATIENCE)? {
                take(&answer)?;
            }
        }
        Ok(())
    })
}

/// For [`read_answers`]: puts every final answer onto `control` as the command that [`wire::bank::command`] makes of it.
///
/// # Errors
/// When the client cannot be made.
pub fn tell_ledger(
    brokers: &str,
    control: &str,
) -> Result<impl FnMut(&SettlementConfirmation) -> Result<(), Error> + Send + 'static + use<>, Error> {
    let (brokers, control) = (brokers.to_owned(), control.to_owned());
    let mut publisher = Some(Publisher::new(&brokers)?);
    Ok(move |answer: &SettlementConfirmation| {
        let Some((key, value)) = bank::command(answer) else { return Ok(()) };
        faults::pass(Point::AnswerRead);
        // A client that has failed with one record takes no other.
        let client = match publisher.take() {
            Some(client) => client,
            None => Publisher::new(&brokers)?,
        };
        client.send(&control, &key, &value, None)?;
        client.finish(TELL_WITHIN)?;
        faults::pass(Point::AnswerTold);
        publisher = Some(client);
        Ok(())
    })
}
