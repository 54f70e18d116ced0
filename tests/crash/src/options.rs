//! What a run is to do, from the command line of the test program.

use std::fmt;
use std::time::{Duration, Instant};

/// How much of everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Kills, cuts or cycles that there have to be.
    pub floor: u64,
    /// Kills, cuts or cycles after which it is enough.
    pub count: u64,
    /// Hits of every failpoint that there have to be.
    pub hits_floor: u64,
    /// Hits of every failpoint after which it is enough.
    pub hits: u64,
    /// How long it may go on behind its floors; `None`: until everything is done.
    pub minutes: Option<u64>,
    /// The same seed draws the same plan.
    pub seed: u64,
}

impl Options {
    /// Reads `--floor N --count N --hits-floor N --hits N --for MINUTES --seed S`. What is left out is the floor of the
    /// suite: `floor` and two hits of every failpoint.
    ///
    /// # Errors
    /// When a word is none of these, or no number follows.
    pub fn parse<'a>(words: impl IntoIterator<Item = &'a str>, floor: u64) -> Result<Self, String> {
        let mut options = Self { floor, count: 0, hits_floor: 2, hits: 0, minutes: None, seed: 1 };
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let number = words.next().and_then(|number| number.parse().ok());
            let number: u64 = number.ok_or_else(|| format!("{word} takes a number"))?;
            match word {
                "--floor" => options.floor = number,
                "--count" => options.count = number,
                "--hits-floor" => options.hits_floor = number,
                "--hits" => options.hits = number,
                "--for" => options.minutes = Some(number),
                "--seed" => options.seed = number,
                _ => return Err(format!("{word} is no option")),
            }
        }
        options.count = options.count.max(options.floor);
        options.hits = options.hits.max(options.hits_floor);
        Ok(options)
    }

    /// When the time is over that a run which begins now has behind its floors.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.minutes.map(|minutes| Instant::now() + Duration::from_secs(60 * minutes))
    }
}

/// As it is given again.
impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { floor, count, hits_floor, hits, minutes, seed } = self;
        write!(f, "--floor {floor} --count {count} --hits-floor {hits_floor} --hits {hits} --seed {seed}")?;
        minutes.map_or(Ok(()), |minutes| write!(f, " --for {minutes}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_the_floor() {
        let options = Options::parse(["--seed", "7", "--hits", "20"], 50).expect("options");
        assert_eq!((options.count, options.hits, options.hits_floor, options.seed), (50, 20, 2, 7));
        assert_eq!(Options::parse(options.to_string().split(' '), 1), Ok(options));
    }

    #[test]
    fn a_word_that_is_no_option_is_refused() {
        assert_eq!(Options::parse(["--kills", "7"], 50), Err("--kills is no option".to_owned()));
        assert_eq!(Options::parse(["--for"], 50), Err("--for takes a number".to_owned()));
    }
}
