//! Traffic of payment networks, from a plan of its own.
//!
//! What a ledger is fed with and what its answers are compared with must not come from the code that is judged by it.
//! This crate therefore decides for itself what happens to every payment, writes it down as the networks would, and
//! knows from its plan which events have to be refused. The contracts (`wire`) are all that it shares with the rest.
//!
//! * [`bank`]: the settlement bank, which confirms late, twice, when asked again, or not.
//! * [`day`]: a day of three networks with its bill files and the list of what is planted in them.
//! * [`mix`]: seeded streams of payment events for benchmarks, and the files that they are kept in.
//!
//! Absent on purpose: the code that it is used to judge (ledger, reconciliation, and the readers of bill files), the
//! rules of `domain`, clocks, and any source of randomness but the seed: the same seed gives the same bytes on every
//! machine. Tests alone ask the rules whether the plan is right.
//!
//! ```
//! use simulator::mix::{Mix, Stream};
//!
//! let mut stream = Stream::new(Mix::Natural, 1_000, 42);
//! let sent = stream.next_event().expect("a thousand events");
//! assert_eq!(sent.record.offset, 0);
//! assert_eq!(wire::event::decode(sent.record.value).map(|event| event.payment_id), Ok(sent.record.key));
//! ```

pub mod bank;
pub mod day;
pub mod mix;
mod proto;
mod random;
