//! Where a day is kept: the ledger, the networks' bills, the truth, and which day it is.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::cli::DayArguments;

/// A directory for one day; one that nobody named is gone with the program.
pub(super) struct Place {
    pub(super) path: PathBuf,
    _temporary: Option<tempfile::TempDir>,
}

impl Place {
    pub(super) fn new(named: Option<&Path>) -> anyhow::Result<Self> {
        if let Some(path) = named {
            std::fs::create_dir_all(path).with_context(|| format!("cannot make {}", path.display()))?;
            return Ok(Self { path: path.to_owned(), _temporary: None });
        }
        let temporary = tempfile::Builder::new().prefix("hutong-demo-").tempdir();
        let temporary = temporary.context("cannot make a directory for the day")?;
        Ok(Self { path: temporary.path().to_owned(), _temporary: Some(temporary) })
    }

    pub(super) fn bills(&self) -> PathBuf {
        self.path.join("bills")
    }

    /// Writes into the directory which day it holds; what it holds when that is another one.
    pub(super) fn claim(&self, day: &DayArguments) -> anyhow::Result<Option<String>> {
        let file = self.path.join("day.txt");
        let wanted = format!("seed {}, {} payments, {}", day.seed, day.payments, day.date);
        match std::fs::read_to_string(&file) {
            Ok(found) if found.trim() == wanted => Ok(None),
            Ok(found) => Ok(Some(found.trim().to_owned())),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                std::fs::write(&file, wanted + "\n").with_context(|| format!("cannot write {}", file.display()))?;
                Ok(None)
            }
            Err(error) => Err(error).with_context(|| format!("cannot read {}", file.display())),
        }
    }
}
