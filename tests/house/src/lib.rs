//! What the house tests share: where the tree is, which files belong to it, and which crates it has.
//!
//! Absent on purpose: any rule. The rules are the tests beside this file, one subject each.

use std::path::{Path, PathBuf};
use std::{env, fs, process};

/// The root of the tree that is being tested.
///
/// Asked at run time, because a test program may have been built where another clone stands.
///
/// # Panics
/// When a test is started by something else than cargo, or from a crate that is not two levels deep.
#[must_use]
pub fn root() -> PathBuf {
    let manifest = env::var("CARGO_MANIFEST_DIR").expect("cargo tells every test where its crate is");
    let root = Path::new(&manifest).ancestors().nth(2).expect("this crate stands two levels below the root");
    root.to_path_buf()
}

/// The text of a file of the tree, by its path from the root.
///
/// # Panics
/// When the file cannot be read: the message names it.
#[must_use]
pub fn read(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every file that is kept in the tree, by its path from the root, in order.
///
/// # Panics
/// When a directory cannot be listed.
#[must_use]
pub fn files() -> Vec<PathBuf> {
    let root = root();
    let mut found = Vec::new();
    let mut open = vec![root.clone()];
    while let Some(directory) = open.pop() {
        let entries = fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
        for entry in entries {
            let path = entry.expect("a directory that opened can be listed").path();
            if path.is_dir() {
                if !is_left_out(&path, &root) {
                    open.push(path);
                }
            } else if path.extension().is_none_or(|extension| extension != "log") {
                found.push(path.strip_prefix(&root).expect("found below the root").to_path_buf());
            }
        }
    }
    found.sort();
    found
}

/// What `.gitignore` names, and git's own directory.
fn is_left_out(directory: &Path, root: &Path) -> bool {
    let name = directory.file_name().unwrap_or_default().to_string_lossy();
    match name.as_ref() {
        ".git" | "node_modules" | "__pycache__" => true,
        "target" | "data" => directory.parent() == Some(root),
        _ => false,
    }
}

/// A dependency as it stands in a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The crate whose manifest it is.
    pub from: String,
    /// The crate that is named there.
    pub to: String,
    /// Whether only tests and examples see it.
    pub for_tests: bool,
}

/// A crate of this workspace.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Whether it stands below `tests/`: such a crate tests the whole, and only another one may name it.
    pub is_test: bool,
    /// Everything its manifest names.
    pub names: Vec<Edge>,
}

/// The crates of this workspace as cargo sees them.
///
/// # Panics
/// When `cargo metadata` fails or prints something else than its documented format.
#[must_use]
pub fn members() -> Vec<Member> {
    let cargo = env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = process::Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo can be started");
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON");
    list(&metadata["packages"]).iter().map(member).collect()
}

fn member(package: &serde_json::Value) -> Member {
    let name = text(&package["name"]);
    let directory = Path::new(&text(&package["manifest_path"])).parent().map(Path::to_path_buf).unwrap_or_default();
    let names = list(&package["dependencies"])
        .iter()
        .map(|named| Edge { from: name.clone(), to: text(&named["name"]), for_tests: named["kind"] == "dev" })
        .collect();
    Member { is_test: directory.parent() == Some(&root().join("tests")), name, names }
}

fn list(value: &serde_json::Value) -> &[serde_json::Value] {
    value.as_array().map(Vec::as_slice).expect("a list in the format of cargo metadata")
}

fn text(value: &serde_json::Value) -> String {
    value.as_str().expect("a string in the format of cargo metadata").to_owned()
}
