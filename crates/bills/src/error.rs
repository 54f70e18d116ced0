//! A file that cannot be reconciled as it is. Nothing of it may be used, including rows already handed out.

use std::io;

use thiserror::Error;

use crate::text::Charset;
use crate::{Fault, Network};

/// Why [`crate::read`] gave no summary.
#[derive(Debug, Error)]
pub enum Error {
    /// The content is the trouble: reading it again gives the same answer.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The machine is the trouble.
    #[error("reading the bill")]
    Io(#[from] io::Error),
}

/// The rule a whole file breaks. None may be retried on the same bytes.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// No bytes. An empty day is announced by a message or a header, never by an empty file.
    #[error("the file is empty; fetch it again")]
    Empty,
    /// The network answered with an error in place of a bill.
    #[error("the network answered with an error instead of a bill; do not reconcile, fetch again later")]
    NotProduced {
        /// Who answered.
        network: Network,
        /// The network's own words.
        message: String,
    },
    /// Neither a header of a known layout nor a fixed-width record.
    #[error("is not of a known layout: {why}")]
    UnknownLayout {
        /// From 1.
        line: u64,
        /// The beginning of the line that was expected to tell.
        head: String,
        /// What it lacks, and what to do.
        why: String,
    },
    /// The columns are those of a known layout, the bytes are not in its charset: somebody has converted the file.
    #[error("a bill of {network} is {charset}, and byte {offset} is not; take the file as the network sent it")]
    WrongCharset {
        /// Whose layout it is.
        network: Network,
        /// What it must be in.
        charset: Charset,
        /// The first byte that is not, from 0.
        offset: u64,
        /// From 1.
        line: u64,
    },
    /// The zip is damaged, unsafe, or not one bill.
    #[error("the archive is refused: {why}")]
    Archive {
        /// The member's name, empty when it is about the archive itself.
        member: String,
        /// Which rule, and what to do.
        why: String,
    },
}

impl Refusal {
    pub(crate) fn archive(member: &str, why: impl Into<String>) -> Self {
        Self::Archive { member: cut(member), why: why.into() }
    }

    pub(crate) fn unknown(line: u64, head: &str, why: impl Into<String>) -> Self {
        Self::UnknownLayout { line, head: cut(head), why: why.into() }
    }

    /// Whose file it would have been, where the content says so.
    #[must_use]
    pub fn network(&self) -> Option<Network> {
        match self {
            Self::NotProduced { network, .. } | Self::WrongCharset { network, .. } => Some(*network),
            Self::Empty | Self::UnknownLayout { .. } | Self::Archive { .. } => None,
        }
    }

    /// The line it was found at, from 1; 0 when it is about the file as a whole.
    #[must_use]
    pub fn line(&self) -> u64 {
        match self {
            Self::UnknownLayout { line, .. } | Self::WrongCharset { line, .. } => *line,
            Self::NotProduced { .. } => 1,
            Self::Empty | Self::Archive { .. } => 0,
        }
    }

    /// What stood there.
    #[must_use]
    pub fn value(&self) -> &str {
        match self {
            Self::NotProduced { message: value, .. }
            | Self::UnknownLayout { head: value, .. }
            | Self::Archive { member: value, .. } => value,
            Self::Empty | Self::WrongCharset { .. } => "",
        }
    }
}

pub(crate) fn cut(text: &str) -> String {
    text.chars().take(Fault::VALUE_CHARS_MAX).collect()
}
