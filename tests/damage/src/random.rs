//! SplitMix64: numbers that look random and follow from a seed and what they are drawn for.

/// A row of numbers.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

impl Random {
    /// The row of a seed for one case.
    pub(crate) const fn new(seed: u64, case: u64) -> Self {
        Self(mixed(seed.wrapping_mul(STEP)) ^ mixed(case.wrapping_add(1)))
    }

    /// The next number below `bound`, which is not 0. That small numbers come a little oftener does not matter here.
    pub(crate) const fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mixed(self.0) % bound
    }

    /// Numbers below `count` in an order that follows from the seed.
    pub(crate) fn shuffled(seed: u64, count: u64) -> Vec<u64> {
        let mut random = Self::new(seed, count);
        let mut order: Vec<u64> = (0..count).collect();
        for (at, left) in (1..order.len()).rev().zip((2..=count).rev()) {
            let other = random.below(left);
            order.swap(at, usize::try_from(other).unwrap_or(at));
        }
        order
    }
}

const fn mixed(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shuffled_row_holds_every_number_once() {
        let mut row = Random::shuffled(3, 100);
        assert_ne!(row, (0..100).collect::<Vec<_>>());
        row.sort_unstable();
        assert_eq!(row, (0..100).collect::<Vec<_>>());
    }
}
