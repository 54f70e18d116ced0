//! What the damage is done to: a child process that opens a ledger on generated traffic, and says on the way what is durable
//! and what it reads. It shares nothing with its judges but files.
//!
//! One record after the other: the next block is polled when the last one is durable and its run, if it ended one, is in the
//! store. So the calls to the disk come in the same order in every run, and the n-th of them can be named.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use domain::book::Balance;
use domain::ids::Sequence;
use domain::state::View;
use domain::time::Timestamp;
use ledger::{Clock, Handle, Input, Ledger, Options, Polled, Source, SourceError};
use sha2::{Digest, Sha256};
use simulator::mix::{self, Mix, Stream};
use store::genesis::{Genesis, Source as Topic};
use store::hash::HashKey;
use store::{RocksOptions, RocksStore, Store};
use wire::codec::WireCodec;
use wire::control;

use crate::hex;
use crate::place::Place;
use crate::random::Random;

/// Events of the whole stream; a template holds the first of them, and what was opened goes on with the rest.
pub(crate) const EVENTS: u64 = 4_000;

const TOPICS: [&str; 4] = ["hutong.control", "payments.unionpay", "payments.tenpay", "payments.alipay"];

/// Of the stream: refunds and duplicates of its past are in it.
const STREAM_SEED: u64 = 11;

/// The ledger of every case.
pub(crate) fn genesis() -> Genesis {
    let topic = |name: &&str| Topic { topic: (*name).to_owned(), topic_id: String::new(), partitions: 1 };
    Genesis { cluster: "damage".to_owned(), shard: 0, sources: TOPICS.iter().map(topic).collect() }
}

/// The same digests of ids in every run, so that files differ in nothing but their damage.
pub(crate) fn hash_key() -> HashKey {
    HashKey::new([7; 16])
}

/// Protobuf records and TOML rulebooks.
pub(crate) fn codec() -> WireCodec {
    WireCodec::new(|text| rulebook::parse(text).map_err(|error| error.to_string()))
}

/// What a child is asked to do.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    /// Ends when the stream has given so many events.
    pub(crate) until: u64,
    /// Events of a block: at least one, at most this many.
    pub(crate) block_events: u64,
    /// Entries of a run.
    pub(crate) run_entries: u64,
    /// Whether to read everything that can be read before going on.
    pub(crate) reads: bool,
    /// Where `durable` lines go, and the directory that keeps the high-water marks, one a block.
    pub(crate) said: Option<PathBuf>,
    pub(crate) marks: Option<PathBuf>,
}

impl Task {
    /// Reads everything and goes on with the rest of the stream.
    pub(crate) const fn go_on() -> Self {
        Self { until: EVENTS, block_events: 60, run_entries: 300, reads: true, said: None, marks: None }
    }

    /// As arguments of the child.
    pub(crate) fn to_arguments(&self, place: &Place) -> Vec<String> {
        let path = |path: &Option<PathBuf>| path.as_ref().map_or_else(String::new, |path| path.display().to_string());
        let numbers = [self.until, self.block_events, self.run_entries, u64::from(self.reads)];
        let numbers = numbers.iter().map(u64::to_string);
        let first = ["child".to_owned(), place.root().display().to_string()];
        first.into_iter().chain(numbers).chain([path(&self.said), path(&self.marks)]).collect()
    }

    /// What [`Task::to_arguments`] wrote behind the word `child`.
    pub(crate) fn from_arguments(arguments: &[String]) -> Option<(Place, Self)> {
        let [root, until, block_events, run_entries, reads, said, marks] = arguments else { return None };
        let path = |text: &String| (!text.is_empty()).then(|| PathBuf::from(text));
        let task = Self {
            until: until.parse().ok()?,
            block_events: block_events.parse().ok()?,
            run_entries: run_entries.parse().ok()?,
            reads: reads != "0",
            said: path(said),
            marks: path(marks),
        };
        Some((Place::new(root), task))
    }
}

/// Does the task; prints `opened`, `as-of` and `ended` lines.
pub(crate) fn run(place: &Place, task: &Task, out: &mut impl Write) -> Result<(), Box<dyn std::error::Error>> {
    let options = RocksOptions { high_water_mark: Some(place.high_water()), ..RocksOptions::default() };
    let store = RocksStore::open(&place.data(), &genesis(), hash_key(), &options)?;
    let store: Arc<dyn Store> = Arc::new(store);
    let options = Options { block_entries_max: 4_096, run_entries: task.run_entries, patience: Duration::ZERO };
    let rulebook = rulebook::DEFAULT.as_bytes();
    let ledger = Ledger::open(Arc::clone(&store), Box::new(codec()), Box::<Ticking>::default(), rulebook, options)?;
    let handle = ledger.handle();
    writeln!(out, "opened {}", at(&handle))?;
    if task.reads {
        read_all(&handle, store.as_ref(), out)?;
    }
    let feed = Feed::new(task, place, &ledger, Arc::clone(&store))?;
    ledger.start(Box::new(feed))?.wait()?;
    writeln!(out, "ended {}", at(&handle))?;
    Ok(())
}

fn at(handle: &Handle) -> String {
    let snapshot = handle.snapshot();
    format!("{} {}", snapshot.sequence, hex(&snapshot.head))
}

/// Every block's place in time, and the balances after every eighth.
fn read_all(handle: &Handle, store: &dyn Store, out: &mut impl Write) -> Result<(), Box<dyn std::error::Error>> {
    let state = &handle.snapshot().state;
    let mut accounts: Vec<_> = state.book().accounts().map(|(account, _)| account).collect();
    accounts.sort_unstable();
    for (count, block) in store.blocks(Sequence(1)).enumerate() {
        let block = block?;
        let last = block.head().last();
        let mut digest = Sha256::new().chain_update(handle.sequence_at(block.head().recorded_at)?.0.to_be_bytes());
        if count % 8 == 0 {
            for account in &accounts {
                let balance = handle.balance_at(*account, last)?.unwrap_or_default();
                if balance != Balance::default() {
                    let name = account.name(|network| state.rules().current().network_name(network));
                    digest.update(format!("{name} {} {}\n", balance.debits, balance.credits));
                }
            }
        }
        writeln!(out, "as-of {last} {}", hex(&digest.finalize()))?;
    }
    Ok(())
}

/// A clock that ticks once a reading, so that two runs record the same times.
#[derive(Default)]
struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

/// Generated traffic as a source, block by block.
struct Feed {
    stream: Stream,
    commands: Vec<Vec<u8>>,
    positions: Vec<i64>,
    left: u64,
    random: Random,
    task: Task,
    pace: Pace,
}

/// How often is looked whether something has happened that nobody announces.
const TICK: Duration = Duration::from_millis(1);

/// What is waited for between two blocks.
struct Pace {
    handle: Handle,
    store: Arc<dyn Store>,
    given: u64,
    run_begin: u64,
    said: Option<File>,
    marks: Option<PathBuf>,
    place: Place,
}

impl Feed {
    fn new(task: &Task, place: &Place, ledger: &Ledger, store: Arc<dyn Store>) -> std::io::Result<Self> {
        let handle = ledger.handle();
        let said =
            task.said.as_ref().map(|path| OpenOptions::new().append(true).create(true).open(path)).transpose()?;
        let run_begin = store.mark().map_or(0, |mark| mark.through.0);
        let given = handle.snapshot().sequence.0;
        Ok(Self {
            stream: Stream::new(Mix::Natural, EVENTS, STREAM_SEED),
            commands: mix::prefunds().into_iter().map(|(network, minor)| control::prefund(network, minor)).collect(),
            positions: ledger.positions().to_vec(),
            left: task.until,
            random: Random::new(STREAM_SEED, given),
            task: task.clone(),
            pace: Pace { handle, store, given, run_begin, said, marks: task.marks.clone(), place: place.clone() },
        })
    }
}

impl Source for Feed {
    fn poll(&mut self, _: usize, _: Duration, take: &mut dyn FnMut(Input<'_>)) -> Result<Polled, SourceError> {
        if !self.pace.wait(self.task.run_entries) || self.left == 0 {
            return Ok(Polled::Ended);
        }
        for (offset, raw) in (0_i64..).zip(self.commands.drain(..)) {
            if offset >= self.positions[0] {
                self.pace.given += 1;
                take(Input { source: 0, offset, arrived_at: Timestamp::default(), key: &[], raw: &raw });
            }
        }
        // Now and then a block that does not fit a page of the log.
        let large = if self.random.below(16) == 0 { 8 } else { 1 };
        let mut wanted = large * (1 + self.random.below(self.task.block_events));
        while wanted > 0 && self.left > 0 {
            self.left -= 1;
            let Some(sent) = self.stream.next_event() else { break };
            let record = sent.record;
            let source = record.source + 1;
            if record.offset < self.positions[usize::from(source)] {
                continue;
            }
            wanted -= 1;
            self.pace.given += 1;
            let arrived_at = Timestamp::from_micros(record.timestamp);
            take(Input { source, offset: record.offset, arrived_at, key: record.key, raw: record.value });
        }
        Ok(Polled::Open)
    }
}

impl Pace {
    /// Until all that was given is durable and said to be; whether to go on.
    fn wait(&mut self, run_entries: u64) -> bool {
        let Some(durable) = self.until(|pace| pace.handle.wait_for(Sequence(pace.given), TICK)) else { return false };
        if self.say(durable.sequence, &hex(&durable.head)).is_err() {
            return false;
        }
        if self.given - self.run_begin < run_entries {
            return true;
        }
        self.run_begin = self.given;
        let is_flushed = |pace: &Self| {
            std::thread::sleep(TICK);
            pace.store.mark().filter(|mark| mark.through.0 >= pace.run_begin)
        };
        self.until(is_flushed).is_some()
    }

    /// `None` when the ledger has failed before.
    fn until<T>(&self, look: impl Fn(&Self) -> Option<T>) -> Option<T> {
        loop {
            let found = look(self);
            if found.is_some() || self.handle.has_failed() {
                return found;
            }
        }
    }

    /// One write a line: the calls that fail are written down in the same file by somebody else.
    fn say(&mut self, sequence: Sequence, head: &str) -> std::io::Result<()> {
        if let Some(said) = &mut self.said {
            said.write_all(format!("durable {sequence} {head}\n").as_bytes())?;
        }
        if let Some(marks) = &self.marks {
            std::fs::copy(self.place.high_water(), marks.join(sequence.0.to_string()))?;
        }
        Ok(())
    }
}
