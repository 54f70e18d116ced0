//! `hutong bench asof`: one row of history a read, from files that nobody has in memory.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use domain::account::Account;
use domain::ids::Sequence;
use rustix::fs::{Advice, fadvise};
use serde::Serialize;
use serde_json::{Value, json};
use store::{RocksOptions, RocksStore, Store};

use super::arguments::{AsofArguments, PastArguments};
use super::durations::Durations;
use super::work::Work;
use super::{Input, Prepared, part, report};
use crate::exit::Exit;

#[derive(Serialize)]
struct Figures {
    #[serde(flatten)]
    input: Input,
    #[serde(flatten)]
    part: Value,
}

pub(super) fn run(arguments: &AsofArguments, out: &mut impl Write, log: &mut impl Write) -> anyhow::Result<Exit> {
    let (input, past) = (&arguments.input, &arguments.past);
    let prepared = Prepared::new(input, input.events, log)?;
    let data = prepared.path("data");
    writeln!(log, "applying them")?;
    Work::whole(&data, &prepared.input(), input.events)?;
    writeln!(log, "reading")?;
    let (reads, cold, seed) = (past.reads.to_string(), past.cold_every.to_string(), input.seed.to_string());
    let more = ["--reads", reads.as_str(), "--cold-every", &cold, "--seed", &seed];
    let part = part::figures("asof", &data, &more)?;
    let figures = Figures { input: prepared.written, part };
    let parameters = json!({
        "mix": input.mix.word(), "hot": input.hot, "seed": input.seed, "reads": past.reads,
        "cold_every": past.cold_every,
    });
    report::print("asof", prepared.scratch.path(), parameters, figures, input.output, out)?;
    Ok(Exit::Clean)
}

/// Reads what accounts stood at.
pub(super) fn part(arguments: &PastArguments, out: &mut impl Write) -> anyhow::Result<()> {
    let (directory, past) = (&arguments.directory.data_dir, &arguments.past);
    let mut draws = Draws(arguments.seed);
    let mut durations = Durations::new()?;
    let (mut reads, mut found, mut accounts) = (0, 0, 0);
    while reads < past.reads {
        let cold = Cold::open(directory)?;
        accounts = cold.accounts.len();
        for _ in 0..past.cold_every.min(past.reads - reads) {
            let (account, sequence) = cold.moment(&mut draws);
            let begun = Instant::now();
            let row = cold.store.row_before(account, sequence)?;
            let balance = row.map(|row| row.balance_at(sequence));
            durations.record(begun.elapsed());
            found += u64::from(std::hint::black_box(balance).is_some());
            reads += 1;
        }
    }
    let latency = durations.percentiles();
    writeln!(out, "{}", json!({ "accounts": accounts, "rows_found": found, "latency_us": latency }))?;
    Ok(())
}

/// A store of which nothing is in memory but what opening it has read.
struct Cold {
    store: RocksStore,
    accounts: Vec<Account>,
    through: Sequence,
}

impl Cold {
    fn open(directory: &Path) -> anyhow::Result<Self> {
        let store = RocksStore::open_read_only(directory, &RocksOptions::default())?;
        let through = store.mark().context("nothing is flushed yet: ask for more events")?.through;
        let state = store.state()?.context("a mark comes with a state")?;
        forget(directory)?;
        Ok(Self { store, accounts: state.accounts.into_iter().map(|(account, _)| account).collect(), through })
    }

    /// An account and a moment that is flushed.
    fn moment(&self, draws: &mut Draws) -> (Account, Sequence) {
        let account = usize::try_from(draws.below(self.accounts.len() as u64)).unwrap_or_default();
        (self.accounts[account], Sequence(1 + draws.below(self.through.0)))
    }
}

/// Asks the kernel to forget what it holds of the files in a directory. What is not on the disk yet has to go there first.
pub(super) fn forget(directory: &Path) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_file() {
            let file = File::open(&path)?;
            file.sync_all()?;
            fadvise(&file, 0, None, Advice::DontNeed).with_context(|| format!("cannot forget {}", path.display()))?;
        }
    }
    Ok(())
}

/// SplitMix64: the same seed reads the same moments.
struct Draws(u64);

impl Draws {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end.max(1)
    }
}
