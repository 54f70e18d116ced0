//! Where the two slots lie.

use std::fmt::Debug;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use faults::Point;

/// A few thousand bytes outside the database: a file, or what a simulation puts in its place.
pub trait Device: Debug + Send + Sync {
    /// What errors call it.
    fn label(&self) -> String;

    /// All of it; `None` when it was never made.
    ///
    /// # Errors
    /// When it cannot be read.
    fn read(&self) -> io::Result<Option<Vec<u8>>>;

    /// Replaces all of it or nothing, and returns when that is durable.
    ///
    /// # Errors
    /// When it cannot be written.
    fn create(&self, bytes: &[u8]) -> io::Result<()>;

    /// Overwrites a part of it, and returns when that is durable. A crash may leave any piece of it behind.
    ///
    /// # Errors
    /// When it cannot be written.
    fn write(&self, at: u64, bytes: &[u8]) -> io::Result<()>;
}

/// A file that stays open and never changes its length.
#[derive(Debug)]
pub struct FileDevice {
    path: PathBuf,
    open: Mutex<Option<File>>,
}

impl FileDevice {
    /// At a path, where nothing has to be yet.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self { path: path.into(), open: Mutex::default() }
    }
}

impl Device for FileDevice {
    fn label(&self) -> String {
        self.path.display().to_string()
    }

    fn read(&self) -> io::Result<Option<Vec<u8>>> {
        match fs::read(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            read => read.map(Some),
        }
    }

    fn create(&self, bytes: &[u8]) -> io::Result<()> {
        let mut unfinished = self.path.clone().into_os_string();
        unfinished.push(".new");
        let mut file = File::create(&unfinished)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&unfinished, &self.path)?;
        let parent = self.path.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(parent.unwrap_or(Path::new(".")))?.sync_all()?;
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = Some(file);
        Ok(())
    }

    fn write(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let file = match open.take() {
            Some(file) => file,
            None => OpenOptions::new().write(true).open(&self.path)?,
        };
        let file = open.insert(file);
        file.write_all_at(bytes, at)?;
        faults::pass(Point::HighWaterWritten);
        if faults::syncs() { file.sync_data() } else { Ok(()) }
    }
}

/// Bytes in memory that outlive the store: clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemoryDevice {
    bytes: Arc<Mutex<Option<Vec<u8>>>>,
}

impl Device for MemoryDevice {
    fn label(&self) -> String {
        "memory".to_owned()
    }

    fn read(&self) -> io::Result<Option<Vec<u8>>> {
        Ok(self.bytes.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    fn create(&self, bytes: &[u8]) -> io::Result<()> {
        *self.bytes.lock().unwrap_or_else(PoisonError::into_inner) = Some(bytes.to_vec());
        Ok(())
    }

    fn write(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        let mut kept = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        let from = usize::try_from(at).ok();
        let range = from.and_then(|from| kept.as_mut()?.get_mut(from..from.checked_add(bytes.len())?));
        range.ok_or(ErrorKind::UnexpectedEof)?.copy_from_slice(bytes);
        Ok(())
    }
}
