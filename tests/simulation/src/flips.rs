//! What our own formats notice when the disk does not. RocksDB keeps a checksum over everything it stores, so a value that
//! has changed is an error before anybody sees it. Here that promise is taken away: one bit of one value of a finished ledger
//! is changed, and everything that reads a ledger is asked whether it sees it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use domain::time::Timestamp;
use ledger::{Clock, Ledger, Options};
use store::high_water::HighWater;
use store::tables::Family;
use store::{Engine, Store};

use crate::disk::{Disk, Place, Promise};
use crate::oracle::Broken;
use crate::random::Random;
use crate::world::{World, codec, genesis, hash_key};

/// Who saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Noticed {
    /// The ledger does not open.
    AtTheStart,
    /// The verifier names it, or cannot read on.
    ByTheVerifier,
    /// Whoever reads that record is told that it is none.
    WhenRead,
    /// Nobody: the value reads as another one, or is not read.
    ByNobody,
}

/// Counts by what was changed: a family, and what of it.
#[derive(Clone, Debug, Default)]
pub struct Table(pub BTreeMap<(String, Noticed), u64>);

/// Changes `flips` bits, one after the other, of what a seed leaves behind.
///
/// # Errors
/// When the seed itself breaks something.
pub fn run(seed: u64, flips: u64, table: &mut Table) -> Result<(), Broken> {
    let mut world = World::new(seed);
    world.live()?;
    let mut random = Random::new(seed);
    for _ in 0..flips {
        let family = *random.pick(&Family::ALL);
        let places = world.disk.places(family);
        if places.is_empty() {
            continue;
        }
        let disk = world.disk.copy();
        disk.break_promise(Promise::Checksum);
        let place = random.pick(&places).clone();
        disk.flip(&place, random.next());
        *table.0.entry((name(&place), noticed(&world, disk))).or_default() += 1;
    }
    Ok(())
}

/// The family, and where one holds records of several kinds, which.
fn name((family, key): &Place) -> String {
    let kind = match (family, key.first()) {
        (Family::Meta, _) => String::from_utf8_lossy(key).into_owned(),
        (Family::Current, Some(letter)) => char::from(*letter).to_string(),
        _ => return family.name().to_owned(),
    };
    format!("{family} {kind}")
}

fn noticed(world: &World, disk: Disk) -> Noticed {
    let mark = HighWater::on(world.mark.clone());
    let Ok(store) = Engine::over(disk, &genesis(), hash_key(), 512, Some(mark)) else { return Noticed::AtTheStart };
    let store = Arc::new(store);
    let options = Options { block_entries_max: 1, run_entries: 1_000_000, patience: Duration::ZERO };
    let shared = Arc::clone(&store) as Arc<dyn Store>;
    if Ledger::open(shared, Box::new(codec()), Box::new(Never), &[], options).is_err() {
        return Noticed::AtTheStart;
    }
    match audit::verify(store.as_ref(), &codec(), |_| {}) {
        Ok(verified) if verified.finding.is_none() && verified.head == world.oracle.head() => {}
        _ => return Noticed::ByTheVerifier,
    }
    let is_read = store.payments().all(|payment| payment.is_ok())
        && store.waiting().all(|waiting| waiting.is_ok())
        && store.cycles().all(|cycle| cycle.is_ok());
    if is_read { Noticed::ByNobody } else { Noticed::WhenRead }
}

/// Nothing is recorded any more.
struct Never;

impl Clock for Never {
    fn now(&self) -> Timestamp {
        Timestamp::default()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for ((name, noticed), times) in &self.0 {
            writeln!(f, "{name:<14} {:<14} {times:>8}", format!("{noticed:?}"))?;
        }
        Ok(())
    }
}
