//! `hutong recover`: a log and its high-water mark side by side, and the one decision that only a person may take: that
//! what was acknowledged and is not in the log is given up, and the ledger goes on from where its log ends.
//!
//! A decision leaves a line in FILE.forgotten beside the mark, which is on disk before the mark moves.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::Args;
use ledger::Clock;
use serde::Serialize;
use store::error::{HighWaterError, StoreError};
use store::high_water::{HighWater, HighWaterMark};
use store::{RocksStore, Store};

use crate::cli::Output;
use crate::data::{self, Place, SystemClock};
use crate::exit::Exit;

#[derive(Debug, Args)]
pub(crate) struct RecoverArguments {
    #[command(flatten)]
    place: Place,
    /// Go on from the log: N is the sequence that it ends at, as this verb says it. What was acknowledged after it is given
    /// up, and read from the topics again where they still hold it
    #[arg(long, value_name = "N", requires = "because")]
    forget_after: Option<u64>,
    /// Who decided it and why: kept beside the mark
    #[arg(long, value_name = "TEXT", requires = "forget_after")]
    because: Option<String>,
    /// Lines for people, or one JSON object
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

pub(crate) const HELP: &str = "\
For a service that stops with LOG_CUT or HIGH_WATER_MARK; deploy/runbooks has a page for each.
Without --forget-after nothing is changed: log and mark are compared. No service may run.

Bring the disk back first, or restore a backup. Only when neither holds what was acknowledged,
go on from where the log ends: the service then reads its topics again from the positions that
the log holds. What the topics still have comes back, though not with the same sequence numbers.

Examples:
  hutong recover --data-dir /var/lib/hutong/ledger
  hutong recover --data-dir /var/lib/hutong/ledger --forget-after 81204 --because 'Wang: disk 3 lost'

Exit codes:
  0  log and mark agree, or do so now
  1  the directory cannot be read, or is not what --forget-after says
  2  the command line is wrong
  4  log and mark disagree; nothing was changed";

/// Where a log ends, or how far a mark says that it went.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Point {
    sequence: u64,
    chain_head: String,
    positions: Vec<i64>,
}

impl Point {
    fn of(mark: &HighWaterMark) -> Self {
        let (chain_head, positions) = (data::hex(&mark.head), mark.positions.clone());
        Self { sequence: mark.sequence.0, chain_head, positions }
    }
}

/// The outcome as one JSON object.
#[derive(Serialize)]
struct Outcome {
    directory: String,
    high_water_mark: String,
    log: Point,
    acknowledged: Option<Point>,
    /// Why the ledger does not open; `None` when it does.
    reason: Option<String>,
    /// Whether the mark was moved to the end of the log.
    is_forgotten: bool,
}

/// What stays of a decision: one line.
#[derive(Serialize)]
struct Forgotten<'a> {
    decided_at_micros: i64,
    because: &'a str,
    cluster: &'a str,
    shard: u32,
    log: &'a Point,
    acknowledged: &'a Option<Point>,
    reason: &'a str,
}

pub(crate) fn run(arguments: &RecoverArguments, out: &mut impl Write) -> anyhow::Result<Exit> {
    let directory = arguments.place.data_dir.display();
    let path = arguments.place.high_water_mark()?;
    // Before the log, which a service may be making longer: the log is as far as the mark, or ahead of it.
    let kept = HighWater::file(&path).read();
    let context = || format!("cannot open {directory} as a data directory");
    let options = arguments.place.options()?;
    let store = RocksStore::open_read_only(&arguments.place.data_dir, &options).with_context(context)?;
    let tip = HighWaterMark::of(store.genesis(), &store.tip());
    let (mark, reason) = compare(&store, kept)?;
    let mut outcome = Outcome {
        directory: directory.to_string(),
        high_water_mark: path.display().to_string(),
        log: Point::of(&tip),
        acknowledged: mark.as_ref().map(Point::of),
        reason: reason.as_ref().map(ToString::to_string),
        is_forgotten: false,
    };
    if let (Some(after), Some(because), Some(reason)) = (arguments.forget_after, &arguments.because, &reason) {
        ensure!(!matches!(reason, HighWaterError::OtherLedger { .. }), "{} is another ledger's mark", path.display());
        ensure!(after == tip.sequence.0, "the log ends at sequence {}, not at {after}", tip.sequence);
        // What of the write-ahead log cannot be read is gone from here on, and no service may begin beside us.
        let locked = RocksStore::open_for_recovery(&arguments.place.data_dir, &options).with_context(context)?;
        ensure!(locked.tip() == store.tip(), "{directory} is being written to");
        note(&path, because, &tip, &outcome)?;
        HighWater::file(&path).replace(&tip)?;
        outcome.is_forgotten = true;
    }
    match arguments.output {
        Output::Json => writeln!(out, "{}", serde_json::to_string(&outcome)?)?,
        Output::Table => print(&outcome, out)?,
    }
    Ok(if outcome.reason.is_some() && !outcome.is_forgotten { Exit::Refused } else { Exit::Clean })
}

/// The mark, and why the log does not go on from it.
fn compare(
    store: &RocksStore,
    kept: Result<Option<HighWaterMark>, StoreError>,
) -> anyhow::Result<(Option<HighWaterMark>, Option<HighWaterError>)> {
    match kept {
        Ok(Some(mark)) => {
            let mismatch = store.mismatch(&mark)?;
            Ok((Some(mark), mismatch))
        }
        Ok(None) => Ok((None, store.has_mark()?.then_some(HighWaterError::Missing))),
        Err(StoreError::HighWater { source: HighWaterError::Damaged, .. }) => Ok((None, Some(HighWaterError::Damaged))),
        Err(error) => Err(error.into()),
    }
}

/// Where decisions about a mark are kept.
pub(crate) fn decisions(mark: &Path) -> PathBuf {
    let mut path = mark.as_os_str().to_owned();
    path.push(".forgotten");
    path.into()
}

fn note(mark: &Path, because: &str, tip: &HighWaterMark, outcome: &Outcome) -> anyhow::Result<()> {
    let forgotten = Forgotten {
        decided_at_micros: SystemClock.now().micros(),
        because,
        cluster: &tip.cluster,
        shard: tip.shard,
        log: &outcome.log,
        acknowledged: &outcome.acknowledged,
        reason: outcome.reason.as_deref().unwrap_or_default(),
    };
    let path = decisions(mark);
    let line = serde_json::to_string(&forgotten)? + "\n";
    append(&path, &line).with_context(|| format!("cannot write {}", path.display()))
}

fn append(path: &Path, line: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(line.as_bytes())?;
    file.sync_all()?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

fn print(outcome: &Outcome, out: &mut impl Write) -> std::io::Result<()> {
    let point = |point: &Point| {
        format!("sequence {} head {} positions {:?}", point.sequence, point.chain_head, point.positions)
    };
    writeln!(out, "data directory   {}", outcome.directory)?;
    writeln!(out, "high-water mark  {}", outcome.high_water_mark)?;
    writeln!(out, "log ends at      {}", point(&outcome.log))?;
    let acknowledged = outcome.acknowledged.as_ref().map_or_else(|| "not known".to_owned(), point);
    writeln!(out, "acknowledged     {acknowledged}")?;
    let Some(reason) = &outcome.reason else { return writeln!(out, "they agree") };
    writeln!(out, "{}  {reason}", if outcome.is_forgotten { "given up       " } else { "they disagree  " })?;
    if outcome.is_forgotten {
        return writeln!(out, "the ledger goes on from sequence {}", outcome.log.sequence);
    }
    let (directory, sequence) = (&outcome.directory, outcome.log.sequence);
    writeln!(out, "\nBring the disk back or restore a backup. Only when neither holds what was acknowledged:")?;
    writeln!(out, "  hutong recover --data-dir {directory} --forget-after {sequence} --because WHO-AND-WHY")
}
