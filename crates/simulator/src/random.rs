//! Numbers that look random and are a pure function of the seed and of what they are drawn for, so that anything drawn
//! once can be drawn again without having been kept.
//!
//! The generator is SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014): a counter
//! with a fixed step and a mixing function over it.

const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// What numbers are drawn for: different subjects with the same index have nothing in common.
#[derive(Clone, Copy)]
#[repr(u64)]
pub(crate) enum Subject {
    Payment = 1,
    Event,
    Movement,
    Round,
    Order,
    Sweep,
    Resend,
    Alteration,
    Evidence,
    Transfer,
    Day,
    Lots,
    DayPayment,
    DayEvent,
    DayMovement,
    DayCommand,
    BankTransfer,
    BankInstruction,
}

/// The numbers drawn for one subject.
pub(crate) struct Draws(u64);

impl Draws {
    pub(crate) const fn new(seed: u64, subject: Subject, index: u64) -> Self {
        Self(mixed(mixed(seed ^ (subject as u64).wrapping_mul(STEP)) ^ index.wrapping_mul(STEP)))
    }

    /// Numbers for what has a text for a name.
    pub(crate) fn of_text(seed: u64, subject: Subject, text: &str) -> Self {
        Self::new(seed, subject, text.bytes().fold(0, |index, byte| mixed(index ^ u64::from(byte))))
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mixed(self.0)
    }

    /// A number below `bound`, which is above zero.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        share(self.next(), bound)
    }

    /// A position in a list of `length`, which is not empty.
    pub(crate) fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).expect("a position fits the machine")
    }

    /// A number from 0 and below `bound`, which is above zero.
    pub(crate) fn signed_below(&mut self, bound: i64) -> i64 {
        self.below(bound.cast_unsigned()).cast_signed()
    }

    pub(crate) const fn one_in(&mut self, count: u64) -> bool {
        self.next().is_multiple_of(count)
    }

    /// 128 bits as an identifier's bytes.
    pub(crate) fn id(&mut self) -> [u8; 16] {
        let bits = u128::from(self.next()) << 64 | u128::from(self.next());
        bits.to_be_bytes()
    }
}

/// The place of a 64-bit number among `bound` equal parts of its range.
pub(crate) fn share(number: u64, bound: u64) -> u64 {
    ((u128::from(number) * u128::from(bound)) >> 64) as u64
}

const fn mixed(z: u64) -> u64 {
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_numbers_are_those_of_the_published_generator() {
        let mut draws = Draws(1_234_567);
        assert_eq!(draws.next(), 6_457_827_717_110_365_317);
        assert_eq!(draws.next(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn numbers_below_a_bound_reach_every_value_and_no_other() {
        let mut seen = [0_u32; 7];
        for index in 0..7_000 {
            let drawn = Draws::new(1, Subject::Round, index).below(7);
            seen[usize::try_from(drawn).unwrap()] += 1;
        }
        assert!(seen.iter().all(|count| (850..1_150).contains(count)), "{seen:?}");
    }
}
