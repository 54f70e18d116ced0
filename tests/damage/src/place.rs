//! Where a ledger of these tests lies: a directory with its data directory and its high-water mark side by side.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    root: PathBuf,
    name: &'static str,
}

impl Place {
    pub(crate) fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), name: "data" }
    }

    /// Where the demonstration keeps the ledger of a day.
    pub(crate) fn of_day(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), name: "ledger" }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The data directory.
    pub(crate) fn data(&self) -> PathBuf {
        self.root.join(self.name)
    }

    /// The high-water mark, where the service keeps it when nobody says otherwise.
    pub(crate) fn high_water(&self) -> PathBuf {
        self.root.join(self.name).with_extension("high-water")
    }

    /// Every file of the ledger, in order.
    pub(crate) fn files(&self) -> io::Result<Vec<PathBuf>> {
        let mut files: Vec<PathBuf> = Vec::new();
        for directory in [self.root.clone(), self.data()] {
            for entry in fs::read_dir(directory)? {
                files.push(entry?.path());
            }
        }
        files.retain(|path| path.is_file());
        files.sort();
        Ok(files)
    }

    /// A ledger like this one in `root`. Files of tables and blobs are never written again: they are linked, so nobody may
    /// write to them but through [`Place::replace`].
    pub(crate) fn copy_to(&self, root: &Path) -> io::Result<Self> {
        let copy = Self { root: root.into(), name: self.name };
        fs::create_dir_all(copy.data())?;
        for file in self.files()? {
            let to = root.join(file.strip_prefix(&self.root).map_err(io::Error::other)?);
            let is_final = file.extension().is_some_and(|ending| ending == "sst" || ending == "blob");
            if is_final {
                fs::hard_link(&file, &to)?;
            } else {
                fs::copy(&file, &to)?;
            }
        }
        Ok(copy)
    }

    /// Gives a file other bytes; a link to the old ones is not followed.
    pub(crate) fn replace(file: &Path, bytes: &[u8]) -> io::Result<()> {
        fs::remove_file(file)?;
        fs::write(file, bytes)
    }
}
