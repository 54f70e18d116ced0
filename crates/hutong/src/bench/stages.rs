//! What a run cost: CPU by thread, bytes handed to the disk. A thread is known by its name, and is read while it lives: a
//! reading is taken before the threads of a run start, and another before they end.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use serde::Serialize;
use store::Store;

use super::machine::peak_rss_bytes;
use super::report::quotient;

/// One of the log and then one of the high-water mark. What the database syncs of its own, beside the way to the next visible
/// event, is not counted by anybody.
const SYNCS_A_BLOCK: u64 = 2;

/// What goes on behind the last visible event.
const BEHIND: [&str; 3] = ["write", "flush", "database"];
/// When these have not worked for so long, they are done.
const QUIET: Duration = Duration::from_millis(200);
/// Threads that wake up to look whether there is work take less than this in that time.
const QUIET_NANOS: u64 = 1_000_000;
const QUIET_WITHIN: Duration = Duration::from_secs(120);

/// CPU of every thread of a process, by its number: the stage it belongs to, and nanoseconds since it started.
pub(super) struct Reading {
    threads: BTreeMap<String, (String, u64)>,
    bytes_written: u64,
}

impl Reading {
    pub(super) fn now() -> Self {
        Self::of("self")
    }

    /// Of another process, by its id.
    pub(super) fn of(process: &str) -> Self {
        let tasks = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
        let threads = tasks.filter_map(|task| {
            let name = fs::read_to_string(task.path().join("comm")).ok()?;
            let spent = fs::read_to_string(task.path().join("schedstat")).ok()?;
            let nanos = spent.split(' ').next()?.parse().ok()?;
            Some((task.file_name().to_string_lossy().into_owned(), (stage(name.trim()), nanos)))
        });
        Self { threads: threads.collect(), bytes_written: bytes_written(process) }
    }

    /// Waits until what goes on behind the last event is done; when it was, and this reading with what it took.
    pub(super) fn at_rest(mut self) -> (Instant, Self) {
        let asked = Instant::now();
        let (mut since, mut first) = (asked, Self::now());
        loop {
            std::thread::sleep(QUIET / 4);
            let now = Self::now();
            if now.behind() - first.behind().min(now.behind()) > QUIET_NANOS {
                (since, first) = (Instant::now(), now);
            } else if since.elapsed() >= QUIET || asked.elapsed() > QUIET_WITHIN {
                let done = now.threads.into_iter().filter(|(_, (stage, _))| BEHIND.contains(&stage.as_str()));
                self.threads.extend(done);
                return (since, Self { bytes_written: now.bytes_written, ..self });
            }
        }
    }

    fn behind(&self) -> u64 {
        self.threads.values().filter(|(stage, _)| BEHIND.contains(&stage.as_str())).map(|(_, nanos)| nanos).sum()
    }

    /// Nanoseconds by stage since an earlier reading.
    pub(super) fn since(&self, earlier: &Self) -> BTreeMap<String, u64> {
        let mut stages = BTreeMap::new();
        for (thread, (stage, nanos)) in &self.threads {
            let before = earlier.threads.get(thread).map_or(0, |(_, nanos)| *nanos);
            *stages.entry(stage.clone()).or_default() += nanos.saturating_sub(before);
        }
        stages
    }
}

/// What a thread works for, by its name. Ours say it; the kernel cuts names off after fifteen letters.
fn stage(thread: &str) -> String {
    let stages = [("rocksdb:", "database"), ("rdk:", "kafka_client"), ("api", "api"), ("bench-", "client")];
    if let Some(ours) = thread.strip_prefix("hutong-") {
        return ours.to_owned();
    }
    let known = stages.iter().find(|(beginning, _)| thread.starts_with(beginning));
    known.map_or("other", |(_, stage)| stage).to_owned()
}

fn bytes_written(process: &str) -> u64 {
    let io = fs::read_to_string(format!("/proc/{process}/io")).unwrap_or_default();
    let line = io.lines().find_map(|line| line.strip_prefix("write_bytes: "));
    line.and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Microseconds of CPU an event, by stage.
pub(super) fn cpu_us_per_event(now: &Reading, before: &Reading, events: u64) -> BTreeMap<String, f64> {
    let per_event = |nanos: u64| quotient(u128::from(nanos), u128::from(events) * 1_000);
    now.since(before).into_iter().map(|(stage, nanos)| (stage, per_event(nanos))).collect()
}

/// What a run cost.
#[derive(Serialize)]
pub(super) struct Costs {
    cpu_us_per_event: BTreeMap<String, f64>,
    cpu_us_per_event_total: f64,
    blocks: u64,
    syncs: u64,
    bytes_written: u64,
    bytes_written_per_event: u64,
    /// On disk when the run is at rest: blocks, indexes and history together.
    bytes_stored: u64,
    bytes_stored_per_event: u64,
    peak_rss_bytes: u64,
}

impl Costs {
    pub(super) fn new(now: &Reading, before: &Reading, store: &dyn Store, events: u64) -> anyhow::Result<Self> {
        let nanos: u64 = now.since(before).values().sum();
        let bytes_written = now.bytes_written.saturating_sub(before.bytes_written);
        let bytes_stored = store.disk_usage()?.total();
        Ok(Self {
            cpu_us_per_event: cpu_us_per_event(now, before, events),
            cpu_us_per_event_total: quotient(u128::from(nanos), u128::from(events) * 1_000),
            blocks: store.written().blocks,
            syncs: store.written().blocks * SYNCS_A_BLOCK,
            bytes_written,
            bytes_written_per_event: bytes_written / events,
            bytes_stored,
            bytes_stored_per_event: bytes_stored / events,
            peak_rss_bytes: peak_rss_bytes(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_told_apart_by_their_names() {
        let cases = [
            ("hutong-apply", "apply"),
            ("rocksdb:low", "database"),
            ("rdk:broker1", "kafka_client"),
            ("api-news", "api"),
            ("bench-reads", "client"),
            ("hutong", "other"),
        ];
        for (thread, expected) in cases {
            assert_eq!(stage(thread), expected, "{thread}");
        }
    }

    #[test]
    fn a_stage_is_what_its_threads_took_since() {
        let reading = |threads: &[(&str, &str, u64)]| Reading {
            threads: threads
                .iter()
                .map(|(id, stage, nanos)| ((*id).to_owned(), ((*stage).to_owned(), *nanos)))
                .collect(),
            bytes_written: 0,
        };
        let before = reading(&[("1", "other", 50), ("2", "api", 7)]);
        let now = reading(&[("1", "other", 60), ("3", "api", 5), ("4", "api", 4)]);
        let expected = [("api".to_owned(), 9), ("other".to_owned(), 10)];
        assert_eq!(now.since(&before), expected.into());
    }
}
