//! `hutong bench verify`: what the verifier takes, in a process of its own.

use std::io::Write;
use std::time::Instant;

use serde::Serialize;
use serde_json::{Value, json};
use store::{RocksOptions, RocksStore};

use super::arguments::{DirectoryArguments, InputArguments};
use super::machine::peak_rss_bytes;
use super::report::{self, per_second, seconds};
use super::work::Work;
use super::{Input, Prepared, part};
use crate::data;
use crate::exit::Exit;

#[derive(Serialize)]
struct Figures {
    #[serde(flatten)]
    input: Input,
    #[serde(flatten)]
    part: Value,
}

pub(super) fn run(arguments: &InputArguments, out: &mut impl Write, log: &mut impl Write) -> anyhow::Result<Exit> {
    let prepared = Prepared::new(arguments, arguments.events, log)?;
    let directory = prepared.path("data");
    writeln!(log, "applying them")?;
    Work::whole(&directory, &prepared.input(), arguments.events)?;
    writeln!(log, "verifying")?;
    let part = part::figures("verify", &directory, &[])?;
    let figures = Figures { input: prepared.written, part };
    let parameters = json!({ "mix": arguments.mix.word(), "hot": arguments.hot, "seed": arguments.seed });
    report::print("verify", prepared.scratch.path(), parameters, figures, arguments.output, out)?;
    Ok(Exit::Clean)
}

/// Verifies a directory twice: its chain, and everything.
pub(super) fn part(arguments: &DirectoryArguments, out: &mut impl Write) -> anyhow::Result<()> {
    let store = RocksStore::open_read_only(&arguments.data_dir, &RocksOptions::default())?;
    let begun = Instant::now();
    let chained = audit::verify_chain(&store)?;
    let chain = begun.elapsed();
    anyhow::ensure!(chained.broken.is_none(), "the chain is broken at entry {:?}", chained.broken);
    let begun = Instant::now();
    let verified = audit::verify(&store, &data::codec(), |_| {})?;
    let derive = begun.elapsed();
    if let Some(finding) = verified.finding {
        anyhow::bail!("the ledger is wrong: {finding}");
    }
    anyhow::ensure!(verified.head == chained.head, "two ways to the head of the chain differ");
    let figures = json!({
        "entries": verified.entries, "payments": verified.payments, "chain_head": data::hex(&verified.head),
        "chain_seconds": seconds(chain), "chain_events_per_second": per_second(chained.entries, chain),
        "derive_seconds": seconds(derive), "derive_events_per_second": per_second(verified.entries, derive),
        "peak_rss_bytes": peak_rss_bytes(),
    });
    writeln!(out, "{figures}")?;
    Ok(())
}
