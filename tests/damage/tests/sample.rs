//! A few cases of each suite: that the suites work, on every machine that runs the tests. Their floors are `make test`'s.

use std::process::Command;

/// Runs a suite; its last line.
fn suite(name: &str, floor: u64) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_damage"));
    let output = command.args([name, "--floor", &floor.to_string()]).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    said.lines().last().unwrap_or_default().to_owned()
}

#[test]
fn logs_cut_short_flipped_bits_and_calls_that_fail_end_well_or_are_named() {
    for (name, floor) in [("cuts", 8), ("flips", 14), ("faults", 8), ("days", 3)] {
        let line = suite(name, floor);
        assert!(line.starts_with(&format!("{name}: {floor} of ")) && line.ends_with("; 0 wrong"), "{line}");
    }
}
