//! A blocked Bloom filter: "certainly not there" for the price of one cache line. An item sets one bit in each of the
//! eight words of its line. With 16 bits an item about 0.12 % of the items that are not there pass. Items are 64-bit halves
//! of keyed digests: whoever chooses ids cannot aim at a line.

use faults::Mutant;

use crate::bytes::Reader;
use crate::error::{FormatError, FormatReason, RecordKind};

pub(crate) const VERSION: u8 = 1;
const WORDS: usize = 8;
const LINE: usize = WORDS * 8;
/// Of a line of 512 bits.
const ITEMS_A_LINE: usize = 32;

/// Two filters over the same items must not err on the same ones: each kind spreads bits by a number of its own, odd.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Salt {
    /// Over the runs of a segment.
    Segment,
    /// Over one run.
    Run,
}

impl Salt {
    const fn multiplier(self) -> u64 {
        match self {
            Self::Segment => 0x9e37_79b9_7f4a_7c15,
            Self::Run => 0xc2b2_ae3d_27d4_eb4f,
        }
    }

    const fn number(self) -> u8 {
        match self {
            Self::Segment => 1,
            Self::Run => 2,
        }
    }
}

/// As long as a cache line and aligned to one: a test touches one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(align(64))]
struct Line([u64; WORDS]);

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    salt: Salt,
    lines: Vec<Line>,
}

impl Filter {
    /// An empty filter with room for `items` at 16 bits each. More may be put in; more will then pass.
    #[must_use]
    pub fn new(salt: Salt, items: usize) -> Self {
        Self { salt, lines: vec![Line([0; WORDS]); items.div_ceil(ITEMS_A_LINE).max(1)] }
    }

    /// Puts an item in.
    pub fn insert(&mut self, item: u64) {
        if item.is_multiple_of(16) && faults::has(Mutant::FilterBitLost) {
            return;
        }
        let (at, mask) = (self.line_of(item), self.mask_of(item));
        self.lines[at].0.iter_mut().zip(mask).for_each(|(word, bit)| *word |= bit);
    }

    /// Whether the item may have been put in; `false` is certain.
    #[must_use]
    pub fn may_hold(&self, item: u64) -> bool {
        let line = &self.lines[self.line_of(item)];
        let missing = line.0.iter().zip(self.mask_of(item)).fold(0, |missing, (word, bit)| missing | (!word & bit));
        missing == 0
    }

    /// The high bits of an item, scaled to the number of lines.
    fn line_of(&self, item: u64) -> usize {
        let scaled = (u128::from(item) * self.lines.len() as u128) >> 64;
        usize::try_from(scaled).expect("below the number of lines")
    }

    /// Six bits of the salted item for each word.
    fn mask_of(&self, item: u64) -> [u64; WORDS] {
        let spread = (item ^ (item >> 32)).wrapping_mul(self.salt.multiplier()) >> 16;
        let mut mask = [0; WORDS];
        mask.iter_mut().zip(0_u32..).for_each(|(bit, word)| *bit = 1 << (spread >> (word * 6) & 63));
        mask
    }

    /// Bytes in memory.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.lines.len() * LINE
    }

    /// The record: version, salt, number of lines, lines, CRC-32. A bit lost here would make a known id new, so it has a
    /// checksum of its own.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(10 + self.size());
        out.extend([VERSION, self.salt.number()]);
        out.extend(u32::try_from(self.lines.len()).expect("a filter has fewer lines than 2^32").to_be_bytes());
        self.lines.iter().flat_map(|line| line.0).for_each(|word| out.extend_from_slice(&word.to_le_bytes()));
        let checksum = crc32fast::hash(&out);
        out.extend(checksum.to_be_bytes());
        out
    }

    /// The inverse of [`Filter::encode`].
    ///
    /// # Errors
    /// When the bytes are not a filter of a known version and this salt, exactly as it was written.
    pub fn decode(salt: Salt, bytes: &[u8]) -> Result<Self, FormatError> {
        Reader::versioned(RecordKind::Filter, bytes, &[VERSION])?;
        let covered = checked(bytes)?;
        let mut reader = Reader::new(RecordKind::Filter, covered);
        let (_, number) = (reader.u8()?, reader.u8()?);
        if number != salt.number() {
            return Err(reader.unknown("salt", number));
        }
        let count = reader.be_u32()?;
        let words = reader.rest();
        if count == 0 || u64::from(count).checked_mul(LINE as u64) != Some(words.len() as u64) {
            return Err(reader.error(FormatReason::Range("number of lines")));
        }
        let (lines, _) = words.as_chunks::<LINE>();
        Ok(Self { salt, lines: lines.iter().map(line).collect() })
    }
}

fn line(bytes: &[u8; LINE]) -> Line {
    let (words, _) = bytes.as_chunks::<8>();
    let mut line = [0; WORDS];
    line.iter_mut().zip(words).for_each(|(word, bytes)| *word = u64::from_le_bytes(*bytes));
    Line(line)
}

/// What is before the checksum, when that is right.
fn checked(bytes: &[u8]) -> Result<&[u8], FormatError> {
    let at = bytes.len().saturating_sub(4);
    let (covered, checksum) = bytes.split_at(at);
    let (found, computed) = (Reader::new(RecordKind::Filter, checksum).be_u32()?, crc32fast::hash(covered));
    if found == computed {
        return Ok(covered);
    }
    Err(FormatError { record: RecordKind::Filter, at, reason: FormatReason::Checksum { found, computed } })
}

/// The items of a run, kept until its segment is sealed and has a filter on disk: version, items, CRC-32.
pub(crate) fn encode_items(items: &[u64]) -> Vec<u8> {
    let mut out = Vec::with_capacity(5 + items.len() * 8);
    out.push(VERSION);
    items.iter().for_each(|item| out.extend_from_slice(&item.to_le_bytes()));
    let checksum = crc32fast::hash(&out);
    out.extend(checksum.to_be_bytes());
    out
}

/// The inverse of [`encode_items`].
pub(crate) fn decode_items(bytes: &[u8]) -> Result<Vec<u64>, FormatError> {
    Reader::versioned(RecordKind::Filter, bytes, &[VERSION])?;
    let covered = checked(bytes)?;
    let (items, rest) = covered.get(1..).unwrap_or(&[]).as_chunks::<8>();
    if !rest.is_empty() {
        return Err(Reader::new(RecordKind::Filter, covered).error(FormatReason::TooMany(rest.len())));
    }
    Ok(items.iter().map(|item| u64::from_le_bytes(*item)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Like digests: spread over all 64 bits, and the same in every run of the test.
    fn item(n: u64) -> u64 {
        let mixed = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    const ITEMS: u64 = 1 << 18;
    const ABSENT: u64 = 2_000_000;

    #[test]
    fn what_was_put_in_passes_and_of_what_was_not_at_most_fifteen_in_ten_thousand_do() {
        for salt in [Salt::Run, Salt::Segment] {
            let mut filter = Filter::new(salt, 1 << 18);
            (1..=ITEMS).for_each(|n| filter.insert(item(n)));
            assert!((1..=ITEMS).all(|n| filter.may_hold(item(n))));
            let passed = (1..=ABSENT).filter(|n| filter.may_hold(item(ITEMS + n))).count();
            assert!(passed <= 3_000, "{passed} of {ABSENT} absent items pass");
            assert_eq!(filter.size(), 2 << 18, "two bytes an item");
        }
    }

    #[test]
    fn the_two_kinds_of_filter_err_on_different_items() {
        let [mut run, mut segment] = [Salt::Run, Salt::Segment].map(|salt| Filter::new(salt, 1 << 18));
        (1..=ITEMS).for_each(|n| {
            run.insert(item(n));
            segment.insert(item(n));
        });
        // 0.12 % of 0.12 %, with room for chance: independent filters let 3 of 2 million pass.
        let both = (1..=ABSENT).map(|n| item(ITEMS + n)).filter(|item| run.may_hold(*item) && segment.may_hold(*item));
        let passed = both.count();
        assert!(passed <= 60, "{passed} of {ABSENT} absent items pass both");
    }

    #[test]
    fn items_are_read_back_as_written() {
        let items: Vec<u64> = (0..1_000).map(item).collect();
        assert_eq!(decode_items(&encode_items(&items)), Ok(items));
        assert_eq!(decode_items(&encode_items(&[])), Ok(Vec::new()));
        let mut bad = encode_items(&[1]);
        bad[3] ^= 1;
        assert!(decode_items(&bad).is_err());
    }
}
