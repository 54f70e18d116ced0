//! A directory that the first version of this program has written: it opens, goes on, and what is written from then on is of
//! the newest versions. One of a later program is refused by name.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::ids::Sequence;
use engine::{Feed, codec, genesis, ledger, small};
use store::formats::FORMATS;
use store::hash::HashKey;
use store::tables::{Family, Tables};
use store::{RocksOptions, RocksStore, Store};

/// How the directory was made: so many events of this seed, in blocks of at most 16 and runs of 60.
const EVENTS: u64 = 140;
const SEED: u64 = 5;

/// State was of version 1 then, without settlements, files and breaks.
const STATE: &[u8] = b"s";

/// A copy of the directory, which opening changes.
fn directory() -> (tempfile::TempDir, PathBuf) {
    let home = tempfile::tempdir().expect("a directory");
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/store/testdata/directories/v1");
    let copy = home.path().join("data");
    std::fs::create_dir(&copy).expect("made");
    for file in std::fs::read_dir(golden).expect("listed").map(|file| file.expect("listed").path()) {
        std::fs::copy(&file, copy.join(file.file_name().expect("a name"))).expect("copied");
    }
    (home, copy)
}

fn open(directory: &Path) -> RocksStore {
    let options = RocksOptions { high_water_mark: Some(directory.with_extension("mark")), ..RocksOptions::default() };
    RocksStore::open(directory, &genesis(), HashKey::random(), &options).expect("it opens")
}

fn state_version(store: RocksStore) -> u8 {
    store.into_tables().get(Family::Current, STATE).expect("read").expect("a state")[0]
}

#[test]
fn a_directory_of_the_first_version_is_proven_goes_on_and_is_written_anew() {
    let (_home, directory) = directory();
    assert_eq!(state_version(open(&directory)), 1, "it is what it should be");
    let store = Arc::new(open(&directory));
    let first = 1 + 3 + EVENTS;
    assert_eq!(store.tip().sequence, Sequence(first));
    let verified = audit::verify(&*store, &codec(), |_| {}).expect("readable");
    assert_eq!((verified.finding, verified.entries), (None, first));

    let ledger = ledger(Arc::<RocksStore>::clone(&store), small(16, 60));
    let feed = Feed::new(2 * EVENTS, SEED, ledger.positions());
    ledger.start(Box::new(feed)).expect("started").wait().expect("it ends");
    let verified = audit::verify(&*store, &codec(), |_| {}).expect("readable");
    assert_eq!((verified.finding, verified.entries), (None, first + EVENTS));
    drop(store);

    let written = FORMATS.iter().find(|format| format.record.to_string() == "state").expect("a format").written;
    assert_eq!(state_version(open(&directory)), written);
}

#[test]
fn a_record_of_a_later_program_is_refused_by_name_and_the_directory_left_as_it_is() {
    let (_home, directory) = directory();
    let tables = open(&directory).into_tables();
    let mut state = tables.get(Family::Current, STATE).expect("read").expect("a state");
    state[0] = 9;
    tables.write(&[(Family::Current, STATE, &state)]).expect("written");
    drop(tables);
    let store = open(&directory);
    let error = store.state().expect_err("version 9 does not exist");
    assert_eq!(error.code(), Some("FORMAT_VERSION"));
    let why = std::error::Error::source(&error).expect("it says why").to_string();
    assert_eq!(why, "state at byte 0: version 9 is not known, this program reads [1, 2]");
    assert_eq!(store.tip().sequence, Sequence(1 + 3 + EVENTS));
}
