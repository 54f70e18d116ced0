//! A broker inside this process, so that a demonstration needs none outside: the client library's pretended cluster. It
//! speaks the real protocol over a local port, and everything else here works with it unchanged, but for what it lacks:
//!
//! * It keeps about 5 MiB of a topic and drops the oldest records then: publish through [`Paced`].
//! * Nothing outlives it. Every start is another [`LocalBroker::incarnation`] of its topics, whose offsets begin at 0.
//! * Its own cluster id is another one at every start: a genesis takes [`LocalBroker::CLUSTER`] in its place.
//! * It hides no records of a transaction that was aborted; nothing here writes in transactions.
//! * [`crate::Admin`] cannot make or delete topics on it; they are made with it. Publishing to any other name
//!   makes a topic of four partitions, which nothing here reads.

use std::hash::{BuildHasher, RandomState};
use std::sync::mpsc::{Sender, channel, sync_channel};
use std::time::{Duration, Instant};

use domain::time::Timestamp;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaResult;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;

use crate::config::{self, Consumer};
use crate::error::Error;
use crate::publish::Publisher;
use crate::watch::Lags;

type Cluster = MockCluster<'static, DefaultProducerContext>;

/// See the module. Dropping it ends it, with everything on its topics.
pub struct LocalBroker {
    bootstrap: String,
    incarnation: [u8; 16],
    /// The cluster lives on the thread that made it, for as long as this can be sent to.
    _alive: Sender<()>,
}

impl LocalBroker {
    /// What a genesis calls the cluster.
    pub const CLUSTER: &str = "in-process";

    /// Starts it on a free local port, with these topics of one partition each.
    ///
    /// # Errors
    /// When there is no port or no thread for it, or a topic cannot be made.
    pub fn start(topics: &[&str]) -> Result<Self, Error> {
        let topics: Vec<String> = topics.iter().map(|&topic| topic.to_owned()).collect();
        let (tell, told) = sync_channel(1);
        let (alive, ended) = channel::<()>();
        let thread = std::thread::Builder::new().name("hutong-broker".to_owned());
        let run = move || match cluster(&topics) {
            Ok(cluster) => {
                let _ = tell.send(Ok(cluster.bootstrap_servers()));
                let _ = ended.recv();
            }
            Err(error) => {
                let _ = tell.send(Err(Error::Local(error.to_string())));
            }
        };
        thread.spawn(run).map_err(Error::Thread)?;
        let bootstrap = told.recv().unwrap_or_else(|_| Err(Error::Local("its thread ended".to_owned())))?;
        Ok(Self { bootstrap, incarnation: incarnation(), _alive: alive })
    }

    /// Where clients begin, as they are given it.
    #[must_use]
    pub fn bootstrap(&self) -> String {
        self.bootstrap.clone()
    }

    /// Stands for the topic ids of this start: random, and of no start before.
    #[must_use]
    pub const fn incarnation(&self) -> [u8; 16] {
        self.incarnation
    }
}

fn cluster(topics: &[String]) -> KafkaResult<Cluster> {
    let cluster = Cluster::new(1)?;
    topics.iter().try_for_each(|topic| cluster.create_topic(topic, 1, 1))?;
    Ok(cluster)
}

/// From the random keys that every hash table of the standard library begins with.
fn incarnation() -> [u8; 16] {
    let keys = RandomState::new();
    let half = |number: u64| u128::from(keys.hash_one(number));
    (half(1) << 64 | half(2)).to_be_bytes()
}

/// Publishes no further ahead of the ledger than a [`LocalBroker`] can keep.
pub struct Paced {
    publisher: Publisher,
    ends: Consumer,
    lags: Lags,
    patience: Duration,
    ahead_bytes: usize,
}

impl Paced {
    /// All topics together may be so far ahead: less than half of what is kept of one, and all of them may be the same one.
    const AHEAD_BYTES_MAX: usize = 2 << 20;
    /// What the broker keeps of a record beside key and value, at most.
    const RECORD_BYTES: usize = 100;

    /// `lags` are those of the source that takes the records; it may take `patience` for what is ahead of it.
    ///
    /// # Errors
    /// When a client cannot be made.
    pub fn new(brokers: &str, lags: Lags, patience: Duration) -> Result<Self, Error> {
        let (publisher, ends) = (Publisher::new(brokers)?, config::looker(brokers)?);
        Ok(Self { publisher, ends, lags, patience, ahead_bytes: 0 })
    }

    /// As [`Publisher::send`], waiting for the source when it is too far behind.
    ///
    /// # Errors
    /// Those of [`Publisher::send`] and [`Paced::taken`].
    pub fn send(&mut self, topic: &str, key: &[u8], value: &[u8], recorded_at: Option<Timestamp>) -> Result<(), Error> {
        let bytes = key.len() + value.len() + Self::RECORD_BYTES;
        if self.ahead_bytes + bytes > Self::AHEAD_BYTES_MAX {
            self.taken()?;
        }
        self.ahead_bytes += bytes;
        self.publisher.send(topic, key, value, recorded_at)
    }

    /// Waits until the source has taken everything that is on its topics, whoever put it there.
    ///
    /// # Errors
    /// When a record did not arrive, or the source takes longer than it may or is gone.
    pub fn taken(&mut self) -> Result<(), Error> {
        self.publisher.finish(self.patience)?;
        let begun = Instant::now();
        for (index, lag) in self.lags.now().iter().enumerate() {
            let failed = |reason: String| Error::Publish { topic: lag.topic.clone(), reason };
            let ends = self.ends.fetch_watermarks(&lag.topic, 0, self.patience);
            let (_, end) = ends.map_err(|error| failed(error.to_string()))?;
            while self.lags.position(index) < end {
                if self.lags.are_over() {
                    return Err(failed("the ledger has stopped".to_owned()));
                }
                if begun.elapsed() > self.patience {
                    return Err(failed(format!("the ledger has not taken what stands before offset {end}")));
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        self.ahead_bytes = 0;
        Ok(())
    }
}
