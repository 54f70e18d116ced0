//! The files that streams are kept in.

use std::error::Error;
use std::fs;

use simulator::mix::{FileReader, Mix, PIECE_BYTES, Record, Stream, write_file};

const EVENTS: u64 = 20_000;

#[test]
fn what_is_written_is_read_back_record_for_record() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mix.bin");
    let mut progress = Vec::new();
    let summary = write_file(&path, Mix::Natural, EVENTS, 41, |events| progress.push(events)).unwrap();
    assert!(progress.is_sorted() && progress.len() > 3 && progress.last() == Some(&EVENTS), "{progress:?}");
    assert_eq!(fs::metadata(&path).unwrap().len() % PIECE_BYTES as u64, 0);

    let mut stream = Stream::new(Mix::Natural, EVENTS, 41);
    let mut reader = FileReader::open(&path).unwrap();
    let (mut events, mut bytes) = (0, 0);
    while let Some(piece) = reader.next_piece().unwrap() {
        for record in piece {
            assert_eq!(record, stream.next_event().unwrap().record);
            events += 1;
            bytes += record.value.len() as u64;
        }
    }
    assert!(stream.next_event().is_none());
    assert_eq!((summary.events, summary.bytes), (events, bytes));
    assert_eq!(summary.kinds.values().sum::<u64>(), EVENTS);
    assert!(summary.refusals["CORRIDOR_CLOSED"] > 100);
}

#[test]
fn records_taken_by_sevens_are_all_there_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mix.bin");
    write_file(&path, Mix::Natural, EVENTS, 41, |_| {}).unwrap();
    let mut stream = Stream::new(Mix::Natural, EVENTS, 41);
    let mut reader = FileReader::open(&path).unwrap();
    let mut taken = 0;
    let mut take = |record: Record<'_>| assert_eq!(Some(record), stream.next_event().map(|sent| sent.record));
    loop {
        match reader.take(7, &mut take).unwrap() {
            0 => break,
            more => taken += more as u64,
        }
    }
    assert_eq!(taken, EVENTS);
    assert_eq!(reader.take(1, |_| ()).unwrap(), 0);
}

#[test]
fn a_stream_without_events_is_an_empty_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mix.bin");
    let summary = write_file(&path, Mix::TRANSFER, 0, 1, |_| {}).unwrap();
    assert_eq!((summary.events, fs::metadata(&path).unwrap().len()), (0, 0));
    assert!(FileReader::open(&path).unwrap().next_piece().unwrap().is_none());
}

/// Why the first piece of a file that was altered is refused.
fn refusal_of(alter: impl FnOnce(&mut Vec<u8>)) -> Result<String, Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("mix.bin");
    write_file(&path, Mix::TRANSFER, 1_000, 1, |_| {})?;
    let mut bytes = fs::read(&path)?;
    alter(&mut bytes);
    fs::write(&path, bytes)?;
    let mut reader = FileReader::open(&path)?;
    let error = reader.next_piece().err().ok_or("the piece is taken")?;
    assert!(error.to_string().starts_with("cannot read benchmark input /"), "{error}");
    Ok(error.source().ok_or("no reason")?.to_string())
}

#[test]
fn a_file_that_is_cut_or_altered_is_refused_piece_by_piece() {
    let check = |alter: fn(&mut Vec<u8>), reason: &str| assert_eq!(refusal_of(alter).unwrap(), reason);
    check(|bytes| bytes.truncate(PIECE_BYTES - 1), "ends inside a piece");
    check(|bytes| bytes[0] ^= 1, "a piece does not begin as one");
    check(|bytes| bytes[7] = 1, "a piece does not begin as one");
    check(|bytes| bytes[4] ^= 1, "a record goes over the end of its piece");
    check(|bytes| bytes[15] = 1, "a record goes over the end of its piece");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = FileReader::open("/nowhere/mix.bin".as_ref()).err().unwrap();
    assert_eq!(error.to_string(), "cannot open benchmark input /nowhere/mix.bin");
}
