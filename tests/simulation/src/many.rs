//! Many seeds, one after the other. The first one that breaks something ends it, with the command that plays it again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use crate::coverage::Coverage;
use crate::oracle::Broken;
use crate::world::{Played, World};

/// How many, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The first seed.
    pub from: u64,
    /// How many seeds at most.
    pub seeds: u64,
    /// How many seeds at least, however long they take.
    pub floor: u64,
    /// For how long; without it, until all seeds are played.
    pub time: Option<Duration>,
}

/// What many seeds have come to.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// How many were played.
    pub seeds: u64,
    /// Entries of their logs.
    pub entries: u64,
    /// What was met.
    pub coverage: Coverage,
}

/// Plays one seed; a panic is something broken too.
///
/// # Errors
/// What is broken.
pub fn play(seed: u64) -> Result<Played, Broken> {
    let played = catch_unwind(AssertUnwindSafe(|| World::new(seed).play()));
    played.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(Broken(format!("panic: {}", text.unwrap_or_default())))
    })
}

/// The command that plays a seed again.
#[must_use]
pub fn replay_command(seed: u64) -> String {
    format!("cargo run --release -p simulation -- --seed {seed}")
}

/// Plays the seeds of a plan. `progress` is told after every seed.
///
/// # Errors
/// The first seed that breaks something, and what.
pub fn run(plan: Plan, mut progress: impl FnMut(&Summary)) -> Result<Summary, (u64, Broken)> {
    let begun = Instant::now();
    let mut summary = Summary::default();
    for seed in plan.from..plan.from.saturating_add(plan.seeds.max(plan.floor)) {
        let is_over = plan.time.is_some_and(|time| begun.elapsed() >= time);
        if is_over && summary.seeds >= plan.floor {
            break;
        }
        let played = play(seed).map_err(|broken| (seed, broken))?;
        summary.seeds += 1;
        summary.entries += played.entries;
        summary.coverage.join(&played.coverage);
        progress(&summary);
    }
    Ok(summary)
}
