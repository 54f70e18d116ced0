//! What tests share.
//!
//! * [`model::Model`] is the smallest ledger: maps instead of a database, no threads, and after every event it can check
//!   every invariant of the rulebook. What it answers is right by definition; other ledgers are compared with it.
//! * [`history`] tells a model random histories, and [`life`] the life of one payment in every order that is allowed.
//! * [`table`] runs ledger tables: text that a banker can check, one event a line with the answer it must get.
//!
//! Absent on purpose: anything that a running service needs.

pub mod history;
pub mod invariants;
pub mod life;
pub mod model;
pub mod table;
