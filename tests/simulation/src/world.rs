//! One seed: a ledger on one thread among networks, a clerk, a broker, a disk and a clock that all do as the seed says. At
//! every step the oracle looks. In the end faults are taken away, and the ledger must come to the end of every topic, where
//! an undisturbed one would be.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use domain::book::Balance;
use domain::ids::Sequence;
use domain::time::{Date, Timestamp};
use ledger::{Clock, Direction, Handle, Ledger, Options, Posting, Step, Stepper};
use sha2::{Digest, Sha256};
use store::genesis::{Genesis, Source as Topic};
use store::hash::HashKey;
use store::high_water::{HighWater, MemoryDevice};
use store::tables::Family;
use store::{Engine, Store, StoreError};
use wire::codec::WireCodec;

use crate::broker::{Broker, Loss};
use crate::clerk::Clerk;
use crate::coverage::{Class, Coverage};
use crate::disk::{CHANGED, Disk, Fault, Promise};
use crate::networks::{NETWORKS, Networks, Produced};
use crate::oracle::{Broken, Checked, Oracle, check};
use crate::random::Random;
use crate::rules::Version;

/// The topics: that of the commands, then the networks'.
pub const TOPICS: [&str; 5] =
    ["hutong.control", "payments.unionpay", "payments.tenpay", "payments.alipay", "payments.jdpay"];

const YEAR_MICROS: i64 = 365 * 86_400_000_000;
/// Steps in which a ledger without faults must have caught up: far more than a seed has records.
const STEPS_MAX: u32 = 20_000;

/// What a seed has come to.
#[derive(Clone, Debug)]
pub struct Played {
    /// SHA-256 over everything that happened, in order.
    pub trace: [u8; 32],
    /// Entries of the log.
    pub entries: u64,
    /// What was met.
    pub coverage: Coverage,
}

/// A process that has the ledger open.
struct Life {
    handle: Handle,
    stepper: Stepper,
    redelivered: Arc<std::sync::Mutex<u64>>,
}

/// See the module.
pub struct World {
    random: Random,
    pub(crate) disk: Disk,
    /// Where it is kept how far was acknowledged: on a disk of its own, which does not fail.
    pub(crate) mark: MemoryDevice,
    broker: Broker,
    clock: Arc<AtomicI64>,
    networks: Networks,
    clerk: Clerk,
    pub(crate) oracle: Oracle,
    coverage: Coverage,
    trace: Sha256,
    life: Option<Life>,
    lost: Option<Loss>,
    segment_items: usize,
    /// How often something goes wrong, in a thousand acts.
    trouble: u64,
    records: u64,
}

/// Reads the time that the simulation says.
struct Jumping(Arc<AtomicI64>);

impl Clock for Jumping {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.fetch_add(1_500, Ordering::Relaxed))
    }
}

/// The genesis of every simulated ledger.
#[must_use]
pub fn genesis() -> Genesis {
    let topic = |name: &&str| Topic { topic: (*name).to_owned(), topic_id: String::new(), partitions: 1 };
    Genesis { cluster: "simulation".to_owned(), shard: 0, sources: TOPICS.iter().map(topic).collect() }
}

/// Protobuf records and TOML rulebooks.
#[must_use]
pub fn codec() -> WireCodec {
    WireCodec::new(|text| rulebook::parse(text).map_err(|error| error.to_string()))
}

/// What the ids of a simulation are hashed with.
#[must_use]
pub fn hash_key() -> HashKey {
    HashKey::new(*b"not so secret ky")
}

/// The error and what it has from others.
pub(crate) fn story(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut inner = error.source();
    while let Some(error) = inner {
        text = format!("{text}: {error}");
        inner = error.source();
    }
    text
}

impl World {
    /// The world of a seed, before anything has happened.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let day = Date::from_ymd(2026, 11, 11).expect("a date");
        let now = Timestamp::from_civil(day, 30_000, 28_800);
        let broker = Broker::new(&TOPICS, now, random.fork());
        let oracle = Oracle::new(broker.clone(), codec(), &TOPICS, genesis().chain_head());
        Self {
            disk: Disk::default(),
            clock: Arc::new(AtomicI64::new(now.micros())),
            networks: Networks::new(random.fork()),
            clerk: Clerk::new(random.fork()),
            oracle,
            broker,
            coverage: Coverage::default(),
            trace: Sha256::new(),
            life: None,
            lost: None,
            mark: MemoryDevice::default(),
            segment_items: *random.pick(&[64, 512, 4_096]),
            trouble: *random.pick(&[0, 8, 20, 40]),
            records: random.below(800) + 250,
            random,
        }
    }

    /// Takes a promise of the disk back, to see whether anybody notices.
    #[must_use]
    pub fn without(self, promise: Promise) -> Self {
        self.disk.break_promise(promise);
        self
    }

    /// Plays the seed to its end.
    ///
    /// # Errors
    /// The first thing that is not as it must be.
    pub fn play(mut self) -> Result<Played, Broken> {
        self.live()?;
        self.trace.update(self.oracle.head());
        let entries = self.oracle.acknowledged().0;
        Ok(Played { trace: self.trace.finalize().into(), entries, coverage: self.coverage })
    }

    /// All of it, up to and with what must agree in the end.
    pub(crate) fn live(&mut self) -> Checked {
        self.disturbed()?;
        self.undisturbed()?;
        let store = self.close()?;
        crate::end::agrees(&self.oracle, &store)
    }

    /// Everything happens that the seed wants to happen.
    fn disturbed(&mut self) -> Checked {
        self.fund();
        while self.records > 0 {
            let act = self.random.below(1_000);
            if act < self.trouble {
                self.trouble();
            }
            match act % 100 {
                0..=35 => self.produce(),
                36..=49 => self.order(),
                50..=53 => self.transaction(),
                54..=56 => self.read()?,
                _ => self.step()?,
            }
            let seen = (act, self.disk.writes(), self.oracle.acknowledged().0);
            self.trace.update(format!("{seen:?}"));
        }
        Ok(())
    }

    /// Faults are over: the ledger must come to the end of every topic, and make everything durable.
    fn undisturbed(&mut self) -> Checked {
        self.disk.disarm();
        self.repair();
        for topic in 0..TOPICS.len() {
            self.broker.end(topic, true);
        }
        for _ in 0..STEPS_MAX {
            self.step()?;
            let life = self.life.as_ref();
            let is_busy =
                life.is_none_or(|life| [Step::Write, Step::Flush].iter().any(|step| life.stepper.is_ready(*step)));
            if !is_busy && self.oracle.is_at_the_end() {
                return Ok(());
            }
        }
        Err(Broken("without faults the ledger does not come to the end of its topics".to_owned()))
    }

    // ---- the world around ----

    fn append(&mut self, produced: Produced) {
        self.coverage.count(Class::Input, produced.kind);
        self.records = self.records.saturating_sub(1);
        self.broker.append(produced.topic, produced.key, produced.raw);
    }

    fn fund(&mut self) {
        for network in &NETWORKS[..3] {
            for (currency, minor) in [("CNY", 9_000_000), ("USD", 2_000_000)] {
                let produced = self.clerk.fund(network, currency, minor);
                self.append(produced);
            }
        }
    }

    fn produce(&mut self) {
        self.networks.files.clone_from(&self.clerk.files);
        let produced = self.networks.produce(self.broker.now());
        self.append(produced);
    }

    fn order(&mut self) {
        let Some(life) = &self.life else { return };
        let produced = self.clerk.order(&life.handle.snapshot(), &self.networks.known());
        self.append(produced);
    }

    fn transaction(&mut self) {
        let topic = 1 + self.random.index(TOPICS.len() - 1);
        if self.random.one_in(2) {
            self.broker.begin(topic);
        } else {
            let is_committed = !self.random.one_in(4);
            if self.broker.end(topic, is_committed).is_some_and(|records| records > 0 && !is_committed) {
                self.coverage.count(Class::Fault, "transaction aborted");
            }
        }
    }

    /// Something goes wrong.
    fn trouble(&mut self) {
        match self.random.below(12) {
            0..=4 => self.arm(),
            5 => self.kill("process killed"),
            6 => self.kill("power cut between writes"),
            7 => {
                let (topic, loss) = (self.random.index(TOPICS.len()), *self.random.pick(&Loss::ALL));
                self.broker.lose(topic, loss);
                self.lost = Some(loss);
            }
            8 | 9 => self.flip(),
            _ => self.jump(),
        }
    }

    fn arm(&mut self) {
        let lands = self.random.one_in(2);
        let fault = self.random.weighted(&[
            (2, Fault::WriteFails { lands: false }),
            (3, Fault::SyncFails { lands }),
            (4, Fault::PowerFails { lands }),
            (2, Fault::Full),
            (3, Fault::ReadFails),
        ]);
        let operations = self.random.below(if fault == Fault::ReadFails { 40 } else { 7 });
        self.disk.arm(fault, operations);
    }

    fn kill(&mut self, how: &'static str) {
        self.let_go();
        if how != "process killed" {
            let writes = self.random.index(4);
            self.disk.cut_power(writes);
        }
        self.coverage.count(Class::Fault, how);
    }

    /// One bit of something that is stored changes by itself.
    fn flip(&mut self) {
        let family = *self.random.pick(&Family::ALL);
        let places = self.disk.places(family);
        if !places.is_empty() {
            let place = self.random.pick(&places).clone();
            let bit = self.random.next();
            self.disk.flip(&place, bit);
        }
    }

    fn jump(&mut self) {
        let by = self.random.between(-YEAR_MICROS, YEAR_MICROS);
        self.clock.fetch_add(by, Ordering::Relaxed);
        self.coverage.count(Class::Fault, if by < 0 { "clock jump back" } else { "clock jump forward" });
    }

    // ---- the ledger ----

    /// Ends the process as it stands.
    fn let_go(&mut self) {
        if let Some(life) = self.life.take() {
            let times = life.redelivered.lock().map_or(0, |times| *times);
            if times > 0 {
                self.coverage.add(Class::Fault, "redelivery", times);
            }
        }
    }

    /// One step of the ledger, in the order that the seed says; or it is opened, if it is not.
    fn step(&mut self) -> Checked {
        let Some(life) = &mut self.life else { return self.open() };
        let ready: Vec<_> = Step::ALL.into_iter().filter(|step| life.stepper.is_ready(*step)).collect();
        let step = *self.random.pick(&ready);
        let errors = self.disk.errors();
        let stepped = life.stepper.step(step);
        self.acknowledged()?;
        match stepped {
            Ok(()) => check(self.disk.errors() == errors, || format!("an error of the disk is lost in {step:?}")),
            Err(error) => self.stopped(&error, errors),
        }
    }

    /// What is published is durable, and as it must be.
    fn acknowledged(&mut self) -> Checked {
        let Some(life) = &self.life else { return Ok(()) };
        let Self { oracle, coverage, disk, .. } = self;
        let published = life.handle.snapshot().sequence;
        if published == oracle.acknowledged() {
            return Ok(());
        }
        let durable = disk.masked(|| last_on_disk(disk));
        check(published <= durable, || format!("entry {} is published, {} is durable", published.0, durable.0))?;
        disk.masked(|| oracle.follow(&life.handle, coverage))
    }

    /// A ledger stops only for what has happened to it, and says what and where.
    fn stopped(&mut self, error: &ledger::Error, errors: u64) -> Checked {
        self.let_go();
        let story = story(error);
        self.count_hit();
        if let (ledger::Error::Source(source), Some(loss)) = (error, self.lost) {
            self.coverage.count(Class::Fault, loss.name());
            return check(source.code == loss.code(), || format!("stopped with {} for {}", source.code, loss.name()));
        }
        self.noticed(&story, errors)
    }

    fn noticed(&mut self, story: &str, errors: u64) -> Checked {
        check(self.disk.errors() > errors, || format!("it stops for no reason: {story}"))?;
        if story.contains(CHANGED) {
            self.coverage.count(Class::Fault, "bit flip noticed");
            check(story.contains("at key"), || format!("it does not say where the damage is: {story}"))?;
        }
        Ok(())
    }

    /// What a person does about it, sooner or later.
    fn repair(&mut self) {
        self.disk.free();
        match self.disk.mend() {
            0 => {}
            untouched => self.coverage.add(Class::Fault, "bit flip not touched", untouched),
        }
        self.broker.restore();
        self.lost = None;
    }

    fn open(&mut self) -> Checked {
        self.disk.restart();
        if self.random.one_in(2) {
            self.repair();
        }
        let errors = self.disk.errors();
        match self.opened() {
            Ok((store, ledger)) => {
                check(self.disk.errors() == errors, || "an error of the disk is lost at the start".to_owned())?;
                self.begin(&store, ledger)
            }
            Err(story) => {
                self.coverage.count(Class::Fault, "restart that failed");
                self.count_hit();
                self.noticed(&story, errors)
            }
        }
    }

    fn store(&self) -> Result<Engine<Disk>, StoreError> {
        let mark = HighWater::on(self.mark.clone());
        Engine::over(self.disk.clone(), &genesis(), hash_key(), self.segment_items, Some(mark))
    }

    fn opened(&mut self) -> Result<(Arc<Engine<Disk>>, Ledger), String> {
        let store = self.store();
        let store = Arc::new(store.map_err(|error| story(&error))?);
        let options = Options {
            block_entries_max: 1 + self.random.index(60),
            run_entries: 10 + self.random.below(150),
            patience: Duration::ZERO,
        };
        let clock = Box::new(Jumping(Arc::clone(&self.clock)));
        let rulebook = Version::FIRST.text();
        let shared = Arc::clone(&store) as Arc<dyn Store>;
        let ledger = Ledger::open(shared, Box::new(codec()), clock, rulebook.as_bytes(), options);
        Ok((store, ledger.map_err(|error| story(&error))?))
    }

    fn begin(&mut self, store: &Engine<Disk>, ledger: Ledger) -> Checked {
        self.disk.masked(|| self.oracle.recovered(store))?;
        let consumer = self.broker.consumer(ledger.positions(), self.random.fork());
        let redelivered = consumer.redelivered();
        let handle = ledger.handle();
        self.life = Some(Life { handle, stepper: ledger.steps(Box::new(consumer)), redelivered });
        self.acknowledged()
    }

    /// Somebody asks what an account stood at.
    fn read(&mut self) -> Checked {
        let Some(life) = &self.life else { return Ok(()) };
        let snapshot = life.handle.snapshot();
        let accounts: Vec<_> = snapshot.state.book().accounts().map(|(account, _)| account).collect();
        if accounts.is_empty() {
            return Ok(());
        }
        let account = *self.random.pick(&accounts);
        let sequence = Sequence(self.random.below(snapshot.sequence.0 + 1));
        let errors = self.disk.errors();
        let read = life.handle.balance_at(account, sequence).and_then(|balance| {
            let postings = life.handle.postings_of(account, Sequence(1), sequence)?;
            Ok((balance, total(&postings)))
        });
        let failed = self.disk.errors() > errors;
        match read {
            Ok((balance, posted)) => {
                check(!failed, || "an error of the disk is lost in a read".to_owned())?;
                let right = self.oracle.balance_at(account, sequence);
                let place = || format!("{account:?} at {}", sequence.0);
                check(balance == Some(right), || format!("{}: {balance:?} is read, {right:?} is right", place()))?;
                check(posted == right, || format!("{}: postings come to {posted:?}, {right:?} is right", place()))
            }
            Err(error) => {
                self.count_hit();
                self.noticed(&story(&error), errors)
            }
        }
    }

    fn count_hit(&mut self) {
        for fault in self.disk.take_hit() {
            self.coverage.count(Class::Fault, fault.name());
        }
    }

    /// The store that is left behind, with every block in a run.
    fn close(&mut self) -> Result<Arc<Engine<Disk>>, Broken> {
        self.let_go();
        let failed = |error: &dyn std::error::Error| Broken(format!("it does not open in the end: {}", story(error)));
        let store = self.store();
        let store = Arc::new(store.map_err(|error| failed(&error))?);
        let options = Options { block_entries_max: 1, run_entries: 1, patience: Duration::ZERO };
        let clock = Box::new(Jumping(Arc::clone(&self.clock)));
        let shared = Arc::clone(&store) as Arc<dyn Store>;
        Ledger::open(shared, Box::new(codec()), clock, &[], options).map_err(|error| failed(&error))?;
        self.oracle.recovered(store.as_ref())?;
        Ok(store)
    }
}

/// What postings add up to.
fn total(postings: &[Posting]) -> Balance {
    let mut total = Balance::default();
    for posting in postings {
        match posting.direction {
            Direction::Debit => total.debits += posting.minor,
            Direction::Credit => total.credits += posting.minor,
        }
    }
    total
}

/// The last sequence of the log as it lies on the disk.
fn last_on_disk(disk: &Disk) -> Sequence {
    use store::tables::Tables as _;
    let last = disk.at_or_before(Family::Blocks, &[0xFF; 8]).ok().flatten();
    let head = last.and_then(|(_, bytes)| store::block::BlockView::decode_head(&bytes).ok());
    head.map_or(Sequence(0), |head| head.last())
}
