//! What has changed since the last sealed run, by digest. The newest generation is written to; when a run is sealed it is
//! frozen, shared with the thread that flushes it, and still read until the store has it. One flushed generation is kept
//! longer, because what was touched last is touched next.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

/// Digests are keyed hashes already: their low half is the hash.
#[derive(Clone, Copy, Default)]
pub(crate) struct DigestHasher(u64);

impl Hasher for DigestHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u128(&mut self, digest: u128) {
        let [.., low] = [digest >> 64, digest].map(|half| half & u128::from(u64::MAX));
        self.0 = u64::try_from(low).unwrap_or_default();
    }
}

/// One generation.
pub(crate) type Generation<T> = HashMap<u128, T, BuildHasherDefault<DigestHasher>>;

/// Generations of one kind of fold, newest first to be asked.
pub(crate) struct Memtable<T> {
    active: Generation<T>,
    frozen: VecDeque<(u32, Arc<Generation<T>>)>,
}

impl<T> Memtable<T> {
    pub(crate) fn new() -> Self {
        Self { active: Generation::default(), frozen: VecDeque::new() }
    }

    /// The newest value, unless only the store has it.
    pub(crate) fn get(&self, digest: u128) -> Option<&T> {
        let frozen = || self.frozen.iter().rev().find_map(|(_, generation)| generation.get(&digest));
        self.active.get(&digest).or_else(frozen)
    }

    pub(crate) fn insert(&mut self, digest: u128, value: T) {
        self.active.insert(digest, value);
    }

    /// Every digest of every generation with its newest value, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u128, &T)> {
        let generations = std::iter::once(&self.active).chain(self.frozen.iter().rev().map(|(_, g)| g.as_ref()));
        generations.enumerate().flat_map(move |(age, generation)| {
            generation.iter().filter(move |(digest, _)| age == 0 || !self.is_newer(**digest, age)).map(|(d, v)| (*d, v))
        })
    }

    fn is_newer(&self, digest: u128, age: usize) -> bool {
        let newer = self.frozen.iter().rev().take(age - 1);
        self.active.contains_key(&digest) || newer.into_iter().any(|(_, generation)| generation.contains_key(&digest))
    }

    /// Ends the active generation as that of `run`.
    pub(crate) fn freeze(&mut self, run: u32) -> Arc<Generation<T>> {
        let capacity = self.active.capacity() / 2;
        let next = Generation::with_capacity_and_hasher(capacity, BuildHasherDefault::default());
        let generation = Arc::new(std::mem::replace(&mut self.active, next));
        self.frozen.push_back((run, Arc::clone(&generation)));
        generation
    }

    /// Lets go of what the store has, but for the newest flushed generation.
    pub(crate) fn flushed(&mut self, through: u32) {
        while self.frozen.get(1).is_some_and(|(run, _)| *run <= through) {
            self.frozen.pop_front();
        }
    }
}
