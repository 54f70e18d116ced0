//! The n-th call to the disk fails: a read, a write, a sync, an open, a change of names or lengths, with EIO, ENOSPC or
//! EMFILE, or half done; once, or from then on. A child is run in which no call fails, to count them; then each is a case.
//!
//! A failed call is survived without a difference, or the ledger stops and names the place. What was called durable before is
//! there when the directory is opened again on a disk that works, nothing is called durable after a block or a high-water
//! mark could not be written, and no sync that has failed is tried again.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::arguments::Arguments;
use crate::judge::{self, State, Verdict};
use crate::place::Place;
use crate::random::Random;
use crate::repeat::{self, Outcome};
use crate::shim::{self, Call, Durable, Fault, IO_ERROR, KINDS, Shim};
use crate::subject::Task;
use crate::template::Template;

/// A run of the child in which calls fail.
struct Scenario {
    /// What is there before; nothing for a first start.
    begin: Option<Place>,
    task: Task,
    /// What an undisturbed run says: the end of the chain, what it is verified to be, and the head after each block.
    ended: String,
    state: State,
    heads: BTreeMap<u64, String>,
    calls: BTreeMap<String, u64>,
}

/// One call of a scenario.
#[derive(Clone, Copy, Debug)]
struct Turn {
    scenario: usize,
    kind: usize,
    at: u64,
}

struct Faults {
    shim: Shim,
    scenarios: Vec<Scenario>,
    seed: u64,
}

/// The suite.
pub(crate) fn run(arguments: &Arguments) -> Result<bool, Box<dyn Error>> {
    repeat::in_scratch(arguments, "faults", |scratch| {
        let faults = Faults::new(scratch, arguments.seed)?;
        let cases = faults.cases();
        let order = Random::shuffled(arguments.seed, cases.len() as u64);
        repeat::cases(arguments, "faults", order.len() as u64, scratch, |case, directory| {
            let place = usize::try_from(order[usize::try_from(case)?])?;
            faults.one(case, cases[place], directory)
        })
    })
}

impl Faults {
    fn new(scratch: &Path, seed: u64) -> Result<Self, Box<dyn Error>> {
        let template = Template::make(scratch)?;
        let blocks_of = |until, block_events| Task { until, block_events, run_entries: 150, ..Task::go_on() };
        let mut faults = Self { shim: Shim::compiled(scratch)?, scenarios: Vec::new(), seed };
        for (name, begin, task) in
            [("first", None, blocks_of(500, 3)), ("again", Some(template.place), blocks_of(3_400, 3))]
        {
            let scenario = faults.undisturbed(&scratch.join(name), begin, task)?;
            faults.scenarios.push(scenario);
        }
        Ok(faults)
    }

    fn undisturbed(&self, directory: &Path, begin: Option<Place>, task: Task) -> Result<Scenario, Box<dyn Error>> {
        fs::create_dir_all(directory)?;
        let place = ledger(begin.as_ref(), directory)?;
        let (task, log) = with_log(task, directory);
        let ended =
            judge::child(&place, &task, directory, "undisturbed", |command| self.shim.watch(command, &place, &log))?;
        let said = ended.out.lines().find_map(|line| line.strip_prefix("ended "));
        let said = said.ok_or_else(|| format!("an undisturbed run fails: {}", ended.err))?.to_owned();
        let state = match judge::verify(&place, directory, "verify")? {
            Verdict::Answer(state) => state,
            Verdict::Stopped(words) => return Err(words.into()),
        };
        let (calls, durable) = shim::read_log(&log)?;
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        for call in &calls {
            *counts.entry(call.kind.clone()).or_default() += 1;
        }
        let heads = durable.into_iter().map(|durable| (durable.sequence, durable.head)).collect();
        Ok(Scenario { begin, task, ended: said, state, heads, calls: counts })
    }

    /// Every call of every scenario.
    fn cases(&self) -> Vec<Turn> {
        let mut cases = Vec::new();
        for (scenario, of) in self.scenarios.iter().enumerate() {
            for (kind, (name, _)) in KINDS.iter().enumerate() {
                let calls = of.calls.get(*name).copied().unwrap_or_default();
                cases.extend((1..=calls).map(|at| Turn { scenario, kind, at }));
            }
        }
        cases
    }

    fn one(&self, case: u64, turn: Turn, directory: &Path) -> Outcome {
        let (scenario, kind) = (&self.scenarios[turn.scenario], KINDS[turn.kind]);
        let fault = Fault::of(kind, turn.at, &mut Random::new(self.seed, case));
        let place = ledger(scenario.begin.as_ref(), directory)?;
        let (task, log) = with_log(scenario.task.clone(), directory);
        let fail = |command: &mut Command| self.shim.fail(command, &place, &log, &fault);
        let ended = judge::child(&place, &task, directory, "failing", fail)?;
        let (calls, durable) = shim::read_log(&log)?;
        let failed = calls.iter().find(|call| call.error != 0);
        let what = failed.map_or_else(|| "nothing failed".to_owned(), |call| format!("{fault:?}: {call:?}"));
        let survived = match ended.code {
            Some(0) => Ok(true),
            Some(101) => Err(format!("panicked: {}", ended.err).into()),
            _ => judge::stopped(&ended, &place, failed.map(|call| call.path.as_str())).map(|_| false),
        };
        let checked = survived.and_then(|survived| {
            check_calls(&calls, &durable)?;
            self.check_again(scenario, &place, &durable, directory)?;
            Ok(survived)
        });
        let survived = checked.map_err(|error: Box<dyn Error>| format!("{what}: {error}"))?;
        Ok(match (failed, survived) {
            (None, _) => "not reached".to_owned(),
            (Some(_), true) => format!("{} survived", kind.0),
            (Some(_), false) => format!("{} stopped", kind.0),
        })
    }

    /// On a disk that works: all that was durable is there, and the rest of the stream leads where it should.
    fn check_again(
        &self,
        scenario: &Scenario,
        place: &Place,
        durable: &[Durable],
        directory: &Path,
    ) -> Result<(), Box<dyn Error>> {
        let task = Task { said: None, ..scenario.task.clone() };
        let ended = judge::child(place, &task, directory, "again", |_| {})?;
        if ended.code != Some(0) {
            return Err(format!("does not open again: {}", ended.err).into());
        }
        let opened = ended.out.lines().find_map(|line| line.strip_prefix("opened ")?.split(' ').next()?.parse().ok());
        let opened: u64 = opened.ok_or("no line says where it opened")?;
        for Durable { sequence, head, .. } in durable {
            let should_be = scenario.heads.get(sequence);
            if *sequence > opened || should_be != Some(head) {
                return Err(format!("{sequence} {head} was durable, opened at {opened}, was {should_be:?}").into());
            }
        }
        let said = ended.out.lines().find_map(|line| line.strip_prefix("ended "));
        if said != Some(scenario.ended.as_str()) {
            return Err(format!("goes on to {said:?}, should be {}", scenario.ended).into());
        }
        match judge::verify(place, directory, "verify")? {
            Verdict::Answer(state) if state == scenario.state => Ok(()),
            other => Err(format!("is {other:?}, should be {:?}", scenario.state).into()),
        }
    }
}

/// What must not be done after a call failed. A half done write that goes on is no failure.
fn check_calls(calls: &[Call], durable: &[Durable]) -> Result<(), Box<dyn Error>> {
    for call in calls.iter().filter(|call| call.error > 0) {
        // When a disk is full RocksDB goes on by itself as soon as there is room; nobody is told that anything is durable.
        if call.kind == "sync" && call.error == IO_ERROR.cast_signed() {
            let again =
                calls.iter().find(|later| later.line > call.line && later.kind == "sync" && later.path == call.path);
            if let Some(again) = again.filter(|_| !Path::new(&call.path).is_dir()) {
                return Err(format!("a failed sync is tried again: {again:?}").into());
            }
        }
        let is_log = call.path.ends_with(".log") || call.path.ends_with(".high-water");
        let is_written = is_log && (call.kind == "sync" || call.kind == "write");
        if let Some(durable) = durable.iter().find(|durable| is_written && durable.line > call.line) {
            return Err(format!("{} is called durable after that", durable.sequence).into());
        }
    }
    Ok(())
}

fn ledger(begin: Option<&Place>, directory: &Path) -> std::io::Result<Place> {
    match begin {
        Some(begin) => begin.copy_to(&directory.join("ledger")),
        None => {
            let place = Place::new(directory.join("ledger"));
            fs::create_dir_all(place.root())?;
            Ok(place)
        }
    }
}

fn with_log(task: Task, directory: &Path) -> (Task, PathBuf) {
    let log = directory.join("calls");
    (Task { said: Some(log.clone()), ..task }, log)
}
