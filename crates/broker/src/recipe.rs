//! The script and the settings, written into the broker's directory.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::{Error, failed};

pub(crate) const POM: &str = include_str!("../kafka/pom.xml");

const FILES: [(&str, &str); 4] = [
    ("broker.sh", include_str!("../kafka/broker.sh")),
    ("log4j2.properties", include_str!("../kafka/log4j2.properties")),
    ("pom.xml", POM),
    ("server.properties.in", include_str!("../kafka/server.properties.in")),
];

pub(crate) fn write(directory: &Path) -> Result<(), Error> {
    FILES.iter().try_for_each(|(name, text)| fs::write(directory.join(name), text)).map_err(failed("prepare"))
}

pub(crate) fn script(directory: &Path) -> Command {
    let mut command = Command::new("bash");
    command.arg(directory.join("broker.sh"));
    command
}

/// Runs one step to its end.
pub(crate) fn run(directory: &Path, arguments: &[&str]) -> Result<(), Error> {
    let output = script(directory).args(arguments).stdin(Stdio::null()).output().map_err(failed("prepare"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(Error::Recipe(end(&String::from_utf8_lossy(&said))))
}

/// The last lines.
pub(crate) fn end(said: &str) -> String {
    let lines: Vec<_> = said.trim_end().lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}
