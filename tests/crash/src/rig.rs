//! A broker that lives as long as a suite, a service that does not, and everybody around them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use e2e::{Broker, Ended, PATIENCE, Service, make_topics, program, written};
use ingest::Admin;
use simulator::day::{Day, DayOptions, PAYMENTS_MIN};
use tempfile::TempDir;

use crate::bank::Bank;
use crate::clerk::Clerk;
use crate::feeder::Feeder;
use crate::truth::Truth;
use crate::witness::Witness;

/// Between two looks at a service.
const LOOK: Duration = Duration::from_millis(4);
/// A run ends every so many entries, so that hardly a life goes by without one.
const RUN_ENTRIES: &str = "150";
/// The database writes a file every so many bytes of blocks, for the same reason.
const MEMORY_TABLE_BYTES: &str = "131072";

/// What a failing run leaves behind.
pub(crate) struct Evidence {
    directory: Option<TempDir>,
    repeat: String,
}

impl Evidence {
    /// A directory that goes away unless something fails; `repeat` is what runs it again.
    pub(crate) fn begin(repeat: String) -> Self {
        crate::say(format_args!("repeat with {repeat}"));
        let directory = tempfile::Builder::new().prefix("hutong-crash-").tempdir();
        Self { directory: Some(directory.expect("a directory for evidence")), repeat }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.as_ref().expect("it is taken by drop only").path()
    }
}

impl Drop for Evidence {
    fn drop(&mut self) {
        if let Some(directory) = self.directory.take()
            && std::thread::panicking()
        {
            crate::say(format_args!("the evidence is in {}; repeat with {}", directory.keep().display(), self.repeat));
        }
    }
}

/// See the module. The service's own directory is the caller's choice.
pub(crate) struct Rig {
    pub(crate) address: String,
    pub(crate) data: PathBuf,
    pub(crate) day: DayOptions,
    pub(crate) truth: Arc<Truth>,
    pub(crate) witness: Arc<Witness>,
    pub(crate) feeder: Feeder,
    pub(crate) bank: Bank,
    program: PathBuf,
    _broker: Broker,
}

impl Rig {
    /// A day of so many payments, nothing of it published, and no service.
    ///
    /// # Panics
    /// When the broker does not start, or the binary with failpoints has not been built.
    pub(crate) fn begin(evidence: &Evidence, data: PathBuf, payments: u64, seed: u64) -> Self {
        let program = program("hutong-failpoints");
        assert!(program.exists(), "{} is missing: tests/crash/build.sh makes it", program.display());
        let broker = Broker::start();
        let address = broker.address();
        make_topics(&address);
        Admin::new(&address).and_then(|admin| admin.create(&[ingest::bank::TOPIC], 1)).expect("a topic for the bank");
        let truth = Arc::new(Truth::begin(&evidence.path().join("truth.txt")));
        let acknowledged = evidence.path().join("acknowledged.txt");
        let witness = Arc::new(Witness::begin(&acknowledged, Arc::clone(&truth), Clerk::new(&address)));
        let day = DayOptions { seed, payments: payments.max(PAYMENTS_MIN), ..DayOptions::default() };
        let planned = Day::new(day).expect("a day of this size");
        let feeder = Feeder::start(&address, planned, seed, Arc::clone(&truth), Arc::clone(&witness));
        let bank = Bank::open(&address);
        Self { address, data, day, truth, witness, feeder, bank, program, _broker: broker }
    }

    /// What starts the service, with runs and files that end often.
    pub(crate) fn command(&self) -> Command {
        let mut command = Service::command(&self.program, &self.address, &self.data);
        command.args(["--run-entries", RUN_ENTRIES, "--memory-table-bytes", MEMORY_TABLE_BYTES]);
        command
    }

    /// A life of the service.
    pub(crate) fn start(&self, command: Command) -> Life {
        Life { service: Service::spawn(command), witness: Arc::clone(&self.witness), following: None, serving: None }
    }

    /// A life without faults that lasts until `is_enough`, feeding all the while.
    ///
    /// # Panics
    /// When it ends by itself or the time is over.
    pub(crate) fn live_until(&mut self, mut is_enough: impl FnMut(&mut Self) -> bool) -> Life {
        let mut life = self.start(self.command());
        let begun = Instant::now();
        while !is_enough(self) {
            self.feeder.allow(16);
            assert!(life.tick(), "it ended by itself:\n{}", life.said());
            assert!(begun.elapsed() < PATIENCE, "it does not get on:\n{}", life.said());
        }
        life
    }

    /// Lets everything come to its end: the day is published, the cycle settled, every record durable and every refusal on
    /// its topic. The service stops as it should.
    ///
    /// # Panics
    /// When it does not come to that.
    pub(crate) fn finish(&mut self) {
        self.feeder.finish();
        self.bank.answer_all();
        let mut life = self.live_until(|rig| rig.feeder.has_finished() && rig.witness.clerk.is_settled());
        self.witness.clerk.rest();
        let begun = Instant::now();
        loop {
            // The first rulebook is an entry too.
            let entries = 1 + written(&self.address);
            life.wait_for(entries);
            if self.witness.last() == 1 + written(&self.address) {
                break;
            }
            assert!(begun.elapsed() < PATIENCE, "the topics do not come to an end");
        }
        let ended = life.stop(self.witness.last());
        assert_eq!(ended.code, Some(0), "{}", ended.said);
    }
}

/// One life of the service, with the witness beside it.
pub(crate) struct Life {
    service: Service,
    witness: Arc<Witness>,
    following: Option<JoinHandle<()>>,
    serving: Option<Instant>,
}

impl Life {
    /// Looks after it for a moment; whether it lives.
    ///
    /// # Panics
    /// When the witness has seen what must not be.
    pub(crate) fn tick(&mut self) -> bool {
        if self.following.as_ref().is_some_and(JoinHandle::is_finished) {
            join(self.following.take());
        }
        if let (None, Some(endpoint)) = (&self.following, self.service.endpoint()) {
            self.begins_to_serve();
            let witness = Arc::clone(&self.witness);
            self.following = Some(std::thread::spawn(move || witness.follow(&endpoint)));
        }
        std::thread::sleep(LOOK);
        self.service.is_running()
    }

    /// The first thing that it says about its log. Later it may have read again what it had lost.
    fn begins_to_serve(&mut self) {
        if self.serving.is_none() {
            let (stands_at, acknowledged) = (stands_at(&self.said()), self.witness.last());
            assert!(
                stands_at >= acknowledged,
                "LOST: entry {acknowledged} was durable, now it begins behind {stands_at}"
            );
            self.serving = Some(Instant::now());
        }
    }

    /// Looks after it for so long, or until it ends; whether it lives.
    pub(crate) fn tick_for(&mut self, time: Duration) -> bool {
        let begun = Instant::now();
        while begun.elapsed() < time {
            if !self.tick() {
                return false;
            }
        }
        true
    }

    /// Since when it serves.
    pub(crate) const fn serving(&self) -> Option<Instant> {
        self.serving
    }

    /// What it has said.
    pub(crate) fn said(&self) -> String {
        self.service.said()
    }

    /// Waits until this entry has been seen as durable.
    fn wait_for(&mut self, sequence: u64) {
        let begun = Instant::now();
        while self.witness.last() < sequence {
            assert!(self.tick() && begun.elapsed() < PATIENCE, "waiting for entry {sequence}:\n{}", self.said());
        }
    }

    /// Kills it, unless it has ended by itself.
    pub(crate) fn kill(self) -> Ended {
        let Self { service, witness, following, .. } = self;
        witness.sync();
        let ended = service.end();
        join(following);
        ended
    }

    /// Asks it to stop when everything refused up to an entry has been told.
    fn stop(mut self, told: u64) -> Ended {
        self.service.wait_told(told, PATIENCE);
        let Self { service, following, .. } = self;
        let ended = service.stop();
        join(following);
        ended
    }
}

/// The entry behind which a service went on, from what it has said.
pub(crate) fn stands_at(said: &str) -> u64 {
    let line = said.lines().find(|line| line.contains(" serving ")).expect("it serves");
    let sequence = line.split(' ').find_map(|word| word.strip_prefix("sequence="));
    sequence.and_then(|number| number.parse().ok()).expect("where it stands")
}

fn join(following: Option<JoinHandle<()>>) {
    if let Some(following) = following {
        following.join().expect("a witness who sees nothing wrong");
    }
}
