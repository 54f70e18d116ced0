//! Processes under test: whatever they do, they end. What they say is kept in files, which are the evidence when a case fails.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// No case takes a hundredth of this.
const PATIENCE: Duration = Duration::from_secs(120);

/// How a process ended.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    /// Its exit code; `None` when a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs a command to its end. `name` is that of its files in `directory`.
pub(crate) fn run(mut command: Command, directory: &Path, name: &str) -> io::Result<Ended> {
    let (out, err) = (directory.join(format!("{name}.out")), directory.join(format!("{name}.err")));
    let mut child = command.stdin(Stdio::null()).stdout(File::create(&out)?).stderr(File::create(&err)?).spawn()?;
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if begun.elapsed() > PATIENCE {
            child.kill()?;
            child.wait()?;
            return Err(io::Error::other(format!("{name} did not end within {PATIENCE:?}")));
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    Ok(Ended { code: status.code(), out: text(&out)?, err: text(&err)? })
}

fn text(path: &Path) -> io::Result<String> {
    Ok(String::from_utf8_lossy(&fs::read(path)?).into_owned())
}

/// The program called `hutong` that cargo has built beside this one.
pub(crate) fn hutong() -> io::Result<PathBuf> {
    let this = std::env::current_exe()?;
    let built = this.with_file_name("hutong");
    let missing = || io::Error::other(format!("{} is missing: build the whole workspace", built.display()));
    built.exists().then(|| built.clone()).ok_or_else(missing)
}
