//! The backups that a service makes of itself, on a thread of its own: one that cannot be made is said and tried again,
//! and never stops the ledger.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;
use signal_hook::consts::SIGUSR1;
use store::RocksStore;

use super::{Manifest, take};

#[derive(Clone, Debug, Args)]
pub(crate) struct BackupOptions {
    /// Make backups of the ledger while it is served, each in a directory of its own here, named by the sequence that it
    /// ends at. None is ever removed. Best on another disk
    #[arg(long, value_name = "DIR", env = "HUTONG_BACKUP_DIR")]
    backup_dir: Option<PathBuf>,
    /// How often, as 90s, 30m, 12h or 1d; SIGUSR1 asks for one at once
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = duration)]
    backup_every: Duration,
}

fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "a time is written like 90s, 30m, 12h or 1d".to_owned();
    let (number, unit) = text.split_at(text.len() - text.chars().next_back().map_or(0, char::len_utf8));
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    let seconds = number.parse::<u32>().ok().and_then(|number| u64::from(number).checked_mul(seconds));
    seconds.filter(|seconds| *seconds > 0).map(Duration::from_secs).ok_or_else(wrong)
}

/// Dropping it ends it; a backup that is not complete is given up.
pub(crate) struct Worker {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Begins to wait for the first backup; `None` when none are wanted.
    pub(crate) fn start(options: &BackupOptions, store: Arc<RocksStore>) -> anyhow::Result<Option<Self>> {
        let Some(directory) = options.backup_dir.clone() else { return Ok(None) };
        std::fs::create_dir_all(&directory).with_context(|| format!("cannot make {}", directory.display()))?;
        let (is_over, is_asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        signal_hook::flag::register(SIGUSR1, Arc::clone(&is_asked)).context("cannot listen for signals")?;
        let (every, told) = (options.backup_every, Arc::clone(&is_over));
        let work = move || work(&store, &directory, every, &is_asked, &told);
        let thread = std::thread::Builder::new().name("backups".to_owned()).spawn(work);
        Ok(Some(Self { is_over, thread: Some(thread.context("cannot start a thread")?) }))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Release);
        // A panic has ended the program already.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn work(store: &RocksStore, directory: &Path, every: Duration, is_asked: &AtomicBool, is_over: &AtomicBool) {
    let mut last = Instant::now();
    while !is_over.load(Ordering::Acquire) {
        std::thread::sleep(Duration::from_millis(50).min(every));
        if is_asked.swap(false, Ordering::AcqRel) || last.elapsed() >= every {
            last = Instant::now();
            make(store, directory, is_over);
        }
    }
}

fn make(store: &RocksStore, directory: &Path, is_over: &AtomicBool) {
    let name = |manifest: &Manifest| directory.join(format!("{:012}", manifest.sequence));
    let sequence = store::Store::tip(store).sequence;
    if directory.join(format!("{:012}", sequence.0)).exists() {
        tracing::info!(%sequence, "nothing new since the last backup");
        return;
    }
    let begun = Instant::now();
    match take(store, &directory.join("unfinished"), name, &|| is_over.load(Ordering::Acquire)) {
        Ok(made) => {
            let (sequence, head, bytes) = (made.sequence, &made.chain_head, made.bytes());
            let seconds = begun.elapsed().as_secs();
            tracing::info!(sequence, %head, bytes, seconds, directory = %name(&made).display(), "backup made");
        }
        Err(error) => tracing::error!("no backup: {error:#}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_number_and_a_unit() {
        for (text, seconds) in [("90s", 90), ("30m", 1_800), ("12h", 43_200), ("1d", 86_400)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "h", "0s", "-1h", "1.5h", "1w", "10", "小", "99999999999d"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
