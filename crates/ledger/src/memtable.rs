//! What a run has changed, by digest. The newest generation is written to; when its run is sealed it is frozen, shared with
//! the threads that flush it and that look things up ahead, and still read until the store has it. One flushed generation is
//! kept longer, because what was touched last is touched next.

use std::collections::VecDeque;
use std::sync::Arc;

use faults::Mutant;
use hashbrown::HashTable;

/// One generation. Values lie in the order in which their digests first came and the table holds only their places, so that
/// the table stays in the cache, and asking it for what is not there touches nothing else.
pub(crate) struct Generation<T> {
    places: HashTable<u32>,
    values: Vec<(u128, T)>,
}

impl<T> Generation<T> {
    /// With room for so many before it has to move.
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self { places: HashTable::with_capacity(capacity), values: Vec::with_capacity(capacity) }
    }

    pub(crate) fn get(&self, digest: u128) -> Option<&T> {
        let place = self.places.find(hash(digest), |place| self.values[index(*place)].0 == digest)?;
        Some(&self.values[index(*place)].1)
    }

    pub(crate) fn insert(&mut self, digest: u128, value: T) {
        let Self { places, values } = self;
        if let Some(place) = places.find(hash(digest), |place| values[index(*place)].0 == digest) {
            values[index(*place)].1 = value;
            return;
        }
        let place = u32::try_from(values.len()).expect("a run holds fewer than 2^32 entries");
        values.push((digest, value));
        places.insert_unique(hash(digest), place, |place| hash(values[index(*place)].0));
    }

    pub(crate) const fn len(&self) -> usize {
        self.values.len()
    }

    /// By the order in which they came.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &(u128, T)> {
        self.values.iter()
    }
}

/// Digests are keyed hashes already.
const fn hash(digest: u128) -> u64 {
    let [.., a, b, c, d, e, f, g, h] = digest.to_le_bytes();
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

fn index(place: u32) -> usize {
    usize::try_from(place).expect("a place is an index")
}

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
        if faults::has(Mutant::OlderRunBelieved) {
            return self.0.iter().find_map(|(_, generation)| generation.get(digest));
        }
        let newer = self.0.iter().rev().take_while(|(number, _)| *number > run);
        newer.into_iter().find_map(|(_, generation)| generation.get(digest))
    }

    /// Whether every sealed run behind `run` is here.
    pub(crate) fn reaches(&self, run: u32) -> bool {
        self.0.front().is_none_or(|(first, _)| *first <= run.saturating_add(1))
    }

    /// Every value, several of a digest that several runs have touched, in no order.
    pub(crate) fn values(&self) -> impl Iterator<Item = &T> {
        self.0.iter().flat_map(|(_, generation)| generation.iter()).map(|(_, value)| value)
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

/// Ends a generation; the next one has room for as much.
pub(crate) fn freeze<T>(active: &mut Generation<T>) -> Arc<Generation<T>> {
    let next = Generation::with_capacity(active.len());
    Arc::new(std::mem::replace(active, next))
}
