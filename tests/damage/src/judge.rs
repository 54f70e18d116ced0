//! What became of a ledger: the real binary derives it again and says what it is, a child opens it for writing, reads all and
//! goes on. Either answers as if nothing had happened, or it stops and names the place; anything else is a failure.

use std::error::Error;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::place::Place;
use crate::process::{self, Ended};
use crate::subject::Task;

/// What a ledger comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) entries: u64,
    pub(crate) head: String,
    pub(crate) payments: u64,
    /// Over every payment's outcome, the nets and the refusals.
    pub(crate) day: String,
}

/// An answer, or the words with which none was given.
#[derive(Clone, Debug)]
pub(crate) enum Verdict<T> {
    Answer(T),
    Stopped(String),
}

/// What a child said that opened a ledger for writing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Opened {
    /// Sequence and chain head.
    pub(crate) at: String,
    /// Balances and times as of blocks.
    pub(crate) as_of: Vec<String>,
    /// Sequence and chain head after the rest of the stream.
    pub(crate) ended: String,
}

/// `hutong verify`.
pub(crate) fn verify(place: &Place, directory: &Path, name: &str) -> Result<Verdict<State>, Box<dyn Error>> {
    let mut command = Command::new(process::hutong()?);
    command.args(["verify", "--output", "json", "--data-dir"]).arg(place.data());
    let ended = process::run(command, directory, name)?;
    match ended.code {
        Some(0) => Ok(Verdict::Answer(proven(&ended.out)?)),
        Some(1 | 4) => stopped(&ended, place, None).map(Verdict::Stopped),
        code => Err(format!("`hutong verify` ended with {code:?}: {}{}", ended.out, ended.err).into()),
    }
}

fn proven(out: &str) -> Result<State, Box<dyn Error>> {
    let outcome: Value = serde_json::from_str(out)?;
    let text = |name: &str| outcome[name].as_str().map(str::to_owned).ok_or_else(|| format!("no {name} in {out}"));
    let number = |name: &str| outcome[name].as_u64().ok_or_else(|| format!("no {name} in {out}"));
    if outcome["verdict"] != "proven" {
        return Err(format!("neither proven nor refused: {out}").into());
    }
    Ok(State {
        entries: number("entries")?,
        head: text("chain_head")?,
        payments: number("payments")?,
        day: text("day_digest")?,
    })
}

/// Runs a task in a child, with `prepare` done to the command first.
pub(crate) fn child(
    place: &Place,
    task: &Task,
    directory: &Path,
    name: &str,
    prepare: impl FnOnce(&mut Command),
) -> Result<Ended, Box<dyn Error>> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(task.to_arguments(place));
    prepare(&mut command);
    Ok(process::run(command, directory, name)?)
}

/// Opens for writing, reads everything, goes on to the end of the stream.
pub(crate) fn open(place: &Place, directory: &Path, name: &str) -> Result<Verdict<Opened>, Box<dyn Error>> {
    let ended = child(place, &Task::go_on(), directory, name, |_| {})?;
    match ended.code {
        Some(0) => Ok(Verdict::Answer(opened(&ended.out)?)),
        Some(1) => stopped(&ended, place, None).map(Verdict::Stopped),
        code => Err(format!("opening for writing ended with {code:?}: {}", ended.err).into()),
    }
}

fn opened(out: &str) -> Result<Opened, Box<dyn Error>> {
    let one = |word: &str| out.lines().find_map(|line| line.strip_prefix(word)).map(str::to_owned);
    let as_of = out.lines().filter(|line| line.starts_with("as-of ")).map(str::to_owned).collect();
    let missing = || format!("neither opened nor refused: {out}");
    Ok(Opened { at: one("opened ").ok_or_else(missing)?, as_of, ended: one("ended ").ok_or_else(missing)? })
}

/// The words of a program that stopped, if they say where: at the place that is known to be damaged, or at a file inside the
/// ledger, a family and key, an entry, the end of the log.
pub(crate) fn stopped(ended: &Ended, place: &Place, damaged: Option<&str>) -> Result<String, Box<dyn Error>> {
    let words = format!("{}{}", ended.out, ended.err);
    let (inside, mark) = (format!("{}/", place.data().display()), place.high_water().display().to_string());
    let places = [&inside, &mark, "CURRENT", "MANIFEST", " at key ", "cannot ingest run ", "entry ", "sequence "];
    let is_named = places.into_iter().chain(damaged).any(|place| words.contains(place));
    if is_named { Ok(words) } else { Err(format!("stopped without naming a place: {words}").into()) }
}
