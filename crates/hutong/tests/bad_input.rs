//! What an operator gets wrong: arguments, places and dates. Each has an exit code and a sentence that names value and place,
//! and what was there before is there afterwards.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn hutong(arguments: &[&str], directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hutong"));
    command.args(arguments).current_dir(directory);
    command
}

#[track_caller]
fn says(arguments: &[&str], directory: &Path, code: i32, sentence: &str) -> Output {
    let output = hutong(arguments, directory).output().expect("the binary runs");
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {log}");
    assert!(log.contains(sentence), "{arguments:?}: {log}");
    output
}

#[test]
fn a_day_that_cannot_be_is_a_wrong_command_line() {
    let directory = tempfile::tempdir().expect("a directory");
    for (arguments, sentence) in [
        (["--payments", "0"], "0 is not in 1000..=1000000"),
        (["--payments", "999"], "999 is not in 1000..=1000000"),
        (["--payments", "1000001"], "1000001 is not in 1000..=1000000"),
        (["--payments=-5", "--seed=1"], "invalid value '-5'"),
        (["--seed", "18446744073709551616"], "too large"),
        (["--date", "2025-02-30"], "invalid value '2025-02-30' for '--date <YYYY-MM-DD>': there is no such date"),
        (["--date", "20251111"], "one is written like 2025-11-11"),
        (["--date", "1969-01-01"], "days are made from 1992-01-01 to 2199-12-31"),
    ] {
        says(&[&["simulate", "--out", "day"], arguments.as_slice()].concat(), directory.path(), 2, sentence);
        says(&[&["demo", "--exit", "--data-dir", "day"], arguments.as_slice()].concat(), directory.path(), 2, sentence);
    }
    let reconcile =
        ["reconcile", "--brokers", "127.0.0.1:1", "--data-dir", ".", "--bills", ".", "--date", "2025-13-01"];
    says(&reconcile, directory.path(), 2, "invalid value '2025-13-01'");
    assert_eq!(std::fs::read_dir(directory.path()).expect("a directory").count(), 0);
}

#[test]
fn a_place_that_is_a_file_is_named() {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("letter"), "dear auditor").expect("a file");
    let day = ["--payments", "1000"];
    says(&[&["simulate", "--out", "letter"], &day[..]].concat(), directory.path(), 1, "cannot make letter/bills");
    says(&[&["demo", "--exit", "--data-dir", "letter"], &day[..]].concat(), directory.path(), 1, "cannot make letter");
    says(&["verify", "--data-dir", "letter"], directory.path(), 1, "there is no directory letter");
    let reconcile = ["reconcile", "--brokers", "127.0.0.1:1", "--data-dir", ".", "--date", "2025-11-11", "--bills"];
    says(&[&reconcile[..], &["letter"]].concat(), directory.path(), 1, "reading letter");
    says(&[&reconcile[..], &["nowhere"]].concat(), directory.path(), 1, "reading nowhere");
    assert_eq!(std::fs::read(directory.path().join("letter")).expect("a file"), b"dear auditor");
}

#[test]
fn brokers_that_do_not_answer_are_given_up_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let day = ["demo", "--exit", "--payments", "1000", "--brokers", "127.0.0.1:1"];
    let begun = std::time::Instant::now();
    says(&day, directory.path(), 5, "no broker of 127.0.0.1:1 answers");
    assert!(begun.elapsed().as_secs() < 30, "after {:?}", begun.elapsed());
}

#[test]
fn a_line_that_is_no_record_publishes_nothing_and_is_named() {
    let directory = tempfile::tempdir().expect("a directory");
    let event = r#"{"paymentEvent":{"paymentId":"AgICAgICAgICAgICAgICAg==","reportingNetwork":"unionpay""#;
    let lines =
        format!("{event}}}}}\n{event},\"amountMinor\":\"1.5\"}}}}\n\nnot json\n{event},\"kind\":\"KIND_NONE\"}}}}\n");
    std::fs::write(directory.path().join("day.ndjson"), lines).expect("a file");
    let output =
        says(&["publish", "day.ndjson", "--brokers", "127.0.0.1:1"], directory.path(), 4, "nothing was published");
    let log = String::from_utf8_lossy(&output.stderr);
    for place in ["day.ndjson:2: paymentEvent.amountMinor", "day.ndjson:4: line", "day.ndjson:5: paymentEvent.kind"] {
        assert!(log.contains(place), "{log}");
    }
    says(&["publish", "nothing.ndjson", "--brokers", "127.0.0.1:1"], directory.path(), 1, "cannot open nothing.ndjson");
}

/// A ledger that is at work keeps others from writing, not from verifying; killed, its day comes out the same again.
#[test]
fn a_day_in_use_is_refused_and_a_day_that_is_over_comes_out_the_same_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let day = ["demo", "--payments", "1000", "-o", "json", "--data-dir", "day"];
    let mut live = hutong(&[&day[..], &["--listen", "127.0.0.1:0"]].concat(), directory.path());
    let mut live = live.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the binary runs");
    let mut summary = String::new();
    BufReader::new(live.stdout.take().expect("piped")).read_line(&mut summary).expect("a line");
    let again = [&day[..], &["--exit"]].concat();
    says(&again, directory.path(), 1, "data directory day/ledger is in use by another process");
    let verify = hutong(&["verify", "--data-dir", "day/ledger", "-o", "json"], directory.path()).output();
    let verified: Value = serde_json::from_slice(&verify.expect("the binary runs").stdout).expect("one JSON object");
    assert_eq!(verified["verdict"], "proven");
    live.kill().expect("a child");
    live.wait().expect("a child");

    let first: Value = serde_json::from_str(&summary).expect("one JSON object");
    let output = says(&again, directory.path(), 0, "is settled");
    let second: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    for same in ["day_digest", "net", "breaks", "rejected", "quarantined", "matched", "settlement"] {
        assert_eq!(second[same], first[same], "{same}");
    }
}
