//! `hutong verify`: derives everything in a data directory again and says whether the ledger kept it right.

use std::error::Error;
use std::io::{IsTerminal, Write};

use anyhow::{Context, bail};
use domain::ids::Sequence;
use serde::Serialize;
use store::error::{HighWaterError, StoreError};
use store::high_water::{HighWater, HighWaterMark};
use store::{RocksOptions, RocksStore, is_empty_directory};

use crate::cli::{Output, VerifyArguments};
use crate::data::{self, Place};
use crate::exit::Exit;

/// The outcome as one JSON object.
#[derive(Serialize)]
struct Outcome {
    directory: String,
    /// `empty`, `proven` or `wrong`.
    verdict: &'static str,
    entries: u64,
    compared: u64,
    payments: u64,
    chain_head: String,
    day_digest: String,
    first_bad_sequence: Option<u64>,
    finding: Option<String>,
    /// `agrees`, `disagrees`, or `absent`.
    high_water_mark: &'static str,
}

pub(crate) fn run(arguments: &VerifyArguments, out: &mut impl Write, log: &mut impl Write) -> anyhow::Result<Exit> {
    let directory = &arguments.place.data_dir;
    anyhow::ensure!(directory.is_dir(), "there is no directory {}", directory.display());
    let context = || format!("cannot read {} as a data directory", directory.display());
    // Before the log, which a service beside us may be making longer: the log is as far as the mark, or ahead of it.
    let acknowledged = acknowledged(&arguments.place)?;
    let outcome = match is_empty_directory(directory).with_context(context)? {
        true => empty(directory.display().to_string()).with_mark(&acknowledged, |mark| {
            let (latest, acknowledged) = (Sequence(0), mark.sequence);
            Ok((acknowledged > latest).then_some(HighWaterError::LogCut { latest, acknowledged }))
        })?,
        false => {
            let store = RocksStore::open_read_only(directory, &RocksOptions::default()).with_context(context)?;
            let verified = derive(&store, log)?;
            outcome(directory.display().to_string(), &verified).with_mark(&acknowledged, |mark| store.mismatch(mark))?
        }
    };
    match arguments.output {
        Output::Json => writeln!(out, "{}", serde_json::to_string(&outcome)?)?,
        Output::Table => print(&outcome, out)?,
    }
    Ok(if outcome.finding.is_some() { Exit::Refused } else { Exit::Clean })
}

fn derive(store: &RocksStore, log: &mut impl Write) -> anyhow::Result<audit::Verified> {
    let quiet = !std::io::stderr().is_terminal();
    let mut next_line = 0;
    let verified = audit::verify(store, &data::codec(), |progress| {
        if !quiet && progress.through.0 >= next_line {
            let _ = write!(log, "\r{} of {} entries", progress.through, progress.of);
            next_line = progress.through.0 + 100_000;
        }
    })?;
    if !quiet {
        let _ = writeln!(log);
    }
    Ok(verified)
}

/// What a high-water mark says, or why it cannot be read; `None` where none is and none was named.
type Acknowledged = Option<Result<HighWaterMark, StoreError>>;

fn acknowledged(place: &Place) -> anyhow::Result<Acknowledged> {
    let path = place.high_water_mark()?;
    match HighWater::file(&path).read() {
        Ok(None) if place.high_water_mark.is_some() => bail!("there is no high-water mark {}", path.display()),
        read => Ok(read.transpose()),
    }
}

impl Outcome {
    /// The log holds what was acknowledged; where it does not, that is a finding like any other.
    fn with_mark(
        self,
        acknowledged: &Acknowledged,
        mismatch: impl FnOnce(&HighWaterMark) -> Result<Option<HighWaterError>, StoreError>,
    ) -> anyhow::Result<Self> {
        let finding = match acknowledged {
            None => return Ok(self),
            Some(Ok(mark)) => mismatch(mark)?.map(|mismatch| mismatch.to_string()),
            Some(Err(error)) => Some(error.source().map_or_else(|| error.to_string(), ToString::to_string)),
        };
        let Some(finding) = finding else { return Ok(Self { high_water_mark: "agrees", ..self }) };
        let first = self.finding.map(|first| first + "; ").unwrap_or_default();
        let finding = Some(format!("{first}high-water mark: {finding}"));
        Ok(Self { verdict: "wrong", high_water_mark: "disagrees", finding, ..self })
    }
}

fn empty(directory: String) -> Outcome {
    Outcome {
        directory,
        verdict: "empty",
        entries: 0,
        compared: 0,
        payments: 0,
        chain_head: String::new(),
        day_digest: String::new(),
        first_bad_sequence: None,
        finding: None,
        high_water_mark: "absent",
    }
}

fn outcome(directory: String, verified: &audit::Verified) -> Outcome {
    let verdict = match (&verified.finding, verified.entries) {
        (Some(_), _) => "wrong",
        (None, 0) => "empty",
        (None, _) => "proven",
    };
    Outcome {
        directory,
        verdict,
        entries: verified.entries,
        compared: verified.compared,
        payments: verified.payments,
        chain_head: data::hex(&verified.head),
        day_digest: data::hex(&verified.day.digest),
        first_bad_sequence: verified.finding.as_ref().map(|finding| finding.sequence.0),
        finding: verified.finding.as_ref().map(ToString::to_string),
        high_water_mark: "absent",
    }
}

fn print(outcome: &Outcome, out: &mut impl Write) -> std::io::Result<()> {
    writeln!(out, "{}: {}", outcome.directory, outcome.verdict)?;
    if outcome.verdict == "empty" {
        return Ok(());
    }
    writeln!(out, "entries     {} ({} compared with flushed books)", outcome.entries, outcome.compared)?;
    writeln!(out, "payments    {}", outcome.payments)?;
    writeln!(out, "chain head  {}", outcome.chain_head)?;
    writeln!(out, "day digest  {}", outcome.day_digest)?;
    writeln!(out, "high water  {}", outcome.high_water_mark)?;
    match &outcome.finding {
        Some(finding) => writeln!(out, "wrong       {finding}"),
        None => Ok(()),
    }
}
