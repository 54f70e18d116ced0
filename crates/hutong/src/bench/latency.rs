//! `hutong bench latency`: from the moment at which an event is due to the one at which it is seen durable.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use domain::ids::Sequence;
use domain::time::Timestamp;
use ingest::Publisher;
use ledger::Handle;
use serde::Serialize;
use serde_json::json;
use simulator::mix::{FileReader, NETWORKS};
use store::Store;

use super::arguments::LatencyArguments;
use super::durations::{Durations, Percentiles};
use super::report::{self, per_second, seconds};
use super::stages::{Reading, cpu_us_per_event};
use super::topics::{self, Brokers};
use super::{Prepared, source, work};
use crate::data;
use crate::exit::Exit;

/// How often events that are due are handed to the client.
const LOOK_EVERY: Duration = Duration::from_micros(500);
/// After the last event is due: a ledger that is so far behind does not keep up with the rate.
const BEHIND_MAX: Duration = Duration::from_secs(120);

#[derive(Serialize)]
struct Figures {
    #[serde(flatten)]
    input: super::Input,
    seconds: f64,
    /// Less than the rate when the ledger, or the client, did not keep up.
    events_per_second: u64,
    latency_us: Percentiles,
    /// How much of it had passed before the client had the event: what is not the ledger's, nor Kafka's.
    sent_late_us: Percentiles,
    cpu_us_per_event: BTreeMap<String, f64>,
    blocks: u64,
}

/// When every event is due, by topic and offset.
struct Schedule {
    begun: Instant,
    per_second: u64,
    /// The place of each event in the stream.
    places: [Vec<u64>; NETWORKS.len()],
    /// Events before this one are not counted.
    counted_from: u64,
}

pub(super) fn run(arguments: &LatencyArguments, out: &mut impl Write, log: &mut impl Write) -> anyhow::Result<Exit> {
    let (input, rate) = (&arguments.kafka.input, arguments.rate.events_per_second);
    let warm_up = arguments.kafka.warm_up.events(input);
    let events = input.events + warm_up;
    let prepared = Prepared::new(input, events, log)?;
    let brokers = match Brokers::ready(arguments.kafka.brokers.as_deref()) {
        Ok(brokers) => brokers,
        Err(error) => return super::kafka::unavailable(error, log),
    };
    let node = brokers.node(&prepared.path("data"), |source| Box::new(source))?;
    let funded = topics::wait_until_funded(&node)?;
    let places = places(&prepared.input())?;
    writeln!(log, "sending {rate} events a second")?;
    let before = Reading::now();
    let schedule = Schedule { begun: Instant::now(), per_second: rate, places, counted_from: warm_up };
    let (latencies, lateness) = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("bench-send".to_owned());
        let sending = thread.spawn_scoped(scope, || send(&brokers.address, &prepared.input(), &schedule))?;
        let observed = observe(&node.handle, funded, work::entries(events), &schedule);
        let sent = sending.join().map_err(|_| anyhow::anyhow!("the sender has failed"))?;
        anyhow::Ok((observed?, sent?))
    })?;
    let taken = schedule.begun.elapsed() - schedule.due(warm_up);
    let now = Reading::now();
    let figures = Figures {
        input: super::Input { events: input.events, ..prepared.written },
        seconds: seconds(taken),
        events_per_second: per_second(input.events, taken),
        latency_us: latencies.percentiles(),
        sent_late_us: lateness.percentiles(),
        cpu_us_per_event: cpu_us_per_event(&now, &before, events),
        blocks: node.store.written().blocks,
    };
    node.stop()?;
    let parameters = json!({
        "mix": input.mix.word(), "hot": input.hot, "seed": input.seed, "warm_up": warm_up,
        "rate": rate, "brokers": arguments.kafka.brokers,
    });
    report::print("latency", prepared.scratch.path(), parameters, figures, input.output, out)?;
    Ok(Exit::Clean)
}

impl Schedule {
    /// When the event at a place of the stream is due, from the beginning.
    fn due(&self, place: u64) -> Duration {
        Duration::from_nanos(place.saturating_mul(1_000_000_000) / self.per_second)
    }
}

/// By network: the places of its events in the stream, in the order of its topic.
fn places(input: &Path) -> anyhow::Result<[Vec<u64>; NETWORKS.len()]> {
    let mut places = [const { Vec::new() }; NETWORKS.len()];
    let mut reader = FileReader::open(input)?;
    let mut place = 0;
    while let Some(piece) = reader.next_piece()? {
        for record in piece {
            places[usize::from(record.source)].push(place);
            place += 1;
        }
    }
    Ok(places)
}

/// Hands over every event when it is due, or as soon after that as the client takes it; how late that was.
fn send(brokers: &str, input: &Path, schedule: &Schedule) -> anyhow::Result<Durations> {
    let mut lateness = Durations::new()?;
    let publisher = Publisher::prompt(brokers)?;
    let mut reader = FileReader::open(input)?;
    let total = schedule.places.iter().map(|places| places.len() as u64).sum();
    let mut sent = 0;
    while sent < total {
        let due = source::due(schedule.begun.elapsed(), schedule.per_second) + 1;
        let mut refused = Ok(());
        reader.take(usize::try_from(due.min(total) - sent)?, |record| {
            if refused.is_ok() {
                let time = Some(Timestamp::from_micros(record.timestamp));
                refused = publisher.send(topics::topic(record.source), record.key, record.value, time);
            }
            if sent >= schedule.counted_from {
                lateness.record(schedule.begun.elapsed().saturating_sub(schedule.due(sent)));
            }
            sent += 1;
        })?;
        refused?;
        std::thread::sleep(LOOK_EVERY);
    }
    publisher.finish(BEHIND_MAX)?;
    Ok(lateness)
}

/// Takes the time of every block that becomes visible, up to the last entry.
fn observe(handle: &Handle, from: Sequence, last: Sequence, schedule: &Schedule) -> anyhow::Result<Durations> {
    let mut latencies = Durations::new()?;
    let mut seen = [0; NETWORKS.len()];
    let mut sequence = from;
    let end = schedule.due(last.0) + BEHIND_MAX;
    while sequence < last {
        anyhow::ensure!(!handle.has_failed() && schedule.begun.elapsed() < end, "the ledger is at entry {sequence}");
        let next = Sequence(sequence.0 + 1);
        let Some(snapshot) = handle.wait_for(next, Duration::from_millis(100)) else { continue };
        let now = schedule.begun.elapsed();
        for (network, seen) in seen.iter_mut().enumerate() {
            let position = snapshot.positions[usize::from(data::FIRST_NETWORK) + network];
            let through = usize::try_from(position)?;
            for place in &schedule.places[network][*seen..through] {
                if *place >= schedule.counted_from {
                    latencies.record(now.saturating_sub(schedule.due(*place)));
                }
            }
            *seen = through;
        }
        sequence = snapshot.sequence;
    }
    Ok(latencies)
}
