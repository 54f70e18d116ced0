//! A day of `simulator::day`, looked at from outside: what the rules say to its records, and what stands in its files.

mod files;
mod judged;
mod records;

use simulator::day::{Date, Day, DayOptions};

/// Seeds and sizes that everything is looked at with.
const DAYS: [(u64, u64); 3] = [(1, 2_000), (2, 3_000), (3, 5_000)];

fn day(seed: u64, payments: u64) -> Day {
    Day::new(DayOptions { seed, payments, date: Date::DOUBLE_ELEVEN }).expect("a possible size")
}
