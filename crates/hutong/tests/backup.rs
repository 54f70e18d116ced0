//! A backup that is whole becomes a ledger that is proven; one that is not becomes nothing.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use store::high_water::{HighWater, HighWaterMark};

fn hutong(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hutong")).args(arguments).output().expect("the binary runs")
}

fn done(output: &Output) -> Value {
    assert_eq!(output.status.code(), Some(0), "{}", said(output));
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn text(path: &Path) -> &str {
    path.to_str().expect("paths of tests are text")
}

/// A small day's ledger and a backup of it.
struct Day {
    home: tempfile::TempDir,
}

impl Day {
    fn new() -> Self {
        let day = Self { home: tempfile::tempdir().expect("a directory") };
        let directory = day.home.path().to_owned();
        done(&hutong(&["demo", "--payments", "1000", "--exit", "-o", "json", "--data-dir", text(&directory)]));
        day
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn backup(&self, to: &str) -> Output {
        let (ledger, to) = (self.path("ledger"), self.path(to));
        hutong(&["backup", "-o", "json", "--data-dir", text(&ledger), "--to", text(&to)])
    }

    fn restore(&self, from: &Path, to: &str) -> Output {
        hutong(&["restore", "-o", "json", "--from", text(from), "--data-dir", text(&self.path(to))])
    }
}

/// A copy whose files are its own: on the same file system a backup shares them with the ledger.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).expect("made");
    for path in std::fs::read_dir(from).expect("listed").map(|entry| entry.expect("listed").path()) {
        let to = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &to);
        } else {
            std::fs::copy(&path, &to).expect("copied");
        }
    }
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in std::fs::read_dir(directory).expect("listed").map(|entry| entry.expect("listed").path()) {
        found.extend(if path.is_dir() { files(&path) } else { vec![path] });
    }
    found.sort();
    found
}

#[test]
fn a_backup_is_restored_to_the_same_head_and_digest() {
    let day = Day::new();
    let verified = done(&hutong(&["verify", "-o", "json", "--data-dir", text(&day.path("ledger"))]));
    let made = done(&day.backup("backup"));
    assert_eq!((&made["chain_head"], &made["sequence"]), (&verified["chain_head"], &verified["entries"]));
    assert_eq!(made["record_versions"]["state"], 2);
    let again = day.backup("backup");
    assert!(again.status.code() == Some(1) && said(&again).contains("is not empty"), "{}", said(&again));

    let restored = done(&day.restore(&day.path("backup"), "restored"));
    for field in ["chain_head", "day_digest"] {
        assert_eq!(restored[field], verified[field], "{field}");
    }
    let why = restored["high_water_mark"].as_str().unwrap_or_default();
    assert!(why.ends_with("restored.high-water: it is not there"), "{restored}");
    let twice = day.restore(&day.path("backup"), "restored");
    assert!(twice.status.code() == Some(1) && said(&twice).contains("is not empty"), "{}", said(&twice));

    // With the mark that was moved along, nothing is to be decided.
    std::fs::rename(day.path("ledger.high-water"), day.path("second.high-water")).expect("moved");
    assert_eq!(done(&day.restore(&day.path("backup"), "second"))["high_water_mark"], Value::Null);
}

#[test]
fn a_ledger_that_has_lost_its_end_is_not_backed_up() {
    let day = Day::new();
    let file = HighWater::file(&day.path("ledger.high-water"));
    let mark = file.read().expect("read").expect("it is there");
    let sequence = domain::ids::Sequence(mark.sequence.0 + 1);
    file.replace(&HighWaterMark { sequence, ..mark }).expect("written");
    let logs = || {
        let logs =
            files(&day.path("ledger")).into_iter().filter(|file| file.extension().is_some_and(|end| end == "log"));
        logs.map(|log| (std::fs::metadata(&log).expect("a file").len(), log)).collect::<Vec<_>>()
    };
    let before = logs();
    let refused = day.backup("backup");
    assert_eq!(logs(), before, "what the log has lost may come back");
    assert!(refused.status.code() == Some(4) && said(&refused).contains("LOG_CUT"), "{}", said(&refused));
    assert!(!day.path("backup").exists());
}

#[test]
fn every_file_of_a_backup_that_is_damaged_short_or_gone_is_named_and_nothing_is_restored() {
    let day = Day::new();
    done(&day.backup("shared"));
    let backup = day.path("backup");
    copy(&day.path("shared"), &backup);
    let files = files(&backup);
    assert!(files.len() > 8, "{files:?}");
    for (number, file) in files.iter().enumerate() {
        let whole = std::fs::read(file).expect("read");
        let name = file.file_name().expect("a name").to_string_lossy();
        let mut flipped = whole.clone();
        // The sums of the database's files are for people; the manifest has them too.
        let reach = if name.ends_with(".sha256") { 64 } else { whole.len() };
        let at = number * 7_919 % reach.max(1);
        if let Some(byte) = flipped.get_mut(at) {
            *byte ^= 1 << (number % 8);
        }
        let short = whole[..whole.len().saturating_sub(1)].to_vec();
        let short = (!name.ends_with(".sha256")).then_some(short);
        for damage in [Some(Some(flipped)), short.map(Some), Some(None)].into_iter().flatten() {
            match &damage {
                Some(bytes) if *bytes == whole => continue,
                Some(bytes) => std::fs::write(file, bytes).expect("written"),
                None => std::fs::remove_file(file).expect("removed"),
            }
            let refused = day.restore(&backup, "restored");
            let named = name.trim_end_matches(".sha256");
            assert_eq!(refused.status.code(), Some(4), "{name}, byte {at}: {}", said(&refused));
            assert!(said(&refused).contains(named), "{name}, byte {at}: {}", said(&refused));
            assert!(!day.path("restored").exists() && !day.path("restored.unfinished").exists(), "{name}");
        }
        std::fs::write(file, whole).expect("written");
    }
    done(&day.restore(&backup, "restored"));
}

/// Changes what a manifest says.
type Lie = fn(&mut Value);

#[test]
fn a_manifest_that_leads_out_of_its_directory_or_lies_about_the_log_is_refused() {
    use sha2::{Digest, Sha256};
    let day = Day::new();
    done(&day.backup("backup"));
    let manifest = day.path("backup").join("backup.json");
    let whole: Value = serde_json::from_slice(&std::fs::read(&manifest).expect("read")).expect("JSON");
    let lies: [(&str, Lie); 5] = [
        ("is not the name of a file", |lie| lie["files"][0]["name"] = "../ledger.high-water".into()),
        ("leads to another chain head", |lie| lie["chain_head"] = "00".into()),
        ("its log ends elsewhere", |lie| lie["sequence"] = 7.into()),
        ("another cluster or shard", |lie| lie["cluster"] = "elsewhere".into()),
        ("is of version 2, this program reads 1", |lie| lie["format"] = 2.into()),
    ];
    for (words, lie) in lies {
        let mut told = whole.clone();
        lie(&mut told);
        let bytes = serde_json::to_vec(&told).expect("JSON");
        let sum: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        std::fs::write(&manifest, bytes).expect("written");
        std::fs::write(manifest.with_extension("json.sha256"), format!("{sum}  backup.json\n")).expect("written");
        let refused = day.restore(&day.path("backup"), "restored");
        assert_eq!(refused.status.code(), Some(4), "{words}: {}", said(&refused));
        assert!(said(&refused).contains(words), "{words}: {}", said(&refused));
        assert!(!day.path("restored").exists());
    }
}
