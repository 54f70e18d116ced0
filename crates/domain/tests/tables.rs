//! Every ledger table under `testdata/`: rules as text that a banker can check. Together they show every refusal, every rule
//! that books, and every break that the ledger itself raises.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use domain::break_code::BreakCode;
use domain::journal::Journal;
use domain::rejection::RejectionCode;
use testkit::table::{Shown, check};

fn tables() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    let mut tables: Vec<_> =
        std::fs::read_dir(directory).expect("testdata").map(|file| file.expect("a file").path()).collect();
    tables.sort();
    tables
}

#[test]
fn every_ledger_table_holds_and_together_they_show_every_rule() {
    let mut failures = Vec::new();
    let mut shown = Shown::default();
    for path in tables() {
        let text = std::fs::read_to_string(&path).expect("a table");
        match check(&text) {
            Ok(table) => {
                shown.codes.extend(table.codes);
                shown.journals.extend(table.journals);
                shown.breaks.extend(table.breaks);
            }
            Err(reason) => failures.push(format!("{}, {reason}", path.display())),
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
    // Given for commands that never come as far as the rules.
    let of_the_door = [RejectionCode::CommandNotSupported, RejectionCode::IncarnationRefused];
    assert_shown("refusal", RejectionCode::ALL, &shown.codes, &of_the_door, RejectionCode::name);
    assert_shown("rule", Journal::ALL, &shown.journals, &[], Journal::code);
    // The others are raised by comparing bill files and statements with the ledger, not by the ledger.
    let of_files = [
        BreakCode::Timing,
        BreakCode::LedgerMissing,
        BreakCode::NetworkMissing,
        BreakCode::StatusLedgerOk,
        BreakCode::FeeDiff,
        BreakCode::Duplicate,
        BreakCode::RefundExceeds,
        BreakCode::RowInvalid,
        BreakCode::ControlTotal,
        BreakCode::FileMissing,
        BreakCode::FileReplaced,
        BreakCode::StatementDiff,
    ];
    assert_shown("break", BreakCode::ALL, &shown.breaks, &of_files, BreakCode::name);
}

/// What no table shows must be named as an exception, and an exception that a table shows is none.
fn assert_shown<T: Copy + Ord>(what: &str, all: &[T], shown: &BTreeSet<T>, except: &[T], name: fn(T) -> &'static str) {
    let names = |of: Vec<T>| of.into_iter().map(name).collect::<Vec<_>>();
    let missing = all.iter().copied().filter(|one| !shown.contains(one) && !except.contains(one));
    assert_eq!(names(missing.collect()), [""; 0], "no table shows this {what}");
    let needless = except.iter().copied().filter(|one| shown.contains(one));
    assert_eq!(names(needless.collect()), [""; 0], "a table shows this {what}: it is no exception");
}

#[test]
fn a_line_that_does_not_hold_is_named_with_what_happened_instead() {
    for (text, expected) in [
        (
            "prefund unionpay 5 ACCEPTED\nbalance liquidity.unionpay 6",
            "line 2: balance liquidity.unionpay 6\n  found 5, expected 6",
        ),
        (
            "prefund unionpay 5 CYCLE_STATE",
            "line 1: prefund unionpay 5 CYCLE_STATE\n  found ACCEPTED, expected CYCLE_STATE",
        ),
        ("payment P1 unionpay > mars", "line 1: payment P1 unionpay > mars\n  no network mars"),
        ("pay P1", "line 1: pay P1\n  no such line"),
        ("# nothing", "nothing happens in this table"),
    ] {
        assert_eq!(check(text).expect_err(text), expected);
    }
}
