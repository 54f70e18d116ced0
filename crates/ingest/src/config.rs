//! How the clients are set up. Every setting that decides what is read, or how fast, stands here with its reason.

use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, ConsumerContext};
use rdkafka::error::KafkaError;

use crate::error::Error;

/// Passes what the client says to the log, as detail: a broker that is away would repeat itself several times a second.
/// What a person has to know is said by whoever uses the client, once.
#[derive(Default)]
pub(crate) struct Quiet {
    /// Called when a topic that is read has become another one of its name.
    on_topic_replaced: Option<Box<dyn Fn() + Send + Sync>>,
}

impl ClientContext for Quiet {
    fn log(&self, _: RDKafkaLogLevel, facility: &str, message: &str) {
        if let Some(tell) = &self.on_topic_replaced
            && tells_of_another_topic(message)
        {
            tell();
        }
        tracing::debug!(facility, message, "kafka client");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "kafka client");
    }
}

impl ConsumerContext for Quiet {}

/// The client follows a topic's name from one id to the next without a word but this, said before it fetches from the new
/// one. An id of zeros is none: that is how the client first meets a topic.
fn tells_of_another_topic(message: &str) -> bool {
    message.split_once(" changed id from ").is_some_and(|(_, ids)| !ids.starts_with("AAAAAAAAAAAAAAAAAAAAAA"))
}

pub(crate) type Consumer = BaseConsumer<Quiet>;

/// What every client has in common.
pub(crate) fn client(brokers: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", brokers)
        .set("client.id", "hutong")
        .set("socket.keepalive.enable", "true")
        // Ten seconds, the default, is long to notice that a broker is back.
        .set("reconnect.backoff.max.ms", "1000")
        .set("topic.metadata.refresh.interval.ms", "10000");
    config
}

/// A client that writes: every record acknowledged by all copies, none twice by its own retries. After a broker's sudden death
/// that holds for records of today only: a broker forgets a producer whose last record is more than a day old by its own time,
/// and a past day may then stand twice in places. The ledger answers the second one as a duplicate.
pub(crate) fn producer(brokers: &str) -> ClientConfig {
    let mut config = client(brokers);
    config
        .set("acks", "all")
        .set("enable.idempotence", "true")
        // As the Java client does it and this one does not by itself: a key has the same partition for every producer.
        .set("partitioner", "murmur2_random")
        .set("linger.ms", "5");
    config
}

/// A client that reads from positions it is given and from no others.
fn reader(brokers: &str) -> ClientConfig {
    let mut config = client(brokers);
    config
        .set("group.id", "hutong")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        // A position that is gone is an error. Any other setting leaves records out, or reads them twice, and says nothing.
        .set("auto.offset.reset", "error")
        .set("isolation.level", "read_committed")
        .set("check.crcs", "true");
    config
}

/// The ledger's reader. With the client's own settings a partition whose queue is full is not fetched again for up to a
/// second, and reading is four times slower; these are the best of the rows that were measured. `on_topic_replaced` is called
/// on the thread that polls, before a record of the new topic is handed out.
pub(crate) fn consumer(brokers: &str, on_topic_replaced: impl Fn() + Send + Sync + 'static) -> Result<Consumer, Error> {
    let mut config = reader(brokers);
    config
        .set("fetch.message.max.bytes", "4194304")
        .set("queued.min.messages", "200000")
        .set("queued.max.messages.kbytes", "65536")
        .set("fetch.queue.backoff.ms", "1")
        // A broker answers at once when there is something; the one in this process only when the wait is over.
        .set("fetch.wait.max.ms", "20")
        // A few lines with every refresh of the metadata, where the client says that a topic has another id.
        .set("debug", "metadata")
        .set_log_level(RDKafkaLogLevel::Debug);
    create_with(&config, Quiet { on_topic_replaced: Some(Box::new(on_topic_replaced)) })
}

/// A reader of a topic of few records, each of which somebody waits for.
pub(crate) fn follower(brokers: &str) -> Result<Consumer, Error> {
    create(reader(brokers).set("fetch.wait.max.ms", "50").set("fetch.queue.backoff.ms", "1"))
}

/// A reader of single records, which is told when there is none.
pub(crate) fn looker(brokers: &str) -> Result<Consumer, Error> {
    let mut config = reader(brokers);
    config
        .set("enable.partition.eof", "true")
        .set("fetch.message.max.bytes", "65536")
        .set("queued.min.messages", "1")
        .set("fetch.wait.max.ms", "50");
    create(&config)
}

fn create(config: &ClientConfig) -> Result<Consumer, Error> {
    create_with(config, Quiet::default())
}

fn create_with(config: &ClientConfig, context: Quiet) -> Result<Consumer, Error> {
    config.create_with_context(context).map_err(|error| Error::Client(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_that_is_met_for_the_first_time_is_no_other_one() {
        let changed =
            |from: &str| format!("[thrd:main]: Topic payments.alipay changed id from {from} to 7nl9HbHtQVKLJUyKFMhCsA");
        assert!(!tells_of_another_topic(&changed("AAAAAAAAAAAAAAAAAAAAAA")));
        assert!(tells_of_another_topic(&changed("pTbLSV0wTnmZ0eFCBhmAZQ")));
        assert!(!tells_of_another_topic("Topic payments.alipay [0] Leader 1 Epoch 0"));
    }
}
