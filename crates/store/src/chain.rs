//! The chain: one hash an entry, so that where blocks end changes nothing. Whoever holds h\[n\] holds everything up to n.
//!
//! ```text
//! h[0] = SHA-256("hutong genesis v1" || genesis record)
//! h[n] = SHA-256("hutong entry v1" || h[n-1] || n u64 || source u16 || offset i64 || arrived at i64
//!                || kind u8 || answer u16 || rulebook u32 || SHA-256 of the record as received)
//! ```
//!
//! All numbers are big-endian and of fixed width, so no lengths are needed. Principal and idempotency key are inside the
//! record; a recorded time is a block's and not in the chain.

use sha2::{Digest, Sha256};

use crate::entry::EntryHead;

/// A chain head.
pub type Head = [u8; 32];

const DOMAIN: &[u8; 15] = b"hutong entry v1";
const LENGTH: usize = 15 + 32 + 8 + 2 + 8 + 8 + 1 + 2 + 4 + 32;

/// The head after entry `sequence`, given the head before it.
#[must_use]
pub fn next(previous: &Head, sequence: u64, entry: &EntryHead) -> Head {
    let mut bytes = [0; LENGTH];
    let (mut rest, mut at) = (&mut bytes[..], 0);
    let parts: [&[u8]; 10] = [
        DOMAIN,
        previous,
        &sequence.to_be_bytes(),
        &entry.source.to_be_bytes(),
        &entry.offset.to_be_bytes(),
        &entry.arrived_at.micros().to_be_bytes(),
        &[entry.kind as u8],
        &entry.answer.0.to_be_bytes(),
        &entry.rulebook.to_be_bytes(),
        &entry.digest,
    ];
    for part in parts {
        let (here, after) = rest.split_at_mut(part.len());
        here.copy_from_slice(part);
        rest = after;
        at += part.len();
    }
    debug_assert_eq!(at, LENGTH, "the parts fill the buffer");
    Sha256::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    use domain::time::Timestamp;

    use super::*;
    use crate::entry::{AnswerCode, EntryKind};

    fn head() -> EntryHead {
        EntryHead {
            source: 0x0102,
            offset: 0x0304,
            arrived_at: Timestamp::from_micros(0x0506),
            kind: EntryKind::PaymentEvent,
            answer: AnswerCode(0x0708),
            rulebook: 0x090a,
            digest: [0xdd; 32],
        }
    }

    #[test]
    fn the_head_is_the_hash_of_the_documented_bytes() {
        let mut bytes = b"hutong entry v1".to_vec();
        bytes.extend([0xaa; 32]);
        bytes.extend([0, 0, 0, 0, 0, 0, 0, 7, 1, 2]);
        bytes.extend([0, 0, 0, 0, 0, 0, 3, 4, 0, 0, 0, 0, 0, 0, 5, 6]);
        bytes.extend([1, 7, 8, 0, 0, 9, 10]);
        bytes.extend([0xdd; 32]);
        assert_eq!(next(&[0xaa; 32], 7, &head()), <[u8; 32]>::from(Sha256::digest(&bytes)));
    }

    #[test]
    fn every_field_changes_the_head() {
        let base = next(&[0; 32], 1, &head());
        let others = [
            next(&[1; 32], 1, &head()),
            next(&[0; 32], 2, &head()),
            next(&[0; 32], 1, &EntryHead { source: 1, ..head() }),
            next(&[0; 32], 1, &EntryHead { offset: -1, ..head() }),
            next(&[0; 32], 1, &EntryHead { arrived_at: Timestamp::from_micros(-1), ..head() }),
            next(&[0; 32], 1, &EntryHead { kind: EntryKind::Command, ..head() }),
            next(&[0; 32], 1, &EntryHead { answer: AnswerCode(1), ..head() }),
            next(&[0; 32], 1, &EntryHead { rulebook: 1, ..head() }),
            next(&[0; 32], 1, &EntryHead { digest: [0; 32], ..head() }),
        ];
        assert!(others.iter().all(|other| *other != base));
    }
}
