//! What can fail before a source runs, and on the way onto a topic.

use ledger::SourceError;
use thiserror::Error;

/// Why something with Kafka could not be done.
#[derive(Debug, Error)]
pub enum Error {
    /// Nobody answers: worth trying again later.
    #[error("no broker of {brokers} answers: {reason}")]
    Unreachable {
        /// As they were given.
        brokers: String,
        /// What the client says.
        reason: String,
    },
    /// The topics are not what the ledger needs; the source has a code.
    #[error("cannot begin to read events")]
    Source(#[source] SourceError),
    /// The ledger's log, which is read beside the ledger.
    #[error("cannot follow the log")]
    Log(#[source] ledger::Error),
    /// The client cannot be made.
    #[error("cannot make a Kafka client: {0}")]
    Client(String),
    /// There is no broker inside this process.
    #[error("cannot start a broker in this process: {0}")]
    Local(String),
    /// A thread cannot be started.
    #[error("cannot start a thread for Kafka")]
    Thread(#[source] std::io::Error),
    /// A record is not, or perhaps not, on its topic.
    #[error("cannot publish to {topic}: {reason}")]
    Publish {
        /// Where to.
        topic: String,
        /// What the client or the broker says.
        reason: String,
    },
    /// A broker did not change what it was asked to.
    #[error("cannot {what}: {reason}")]
    Admin {
        /// What was asked.
        what: String,
        /// What the client or the broker says.
        reason: String,
    },
}

impl Error {
    /// The stable code, and name of the runbook page, of what has one.
    #[must_use]
    pub const fn code(&self) -> Option<&'static str> {
        match self {
            Self::Source(error) => Some(error.code),
            _ => None,
        }
    }
}
