//! Where records end in RocksDB's log files, as its documentation describes them: pages of 32 KiB, filled with physical
//! records. A record begins with a checksum (4 bytes), its length (2 bytes, little-endian) and its type; types from 5 on are
//! of logs that are written over and carry the log's number (4 bytes) too. A page's last 6 bytes or fewer are zero.

use std::ops::Range;

const PAGE: usize = 32 << 10;
const HEAD: usize = 7;
const HEAD_WITH_NUMBER: usize = 11;
/// Types below are of logs that are written once.
const FIRST_WITH_NUMBER: u8 = 5;

/// The physical records of a log, in order, heads included. Ends where the bytes are no record.
pub(crate) fn records(log: &[u8]) -> Vec<Range<usize>> {
    let mut records = Vec::new();
    let mut at = 0;
    loop {
        let left_of_page = PAGE - at % PAGE;
        if left_of_page < HEAD {
            at += left_of_page;
        }
        let Some([_, _, _, _, low, high, kind]) = log.get(at..at + HEAD) else { return records };
        let head = if (FIRST_WITH_NUMBER..9).contains(kind) { HEAD_WITH_NUMBER } else { HEAD };
        let end = at + head + usize::from(u16::from_le_bytes([*low, *high]));
        if *kind == 0 || end > log.len() {
            return records;
        }
        records.push(at..end);
        at = end;
    }
}

/// Whether a physical record is the whole of a record or its last part: types 1 and 4, and 5 and 8.
pub(crate) fn ends_a_record(log: &[u8], record: &Range<usize>) -> bool {
    matches!(log[record.start + HEAD - 1], 1 | 4 | 5 | 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_follow_each_other_and_step_over_the_end_of_a_page() {
        let record = |length: u16| {
            let mut record = vec![0, 0, 0, 0];
            record.extend(length.to_le_bytes());
            record.push(1);
            record.resize(HEAD + usize::from(length), 9);
            record
        };
        let mut log = record(100);
        log.extend(record(u16::try_from(PAGE - 107 - HEAD - 5).expect("below 64 KiB")));
        log.extend([0; 5]);
        log.extend(record(3));
        log.extend([0, 0, 0]);
        assert_eq!(records(&log), [0..107, 107..PAGE - 5, PAGE..PAGE + 10]);
    }
}
