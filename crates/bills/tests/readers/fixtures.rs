//! Builds bills of the three networks and reads them back.

use std::io::{Cursor, Write};

use bills::{Control, Error, Fault, Refusal, Row, Summary};
use domain::time::{Date, Timestamp};
use encoding_rs::GBK;
use zip::write::{SimpleFileOptions, ZipWriter};

/// What a file was read as.
pub(crate) struct Reading {
    pub(crate) rows: Vec<Row>,
    pub(crate) faults: Vec<Fault>,
    pub(crate) summary: Summary,
}

impl Reading {
    /// `field reason` of the only fault.
    pub(crate) fn fault(&self) -> String {
        assert_eq!(self.faults.len(), 1, "{:?}", self.faults);
        format!("{} {}", self.faults[0].field, self.faults[0].reason)
    }

    /// `matched`, `absent`, or the discrepancies.
    pub(crate) fn control(&self) -> String {
        match &self.summary.control {
            Control::Matched => "matched".to_owned(),
            Control::Absent => "absent".to_owned(),
            Control::Mismatched(found) => found.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
        }
    }
}

pub(crate) fn read(bytes: &[u8]) -> Result<Reading, Error> {
    let (mut rows, mut faults) = (Vec::new(), Vec::new());
    let summary = bills::read(Cursor::new(bytes), |item| match item {
        Ok(row) => rows.push(row),
        Err(fault) => faults.push(fault),
    })?;
    assert_eq!(summary.rows, rows.len() as u64);
    assert_eq!(summary.faults, faults.len() as u64);
    Ok(Reading { rows, faults, summary })
}

pub(crate) fn accepted(bytes: &[u8]) -> Reading {
    read(bytes).unwrap_or_else(|error| panic!("refused: {error}"))
}

pub(crate) fn refused(bytes: &[u8]) -> Refusal {
    match read(bytes) {
        Err(Error::Refused(refusal)) => refusal,
        Err(Error::Io(why)) => panic!("not a refusal: {why}"),
        Ok(reading) => panic!("accepted as {}", reading.summary.layout),
    }
}

/// Beijing time.
pub(crate) fn at(date: &str, hour: u32, minute: u32, second: u32) -> Timestamp {
    let date = Date::parse_iso(date).expect("a date");
    Timestamp::from_civil(date, hour * 3_600 + minute * 60 + second, 8 * 3_600)
}

/// The cells of `header` with the given values, all others empty.
pub(crate) fn cells(header: &str, values: &[(&str, &str)]) -> Vec<String> {
    for (name, _) in values {
        assert!(header.split(',').any(|known| known == *name), "{name} is not a column");
    }
    // The last one wins, so that a test can override a default.
    let value = |name| values.iter().rev().find(|(known, _)| *known == name).map_or("", |(_, value)| value);
    header.split(',').map(|name| value(name).to_owned()).collect()
}

pub(crate) fn gbk(text: &str) -> Vec<u8> {
    let (bytes, _, unmappable) = GBK.encode(text);
    assert!(!unmappable, "{text}");
    bytes.into_owned()
}

pub(crate) fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        zip.start_file(*name, SimpleFileOptions::default()).expect("a member");
        zip.write_all(bytes).expect("in memory");
    }
    zip.finish().expect("in memory").into_inner()
}

/// Puts other bytes of the same length in place, wherever they occur: raw names, false sizes.
pub(crate) fn replace(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut patched = bytes.to_vec();
    let places: Vec<usize> = (0..=bytes.len() - from.len()).filter(|i| &bytes[*i..*i + from.len()] == from).collect();
    assert!(!places.is_empty(), "nothing to replace");
    for place in places {
        patched[place..place + from.len()].copy_from_slice(to);
    }
    patched
}
