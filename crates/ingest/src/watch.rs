//! A second pair of eyes. One thread with a client of its own looks at the topics while the ledger reads them: how far they
//! reach, whether they are still the same ones. Its finding stops the source; it never repairs anything.
//!
//! Who writes what: the source its positions, anchors and doubts; the watch the ends of the topics and the finding. After
//! anything that may mean that the brokers are not what they were - they were away, a topic was not found - the source is in
//! doubt and takes nothing until the watch has looked at every topic and its anchor again.
//!
//! A finding counts when two looks in a row have it: a broker that has just come back may not know everything yet.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ledger::SourceError;
use rdkafka::error::KafkaError;

use crate::config::{self, Consumer};
use crate::error::Error;
use crate::look::{self, Anchor, Sight};
use crate::source::Start;

/// Between two looks: what a lag may be late by.
const EVERY: Duration = Duration::from_secs(2);
/// Between a finding and the look that confirms it, and while nobody answers.
const AGAIN_AFTER: Duration = Duration::from_millis(500);
/// Anchors are compared in one look of so many: they cost a fetch each.
const ANCHORS_EVERY: u32 = 5;
/// The end of a topic that nobody has told yet.
const UNKNOWN: i64 = -1;

/// How far the ledger is behind one topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lag {
    /// Its name.
    pub topic: String,
    /// The next offset that the source will take.
    pub position: i64,
    /// The offset that the topic's next record will get; `None` before the first look.
    pub end: Option<i64>,
}

impl Lag {
    /// How many offsets lie between. Markers of transactions have offsets too, so a topic that is written in transactions
    /// may never come to 0.
    #[must_use]
    pub fn offsets(&self) -> Option<i64> {
        self.end.map(|end| (end - self.position).max(0))
    }
}

/// Tells the lag of every topic; cheap to clone.
#[derive(Clone)]
pub struct Lags(pub(crate) Arc<Watched>);

impl Lags {
    /// As of the last look, at most two seconds ago while a broker answers.
    #[must_use]
    pub fn now(&self) -> Vec<Lag> {
        let lag = |topic: &Topic| Lag {
            topic: topic.name.clone(),
            position: topic.position.load(Ordering::Acquire),
            end: Some(topic.end.load(Ordering::Acquire)).filter(|end| *end != UNKNOWN),
        };
        self.0.topics.iter().map(lag).collect()
    }

    /// Whether the source is gone: nothing more will be taken.
    pub(crate) fn are_over(&self) -> bool {
        self.0.stop.load(Ordering::Acquire)
    }

    /// The next offset that the source will take from one topic, as of this moment.
    pub(crate) fn position(&self, index: usize) -> i64 {
        self.0.topics[index].position.load(Ordering::Acquire)
    }
}

/// One topic, as source and watch share it.
pub(crate) struct Topic {
    pub(crate) name: String,
    pub(crate) position: AtomicI64,
    end: AtomicI64,
    /// The newest record that was taken.
    anchor: Mutex<Option<Anchor>>,
    /// The one that the last look has found. If the topic was replaced since, the newest may be of the new one; this is not.
    found: Mutex<Option<Anchor>>,
}

impl Topic {
    /// The newest record that was taken.
    pub(crate) fn taken(&self, anchor: Anchor) {
        *locked(&self.anchor) = Some(anchor);
    }

    /// Whether the topic still has what was taken from it before and after the last look.
    fn compare(&self, consumer: &Consumer) -> Result<Option<SourceError>, KafkaError> {
        let newest = locked(&self.anchor).clone();
        let found = locked(&self.found).clone().filter(|found| newest.as_ref() != Some(found));
        for anchor in [&found, &newest].into_iter().flatten() {
            if let Some(wrong) = look::identity(consumer, &self.name, anchor)? {
                return Ok(Some(wrong));
            }
        }
        *locked(&self.found) = newest;
        Ok(None)
    }
}

/// What source and watch share.
pub(crate) struct Watched {
    pub(crate) topics: Vec<Topic>,
    finding: Mutex<Option<SourceError>>,
    has_finding: AtomicBool,
    /// Doubts that the source has had, and those of them that a look has settled.
    doubts: AtomicU64,
    settled: AtomicU64,
    stop: AtomicBool,
    sleep: Mutex<()>,
    wake: Condvar,
}

impl Watched {
    fn new(starts: Vec<Start>) -> Self {
        let topic = |start: Start| Topic {
            name: start.topic,
            position: AtomicI64::new(start.position),
            end: AtomicI64::new(UNKNOWN),
            anchor: Mutex::new(start.anchor),
            found: Mutex::default(),
        };
        Self {
            topics: starts.into_iter().map(topic).collect(),
            finding: Mutex::default(),
            has_finding: AtomicBool::new(false),
            doubts: AtomicU64::new(0),
            settled: AtomicU64::new(0),
            stop: AtomicBool::new(false),
            sleep: Mutex::default(),
            wake: Condvar::new(),
        }
    }

    /// Why the source must stop, if it must.
    pub(crate) fn finding(&self) -> Option<SourceError> {
        if self.has_finding.load(Ordering::Acquire) { locked(&self.finding).take() } else { None }
    }

    /// Asks for a look before anything more is taken.
    pub(crate) fn doubt(&self) {
        self.doubts.fetch_add(1, Ordering::AcqRel);
        self.wake.notify_all();
    }

    /// Whether a doubt is not settled.
    pub(crate) fn is_in_doubt(&self) -> bool {
        self.doubts.load(Ordering::Acquire) != self.settled.load(Ordering::Acquire)
    }

    /// Ends the watch, soon.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Release);
        self.wake.notify_all();
    }

    fn wait(&self, duration: Duration) {
        let guard = locked(&self.sleep);
        let woken = self.wake.wait_timeout(guard, duration);
        drop(woken.unwrap_or_else(PoisonError::into_inner));
    }

    /// The first thing that is wrong with a topic. Ends are told as they are seen.
    fn look(&self, consumer: &Consumer, with_anchors: bool) -> Result<Option<SourceError>, KafkaError> {
        for topic in &self.topics {
            // The position before the end: both only rise, so an end that is lower was lower then.
            let position = topic.position.load(Ordering::Acquire);
            match look::range(consumer, &topic.name, position)? {
                Sight::Wrong(wrong) => return Ok(Some(wrong)),
                Sight::Well { end } => topic.end.store(end, Ordering::Release),
            }
            let is_first = locked(&topic.found).is_none();
            if (with_anchors || is_first)
                && let Some(wrong) = topic.compare(consumer)?
            {
                return Ok(Some(wrong));
            }
        }
        Ok(None)
    }

    fn found(&self, wrong: SourceError) {
        *locked(&self.finding) = Some(wrong);
        self.has_finding.store(true, Ordering::Release);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Looks at every topic before the first record, then starts the thread.
///
/// # Errors
/// [`Error::Source`] with what is wrong, [`Error::Unreachable`] when nobody answers within `patience`.
pub(crate) fn start(brokers: &str, starts: Vec<Start>, patience: Duration) -> Result<Arc<Watched>, Error> {
    let watched = Arc::new(Watched::new(starts));
    let consumer = config::looker(brokers)?;
    first_look(&watched, &consumer, brokers, patience)?;
    let watch = Watch { watched: Arc::clone(&watched), consumer };
    let thread = std::thread::Builder::new().name("hutong-watch".to_owned());
    thread.spawn(move || watch.run()).map_err(Error::Thread)?;
    Ok(watched)
}

fn first_look(watched: &Watched, consumer: &Consumer, brokers: &str, patience: Duration) -> Result<(), Error> {
    let begun = std::time::Instant::now();
    let mut was_wrong = false;
    loop {
        match watched.look(consumer, true) {
            Ok(None) => return Ok(()),
            Ok(Some(wrong)) if was_wrong => return Err(Error::Source(wrong)),
            Ok(Some(_)) => was_wrong = true,
            Err(error) if begun.elapsed() >= patience => {
                return Err(Error::Unreachable { brokers: brokers.to_owned(), reason: error.to_string() });
            }
            Err(_) => {}
        }
        std::thread::sleep(AGAIN_AFTER);
    }
}

struct Watch {
    watched: Arc<Watched>,
    consumer: Consumer,
}

impl Watch {
    fn run(self) {
        let mut looks = 0_u32;
        let (mut is_away, mut was_wrong) = (false, false);
        while !self.watched.stop.load(Ordering::Acquire) {
            let doubts = self.watched.doubts.load(Ordering::Acquire);
            let in_doubt = self.watched.is_in_doubt();
            looks = looks.wrapping_add(1);
            let with_anchors = is_away || was_wrong || in_doubt || looks.is_multiple_of(ANCHORS_EVERY);
            match self.watched.look(&self.consumer, with_anchors) {
                Ok(None) => {
                    if is_away {
                        tracing::info!("the brokers answer again, the topics are the same");
                    }
                    (is_away, was_wrong) = (false, false);
                    self.watched.settled.store(doubts, Ordering::Release);
                    if !self.watched.is_in_doubt() {
                        self.watched.wait(EVERY);
                    }
                }
                Ok(Some(wrong)) if was_wrong => return self.watched.found(wrong),
                Ok(Some(_)) => {
                    was_wrong = true;
                    self.watched.wait(AGAIN_AFTER);
                }
                Err(error) => {
                    if !is_away {
                        tracing::warn!(%error, "the brokers do not answer; waiting for them");
                    }
                    is_away = true;
                    self.watched.wait(AGAIN_AFTER);
                }
            }
        }
    }
}
