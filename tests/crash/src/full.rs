//! A disk that is full, and free again. The service may not go on as if nothing were wrong, nothing acknowledged may be gone,
//! and when there is room again the next start is all that it takes.

use std::fs;
use std::time::{Duration, Instant};

use crate::judge::judge;
use crate::options::Options;
use crate::random::Random;
use crate::rig::{Evidence, Life, Rig};
use crate::volume::{Volume, run as run_program, text};

const AT_WORK: Duration = Duration::from_millis(300);
const RECORDS: u64 = 200;
const VOLUME_MIB: u64 = 192;
/// Left free for the service: from nothing to a few of its writes.
const LEFT_MAX: u64 = 256 << 10;
/// From the first write that has no room to the end of the service.
const NOTICED_WITHIN: Duration = Duration::from_secs(30);
/// What the service is to say, and its page in the runbooks.
const CODE: &str = "DISK_FULL";

/// Runs the suite.
///
/// # Panics
/// When anything was lost, doubled or altered, the service did not stop with its code, or a floor was not reached.
pub fn run(options: &Options) {
    let evidence = Evidence::begin(format!("cargo test --release --workspace --test crash -- full {options}"));
    let volume = match Volume::make(evidence.path(), "disk", VOLUME_MIB) {
        Ok(volume) => volume,
        Err(why) => return crate::skipped("full", &why),
    };
    let mut random = Random::new(options.seed);
    let mut rig = Rig::begin(&evidence, volume.path().join("data"), options.count * RECORDS / 2, options.seed);
    let (deadline, begun) = (options.deadline(), Instant::now());
    let (mut cycles, mut longest) = (0, Duration::ZERO);
    while cycles < options.count
        && (cycles < options.floor || deadline.is_none_or(|deadline| Instant::now() < deadline))
    {
        longest = longest.max(cycle(&mut rig, &volume, &mut random));
        cycles += 1;
    }
    let took = begun.elapsed();
    rig.finish();
    let verified = judge(&rig);
    crate::say(format_args!(
        "disk full: {cycles} cycles, each stopped with {CODE} and went on when there was room, 0 lost, 0 doubled; {} entries, \
         {} ms a cycle, noticed within {} ms",
        verified.entries,
        took.as_millis() / u128::from(cycles.max(1)),
        longest.as_millis(),
    ));
}

/// Fills the disk under a service at work, lets it be started once more as a supervisor would, and frees the disk; how long
/// the service went on.
fn cycle(rig: &mut Rig, volume: &Volume, random: &mut Random) -> Duration {
    let mut life = rig.start(rig.command());
    while life.serving().is_none() {
        assert!(life.tick(), "it ended by itself:\n{}", life.said());
    }
    rig.feeder.allow(RECORDS);
    assert!(life.tick_for(random.time_below(AT_WORK)), "it ended by itself:\n{}", life.said());
    let ballast = volume.path().join("ballast");
    let bytes = volume.available().saturating_sub(random.below(LEFT_MAX)).max(1);
    // It may take less than it was asked for: then there is no room either.
    let _ = run_program("fallocate", &["-l", &bytes.to_string(), text(&ballast)]);
    let noticed = stops(rig, life);
    stops(rig, rig.start(rig.command()));
    fs::remove_file(&ballast).expect("a file that can be removed");
    let before = rig.witness.last();
    let _ = rig.live_until(|rig| rig.witness.last() > before + 1).kill();
    noticed
}

/// Feeds a service that has no room until it ends, which it has to say with its code; how long that took.
fn stops(rig: &Rig, mut life: Life) -> Duration {
    let begun = Instant::now();
    while life.tick() {
        rig.feeder.allow(16);
        assert!(begun.elapsed() < NOTICED_WITHIN, "it goes on although the disk is full:\n{}", life.said());
    }
    let took = begun.elapsed();
    let ended = life.kill();
    assert_eq!(ended.code, Some(1), "{}", ended.said);
    assert!(ended.said.contains(CODE) && ended.said.contains("deploy/runbooks/"), "{}", ended.said);
    took
}
