//! `hutong backup` and `hutong restore`, and the backups that a service makes of itself.
//!
//! A backup is a directory: `data` holds a copy of the database, `backup.json` says whose it is, where its log ends and
//! what every file must hash to, and `backup.json.sha256` what that file must. It appears under its name when it is
//! complete, never before. What it does not hold is the high-water mark, which a restored ledger is to be compared with.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::Args;
use store::{RocksStore, Store, is_empty_directory};

use crate::cli::Output;
use crate::data::{self, Place};
use crate::exit::Exit;

mod files;
mod manifest;
mod restore;
mod worker;

use manifest::Manifest;

pub(crate) use restore::{RESTORE_HELP, RestoreArguments, restore};
pub(crate) use worker::{BackupOptions, Worker};

/// Where in a backup the database lies.
const DATA: &str = "data";

#[derive(Debug, Args)]
pub(crate) struct BackupArguments {
    #[command(flatten)]
    place: Place,
    /// Where to; made when it does not exist, and must be empty. Best on another disk
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// Lines for people, or one JSON object
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

pub(crate) const BACKUP_HELP: &str = "\
Copies the ledger of a data directory that no service has open. On the same file system the copy shares
its files with the data directory and costs little; only one on another disk survives the disk. A
service makes backups of itself while it serves: `hutong serve --backup-dir`.

A backup says what every file of it must hash to; `cd DIR && sha256sum -c backup.json.sha256` checks that.

Examples:
  hutong backup --data-dir /var/lib/hutong/ledger --to /mnt/backup/monday
  hutong backup --data-dir /var/lib/hutong/ledger --to /mnt/backup/monday -o json | jq .sequence

Exit codes:
  0  the backup is complete
  1  it could not be made; nothing is at DIR
  2  the command line is wrong
  4  the data directory has lost what was acknowledged: see deploy/runbooks/LOG_CUT.md";

pub(crate) fn backup(arguments: &BackupArguments, out: &mut impl Write) -> anyhow::Result<Exit> {
    let directory = &arguments.place.data_dir;
    let context = || format!("cannot open {} as a data directory", directory.display());
    let options = arguments.place.options()?;
    // Only looking: to open it for writing takes away what of the write-ahead log cannot be read, and it may come back.
    let found = RocksStore::open_read_only(directory, &options).with_context(context)?;
    data::check_mark(&found, &arguments.place)?;
    drop(found);
    let store = RocksStore::open_for_recovery(directory, &options).with_context(context)?;
    data::check_mark(&store, &arguments.place)?;
    let to = &arguments.to;
    ensure!(is_empty_directory(to)?, "{} is not empty", to.display());
    let manifest = take(&store, &beside(to)?, |_| to.clone(), &|| false)?;
    match arguments.output {
        Output::Json => writeln!(out, "{}", serde_json::to_string(&manifest)?)?,
        Output::Table => manifest.print(&to.display().to_string(), out)?,
    }
    Ok(Exit::Clean)
}

/// Where a directory is made before it gets its name.
fn beside(directory: &Path) -> anyhow::Result<PathBuf> {
    let absolute = std::path::absolute(directory)?;
    let mut name = absolute.file_name().with_context(|| format!("{} has no name", directory.display()))?.to_owned();
    name.push(".unfinished");
    Ok(absolute.with_file_name(name))
}

/// Makes a backup in `unfinished` and then gives it its name. What an earlier attempt has left there is removed.
fn take(
    store: &RocksStore,
    unfinished: &Path,
    name: impl FnOnce(&Manifest) -> PathBuf,
    is_over: &dyn Fn() -> bool,
) -> anyhow::Result<Manifest> {
    files::make_anew(unfinished)?;
    let made = fill(store, unfinished, is_over).and_then(|manifest| {
        files::rename(unfinished, &name(&manifest))?;
        Ok(manifest)
    });
    if made.is_err() {
        let _ = std::fs::remove_dir_all(unfinished);
    }
    made
}

fn fill(store: &RocksStore, directory: &Path, is_over: &dyn Fn() -> bool) -> anyhow::Result<Manifest> {
    let data = directory.join(DATA);
    store.checkpoint(&data)?;
    let manifest = Manifest::of(&data, is_over)?;
    ensure!(manifest.is_of(store.genesis()), "{} is a copy of another ledger", data.display());
    manifest.write(directory)?;
    Ok(manifest)
}
