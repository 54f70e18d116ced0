//! Deterministic simulation of the shard. The code of `ledger` and of the store's engine runs as it is, on one thread, one
//! step of its four threads after the other in an order that a seed chooses; what is swapped is what it stands on:
//!
//! * [`broker`]: topics with sparse offsets, transactions, redelivery, and topics that are lost;
//! * [`disk`]: a disk that fails, fills up, loses power, and changes bits;
//! * a clock that jumps;
//! * [`networks`] and [`clerk`]: what they report and order.
//!
//! [`oracle`] stands outside and knows what must be true; [`world`] plays one seed, [`many`] plays many and counts
//! ([`coverage`]) what was met. The same seed plays the same, on every machine.
//!
//! Absent on purpose: threads, files, clocks, and any chance but the seed's.

pub mod broker;
pub mod clerk;
pub mod coverage;
pub mod disk;
mod end;
pub mod flips;
mod garbage;
pub mod many;
pub mod mutants;
pub mod networks;
pub mod oracle;
pub mod random;
pub mod rules;
pub mod world;
