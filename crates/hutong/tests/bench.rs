//! `hutong bench`, run as an operator runs it, on a few events: that it says what it promises, not how fast it is. What needs
//! a broker is tested with one, in `tests/e2e`.

use std::process::{Command, Output};

use serde_json::Value;

/// Runs a benchmark in an empty directory, which has to be empty again afterwards; the line that it says.
fn bench(arguments: &str) -> Value {
    let directory = tempfile::tempdir().expect("a directory");
    let mut command = Command::new(env!("CARGO_BIN_EXE_hutong"));
    let arguments = arguments.split(' ').chain(["-o", "json"]);
    let output: Output =
        command.arg("bench").args(arguments).current_dir(directory.path()).output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(std::fs::read_dir(directory.path()).expect("a directory").count(), 0);
    let line: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert!(
        line["machine"]["cores"].as_u64() > Some(0) && line["machine"]["memory_bytes"].as_u64() > Some(0),
        "{line}"
    );
    assert!(line["revision"].as_str().is_some_and(|revision| !revision.is_empty()), "{line}");
    line
}

/// Every figure is there and above zero.
fn assert_counted(line: &Value, figures: &[&str]) {
    for figure in figures {
        let value = figure.split('/').fold(line, |value, name| &value[name]);
        assert!(value.as_f64().is_some_and(|figure| figure > 0.0), "{figure}: {line}");
    }
}

#[test]
fn the_engine_is_measured_with_everything_that_it_took() {
    for mix in ["natural", "transfer"] {
        let line = bench(&format!("engine --events 5000 --warm-up 100 --mix {mix}"));
        assert_eq!((line["benchmark"].as_str(), line["parameters"]["mix"].as_str()), (Some("engine"), Some(mix)));
        // The rulebook and three prefunds are entries too.
        assert_eq!((line["events"].as_u64(), line["entries"].as_u64()), (Some(5_000), Some(5_004)));
        let figures = ["event_bytes_mean", "events_per_second", "loop_events_per_second", "syncs", "peak_rss_bytes"];
        assert_counted(&line, &figures);
        let figures = ["cpu_us_per_event_total", "cpu_us_per_event/apply", "cpu_us_per_event/write", "bytes_stored"];
        assert_counted(&line, &figures);
        assert!(line["bytes_stored_per_event"].as_u64() > Some(50), "{line}");
        assert!(line["seconds_to_rest"].as_f64() >= line["seconds"].as_f64(), "{line}");
    }
}

#[test]
fn reads_of_every_kind_are_answered_while_events_come_in() {
    for call in ["get", "list", "watch"] {
        let line =
            bench(&format!("reads --events 5000 --rate 5000 --warm-up 0 --connections 2 --in-flight 3 --call {call}"));
        assert_counted(&line, &["events_per_second", "calls", "calls_per_second", "balances_per_second"]);
        if call == "watch" {
            assert!(line["latency_us"].is_null(), "{line}");
            continue;
        }
        assert_counted(&line, &["latency_us/p50", "latency_us/p99.9", "latency_us_seen/max"]);
        assert_eq!(line["latency_us_seen"]["count"], line["calls"]);
    }
}

#[test]
fn a_killed_ledger_of_each_length_serves_again() {
    let line = bench("recover --events 6000");
    let logs = line["logs"].as_array().expect("a list");
    assert_eq!(logs.len(), 3);
    for (log, events) in logs.iter().zip([375, 1_500, 6_000]) {
        assert!(log["entries"].as_u64() >= Some(events) && log["tail_entries"].as_u64() > Some(0), "{line}");
        assert_counted(log, &["seconds"]);
    }
    assert_counted(&line, &["ratio"]);
}

/// Nothing is flushed of a smaller one.
#[test]
fn past_balances_are_read_from_cold_files_and_found() {
    let line = bench("asof --events 300000 --reads 12 --cold-every 5");
    assert_eq!(line["latency_us"]["count"].as_u64(), Some(12));
    assert_counted(&line, &["accounts", "rows_found", "latency_us/p50", "latency_us/p99"]);
}

#[test]
fn the_verifier_comes_to_the_same_head_both_ways() {
    let line = bench("verify --events 5000");
    assert_eq!(line["entries"].as_u64(), Some(5_004));
    assert_counted(&line, &["payments", "chain_events_per_second", "derive_events_per_second", "peak_rss_bytes"]);
}
