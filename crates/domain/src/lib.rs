//! The rulebook of the interconnection as code, to be read aloud.
//!
//! A network's report ([`report`]) is judged against one payment ([`payment`]) under the rules in force ([`rulebook`]); it is
//! accepted, parked or refused ([`rejection`]), and what it books are journals ([`journal`]) on the chart of accounts
//! ([`account`]). Folding journals gives balances ([`book`]) and cycles ([`cycle`]), whose obligations are netted
//! ([`netting`]); operators close and settle them by commands ([`command`]).
//!
//! Deciding and folding are two functions, and neither reads a clock, draws a random number, logs, waits or can tell a
//! database from a test: everything they need arrives as a value.
//!
//! Absent on purpose: protobuf, Kafka, RocksDB, files, clocks, threads. The text form of rulebooks is in `rulebook`, bill
//! files are in `bills`.
//!
//! ```
//! use domain::money::{CNY, Rate, decimal_from_minor};
//!
//! let interchange = Rate::from_percent("0.35%").expect("a rate");
//! assert_eq!(decimal_from_minor(interchange.of(10_000).into(), 2), "0.35");
//! assert_eq!(CNY.code(), "CNY");
//! ```

pub mod account;
pub mod book;
pub mod break_code;
pub mod clearing;
pub mod codes;
pub mod command;
pub mod cycle;
pub mod directive;
pub mod ids;
pub mod journal;
pub mod money;
pub mod netting;
pub mod payment;
pub mod rejection;
pub mod report;
pub mod rulebook;
pub mod state;
pub mod time;
