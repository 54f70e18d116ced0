//! A ledger that has lost what it acknowledged does not go on by itself, and goes on when a person has decided so.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use domain::ids::Sequence;
use serde_json::Value;
use store::high_water::{HighWater, HighWaterMark};

/// A small day on a broker in the process, and its ledger.
struct Day {
    home: tempfile::TempDir,
}

impl Day {
    fn run(&self) -> Output {
        let directory = self.home.path().to_str().expect("paths of tests are text");
        hutong(&["demo", "--payments", "1000", "--exit", "-o", "json", "--data-dir", directory])
    }

    fn ledger(&self) -> String {
        self.home.path().join("ledger").to_str().expect("paths of tests are text").to_owned()
    }

    fn mark(&self) -> PathBuf {
        self.home.path().join("ledger.high-water")
    }

    fn on_ledger(&self, verb: &[&str]) -> (Option<i32>, Value) {
        let output = hutong(&[verb, &["-o", "json", "--data-dir", &self.ledger()]].concat());
        assert!(!output.stdout.is_empty(), "{output:?}");
        (output.status.code(), serde_json::from_slice(&output.stdout).expect("one JSON object"))
    }

    fn read(&self) -> HighWaterMark {
        HighWater::file(&self.mark()).read().expect("read").expect("it is there")
    }
}

fn hutong(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hutong")).args(arguments).output().expect("the binary runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).expect("one JSON object a line")).collect()
}

#[test]
fn what_was_acknowledged_and_lost_stops_the_ledger_until_somebody_gives_it_up() {
    let day = Day { home: tempfile::tempdir().expect("a directory") };
    let first = day.run();
    assert_eq!(first.status.code(), Some(0), "{}", said(&first));
    let (code, compared) = day.on_ledger(&["recover"]);
    assert_eq!((code, &compared["reason"]), (Some(0), &Value::Null));
    assert_eq!(day.on_ledger(&["verify"]).1["high_water_mark"], "agrees");

    let end = day.read();
    let lost = HighWaterMark { sequence: Sequence(end.sequence.0 + 3), head: [7; 32], ..end.clone() };
    HighWater::file(&day.mark()).replace(&lost).expect("written");
    let refused = day.run();
    let words = format!("the log ends at sequence {}, but {} was acknowledged", end.sequence, lost.sequence);
    assert_eq!(refused.status.code(), Some(4), "{}", said(&refused));
    for words in ["stopped with LOG_CUT (deploy/runbooks/LOG_CUT.md;", &words, "the last 3 entries are lost"] {
        assert!(said(&refused).contains(words), "{words}: {}", said(&refused));
    }
    let (code, verified) = day.on_ledger(&["verify"]);
    assert_eq!(
        (code, &verified["verdict"], &verified["high_water_mark"]),
        (Some(4), &"wrong".into(), &"disagrees".into())
    );

    let (code, compared) = day.on_ledger(&["recover"]);
    assert_eq!((code, &compared["acknowledged"]["sequence"]), (Some(4), &lost.sequence.0.into()));
    let wrong = hutong(&["recover", "--data-dir", &day.ledger(), "--forget-after", "1", "--because", "a slip"]);
    assert_eq!(wrong.status.code(), Some(1), "{}", said(&wrong));
    assert_eq!(day.read(), lost, "nothing was changed");
    let forgotten = day.home.path().join("ledger.high-water.forgotten");
    assert!(!forgotten.exists());

    let after = end.sequence.to_string();
    let (code, compared) = day.on_ledger(&["recover", "--forget-after", &after, "--because", "Wang: disk 3"]);
    assert_eq!((code, &compared["is_forgotten"]), (Some(0), &true.into()));
    assert_eq!(day.read(), end);
    let decisions = lines(&forgotten);
    let [decision] = decisions.as_slice() else { panic!("{decisions:?}") };
    assert_eq!((&decision["because"], &decision["log"]["sequence"]), (&"Wang: disk 3".into(), &end.sequence.0.into()));
    assert_eq!(decision["acknowledged"]["chain_head"], "07".repeat(32));
    let again = day.run();
    assert_eq!(again.status.code(), Some(0), "{}", said(&again));
    assert_eq!(day.on_ledger(&["verify"]).1["verdict"], "proven");
}

#[test]
fn a_mark_that_is_gone_is_asked_for_and_another_place_may_be_named() {
    let day = Day { home: tempfile::tempdir().expect("a directory") };
    assert_eq!(day.run().status.code(), Some(0));
    let elsewhere = day.home.path().join("elsewhere");
    std::fs::rename(day.mark(), &elsewhere).expect("moved");
    let refused = day.run();
    assert_eq!(refused.status.code(), Some(4), "{}", said(&refused));
    assert!(said(&refused).contains("stopped with HIGH_WATER_MARK (deploy/"), "{}", said(&refused));
    // A copy has no mark either, and is as good.
    let (code, verified) = day.on_ledger(&["verify"]);
    assert_eq!((code, &verified["high_water_mark"]), (Some(0), &"absent".into()));
    let named = ["verify", "--high-water-mark", elsewhere.to_str().expect("paths of tests are text")];
    assert_eq!(day.on_ledger(&named).1["high_water_mark"], "agrees");
    let named = ["recover", "--high-water-mark", elsewhere.to_str().expect("paths of tests are text")];
    assert_eq!(day.on_ledger(&named).0, Some(0));
    assert_eq!(day.on_ledger(&["recover"]).0, Some(4));
}
