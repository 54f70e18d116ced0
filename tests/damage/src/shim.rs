//! The library that makes calls to the disk fail, from the side of whoever runs a program with it: see `shim.c`.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::place::Place;
use crate::random::Random;

/// EIO.
pub(crate) const IO_ERROR: u64 = 5;
const TOO_MANY_FILES: u64 = 24;
const NO_SPACE: u64 = 28;
/// Half of what was asked for.
const SHORT: u64 = 0;

/// Kinds of calls as the library names them, and how each can fail.
pub(crate) const KINDS: [(&str, &[u64]); 5] = [
    ("read", &[IO_ERROR]),
    ("write", &[IO_ERROR, NO_SPACE, SHORT]),
    ("sync", &[IO_ERROR, NO_SPACE]),
    ("open", &[IO_ERROR, TOO_MANY_FILES, NO_SPACE]),
    ("name", &[IO_ERROR, NO_SPACE]),
];

/// Which call fails, and how.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    kind: &'static str,
    at: u64,
    error: u64,
    /// Whether every later call of the kind fails too.
    lasts: bool,
}

impl Fault {
    /// The `at`th call of a kind, with an error that it can have.
    pub(crate) fn of((kind, errors): (&'static str, &[u64]), at: u64, random: &mut Random) -> Self {
        let choice = random.below(errors.len() as u64);
        let error = errors.iter().zip(0..).find(|(_, at)| *at == choice).map_or(IO_ERROR, |(error, _)| *error);
        Self { kind, at, error, lasts: random.below(2) == 1 }
    }
}

/// The library, made for this machine.
pub(crate) struct Shim(PathBuf);

impl Shim {
    pub(crate) fn compiled(directory: &Path) -> Result<Self, Box<dyn Error>> {
        let (source, library) = (directory.join("shim.c"), directory.join("shim.so"));
        fs::write(&source, include_str!("shim.c"))?;
        let mut compiler = Command::new("cc");
        let output = compiler.args(["-O2", "-shared", "-fPIC", "-o"]).args([&library, &source]).arg("-ldl").output()?;
        if !output.status.success() {
            return Err(format!("cc cannot compile the shim: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        Ok(Self(library))
    }

    /// Lets a program write its calls down.
    pub(crate) fn watch(&self, command: &mut Command, place: &Place, log: &Path) {
        command.env("LD_PRELOAD", &self.0).env("DAMAGE_BELOW", place.root()).env("DAMAGE_LOG", log);
    }

    /// And fail.
    pub(crate) fn fail(&self, command: &mut Command, place: &Place, log: &Path, fault: &Fault) {
        self.watch(command, place, log);
        command.env("DAMAGE_KIND", fault.kind).env("DAMAGE_AT", fault.at.to_string());
        command.env("DAMAGE_ERROR", fault.error.to_string());
        command.env("DAMAGE_LASTS", u64::from(fault.lasts).to_string());
    }
}

/// A call that was written down.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) line: usize,
    pub(crate) kind: String,
    pub(crate) path: String,
    /// What it failed with; negative when half of it was done.
    pub(crate) error: i64,
}

/// What a program has called durable, and in which line of the calls.
#[derive(Clone, Debug)]
pub(crate) struct Durable {
    pub(crate) line: usize,
    pub(crate) sequence: u64,
    pub(crate) head: String,
}

/// The calls, and what was called durable between them.
pub(crate) fn read_log(log: &Path) -> Result<(Vec<Call>, Vec<Durable>), Box<dyn Error>> {
    let (mut calls, mut durable) = (Vec::new(), Vec::new());
    for (line, text) in fs::read_to_string(log)?.lines().enumerate() {
        let words: Vec<&str> = text.split(' ').collect();
        match words[..] {
            ["durable", sequence, head] => {
                durable.push(Durable { line, sequence: sequence.parse()?, head: head.to_owned() });
            }
            [kind, _, path, error] => {
                calls.push(Call { line, kind: kind.to_owned(), path: path.to_owned(), error: error.parse()? });
            }
            _ => return Err(format!("{}: not a line of it: {text}", log.display()).into()),
        }
    }
    Ok((calls, durable))
}
