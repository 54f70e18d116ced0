//! The floor: so many seeds, none of them breaks anything, and everything that can be met is met a hundred times.

use simulation::many::{self, Plan};

/// How often everything must be met when the full floor is played.
const TIMES: u64 = 100;
const SEEDS: u64 = 2_000;

/// `HUTONG_SEEDS` plays another number, `HUTONG_SEED_FROM` others: a longer run that goes on where this one ends.
#[test]
fn two_thousand_seeds_break_nothing_and_meet_every_input_answer_and_fault_a_hundred_times() {
    let number = |name: &str, or: u64| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(or);
    let (seeds, from) = (number("HUTONG_SEEDS", SEEDS), number("HUTONG_SEED_FROM", 1));
    let plan = Plan { from, seeds, floor: seeds, time: None };
    match many::run(plan, |_| {}) {
        Err((seed, broken)) => panic!("seed {seed}: {}\nagain: {}", broken.0, many::replay_command(seed)),
        Ok(summary) => {
            println!("{}{} seeds, {} entries", summary.coverage, summary.seeds, summary.entries);
            let missing = summary.coverage.missing(TIMES * seeds / SEEDS);
            assert!(missing.is_empty(), "not met often enough: {missing:?}");
        }
    }
}
