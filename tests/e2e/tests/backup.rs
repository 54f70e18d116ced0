//! A service copies itself while it serves; when its disk is lost, a copy and the topics bring everything back, and nobody
//! goes on from less than was acknowledged without having decided so.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use e2e::{Broker, PATIENCE, Record, Service, fund, hutong, make_topics, program, publish};
use ingest::{Admin, REJECTED, codes};
use store::Store;

const EVENTS: u64 = 4_000;

fn text(path: &Path) -> &str {
    path.to_str().expect("paths of tests are text")
}

/// The value of a field of the JSON object that `hutong verify` writes.
fn verified(data: &Path, field: &str) -> String {
    let output = hutong(&["verify", "--data-dir", text(data), "-o", "json"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains(r#""verdict":"proven""#), "{said}");
    let rest = said.split(&format!("\"{field}\":\"")).nth(1).unwrap_or_else(|| panic!("no {field} in {said}"));
    rest.split('"').next().unwrap_or_default().to_owned()
}

/// Every record, by topic and offset. What each was answered may differ when topics interleave otherwise than before: a cap or a
/// pilot asks who came first.
fn taken(store: &dyn Store) -> BTreeMap<(u16, i64), Vec<u8>> {
    Record::of_log(store).into_iter().map(|record| ((record.source, record.offset), record.value)).collect()
}

/// The complete backups so far, oldest first.
fn backups(directory: &Path) -> Vec<PathBuf> {
    let names = std::fs::read_dir(directory).into_iter().flatten().map(|entry| entry.expect("listed").path());
    let mut found: Vec<_> = names.filter(|path| !path.ends_with("unfinished")).collect();
    found.sort();
    found
}

fn wait_for_backups(directory: &Path, count: usize) {
    let begun = Instant::now();
    while backups(directory).len() < count {
        assert!(begun.elapsed() < PATIENCE, "only {:?}", backups(directory));
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_lost_disk_comes_back_from_a_backup_and_the_topics_record_by_record() {
    let broker = Broker::start();
    let address = broker.address();
    make_topics(&address);
    let home = tempfile::tempdir().expect("a directory");
    let (data, kept) = (home.path().join("data"), home.path().join("backups"));
    let entries = 1 + fund(&address) + EVENTS;
    let load = {
        let address = address.clone();
        std::thread::spawn(move || publish(&address, EVENTS, 31, Duration::from_millis(100)))
    };
    let mut command = Service::command(&program("hutong"), &address, &data);
    command.args(["--backup-dir", text(&kept), "--backup-every", "1s"]);
    let mut service = Service::spawn(command);
    wait_for_backups(&kept, 2);
    assert_eq!(load.join().expect("the load arrives"), EVENTS);
    service.wait_for(entries, PATIENCE);
    service.wait_told(entries, PATIENCE);
    service.kill().expect("it has called something durable");
    let all = e2e::open(&data);
    let lost = taken(&all);
    let first = &backups(&kept)[0];
    let copied = e2e::open(&first.join("data"));
    let (ended, whole) = (copied.tip().sequence.0, all.tip().sequence.0);
    println!("the first of {} backups ends at {ended} of {whole}", backups(&kept).len());
    assert!(ended < whole, "the load outlasts the first backup");
    assert_eq!(e2e::head_at(&copied, ended), e2e::head_at(&all, ended), "a backup is a beginning of the log");
    drop((all, copied));

    std::fs::remove_dir_all(&data).expect("removed");
    assert_cut(&address, &data);
    let restored = hutong(&["restore", "--from", text(first), "--data-dir", text(&data), "-o", "json"]);
    let said = String::from_utf8_lossy(&restored.stdout);
    assert_eq!(restored.status.code(), Some(0), "{restored:?}");
    assert!(said.contains(&format!("the log ends at sequence {ended}, but {entries} was acknowledged")), "{said}");
    assert_cut(&address, &data);

    let after = ended.to_string();
    let decided = hutong(&["recover", "--data-dir", text(&data), "--forget-after", &after, "--because", "a test"]);
    assert_eq!(decided.status.code(), Some(0), "{decided:?}");
    let ended = Service::start(&address, &data).wait(PATIENCE);
    assert!(ended.said.contains(codes::REJECTIONS_DIVERGED), "refusals are ahead of the log: {}", ended.said);
    let admin = Admin::new(&address).expect("a client");
    admin.delete(REJECTED).expect("a topic is deleted");
    admin.create(&[REJECTED], 1).expect("a topic");
    let mut service = Service::start(&address, &data);
    service.wait_for(entries, PATIENCE);
    let ended = service.stop();
    assert_eq!(ended.code, Some(0), "{}", ended.said);
    assert_eq!(verified(&data, "high_water_mark"), "agrees");
    assert!(taken(&e2e::open(&data)) == lost, "other records than before");
}

fn assert_cut(address: &str, data: &Path) {
    let ended = Service::start(address, data).wait(PATIENCE);
    let is_named = ended.said.contains("stopped with LOG_CUT (deploy/runbooks/LOG_CUT.md");
    assert!(ended.code == Some(4) && is_named, "{}", ended.said);
}
