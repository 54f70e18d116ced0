//! A data directory as every verb opens it: which shard it is, how its records are read, whose clock it uses.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use domain::time::Timestamp;
use ledger::Clock;
use store::genesis::{Genesis, Source};
use store::hash::HashKey;
use store::{RocksOptions, RocksStore, Store};
use wire::codec::WireCodec;

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

/// Opens or creates a data directory for writing.
pub(crate) fn open(directory: &Path, genesis: &Genesis) -> anyhow::Result<Arc<dyn Store>> {
    let store = RocksStore::open(directory, genesis, HashKey::random(), &RocksOptions::default());
    Ok(Arc::new(store.with_context(|| format!("cannot open {} as a data directory", directory.display()))?))
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
