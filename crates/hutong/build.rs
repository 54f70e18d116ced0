//! Bakes in which commit this is built from, when it is built from a clone: figures name it. Git itself is not asked, and
//! nothing runs again before the commit changes.

use std::fs;
use std::path::{Path, PathBuf};

fn main() {
    let git = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.git");
    println!("cargo::rerun-if-changed=build.rs");
    if let Some(revision) = revision(&git) {
        println!("cargo::rustc-env=HUTONG_REVISION={revision}");
    }
}

/// What HEAD names: a commit, or a branch that names one in a file of its own or in the packed list.
fn revision(git: &Path) -> Option<String> {
    // A line is added to this one with every commit, wherever the branch itself is kept.
    watched(git.join("logs/HEAD"));
    let head = watched(git.join("HEAD"))?;
    let Some(branch) = head.trim().strip_prefix("ref: ") else { return Some(head.trim().to_owned()) };
    if let Some(commit) = watched(git.join(branch)) {
        return Some(commit.trim().to_owned());
    }
    let packed = watched(git.join("packed-refs"))?;
    let line = packed.lines().find(|line| line.ends_with(&format!(" {branch}")))?;
    line.split(' ').next().map(str::to_owned)
}

fn watched(path: PathBuf) -> Option<String> {
    let text = fs::read_to_string(&path).ok()?;
    println!("cargo::rerun-if-changed={}", path.display());
    Some(text)
}
