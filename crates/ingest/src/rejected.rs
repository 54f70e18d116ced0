//! Topic `payments.rejected`: every payment event that was refused or not judged goes back to its network, in the order of
//! sequence numbers, when its block is durable.
//!
//! The log says what is to be on the topic, and the topic how far it is: its last record is read, and the log followed from
//! behind it. Nothing is noted anywhere else, so nothing can disagree. The client leaves no gap, so whatever stands before
//! the last record is there. A killed process may have handed over records that arrive when its successor has looked: these
//! stand on the topic twice.
//!
//! One thread, beside the ledger and never in front of it. Brokers that are away are waited for. Anything else that is wrong
//! is said once and tried again: the answers are in the log, they are only late.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use domain::ids::Sequence;
use faults::Point;
use ledger::{Handle, Refused};
use wire::event::v1::Rejection;
use wire::names::StableCode;
use wire::rejection;

use crate::codes::{self, stop};
use crate::config::{self, Consumer};
use crate::ending;
use crate::error::Error;
use crate::publish::Publisher;
use crate::{cluster, look};

/// So much may be on its way before it is waited for. A block of refusals may come on top of it.
const IN_FLIGHT_BYTES_MAX: usize = 4 << 20;
/// How long a question, a flush or a wait for the next block lasts before a stop is looked for.
const PATIENCE: Duration = Duration::from_millis(100);
/// How long brokers may take to say how far the topic is, when it has to be asked for again.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// Between two attempts.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// How far it is.
#[derive(Default)]
struct Progress {
    through: AtomicU64,
    stop: AtomicBool,
}

impl Progress {
    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }
}

/// Publishes refusals until it is dropped.
pub struct Rejections {
    progress: Arc<Progress>,
    ledger: Handle,
    thread: Option<JoinHandle<()>>,
}

impl Rejections {
    /// Finds out how far the topic is and goes on from there on a thread of its own.
    ///
    /// # Errors
    /// [`Error::Source`] with `TOPIC_MISSING`, `PARTITION_COUNT` or `REJECTIONS_DIVERGED`, [`Error::Unreachable`] when nobody
    /// answers within `patience`.
    pub fn start(brokers: &str, ledger: Handle, patience: Duration) -> Result<Self, Error> {
        let after = last_published(brokers, &ledger, patience)?;
        let progress = Arc::new(Progress { through: AtomicU64::new(after.0), ..Progress::default() });
        let brokers = brokers.to_owned();
        let emitter =
            Emitter { brokers, ledger: ledger.clone(), progress: Arc::clone(&progress), trouble: Mutex::default() };
        let thread = std::thread::Builder::new().name("hutong-rejected".to_owned());
        let thread = thread.spawn(move || emitter.run(after)).map_err(Error::Thread)?;
        Ok(Self { progress, ledger, thread: Some(thread) })
    }

    /// Everything refused up to this entry is on the topic. The ledger's newest entry less this one is the lag.
    #[must_use]
    pub fn through(&self) -> Sequence {
        Sequence(self.progress.through.load(Ordering::Acquire))
    }

    /// Ends it when everything that is durable now is on the topic, or after `patience`: what is left is published after the
    /// next start.
    pub fn finish(self, patience: Duration) {
        let (begun, end) = (Instant::now(), self.ledger.snapshot().sequence);
        while self.through() < end && begun.elapsed() < patience {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Rejections {
    fn drop(&mut self) {
        self.progress.stop.store(true, Ordering::Release);
        ending::wait(&mut self.thread);
    }
}

/// The entry of the last record on the topic; 0 when there is none, also where retention has taken them: everything goes there
/// again then.
fn last_published(brokers: &str, ledger: &Handle, patience: Duration) -> Result<Sequence, Error> {
    cluster::check(brokers, &[rejection::TOPIC], patience)?;
    let looker: Consumer = config::looker(brokers)?;
    let last = look::last_record(&looker, rejection::TOPIC)
        .map_err(|error| Error::Unreachable { brokers: brokers.to_owned(), reason: error.to_string() })?;
    let Some(value) = last else {
        return Ok(Sequence(0));
    };
    let diverged = |reason: String| Error::Source(stop(codes::REJECTIONS_DIVERGED, rejection::TOPIC, reason));
    let last =
        rejection::decode(&value).map_err(|error| diverged(format!("the last record is no rejection: {error}")))?;
    if is_in_log(&last, ledger)? {
        return Ok(Sequence(last.sequence));
    }
    Err(diverged(format!("the last record is of entry {}, which this ledger does not have so", last.sequence)))
}

/// Whether the log has this record where the topic says.
fn is_in_log(last: &Rejection, ledger: &Handle) -> Result<bool, Error> {
    let entries = ledger.entries(Sequence(last.sequence), 1).map_err(Error::Log)?;
    let (Some(entry), Some(source)) = (entries.first(), &last.source) else {
        return Ok(false);
    };
    let topic = ledger.genesis().sources.get(usize::from(entry.source)).map(|source| source.topic.as_str());
    Ok(entry.sequence.0 == last.sequence && topic == Some(source.topic.as_str()) && entry.offset == source.offset)
}

struct Emitter {
    brokers: String,
    ledger: Handle,
    progress: Arc<Progress>,
    /// What was said last, so that it is not said again.
    trouble: Mutex<Option<String>>,
}

impl Emitter {
    fn run(&self, after: Sequence) {
        let mut begin = Ok(after);
        while let Err(error) = begin.and_then(|after| self.follow(after)) {
            begin = last_published(&self.brokers, &self.ledger, ANSWER_WITHIN);
            // What is wrong with the topic explains more than what became of a record.
            self.say(begin.as_ref().err().unwrap_or(&error));
            std::thread::sleep(AGAIN_AFTER);
            if self.progress.is_stopped() {
                return;
            }
        }
    }

    /// Publishes what was refused behind `after` until it is stopped.
    fn follow(&self, mut after: Sequence) -> Result<(), Error> {
        let publisher = Publisher::gapless(&self.brokers)?;
        let mut in_flight = 0;
        while !self.progress.is_stopped() {
            let mut sent = Ok(());
            let looked = self.ledger.refused(after, &mut |refused| {
                if sent.is_ok() {
                    sent = self.send(&publisher, &refused).map(|bytes| in_flight += bytes);
                }
            });
            let through = looked.map_err(Error::Log)?;
            sent?;
            let is_idle = through == after;
            if (is_idle || in_flight == 0 || in_flight >= IN_FLIGHT_BYTES_MAX) && self.arrived(&publisher)? {
                in_flight = 0;
                self.progress.through.store(through.0, Ordering::Release);
            }
            if is_idle {
                let _ = self.ledger.wait_for(Sequence(after.0 + 1), PATIENCE);
            }
            after = through;
        }
        Ok(())
    }

    /// Hands one refusal over, unless it is of a command; how many bytes that were.
    fn send(&self, publisher: &Publisher, refused: &Refused<'_>) -> Result<usize, Error> {
        let Some(record) = self.record(refused) else {
            return Ok(0);
        };
        let (key, value) = record.record();
        publisher.send(rejection::TOPIC, &key, &value, None)?;
        faults::pass(Point::RefusalSent);
        Ok(key.len() + value.len())
    }

    /// As the contract wants it; `None` when it was no payment event.
    fn record<'a>(&'a self, refused: &Refused<'a>) -> Option<rejection::Refused<'a>> {
        let rejected = refused.answer.rejection().map(StableCode::Rejected);
        let topic = &self.ledger.genesis().sources.get(usize::from(refused.source))?.topic;
        Some(rejection::Refused {
            sequence: refused.sequence,
            code: rejected.or_else(|| refused.answer.quarantine().map(StableCode::Quarantined))?,
            network: topic.strip_prefix("payments.")?,
            topic,
            offset: refused.offset,
            recorded_at: refused.arrived_at,
            key: refused.key,
            value: refused.raw,
        })
    }

    /// Waits until everything handed over is on the topic; false when it was stopped before.
    fn arrived(&self, publisher: &Publisher) -> Result<bool, Error> {
        while !publisher.has_arrived(PATIENCE)? {
            if self.progress.is_stopped() {
                return Ok(false);
            }
        }
        if publisher.delivered() > 0 {
            faults::pass(Point::RefusalArrived);
            self.recovered();
        }
        Ok(true)
    }

    fn say(&self, error: &Error) {
        let source = std::error::Error::source(error).map_or_else(String::new, |source| format!(": {source}"));
        let text = format!("{error}{source}");
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        if trouble.as_ref() != Some(&text) {
            let code = error.code().unwrap_or_default();
            tracing::error!(error = text, code, "refusals wait in the log; trying again");
            *trouble = Some(text);
        }
    }

    fn recovered(&self) {
        if self.trouble.lock().unwrap_or_else(PoisonError::into_inner).take().is_some() {
            tracing::info!("refusals are published again");
        }
    }
}
