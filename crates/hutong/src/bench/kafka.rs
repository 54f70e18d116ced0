//! `hutong bench kafka`: topics that are full, read by the service's own code.

use std::io::Write;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use anyhow::Context;
use ingest::KafkaSource;
use ledger::{Input, Polled, Source, SourceError};
use serde::Serialize;
use serde_json::json;

use super::arguments::KafkaArguments;
use super::report::{self, per_second, quotient, seconds};
use super::stages::{Costs, Reading};
use super::topics::{self, Brokers};
use super::{Prepared, work};
use crate::exit::Exit;

#[derive(Serialize)]
struct Figures {
    #[serde(flatten)]
    input: super::Input,
    seconds: f64,
    events_per_second: u64,
    seconds_to_rest: f64,
    /// Of the broker, when it was started for this run.
    broker_cpu_us_per_event: Option<f64>,
    #[serde(flatten)]
    costs: Costs,
}

pub(super) fn run(arguments: &KafkaArguments, out: &mut impl Write, log: &mut impl Write) -> anyhow::Result<Exit> {
    let input = &arguments.input;
    let warm_up = arguments.warm_up.events(input);
    super::warm_up(input, warm_up, log)?;
    let prepared = Prepared::new(input, input.events, log)?;
    writeln!(log, "filling the topics")?;
    let brokers = match Brokers::ready(arguments.brokers.as_deref()) {
        Ok(brokers) => brokers,
        Err(error) => return unavailable(error, log),
    };
    let data = prepared.path("data");
    let funded = brokers.node(&data, |source| Box::new(source))?;
    topics::wait_until_funded(&funded)?;
    funded.stop()?;
    brokers.fill(&prepared.input())?;

    writeln!(log, "reading them")?;
    let broker = brokers.own.as_ref().and_then(broker::Broker::process).map(|process| process.to_string());
    let of_broker = || broker.as_deref().map(Reading::of);
    let (before, broker_before) = (Reading::now(), of_broker());
    let first = Arc::new(OnceLock::new());
    let noted = Arc::clone(&first);
    let node = brokers.node(&data, |source| Box::new(Noting { source, first: noted }))?;
    let visible = work::wait_for(&node.handle, work::entries(input.events), || node.is_finished())?;
    let broker_nanos = of_broker().zip(broker_before).map(|(now, before)| now.since(&before).values().sum::<u64>());
    let (rested, rest) = Reading::now().at_rest();
    let begun = *first.get().context("the topics were empty")?;
    let figures = Figures {
        input: prepared.written,
        seconds: seconds(visible - begun),
        events_per_second: per_second(input.events, visible - begun),
        seconds_to_rest: seconds(rested.saturating_duration_since(begun)),
        broker_cpu_us_per_event: broker_nanos
            .map(|nanos| quotient(u128::from(nanos), u128::from(input.events) * 1_000)),
        costs: Costs::new(&rest, &before, node.store.as_ref(), input.events)?,
    };
    node.stop()?;
    let parameters = json!({
        "mix": input.mix.word(), "hot": input.hot, "seed": input.seed, "warm_up": warm_up, "brokers": arguments.brokers,
    });
    report::print("kafka", prepared.scratch.path(), parameters, figures, input.output, out)?;
    Ok(Exit::Clean)
}

/// Brokers that do not answer are worth trying again; everything else is not.
pub(super) fn unavailable(error: anyhow::Error, log: &mut impl Write) -> anyhow::Result<Exit> {
    match error.downcast::<ingest::Error>() {
        Ok(error) => crate::kafka::failed(error, log),
        Err(error) => Err(error),
    }
}

/// Notes when the first record comes.
struct Noting {
    source: KafkaSource,
    first: Arc<OnceLock<Instant>>,
}

impl Source for Noting {
    fn poll(&mut self, max: usize, patience: Duration, take: &mut dyn FnMut(Input<'_>)) -> Result<Polled, SourceError> {
        if self.first.get().is_some() {
            return self.source.poll(max, patience, take);
        }
        self.source.poll(max, patience, &mut |input| {
            self.first.get_or_init(Instant::now);
            take(input);
        })
    }
}
