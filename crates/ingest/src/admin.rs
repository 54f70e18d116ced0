//! What has to be asked of the brokers besides reading and writing: topics made, and, for tests of what happens then, deleted
//! or robbed of records.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::Duration;

use rdkafka::Offset;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::RDKafkaErrorCode;

use crate::config::{self, Quiet};
use crate::error::Error;

/// What became of one topic: its name, or why not.
type TopicResult = Result<String, (String, RDKafkaErrorCode)>;

/// How long the brokers may take to do what they are asked.
const PATIENCE: Duration = Duration::from_secs(20);

/// Asks the brokers for changes.
pub struct Admin {
    client: AdminClient<Quiet>,
}

impl Admin {
    /// Connects when it is first used.
    ///
    /// # Errors
    /// When the client cannot be made.
    pub fn new(brokers: &str) -> Result<Self, Error> {
        let client = config::client(brokers).create_with_context(Quiet::default());
        Ok(Self { client: client.map_err(|error| Error::Client(error.to_string()))? })
    }

    /// Makes topics of `partitions` partitions with the cluster's own number of copies, whose records no age deletes.
    ///
    /// # Errors
    /// When one of them cannot be made; one that exists is an error too.
    pub fn create(&self, topics: &[&str], partitions: i32) -> Result<(), Error> {
        let new = |topic| NewTopic::new(topic, partitions, TopicReplication::Fixed(-1)).set("retention.ms", "-1");
        let new: Vec<_> = topics.iter().copied().map(new).collect();
        let made = wait(self.client.create_topics(&new, &options()));
        first_error(made).map_err(|reason| Error::Admin { what: "make topics".to_owned(), reason })
    }

    /// Deletes a topic with everything in it.
    ///
    /// # Errors
    /// When it cannot be deleted.
    pub fn delete(&self, topic: &str) -> Result<(), Error> {
        let deleted = wait(self.client.delete_topics(&[topic], &options()));
        first_error(deleted).map_err(|reason| Error::Admin { what: format!("delete {topic}"), reason })
    }

    /// Deletes the records of a topic's only partition before `offset`.
    ///
    /// # Errors
    /// When they cannot be deleted.
    pub fn delete_records_before(&self, topic: &str, offset: i64) -> Result<(), Error> {
        let failed = |error: KafkaError| Error::Admin {
            what: format!("delete records of {topic} before {offset}"),
            reason: error.to_string(),
        };
        let mut before = TopicPartitionList::new();
        before.add_partition_offset(topic, 0, Offset::Offset(offset)).map_err(failed)?;
        let deleted = wait(self.client.delete_records(&before, &options())).map_err(failed)?;
        deleted.elements().iter().try_for_each(|element| element.error()).map_err(failed)
    }
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(PATIENCE)).operation_timeout(Some(PATIENCE))
}

fn first_error(results: Result<Vec<TopicResult>, KafkaError>) -> Result<(), String> {
    let results = results.map_err(|error| error.to_string())?;
    let failed = results.into_iter().find_map(Result::err);
    failed.map_or(Ok(()), |(topic, code)| Err(format!("{topic}: {code}")))
}

/// Wakes the thread that waits.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs one future on this thread. The client's own thread completes it, so no runtime is needed.
fn wait<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}
