//! A log that has forgotten what it acknowledged is not opened, and a mark that is gone is missed.

mod common;

use std::path::{Path, PathBuf};

use domain::ids::Sequence;
use store::error::{HighWaterError, StoreError};
use store::genesis::Genesis;
use store::high_water::{HighWater, HighWaterMark, MemoryDevice};
use store::{MemoryStore, MemoryTables, RocksOptions, RocksStore, Store};

use common::{append, genesis, hash_key, run_of};

/// A data directory and its mark beside it.
struct Place {
    home: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { home: tempfile::tempdir().expect("a directory") }
    }

    fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    fn mark(&self) -> PathBuf {
        self.home.path().join("mark")
    }

    fn options(&self) -> RocksOptions {
        RocksOptions { cache_bytes: 8 << 20, high_water_mark: Some(self.mark()), ..RocksOptions::default() }
    }

    fn try_open(&self) -> Result<RocksStore, StoreError> {
        self.try_open_as(&genesis())
    }

    fn try_open_as(&self, genesis: &Genesis) -> Result<RocksStore, StoreError> {
        RocksStore::open(&self.data(), genesis, hash_key(), &self.options())
    }

    fn refused(&self) -> (Option<&'static str>, String) {
        let error = self.try_open().expect_err("it must not open");
        let StoreError::HighWater { source, .. } = &error else { panic!("{error}") };
        (error.code(), source.to_string())
    }

    fn read(&self) -> HighWaterMark {
        HighWater::file(&self.mark()).read().expect("read").expect("it is there")
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).expect("made");
    for file in std::fs::read_dir(from).expect("listed").map(|file| file.expect("listed").path()) {
        if file.is_file() {
            std::fs::copy(&file, to.join(file.file_name().expect("a name"))).expect("copied");
        }
    }
}

#[test]
fn the_mark_follows_every_block() {
    let place = Place::new();
    let store = place.try_open().expect("it opens");
    assert_eq!(place.read(), HighWaterMark::of(&genesis(), &store.tip()));
    for seconds in 1..6 {
        let tip = append(&store, 2, seconds);
        assert_eq!(place.read(), HighWaterMark::of(&genesis(), &tip));
    }
    drop(store);
    assert_eq!(place.try_open().expect("it opens").tip().sequence, Sequence(10));
}

#[test]
fn a_log_that_ends_before_its_mark_is_refused_and_left_as_it_is() {
    let place = Place::new();
    let store = place.try_open().expect("it opens");
    append(&store, 3, 1);
    drop(store);
    let earlier = place.home.path().join("earlier");
    copy(&place.data(), &earlier);
    append(&place.try_open().expect("it opens"), 4, 2);
    std::fs::remove_dir_all(place.data()).expect("removed");
    std::fs::rename(&earlier, place.data()).expect("moved");

    let words = "the log ends at sequence 3, but 7 was acknowledged: the last 4 entries are lost";
    for _ in 0..2 {
        assert_eq!(place.refused(), (Some("LOG_CUT"), words.to_owned()));
    }
    assert_eq!(place.read().sequence, Sequence(7));
    let store = RocksStore::open_for_recovery(&place.data(), &place.options()).expect("it opens");
    let mismatch = store.mismatch(&place.read()).expect("read").expect("it has lost its end");
    assert_eq!(mismatch.to_string(), words);
    HighWater::file(&place.mark()).replace(&HighWaterMark::of(&genesis(), &store.tip())).expect("written");
    drop(store);
    append(&place.try_open().expect("somebody has decided"), 1, 3);
    assert_eq!(place.read().sequence, Sequence(4));
}

/// The write-ahead log that is newest.
fn log(directory: &Path) -> PathBuf {
    let files = std::fs::read_dir(directory).expect("listed").map(|file| file.expect("listed").path());
    files.filter(|file| file.extension().is_some_and(|ending| ending == "log")).max().expect("a log")
}

#[test]
fn a_refused_log_is_left_as_it_was_and_what_is_brought_back_is_all_there() {
    let place = Place::new();
    let store = place.try_open().expect("it opens");
    for seconds in 1..6 {
        append(&store, 2, seconds);
    }
    drop(store);
    let log = log(&place.data());
    let whole = std::fs::read(&log).expect("read");
    std::fs::write(&log, &whole[..whole.len() - 1]).expect("cut");
    let words = "the log ends at sequence 8, but 10 was acknowledged: the last 2 entries are lost";
    assert_eq!(place.refused(), (Some("LOG_CUT"), words.to_owned()));
    assert_eq!(std::fs::read(&log).expect("still there"), whole[..whole.len() - 1]);
    std::fs::write(&log, &whole).expect("brought back");
    assert_eq!(place.try_open().expect("it opens").tip().sequence, Sequence(10));
}

#[test]
fn a_table_that_the_database_has_removed_too_early_is_put_back_from_where_it_was_written() {
    let place = Place::new();
    let store = place.try_open().expect("it opens");
    append(&store, 2, 1);
    store.ingest(&run_of(&store)).expect("ingested");
    let (mark, state) = (store.mark(), store.state().expect("read"));
    drop(store);
    // The newest table is the run's last one: what failing to sync its record leaves behind.
    let tables = std::fs::read_dir(place.data()).expect("listed").map(|file| file.expect("listed").path());
    let newest = tables.filter(|file| file.extension().is_some_and(|ending| ending == "sst")).max().expect("tables");
    let runs = place.data().join("runs-tmp");
    std::fs::rename(&newest, runs.join("current-1.sst")).expect("moved");
    let missing = RocksStore::open_read_only(&place.data(), &place.options()).expect_err("a table is missing");
    let words = format!("{missing}: {}", std::error::Error::source(&missing).expect("a reason"));
    assert!(words.contains(&newest.display().to_string()), "{words}");
    let store = place.try_open().expect("it opens");
    assert_eq!((store.mark(), store.state().expect("read")), (mark, state));
    drop(store);
    std::fs::remove_file(&newest).expect("removed");
    let missing = place.try_open().expect_err("a table is missing");
    assert!(format!("{missing:?}").contains(&newest.display().to_string()), "{missing:?}");
}

#[test]
fn a_ledger_whose_directory_is_gone_is_not_begun_anew_and_nothing_is_made() {
    let place = Place::new();
    append(&place.try_open().expect("it opens"), 2, 1);
    std::fs::remove_dir_all(place.data()).expect("removed");
    let words = "the log ends at sequence 0, but 2 was acknowledged: the last 2 entries are lost";
    assert_eq!(place.refused(), (Some("LOG_CUT"), words.to_owned()));
    assert!(!place.data().exists());
}

#[test]
fn a_log_with_another_head_at_the_mark_is_refused_wherever_its_blocks_end() {
    let (place, other) = (Place::new(), Place::new());
    append(&place.try_open().expect("it opens"), 5, 1);
    let store = other.try_open().expect("it opens");
    for seconds in 2..5 {
        append(&store, 2, seconds);
    }
    drop(store);
    // The same entries in other blocks lead to the same chain: only the entries count.
    HighWater::file(&other.mark()).replace(&place.read()).expect("written");
    other.try_open().expect("it has the same head inside a block");
    let strange = HighWaterMark { head: [1; 32], sequence: Sequence(3), ..place.read() };
    HighWater::file(&other.mark()).replace(&strange).expect("written");
    let words = "the log has another chain head at sequence 3 than the one that was acknowledged";
    assert_eq!(other.refused(), (Some("LOG_CUT"), words.to_owned()));
}

#[test]
fn a_mark_that_is_gone_damaged_or_not_named_is_missed() {
    let place = Place::new();
    append(&place.try_open().expect("it opens"), 2, 1);
    let options = RocksOptions { high_water_mark: None, ..place.options() };
    let error = RocksStore::open(&place.data(), &genesis(), hash_key(), &options).expect_err("none is named");
    assert!(matches!(&error, StoreError::HighWater { source: HighWaterError::NotNamed, .. }), "{error}");
    std::fs::write(place.mark(), [0; 8_192]).expect("written");
    assert_eq!(place.refused(), (Some("HIGH_WATER_MARK"), "both of its slots are damaged".to_owned()));
    std::fs::remove_file(place.mark()).expect("removed");
    assert_eq!(place.refused(), (Some("HIGH_WATER_MARK"), "the ledger has one, and it is not there".to_owned()));
    RocksStore::open_read_only(&place.data(), &options).expect("readers need none");
}

#[test]
fn a_directory_from_before_there_were_marks_gets_one_when_it_is_opened() {
    let place = Place::new();
    let options = RocksOptions { high_water_mark: None, ..place.options() };
    append(&RocksStore::open(&place.data(), &genesis(), hash_key(), &options).expect("it opens"), 3, 1);
    append(&place.try_open().expect("it opens"), 1, 2);
    assert_eq!(place.read().sequence, Sequence(4));
    std::fs::remove_file(place.mark()).expect("removed");
    assert_eq!(place.refused().0, Some("HIGH_WATER_MARK"));
}

#[test]
fn a_mark_of_another_ledger_is_refused() {
    for (other, words) in [
        (Genesis { cluster: "lkc-2".to_owned(), ..genesis() }, "it is of shard 3 of cluster \"lkc-2\""),
        (Genesis { shard: 4, ..genesis() }, "it is of shard 4 of cluster \"lkc-1\""),
    ] {
        let (place, elsewhere) = (Place::new(), Place::new());
        place.try_open().expect("it opens");
        elsewhere.try_open_as(&other).expect("it opens");
        std::fs::copy(elsewhere.mark(), place.mark()).expect("copied");
        assert_eq!(place.refused(), (Some("HIGH_WATER_MARK"), words.to_owned()));
    }
}

#[test]
fn a_crash_between_block_and_mark_leaves_a_log_that_is_ahead_and_the_mark_catches_up() {
    let device = MemoryDevice::default();
    let open = |tables| MemoryStore::open_marked(tables, &genesis(), hash_key(), HighWater::on(device.clone()));
    let store = open(MemoryTables::default()).expect("it opens");
    append(&store, 3, 1);
    let before = HighWater::on(device.clone()).read().expect("read").expect("it is there");
    append(&store, 3, 2);
    HighWater::on(device.clone()).replace(&before).expect("in memory");
    let store = open(store.into_tables()).expect("the log is ahead");
    assert_eq!(store.tip().sequence, Sequence(6));
    let caught_up = HighWater::on(device.clone()).read().expect("read").expect("it is there");
    assert_eq!(caught_up, HighWaterMark::of(&genesis(), &store.tip()));
}

#[test]
fn a_block_whose_mark_cannot_be_written_is_not_visible_and_the_last_one() {
    let place = Place::new();
    let store = place.try_open().expect("it opens");
    drop(store);
    std::fs::remove_file(place.mark()).expect("removed");
    std::fs::create_dir(place.mark()).expect("made");
    assert!(matches!(place.try_open(), Err(StoreError::HighWater { source: HighWaterError::File(_), .. })));

    let device = Failing::default();
    let store =
        MemoryStore::open_marked(MemoryTables::default(), &genesis(), hash_key(), HighWater::on(device.clone()));
    let store = store.expect("it opens");
    append(&store, 1, 1);
    device.fails.store(true, std::sync::atomic::Ordering::Release);
    let block = common::next_block(&store, 1, 2);
    let error = store.append(&block).expect_err("the mark cannot be moved");
    assert!(matches!(error, StoreError::HighWater { source: HighWaterError::File(_), .. }), "{error}");
    assert_eq!(store.tip().sequence, Sequence(1));
    device.fails.store(false, std::sync::atomic::Ordering::Release);
    assert!(matches!(store.append(&block), Err(StoreError::Stopped { .. })));
}

/// A device that can be told to fail.
#[derive(Clone, Debug, Default)]
struct Failing {
    device: MemoryDevice,
    fails: std::sync::Arc<std::sync::atomic::AtomicBool>,
}

impl store::high_water::Device for Failing {
    fn label(&self) -> String {
        self.device.label()
    }

    fn read(&self) -> std::io::Result<Option<Vec<u8>>> {
        self.device.read()
    }

    fn create(&self, bytes: &[u8]) -> std::io::Result<()> {
        self.device.create(bytes)
    }

    fn write(&self, at: u64, bytes: &[u8]) -> std::io::Result<()> {
        match self.fails.load(std::sync::atomic::Ordering::Acquire) {
            true => Err(std::io::ErrorKind::StorageFull.into()),
            false => self.device.write(at, bytes),
        }
    }
}
