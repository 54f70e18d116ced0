//! One thing that RocksDB leaves undone. A table is added by a record in its manifest; when that record cannot be written or
//! synced, RocksDB removes the table again, although the record may well be on the disk. The directory then names a file that
//! is not there: it does not open, or opens and fails later. The table still stands where it was written, under the name of
//! its family, so it is put where it is missed. RocksDB compares its size, and its unique id where it knows one.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rocksdb::{DB, Error, LiveFile};

use super::file_error;
use crate::error::TableError;

/// Opens; a table that is missing and still stands in `runs` is put where it belongs.
pub(super) fn open(directory: &Path, runs: &Path, open: impl Fn() -> Result<DB, Error>) -> Result<DB, TableError> {
    let db = match open() {
        Ok(db) => db,
        Err(error) => open_with(directory, runs, &open, error)?,
    };
    for (file, path) in missing(&db, directory)? {
        let is_it = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let length = fs::metadata(path).map_or(0, |metadata| metadata.len());
            name.starts_with(&format!("{}-", file.column_family_name)) && length == file.size as u64
        };
        let written = tables(runs).find(is_it).ok_or_else(|| file_error(&path, ErrorKind::NotFound.into()))?;
        fs::hard_link(&written, &path).map_err(|source| file_error(&path, source))?;
    }
    Ok(db)
}

/// No table that the database counts on is missing.
pub(super) fn check(db: &DB, directory: &Path) -> Result<(), TableError> {
    match missing(db, directory)?.pop() {
        Some((_, path)) => Err(file_error(&path, ErrorKind::NotFound.into())),
        None => Ok(()),
    }
}

fn missing(db: &DB, directory: &Path) -> Result<Vec<(LiveFile, PathBuf)>, TableError> {
    let files = db.live_files()?.into_iter();
    let files = files.map(|file| (directory.join(file.name.trim_start_matches('/')), file));
    Ok(files.filter(|(path, _)| !path.exists()).map(|(path, file)| (file, path)).collect())
}

/// Opens with one of the tables of `runs` in the place of the one that `error` misses.
fn open_with(directory: &Path, runs: &Path, open: impl Fn() -> Result<DB, Error>, error: Error) -> Result<DB, Error> {
    let Some(missing) = named(directory, error.as_ref()) else { return Err(error) };
    for written in tables(runs) {
        if fs::hard_link(written, &missing).is_ok() {
            if let Ok(db) = open() {
                return Ok(db);
            }
            // Not this one: the directory is as it was.
            let _ = fs::remove_file(&missing);
        }
    }
    Err(error)
}

fn tables(runs: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(runs).into_iter().flatten().flatten().map(|entry| entry.path())
}

/// The table of `directory` that the database's words name and that does not exist.
fn named(directory: &Path, words: &str) -> Option<PathBuf> {
    let inside = format!("{}/", directory.display());
    let mut paths = words.match_indices(&inside).filter_map(|(start, _)| {
        let path = &words[start..];
        path.find(".sst").map(|end| PathBuf::from(&path[..end + 4]))
    });
    paths.find(|path| path.parent() == Some(directory) && !path.exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_that_is_missing_is_found_in_the_words_of_the_database() {
        let words = "Corruption: While open a file for random read: /a b/data/000074.sst: No such file or directory  \
                     The file /a b/data/MANIFEST-000071 may be corrupted.";
        let found = named(Path::new("/a b/data"), words);
        assert_eq!(found, Some(PathBuf::from("/a b/data/000074.sst")));
        assert_eq!(named(Path::new("/a b"), words), None);
        assert_eq!(named(Path::new("/a b/data"), "IO error: /a b/data/CURRENT"), None);
    }
}
