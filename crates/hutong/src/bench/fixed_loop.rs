//! The measure that the engine is compared with: code that stays as it is, over the same file on the same machine. A ratio of
//! the two tells a slower engine from a slower machine.

use std::path::Path;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use simulator::mix::{FileError, FileReader};

/// Goes through the fields of every record and hashes it twice, as a chain does.
pub(super) fn run(input: &Path) -> Result<Duration, FileError> {
    let begun = Instant::now();
    let mut reader = FileReader::open(input)?;
    let mut head = [0; 32];
    while let Some(piece) = reader.next_piece()? {
        for record in piece {
            let hash = Sha256::new().chain_update(head).chain_update(fields(record.value).to_be_bytes());
            head = hash.chain_update(Sha256::digest(record.value)).finalize().into();
        }
    }
    std::hint::black_box(head);
    Ok(begun.elapsed())
}

/// The sum of the numbers and lengths in a protobuf message: nothing of it can be left out.
fn fields(mut rest: &[u8]) -> u64 {
    let mut sum = 0_u64;
    while let Some(tag) = varint(&mut rest) {
        let number = varint(&mut rest).unwrap_or_default();
        sum = sum.wrapping_add(number);
        if tag & 7 == 2 {
            let length = usize::try_from(number).unwrap_or(usize::MAX);
            rest = rest.get(length..).unwrap_or_default();
        }
    }
    sum
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, behind) = rest.split_first()?;
        *rest = behind;
        number |= u64::from(byte & 0x7F) << shift;
        if *byte < 0x80 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_lengths_are_summed() {
        // Field 1 = 300, field 2 = three bytes, field 3 = 1.
        assert_eq!(fields(&[0x08, 0xAC, 0x02, 0x12, 3, 9, 9, 9, 0x18, 1]), 304);
        assert_eq!(fields(&[0x12, 9, 1]), 9);
    }
}
