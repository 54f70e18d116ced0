//! What the ledger keeps against what follows from its log.

use std::fmt;

use domain::ids::Sequence;
use store::history::{HistoryRow, Posting};

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The chain of hashes does not continue here.
    ChainBroken,
    /// An entry was answered otherwise than the rules say.
    Answer {
        /// In the log.
        recorded: String,
        /// By the rules.
        derived: String,
    },
    /// A posting that the rules book is not in the history.
    PostingMissing,
    /// A posting is in the history that the rules do not book there, or not that often.
    PostingExtra,
    /// A posting stands in another settlement cycle.
    WrongCycle {
        /// In the history.
        recorded: u32,
        /// By the rules.
        derived: u32,
    },
    /// A posting has another amount or rule.
    PostingDiffers,
    /// A balance before a block is another one.
    Balance,
    /// A settlement cycle holds other flows.
    Cycle,
    /// Settlements, files or breaks differ from what the orders of the log come to.
    Register,
    /// What is kept of a payment differs.
    Payment,
    /// Offsets do not rise.
    Offset,
}

/// The first thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The entry from which on the ledger's books are wrong.
    pub sequence: Sequence,
    /// What is wrong.
    pub fault: Fault,
    /// Which account, cycle or payment.
    pub place: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "entry {}: ", self.sequence)?;
        match &self.fault {
            Fault::ChainBroken => write!(f, "the hash chain breaks"),
            Fault::Answer { recorded, derived } => write!(f, "answered {recorded}, the rules say {derived}"),
            Fault::PostingMissing => write!(f, "a posting is missing on {}", self.place),
            Fault::PostingExtra => write!(f, "a posting too many on {}", self.place),
            Fault::WrongCycle { recorded, derived } => {
                write!(f, "a posting on {} stands in cycle {recorded}, it belongs in cycle {derived}", self.place)
            }
            Fault::PostingDiffers => write!(f, "a posting on {} has another amount or rule", self.place),
            Fault::Balance => write!(f, "the balance of {} is wrong", self.place),
            Fault::Register => f.write_str("settlements, files or breaks are not what the log's orders come to"),
            Fault::Cycle => write!(f, "cycle {} holds other obligations than its postings", self.place),
            Fault::Payment => write!(f, "payment {} is kept in another state than its events give", self.place),
            Fault::Offset => write!(f, "the source offset does not rise"),
        }
    }
}

/// The first difference between a stored history row and the derived one.
pub(crate) fn rows(stored: &HistoryRow, derived: &HistoryRow) -> Option<(Sequence, Fault)> {
    if stored.before != derived.before {
        return Some((derived.first, Fault::Balance));
    }
    let longest = stored.postings.len().max(derived.postings.len());
    let at = (0..longest).find(|&at| stored.postings.get(at) != derived.postings.get(at))?;
    let (is, next) = (stored.postings.get(at), stored.postings.get(at + 1));
    let (should_be, next_should_be) = (derived.postings.get(at), derived.postings.get(at + 1));
    Some(match (is, should_be) {
        (Some(is), None) => (is.sequence, Fault::PostingExtra),
        (None, Some(should_be)) => (should_be.sequence, Fault::PostingMissing),
        (Some(is), Some(_)) if next == should_be => (is.sequence, Fault::PostingExtra),
        (is, Some(should_be)) if is == next_should_be => (should_be.sequence, Fault::PostingMissing),
        (Some(is), Some(should_be)) => postings(is, should_be),
        (None, None) => return None,
    })
}

fn postings(is: &Posting, should_be: &Posting) -> (Sequence, Fault) {
    let sequence = is.sequence.min(should_be.sequence);
    if (Posting { cycle: should_be.cycle, ..*is }) == *should_be {
        return (sequence, Fault::WrongCycle { recorded: is.cycle, derived: should_be.cycle });
    }
    (sequence, Fault::PostingDiffers)
}
