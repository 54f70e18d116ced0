//! A set of numbers that are dense where there are any: lines of a file, entries of the log. A bit each, in pieces that two
//! copies share until one of them changes.

use std::collections::BTreeMap;
use std::sync::Arc;

const WORDS: usize = 64;
const BITS: u64 = 64 * 64;

/// A set of numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Numbers(BTreeMap<u64, Arc<[u64; WORDS]>>);

impl Numbers {
    /// Whether `number` is in the set.
    #[must_use]
    pub fn contains(&self, number: u64) -> bool {
        let (piece, word, bit) = place(number);
        self.0.get(&piece).is_some_and(|words| words[word] & bit != 0)
    }

    /// Adds `number`; false when it was there.
    pub fn insert(&mut self, number: u64) -> bool {
        let (piece, word, bit) = place(number);
        let words = Arc::make_mut(self.0.entry(piece).or_insert_with(|| Arc::new([0; WORDS])));
        let is_new = words[word] & bit == 0;
        words[word] |= bit;
        is_new
    }

    /// The pieces, in order: a piece's number and its bits, for writing the set down.
    pub fn pieces(&self) -> impl ExactSizeIterator<Item = (u64, &[u64; WORDS])> {
        self.0.iter().map(|(piece, words)| (*piece, words.as_ref()))
    }

    /// The set that was written down.
    #[must_use]
    pub fn restore(pieces: impl IntoIterator<Item = (u64, [u64; WORDS])>) -> Self {
        Self(pieces.into_iter().map(|(piece, words)| (piece, Arc::new(words))).collect())
    }
}

fn place(number: u64) -> (u64, usize, u64) {
    let word = usize::try_from(number % BITS / 64).expect("below 64");
    (number / BITS, word, 1 << (number % 64))
}
