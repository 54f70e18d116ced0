//! One entry of the log: a record that was consumed, the answer it got, and under which rules. Every consumed record is
//! one entry with one sequence number, whatever the answer (accepted, waiting, rejected, quarantined, duplicate), so
//! offsets and entries go together. What an entry means is not known here.

use domain::ids::Sequence;
use domain::rejection::{Quarantine, RejectionCode};
use domain::time::Timestamp;
use sha2::{Digest, Sha256};

/// What kind of record an entry holds. The number is part of the format and of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum EntryKind {
    /// A network's report of a payment.
    PaymentEvent = 1,
    /// An operator's command.
    Command = 2,
    /// A record that is kept byte for byte and judged by nobody.
    Quarantined = 3,
    /// The ledger's own, from no topic: the first rulebook.
    Internal = 4,
}

impl EntryKind {
    pub(crate) const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::PaymentEvent),
            2 => Some(Self::Command),
            3 => Some(Self::Quarantined),
            4 => Some(Self::Internal),
            _ => None,
        }
    }
}

/// The stable number of an answer: 1 to 4 here, 100 to 199 a rejection's, 200 to 299 a quarantine's. Other numbers are
/// kept as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AnswerCode(pub u16);

impl AnswerCode {
    /// Applied.
    pub const ACCEPTED: Self = Self(1);
    /// Parked until its predecessor comes.
    pub const WAITING_FOR_ORIGINAL: Self = Self(2);
    /// The same id and content before: see [`Entry::duplicate_of`].
    pub const DUPLICATE: Self = Self(3);
    /// Recorded without being judged: the ledger's own entries.
    pub const RECORDED: Self = Self(4);

    /// The rejection it stands for.
    #[must_use]
    pub fn rejection(self) -> Option<RejectionCode> {
        RejectionCode::from_number(self.0)
    }

    /// The quarantine it stands for.
    #[must_use]
    pub fn quarantine(self) -> Option<Quarantine> {
        Quarantine::from_number(self.0)
    }
}

impl From<RejectionCode> for AnswerCode {
    fn from(code: RejectionCode) -> Self {
        Self(code.number())
    }
}

impl From<Quarantine> for AnswerCode {
    fn from(code: Quarantine) -> Self {
        Self(code.number())
    }
}

/// What was received, or what it hashed to where the bytes themselves are those of an earlier entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content<'a> {
    /// As received, possibly empty.
    Raw(&'a [u8]),
    /// SHA-256 of what was received; the bytes are those of [`Entry::duplicate_of`].
    Digest([u8; 32]),
}

impl<'a> Content<'a> {
    /// SHA-256 of what was received; computed when the bytes are here.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        match self {
            Self::Raw(raw) => Sha256::digest(raw).into(),
            Self::Digest(digest) => *digest,
        }
    }

    /// The bytes, when they are here.
    #[must_use]
    pub const fn raw(&self) -> Option<&'a [u8]> {
        match self {
            Self::Raw(raw) => Some(raw),
            Self::Digest(_) => None,
        }
    }
}

/// One entry. Its sequence number follows from its place in its block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Index into the sources of the genesis, or [`Entry::NO_SOURCE`].
    pub source: u16,
    /// Kafka offset in that source; the ledger's own numbering for [`Entry::NO_SOURCE`].
    pub offset: i64,
    /// When the record was put on its topic.
    pub arrived_at: Timestamp,
    /// What the record is.
    pub kind: EntryKind,
    /// What was answered.
    pub answer: AnswerCode,
    /// The rulebook version current when it was judged.
    pub rulebook: u32,
    /// The first entry with the same id, for duplicates, also those in conflict. Always an earlier one.
    pub duplicate_of: Option<Sequence>,
    /// Who gave a command, else empty.
    pub principal: &'a str,
    /// Chosen by whoever gave the command, else empty.
    pub idempotency_key: &'a str,
    /// The record's key where it is not the payment id inside the record, else empty.
    pub key: &'a [u8],
    /// The record.
    pub content: Content<'a>,
}

impl Entry<'_> {
    /// The source of entries that come from no topic. They move no position.
    pub const NO_SOURCE: u16 = u16::MAX;

    /// What the chain covers. Computes the digest when the content is here.
    #[must_use]
    pub fn head(&self) -> EntryHead {
        self.head_with(self.content.digest())
    }

    /// As [`Entry::head`] for a caller who has computed the digest already.
    #[must_use]
    pub const fn head_with(&self, digest: [u8; 32]) -> EntryHead {
        let Self { source, offset, arrived_at, kind, answer, rulebook, .. } = *self;
        EntryHead { source, offset, arrived_at, kind, answer, rulebook, digest }
    }
}

/// The part of an entry that the chain covers, all of fixed width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryHead {
    /// See [`Entry::source`].
    pub source: u16,
    /// See [`Entry::offset`].
    pub offset: i64,
    /// See [`Entry::arrived_at`].
    pub arrived_at: Timestamp,
    /// See [`Entry::kind`].
    pub kind: EntryKind,
    /// See [`Entry::answer`].
    pub answer: AnswerCode,
    /// See [`Entry::rulebook`].
    pub rulebook: u32,
    /// SHA-256 of the record as received.
    pub digest: [u8; 32],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_all_origins_have_numbers_of_their_own_ranges() {
        assert!(RejectionCode::ALL.iter().all(|code| (100..200).contains(&code.number())));
        assert!(Quarantine::ALL.iter().all(|code| (200..300).contains(&code.number())));
        let answer = AnswerCode::from(RejectionCode::CorridorClosed);
        assert_eq!((answer.rejection(), answer.quarantine()), (Some(RejectionCode::CorridorClosed), None));
        let answer = AnswerCode::from(Quarantine::KeyMismatch);
        assert_eq!((answer.rejection(), answer.quarantine()), (None, Some(Quarantine::KeyMismatch)));
    }
}
