//! `hutong restore`: every file of a backup is what it was, the log leads to the head that was written down, and what is
//! kept beside the log follows from it. Only then does the directory get its name.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::Args;
use serde::Serialize;
use store::high_water::HighWater;
use store::{RocksOptions, RocksStore, Store, is_empty_directory};

use super::{DATA, Manifest, beside, files};
use crate::cli::Output;
use crate::data::{self, Place};
use crate::exit::Exit;

#[derive(Debug, Args)]
pub(crate) struct RestoreArguments {
    /// The backup
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    #[command(flatten)]
    place: Place,
    /// Lines for people, or one JSON object
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

pub(crate) const RESTORE_HELP: &str = "\
Copies a backup into a data directory that is empty or does not exist. Every file is compared with what
the backup says that it hashes to, and then the whole ledger is derived from its log again, as `hutong
verify` does it, up to the chain head that was written down when the backup was made.

The service then reads its topics from where the backup ends. Where the ledger has acknowledged more
than the backup holds, it does not start before somebody has decided so: this verb says how.

Examples:
  hutong restore --from /mnt/backup/000000081204 --data-dir /var/lib/hutong/ledger

Exit codes:
  0  restored and proven
  1  it could not be done; the data directory is as it was
  2  the command line is wrong
  4  the backup is damaged, or not what it says; the data directory is as it was";

/// The outcome as one JSON object.
#[derive(Serialize)]
struct Outcome {
    directory: String,
    sequence: u64,
    chain_head: String,
    day_digest: String,
    files: usize,
    bytes: u64,
    /// Why the service will not start yet; `None` when it will.
    high_water_mark: Option<String>,
}

pub(crate) fn restore(
    arguments: &RestoreArguments,
    out: &mut impl Write,
    log: &mut impl Write,
) -> anyhow::Result<Exit> {
    let (from, to) = (&arguments.from, &arguments.place.data_dir);
    ensure!(from.is_dir(), "there is no backup {}", from.display());
    ensure!(is_empty_directory(to)?, "{} is not empty: a ledger is restored beside what is there", to.display());
    let unfinished = beside(to)?;
    files::make_anew(&unfinished)?;
    let restored = copy(from, &unfinished).and_then(|manifest| Ok((prove(&unfinished, &manifest)?, manifest)));
    let (verified, manifest) = match restored {
        Ok(restored) => restored,
        Err(error) => {
            std::fs::remove_dir_all(&unfinished).with_context(|| format!("cannot remove {}", unfinished.display()))?;
            if is_ours(&error) {
                return Err(error);
            }
            writeln!(log, "hutong: {} is not restored: {error:#}", from.display())?;
            return Ok(Exit::Refused);
        }
    };
    files::rename(&unfinished, to)?;
    let outcome = Outcome {
        directory: to.display().to_string(),
        sequence: manifest.sequence,
        chain_head: manifest.chain_head.clone(),
        day_digest: data::hex(&verified.day.digest),
        files: manifest.files.len(),
        bytes: manifest.bytes(),
        high_water_mark: compare(&arguments.place)?,
    };
    match arguments.output {
        Output::Json => writeln!(out, "{}", serde_json::to_string(&outcome)?)?,
        Output::Table => print(&outcome, out)?,
    }
    Ok(Exit::Clean)
}

/// Whether the machine failed and not the backup: a file that is not there is the backup's fault.
fn is_ours(error: &anyhow::Error) -> bool {
    let of_system = error.chain().find_map(|cause| cause.downcast_ref::<std::io::Error>());
    of_system.is_some_and(|error| error.kind() != ErrorKind::NotFound)
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<Manifest> {
    let manifest = Manifest::read(from)?;
    for file in &manifest.files {
        let name = &file.name;
        ensure!(Path::new(name).file_name() == Some(name.as_ref()), "{name:?} is not the name of a file");
        let copied = files::digest(&from.join(DATA).join(name), Some(&to.join(name)), &|| false)?;
        ensure!(copied == Some((file.bytes, file.sha256.clone())), "{DATA}/{name} is damaged");
    }
    Ok(manifest)
}

/// Derives everything again.
fn prove(directory: &Path, manifest: &Manifest) -> anyhow::Result<audit::Verified> {
    let store = RocksStore::open_read_only(directory, &RocksOptions::default())?;
    let tip = store.tip();
    ensure!(manifest.is_of(store.genesis()), "it is the ledger of another cluster or shard than it says");
    ensure!((tip.sequence.0, &tip.positions) == (manifest.sequence, &manifest.positions), "its log ends elsewhere");
    let verified = audit::verify(&store, &data::codec(), |_| {})?;
    if let Some(finding) = &verified.finding {
        anyhow::bail!("{finding}");
    }
    ensure!(data::hex(&verified.head) == manifest.chain_head, "its log leads to another chain head");
    Ok(verified)
}

/// Why the service will not start on what was restored.
fn compare(place: &Place) -> anyhow::Result<Option<String>> {
    let store = RocksStore::open_read_only(&place.data_dir, &RocksOptions::default())?;
    let mark = place.high_water_mark()?;
    let mismatch = match HighWater::file(&mark).read() {
        Ok(Some(mark)) => store.mismatch(&mark)?.map(|mismatch| mismatch.to_string()),
        Ok(None) => store.has_mark()?.then(|| "it is not there".to_owned()),
        Err(error) => Some(format!("{:#}", anyhow::Error::new(error))),
    };
    Ok(mismatch.map(|mismatch| format!("{}: {mismatch}", mark.display())))
}

fn print(outcome: &Outcome, out: &mut impl Write) -> std::io::Result<()> {
    writeln!(out, "restored    {} files with {} bytes", outcome.files, outcome.bytes)?;
    writeln!(out, "directory   {}: proven", outcome.directory)?;
    writeln!(out, "sequence    {}", outcome.sequence)?;
    writeln!(out, "chain head  {}", outcome.chain_head)?;
    writeln!(out, "day digest  {}", outcome.day_digest)?;
    let Some(reason) = &outcome.high_water_mark else { return writeln!(out, "high water  agrees: the service starts") };
    let (directory, sequence) = (&outcome.directory, outcome.sequence);
    writeln!(out, "high water  {reason}")?;
    writeln!(
        out,
        "\nThe service does not start on it. What was acknowledged after the backup is in its topics, if anywhere."
    )?;
    writeln!(out, "To read it there again, and when deploy/runbooks/LOG_CUT.md leaves nothing better:")?;
    writeln!(out, "  hutong recover --data-dir {directory} --forget-after {sequence} --because WHO-AND-WHY")
}
