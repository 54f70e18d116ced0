//! What the tests of the whole service share: a real Apache Kafka, the real binary, and a look into what it has written.
//!
//! Every test starts a broker of its own on free ports and ends it, whatever becomes of the test; it ends nothing else. The
//! binary is the one beside the test program: `cargo test --workspace` has built it.

use std::time::Duration;

mod broker;
mod feed;
mod ledger;
mod refusals;
mod replay;
mod service;
mod topic;

pub use broker::Broker;
pub use feed::{TOPICS, events, fund, make_topics, publish};
pub use ledger::{codec, head_at, open};
pub use refusals::{Told, refused, rejections, told};
pub use replay::{Record, Replay, figures};
pub use service::{Ended, Service, hutong, program};
pub use topic::{records, written};

/// How long anything may take that has to happen: brokers and services start and come back on a machine that is busy with
/// something else. Only a test that fails waits for so long.
pub const PATIENCE: Duration = Duration::from_secs(120);
