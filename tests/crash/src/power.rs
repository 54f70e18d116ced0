//! Power cuts. The data directory lies on a file system that is shut down under load: what was synced is there when it is
//! mounted again, and nothing else can be relied on. That the harness would notice is shown by a service that does not sync: it
//! has to lose what it called durable.

use std::time::{Duration, Instant};

use ingest::{Admin, REJECTED};

use crate::clerk::Clerk;
use crate::judge::judge;
use crate::options::Options;
use crate::random::Random;
use crate::rig::{Evidence, Rig, stands_at};
use crate::volume::Volume;
use crate::witness::Witness;

/// A third of the cuts come in the first two seconds of the program, half of these before it answers.
const YOUNG: Duration = Duration::from_secs(2);
/// From the first answer on.
const AT_WORK: Duration = Duration::from_millis(500);
const RECORDS: u64 = 120;
const VOLUME_MIB: u64 = 512;
/// Cuts that a service that does not sync may survive by luck.
const LUCK_MAX: u32 = 5;

/// Runs the suite.
///
/// # Panics
/// When anything was lost, doubled or altered, a floor was not reached, or nothing was lost without syncing.
pub fn run(options: &Options) {
    let evidence = Evidence::begin(format!("cargo test --release --workspace --test crash -- power {options}"));
    let volume = match Volume::make(evidence.path(), "disk", VOLUME_MIB) {
        Ok(volume) => volume,
        Err(why) => return crate::skipped("power", &why),
    };
    let mut random = Random::new(options.seed);
    let mut rig = Rig::begin(&evidence, volume.path().join("data"), options.count * RECORDS / 2, options.seed);
    let (deadline, begun) = (options.deadline(), Instant::now());
    let (mut cuts, mut young, mut stopped) = (0, 0, 0);
    while cuts < options.count && (cuts < options.floor || deadline.is_none_or(|deadline| Instant::now() < deadline)) {
        let is_young = random.below(3) == 0;
        stopped += u64::from(cut(&rig, &volume, is_young, &mut random));
        (cuts, young) = (cuts + 1, young + u64::from(is_young));
        if cuts == options.floor / 2 {
            rig.feeder.cut_over();
        }
    }
    let took = begun.elapsed();
    rig.finish();
    let verified = judge(&rig);
    let survived = without_syncing(&evidence, &mut rig);
    crate::say(format_args!(
        "power cuts: {cuts} ({young} of them within 2 s of the start, {stopped} noticed by the service first), 0 lost, 0 doubled; \
         {} entries, {} ms a cut; without syncing, cut {} lost acknowledged entries",
        verified.entries,
        took.as_millis() / u128::from(cuts.max(1)),
        survived + 1,
    ));
}

/// One life that ends with the power; whether the service had noticed and ended by itself when it was killed.
fn cut(rig: &Rig, volume: &Volume, is_young: bool, random: &mut Random) -> bool {
    rig.feeder.allow(RECORDS / 2);
    let mut life = rig.start(rig.command());
    let after = random.time_below(if is_young { YOUNG } else { AT_WORK });
    if !is_young {
        while life.serving().is_none() {
            assert!(life.tick(), "it ended by itself:\n{}", life.said());
        }
    }
    rig.feeder.allow(RECORDS / 2);
    assert!(life.tick_for(after), "it ended by itself:\n{}", life.said());
    volume.cut();
    let has_noticed = life.kill().code.is_some();
    volume.mount_again();
    has_noticed
}

/// The control run: how many cuts a service survived that does not sync, before one lost what a client had seen as durable.
/// Also a refusal to open what is left counts as a loss that was noticed.
fn without_syncing(evidence: &Evidence, rig: &mut Rig) -> u32 {
    let admin = Admin::new(&rig.address).expect("a client");
    for survived in 0..LUCK_MAX {
        // A ledger that begins anew does not know the refusals of the one before.
        admin.delete(REJECTED).and_then(|()| admin.create(&[REJECTED], 1)).expect("a topic without refusals");
        let name = format!("unsynced-{survived}");
        let volume = Volume::make(evidence.path(), &name, VOLUME_MIB).expect("another one could be made");
        rig.data = volume.path().join("data");
        let path = evidence.path().join(format!("{name}.txt"));
        rig.witness = Witness::begin(&path, rig.truth.clone(), Clerk::new(&rig.address)).into();
        let mut life = rig.start(unsynced(rig));
        let begun = Instant::now();
        while rig.witness.last() == 0 {
            assert!(life.tick() && begun.elapsed() < e2e::PATIENCE, "it does not get on:\n{}", life.said());
        }
        let _ = life.tick_for(AT_WORK);
        volume.cut();
        let _ = life.kill();
        volume.mount_again();
        if has_lost(rig) {
            return survived;
        }
    }
    panic!("a service that does not sync has lost nothing in {LUCK_MAX} power cuts: these cuts prove nothing");
}

fn unsynced(rig: &Rig) -> std::process::Command {
    // Without small runs: the files of a run are synced by the database itself, whatever the ledger wants.
    let mut command = e2e::Service::command(&e2e::program("hutong-failpoints"), &rig.address, &rig.data);
    command.env("HUTONG_UNSYNCED", "1");
    command
}

/// Looks at the first thing that the next life says about its log, before it has read any topic again.
fn has_lost(rig: &Rig) -> bool {
    let acknowledged = rig.witness.last();
    let mut service = e2e::Service::spawn(unsynced(rig));
    let begun = Instant::now();
    while service.endpoint().is_none() {
        if !service.is_running() {
            return true;
        }
        assert!(begun.elapsed() < e2e::PATIENCE, "it neither serves nor refuses:\n{}", service.said());
        std::thread::sleep(Duration::from_millis(2));
    }
    stands_at(&service.said()) < acknowledged
}
