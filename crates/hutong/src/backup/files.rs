//! Directories and files that are there as a whole or not at all.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::path::Path;

use anyhow::Context;
use sha2::{Digest, Sha256};

use crate::data;

/// Bytes read at a time.
const PIECE: usize = 1 << 20;

/// An empty directory, whatever was there.
pub(super) fn make_anew(directory: &Path) -> anyhow::Result<()> {
    let gone = match fs::remove_dir_all(directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        gone => gone,
    };
    gone.and_then(|()| fs::create_dir_all(directory)).with_context(|| format!("cannot make {}", directory.display()))
}

/// Gives a directory its name, and returns when that is durable.
pub(super) fn rename(from: &Path, to: &Path) -> anyhow::Result<()> {
    sync(from)?;
    fs::rename(from, to).with_context(|| format!("cannot rename {} to {}", from.display(), to.display()))?;
    sync(to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")))
}

/// What a directory lists becomes durable.
pub(super) fn sync(directory: &Path) -> anyhow::Result<()> {
    let synced = File::open(directory).and_then(|file| file.sync_all());
    synced.with_context(|| format!("cannot sync {}", directory.display()))
}

/// A file with this content, durable when it returns.
pub(super) fn write(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let written = File::create(path).and_then(|mut file| {
        file.write_all(content)?;
        file.sync_all()
    });
    written.with_context(|| format!("cannot write {}", path.display()))
}

/// Length and SHA-256 of a file, which is copied on the way when a place is given; `None` when told to stop.
pub(super) fn digest(
    path: &Path,
    copy: Option<&Path>,
    is_over: &dyn Fn() -> bool,
) -> anyhow::Result<Option<(u64, String)>> {
    let context = || format!("cannot read {}", path.display());
    let mut file = File::open(path).with_context(context)?;
    let mut copy = copy.map(File::create).transpose().context("cannot write a copy")?;
    let (mut hash, mut bytes, mut piece) = (Sha256::new(), 0, vec![0; PIECE]);
    loop {
        if is_over() {
            return Ok(None);
        }
        let read = file.read(&mut piece).with_context(context)?;
        if read == 0 {
            break;
        }
        hash.update(&piece[..read]);
        bytes += read as u64;
        copy.iter_mut().try_for_each(|copy| copy.write_all(&piece[..read])).context("cannot write a copy")?;
    }
    copy.iter().try_for_each(File::sync_all).context("cannot sync a copy")?;
    Ok(Some((bytes, data::hex(&hash.finalize()))))
}
