//! `hutong verify`: derives everything in a data directory again and says whether the ledger kept it right.

use std::io::{IsTerminal, Write};

use anyhow::Context;
use serde::Serialize;
use store::{RocksOptions, RocksStore, is_empty_directory};

use crate::cli::{Output, VerifyArguments};
use crate::data;
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
}

pub(crate) fn run(arguments: &VerifyArguments, out: &mut impl Write, log: &mut impl Write) -> anyhow::Result<Exit> {
    let directory = &arguments.data_dir;
    anyhow::ensure!(directory.is_dir(), "there is no directory {}", directory.display());
    let context = || format!("cannot read {} as a data directory", directory.display());
    let outcome = match is_empty_directory(directory).with_context(context)? {
        true => empty(directory.display().to_string()),
        false => {
            let store = RocksStore::open_read_only(directory, &RocksOptions::default()).with_context(context)?;
            let quiet = !std::io::stderr().is_terminal();
            let mut next_line = 0;
            let verified = audit::verify(&store, &data::codec(), |progress| {
                if !quiet && progress.through.0 >= next_line {
                    let _ = write!(log, "\r{} of {} entries", progress.through, progress.of);
                    next_line = progress.through.0 + 100_000;
                }
            })?;
            if !quiet {
                let _ = writeln!(log);
            }
            outcome(directory.display().to_string(), &verified)
        }
    };
    match arguments.output {
        Output::Json => writeln!(out, "{}", serde_json::to_string(&outcome)?)?,
        Output::Table => print(&outcome, out)?,
    }
    Ok(if outcome.finding.is_some() { Exit::Refused } else { Exit::Clean })
}

fn empty(directory: String) -> Outcome {
    let (verdict, chain_head, day_digest) = ("empty", String::new(), String::new());
    let (entries, compared, payments) = (0, 0, 0);
    let (first_bad_sequence, finding) = (None, None);
    Outcome { directory, verdict, entries, compared, payments, chain_head, day_digest, first_bad_sequence, finding }
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
    match &outcome.finding {
        Some(finding) => writeln!(out, "wrong       {finding}"),
        None => Ok(()),
    }
}
