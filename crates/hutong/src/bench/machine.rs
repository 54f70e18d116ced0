//! What a figure was measured on, as the kernel tells it; empty or 0 where it does not.

use std::fs;
use std::path::Path;

use serde::Serialize;

#[derive(Serialize)]
pub(super) struct Machine {
    cpu: String,
    cores: usize,
    memory_bytes: u64,
    kernel: String,
    /// Of the directory that the run worked in.
    file_system: String,
}

impl Machine {
    pub(super) fn of(directory: &Path) -> Self {
        let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = processors.lines().find(|line| line.starts_with("model name"));
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Self {
            cpu: model.and_then(|line| line.split_once(": ")).map_or_else(String::new, |(_, name)| name.to_owned()),
            cores: std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
            memory_bytes: kibibytes("/proc/meminfo", "MemTotal:"),
            kernel: kernel.trim().to_owned(),
            file_system: file_system(directory).unwrap_or_default(),
        }
    }
}

/// The most memory this process has held.
pub(super) fn peak_rss_bytes() -> u64 {
    kibibytes("/proc/self/status", "VmHWM:")
}

/// The bytes that a line `name  N kB` of a file says.
fn kibibytes(file: &str, name: &str) -> u64 {
    let text = fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next()).and_then(|number| number.parse::<u64>().ok());
    number.unwrap_or(0) * 1_024
}

/// The type of the innermost mount above a directory. A line of the kernel's list has the place in its fifth field, and the
/// type behind a single dash.
fn file_system(directory: &Path) -> Option<String> {
    let directory = fs::canonicalize(directory).ok()?;
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let above = mounts.lines().filter_map(|line| {
        let (place, kind) = line.split_once(" - ")?;
        let place = place.split(' ').nth(4)?;
        directory.starts_with(place).then(|| (place.len(), kind.split(' ').next().unwrap_or_default()))
    });
    // The last of two mounts on one place hides the other.
    above.max_by_key(|(length, _)| *length).map(|(_, kind)| kind.to_owned())
}
