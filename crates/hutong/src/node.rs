//! A ledger at work: its data directory, the topics that it reads, the topic on which refusals go back, and the door through
//! which it is asked.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use api::{CommandSink, SinkError};
use faults::Point;
use ingest::{KafkaSource, Lags, Putter, Rejections, Start};
use ledger::{Handle, Ledger, Options, Running, Source};
use store::RocksStore;

use crate::data::{self, Place, Sizes, SystemClock};
use crate::kafka;

/// A supervisor asks, waits ten seconds, and kills: calls under way get the first of them, the block in hand the rest.
const CALLS_WITHIN: Duration = Duration::from_secs(3);
const STOP_WITHIN: Duration = Duration::from_secs(6);
/// What is refused in the last block should be told before the service ends; after that it is told at the next start.
const REJECTIONS_WITHIN: Duration = Duration::from_millis(500);

/// Whose topics a ledger reads.
#[derive(Clone, Copy)]
pub(crate) enum Topics<'a> {
    /// Those of a cluster that keeps them, from the positions that the ledger holds.
    Kept {
        /// The cluster's id.
        cluster: &'a str,
    },
    /// Those of a broker in this process, made anew at every start.
    Anew {
        /// [`ingest::LocalBroker::incarnation`].
        incarnation: [u8; 16],
    },
}

/// See the module.
pub(crate) struct Node {
    pub(crate) handle: Handle,
    pub(crate) store: Arc<RocksStore>,
    pub(crate) lags: Lags,
    pub(crate) rejections: Rejections,
    running: Running,
    door: Option<api::Running>,
}

/// Where changing calls put their commands.
#[derive(Debug)]
struct ControlTopic(Putter);

impl CommandSink for ControlTopic {
    fn put(&self, key: &[u8], value: &[u8]) -> Result<i64, SinkError> {
        faults::pass(Point::CommandMade);
        let offset = self.0.put(key, value, kafka::PATIENCE).map_err(|error| SinkError(error.to_string()))?;
        faults::pass(Point::CommandPut);
        Ok(offset)
    }
}

/// Opens the ledger of a cluster's topics in a data directory; an empty one begins with `rulebook`.
pub(crate) fn open(
    topics: Topics<'_>,
    place: &Place,
    rulebook: &str,
    sizes: Sizes,
) -> anyhow::Result<(Ledger, Arc<RocksStore>, Vec<Start>)> {
    let cluster = match topics {
        Topics::Kept { cluster } => cluster,
        Topics::Anew { .. } => ingest::LocalBroker::CLUSTER,
    };
    let store = data::open(place, &data::genesis(cluster), sizes)?;
    let options = Options { run_entries: sizes.run_entries, ..Options::default() };
    let (codec, clock) = (Box::new(data::codec()), Box::new(SystemClock));
    let ledger = Ledger::open(Arc::<RocksStore>::clone(&store), codec, clock, rulebook.as_bytes(), options);
    let context = || format!("cannot open the ledger in {}", place.data_dir.display());
    let mut ledger = ledger.with_context(context).map_err(data::with_code)?;
    if let Topics::Anew { incarnation } = topics {
        read_from_the_beginning(&mut ledger, &incarnation)?;
    }
    let starts = kafka::starts(&ledger.handle(), ledger.positions())?;
    Ok((ledger, store, starts))
}

/// Topics that a ledger has read from before, and that are gone, are noted as made anew.
fn read_from_the_beginning(ledger: &mut Ledger, incarnation: &[u8; 16]) -> anyhow::Result<()> {
    if ledger.positions().iter().any(|position| *position > 0) {
        for (source, _) in (0_u16..).zip(data::TOPICS) {
            ledger.record_incarnation(source, &data::hex(incarnation))?;
        }
    }
    Ok(())
}

impl Node {
    /// Puts an open ledger to work.
    pub(crate) fn start(brokers: &str, opened: (Ledger, Arc<RocksStore>, Vec<Start>)) -> Result<Self, ingest::Error> {
        Self::start_observed(brokers, opened, |source| Box::new(source))
    }

    /// The same, with something between the topics and the ledger that sees what comes in.
    pub(crate) fn start_observed(
        brokers: &str,
        (ledger, store, starts): (Ledger, Arc<RocksStore>, Vec<Start>),
        observed: impl FnOnce(KafkaSource) -> Box<dyn Source>,
    ) -> Result<Self, ingest::Error> {
        let handle = ledger.handle();
        let source = KafkaSource::open(brokers, starts, kafka::PATIENCE)?;
        let lags = source.lags();
        let rejections = Rejections::start(brokers, handle.clone(), kafka::PATIENCE)?;
        let running = ledger.start(observed(source)).map_err(|error| ingest::Error::Local(error.to_string()))?;
        Ok(Self { handle, store, lags, rejections, running, door: None })
    }

    /// Answers calls until it is stopped; where.
    ///
    /// # Errors
    /// When nobody may or can listen there.
    pub(crate) fn serve(&mut self, brokers: &str, options: &api::Options) -> anyhow::Result<std::net::SocketAddr> {
        let control = Putter::new(brokers, data::TOPICS[usize::from(data::CONTROL)])?;
        let commands: Option<Arc<dyn CommandSink>> = Some(Arc::new(ControlTopic(control)));
        let options = api::Options { commands, shutdown_patience: CALLS_WITHIN, ..options.clone() };
        let door = api::start(self.handle.clone(), &options)?;
        let address = door.address();
        self.door = Some(door);
        Ok(address)
    }

    /// Whether it has ended by itself.
    pub(crate) fn is_finished(&self) -> bool {
        self.running.is_finished()
    }

    /// Waits until everything that is on the topics now is durable.
    pub(crate) fn wait_until_read(&self, patience: Duration) -> anyhow::Result<()> {
        let asked = Instant::now();
        loop {
            let durable = self.handle.snapshot();
            let ends = self.lags.now().into_iter().map(|lag| lag.end.map(|end| (lag.position, end)));
            let is_read = |(end, durable): (Option<(i64, i64)>, &i64)| {
                end.is_some_and(|(position, end)| position >= end && *durable >= end)
            };
            if ends.zip(&durable.positions).all(is_read) {
                return Ok(());
            }
            anyhow::ensure!(!self.is_finished(), "the ledger has stopped");
            anyhow::ensure!(asked.elapsed() < patience, "the ledger has not read its topics within {patience:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// What was applied becomes durable, nothing more is read.
    pub(crate) fn stop(self) -> anyhow::Result<()> {
        // First, so that calls under way still see what they wait for.
        if let Some(door) = self.door {
            door.stop();
        }
        self.running.stop();
        let asked = Instant::now();
        while !self.running.is_finished() {
            anyhow::ensure!(
                asked.elapsed() < STOP_WITHIN,
                "the ledger did not finish its block in time; it is read again"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        let ended = self.running.wait();
        self.rejections.finish(REJECTIONS_WITHIN);
        match ended {
            Err(ledger::Error::Source(error)) => Err(kafka::with_code(&error)),
            ended => ended.context("the ledger stopped").map_err(data::with_code),
        }
    }
}
