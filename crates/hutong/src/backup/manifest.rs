//! What a backup says about itself.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use ledger::Clock;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use store::formats::FORMATS;
use store::genesis::Genesis;
use store::{RocksOptions, RocksStore, Store};

use super::{DATA, files};
use crate::data::{self, SystemClock};

const FILE: &str = "backup.json";
const SUM: &str = "backup.json.sha256";
const FORMAT: u32 = 1;

/// One file of the database.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Listed {
    pub(super) name: String,
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    /// Of this file.
    format: u32,
    /// The program that made the backup.
    program: String,
    made_at_micros: i64,
    pub(super) cluster: String,
    pub(super) shard: u32,
    /// Where the log of the backup ends.
    pub(super) sequence: u64,
    pub(super) chain_head: String,
    /// By topic of the genesis: the next Kafka offset to consume.
    pub(super) positions: Vec<i64>,
    pub(super) recorded_at_micros: i64,
    /// By kind of record: the version that the program writes.
    record_versions: BTreeMap<String, u8>,
    pub(super) files: Vec<Listed>,
}

impl Manifest {
    /// Of a database that nobody writes.
    pub(super) fn of(directory: &Path, is_over: &dyn Fn() -> bool) -> anyhow::Result<Self> {
        let names = names(directory)?;
        let store = RocksStore::open_read_only(directory, &RocksOptions::default())?;
        let (genesis, tip) = (store.genesis().clone(), store.tip());
        let mut files = Vec::new();
        for name in names {
            let Some((bytes, sha256)) = files::digest(&directory.join(&name), None, is_over)? else {
                bail!("told to stop before the backup was complete");
            };
            files.push(Listed { name, bytes, sha256 });
        }
        drop(store);
        remove_others(directory, &files)?;
        Ok(Self {
            format: FORMAT,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            made_at_micros: SystemClock.now().micros(),
            cluster: genesis.cluster,
            shard: genesis.shard,
            sequence: tip.sequence.0,
            chain_head: data::hex(&tip.head),
            positions: tip.positions,
            recorded_at_micros: tip.recorded_at.micros(),
            record_versions: FORMATS.iter().map(|format| (format.record.to_string(), format.written)).collect(),
            files,
        })
    }

    pub(super) fn is_of(&self, genesis: &Genesis) -> bool {
        (&self.cluster, self.shard) == (&genesis.cluster, genesis.shard)
    }

    /// Writes it into a backup, with its own sum beside it in the form that `sha256sum -c` reads: all files of the backup
    /// are in the one or in the other.
    pub(super) fn write(&self, backup: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        files::write(&backup.join(FILE), text.as_bytes())?;
        let of_data = self.files.iter().map(|file| format!("{}  {DATA}/{}\n", file.sha256, file.name));
        let sums: String = std::iter::once(format!("{}  {FILE}\n", sum(text.as_bytes()))).chain(of_data).collect();
        files::write(&backup.join(SUM), sums.as_bytes())
    }

    /// Reads that of a backup.
    pub(super) fn read(backup: &Path) -> anyhow::Result<Self> {
        let read = |name: &str| {
            let path = backup.join(name);
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
        };
        let (text, sums) = (read(FILE)?, read(SUM)?);
        let own = sums.lines().next().unwrap_or_default();
        ensure!(own == format!("{}  {FILE}", sum(text.as_bytes())), "{FILE} is not what {SUM} says that it is");
        let manifest: Self = serde_json::from_str(&text).with_context(|| format!("{FILE} is of another version"))?;
        ensure!(manifest.format == FORMAT, "{FILE} is of version {}, this program reads {FORMAT}", manifest.format);
        Ok(manifest)
    }

    pub(super) fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    pub(super) fn print(&self, directory: &str, out: &mut impl Write) -> std::io::Result<()> {
        writeln!(out, "backup      {directory}")?;
        writeln!(out, "ledger      shard {} of cluster {}", self.shard, self.cluster)?;
        writeln!(out, "sequence    {}", self.sequence)?;
        writeln!(out, "chain head  {}", self.chain_head)?;
        writeln!(out, "files       {} with {} bytes", self.files.len(), self.bytes())
    }
}

fn sum(bytes: &[u8]) -> String {
    data::hex(&Sha256::digest(bytes))
}

/// What the database has written about being opened is no part of the backup.
fn remove_others(directory: &Path, listed: &[Listed]) -> anyhow::Result<()> {
    for name in names(directory)?.into_iter().filter(|name| listed.iter().all(|file| file.name != *name)) {
        std::fs::remove_file(directory.join(&name)).with_context(|| format!("cannot remove {name}"))?;
    }
    files::sync(directory)
}

/// The files of a copied database, in order.
fn names(directory: &Path) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory).with_context(|| format!("cannot list {}", directory.display()))? {
        names.push(entry?.file_name().into_string().ok().context("a file of the database has a name that is no text")?);
    }
    names.sort_unstable();
    Ok(names)
}
