//! Case after case, until there are enough: how many were done and how they ended, one line a suite.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use crate::arguments::Arguments;
use crate::story;

/// How a case ended well, in words that the last line counts.
pub(crate) type Outcome = Result<String, Box<dyn Error>>;

/// Works in a directory that is gone afterwards, unless something went wrong.
pub(crate) fn in_scratch(
    arguments: &Arguments,
    suite: &str,
    work: impl FnOnce(&Path) -> Result<bool, Box<dyn Error>>,
) -> Result<bool, Box<dyn Error>> {
    let scratch = tempfile::Builder::new().prefix(&format!("damage-{suite}-")).tempdir_in(&arguments.directory)?;
    let all_well = work(scratch.path());
    if !matches!(all_well, Ok(true)) {
        let _ = scratch.keep();
    }
    all_well
}

/// Does cases of a suite, each in a directory of its own below `directory`; whether all ended well. `count` is how many there
/// are. The first that does not ends the suite, and its directory stays.
pub(crate) fn cases(
    arguments: &Arguments,
    suite: &str,
    count: u64,
    directory: &Path,
    mut one: impl FnMut(u64, &Path) -> Outcome,
) -> Result<bool, Box<dyn Error>> {
    let begun = Instant::now();
    let mut ends: BTreeMap<String, u64> = BTreeMap::new();
    let mut done = 0;
    for case in arguments.case.map_or(0..count, |case| case..case + 1) {
        let has_time = arguments.time.is_some_and(|time| begun.elapsed() < time);
        if done >= arguments.floor && !has_time {
            break;
        }
        let place = directory.join(format!("case-{case}"));
        fs::create_dir_all(&place)?;
        match one(case, &place) {
            Ok(end) => *ends.entry(end).or_default() += 1,
            Err(error) => {
                say(format_args!("{suite}: case {case} failed: {}", story(error.as_ref())))?;
                say(format_args!("  evidence: {}", place.display()))?;
                say(format_args!("  again: damage {suite} --seed {} --case {case}", arguments.seed))?;
                return Ok(false);
            }
        }
        fs::remove_dir_all(&place)?;
        done += 1;
    }
    let ends: Vec<String> = ends.iter().map(|(end, count)| format!("{count} {end}")).collect();
    let (seed, seconds) = (arguments.seed, begun.elapsed().as_secs());
    let of = if count == u64::MAX { String::new() } else { format!(" of {count}") };
    say(format_args!("{suite}: {done}{of} cases, seed {seed}, in {seconds} s: {}; 0 wrong", ends.join(", ")))?;
    Ok(true)
}

fn say(line: std::fmt::Arguments<'_>) -> std::io::Result<()> {
    writeln!(std::io::stdout(), "{line}")
}
