//! What a run has changed, by digest. The newest generation is written to; when its run is sealed it is frozen, shared with
//! the threads that flush it and that look things up ahead, and still read until the store has it. One flushed generation is
//! kept longer, because what was touched last is touched next.

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

/// Generations of sealed runs, oldest first, each with its run. They never change again.
pub(crate) struct Frozen<T>(VecDeque<(u32, Arc<Generation<T>>)>);

impl<T> Default for Frozen<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T> Clone for Frozen<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Frozen<T> {
    /// The newest value from a run behind `run`.
    pub(crate) fn get_behind(&self, run: u32, digest: u128) -> Option<&T> {
        let newer = self.0.iter().rev().take_while(|(number, _)| *number > run);
        newer.into_iter().find_map(|(_, generation)| generation.get(&digest))
    }

    /// Whether every sealed run behind `run` is here.
    pub(crate) fn reaches(&self, run: u32) -> bool {
        self.0.front().is_none_or(|(first, _)| *first <= run.saturating_add(1))
    }

    /// Every value, several of a digest that several runs have touched, in no order.
    pub(crate) fn values(&self) -> impl Iterator<Item = &T> {
        self.0.iter().flat_map(|(_, generation)| generation.values())
    }

    /// Takes the generation of `run`, the newest.
    pub(crate) fn push(&mut self, run: u32, generation: Arc<Generation<T>>) {
        self.0.push_back((run, generation));
    }

    /// Lets go of what the store has, but for the newest flushed generation; whether anything went.
    pub(crate) fn flushed(&mut self, through: u32) -> bool {
        let before = self.0.len();
        while self.0.get(1).is_some_and(|(run, _)| *run <= through) {
            self.0.pop_front();
        }
        self.0.len() < before
    }
}

/// Ends a generation; the next one has room for half as much before it grows.
pub(crate) fn freeze<T>(active: &mut Generation<T>) -> Arc<Generation<T>> {
    let next = Generation::with_capacity_and_hasher(active.capacity() / 2, BuildHasherDefault::default());
    Arc::new(std::mem::replace(active, next))
}
