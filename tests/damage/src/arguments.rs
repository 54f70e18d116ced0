//! The command line.

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

/// What is done to the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Suite {
    Cuts,
    Flips,
    Faults,
    Days,
}

/// See [`USAGE`].
#[derive(Clone, Debug)]
pub(crate) struct Arguments {
    pub(crate) suite: Suite,
    pub(crate) floor: u64,
    pub(crate) time: Option<Duration>,
    pub(crate) seed: u64,
    pub(crate) case: Option<u64>,
    pub(crate) directory: PathBuf,
}

const USAGE: &str = "usage: damage cuts|flips|faults|days [--floor N] [--for MINUTES] [--seed S] [--case N] [--in DIR]

  cuts    the write-ahead log ends at any edge of a record and at any byte of its last 4 KiB
  flips   one bit of any file is another one
  faults  the n-th call to the disk fails
  days    all three, done to a whole day of the real binary

  --floor N      do at least so many cases, however long it takes; without --for exactly so many
  --for MINUTES  go on until the time is over or every case was done
  --seed S       which cases, and in which order
  --case N       do this one only
  --in DIR       where to work; what a failed case leaves behind stays there";

impl Arguments {
    /// Reads what stands behind the program's name.
    pub(crate) fn parse(arguments: &[String]) -> Result<Self, Box<dyn Error>> {
        let (suite, options) = arguments.split_first().ok_or(USAGE)?;
        let suite = match suite.as_str() {
            "cuts" => Suite::Cuts,
            "flips" => Suite::Flips,
            "faults" => Suite::Faults,
            "days" => Suite::Days,
            _ => return Err(USAGE.into()),
        };
        // In memory where there is such a place: nothing here depends on what a disk keeps.
        let directory = [PathBuf::from("/dev/shm"), std::env::temp_dir()].into_iter().find(|place| place.is_dir());
        let directory = directory.unwrap_or_default();
        let mut parsed = Self { suite, floor: u64::MAX, time: None, seed: 1, case: None, directory };
        for option in options.chunks(2) {
            let [name, value] = option else { return Err(USAGE.into()) };
            match name.as_str() {
                "--floor" => parsed.floor = value.parse()?,
                "--for" => parsed.time = Some(Duration::from_secs(60 * value.parse::<u64>()?)),
                "--seed" => parsed.seed = value.parse()?,
                "--case" => parsed.case = Some(value.parse()?),
                "--in" => parsed.directory = value.into(),
                _ => return Err(USAGE.into()),
            }
        }
        Ok(parsed)
    }
}
