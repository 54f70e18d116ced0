//! A simulation is worth something only if it does the same twice, and if it notices.

use simulation::disk::Promise;
use simulation::many;
use simulation::oracle::Broken;
use simulation::world::World;

#[test]
fn the_same_seed_plays_the_same_twice_and_another_one_does_not() {
    let mut traces = std::collections::BTreeSet::new();
    for seed in 1..=25 {
        let [first, again] =
            [(); 2].map(|()| many::play(seed).unwrap_or_else(|broken| panic!("seed {seed}: {}", broken.0)));
        assert_eq!(first.trace, again.trace, "seed {seed}");
        assert_eq!(first.coverage, again.coverage, "seed {seed}");
        traces.insert(first.trace);
    }
    assert_eq!(traces.len(), 25);
}

/// The control: without what a sync promises, published entries are lost, and that must be seen: by the oracle, or by the
/// ledger, which knows from its high-water mark what it has acknowledged.
#[test]
fn a_disk_that_loses_what_it_has_acknowledged_is_found_out() {
    let broken = (1..=60).filter_map(|seed| World::new(seed).without(Promise::Sync).play().err());
    let is_loss = |broken: &Broken| broken.0.starts_with("lost: ") || broken.0.contains("high-water mark");
    let lost = broken.filter(is_loss).count();
    assert!(lost >= 10, "{lost} of 60");
}
