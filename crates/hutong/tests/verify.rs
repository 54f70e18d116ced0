//! `hutong verify`, run as an operator runs it.

use std::path::Path;
use std::process::{Command, Output};

fn hutong(arguments: &[&str], directory: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hutong"));
    command.args(arguments).current_dir(directory).output().expect("the binary runs")
}

fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

#[test]
fn an_empty_directory_is_empty_and_nothing_is_made_there() {
    let directory = tempfile::tempdir().expect("a directory");
    let output = hutong(&["verify", "--data-dir", ".", "-o", "json"], directory.path());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(json(&output)["verdict"], "empty");
    assert_eq!(std::fs::read_dir(directory.path()).expect("a directory").count(), 0);
}

#[test]
fn a_directory_that_does_not_exist_is_an_error_and_not_an_empty_ledger() {
    let directory = tempfile::tempdir().expect("a directory");
    let output = hutong(&["verify", "--data-dir", "absent"], directory.path());
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("there is no directory absent"), "{output:?}");
}

#[test]
fn a_directory_that_holds_something_else_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("letter"), "dear auditor").expect("a file");
    let output = hutong(&["verify", "--data-dir", "."], directory.path());
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot read . as a data directory"), "{output:?}");
    assert_eq!(std::fs::read_dir(directory.path()).expect("a directory").count(), 1);
}
