//! What keeps a run from its end. A file that cannot be reconciled is no error but part of the report.

use std::io;
use std::path::PathBuf;

use domain::time::Date;
use thiserror::Error;

/// Why a run stopped. What it had submitted stands, and running again goes on from there.
#[derive(Debug, Error)]
pub enum Error {
    /// The directory or a file in it.
    #[error("reading {path}", path = path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is another day's: held against this one, every row and every leg would be a break.
    #[error("{file} is the bill of {of}, not of {asked}; nothing of it was recorded")]
    OtherDate {
        /// Its name.
        file: String,
        /// The date under which the ledger knows it, or most of its rows.
        of: Date,
        /// The date that was asked for.
        asked: Date,
    },
    /// The log.
    #[error("reading the ledger")]
    Ledger(#[from] ledger::Error),
    /// It is not known whether the ledger has the order.
    #[error("submitting {order} under key {key}")]
    Submit {
        /// [`crate::Order::name`].
        order: &'static str,
        /// [`crate::Order::key`].
        key: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
