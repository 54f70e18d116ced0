//! The hash chain, written from its definition and not from the ledger's code:
//!
//! h\[0\] = SHA-256("hutong genesis v1" || genesis record), and for entry n
//! h\[n\] = SHA-256("hutong entry v1" || h\[n-1\] || n || source || offset || arrival || kind || answer || rulebook || SHA-256(record)),
//! numbers big-endian in 8, 2, 8, 8, 1, 2 and 4 bytes.

use domain::ids::Sequence;
use sha2::{Digest, Sha256};
use store::Store;
use store::entry::{Content, Entry};
use store::genesis::Genesis;

use crate::verify::Error;

pub(crate) fn genesis(genesis: &Genesis) -> [u8; 32] {
    Sha256::new().chain_update(b"hutong genesis v1").chain_update(genesis.encode()).finalize().into()
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// SHA-256 of the record that an entry holds.
pub(crate) fn record(entry: &Entry<'_>) -> [u8; 32] {
    match entry.content {
        Content::Raw(raw) => sha256(raw),
        Content::Digest(digest) => digest,
    }
}

pub(crate) fn next(head: [u8; 32], sequence: Sequence, entry: &Entry<'_>, record: [u8; 32]) -> [u8; 32] {
    let hash = Sha256::new().chain_update(b"hutong entry v1").chain_update(head);
    let hash = hash.chain_update(sequence.0.to_be_bytes()).chain_update(entry.source.to_be_bytes());
    let hash = hash.chain_update(entry.offset.to_be_bytes()).chain_update(entry.arrived_at.micros().to_be_bytes());
    let hash = hash.chain_update([entry.kind as u8]).chain_update(entry.answer.0.to_be_bytes());
    hash.chain_update(entry.rulebook.to_be_bytes()).chain_update(record).finalize().into()
}

/// What the chain alone says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chained {
    /// Entries whose hashes follow each other.
    pub entries: u64,
    /// The hash after the last of them.
    pub head: [u8; 32],
    /// The first entry of the first block that says something else.
    pub broken: Option<Sequence>,
}

/// Computes the hash chain of `store` and asks no rule: that nothing was altered, not that it was right.
///
/// # Errors
/// When the log cannot be read to its end.
pub fn verify_chain(store: &dyn Store) -> Result<Chained, Error> {
    let mut chained = Chained { entries: 0, head: genesis(store.genesis()), broken: None };
    for block in store.blocks(Sequence(1)) {
        let block = block?;
        let (first, mut head) = (block.head().first, block.head().head_before);
        let mut entries = chained.entries;
        for entry in block.entries() {
            entries += 1;
            let (_, entry) = entry?;
            head = next(head, Sequence(entries), &entry, record(&entry));
        }
        let follows = first.0 == chained.entries + 1 && block.head().head_before == chained.head;
        if !follows || head != block.head().head_after {
            return Ok(Chained { broken: Some(first), ..chained });
        }
        chained = Chained { entries, head, ..chained };
    }
    Ok(chained)
}
