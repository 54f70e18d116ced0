//! `hutong bench engine`: the engine alone.

use std::io::Write;
use std::time::Instant;

use serde::Serialize;
use serde_json::json;

use super::arguments::EngineArguments;
use super::report::{self, per_second, quotient, seconds};
use super::stages::{Costs, Reading};
use super::work::{self, Work};
use super::{Input, Prepared, fixed_loop};
use crate::data;
use crate::exit::Exit;

#[derive(Serialize)]
struct Figures {
    #[serde(flatten)]
    input: Input,
    seconds: f64,
    events_per_second: u64,
    seconds_to_rest: f64,
    loop_events_per_second: u64,
    ratio_to_loop: f64,
    #[serde(flatten)]
    costs: Costs,
    entries: u64,
    chain_head: String,
}

pub(super) fn run(arguments: &EngineArguments, out: &mut impl Write, log: &mut impl Write) -> anyhow::Result<Exit> {
    let input = &arguments.input;
    let warm_up = arguments.warm_up.events(input);
    super::warm_up(input, warm_up, log)?;
    let prepared = Prepared::new(input, input.events, log)?;
    let looped = fixed_loop::run(&prepared.input())?;
    writeln!(log, "applying them")?;
    let before = Reading::now();
    let begun = Instant::now();
    let work = Work::begin(&prepared.path("data"), &prepared.input(), None)?;
    let taken = work.wait_for(work::entries(input.events))? - begun;
    let (rested, rest) = Reading::now().at_rest();
    let costs = Costs::new(&rest, &before, work.store.as_ref(), input.events)?;
    let end = work.handle.snapshot();
    work.end()?;
    let (engine, fixed) = (per_second(input.events, taken), per_second(input.events, looped));
    let directory = prepared.directory().to_owned();
    let figures = Figures {
        input: prepared.written,
        seconds: seconds(taken),
        events_per_second: engine,
        seconds_to_rest: seconds(rested - begun),
        loop_events_per_second: fixed,
        ratio_to_loop: quotient(u128::from(engine), u128::from(fixed)),
        costs,
        entries: end.sequence.0,
        chain_head: data::hex(&end.head),
    };
    let parameters = json!({ "mix": input.mix.word(), "hot": input.hot, "seed": input.seed, "warm_up": warm_up });
    report::print("engine", &directory, parameters, figures, input.output, out)?;
    Ok(Exit::Clean)
}
