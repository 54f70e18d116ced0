//! Plays seeds and prints what they have met.
//!
//! `--seed N` plays one and prints its trace. Else: `--seeds N` at most, `--from N` the first, `--floor N` at least,
//! `--for MINUTES` no longer than that once the floor is reached, `--times N` how often each kind must have been met.
//! `--mutants N` gives this program every deliberate bug in turn and N seeds to break with it; the build needs the feature.
//! `--flips N` changes N bits behind the back of each of the seeds and prints who noticed.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use simulation::flips::{self, Table};
use simulation::many::{self, Plan, Summary};
use simulation::mutants;

/// What stands on the command line.
struct Arguments {
    seed: Option<u64>,
    plan: Plan,
    times: u64,
    flips: u64,
    mutants: u64,
}

impl Arguments {
    fn read(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let plan = Plan { from: 1, seeds: 2_000, floor: 0, time: None };
        let mut read = Self { seed: None, plan, times: 0, flips: 0, mutants: 0 };
        while let Some(word) = words.next() {
            let value = words.next().ok_or_else(|| format!("{word} needs a number"))?;
            let number: u64 = value.parse().map_err(|_| format!("{word} {value}: not a number"))?;
            match word.as_str() {
                "--seed" => read.seed = Some(number),
                "--seeds" => read.plan.seeds = number,
                "--from" => read.plan.from = number,
                "--floor" => read.plan.floor = number,
                "--for" => read.plan.time = Some(Duration::from_secs(number.saturating_mul(60))),
                "--times" => read.times = number,
                "--flips" => read.flips = number,
                "--mutants" => read.mutants = number,
                _ => {
                    return Err(format!(
                        "{word} is none of --seed, --seeds, --from, --floor, --for, --times, --flips, --mutants"
                    ));
                }
            }
        }
        Ok(read)
    }
}

fn say(text: &str) {
    // Whoever closes our output does not want to know.
    let _ = writeln!(std::io::stdout(), "{text}");
}

fn main() -> ExitCode {
    match Arguments::read(std::env::args().skip(1)) {
        Err(wrong) => {
            say(&wrong);
            ExitCode::from(2)
        }
        Ok(Arguments { seed: Some(seed), .. }) => one(seed),
        Ok(arguments) if arguments.flips > 0 => flips(&arguments),
        Ok(arguments) if arguments.mutants > 0 => mutants(arguments.mutants),
        Ok(arguments) => all(&arguments),
    }
}

fn one(seed: u64) -> ExitCode {
    match many::play(seed) {
        Ok(played) => {
            let trace: String = played.trace.iter().map(|byte| format!("{byte:02x}")).collect();
            say(&format!("{}\nseed {seed}: {} entries, trace {trace}", played.coverage, played.entries));
            ExitCode::SUCCESS
        }
        Err(broken) => {
            say(&format!("seed {seed}: {}", broken.0));
            ExitCode::FAILURE
        }
    }
}

fn flips(arguments: &Arguments) -> ExitCode {
    let mut table = Table::default();
    let Plan { from, seeds, .. } = arguments.plan;
    for seed in from..from.saturating_add(seeds) {
        if let Err(broken) = flips::run(seed, arguments.flips, &mut table) {
            say(&format!("seed {seed}: {}", broken.0));
            return ExitCode::FAILURE;
        }
    }
    say(&table.to_string());
    ExitCode::SUCCESS
}

fn mutants(seeds: u64) -> ExitCode {
    let hunted = mutants::hunt(seeds, |hunted| {
        let noticed = hunted.noticed.as_deref().unwrap_or("NOT NOTICED");
        say(&format!("{:<28} {}", hunted.mutant.name(), noticed.chars().take(120).collect::<String>()));
    });
    match hunted {
        Ok(hunted) => {
            let noticed = hunted.iter().filter(|hunted| hunted.noticed.is_some()).count();
            say(&format!("mutants: {noticed} of {} noticed", hunted.len()));
            if noticed == hunted.len() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            say(&error.to_string());
            ExitCode::from(2)
        }
    }
}

fn all(arguments: &Arguments) -> ExitCode {
    let begun = Instant::now();
    let played = many::run(arguments.plan, |summary| {
        if summary.seeds.is_multiple_of(500) {
            say(&format!("{} seeds, {} entries, {} s", summary.seeds, summary.entries, begun.elapsed().as_secs()));
        }
    });
    match played {
        Ok(summary) => told(&summary, begun.elapsed(), arguments.times),
        Err((seed, broken)) => {
            say(&format!("seed {seed}: {}\nagain: {}", broken.0, many::replay_command(seed)));
            ExitCode::FAILURE
        }
    }
}

fn told(summary: &Summary, took: Duration, times: u64) -> ExitCode {
    say(&summary.coverage.to_string());
    say(&format!("{} seeds, {} entries, {} ms, nothing broken", summary.seeds, summary.entries, took.as_millis()));
    let missing = summary.coverage.missing(times);
    for (class, name, met) in &missing {
        say(&format!("met {met} times, wanted {times}: {class:?} {name}"));
    }
    if missing.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
