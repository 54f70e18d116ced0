//! A torn write of any length leaves the mark before it, and damage is never taken for a mark.

use std::io;

use super::*;

fn mark(sequence: u64) -> HighWaterMark {
    let byte = u8::try_from(sequence).expect("small");
    let positions = vec![i64::from(byte), 0];
    HighWaterMark { cluster: "lkc-1".to_owned(), shard: 3, sequence: Sequence(sequence), head: [byte; 32], positions }
}

/// A mark that was moved to 1, 2, 3 after it began at 0.
fn moved() -> (MemoryDevice, HighWater) {
    let device = MemoryDevice::default();
    let kept = HighWater::on(device.clone());
    kept.replace(&mark(0)).expect("in memory");
    (1..=3).for_each(|sequence| kept.advance(&mark(sequence)).expect("in memory"));
    (device, kept)
}

fn read(bytes: &[u8]) -> Result<Option<HighWaterMark>, HighWaterError> {
    let device = MemoryDevice::default();
    device.create(bytes).expect("in memory");
    HighWater::on(device).read_slots()
}

fn bytes_of(device: &MemoryDevice) -> Vec<u8> {
    device.read().expect("in memory").expect("it was made")
}

#[test]
fn a_mark_is_read_back_as_it_was_last_moved() {
    let (device, _) = moved();
    let again = HighWater::on(device.clone());
    assert_eq!(again.read().expect("read"), Some(mark(3)));
    again.advance(&mark(7)).expect("in memory");
    assert_eq!(HighWater::on(device).read().expect("read"), Some(mark(7)));
    assert_eq!(HighWater::on(MemoryDevice::default()).read().expect("read"), None);
}

#[test]
fn a_write_torn_at_any_byte_leaves_the_mark_before_it_or_is_whole() {
    let (device, kept) = moved();
    let before = bytes_of(&device);
    kept.advance(&mark(4)).expect("in memory");
    let after = bytes_of(&device);
    let changed = before.iter().zip(&after).filter(|(before, after)| before != after).count();
    assert!(changed > 32, "the torn write is one that changes something: {changed}");
    for cut in 0..=SECTOR {
        let from_its_front = [&after[..cut], &before[cut..]].concat();
        let from_its_back = [&before[..cut], &after[cut..]].concat();
        for (torn, whole) in [(from_its_front, after[..cut] == after[..SECTOR]), (from_its_back, cut == 0)] {
            let found = read(&torn).expect("one slot is whole").expect("it was made").sequence.0;
            let expected = if whole || torn[..SECTOR] == after[..SECTOR] { 4 } else { 3 };
            assert_eq!(found, expected, "torn at byte {cut}");
        }
    }
}

#[test]
fn after_a_torn_write_the_whole_slot_is_not_the_one_written_next() {
    let (device, kept) = moved();
    kept.advance(&mark(4)).expect("in memory");
    let mut torn = bytes_of(&device);
    torn[100] ^= 1;
    device.create(&torn).expect("in memory");
    let again = HighWater::on(device.clone());
    assert_eq!(again.read().expect("read"), Some(mark(3)));
    let whole = bytes_of(&device)[SECTOR..].to_vec();
    again.advance(&mark(5)).expect("in memory");
    assert_eq!(bytes_of(&device)[SECTOR..], whole);
    assert_eq!(HighWater::on(device).read().expect("read"), Some(mark(5)));
}

#[test]
fn a_flipped_bit_is_the_mark_before_and_two_are_damage() {
    let (device, _) = moved();
    let bytes = bytes_of(&device);
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << (at % 8);
        let expected = if at < SECTOR { 3 } else { 2 };
        assert_eq!(read(&flipped).expect("one slot is whole"), Some(mark(expected)), "byte {at}");
        flipped[(at + SECTOR) % (2 * SECTOR)] ^= 1;
        assert!(matches!(read(&flipped), Err(HighWaterError::Damaged)), "byte {at} in both slots");
    }
}

#[test]
fn a_file_of_another_length_is_damage() {
    let (device, _) = moved();
    let bytes = bytes_of(&device);
    for length in [0, 1, 100, SECTOR, SECTOR + 1, 2 * SECTOR - 1] {
        assert!(matches!(read(&bytes[..length]), Err(HighWaterError::Damaged)), "{length} bytes");
    }
}

#[test]
fn a_mark_of_a_later_version_is_refused_by_name_and_not_taken_for_a_torn_one() {
    let mut record = mark(9).encode(4);
    record[0] = 2;
    let (device, _) = moved();
    device.write(0, &slot(&record, SECTOR)).expect("in memory");
    let error = HighWater::on(device).read().expect_err("version 2 does not exist");
    let words = std::error::Error::source(&error).expect("it says why").to_string();
    assert_eq!(words, "high-water mark at byte 0: version 2 is not known, this program reads [1]");
}

#[test]
fn a_mark_may_begin_anew_lower_than_it_was() {
    let (device, kept) = moved();
    kept.replace(&mark(1)).expect("in memory");
    assert_eq!(HighWater::on(device.clone()).read().expect("read"), Some(mark(1)));
    kept.advance(&mark(2)).expect("in memory");
    assert_eq!(HighWater::on(device).read().expect("read"), Some(mark(2)));
}

#[test]
fn a_mark_of_many_sources_takes_more_than_one_sector() {
    let many = |sequence| HighWaterMark { positions: vec![i64::MAX; 1_024], ..mark(sequence) };
    let device = MemoryDevice::default();
    let kept = HighWater::on(device.clone());
    kept.replace(&many(1)).expect("in memory");
    kept.advance(&many(2)).expect("in memory");
    assert_eq!(bytes_of(&device).len(), 6 * SECTOR);
    assert_eq!(HighWater::on(device).read().expect("read"), Some(many(2)));
}

#[test]
fn a_file_keeps_the_mark_and_its_length() -> io::Result<()> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("mark");
    let kept = HighWater::file(&path);
    assert_eq!(kept.read().expect("read"), None);
    kept.replace(&mark(1)).expect("written");
    kept.advance(&mark(2)).expect("written");
    let again = HighWater::file(&path);
    assert_eq!(again.read().expect("read"), Some(mark(2)));
    again.advance(&mark(3)).expect("written");
    assert_eq!(HighWater::file(&path).read().expect("read"), Some(mark(3)));
    assert_eq!(std::fs::metadata(&path)?.len(), 2 * SECTOR as u64);
    assert_eq!(std::fs::read_dir(directory.path())?.count(), 1, "nothing else is left behind");
    Ok(())
}
