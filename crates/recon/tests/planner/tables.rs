//! Every table under `testdata/`: legs, rows and what must follow, as text that a banker can check. Together they show every
//! break that one file can show.
//!
//! ```text
//! case one sentence
//! leg SEQUENCE NETWORK KIND PAYMENT REFERENCE MINOR [order= fee= refund= movement= at= on= answer= payer= payee= side= evidence=]
//! file NETWORK DATE [version= totals=]
//! row LINE KIND REFERENCE MINOR [order= fee= rate= refund= original= at=]
//! fault LINE
//! > what must follow, one line each, in any order
//! ```
//!
//! Legs stand from their line on; a second `file` of a case finds on record what followed from the first.

use std::collections::BTreeSet;
use std::path::Path;

use crate::case::Case;
use domain::break_code::BreakCode;

fn tables() -> Vec<(String, String)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    let files = std::fs::read_dir(directory).expect("testdata").map(|file| file.expect("a file").path());
    let read = |path: std::path::PathBuf| {
        let text = std::fs::read_to_string(&path).expect("a table");
        (path.file_name().unwrap_or_default().to_string_lossy().into_owned(), text)
    };
    files.map(read).collect()
}

#[test]
fn every_table_holds_and_together_they_show_every_break_of_one_file() {
    let mut failures = Vec::new();
    let mut shown = BTreeSet::new();
    for (name, text) in tables() {
        for case in text.split("case ").skip(1) {
            let (title, body) = case.split_once('\n').expect("a case has lines");
            for (expected, found) in Case::run(body, &mut shown) {
                if expected != found {
                    failures.push(format!("{name}: {title}\n  expected {expected:#?}\n  found {found:#?}"));
                }
            }
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
    // One is about a file that is not there, the other about the settlement account's statement.
    let elsewhere = [BreakCode::FileMissing, BreakCode::StatementDiff];
    let missing = BreakCode::ALL.iter().filter(|code| !shown.contains(*code) && !elsewhere.contains(code));
    assert_eq!(missing.map(|code| code.name()).collect::<Vec<_>>(), [""; 0], "no table shows this break");
}
