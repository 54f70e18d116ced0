//! Records onto their topics: every one acknowledged by all copies, none twice by the client's own retries, each topic in the
//! order in which they were handed over.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use domain::time::Timestamp;
use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext};

use crate::config;
use crate::error::Error;

/// How often it is looked whether records have arrived: a broker takes longer than this for one.
const LOOK_EVERY: Duration = Duration::from_micros(500);

/// What became of the records so far.
#[derive(Default)]
struct Outcome {
    delivered: AtomicU64,
    /// The first record that did not arrive: topic and reason.
    failed: Mutex<Option<(String, String)>>,
}

struct Counting(Arc<Outcome>);

impl ClientContext for Counting {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        config::Quiet::default().log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        config::Quiet::default().error(error, reason);
    }
}

impl ProducerContext for Counting {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        match result {
            Ok(_) => {
                self.0.delivered.fetch_add(1, Ordering::AcqRel);
            }
            Err((error, message)) => {
                let mut failed = self.0.failed.lock().unwrap_or_else(PoisonError::into_inner);
                failed.get_or_insert_with(|| (message.topic().to_owned(), error.to_string()));
            }
        }
    }
}

/// Publishes records.
pub struct Publisher {
    producer: BaseProducer<Counting>,
    outcome: Arc<Outcome>,
}

impl Publisher {
    /// Connects when the first record comes.
    ///
    /// # Errors
    /// When the client cannot be made.
    pub fn new(brokers: &str) -> Result<Self, Error> {
        Self::with(&config::producer(brokers))
    }

    /// As [`Publisher::new`], for records that somebody waits for: none stays a millisecond for others to go with.
    ///
    /// # Errors
    /// When the client cannot be made.
    pub fn prompt(brokers: &str) -> Result<Self, Error> {
        Self::with(config::producer(brokers).set("linger.ms", "1"))
    }

    /// As [`Publisher::new`], for records that follow each other: brokers that are away are waited for without end, and
    /// behind a record that cannot be written none is.
    pub(crate) fn gapless(brokers: &str) -> Result<Self, Error> {
        let mut config = config::producer(brokers);
        config.set("message.timeout.ms", "0").set("enable.gapless.guarantee", "true");
        // How long a topic that is gone is taken for one that is about to come. It was there a moment ago.
        Self::with(config.set("topic.metadata.propagation.max.ms", "2000"))
    }

    fn with(config: &ClientConfig) -> Result<Self, Error> {
        let outcome = Arc::new(Outcome::default());
        let producer = config.create_with_context(Counting(Arc::clone(&outcome)));
        Ok(Self { producer: producer.map_err(|error| Error::Client(error.to_string()))?, outcome })
    }

    /// Hands a record over; it is on its topic when [`Publisher::finish`] has said so. `None`: the time is now.
    ///
    /// # Errors
    /// When the client refuses it, or has failed with an earlier one.
    pub fn send(&self, topic: &str, key: &[u8], value: &[u8], recorded_at: Option<Timestamp>) -> Result<(), Error> {
        self.first_failure()?;
        let mut record: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(topic).key(key).payload(value);
        record.timestamp = recorded_at.map(|time| time.micros().div_euclid(1_000));
        loop {
            match self.producer.send(record) {
                Ok(()) => {
                    self.producer.poll(Duration::ZERO);
                    return Ok(());
                }
                // The queue has a bound; what is in it has to go out first.
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), again)) => {
                    self.producer.poll(Duration::from_millis(100));
                    self.first_failure()?;
                    record = again;
                }
                Err((error, _)) => return Err(Error::Publish { topic: topic.to_owned(), reason: error.to_string() }),
            }
        }
    }

    /// Waits until everything handed over has been acknowledged, and says how many records that are in all.
    ///
    /// # Errors
    /// The first record that did not arrive, or that not all have within `patience`.
    pub fn finish(&self, patience: Duration) -> Result<u64, Error> {
        if self.has_arrived(patience)? {
            return Ok(self.delivered());
        }
        let reason = format!("{} records are not acknowledged after {patience:?}", self.producer.in_flight_count());
        Err(Error::Publish { topic: "all topics".to_owned(), reason })
    }

    /// Waits up to `patience`; whether everything handed over has been acknowledged. The client's own way of waiting takes a
    /// tenth of a second at least, this one as long as the brokers. It sleeps by itself, because the client asks again and
    /// again without a pause in the last millisecond of a time that it is given.
    pub(crate) fn has_arrived(&self, patience: Duration) -> Result<bool, Error> {
        let begun = Instant::now();
        self.producer.poll(Duration::ZERO);
        while self.producer.in_flight_count() > 0 && begun.elapsed() < patience {
            std::thread::sleep(LOOK_EVERY);
            self.producer.poll(Duration::ZERO);
        }
        self.first_failure()?;
        Ok(self.producer.in_flight_count() == 0)
    }

    /// How many records have been acknowledged.
    #[must_use]
    pub fn delivered(&self) -> u64 {
        self.outcome.delivered.load(Ordering::Acquire)
    }

    fn first_failure(&self) -> Result<(), Error> {
        let failed = self.outcome.failed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        failed.map_or(Ok(()), |(topic, reason)| Err(Error::Publish { topic, reason }))
    }
}
