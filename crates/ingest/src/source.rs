//! The ledger's source. It lives on the ledger's apply thread and is polled there, a message at a time: the client hands
//! out batches only through an interface that is not safe, and a message costs less than its decision.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use faults::Point;
use ledger::{Input, Polled, Source, SourceError};
use rdkafka::Offset;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message, OwnedMessage};
use rdkafka::topic_partition_list::TopicPartitionList;

use crate::codes::{self, stop};
use crate::config::{self, Consumer};
use crate::error::Error;
use crate::look::{self, Anchor, Sight};
use crate::watch::{self, Lags, Watched};

/// Where to begin with a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// Its name.
    pub topic: String,
    /// The next offset wanted, from the ledger; 0 for a ledger that has nothing of it.
    pub position: i64,
    /// A record that the ledger has from it, better a new one than an old one; `None` when it has none.
    pub anchor: Option<Anchor>,
}

/// The topics of a shard, one partition each, from the ledger's positions on.
pub struct KafkaSource {
    /// Absent only while this is made or dropped.
    consumer: Option<Consumer>,
    /// A record that came in doubt: the next one to take.
    held: Option<OwnedMessage>,
    watched: Arc<Watched>,
}

const TAKEN_BY_DROP: &str = "the client is taken away only by drop";

impl KafkaSource {
    /// Looks at every topic and begins to fetch. The order of `starts` is the genesis's.
    ///
    /// # Errors
    /// [`Error::Source`] when a topic is not the one that the ledger has read, or has lost what comes next;
    /// [`Error::Unreachable`] when nobody answers within `patience`.
    pub fn open(brokers: &str, starts: Vec<Start>, patience: Duration) -> Result<Self, Error> {
        let mut wanted = TopicPartitionList::new();
        let refused = |error: KafkaError| Error::Client(error.to_string());
        for start in &starts {
            wanted.add_partition_offset(&start.topic, 0, Offset::Offset(start.position)).map_err(refused)?;
        }
        let watched = watch::start(brokers, starts, patience)?;
        let doubtful = Arc::clone(&watched);
        let mut source = Self { consumer: None, held: None, watched };
        let consumer = config::consumer(brokers, move || doubtful.doubt())?;
        source.consumer.insert(consumer).assign(&wanted).map_err(refused)?;
        Ok(source)
    }

    /// How far behind it is, for others to ask.
    #[must_use]
    pub fn lags(&self) -> Lags {
        Lags(Arc::clone(&self.watched))
    }

    /// Hands one record to the ledger; the position of its topic in the list.
    fn deliver(&self, message: &impl Message, take: &mut dyn FnMut(Input<'_>)) -> Result<usize, SourceError> {
        let name = message.topic();
        let index = self.watched.topics.iter().position(|topic| topic.name == name);
        let source = index.and_then(|index| u16::try_from(index).ok());
        let (Some(index), Some(source)) = (index, source) else {
            let reason = "the client delivers a topic that was not asked for";
            return Err(stop(codes::KAFKA_FATAL, name, reason.to_owned()));
        };
        faults::pass(Point::RecordPolled);
        take(Input {
            source,
            offset: message.offset(),
            arrived_at: look::arrived_at(message),
            key: message.key().unwrap_or_default(),
            raw: message.payload().unwrap_or_default(),
        });
        // Offsets have holes: behind this record comes the next one that there is.
        self.watched.topics[index].position.store(message.offset().saturating_add(1), Ordering::Release);
        Ok(index)
    }

    /// Nothing is taken now. What the client reports while brokers are away is taken out of its queue: each report raises
    /// the doubt anew, and a queue of them would ask for one look after another when the brokers are long back.
    fn wait_in_doubt(&mut self, patience: Duration) -> Result<(), SourceError> {
        if self.held.is_some() {
            std::thread::sleep(patience);
            return Ok(());
        }
        let consumer = self.consumer.as_ref().expect(TAKEN_BY_DROP);
        let mut patience = patience;
        while let Some(polled) = consumer.poll(patience) {
            match polled {
                Ok(message) => {
                    self.held = Some(message.detach());
                    break;
                }
                Err(error) => self.judge(consumer, &error)?,
            }
            patience = Duration::ZERO;
        }
        Ok(())
    }

    /// Whether to go on after an error of the client. What is not known to pass stops the source: some of these errors
    /// mean that the client has left a batch out and goes on behind it.
    fn judge(&self, consumer: &Consumer, error: &KafkaError) -> Result<(), SourceError> {
        use RDKafkaErrorCode as Code;
        if let Some((code, reason)) = consumer.client().fatal_error() {
            return Err(stop(codes::KAFKA_FATAL, "every topic", format!("{code}: {reason}")));
        }
        let KafkaError::MessageConsumption(code) = error else {
            return Err(stop(codes::KAFKA_FATAL, "every topic", error.to_string()));
        };
        match code {
            Code::AutoOffsetReset | Code::OffsetOutOfRange | Code::LogTruncation => {
                Err(self.out_of_range(consumer, *code))
            }
            Code::AllBrokersDown
            | Code::BrokerTransportFailure
            | Code::NetworkException
            | Code::Resolve
            | Code::UnknownPartition
            | Code::UnknownTopic
            | Code::UnknownTopicId
            | Code::UnknownTopicOrPartition => {
                self.watched.doubt();
                Ok(())
            }
            Code::BrokerNotAvailable
            | Code::CoordinatorLoadInProgress
            | Code::CoordinatorNotAvailable
            | Code::FencedLeaderEpoch
            | Code::KafkaStorageError
            | Code::LeaderNotAvailable
            | Code::NotCoordinator
            | Code::NotLeaderForPartition
            | Code::OffsetNotAvailable
            | Code::OperationTimedOut
            | Code::ReplicaNotAvailable
            | Code::RequestTimedOut
            | Code::ThrottlingQuotaExceeded
            | Code::TimedOutQueue
            | Code::UnknownLeaderEpoch
            | Code::WaitingForCoordinator => Ok(()),
            other => Err(stop(codes::KAFKA_FATAL, "every topic", other.to_string())),
        }
    }

    /// The client says that a position is gone and not of which topic: the brokers are asked.
    fn out_of_range(&self, consumer: &Consumer, code: RDKafkaErrorCode) -> SourceError {
        let mut names = Vec::new();
        for topic in &self.watched.topics {
            match look::range(consumer, &topic.name, topic.position.load(Ordering::Acquire)) {
                Ok(Sight::Wrong(wrong)) => return wrong,
                Ok(Sight::Well { .. }) | Err(_) => names.push(topic.name.as_str()),
            }
        }
        let reason = format!("the next record wanted is gone ({code}); the brokers do not say from which topic");
        stop(codes::OFFSET_OUT_OF_RANGE, &names.join(", "), reason)
    }
}

impl Source for KafkaSource {
    fn poll(&mut self, max: usize, patience: Duration, take: &mut dyn FnMut(Input<'_>)) -> Result<Polled, SourceError> {
        if let Some(finding) = self.watched.finding() {
            return Err(finding);
        }
        if self.watched.is_in_doubt() {
            self.wait_in_doubt(patience)?;
            return Ok(Polled::Open);
        }
        let consumer = self.consumer.as_ref().expect(TAKEN_BY_DROP);
        let mut newest: Vec<Option<BorrowedMessage<'_>>> = self.watched.topics.iter().map(|_| None).collect();
        let mut patience = patience;
        if let Some(held) = self.held.take() {
            let source = self.deliver(&held, take)?;
            self.watched.topics[source].taken(Anchor::of(&held));
            patience = Duration::ZERO;
        }
        for _ in 0..max {
            match consumer.poll(patience) {
                None => break,
                // Polling has told of a topic that was replaced: this may be its first record.
                Some(Ok(message)) if self.watched.is_in_doubt() => {
                    self.held = Some(message.detach());
                    break;
                }
                Some(Ok(message)) => {
                    let source = self.deliver(&message, take)?;
                    newest[source] = Some(message);
                }
                Some(Err(error)) => {
                    self.judge(consumer, &error)?;
                    break;
                }
            }
            patience = Duration::ZERO;
        }
        for (topic, message) in self.watched.topics.iter().zip(&newest) {
            if let Some(message) = message {
                topic.taken(Anchor::of(message));
            }
        }
        Ok(Polled::Open)
    }
}

/// Closing a client asks the brokers, who may be away, and whoever stops the ledger does not wait for that: nothing of what
/// was taken depends on it.
impl Drop for KafkaSource {
    fn drop(&mut self) {
        self.watched.stop();
        if let Some(consumer) = self.consumer.take() {
            std::thread::spawn(move || drop(consumer));
        }
    }
}
