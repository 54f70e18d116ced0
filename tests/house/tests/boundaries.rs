//! Who may name whom.
//!
//! A crate exists where something must not be known on the other side: a database, a protocol, a clock. This table
//! is that decision. `ARCHITECTURE.md` says the same in words and why, `deny.toml` says it for what comes from outside
//! through somebody else; both are compared with this table here.
//!
//! A row may stand here before its crate exists. It is then the rule for when it comes.

use std::collections::BTreeSet;

use house::{Edge, Member, members, read};

/// One crate of ours.
struct Row {
    name: &'static str,
    /// The crates of ours it may name.
    may: &'static [&'static str],
    /// Those that its tests may name besides `may` and `TEST_TOOLS`.
    tests_may: &'static [&'static str],
    /// Everything from outside that it may name, where the list is closed. Its tests are free.
    outside: Option<&'static [&'static str]>,
}

/// From the bottom up: a row names only rows above it.
const ROWS: &[Row] = &[
    Row { name: "faults", may: &[], tests_may: &[], outside: Some(&[]) },
    Row { name: "domain", may: &[], tests_may: &[], outside: Some(&["rust_decimal", "thiserror"]) },
    Row {
        name: "rulebook",
        may: &["domain"],
        tests_may: &[],
        outside: Some(&["rust_decimal", "serde", "thiserror", "toml"]),
    },
    Row {
        name: "bills",
        may: &["domain"],
        tests_may: &[],
        outside: Some(&["csv", "encoding_rs", "rust_decimal", "thiserror", "zip"]),
    },
    Row { name: "wire", may: &["domain"], tests_may: &[], outside: None },
    Row { name: "store", may: &["domain", "faults"], tests_may: &[], outside: None },
    Row { name: "ledger", may: &["domain", "faults", "rulebook", "store"], tests_may: &[], outside: None },
    Row { name: "audit", may: &["domain", "rulebook", "store"], tests_may: &["ledger"], outside: None },
    Row {
        name: "ingest",
        may: &["domain", "faults", "ledger", "rulebook", "wire"],
        tests_may: &["store"],
        outside: None,
    },
    Row { name: "recon", may: &["bills", "domain", "ledger"], tests_may: &["store"], outside: None },
    Row { name: "api", may: &["domain", "faults", "ledger", "wire"], tests_may: &["client", "store"], outside: None },
    Row { name: "client", may: &["wire"], tests_may: &[], outside: None },
    Row { name: "console", may: &["client"], tests_may: &[], outside: None },
    Row { name: "testkit", may: &["domain", "rulebook", "store", "wire"], tests_may: &[], outside: None },
    Row { name: "simulator", may: &["domain", "rulebook", "store", "wire"], tests_may: &["bills"], outside: None },
    Row { name: "broker", may: &[], tests_may: &[], outside: Some(&["tempfile", "thiserror"]) },
    Row {
        name: "hutong",
        may: &[
            "api",
            "audit",
            "bills",
            "broker",
            "client",
            "console",
            "domain",
            "faults",
            "ingest",
            "ledger",
            "recon",
            "rulebook",
            "simulator",
            "store",
            "wire",
        ],
        tests_may: &[],
        outside: None,
    },
];

/// What the tests of any crate may name.
const TEST_TOOLS: &[&str] = &["rulebook", "simulator", "testkit"];

/// Something from outside that only some crates of ours may name.
struct Gate {
    name: &'static str,
    through: &'static [&'static str],
    /// Whether the tests of every crate may name it too.
    tests_free: bool,
}

const GATES: &[Gate] = &[
    Gate { name: "anyhow", through: &["hutong"], tests_free: false },
    Gate { name: "axum", through: &["console"], tests_free: false },
    Gate { name: "clap", through: &["hutong"], tests_free: false },
    Gate { name: "csv", through: &["bills", "simulator"], tests_free: true },
    Gate { name: "encoding_rs", through: &["bills", "simulator"], tests_free: true },
    Gate { name: "proptest", through: &["testkit"], tests_free: true },
    Gate { name: "prost", through: &["wire"], tests_free: false },
    Gate { name: "prost-build", through: &["wire"], tests_free: false },
    Gate { name: "prost-reflect", through: &["wire"], tests_free: false },
    Gate { name: "prost-types", through: &["wire"], tests_free: false },
    Gate { name: "protox", through: &["wire"], tests_free: false },
    Gate { name: "rdkafka", through: &["ingest"], tests_free: false },
    Gate { name: "rocksdb", through: &["store"], tests_free: false },
    Gate { name: "toml", through: &["hutong", "rulebook"], tests_free: true },
    Gate { name: "tonic", through: &["api", "client", "hutong", "wire"], tests_free: false },
    Gate { name: "tonic-prost", through: &["wire"], tests_free: false },
    Gate { name: "tonic-prost-build", through: &["wire"], tests_free: false },
    Gate { name: "tonic-types", through: &["wire"], tests_free: false },
    Gate { name: "zip", through: &["bills", "simulator"], tests_free: true },
];

/// Gates that `deny.toml` keeps as well, because a crate from outside could bring these in unseen.
const ALSO_IN_DENY_TOML: &[&str] = &["anyhow", "axum", "clap", "prost", "rdkafka", "rocksdb", "tonic"];

fn row(name: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.name == name)
}

/// Why this edge may not be, or nothing when it may. `ours` are the crates of this workspace.
fn offence(edge: &Edge, ours: &[Member]) -> Option<String> {
    let from = row(&edge.from)?;
    let is_ours = ours.iter().any(|member| member.name == edge.to) || row(&edge.to).is_some();
    if is_ours { offence_inside(edge, from) } else { offence_outside(edge, from) }
}

fn offence_inside(edge: &Edge, from: &Row) -> Option<String> {
    let to = edge.to.as_str();
    let allowed = from.may.contains(&to)
        || (edge.for_tests && (from.tests_may.contains(&to) || TEST_TOOLS.contains(&to) || to == from.name));
    (!allowed).then(|| {
        format!(
            "{} -> {to}: `{}` may name {}. Move what it needs to where it may be named, or pass it in as a value or a \
             trait; if the decision itself changed, change this table, ARCHITECTURE.md and a page in docs/adr together",
            edge.from,
            edge.from,
            words(from.may)
        )
    })
}

fn offence_outside(edge: &Edge, from: &Row) -> Option<String> {
    let to = edge.to.as_str();
    if let Some(closed) = from.outside.filter(|closed| !edge.for_tests && !closed.contains(&to)) {
        return Some(format!(
            "{} -> {to}: from outside `{}` names only {}. Do it in the crate above and hand over a value",
            edge.from,
            edge.from,
            words(closed)
        ));
    }
    let gate = GATES.iter().find(|gate| gate.name == to)?;
    let allowed = gate.through.contains(&from.name) || (gate.tests_free && edge.for_tests);
    (!allowed).then(|| {
        format!(
            "{} -> {to}: only {} may name `{to}`. Use what that crate offers, or let it offer more",
            edge.from,
            words(gate.through)
        )
    })
}

fn words(names: &[&str]) -> String {
    match names {
        [] => "nothing".to_owned(),
        names => format!("`{}`", names.join("`, `")),
    }
}

fn edge(from: &str, to: &str, for_tests: bool) -> Edge {
    Edge { from: from.to_owned(), to: to.to_owned(), for_tests }
}

fn assert_none(offences: &[String]) {
    assert!(offences.is_empty(), "\n\n{}\n", offences.join("\n\n"));
}

#[test]
fn every_crate_names_only_what_its_row_allows() {
    let members = members();
    let edges = members.iter().filter(|member| !member.is_test).flat_map(|member| &member.names);
    assert_none(&edges.filter_map(|edge| offence(edge, &members)).collect::<Vec<_>>());
}

#[test]
fn every_crate_of_the_workspace_has_a_row() {
    let missing = members().into_iter().filter(|member| !member.is_test && row(&member.name).is_none()).map(|member| {
        format!(
            "crates/{0}: `{0}` has no row: decide what it may name and write it here and in ARCHITECTURE.md",
            member.name
        )
    });
    assert_none(&missing.collect::<Vec<_>>());
}

#[test]
fn nobody_but_a_test_crate_names_a_test_crate() {
    let members = members();
    let tests: Vec<_> = members.iter().filter(|member| member.is_test).map(|member| &member.name).collect();
    let edges = members.iter().filter(|member| !member.is_test).flat_map(|member| &member.names);
    let offences = edges
        .filter(|edge| tests.contains(&&edge.to))
        .map(|edge| format!("{} -> {}: what two crates share belongs into `testkit`", edge.from, edge.to));
    assert_none(&offences.collect::<Vec<_>>());
}

#[test]
fn a_row_names_only_rows_above_it() {
    for (position, row) in ROWS.iter().enumerate() {
        for name in row.may {
            assert!(ROWS[..position].iter().any(|above| above.name == *name), "`{}` stands above `{name}`", row.name);
        }
    }
}

#[test]
fn an_edge_that_is_not_allowed_is_named_with_what_to_do() {
    let ours = Vec::new();
    let cases = [
        (edge("bills", "ledger", false), Some("may name `domain`")),
        (edge("ledger", "rdkafka", false), Some("only `ingest` may name `rdkafka`")),
        (edge("ledger", "rdkafka", true), Some("only `ingest` may name `rdkafka`")),
        (edge("domain", "serde", false), Some("from outside `domain` names only `rust_decimal`, `thiserror`")),
        (edge("audit", "ledger", false), Some("may name `domain`, `rulebook`, `store`")),
        (edge("audit", "ledger", true), None),
        (edge("domain", "testkit", false), Some("may name nothing")),
        (edge("domain", "testkit", true), None),
        (edge("domain", "insta", true), None),
        (edge("store", "rocksdb", false), None),
        (edge("hutong", "testkit", false), Some("hutong -> testkit")),
    ];
    for (edge, expected) in cases {
        let found = offence(&edge, &ours);
        match expected {
            None => assert_eq!(found, None, "{edge:?}"),
            Some(part) => assert!(found.as_deref().unwrap_or("").contains(part), "{edge:?}: {found:?}"),
        }
    }
}

/// A row of the table in `ARCHITECTURE.md`.
struct Described {
    name: String,
    is_planned: bool,
    may: BTreeSet<String>,
    only_it_names: BTreeSet<String>,
}

fn described() -> Vec<Described> {
    let map = read("ARCHITECTURE.md");
    let rows = map.lines().filter(|line| line.starts_with("| `"));
    rows.map(|line| {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        assert_eq!(cells.len(), 6, "ARCHITECTURE.md: a row of the map has six cells: {line}");
        let is_planned = match cells[1] {
            "today" => false,
            "planned" => true,
            other => panic!("ARCHITECTURE.md: {}: the state is `today` or `planned`, not `{other}`", cells[0]),
        };
        Described {
            name: quoted(cells[0]).into_iter().collect(),
            is_planned,
            may: quoted(cells[3]),
            only_it_names: quoted(cells[4]),
        }
    })
    .collect()
}

fn quoted(cell: &str) -> BTreeSet<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn the_map_tells_which_crates_exist() {
    let exist: BTreeSet<_> = members().into_iter().map(|member| member.name).collect();
    let described = described();
    let names = |planned: bool| -> BTreeSet<String> {
        described.iter().filter(|row| row.is_planned == planned).map(|row| row.name.clone()).collect()
    };
    assert_eq!(exist, names(false), "left: the workspace; right: the rows marked `today` in ARCHITECTURE.md");
    let planned = ROWS.iter().map(|row| row.name.to_owned()).filter(|name| !exist.contains(name));
    assert_eq!(
        planned.collect::<BTreeSet<_>>(),
        names(true),
        "left: rows here without a crate; right: `planned` there"
    );
}

#[test]
fn the_map_says_what_this_table_says() {
    for described in described() {
        let Some(row) = row(&described.name) else { continue };
        let may: BTreeSet<_> = row.may.iter().map(|&name| name.to_owned()).collect();
        assert_eq!(may, described.may, "`{}` may name; left: here, right: ARCHITECTURE.md", row.name);
        let through = GATES.iter().filter(|gate| gate.through.contains(&row.name)).map(|gate| gate.name.to_owned());
        let through: BTreeSet<_> = through.collect();
        assert_eq!(
            through, described.only_it_names,
            "from outside by `{}`; left: here, right: ARCHITECTURE.md",
            row.name
        );
    }
}

#[test]
fn deny_toml_keeps_the_same_gates() {
    let deny: toml::Table = read("deny.toml").parse().expect("deny.toml is TOML");
    let bans = deny["bans"]["deny"].as_array().expect("deny.toml: bans.deny is a list");
    for name in ALSO_IN_DENY_TOML {
        let gate = GATES.iter().find(|gate| gate.name == *name).expect("a gate of this table");
        let ban = bans.iter().find(|ban| ban["crate"].as_str() == Some(name));
        let wrappers = ban.and_then(|ban| ban.get("wrappers")).and_then(toml::Value::as_array);
        let wrappers = wrappers.unwrap_or_else(|| panic!("deny.toml: no `wrappers` for `{name}`"));
        let ours = wrappers.iter().filter_map(toml::Value::as_str).filter(|wrapper| row(wrapper).is_some());
        let expected: BTreeSet<_> = gate.through.iter().copied().collect();
        assert_eq!(expected, ours.collect::<BTreeSet<_>>(), "`{name}`; left: here, right: deny.toml");
    }
}
