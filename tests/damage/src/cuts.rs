//! The write-ahead log ends early: at every edge of a record, and at every byte of its last 4 KiB.
//!
//! A cut at an edge is what the database cannot notice, so the rule is exact: the ledger opens where the last whole record
//! ends, with the state of that moment, unless the high-water mark or a fold has seen more; then it does not open, and says
//! so. The mark of a case is that of any of the last blocks, for a service may die between a block and its mark.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use crate::arguments::Arguments;
use crate::judge::{self, Verdict};
use crate::log_file;
use crate::place::Place;
use crate::random::Random;
use crate::repeat::{self, Outcome};
use crate::template::Template;

/// Of the log's end every byte is a case.
const TAIL: usize = 4 << 10;

/// Marks are taken from so many of the last blocks.
const MARKS: u64 = 24;

struct Cuts {
    template: Template,
    log: PathBuf,
    /// Where each block's record ends in the log, and the block's last entry.
    ends: Vec<(usize, u64)>,
    /// The entry before the log's first block.
    before: u64,
    seed: u64,
}

/// The suite.
pub(crate) fn run(arguments: &Arguments) -> Result<bool, Box<dyn Error>> {
    repeat::in_scratch(arguments, "cuts", |scratch| {
        let cuts = Cuts::new(Template::make(scratch)?, arguments.seed)?;
        let lengths = cuts.lengths()?;
        let order = Random::shuffled(arguments.seed, lengths.len() as u64);
        repeat::cases(arguments, "cuts", order.len() as u64, scratch, |case, directory| {
            let place = usize::try_from(order[usize::try_from(case)?])?;
            cuts.one(case, lengths[place], directory)
        })
    })
}

impl Cuts {
    fn new(template: Template, seed: u64) -> Result<Self, Box<dyn Error>> {
        let mut logs = template.place.files()?;
        logs.retain(|path| path.extension().is_some_and(|ending| ending == "log"));
        let log = logs.pop().ok_or("the template has no write-ahead log")?;
        let bytes = fs::read(&log)?;
        let records = log_file::records(&bytes);
        let ends: Vec<usize> = records.iter().filter(|r| log_file::ends_a_record(&bytes, r)).map(|r| r.end).collect();
        let blocks = &template.blocks;
        let first = blocks.len().checked_sub(ends.len()).filter(|first| *first > 0).ok_or("a log without blocks")?;
        let before = blocks[first - 1];
        let ends = ends.into_iter().zip(blocks[first..].iter().copied()).collect();
        Ok(Self { template, log, ends, before, seed })
    }

    /// The lengths that the log is cut to, ascending, each once.
    fn lengths(&self) -> Result<Vec<usize>, Box<dyn Error>> {
        let bytes = fs::read(&self.log)?;
        let edges = log_file::records(&bytes).into_iter().flat_map(|record| [record.start, record.end]);
        let mut lengths: Vec<usize> = edges.chain(bytes.len().saturating_sub(TAIL)..=bytes.len()).collect();
        lengths.sort_unstable();
        lengths.dedup();
        Ok(lengths)
    }

    fn one(&self, case: u64, length: usize, directory: &Path) -> Outcome {
        let place = self.template.place.copy_to(&directory.join("ledger"))?;
        let log = place.data().join(self.log.file_name().unwrap_or_default());
        let whole = fs::read(&log)?;
        fs::OpenOptions::new().write(true).open(&log)?.set_len(u64::try_from(length)?)?;
        let marked = self.put_mark(case, &place)?;
        let entries = self.ends.iter().filter(|(end, _)| *end <= length).map(|(_, last)| *last).next_back();
        let entries = entries.unwrap_or(self.before);

        let verified = judge::verify(&place, directory, "verify")?;
        let opened = judge::open(&place, directory, "open")?;
        match (verified, opened) {
            (Verdict::Answer(state), Verdict::Answer(opened)) => {
                if entries < marked {
                    return Err(format!("opened at {entries}, although {marked} was acknowledged").into());
                }
                let should_be = self.template.state_at(entries)?;
                if state != should_be {
                    return Err(format!("is {state:?}, should be {should_be:?}").into());
                }
                self.template.check_opened(&opened, entries)?;
                Ok("opened where the log ends".to_owned())
            }
            (Verdict::Stopped(_), Verdict::Stopped(words)) => {
                let by_folds = words.contains("the end of the log was lost");
                if entries >= marked && !by_folds {
                    return Err(
                        format!("refused at {entries}, although only {marked} was acknowledged: {words}").into()
                    );
                }
                fs::write(&log, whole)?;
                match judge::verify(&place, directory, "restored")? {
                    Verdict::Answer(state) if state == self.template.state_at(self.template.tip())? => {
                        Ok(if by_folds { "refused by the folds" } else { "refused by the high-water mark" }.to_owned())
                    }
                    other => Err(format!("the refused directory is not what it was: {other:?}").into()),
                }
            }
            (verified, opened) => Err(format!("read: {verified:?}, for writing: {opened:?}").into()),
        }
    }

    /// Gives the copy the mark of one of the last blocks; of which entry.
    fn put_mark(&self, case: u64, place: &Place) -> Result<u64, Box<dyn Error>> {
        let mut random = Random::new(self.seed, case);
        let back = usize::try_from(random.below(MARKS))?;
        let (_, entry) = self.ends[self.ends.len() - 1 - back];
        Place::replace(&place.high_water(), &fs::read(self.template.mark_at(entry))?)?;
        Ok(entry)
    }
}
