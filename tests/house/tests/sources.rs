//! What must not stand in the sources, whoever writes them.

use std::path::{Path, PathBuf};
use std::process::Command;

use house::{files, read, root};

/// Files with this ending below these directories.
fn files_below(directories: &[&str], ending: &str) -> Vec<PathBuf> {
    let below = |path: &PathBuf| directories.iter().any(|directory| path.starts_with(directory));
    files().into_iter().filter(|path| below(path) && path.extension().is_some_and(|found| found == ending)).collect()
}

/// The lines of a Rust file with their numbers, without what follows `//`.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().zip(1..).map(|(line, number)| (number, line.split("//").next().unwrap_or_default()))
}

fn has_word(line: &str, word: &str) -> bool {
    line.split(|letter: char| !letter.is_alphanumeric() && letter != '_').any(|found| found == word)
}

fn at(path: &Path, number: usize, line: &str) -> String {
    format!("{}:{number}: {}", path.display(), line.trim())
}

fn assert_none(found: &[String], what_to_do: &str) {
    assert!(found.is_empty(), "\n{}\n{what_to_do}\n", found.join("\n"));
}

#[test]
fn there_is_no_float_near_money() {
    let mut found = Vec::new();
    for path in files_below(&["crates/domain", "crates/ledger", "crates/store"], "rs") {
        let text = read(&path);
        let lines = code_lines(&text).filter(|(_, line)| has_word(line, "f32") || has_word(line, "f64"));
        found.extend(lines.map(|(number, line)| at(&path, number, line)));
    }
    assert_none(&found, "count in minor units; rates and amounts in files are `Decimal`");
}

#[test]
fn the_clock_of_the_machine_is_read_in_one_place_at_most() {
    let mut found = Vec::new();
    for path in files_below(&["crates"], "rs") {
        let text = read(&path);
        let lines = code_lines(&text).filter(|(_, line)| line.contains("SystemTime::now"));
        found.extend(lines.map(|(number, line)| at(&path, number, line)));
    }
    if found.len() > 1 {
        assert_none(&found, "time is an input: take it as a value or from the one clock");
    }
}

/// Another value of it for one command, and everything is compiled anew: the database alone takes twenty minutes.
#[test]
fn nothing_sets_the_flags_of_the_compiler() {
    let flags = concat!("RUST", "FLAGS");
    let is_script = |path: &PathBuf| {
        path.starts_with("scripts")
            || path.starts_with(".ci")
            || path.starts_with("deploy")
            || path.starts_with(".cargo")
            || path.ends_with("Makefile")
            || path.extension().is_some_and(|ending| ending == "sh")
    };
    let mut found = Vec::new();
    for path in files().into_iter().filter(is_script) {
        let text = read(&path);
        let lines =
            text.lines().zip(1..).filter(|(line, _)| !line.trim_start().starts_with('#') && line.contains(flags));
        found.extend(lines.map(|(line, number)| at(&path, number, line)));
    }
    assert_none(&found, "put it into the profile or the lint table of Cargo.toml");
}

#[test]
fn nothing_names_a_path_of_one_machine() {
    let places = [concat!("/", "root"), concat!("/", "work"), concat!("/", "home/"), concat!("/", "Users/")];
    let neighbour = concat!("../", "shared");
    let mut found = Vec::new();
    for path in files() {
        // Not text: a golden file or an archive.
        let Ok(text) = String::from_utf8(std::fs::read(root().join(&path)).unwrap_or_default()) else { continue };
        for (line, number) in text.lines().zip(1..) {
            if line.contains(neighbour) || places.iter().any(|place| has_path(line, place)) {
                found.push(at(&path, number, line));
            }
        }
    }
    assert_none(&found, "take it from an option, the environment, or the place of the file itself");
}

/// Whether an absolute path begins like this: not in the middle of another path or word, and a whole component.
fn has_path(line: &str, beginning: &str) -> bool {
    line.match_indices(beginning).any(|(start, _)| {
        let before = line[..start].chars().next_back();
        let after = line[start + beginning.len()..].chars().next();
        let starts = before.is_none_or(|letter| !letter.is_alphanumeric() && !"_-./}>*~".contains(letter));
        let ends =
            beginning.ends_with('/') || after.is_none_or(|letter| !letter.is_alphanumeric() && !"_-.".contains(letter));
        starts && ends
    })
}

#[test]
fn a_path_is_recognised_only_where_it_begins() {
    let place = concat!("/", "work");
    assert!(has_path(&format!("cd {place}"), place));
    assert!(has_path(&format!("\"{place}/main\""), place));
    assert!(!has_path(&format!("net{place}"), place));
    assert!(!has_path(&format!("docs{place}/a"), place));
    assert!(!has_path(&format!("{place}space"), place));
}

#[test]
fn every_script_parses() {
    for path in files() {
        let is_script = path.starts_with("scripts")
            || path.starts_with(".ci")
            || path.extension().is_some_and(|ending| ending == "sh");
        if is_script && read(&path).starts_with("#") {
            let parsed = Command::new("bash").arg("-n").arg(root().join(&path)).output().expect("bash can be started");
            assert!(parsed.status.success(), "{}: {}", path.display(), String::from_utf8_lossy(&parsed.stderr));
        }
    }
}
