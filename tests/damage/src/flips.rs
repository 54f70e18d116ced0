//! One bit of one file is another one: of every kind of file in turn, a file and a bit drawn from the seed.
//!
//! Whoever reads the ledger afterwards is told exactly what it was told before, or nothing: `hutong verify`, the opening for
//! writing, balances as of every block, duplicates and refunds of the whole past that come behind it. And when the file is as
//! it was, so is the ledger: nobody has made the damage worse.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use crate::arguments::Arguments;
use crate::judge::{self, Verdict};
use crate::kinds;
use crate::place::Place;
use crate::random::Random;
use crate::repeat::{self, Outcome};
use crate::template::Template;

/// Cases of a full run.
const CASES: u64 = 1_000;

/// What a ledger has files of.
const KINDS: [&str; 13] = [
    "CURRENT",
    "IDENTITY",
    "MANIFEST",
    "OPTIONS",
    "blob file",
    "high-water mark",
    "table of blocks",
    "table of current",
    "table of event_ids",
    "table of filters",
    "table of history",
    "table of times",
    "write-ahead log",
];

struct Flips {
    template: Template,
    kinds: Vec<(String, Vec<PathBuf>)>,
    seed: u64,
}

/// The suite.
pub(crate) fn run(arguments: &Arguments) -> Result<bool, Box<dyn Error>> {
    repeat::in_scratch(arguments, "flips", |scratch| {
        let flips = Flips::new(Template::make(scratch)?, arguments.seed)?;
        let count = if arguments.time.is_some() { u64::MAX } else { CASES };
        repeat::cases(arguments, "flips", count, scratch, |case, directory| flips.one(case, directory))
    })
}

impl Flips {
    fn new(template: Template, seed: u64) -> Result<Self, Box<dyn Error>> {
        let mut kinds: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
        for file in template.place.files()? {
            let bytes = fs::read(&file)?;
            if let Some(kind) = kinds::kind(&file, &bytes).filter(|_| !bytes.is_empty()) {
                kinds.entry(kind).or_default().push(file);
            }
        }
        let missing = KINDS.iter().find(|kind| !kinds.contains_key(**kind));
        missing.map_or(Ok(()), |kind| Err(format!("the template has no {kind}")))?;
        Ok(Self { template, kinds: kinds.into_iter().collect(), seed })
    }

    fn one(&self, case: u64, directory: &Path) -> Outcome {
        let place = self.template.place.copy_to(&directory.join("ledger"))?;
        let mut random = Random::new(self.seed, case);
        let (kind, files) = &self.kinds[usize::try_from(case % self.kinds.len() as u64)?];
        let file = &files[usize::try_from(random.below(files.len() as u64))?];
        let file = place.root().join(file.strip_prefix(self.template.place.root())?);
        let whole = fs::read(&file)?;
        let (byte, bit) = (usize::try_from(random.below(whole.len() as u64))?, random.below(8));
        let mut flipped = whole.clone();
        flipped[byte] ^= 1 << bit;
        Place::replace(&file, &flipped)?;

        let end = self.judged(&place, directory);
        let end = end.and_then(|(by_verify, by_writer)| {
            if by_writer {
                self.put_back(&place, &file, &whole, directory)?;
            }
            Ok(match (by_verify, by_writer) {
                (false, false) => "without a difference",
                (true, false) => "seen by verify",
                (false, true) => "seen by the writer",
                (true, true) => "seen by both",
            })
        });
        let at = |error| format!("bit {bit} of byte {byte} of {}: {error}", file.display());
        end.map(|end| format!("{kind} {end}")).map_err(|error: Box<dyn Error>| at(error).into())
    }

    /// Whether verifying stopped, and whether opening and going on did.
    fn judged(&self, place: &Place, directory: &Path) -> Result<(bool, bool), Box<dyn Error>> {
        let should_be = self.template.state_at(self.template.tip())?;
        let by_verify = match judge::verify(place, directory, "verify")? {
            Verdict::Answer(state) if state == should_be => false,
            Verdict::Answer(state) => return Err(format!("is {state:?}, should be {should_be:?}").into()),
            Verdict::Stopped(_) => true,
        };
        let by_writer = match judge::open(place, directory, "open")? {
            Verdict::Answer(opened) => {
                self.template.check_opened(&opened, self.template.tip())?;
                false
            }
            Verdict::Stopped(_) => true,
        };
        if !by_writer {
            match judge::verify(place, directory, "verify-end")? {
                Verdict::Answer(state) if state != self.template.ended => {
                    return Err(format!("has become {state:?}, should be {:?}", self.template.ended).into());
                }
                Verdict::Answer(_) | Verdict::Stopped(_) => {}
            }
        }
        Ok((by_verify, by_writer))
    }

    /// The file as it was: nothing that was in the ledger is gone.
    fn put_back(&self, place: &Place, file: &Path, whole: &[u8], directory: &Path) -> Result<(), Box<dyn Error>> {
        fs::write(file, whole)?;
        match judge::verify(place, directory, "put-back")? {
            Verdict::Answer(state) if state.entries > self.template.tip() => Ok(()),
            Verdict::Answer(state) if state == self.template.state_at(self.template.tip())? => Ok(()),
            other => Err(format!("the refused directory is not what it was: {other:?}").into()),
        }
    }
}
