//! The real binary, ended in every way that a machine has, on a real Apache Kafka, judged from outside.
//!
//! * [`kills`]: SIGKILL at random moments and at every failpoint of [`faults`].
//! * [`power`]: the data directory lies on a file system of its own, which is shut down under load without its journal.
//! * [`full`]: that file system is filled to the last block, and freed.
//!
//! The oracle is never inside of what dies: what is published is written down before (`truth`), what is acknowledged is what a
//! gRPC client saw (`witness`). After every end the next life of the service has to have the same chain up to there, and at
//! the end the ledger is the one of a day that nobody disturbed.
//!
//! Absent on purpose: brokers that die (`e2e` ends those), damaged files, errors of single system calls.

use std::io::Write;

mod bank;
mod clerk;
mod feeder;
pub mod full;
mod judge;
pub mod kills;
mod options;
pub mod power;
mod random;
mod rig;
mod truth;
mod volume;
mod witness;

pub use options::Options;

/// Bytes as hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A suite that this machine cannot run says so where nobody overlooks it.
fn skipped(suite: &str, why: &str) {
    say(format_args!("NOTICE: {suite} was SKIPPED and has shown nothing: {why}"));
}

/// To standard output, which may be closed.
fn say(text: std::fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stdout(), "{text}");
}
