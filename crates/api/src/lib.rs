//! gRPC services over the ledger. What a call means stands in `proto/`; here is how it is answered.
//!
//! * [`start`] serves a [`ledger::Handle`] on threads of its own; [`Running::stop`] ends that with a deadline.
//! * Every read is answered at one moment of the ledger, which its answer names. A page token carries that moment, so that
//!   all pages show one state.
//! * What reads the store does so on threads for blocking work; nobody waits for the writer but by looking at what it
//!   publishes.
//! * A changing call becomes a command on a topic, through [`CommandSink`], and is answered when its outcome is durable.
//! * What is not answered yet says so with `UNIMPLEMENTED`: registers and open nets at a past moment.
//!
//! Absent on purpose: Kafka, the database, and any rule: amounts are asked of `ledger` and `domain`, never computed here.
//!
//! ```no_run
//! # fn serve(ledger: &ledger::Ledger) -> Result<(), api::Error> {
//! let running = api::start(ledger.handle(), &api::Options::default())?;
//! println!("listening on {}", running.address());
//! running.stop();
//! # Ok(())
//! # }
//! ```

mod absent;
mod audit;
mod balances;
mod command;
mod corridors;
mod deadline;
mod entry;
mod explain;
mod feed;
mod filter;
mod follow;
mod history;
mod life;
mod netting;
mod options;
mod page;
mod reader;
mod reconciliation;
mod register;
mod search;
mod server;
mod settlement;
mod stream;

pub use command::{CommandSink, PRINCIPAL, SinkError};
pub use options::{Error, Options};
pub use server::{Running, start};
