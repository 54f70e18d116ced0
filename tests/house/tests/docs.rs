//! What the documents promise about the tree: links lead somewhere, commands exist, decisions are numbered and listed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use house::{files, read, root};

fn documents() -> Vec<PathBuf> {
    files().into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "md")).collect()
}

/// The targets of `[text](target)` that are paths, without what follows `#`.
fn linked_paths(text: &str) -> impl Iterator<Item = &str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets
        .filter(|target| !target.contains("://"))
        .filter_map(|target| target.split('#').next())
        .filter(|path| !path.is_empty())
}

/// The targets of the Makefile.
fn make_targets() -> BTreeSet<String> {
    let makefile = read("Makefile");
    let phony = makefile.lines().find_map(|line| line.strip_prefix(".PHONY:")).expect("Makefile: a .PHONY line");
    phony.split_whitespace().map(str::to_owned).collect()
}

/// The words that follow `make` where it stands as a command: in a code span, a code block or the help text.
fn make_commands(text: &str) -> BTreeSet<String> {
    let lines = text.lines().filter_map(|line| line.trim().strip_prefix("make "));
    let spans = text.split("`make ").skip(1);
    let helped = text.split("echo 'make ").skip(1);
    let word =
        |rest: &str| rest.split(|letter: char| !letter.is_alphanumeric() && letter != '-').next().map(str::to_owned);
    lines.filter(|line| !line.contains(' ')).chain(spans).chain(helped).filter_map(word).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let mut broken = Vec::new();
    for document in documents() {
        let directory = root().join(document.parent().unwrap_or(Path::new("")));
        for path in linked_paths(&read(&document)) {
            if !directory.join(path).exists() {
                broken.push(format!("{}: {path}", document.display()));
            }
        }
    }
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn the_help_lists_exactly_what_make_can_do() {
    let mut listed = make_commands(&read("Makefile"));
    listed.insert("help".to_owned());
    assert_eq!(make_targets(), listed, "left: the targets, right: what `make help` prints, and itself");
}

#[test]
fn the_documents_name_only_commands_that_exist() {
    for document in documents() {
        let unknown: Vec<_> = make_commands(&read(&document)).difference(&make_targets()).cloned().collect();
        assert!(unknown.is_empty(), "{}: make {unknown:?}", document.display());
    }
}

#[test]
fn every_decision_is_numbered_without_a_gap_and_listed() {
    let index = read("docs/README.md");
    let pages: Vec<_> = files().into_iter().filter(|path| path.starts_with("docs/adr")).collect();
    for (page, number) in pages.iter().zip(1..) {
        let name = page.file_name().unwrap_or_default().to_string_lossy().into_owned();
        assert!(
            name.starts_with(&format!("{number:04}-")) && name.ends_with(".md"),
            "{name}: expected number {number:04}"
        );
        assert!(index.contains(&format!("(adr/{name})")), "docs/README.md does not list {name}");
        let text = read(page);
        assert!(text.starts_with(&format!("# {number:04} - ")), "{name}: the title begins with its number");
        for heading in ["## Situation", "## Options", "## Decision", "## Consequences", "## We think again"] {
            assert!(text.lines().any(|line| line == heading), "{name}: no `{heading}`");
        }
    }
}

#[test]
fn the_changelog_has_a_place_for_what_is_not_released() {
    let changelog = read("CHANGELOG.md");
    let first = changelog.lines().find(|line| line.starts_with("## "));
    assert_eq!(first, Some("## [Unreleased]"));
    let kinds = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"];
    for heading in changelog.lines().filter_map(|line| line.strip_prefix("### ")) {
        assert!(kinds.contains(&heading), "CHANGELOG.md: `{heading}` is none of {kinds:?}");
    }
}
