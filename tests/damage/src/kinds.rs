//! Which kind a file of a ledger is. Tables of RocksDB do not say in their names which family they are of, and those that were
//! added as a whole do not say it inside either; the length of their keys does.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;

/// The kind of a file, from its name and, for a table, its bytes; `None` for locks and logs for people.
pub(crate) fn kind(file: &Path, bytes: &[u8]) -> Option<String> {
    let name = file.file_name().and_then(OsStr::to_str)?;
    let ending = file.extension().and_then(OsStr::to_str).unwrap_or_default();
    match ending {
        "sst" => return Some(format!("table of {}", family(bytes)?)),
        "log" => return Some("write-ahead log".to_owned()),
        "blob" => return Some("blob file".to_owned()),
        "high-water" => return Some("high-water mark".to_owned()),
        _ => {}
    }
    ["MANIFEST", "CURRENT", "OPTIONS", "IDENTITY"].into_iter().find(|kind| name.starts_with(kind)).map(str::to_owned)
}

/// Internal keys are 8 bytes longer than ours.
const INTERNAL: u64 = 8;

fn family(table: &[u8]) -> Option<String> {
    let properties = properties(table);
    if let Some(name) = properties.get("rocksdb.column.family.name") {
        return String::from_utf8(name.to_vec()).ok();
    }
    let number = |name: &str| Bytes(properties.get(name)?).number();
    let family = match number("rocksdb.raw.key.size")?.checked_div(number("rocksdb.num.entries")?)? - INTERNAL {
        20 => "event_ids",
        18 => "history",
        5 => "filters",
        _ => "current",
    };
    Some(family.to_owned())
}

/// A table's properties: a block of entries, each with how many bytes of the name before it shares, how many bytes of its own
/// it has and how many its value has, then the bytes.
fn properties(table: &[u8]) -> BTreeMap<String, &[u8]> {
    const PREFIX: &[u8] = b"rocksdb.";
    let mut found = BTreeMap::new();
    let begins = |at: &usize| table[*at..].starts_with(PREFIX) && table[*at - 3] == 0;
    let Some(begin) = (3..table.len()).find(begins) else { return found };
    let (mut bytes, mut name) = (Bytes(&table[begin - 3..]), Vec::new());
    while let Some((shared, own, length)) = bytes.lengths() {
        let Some((own, value)) = bytes.take(own).zip(bytes.take(length)) else { break };
        name.truncate(shared);
        name.extend(own);
        if !name.starts_with(PREFIX) {
            break;
        }
        found.insert(String::from_utf8_lossy(&name).into_owned(), value);
    }
    found
}

/// What is left to be read.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, left) = self.0.split_at_checked(count)?;
        self.0 = left;
        Some(taken)
    }

    /// A number of seven bits a byte, the lowest first.
    fn number(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..63).step_by(7) {
            let byte = self.take(1)?[0];
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn lengths(&mut self) -> Option<(usize, usize, usize)> {
        let mut length = || self.number().and_then(|number| usize::try_from(number).ok());
        Some((length()?, length()?, length()?))
    }
}
