//! `hutong demo`, run as somebody runs it who has never seen it: through, killed in the middle, and on a directory of
//! another day.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

fn demo(directory: &Path, seed: u32) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hutong"));
    command.args(["demo", "--payments", "2000", "--seed", &seed.to_string(), "--exit", "-o", "json", "--data-dir"]);
    command.arg(directory);
    command
}

fn ended(output: &Output) -> Value {
    let log = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{log}\n{}", String::from_utf8_lossy(&output.stdout));
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

fn verified(directory: &Path) -> Value {
    let mut verify = Command::new(env!("CARGO_BIN_EXE_hutong"));
    verify.args(["verify", "-o", "json", "--data-dir"]).arg(directory.join("ledger"));
    ended(&verify.output().expect("the binary runs"))
}

#[test]
fn a_day_comes_out_as_it_was_written_down_and_another_day_is_refused_there() {
    let directory = tempfile::tempdir().expect("a directory");
    let day = ended(&demo(directory.path(), 5).output().expect("the binary runs"));
    assert_eq!(day["breaks"], day["planted"]);
    assert_eq!((&day["settlement"], &day["conservation"]["CNY"]), (&"settled".into(), &"0".into()));
    let nets = day["net"].as_object().expect("an object");
    let sum: i64 = nets.values().map(|minor| minor.as_i64().expect("a number")).sum();
    assert_eq!((nets.len(), sum), (5, 0), "{nets:?}");
    for figure in ["events", "matched", "events_per_second"] {
        assert!(day[figure].as_u64() > Some(0), "{figure}: {day}");
    }
    let verified = verified(directory.path());
    // The bank may say something twice after the summary, which the log notes and nothing else does.
    assert_eq!((&verified["verdict"], &verified["day_digest"]), (&"proven".into(), &day["day_digest"]));
    assert_eq!(day["chain_head"].as_str().map(str::len), Some(64));

    let other = demo(directory.path(), 6).output().expect("the binary runs");
    let log = String::from_utf8_lossy(&other.stderr);
    assert_eq!(other.status.code(), Some(4), "{log}");
    assert!(log.contains("another day") && log.contains("seed 5") && other.stdout.is_empty(), "{log}");
}

#[test]
fn a_day_that_is_killed_again_and_again_ends_as_an_undisturbed_one() {
    let directory = tempfile::tempdir().expect("a directory");
    let undisturbed = ended(&demo(&directory.path().join("once"), 9).output().expect("the binary runs"));
    let often = directory.path().join("often");
    let mut kills = 0;
    // Later and later, so that every part of the day is hit on a fast machine and on a slow one.
    for pause in [300, 700, 1_200, 1_800, 2_500, 3_500] {
        let mut child = demo(&often, 9).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the binary runs");
        std::thread::sleep(Duration::from_millis(pause));
        if child.try_wait().expect("a child").is_none() {
            kills += 1;
        }
        child.kill().expect("a child");
        child.wait().expect("a child");
    }
    let day = ended(&demo(&often, 9).output().expect("the binary runs"));
    assert!(kills >= 2, "only {kills} of the runs were still going when they were killed");
    for same in ["day_digest", "net", "breaks", "rejected", "quarantined", "matched", "settlement"] {
        assert_eq!(day[same], undisturbed[same], "{same}");
    }
    assert_eq!(verified(&often)["verdict"], "proven");
}
