//! Deliberate bugs. Each is given to a process of its own, which plays seeds until one of them breaks.

use std::io;
use std::process::Command;

use faults::Mutant;

/// What became of one bug.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hunted {
    /// The bug.
    pub mutant: Mutant,
    /// The seed that broke, and what; `None` when every seed was played to its end.
    pub noticed: Option<String>,
}

/// Gives this program every bug in turn, and at most so many seeds for each.
///
/// # Errors
/// When this build has no bugs to choose from, or the program cannot be started again.
pub fn hunt(seeds: u64, mut told: impl FnMut(&Hunted)) -> io::Result<Vec<Hunted>> {
    if !faults::MUTABLE {
        return Err(io::Error::other("this build has no mutants: build it with --features simulation/mutants"));
    }
    let program = std::env::current_exe()?;
    let hunted = Mutant::ALL.into_iter().map(|mutant| {
        let mut command = Command::new(&program);
        let output = command.args(["--seeds", &seeds.to_string()]).env("HUTONG_MUTANT", mutant.name()).output()?;
        let words = String::from_utf8_lossy(&output.stdout).into_owned();
        let broken = words.lines().find(|line| line.starts_with("seed ")).map(str::to_owned);
        let hunted = Hunted { mutant, noticed: broken.filter(|_| !output.status.success()) };
        told(&hunted);
        Ok(hunted)
    });
    hunted.collect()
}
