//! The ledger that every case damages a copy of, made once, and what it must answer at each of its blocks.
//!
//! It is written in three lives, so that it has everything a directory can have: tables of every family with what has been
//! merged and what has not, blob files, and a write-ahead log with some two hundred blocks behind the last flush. The high-water
//! mark is kept as it was after each of them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use domain::ids::Sequence;
use store::{MemoryStore, RocksOptions, RocksStore, Store};

use crate::hex;
use crate::judge::{self, Opened, State, Verdict};
use crate::place::Place;
use crate::subject::{self, Task};

/// See the module.
pub(crate) struct Template {
    pub(crate) place: Place,
    /// The last entry of every block, in order.
    pub(crate) blocks: Vec<u64>,
    /// What an undisturbed copy answers when it is opened and goes on.
    pub(crate) opened: Opened,
    /// What it is verified to be then.
    pub(crate) ended: State,
    bytes: Vec<Vec<u8>>,
    marks: PathBuf,
    states: RefCell<HashMap<u64, State>>,
}

/// Events, at most so many a block, and entries of a run, in each life.
const LIVES: [(u64, u64, u64); 3] = [(1_500, 60, 300), (2_600, 60, 300), (3_000, 3, 150)];

impl Template {
    /// Makes it in an empty directory.
    pub(crate) fn make(directory: &Path) -> Result<Self, Box<dyn Error>> {
        let place = Place::new(directory.join("template"));
        let marks = directory.join("marks");
        fs::create_dir_all(place.data())?;
        fs::create_dir_all(&marks)?;
        for (until, block_events, run_entries) in LIVES {
            let task = Task { until, block_events, run_entries, reads: false, said: None, marks: Some(marks.clone()) };
            let ended = judge::child(&place, &task, directory, "template", |_| {})?;
            if ended.code != Some(0) {
                return Err(format!("the template cannot be made: {}", ended.err).into());
            }
        }
        let undisturbed = place.copy_to(&directory.join("undisturbed"))?;
        let (blocks, bytes) = blocks(&undisturbed)?;
        let opened = answer(judge::open(&undisturbed, directory, "undisturbed")?)?;
        let ended = answer(judge::verify(&undisturbed, directory, "undisturbed-end")?)?;
        Ok(Self { place, blocks, opened, ended, bytes, marks, states: RefCell::default() })
    }

    /// The last entry.
    pub(crate) fn tip(&self) -> u64 {
        self.blocks.last().copied().unwrap_or_default()
    }

    /// The high-water mark as it was after an entry that ended a block.
    pub(crate) fn mark_at(&self, entry: u64) -> PathBuf {
        self.marks.join(entry.to_string())
    }

    /// What the first blocks up to `entries` come to: derived in memory, from those bytes and nothing else.
    pub(crate) fn state_at(&self, entries: u64) -> Result<State, Box<dyn Error>> {
        if let Some(state) = self.states.borrow().get(&entries) {
            return Ok(state.clone());
        }
        let store = MemoryStore::new(&subject::genesis(), subject::hash_key())?;
        for (_, bytes) in self.blocks.iter().zip(&self.bytes).filter(|(last, _)| **last <= entries) {
            store.append(bytes)?;
        }
        let verified = audit::verify(&store, &subject::codec(), |_| {})?;
        let (head, day) = (hex(&verified.head), hex(&verified.day.digest));
        let state = State { entries: verified.entries, head, payments: verified.payments, day };
        self.states.borrow_mut().insert(entries, state.clone());
        Ok(state)
    }

    /// Whether a ledger that opened at `entries` has answered, read and gone on as one that nothing has happened to.
    pub(crate) fn check_opened(&self, opened: &Opened, entries: u64) -> Result<(), Box<dyn Error>> {
        let state = self.state_at(entries)?;
        let at = format!("{entries} {}", state.head);
        if opened.at != at {
            return Err(format!("opened at {}, the log ends at {at}", opened.at).into());
        }
        let count = self.blocks.iter().filter(|last| **last <= entries).count();
        if opened.as_of != self.opened.as_of[..count] {
            let pairs = opened.as_of.iter().zip(&self.opened.as_of);
            let first = pairs.filter(|(is, should_be)| is != should_be).map(|(is, _)| is).next();
            return Err(format!("reads differently: {first:?} of {} blocks", opened.as_of.len()).into());
        }
        if opened.ended != self.opened.ended {
            return Err(format!("goes on to {}, should be {}", opened.ended, self.opened.ended).into());
        }
        Ok(())
    }
}

fn answer<T>(verdict: Verdict<T>) -> Result<T, Box<dyn Error>> {
    match verdict {
        Verdict::Answer(answer) => Ok(answer),
        Verdict::Stopped(words) => Err(format!("the undamaged template is refused: {words}").into()),
    }
}

/// Last entries of blocks, and the blocks.
type Blocks = (Vec<u64>, Vec<Vec<u8>>);

/// The blocks, each with its last entry.
fn blocks(place: &Place) -> Result<Blocks, Box<dyn Error>> {
    let store = RocksStore::open_read_only(&place.data(), &RocksOptions::default())?;
    let (mut lasts, mut bytes) = (Vec::new(), Vec::new());
    let mut next = Sequence(1);
    while let Some(block) = store.block_bytes(next)? {
        let last = store.block(next)?.ok_or("the block that was read")?.head().last();
        lasts.push(last.0);
        bytes.push(block);
        next = Sequence(last.0 + 1);
    }
    Ok((lasts, bytes))
}
