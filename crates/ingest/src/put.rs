//! One record at a time, with the offset that it got: for whoever waits for what becomes of it. Many threads may put at once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, ProducerContext};

use crate::config;
use crate::error::Error;

/// The client hands over what it was told when it is polled.
const POLL: Duration = Duration::from_millis(5);

/// What the brokers said about each record that somebody waits for, by ticket.
type Told = Mutex<BTreeMap<usize, Result<i64, String>>>;

struct Telling(Arc<Told>);

impl ClientContext for Telling {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        config::Quiet::default().log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        config::Quiet::default().error(error, reason);
    }
}

impl ProducerContext for Telling {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, ticket: usize) {
        let told = match result {
            Ok(message) => Ok(message.offset()),
            Err((error, _)) => Err(error.to_string()),
        };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(ticket, told);
    }
}

/// Puts records onto one topic.
pub struct Putter {
    producer: BaseProducer<Telling>,
    topic: String,
    told: Arc<Told>,
    tickets: AtomicUsize,
}

impl std::fmt::Debug for Putter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Putter").field("topic", &self.topic).finish_non_exhaustive()
    }
}

impl Putter {
    /// Connects when the first record comes.
    ///
    /// # Errors
    /// When the client cannot be made.
    pub fn new(brokers: &str, topic: &str) -> Result<Self, Error> {
        let told = Arc::new(Told::default());
        let producer = config::producer(brokers).create_with_context(Telling(Arc::clone(&told)));
        let producer = producer.map_err(|error| Error::Client(error.to_string()))?;
        Ok(Self { producer, topic: topic.to_owned(), told, tickets: AtomicUsize::new(1) })
    }

    /// Puts a record and returns its offset when all copies have it.
    ///
    /// # Errors
    /// When that is not known within `patience`; the record may be there all the same.
    pub fn put(&self, key: &[u8], value: &[u8], patience: Duration) -> Result<i64, Error> {
        let failed = |reason: String| Error::Publish { topic: self.topic.clone(), reason };
        let ticket = self.tickets.fetch_add(1, Ordering::Relaxed);
        let record = BaseRecord::with_opaque_to(&self.topic, ticket).key(key).payload(value);
        self.producer.send(record).map_err(|(error, _)| failed(error.to_string()))?;
        let begun = Instant::now();
        loop {
            self.producer.poll(POLL);
            let told = self.told.lock().unwrap_or_else(PoisonError::into_inner).remove(&ticket);
            match told {
                Some(told) => return told.map_err(failed),
                None if begun.elapsed() >= patience => {
                    return Err(failed("no broker has acknowledged it in time".to_owned()));
                }
                None => {}
            }
        }
    }
}
