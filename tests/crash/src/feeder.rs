//! What is published while the service is ended again and again: a day of the simulator, a little at a time, on a thread of
//! its own. A batch begins when a client has seen all of the one before as durable, which is what makes the day's outcome
//! independent of the order in which topics are read.
//!
//! Where the day stops (before its cut-over, at its end) and the plan goes on, records of the past come again: the ledger
//! knows them, and the outcome stays that of the day.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use domain::time::Timestamp;
use e2e::{PATIENCE, TOPICS};
use ingest::Publisher;
use simulator::day::{Batch, Day, Meaning, Record};

use crate::random::Random;
use crate::truth::Truth;
use crate::witness::Witness;

/// Between two groups of records: a poll of the service, and so a block, for most groups.
const PAUSE: Duration = Duration::from_millis(4);
/// Records of a group, at most; one in sixteen is a burst.
const GROUP: u64 = 6;
const BURST: u64 = 400;
/// Records kept to be published again.
const PAST_MAX: usize = 512;

/// What the thread is told.
#[derive(Default)]
struct Orders {
    /// So many records may have been published.
    allowed: AtomicU64,
    sent: AtomicU64,
    cut_over: AtomicBool,
    finish: AtomicBool,
}

impl Orders {
    fn wants_cut_over(&self) -> bool {
        self.cut_over.load(Ordering::Acquire)
    }

    fn wants_finish(&self) -> bool {
        self.finish.load(Ordering::Acquire)
    }
}

/// Publishes on a thread of its own.
pub(crate) struct Feeder {
    orders: Arc<Orders>,
    thread: Option<JoinHandle<()>>,
}

impl Feeder {
    /// Begins with nothing allowed.
    ///
    /// # Panics
    /// When there is no thread for it.
    pub(crate) fn start(brokers: &str, day: Day, seed: u64, truth: Arc<Truth>, witness: Arc<Witness>) -> Self {
        let orders = Arc::<Orders>::default();
        let publisher = Publisher::new(brokers).expect("a client");
        let random = Random::new(seed);
        let (ordered, past) = (Arc::clone(&orders), Vec::new());
        let at_work = AtWork { publisher, random, orders: ordered, truth, witness, past, is_cut_over: false };
        let thread = std::thread::Builder::new().name("feeder".to_owned());
        let thread = thread.spawn(move || at_work.publish(&day)).expect("a thread");
        Self { orders, thread: Some(thread) }
    }

    /// Allows so many records more, counted from what has been published.
    pub(crate) fn allow(&self, more: u64) {
        self.orders.allowed.store(self.orders.sent.load(Ordering::Acquire) + more, Ordering::Release);
    }

    /// Lets the day go on with its cut-over, whatever is allowed.
    pub(crate) fn cut_over(&self) {
        self.orders.cut_over.store(true, Ordering::Release);
    }

    /// Lets the rest of the day go out, whatever is allowed.
    pub(crate) fn finish(&self) {
        self.cut_over();
        self.orders.finish.store(true, Ordering::Release);
    }

    /// Whether everything is out.
    ///
    /// # Panics
    /// When the thread has.
    pub(crate) fn has_finished(&mut self) -> bool {
        if self.thread.as_ref().is_some_and(JoinHandle::is_finished) {
            self.thread.take().expect("it was there").join().expect("a feeder that finds nothing wrong");
        }
        self.thread.is_none()
    }
}

impl Drop for Feeder {
    fn drop(&mut self) {
        self.finish();
    }
}

struct AtWork {
    publisher: Publisher,
    random: Random,
    orders: Arc<Orders>,
    truth: Arc<Truth>,
    witness: Arc<Witness>,
    past: Vec<Record>,
    is_cut_over: bool,
}

impl AtWork {
    fn publish(mut self, day: &Day) {
        for batch in day.batches() {
            if batch.meaning == Meaning::CutOver {
                self.repeat_until(Orders::wants_cut_over);
                self.is_cut_over = true;
            }
            self.wait_until_durable();
            self.batch(batch);
        }
        self.repeat_until(Orders::wants_finish);
        self.publisher.finish(PATIENCE).expect("a broker that takes records");
    }

    fn batch(&mut self, batch: Batch) {
        let is_cut_over = self.is_cut_over;
        let is_urgent = |orders: &Orders| match batch.meaning {
            Meaning::Prefund | Meaning::CutOver => true,
            Meaning::Payments => orders.wants_finish() || (orders.wants_cut_over() && !is_cut_over),
        };
        let mut group = 0;
        for record in batch.records {
            while group == 0 && !is_urgent(&self.orders) {
                group = self.next_group();
            }
            group = group.saturating_sub(1);
            self.send(&record);
            if record.topic != TOPICS[0] {
                self.keep(record);
            }
        }
    }

    /// Waits until something may be published; how many at once.
    fn next_group(&mut self) -> u64 {
        std::thread::sleep(PAUSE);
        let Orders { allowed, sent, .. } = self.orders.as_ref();
        let left = allowed.load(Ordering::Acquire).saturating_sub(sent.load(Ordering::Acquire));
        let drawn = if self.random.below(16) == 0 { BURST } else { GROUP };
        left.min(1 + self.random.below(drawn))
    }

    fn repeat_until(&mut self, is_over: impl Fn(&Orders) -> bool) {
        while !is_over(&self.orders) {
            for _ in 0..self.next_group() {
                let nth = usize::try_from(self.random.below(self.past.len() as u64)).expect("a place in the list");
                let record = self.past[nth].clone();
                self.send(&record);
            }
        }
    }

    fn send(&self, record: &Record) {
        let topic = TOPICS.iter().position(|topic| *topic == record.topic).expect("a topic of the shard");
        self.truth.note(topic, &record.value);
        let time = Some(Timestamp::from_micros(record.recorded_at_micros));
        self.publisher.send(&record.topic, &record.key, &record.value, time).expect("a queue with room");
        self.orders.sent.fetch_add(1, Ordering::AcqRel);
    }

    fn keep(&mut self, record: Record) {
        if self.past.len() < PAST_MAX {
            self.past.push(record);
        } else {
            let nth = usize::try_from(self.random.below(PAST_MAX as u64)).expect("a place in the list");
            self.past[nth] = record;
        }
    }

    fn wait_until_durable(&self) {
        self.publisher.finish(PATIENCE).expect("a broker that takes records");
        let counts = self.truth.counts();
        while self.witness.is_behind(&counts) && !self.witness.has_failed() {
            std::thread::sleep(PAUSE);
        }
    }
}
