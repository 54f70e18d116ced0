//! Parts of benchmarks that have a process of their own: one that is killed, and those whose memory has to be theirs alone or
//! has to begin empty. A part says its figures as one JSON object, or its progress line by line.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::Context;
use serde_json::Value;

use super::arguments::Part;
use super::{asof, recover, verify};
use crate::exit::Exit;

/// Does what the process was started for.
pub(super) fn run(part: &Part, out: &mut impl Write) -> anyhow::Result<Exit> {
    match part {
        Part::Write(arguments) => recover::write(arguments, out)?,
        Part::Open(arguments) => recover::open(arguments, out)?,
        Part::Asof(arguments) => asof::part(arguments, out)?,
        Part::Verify(arguments) => verify::part(arguments, out)?,
    }
    Ok(Exit::Clean)
}

/// A part at work. Dropping it kills it.
pub(super) struct Started {
    child: Child,
    lines: BufReader<ChildStdout>,
}

/// Starts this program for a part on a data directory.
pub(super) fn start(name: &str, data: &Path, more: &[&str]) -> anyhow::Result<Started> {
    let program = std::env::current_exe().context("cannot find this program")?;
    let mut command = Command::new(program);
    command.args(["bench", "part", name, "--data-dir"]).arg(data).args(more);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().context("cannot start a process")?;
    let said = child.stdout.take().context("its output is piped")?;
    Ok(Started { child, lines: BufReader::new(said) })
}

/// Runs a part to its end; what it measured.
pub(super) fn figures(name: &str, data: &Path, more: &[&str]) -> anyhow::Result<Value> {
    let mut started = start(name, data, more)?;
    let figures = started.figures();
    let ended = started.child.wait().context("cannot wait for a process")?;
    anyhow::ensure!(ended.success(), "the process that was to measure `{name}` has failed");
    figures
}

impl Started {
    /// The next line; `None` when it has ended.
    pub(super) fn line(&mut self) -> anyhow::Result<Option<String>> {
        let mut line = String::new();
        let read = self.lines.read_line(&mut line).context("cannot read what a process says")?;
        Ok((read > 0).then_some(line))
    }

    pub(super) fn figures(&mut self) -> anyhow::Result<Value> {
        let line = self.line()?.context("a process has ended without a word")?;
        serde_json::from_str(&line).context("a process has said something else than figures")
    }

    /// SIGKILL.
    pub(super) fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill().and_then(|()| self.child.wait()).map(drop).context("cannot kill a process")
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}
