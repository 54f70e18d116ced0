//! A data directory as every verb opens it: which shard it is, how its records are read, whose clock it uses.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use domain::time::Timestamp;
use ledger::{Clock, Options};
use store::error::{HighWaterError, StoreError};
use store::genesis::{Genesis, Source};
use store::hash::HashKey;
use store::high_water::HighWater;
use store::{RocksOptions, RocksStore};
use wire::codec::WireCodec;

use crate::exit::Exit;

/// The networks whose topics a shard reads, in the order that its genesis binds.
pub(crate) const TOPICS: [&str; 4] = ["hutong.control", "payments.unionpay", "payments.tenpay", "payments.alipay"];

/// Where commands stand in [`TOPICS`].
pub(crate) const CONTROL: u16 = 0;
/// Where the first network's events stand in [`TOPICS`]; the others follow.
pub(crate) const FIRST_NETWORK: u16 = 1;

/// The genesis of shard 0 of a cluster, one partition a topic.
pub(crate) fn genesis(cluster: &str) -> Genesis {
    let source = |topic: &str| Source { topic: topic.to_owned(), topic_id: String::new(), partitions: 1 };
    Genesis { cluster: cluster.to_owned(), shard: 0, sources: TOPICS.iter().map(|topic| source(topic)).collect() }
}

/// Reads protobuf records and TOML rulebooks.
pub(crate) fn codec() -> WireCodec {
    WireCodec::new(|text| rulebook::parse(text).map_err(|error| error.to_string()))
}

/// A data directory and where its high-water mark lies.
#[derive(Clone, Debug, Args)]
pub(crate) struct Place {
    /// The ledger's data directory
    #[arg(long, value_name = "DIR", env = "HUTONG_DATA_DIR")]
    pub(crate) data_dir: PathBuf,
    /// How far the ledger has acknowledged, in a small file that is best kept on another disk than the data; without it
    /// DIR.high-water
    #[arg(long, value_name = "FILE", env = "HUTONG_HIGH_WATER_MARK")]
    pub(crate) high_water_mark: Option<PathBuf>,
}

impl Place {
    /// A directory with its mark beside it.
    pub(crate) fn of(directory: &Path) -> Self {
        Self { data_dir: directory.into(), high_water_mark: None }
    }

    /// Beside the directory itself, by whatever name it was reached.
    pub(crate) fn high_water_mark(&self) -> anyhow::Result<PathBuf> {
        if let Some(named) = &self.high_water_mark {
            return Ok(named.clone());
        }
        let itself = self.data_dir.canonicalize().or_else(|_| std::path::absolute(&self.data_dir));
        let itself = itself.with_context(|| format!("cannot find {}", self.data_dir.display()))?;
        let name = itself.file_name().context("--high-water-mark is needed for a directory without a name")?;
        let mut name = name.to_owned();
        name.push(".high-water");
        Ok(itself.with_file_name(name))
    }

    /// How its database is opened for writing.
    pub(crate) fn options(&self) -> anyhow::Result<RocksOptions> {
        Ok(RocksOptions { high_water_mark: Some(self.high_water_mark()?), ..RocksOptions::default() })
    }
}

/// How much is gathered in memory before it goes into files. Another choice makes the same ledger.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    /// [`Options::run_entries`].
    pub(crate) run_entries: u64,
    /// [`RocksOptions::memory_table_bytes`].
    pub(crate) memory_table_bytes: usize,
}

impl Default for Sizes {
    fn default() -> Self {
        let (ledger, database) = (Options::default(), RocksOptions::default());
        Self { run_entries: ledger.run_entries, memory_table_bytes: database.memory_table_bytes }
    }
}

/// Opens or creates a data directory for writing.
pub(crate) fn open(place: &Place, genesis: &Genesis, sizes: Sizes) -> anyhow::Result<Arc<RocksStore>> {
    let options = RocksOptions { memory_table_bytes: sizes.memory_table_bytes, ..place.options()? };
    let store = RocksStore::open(&place.data_dir, genesis, HashKey::random(), &options);
    let context = || format!("cannot open {} as a data directory", place.data_dir.display());
    Ok(Arc::new(store.with_context(context).map_err(with_code)?))
}

/// Refuses a log that does not hold what its high-water mark says was acknowledged.
pub(crate) fn check_mark(store: &RocksStore, place: &Place) -> anyhow::Result<()> {
    let path = place.high_water_mark()?;
    let mismatch = match HighWater::file(&path).read()? {
        Some(mark) => store.mismatch(&mark)?,
        None => store.has_mark()?.then_some(HighWaterError::Missing),
    };
    let refused = mismatch.map(|source| StoreError::HighWater { mark: path.display().to_string(), source });
    refused.map_or(Ok(()), |refused| Err(with_code(refused.into())))
}

/// An error with its code and where to read on, when it has one.
pub(crate) fn with_code(error: anyhow::Error) -> anyhow::Error {
    let Some(code) = code(&error) else { return error };
    let remedy = match code {
        "LOG_CUT" | "HIGH_WATER_MARK" => "; `hutong recover` says what can be done",
        _ => "",
    };
    error.context(format!("stopped with {code} (deploy/runbooks/{code}.md{remedy})"))
}

fn code(error: &anyhow::Error) -> Option<&'static str> {
    error.chain().find_map(|cause| cause.downcast_ref::<StoreError>()).and_then(StoreError::code)
}

/// How a program ends that an error has stopped: what the data directory itself refuses is not worth another try, a disk may
/// have room again.
pub(crate) fn exit(error: &anyhow::Error) -> Exit {
    if code(error).is_some_and(|code| code != StoreError::DISK_FULL) { Exit::Refused } else { Exit::Error }
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The system's clock; the only place that asks it.
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that the others are given")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}
