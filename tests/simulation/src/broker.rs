//! A broker with one partition a topic, as a consumer that reads committed records sees it. Offsets rise and have holes:
//! control records and aborted transactions take some, and of a transaction nothing is seen, nor of what lies behind it,
//! until it has ended. A topic may lose its beginning, or be made anew under its name; whoever reads on then is stopped with a
//! code, as the real source stops it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::time::Timestamp;
use ledger::{Input, Polled, Source, SourceError};

use crate::random::Random;

/// One record of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Where it stands.
    pub offset: i64,
    /// When it was put there.
    pub arrived_at: Timestamp,
    /// Its key.
    pub key: Vec<u8>,
    /// Its value.
    pub raw: Vec<u8>,
}

/// What the transaction of a record has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Committed,
    Open,
    Aborted,
}

/// What can happen to a whole topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Loss {
    /// Retention has taken what comes next.
    Beginning,
    /// It was made anew and is shorter than what was read of it.
    Recreated,
    /// It was made anew and filled with other records.
    Replaced,
}

impl Loss {
    /// Every loss.
    pub const ALL: [Self; 3] = [Self::Beginning, Self::Recreated, Self::Replaced];

    /// The code that whoever reads on is stopped with.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Beginning => "OFFSET_OUT_OF_RANGE",
            Self::Recreated | Self::Replaced => "TOPIC_RECREATED",
        }
    }

    /// Its name in the table of what was hit.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Beginning => "topic truncated",
            Self::Recreated => "topic recreated, shorter",
            Self::Replaced => "topic recreated, other records",
        }
    }
}

#[derive(Default)]
struct Topic {
    log: Vec<(Record, Fate)>,
    next_offset: i64,
    /// Where in the log the open transaction begins.
    transaction: Option<usize>,
}

impl Topic {
    /// How much of the log a consumer may see.
    fn stable(&self) -> usize {
        self.transaction.unwrap_or(self.log.len())
    }

    fn committed(&self, from: usize, offset: i64) -> Option<usize> {
        let stable = self.stable();
        (from..stable).find(|at| self.log[*at].1 == Fate::Committed && self.log[*at].0.offset >= offset)
    }
}

struct Cluster {
    topics: Vec<Topic>,
    names: Vec<String>,
    now: i64,
    random: Random,
    lost: Option<(usize, Loss)>,
}

/// A broker; a clone is the same one.
#[derive(Clone)]
pub struct Broker(Arc<Mutex<Cluster>>);

impl Broker {
    /// Empty topics of these names; the first record arrives at `now`.
    #[must_use]
    pub fn new(names: &[&str], now: Timestamp, random: Random) -> Self {
        let topics = names.iter().map(|_| Topic::default()).collect();
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        Self(Arc::new(Mutex::new(Cluster { topics, names, now: now.micros(), random, lost: None })))
    }

    fn cluster(&self) -> MutexGuard<'_, Cluster> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What time it is there.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.cluster().now)
    }

    /// Puts a record behind the others. Records of an open transaction belong to it.
    pub fn append(&self, topic: usize, key: Vec<u8>, raw: Vec<u8>) {
        let mut cluster = self.cluster();
        let cluster = &mut *cluster;
        cluster.now += cluster.random.between(1, 2_000_000);
        let arrived_at = Timestamp::from_micros(cluster.now - cluster.random.between(0, 3_000));
        let gap = if cluster.random.one_in(12) { cluster.random.between(1, 40) } else { 0 };
        let topic = &mut cluster.topics[topic];
        let offset = topic.next_offset + gap;
        topic.next_offset = offset + 1;
        let fate = if topic.transaction.is_some() { Fate::Open } else { Fate::Committed };
        topic.log.push((Record { offset, arrived_at, key, raw }, fate));
    }

    /// Begins a transaction on a topic, unless one is open there.
    pub fn begin(&self, topic: usize) {
        let topic = &mut self.cluster().topics[topic];
        topic.transaction.get_or_insert(topic.log.len());
    }

    /// Ends it with a control record. Returns how many records it had; `None` without one.
    pub fn end(&self, topic: usize, is_committed: bool) -> Option<usize> {
        let topic = &mut self.cluster().topics[topic];
        let begin = topic.transaction.take()?;
        topic.next_offset += 1;
        for (_, fate) in &mut topic.log[begin..] {
            *fate = if is_committed { Fate::Committed } else { Fate::Aborted };
        }
        Some(topic.log.len() - begin)
    }

    /// Lets this happen to a topic, until it is [`Broker::restore`]d.
    pub fn lose(&self, topic: usize, loss: Loss) {
        self.cluster().lost = Some((topic, loss));
    }

    /// The topics are as they were again. Returns what had happened.
    pub fn restore(&self) -> Option<Loss> {
        self.cluster().lost.take().map(|(_, loss)| loss)
    }

    /// The committed record at or behind place `from` of a topic's log, and its place.
    #[must_use]
    pub fn committed(&self, topic: usize, from: usize) -> Option<(usize, Record)> {
        let cluster = self.cluster();
        let at = cluster.topics[topic].committed(from, 0)?;
        Some((at, cluster.topics[topic].log[at].0.clone()))
    }

    /// A consumer of every topic, from `positions` on.
    #[must_use]
    pub fn consumer(&self, positions: &[i64], random: Random) -> Consumer {
        let places = vec![0; positions.len()];
        Consumer { broker: self.clone(), positions: positions.to_vec(), places, random, redelivered: Arc::default() }
    }
}

impl Cluster {
    /// What stops whoever reads on.
    fn check(&self) -> Result<(), SourceError> {
        let Some((topic, loss)) = self.lost else { return Ok(()) };
        let reason = loss.name().to_owned();
        Err(SourceError { source_name: self.names[topic].clone(), reason, code: loss.code() })
    }
}

/// Reads every topic in bursts, in an order of its own. Sometimes it has nothing, sometimes it hands out again what it had
/// handed out before, as a client does that was sent back.
pub struct Consumer {
    broker: Broker,
    positions: Vec<i64>,
    /// Where in the log to look on: nothing before can be wanted.
    places: Vec<usize>,
    random: Random,
    redelivered: Arc<Mutex<u64>>,
}

impl Consumer {
    /// How many records were handed out again, to be asked later.
    #[must_use]
    pub fn redelivered(&self) -> Arc<Mutex<u64>> {
        Arc::clone(&self.redelivered)
    }

    fn again(&mut self, cluster: &Cluster, topic: usize, take: &mut dyn FnMut(Input<'_>)) {
        let known = &cluster.topics[topic].log[..self.places[topic]];
        let known: Vec<_> = known.iter().filter(|(_, fate)| *fate == Fate::Committed).collect();
        if known.is_empty() {
            return;
        }
        let begin = self.random.index(known.len());
        for (record, _) in &known[begin..known.len().min(begin + 3)] {
            *self.redelivered.lock().unwrap_or_else(PoisonError::into_inner) += 1;
            take(input(topic, record));
        }
    }

    fn burst(&mut self, cluster: &Cluster, topic: usize, max: usize, take: &mut dyn FnMut(Input<'_>)) -> usize {
        let mut taken = 0;
        while taken < max
            && let Some(at) = cluster.topics[topic].committed(self.places[topic], self.positions[topic])
        {
            let record = &cluster.topics[topic].log[at].0;
            take(input(topic, record));
            self.places[topic] = at + 1;
            self.positions[topic] = record.offset + 1;
            taken += 1;
        }
        taken
    }
}

fn input(topic: usize, record: &Record) -> Input<'_> {
    let source = u16::try_from(topic).expect("a handful of topics");
    let Record { offset, arrived_at, key, raw } = record;
    Input { source, offset: *offset, arrived_at: *arrived_at, key, raw }
}

impl Source for Consumer {
    fn poll(&mut self, max: usize, _: Duration, take: &mut dyn FnMut(Input<'_>)) -> Result<Polled, SourceError> {
        let broker = self.broker.clone();
        let cluster = broker.cluster();
        cluster.check()?;
        let mut left = 1 + self.random.index(max);
        for _ in 0..self.positions.len() {
            let topic = self.random.index(self.positions.len());
            if self.random.one_in(50) {
                self.again(&cluster, topic, take);
            }
            let burst = left.min(1 + self.random.index(8));
            left -= self.burst(&cluster, topic, burst, take);
        }
        Ok(Polled::Open)
    }
}
