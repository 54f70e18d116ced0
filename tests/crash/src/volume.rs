//! A file system of its own in a file: one that can lose its power, and one that can be full, without anybody else noticing.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// An ext4 file system on a loop device, mounted. The device goes when it is unmounted.
pub(crate) struct Volume {
    image: PathBuf,
    mount: PathBuf,
}

/// Ends a file system at once: what is not on the disk is lost, its journal is not written (`EXT4_IOC_SHUTDOWN` with
/// `EXT4_GOING_FLAGS_NOLOGFLUSH`).
const SHUTDOWN: &str = "import fcntl, os, struct, sys; \
    fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack('I', 2))";

impl Volume {
    /// Makes and mounts one of so many MiB below a directory; as an error why this machine cannot.
    pub(crate) fn make(directory: &Path, name: &str, mib: u64) -> Result<Self, String> {
        let (image, mount) = (directory.join(format!("{name}.img")), directory.join(name));
        let file = File::create(&image).and_then(|file| file.set_len(mib << 20));
        file.and_then(|()| fs::create_dir(&mount)).expect("a directory that can be written");
        // Nothing is reserved for root: a full disk is full for everybody.
        run("mkfs.ext4", &["-q", "-F", "-m", "0", text(&image)])?;
        let volume = Self { image, mount };
        volume.mount()?;
        Ok(volume)
    }

    fn mount(&self) -> Result<String, String> {
        run("mount", &["-t", "ext4", "-o", "loop", text(&self.image), text(&self.mount)])
    }

    /// Where it is mounted.
    pub(crate) fn path(&self) -> &Path {
        &self.mount
    }

    /// Takes its power away.
    ///
    /// # Panics
    /// When that is not possible.
    pub(crate) fn cut(&self) {
        run("python3", &["-c", SHUTDOWN, text(&self.mount)]).expect("a file system that can be shut down");
    }

    /// Gives it its power again. Nobody may have a file of it open.
    ///
    /// # Panics
    /// When it cannot be mounted.
    pub(crate) fn mount_again(&self) {
        run("umount", &[text(&self.mount)]).expect("a file system that nobody uses");
        self.mount().expect("a file system that is whole");
    }

    /// Bytes that can still be written.
    ///
    /// # Panics
    /// When it cannot be asked.
    pub(crate) fn available(&self) -> u64 {
        let said = run("df", &["--output=avail", "-B1", text(&self.mount)]).expect("a file system that is mounted");
        said.lines().last().and_then(|line| line.trim().parse().ok()).expect("a number of bytes")
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        let _ = run("umount", &["-l", text(&self.mount)]);
    }
}

/// Runs a program to its end; what it says, or as an error why it failed.
pub(crate) fn run(program: &str, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{program}: {error}"))?;
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        Ok(said(&output.stdout))
    } else {
        Err(format!("{program}: {}", said(&output.stderr).trim()))
    }
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("paths of tests are text")
}
