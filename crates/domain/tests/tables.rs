//! Every ledger table under `testdata/`: rules as text that a banker can check.

use std::path::Path;

#[test]
fn every_ledger_table_holds() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    let mut tables: Vec<_> =
        std::fs::read_dir(directory).expect("testdata").map(|file| file.expect("a file").path()).collect();
    tables.sort();
    assert!(tables.len() > 3, "the tables are missing");
    let mut failures = Vec::new();
    for path in tables {
        let text = std::fs::read_to_string(&path).expect("a table");
        if let Err(reason) = testkit::table::check(&text) {
            failures.push(format!("{}, {reason}", path.display()));
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}
