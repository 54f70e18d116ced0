//! Between Kafka and the ledger.
//!
//! * [`check`] asks the brokers who they are and whether the topics of a shard are there, one partition each.
//! * [`KafkaSource`] is the ledger's [`ledger::Source`]: the topics from the positions that the ledger holds, in their order,
//!   with nothing left out. Whatever would leave something out stops it with one of the [`codes`]; a broker that is away
//!   does not.
//! * [`Rejections`] follows the log and puts what was refused onto `payments.rejected`.
//! * [`bank`] takes instructions to the settlement bank and brings its answers.
//! * [`LocalBroker`] is a broker inside this process, for a demonstration; [`Paced`] publishes at its measure.
//! * [`Lags`] tells how far behind it is; [`Publisher`] puts records onto topics; [`Admin`] makes topics.
//!
//! Who decides where to begin: the ledger. A block holds the positions it consumed, so effect and position are one write; a
//! consumer group's committed offsets are neither read nor written. The group name is there because the client wants one.
//!
//! Absent on purpose: what a record means, the database, gRPC. No type of the Kafka client is visible outside.
//!
//! ```
//! let lag = ingest::Lag { topic: "payments.alipay".to_owned(), position: 40, end: Some(42) };
//! assert_eq!(lag.offsets(), Some(2));
//! ```

mod admin;
pub mod bank;
mod cluster;
pub mod codes;
mod config;
mod ending;
mod error;
mod local;
mod look;
mod publish;
mod put;
mod rejected;
mod source;
mod watch;

pub use admin::Admin;
pub use cluster::check;
pub use error::Error;
pub use local::{LocalBroker, Paced};
pub use look::Anchor;
pub use publish::Publisher;
pub use put::Putter;
pub use rejected::Rejections;
pub use source::{KafkaSource, Start};
pub use watch::{Lag, Lags};
/// The topic of what was refused.
pub use wire::rejection::TOPIC as REJECTED;
