//! A ledger on a real database that a test feeds record by record, and the service over it.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use api::{CommandSink, SinkError};
use domain::ids::Sequence;
use domain::time::Timestamp;
use ledger::{Clock, Handle, Input, Ledger, Polled, Snapshot, Source, SourceError};
use simulator::mix::{self, Mix, Stream};
use store::genesis::{Genesis, Source as Topic};
use store::hash::HashKey;
use store::{RocksOptions, RocksStore};
use wire::codec::WireCodec;

const TOPICS: [&str; 4] = ["hutong.control", "payments.unionpay", "payments.tenpay", "payments.alipay"];
const CONTROL: u16 = 0;
const PATIENCE: Duration = Duration::from_secs(10);

/// One record, kept until the ledger asks.
#[derive(Debug)]
struct Record {
    source: u16,
    arrived_at: Timestamp,
    key: Vec<u8>,
    raw: Vec<u8>,
}

/// What a source is told: a record, or to fail.
#[derive(Debug)]
enum Sent {
    Record(Record),
    Failure,
}

/// A source that gives what it is sent.
struct Tap {
    records: Receiver<Sent>,
    offsets: [i64; TOPICS.len()],
}

impl Source for Tap {
    fn poll(&mut self, max: usize, patience: Duration, take: &mut dyn FnMut(Input<'_>)) -> Result<Polled, SourceError> {
        for taken in 0..max {
            let wait = if taken == 0 { patience } else { Duration::ZERO };
            let Record { source, arrived_at, key, raw } = match self.records.recv_timeout(wait) {
                Ok(Sent::Record(record)) => record,
                Ok(Sent::Failure) => return Err(broken()),
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => return Ok(Polled::Ended),
            };
            let offset = &mut self.offsets[usize::from(source)];
            take(Input { source, offset: *offset, arrived_at, key: &key, raw: &raw });
            *offset += 1;
        }
        Ok(Polled::Open)
    }
}

/// The control topic: whoever puts a record is told its offset.
#[derive(Debug)]
struct Control(Mutex<(Sender<Sent>, i64)>);

impl Control {
    fn put(&self, key: Vec<u8>, raw: Vec<u8>) -> i64 {
        let mut topic = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let record = Record { source: CONTROL, arrived_at: Timestamp::default(), key, raw };
        topic.0.send(Sent::Record(record)).expect("the ledger runs");
        topic.1 += 1;
        topic.1 - 1
    }
}

/// The service's way to it.
#[derive(Debug)]
struct Sink(Arc<Control>);

impl CommandSink for Sink {
    fn put(&self, key: &[u8], value: &[u8]) -> Result<i64, SinkError> {
        Ok(self.0.put(key.to_vec(), value.to_vec()))
    }
}

fn broken() -> SourceError {
    SourceError { source_name: "test".to_owned(), reason: "was told to fail".to_owned(), code: "KAFKA_FATAL" }
}

/// Ticks a millisecond a reading, from a day of the generated traffic on.
struct Ticking(std::sync::atomic::AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.fetch_add(1_000, std::sync::atomic::Ordering::Relaxed))
    }
}

/// Noon of 2026-11-20, a Friday, in Beijing.
pub const BEGIN_SECONDS: i64 = 1_795_147_200;

/// A ledger, its service, and the way to feed it.
pub struct Service {
    // In this order they end: the service, the ledger, its directory.
    api: api::Running,
    running: Option<ledger::Running>,
    records: Option<Sender<Sent>>,
    control: Arc<Control>,
    handle: Handle,
    stream: Stream,
    sent: u64,
    commands: u8,
    _directory: tempfile::TempDir,
}

impl Service {
    /// A ledger with prefunded networks and nothing else, served on a free port.
    ///
    /// # Panics
    /// When anything fails, as everything here.
    #[must_use]
    pub fn start(options: api::Options) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let topic = |name: &&str| Topic { topic: (*name).to_owned(), topic_id: String::new(), partitions: 1 };
        let genesis = Genesis { cluster: "test".to_owned(), shard: 0, sources: TOPICS.iter().map(topic).collect() };
        let store = RocksStore::open(directory.path(), &genesis, HashKey::random(), &RocksOptions::default());
        let codec = WireCodec::new(|text| rulebook::parse(text).map_err(|error| error.to_string()));
        let clock = Ticking((BEGIN_SECONDS * 1_000_000).into());
        // Small runs, so that a short test reads flushed history as well as what is not flushed yet.
        let small = ledger::Options { block_entries_max: 64, run_entries: 1_000, patience: Duration::from_millis(1) };
        let store = Arc::new(store.expect("a data directory"));
        let rules = rulebook::DEFAULT.as_bytes();
        let ledger = Ledger::open(store, Box::new(codec), Box::new(clock), rules, small).expect("a ledger");
        let handle = ledger.handle();
        let (records, tap) = channel();
        let running = ledger.start(Box::new(Tap { records: tap, offsets: [0; TOPICS.len()] })).expect("threads");
        let listen = "127.0.0.1:0".parse().expect("an address");
        let control = Arc::new(Control(Mutex::new((records.clone(), 0))));
        let commands: Arc<dyn CommandSink> = Arc::new(Sink(Arc::clone(&control)));
        let options = api::Options { listen, commands: Some(commands), ..options };
        let api = api::start(handle.clone(), &options).expect("a free port");
        let stream = Stream::new(Mix::Natural, 1_000_000, 7);
        let mut service = Self {
            api,
            running: Some(running),
            records: Some(records),
            control,
            handle,
            stream,
            // The rulebook is the first entry.
            sent: 1,
            commands: 0,
            _directory: directory,
        };
        for (network, minor) in mix::prefunds() {
            service.send(CONTROL, Timestamp::default(), Vec::new(), wire::control::prefund(network, minor));
        }
        service.durable();
        service
    }

    fn send(&mut self, source: u16, arrived_at: Timestamp, key: Vec<u8>, raw: Vec<u8>) {
        if source == CONTROL {
            self.control.put(key, raw);
            self.sent += 1;
            return;
        }
        let records = self.records.as_ref().expect("the source is open");
        records.send(Sent::Record(Record { source, arrived_at, key, raw })).expect("the ledger runs");
        self.sent += 1;
    }

    /// Sends the next `count` events of generated traffic and waits until they are durable.
    pub fn events(&mut self, count: u64) -> Arc<Snapshot> {
        for _ in 0..count {
            let sent = self.stream.next_event().expect("a long stream");
            let record = sent.record;
            let (key, raw) = (record.key.to_vec(), record.value.to_vec());
            let (source, at) = (record.source + 1, Timestamp::from_micros(record.timestamp));
            self.send(source, at, key, raw);
        }
        self.durable()
    }

    /// Sends a command, the part `command` of a line as `hutong publish` reads it, and waits for its outcome.
    pub fn command(&mut self, command: &str) -> Arc<Snapshot> {
        self.commands += 1;
        let number = self.commands;
        // Sixteen bytes, of which the last is the number, in base64.
        let id = format!("AAAAAAAAAAAAAAAAAAAA{}A==", char::from(b'A' + number));
        let line = format!(
            r#"{{"command":{{"commandId":"{id}","principal":"tester","idempotencyKey":"key-{number}",{command}}}}}"#
        );
        let record = wire::json::publish_line(&line).expect("a command");
        self.send(CONTROL, Timestamp::default(), record.key, record.value);
        self.durable()
    }

    /// Sends a payment event, the part `paymentEvent` of a line as `hutong publish` reads it, from a network of the topics,
    /// and waits for its outcome.
    ///
    /// # Panics
    /// When it is no event of such a network.
    pub fn event(&mut self, event: &str) -> Arc<Snapshot> {
        let record = wire::json::publish_line(&format!(r#"{{"paymentEvent":{event}}}"#)).expect("an event");
        let topic = record.topic.name();
        let source = TOPICS.iter().position(|name| *name == topic).expect("a topic of the shard");
        let at = Timestamp::from_micros(BEGIN_SECONDS * 1_000_000);
        self.send(u16::try_from(source).expect("few topics"), at, record.key, record.value);
        self.durable()
    }

    /// Counts in what the service itself has put onto the control topic.
    pub fn catch_up(&mut self) -> Arc<Snapshot> {
        let newest = self.handle.snapshot();
        self.sent = newest.sequence.0;
        newest
    }

    /// Closes the open cycle of CNY.
    pub fn cut_over(&mut self, number: u64) -> Arc<Snapshot> {
        let cycle = format!(r#"{{"currencyCode":"CNY","number":"{number}"}}"#);
        self.command(&format!(r#""cutOver":{{"cycle":{cycle},"reportingNetwork":"unionpay"}}"#))
    }

    fn durable(&self) -> Arc<Snapshot> {
        let snapshot = self.handle.wait_for(Sequence(self.sent), PATIENCE);
        let newest = self.handle.snapshot().sequence;
        let snapshot = snapshot
            .unwrap_or_else(|| panic!("at {newest}, not at {}; failed: {}", self.sent, self.handle.has_failed()));
        assert_eq!(snapshot.sequence, Sequence(self.sent), "one entry a record");
        snapshot
    }

    /// Makes the source fail, and with it the ledger.
    ///
    /// # Panics
    /// When the ledger goes on all the same.
    pub fn fail(&self) {
        self.records.as_ref().expect("the source is open").send(Sent::Failure).expect("the ledger runs");
        let begun = std::time::Instant::now();
        while !self.handle.has_failed() {
            assert!(begun.elapsed() < PATIENCE, "the ledger goes on");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// What the ledger itself says.
    #[must_use]
    pub const fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Where it listens.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.api.address())
    }

    /// A client with a short deadline.
    #[must_use]
    pub fn client(&self) -> client::Client {
        let options = client::Options { deadline: Duration::from_secs(5) };
        client::Client::new(&self.endpoint(), options).expect("an address")
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // An ended source ends the ledger.
        self.records = None;
        if let Some(running) = self.running.take() {
            running.stop();
            let ended = running.wait();
            assert!(std::thread::panicking() || ended.is_ok() || self.handle.has_failed(), "{ended:?}");
        }
    }
}

/// Runs what asks the service; the service itself has threads of its own.
///
/// # Panics
/// When there are no threads to be had.
pub fn asking<T>(questions: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(questions)
}
