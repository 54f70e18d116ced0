//! The one writer of a shard: it orders what comes in, knows duplicates, asks the rules, makes blocks durable, publishes what
//! is durable, and finds its way back after a crash.
//!
//! * [`Ledger::open`] recovers; [`Ledger::start`] consumes a [`Source`] until it ends or is stopped; [`Ledger::steps`]
//!   does the same on one thread, in the order of a simulation.
//! * [`Handle`] is for readers: the newest durable [`Snapshot`], or a balance as of any sequence.
//! * Ports: [`Source`], [`Clock`], `store::Store`, `domain::directive::Codec`.
//!
//! Absent on purpose: Kafka, protobuf, gRPC, RocksDB. A test swaps all four and runs this very code.

mod apply;
mod batch;
mod entries;
mod error;
mod flush;
mod input;
mod intake;
mod ledger;
mod memtable;
mod past;
mod pipeline;
mod query;
mod read;
mod reading;
mod recover;
mod refused;
mod rows;
mod sealed;
mod shard;
mod shared;
mod snapshot;
mod stepper;

pub use entries::LoggedEntry;
pub use error::Error;
pub use input::{Clock, Input, Polled, Source, SourceError};
pub use intake::RECORD_BYTES_MAX;
pub use ledger::{Handle, Ledger};
pub use pipeline::{Options, Running};
pub use reading::{LoggedPosting, Visit};
pub use refused::Refused;

pub use snapshot::Snapshot;
pub use stepper::{Step, Stepper};
pub use store::entry::{AnswerCode, Content, Entry, EntryKind};
pub use store::history::{Direction, Posting};
