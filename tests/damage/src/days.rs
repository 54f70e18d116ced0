//! The real binary opens for writing: `hutong demo` on the directory of a day that it has kept before, with a bit of a file
//! flipped or the log cut; and on an empty one while a call to the disk fails. It keeps the whole day, through a broker, bills
//! and a bank, or stops and names the place; on a disk that works it then goes on to the same day.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::arguments::Arguments;
use crate::judge;
use crate::kinds;
use crate::place::Place;
use crate::process::{self, Ended};
use crate::random::Random;
use crate::repeat::{self, Outcome};
use crate::shim::{self, Call, Fault, KINDS, Shim};

/// Cases of a full run.
const CASES: u64 = 300;

struct Days {
    kept: Place,
    day: Value,
    calls: Vec<Call>,
    shim: Shim,
    seed: u64,
}

/// The suite.
pub(crate) fn run(arguments: &Arguments) -> Result<bool, Box<dyn Error>> {
    repeat::in_scratch(arguments, "days", |scratch| {
        let days = Days::new(scratch, arguments.seed)?;
        repeat::cases(arguments, "days", CASES, scratch, |case, directory| match case % 3 {
            0 => days.flipped(case, directory),
            1 => days.cut(case, directory),
            _ => days.failing(case, directory),
        })
    })
}

impl Days {
    fn new(scratch: &Path, seed: u64) -> Result<Self, Box<dyn Error>> {
        let kept = Place::of_day(scratch.join("day"));
        fs::create_dir_all(kept.root())?;
        let (shim, log) = (Shim::compiled(scratch)?, scratch.join("calls"));
        let ended = keep(&kept, scratch, "day", |command| shim.watch(command, &kept, &log))?;
        let day = outcome(&ended)?;
        let (calls, _) = shim::read_log(&log)?;
        Ok(Self { kept, day, calls, shim, seed })
    }

    fn flipped(&self, case: u64, directory: &Path) -> Outcome {
        let place = self.kept.copy_to(&directory.join("day"))?;
        let mut random = Random::new(self.seed, case);
        let of_ledger =
            |file: &PathBuf| fs::read(file).is_ok_and(|bytes| !bytes.is_empty() && kinds::kind(file, &bytes).is_some());
        let files: Vec<PathBuf> = place.files()?.into_iter().filter(of_ledger).collect();
        let file = &files[usize::try_from(random.below(files.len() as u64))?];
        let mut bytes = fs::read(file)?;
        let byte = usize::try_from(random.below(bytes.len() as u64))?;
        bytes[byte] ^= 1 << random.below(8);
        Place::replace(file, &bytes)?;
        self.judged(&place, directory, &format!("byte {byte} of {} flipped", file.display()), "flipped")
    }

    fn cut(&self, case: u64, directory: &Path) -> Outcome {
        let place = self.kept.copy_to(&directory.join("day"))?;
        let log = place.files()?.into_iter().rfind(|file| file.extension().is_some_and(|ending| ending == "log"));
        let log = log.ok_or("a day without a write-ahead log")?;
        let length = Random::new(self.seed, case).below(fs::metadata(&log)?.len());
        fs::OpenOptions::new().write(true).open(&log)?.set_len(length)?;
        self.judged(&place, directory, &format!("{} cut to {length}", log.display()), "cut")
    }

    fn failing(&self, case: u64, directory: &Path) -> Outcome {
        let place = Place::of_day(directory.join("day"));
        fs::create_dir_all(place.root())?;
        let mut random = Random::new(self.seed, case);
        // Reads are few, and every kind should have its turn.
        let kind = KINDS[usize::try_from(random.below(KINDS.len() as u64))?];
        let calls = self.calls.iter().filter(|call| call.kind == kind.0).count() as u64;
        let at = 1 + random.below(calls.max(1));
        let (fault, log) = (Fault::of(kind, at, &mut random), directory.join("calls"));
        let ended = keep(&place, directory, "failing", |command| self.shim.fail(command, &place, &log, &fault))?;
        let what = format!("{fault:?}");
        let stopped = self.stopped(&ended, &place).map_err(|error| format!("{what}: {error}"))?;
        let again = keep(&place, directory, "again", |_| {})?;
        match self.stopped(&again, &place).map_err(|error| format!("{what}, then: {error}"))? {
            None => Ok(format!("failing {}", if stopped.is_some() { "stopped" } else { "survived" })),
            Some(words) => Err(format!("{what}: does not go on: {words}").into()),
        }
    }

    fn judged(&self, place: &Place, directory: &Path, what: &str, done: &str) -> Outcome {
        let ended = keep(place, directory, "day", |_| {})?;
        let stopped = self.stopped(&ended, place).map_err(|error| format!("{what}: {error}"))?;
        Ok(format!("{done} {}", if stopped.is_some() { "stopped" } else { "without a difference" }))
    }

    /// The words of a run that stopped and named the place; `None` when it came to the same day.
    fn stopped(&self, ended: &Ended, place: &Place) -> Result<Option<String>, Box<dyn Error>> {
        match ended.code {
            Some(0) => {
                let day = outcome(ended)?;
                if day == self.day { Ok(None) } else { Err(format!("came to {day}, should be {}", self.day).into()) }
            }
            Some(1 | 4) => judge::stopped(ended, place, Some(&place.root().display().to_string())).map(Some),
            code => Err(format!("ended with {code:?}: {}", ended.err).into()),
        }
    }
}

/// Keeps the day in a directory.
fn keep(place: &Place, directory: &Path, name: &str, prepare: impl FnOnce(&mut Command)) -> std::io::Result<Ended> {
    let mut command = Command::new(process::hutong()?);
    command.args(["demo", "--payments", "1000", "--seed", "9", "--exit", "--output", "json"]);
    command.args(["--listen", "127.0.0.1:0", "--data-dir"]).arg(place.root());
    prepare(&mut command);
    process::run(command, directory, name)
}

/// What is the same however often a day was begun.
fn outcome(ended: &Ended) -> Result<Value, Box<dyn Error>> {
    let mut day: Value = serde_json::from_str(&ended.out).map_err(|error| format!("{error}: {}", ended.err))?;
    let of_the_day = ["day_digest", "net", "breaks", "rejected", "quarantined", "matched", "settlement", "differences"];
    if let Some(fields) = day.as_object_mut() {
        fields.retain(|name, _| of_the_day.contains(&name.as_str()));
    }
    Ok(day)
}
