//! The block log and its folds: record formats, keys, and the order in which things become durable.
//!
//! The log is a list of blocks of entries ([`block`], [`entry`]) held together by a hash chain ([`chain`]) that begins with
//! the ledger's identity ([`genesis`]). Everything else is a fold of it that lags behind and comes in runs ([`run`]):
//! event ids ([`mark`], looked up by keyed digests, [`hash`], behind filters, [`filter`]), payments ([`payment`]), account
//! history ([`history`]), cycles ([`cycle`]) and a snapshot of what all payments share ([`state`]).
//!
//! How far the log was acknowledged is kept outside it as well ([`high_water`]): a log that has forgotten something is not
//! opened.
//!
//! [`Store`] is what the ledger and the verifier see. [`RocksStore`] keeps it on disk, [`MemoryStore`] in memory,
//! [`Engine::over`] wherever a simulation wants it; all but the keeping of bytes ([`tables`]) is the same code.
//!
//! Absent on purpose: what an entry means, in which order things are decided, clocks, Kafka, gRPC. Each record begins with
//! a version ([`formats`]); one that is not known is refused by name, never guessed at ([`error`]).
//!
//! ```
//! use domain::ids::Sequence;
//! use domain::time::Timestamp;
//! use store::block::{BlockBuilder, Seal};
//! use store::chain;
//! use store::entry::{AnswerCode, Content, Entry, EntryKind};
//! use store::genesis::{Genesis, Source};
//! use store::hash::HashKey;
//! use store::{MemoryStore, Store};
//!
//! let source = Source { topic: "payments.unionpay".into(), topic_id: String::new(), partitions: 1 };
//! let genesis = Genesis { cluster: "demo".into(), shard: 0, sources: vec![source] };
//! let store = MemoryStore::new(&genesis, HashKey::random())?;
//!
//! let tip = store.tip();
//! let entry = Entry {
//!     source: 0,
//!     offset: 0,
//!     arrived_at: Timestamp::from_micros(1_795_000_000_000_000),
//!     kind: EntryKind::PaymentEvent,
//!     answer: AnswerCode::ACCEPTED,
//!     rulebook: 1,
//!     duplicate_of: None,
//!     principal: "",
//!     idempotency_key: "",
//!     key: &[],
//!     content: Content::Raw(b"as received"),
//! };
//! let mut builder = BlockBuilder::new(Sequence(tip.sequence.0 + 1), &tip.positions);
//! let sequence = builder.push(&entry)?;
//! let head_after = chain::next(&tip.head, sequence.0, &entry.head());
//! let mut block = Vec::new();
//! builder.seal(&Seal { recorded_at: entry.arrived_at, head_before: tip.head, head_after }, &mut block)?;
//! store.append(&block)?;
//!
//! assert_eq!(store.tip().sequence, Sequence(1));
//! assert_eq!(store.tip().positions, [1]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod block;
mod bytes;
pub mod chain;
pub mod cycle;
mod engine;
pub mod entry;
pub mod error;
mod fields;
pub mod filter;
pub mod formats;
pub mod genesis;
pub mod hash;
pub mod high_water;
pub mod history;
pub mod incarnation;
pub mod mark;
mod memory;
pub mod payment;
mod register;
mod rocks;
pub mod run;
mod segments;
pub mod state;
mod store;
pub mod tables;

pub use engine::Engine;
pub use error::StoreError;
pub use memory::{MemoryStore, MemoryTables};
pub use rocks::{RocksOptions, RocksStore, RocksTables, is_empty_directory};
pub use store::{DiskUsage, Items, Lookups, Store, Tip, Written};
