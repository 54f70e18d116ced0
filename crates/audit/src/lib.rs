//! The verifier. It reads the blocks of a data directory and nothing else, computes the hash chain, asks the rules about
//! every record again, folds what they book by code of its own, and compares the outcome with everything the ledger keeps:
//! answers, history rows, balances, cycles, payments.
//!
//! Absent on purpose: `ledger`, whose work it judges. The rules themselves are the domain's; what they book is written down
//! by hand in the ledger tables.

mod chain;
mod compare;
mod day;
mod fold;
mod verify;

pub use chain::{Chained, verify_chain};
pub use compare::{Fault, Finding};
pub use day::Day;
pub use verify::{Error, Progress, Verified, verify};
