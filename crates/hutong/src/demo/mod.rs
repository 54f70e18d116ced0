//! `hutong demo`: a business day of three networks through Kafka into the ledger, netted, matched with the networks' bill
//! files and settled, and every figure held against what the simulator wrote down before it began.
//!
//! The directory belongs to one day: seed, size and date are written into it first. Run again there, the day is published
//! again; what the ledger has is answered as a duplicate, and the day ends as it would have.

mod bank;
mod outcome;
mod place;

use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use domain::cycle::CycleId;
use domain::money::CNY;
use domain::time::Timestamp;
use ingest::bank::Worker;
use ingest::{LocalBroker, Paced};
use recon::Files;
use signal_hook::consts::{SIGINT, SIGTERM};
use simulator::day::{Day, Meaning};

use crate::clerk::Clerk;
use crate::cli::{DemoArguments, Output};
use crate::data::Sizes;
use crate::exit::Exit;
use crate::node::{self, Node, Topics};
use crate::{data, kafka, reconcile, serve, settle, simulate};
use outcome::Outcome;
use place::Place;

/// How long what is ahead of the ledger may take, and how long the bank.
const PATIENCE: Duration = Duration::from_secs(120);
/// The cycle that the day's cut-over closes.
const CYCLE: CycleId = CycleId { currency: CNY, number: 1 };
/// The day's nets are proposed by the worker and approved by somebody else.
const APPROVER: &str = "settlement-officer";
/// Bills are there, and read, at ten in the morning after.
const MORNING_SECONDS: u32 = 10 * 3_600;
const BEIJING_SECONDS: i32 = 8 * 3_600;

pub(crate) fn run(arguments: &DemoArguments, out: &mut impl Write, log: &mut impl Write) -> anyhow::Result<Exit> {
    serve::log_to_standard_error(tracing::Level::WARN);
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&stop)).context("cannot listen for signals")?;
    }
    let options = api::Options { listen: arguments.listen, ..api::Options::default() };
    options.check().context("the demonstration answers this machine only")?;
    let day = simulate::plan(&arguments.day)?;
    let place = Place::new(arguments.data_dir.as_deref())?;
    if let Some(other) = place.claim(&arguments.day)? {
        writeln!(log, "hutong: {} holds another day ({other}); give another --data-dir", place.path.display())?;
        return Ok(Exit::Refused);
    }
    simulate::write(&day, &place.path)?;
    let mut stage = Stage { log, quiet: !std::io::stderr().is_terminal(), begun: Instant::now() };
    stage.say(format_args!("bills and truth of the day are in {}", place.path.display()))?;
    let broker = match Broker::of(arguments.brokers.as_deref()) {
        Ok(broker) => broker,
        Err(error) => return kafka::failed(error, stage.log),
    };
    let ledger = data::Place::of(&place.path.join("ledger"));
    let opened = node::open(broker.topics(), &ledger, rulebook::DEFAULT, Sizes::default())?;
    let mut node = match Node::start(&broker.address, opened) {
        Ok(node) => node,
        Err(error) => return kafka::failed(error, stage.log),
    };
    let address = match arguments.exit {
        true => None,
        false => Some(node.serve(&broker.address, &options)?),
    };
    let live =
        Live { arguments, day: &day, place: &place, brokers: &broker.address, node: &node, address, stop: &stop };
    let ended = live.through(&mut stage).and_then(|outcome| live.tell(&outcome, out, stage.log));
    node.stop()?;
    ended
}

/// The brokers of the day: somebody else's, or one in this process.
struct Broker {
    address: String,
    cluster: String,
    local: Option<LocalBroker>,
}

impl Broker {
    fn of(given: Option<&str>) -> Result<Self, ingest::Error> {
        match given {
            Some(brokers) => {
                Ok(Self { address: brokers.to_owned(), cluster: cluster_with_topics(brokers)?, local: None })
            }
            None => {
                let local = LocalBroker::start(&topics())?;
                Ok(Self { address: local.bootstrap(), cluster: String::new(), local: Some(local) })
            }
        }
    }

    const fn topics(&self) -> Topics<'_> {
        match &self.local {
            Some(local) => Topics::Anew { incarnation: local.incarnation() },
            None => Topics::Kept { cluster: self.cluster.as_str() },
        }
    }
}

/// Every topic that the day needs.
fn topics() -> Vec<&'static str> {
    let mut topics = data::TOPICS.to_vec();
    topics.extend([ingest::REJECTED, ingest::bank::TOPIC]);
    topics
}

/// Makes on somebody else's cluster the topics that are not there.
fn cluster_with_topics(brokers: &str) -> Result<String, ingest::Error> {
    for topic in topics() {
        match ingest::check(brokers, &[topic], kafka::PATIENCE) {
            Err(ingest::Error::Source(_)) => ingest::Admin::new(brokers)?.create(&[topic], 1)?,
            answered => drop(answered?),
        }
    }
    ingest::check(brokers, &topics(), kafka::PATIENCE)
}

/// Tells a person how far it is.
struct Stage<'a, W> {
    log: &'a mut W,
    quiet: bool,
    begun: Instant,
}

impl<W: Write> Stage<'_, W> {
    fn say(&mut self, what: std::fmt::Arguments<'_>) -> std::io::Result<()> {
        let over = self.over();
        writeln!(self.log, "{over}{:6.1} s  {what}", self.begun.elapsed().as_secs_f64())
    }

    /// What the next line is written over.
    fn pass(&mut self, what: std::fmt::Arguments<'_>) {
        if !self.quiet {
            let over = self.over();
            let _ = write!(self.log, "{over}{:6.1} s  {what}", self.begun.elapsed().as_secs_f64());
            let _ = self.log.flush();
        }
    }

    /// Back to the beginning of a line, which is cleared: terminals only.
    const fn over(&self) -> &'static str {
        if self.quiet { "" } else { "\r\x1b[K" }
    }
}

/// A day that is under way.
struct Live<'a> {
    arguments: &'a DemoArguments,
    day: &'a Day,
    place: &'a Place,
    brokers: &'a str,
    node: &'a Node,
    address: Option<SocketAddr>,
    stop: &'a AtomicBool,
}

impl Live<'_> {
    fn through<W: Write>(&self, stage: &mut Stage<'_, W>) -> anyhow::Result<Outcome> {
        let handle = &self.node.handle;
        let (records, seconds) = self.publish(stage)?;
        stage.say(format_args!("{records} records are in the ledger, {seconds:.1} s; cycle CNY/1 is closed"))?;

        let date = self.arguments.day.date;
        let morning = Some(Timestamp::from_civil(date.plus_days(1), MORNING_SECONDS, BEIJING_SECONDS));
        let mut worker = Clerk::new(self.brokers, handle.clone(), reconcile::PRINCIPAL, morning)?;
        let files = Files::of_directory(&self.place.bills())?;
        let report = reconcile::reconcile(&files, handle, date, Some(&mut worker), stage.log)?;
        stage.say(format_args!("{report}"))?;

        let approver = Clerk::new(self.brokers, handle.clone(), APPROVER, morning)?;
        let bank = self.open_bank()?;
        let settlement = settle::settle(&worker, &approver, handle, CYCLE, PATIENCE)?;
        drop(bank);
        let transfers = settlement.instructions.len();
        stage.say(format_args!("the settlement bank has confirmed {transfers} transfers; cycle CNY/1 is settled"))?;

        let verified = audit::verify(self.node.store.as_ref(), &data::codec(), |progress| {
            stage.pass(format_args!("verifying entry {} of {}", progress.through, progress.of));
        })?;
        Ok(Outcome::new(&self.day.truth(), &handle.snapshot().state, CYCLE, &report, &verified, (records, seconds)))
    }

    /// Puts the day onto its topics, a batch at a time; how many records, and how many seconds until all were durable.
    fn publish<W: Write>(&self, stage: &mut Stage<'_, W>) -> anyhow::Result<(u64, f64)> {
        let mut paced = Paced::new(self.brokers, self.node.lags.clone(), PATIENCE)?;
        let (begun, mut records) = (Instant::now(), 0_u64);
        for batch in self.day.batches() {
            anyhow::ensure!(!self.stop.load(Ordering::Acquire), "stopped; run again with the same --data-dir to go on");
            anyhow::ensure!(!self.node.is_finished(), "the ledger has stopped");
            for record in &batch.records {
                let at = Timestamp::from_micros(record.recorded_at_micros);
                paced.send(&record.topic, &record.key, &record.value, Some(at))?;
                records += 1;
            }
            paced.taken()?;
            if batch.meaning != Meaning::Prefund {
                stage.pass(format_args!("{records} records"));
            }
        }
        self.node.wait_until_read(PATIENCE)?;
        Ok((records, begun.elapsed().as_secs_f64()))
    }

    /// Our ends of the bank's topic, and the bank's.
    fn open_bank(&self) -> Result<[Worker; 3], ingest::Error> {
        let [outbox, answers] = settle::speak_to_bank(self.brokers, &self.node.handle)?;
        let counter = ingest::bank::keep_counter(self.brokers, bank::Counter::new(self.arguments.day.seed))?;
        Ok([outbox, answers, counter])
    }

    fn tell(&self, outcome: &Outcome, out: &mut impl Write, log: &mut impl Write) -> anyhow::Result<Exit> {
        match self.arguments.output {
            Output::Json => writeln!(out, "{}", serde_json::to_string(outcome)?)?,
            Output::Table => outcome.print(out)?,
        }
        out.flush()?;
        if !outcome.agrees() {
            return Ok(Exit::Error);
        }
        if let Some(address) = self.address {
            writeln!(log, "\nThe ledger answers on {address} until Ctrl-C. Ask it:")?;
            writeln!(log, "  hutong net --cycle CNY/1 --explain --endpoint http://{address}")?;
            writeln!(log, "  hutong balances --endpoint http://{address}")?;
            writeln!(log, "  hutong events --from 1000 --endpoint http://{address} | head")?;
            while !self.stop.load(Ordering::Acquire) && !self.node.is_finished() {
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        Ok(Exit::Clean)
    }
}
