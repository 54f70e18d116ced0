//! What the service has written, read without it.

use std::path::Path;

use domain::ids::Sequence;
use store::{RocksOptions, RocksStore, Store};
use wire::codec::WireCodec;

/// Opens a data directory that nobody writes to.
///
/// # Panics
/// When it cannot be read.
#[must_use]
pub fn open(directory: &Path) -> RocksStore {
    RocksStore::open_read_only(directory, &RocksOptions::default()).expect("a data directory")
}

/// Protobuf records and TOML rulebooks.
#[must_use]
pub fn codec() -> WireCodec {
    WireCodec::new(|text| rulebook::parse(text).map_err(|error| error.to_string()))
}

/// The chain's hash after `sequence`, from the blocks themselves.
///
/// # Panics
/// When the entry is not there.
#[must_use]
pub fn head_at(store: &dyn Store, sequence: u64) -> String {
    let block = store.block(Sequence(sequence)).expect("a read").expect("the entry is in the log");
    let mut head = block.head().head_before;
    for entry in block.entries() {
        let (at, entry) = entry.expect("readable");
        head = store::chain::next(&head, at.0, &entry.head());
        if at.0 == sequence {
            break;
        }
    }
    head.iter().map(|byte| format!("{byte:02x}")).collect()
}
