//! What the tests of the whole engine share: a day of generated traffic as a source, and a ledger over it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use domain::time::Timestamp;
use ledger::{Clock, Input, Ledger, Options, Polled, Source, SourceError};
use simulator::mix::{self, Mix, Stream};
use store::genesis::{Genesis, Source as Topic};
use store::hash::HashKey;
use store::{RocksOptions, RocksStore, Store};
use wire::codec::WireCodec;
use wire::control;

/// Topics of the test shard: commands, then the networks in the simulator's order.
const TOPICS: [&str; 4] = ["hutong.control", "payments.unionpay", "payments.tenpay", "payments.alipay"];

/// The test shard.
#[must_use]
pub fn genesis() -> Genesis {
    let topic = |name: &&str| Topic { topic: (*name).to_owned(), topic_id: String::new(), partitions: 1 };
    Genesis { cluster: "test".to_owned(), shard: 0, sources: TOPICS.iter().map(topic).collect() }
}

/// Protobuf records and TOML rulebooks.
#[must_use]
pub fn codec() -> WireCodec {
    WireCodec::new(|text| rulebook::parse(text).map_err(|error| error.to_string()))
}

/// Opens a data directory.
///
/// # Panics
/// When it cannot be opened.
#[must_use]
pub fn store(directory: &Path) -> Arc<RocksStore> {
    let options = RocksOptions::default();
    Arc::new(RocksStore::open(directory, &genesis(), HashKey::random(), &options).expect("a data directory"))
}

/// A clock that ticks once a reading, so that two runs record the same times.
#[derive(Default)]
pub struct Ticking(std::sync::atomic::AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
    }
}

/// Opens the ledger in a store.
///
/// # Panics
/// When it cannot be recovered.
#[must_use]
pub fn ledger(store: Arc<dyn Store>, options: Options) -> Ledger {
    let rulebook = rulebook::DEFAULT.as_bytes();
    Ledger::open(store, Box::new(codec()), Box::new(Ticking::default()), rulebook, options).expect("a ledger")
}

/// Small runs, so that a short test flushes several.
#[must_use]
pub fn small(block_entries_max: usize, run_entries: u64) -> Options {
    Options { block_entries_max, run_entries, patience: Duration::from_millis(1) }
}

/// Generated traffic as a source: prefunds, then events, each topic from the position that the ledger holds.
pub struct Feed {
    stream: Stream,
    positions: Vec<i64>,
    commands: Vec<Vec<u8>>,
    pause: Duration,
    left: u64,
    end: Polled,
}

impl Feed {
    /// `events` of the natural mix of `seed`, as a ledger at `positions` still wants them.
    #[must_use]
    pub fn new(events: u64, seed: u64, positions: &[i64]) -> Self {
        let prefund = |(network, minor)| control::prefund(network, minor);
        let commands = mix::prefunds().into_iter().map(prefund).collect();
        let stream = Stream::new(Mix::Natural, events, seed);
        Self {
            stream,
            positions: positions.to_vec(),
            commands,
            pause: Duration::ZERO,
            left: events,
            end: Polled::Ended,
        }
    }

    /// Waits between two polls, so that a process can be killed in the middle.
    #[must_use]
    pub const fn with_pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// Ends after that many events of the same stream.
    #[must_use]
    pub const fn ending_after(mut self, events: u64) -> Self {
        self.left = events;
        self
    }

    /// Stays open when there is nothing left, as a topic does.
    #[must_use]
    pub const fn never_ending(mut self) -> Self {
        self.end = Polled::Open;
        self
    }

    /// Adds command records behind the prefunds.
    #[must_use]
    pub fn with_commands(mut self, records: impl IntoIterator<Item = Vec<u8>>) -> Self {
        self.commands.extend(records);
        self
    }
}

impl Source for Feed {
    fn poll(&mut self, max: usize, _: Duration, take: &mut dyn FnMut(Input<'_>)) -> Result<Polled, SourceError> {
        std::thread::sleep(self.pause);
        let arrived_at = Timestamp::default();
        for (offset, raw) in (0_i64..).zip(self.commands.drain(..)) {
            if offset >= self.positions[0] {
                take(Input { source: 0, offset, arrived_at, key: &[], raw: &raw });
            }
        }
        for _ in 0..max {
            if self.left == 0 {
                return Ok(self.end);
            }
            self.left -= 1;
            let Some(sent) = self.stream.next_event() else { return Ok(self.end) };
            let record = sent.record;
            let source = record.source + 1;
            if record.offset >= self.positions[usize::from(source)] {
                let arrived_at = Timestamp::from_micros(record.timestamp);
                take(Input { source, offset: record.offset, arrived_at, key: record.key, raw: record.value });
            }
        }
        Ok(Polled::Open)
    }
}
