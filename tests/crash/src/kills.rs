//! SIGKILL at random moments of start-up, recovery, load and flush, and the end at every failpoint.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use faults::Point;

use crate::judge::judge;
use crate::options::Options;
use crate::random::Random;
use crate::rig::{Evidence, Life, Rig};

/// From the start of the program to its first answer, before that has been seen.
const START: Duration = Duration::from_millis(500);
/// From the first answer on.
const AT_WORK: Duration = Duration::from_millis(300);
/// A point that is passed while the service starts is passed by then, or not in this life.
const POINT_WITHIN: Duration = Duration::from_secs(4);
/// Published in the course of a life.
const RECORDS: u64 = 90;
/// Lives that may go by without their point, in a row, before it counts as one that is never passed.
const MISSES_MAX: u64 = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Death {
    /// Before its first answer: after so many thousandths of the time that a start takes.
    Young(u32),
    /// So long after its first answer.
    AtWork(Duration),
    /// At the n-th passing of a point.
    At(Point, u64),
}

/// What was reached.
#[derive(Default)]
struct Reached {
    random: u64,
    hits: BTreeMap<&'static str, u64>,
    misses: BTreeMap<&'static str, u64>,
    /// How long starts have taken of late.
    start: Duration,
    longest_start: Duration,
}

/// Whether a settlement has to be under way for a point to be passed.
fn needs_settlement(point: Point) -> bool {
    matches!(point, Point::InstructionSent | Point::InstructionArrived)
}

/// At which passing: where there are many in a life, any of the first.
fn passing(point: Point, random: &mut Random) -> u64 {
    let among = match point {
        Point::RecordPolled | Point::RecordApplied => 60,
        Point::BlockSealed | Point::BlockWritten | Point::BlockSynced | Point::BlockDurable | Point::BlockVisible => 12,
        Point::HighWaterWritten => 12,
        Point::RunFileWritten | Point::RunFileIngested => 8,
        Point::CommandMade | Point::CommandPut | Point::CommandAnswered => 3,
        _ => 1,
    };
    1 + random.below(among)
}

/// Deaths before and behind the cut-over: a fifth of the random ones behind it, and the points that need it.
fn plan(random: &mut Random, kills: u64, hits: u64) -> [Vec<Death>; 2] {
    let mut drawn = |count: u64| -> Vec<Death> {
        let death = |random: &mut Random| match random.below(5) {
            0 | 1 => Death::Young(u32::try_from(random.below(1_000)).expect("below a thousand")),
            _ => Death::AtWork(random.time_below(AT_WORK)),
        };
        (0..count).map(|_| death(random)).collect()
    };
    let mut parts = [drawn(kills - kills / 5), drawn(kills / 5)];
    for point in Point::ALL {
        let part = usize::from(needs_settlement(point));
        parts[part].extend((0..hits).map(|_| Death::At(point, passing(point, random))));
    }
    for part in &mut parts {
        random.shuffle(part);
    }
    parts
}

/// Runs the suite.
///
/// # Panics
/// When anything was lost, doubled or altered, or a floor was not reached.
pub fn run(options: &Options) {
    let evidence = Evidence::begin(format!("cargo test --release --workspace --test crash -- kills {options}"));
    let mut random = Random::new(options.seed);
    let floors = plan(&mut random, options.floor, options.hits_floor);
    let rest = plan(&mut random, options.count - options.floor, options.hits - options.hits_floor);
    let lives: usize = floors.iter().chain(&rest).map(Vec::len).sum();
    let data = evidence.path().join("data");
    let mut rig = Rig::begin(&evidence, data, lives as u64 * RECORDS / 2, options.seed);
    let (mut reached, begun) = (Reached { start: START, ..Reached::default() }, Instant::now());
    for (part, (floor, rest)) in floors.into_iter().zip(rest).enumerate() {
        if part == 1 {
            settle(&mut rig);
        }
        die(&mut rig, &mut reached, floor, None);
        // Behind the cut-over is a fifth of everything.
        let deadline =
            options.minutes.map(|minutes| begun + Duration::from_secs(if part == 0 { 48 } else { 60 } * minutes));
        die(&mut rig, &mut reached, rest, deadline);
    }
    let took = begun.elapsed();
    rig.finish();
    let verified = judge(&rig);
    let hits: u64 = reached.hits.values().sum();
    crate::say(format_args!(
        "kills: {} random, {hits} at {} failpoints (each at least {}), 0 lost, 0 doubled; {} entries, {} ms a life, a start {} ms, the longest {} ms",
        reached.random,
        reached.hits.len(),
        reached.hits.values().min().copied().unwrap_or_default(),
        verified.entries,
        took.as_millis() / u128::from((reached.random + hits).max(1)),
        reached.start.as_millis(),
        reached.longest_start.as_millis(),
    ));
}

/// The day goes on to its cut-over, and the cycle to its instructions.
fn settle(rig: &mut Rig) {
    rig.feeder.cut_over();
    let _ = rig.live_until(|rig| rig.witness.clerk.is_settling()).kill();
}

fn die(rig: &mut Rig, reached: &mut Reached, mut deaths: Vec<Death>, deadline: Option<Instant>) {
    deaths.reverse();
    while let Some(death) = deaths.pop() {
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return;
        }
        match death {
            Death::Young(thousandths) => {
                let after = reached.start * thousandths / 1_000;
                let mut life = begin(rig, None);
                assert!(life.tick_for(after), "it ended by itself:\n{}", life.said());
                reached.killed(life);
            }
            Death::AtWork(after) => {
                let mut life = begin(rig, None);
                reached.started(wait_until_serving(&mut life));
                rig.feeder.allow(RECORDS / 2);
                assert!(life.tick_for(after), "it ended by itself:\n{}", life.said());
                reached.killed(life);
            }
            Death::At(point, passing) if !ends_at(rig, point, passing) => {
                let misses = reached.misses.entry(point.name()).or_default();
                *misses += 1;
                assert!(*misses <= MISSES_MAX, "{} is never passed", point.name());
                deaths.insert(deaths.len() / 2, Death::At(point, 1));
            }
            Death::At(point, _) => {
                *reached.hits.entry(point.name()).or_default() += 1;
                reached.misses.remove(point.name());
            }
        }
    }
}

impl Reached {
    fn started(&mut self, took: Duration) {
        self.longest_start = self.longest_start.max(took);
        self.start = (self.start * 3 + took) / 4;
    }

    fn killed(&mut self, life: Life) {
        let ended = life.kill();
        assert_eq!(ended.code, None, "it ended by itself:\n{}", ended.said);
        self.random += 1;
    }
}

fn begin(rig: &Rig, point: Option<(Point, u64)>) -> Life {
    rig.feeder.allow(RECORDS / 2);
    let mut command = rig.command();
    if let Some((point, passing)) = point {
        command.env("HUTONG_FAILPOINT", format!("{}:{passing}", point.name()));
        if point == Point::BlockWritten {
            // A kill does not take what the system has: only so can it fall between the write and its sync.
            command.env("HUTONG_UNSYNCED", "1");
        }
    }
    rig.start(command)
}

fn wait_until_serving(life: &mut Life) -> Duration {
    let begun = Instant::now();
    while life.serving().is_none() {
        assert!(life.tick() && begun.elapsed() < e2e::PATIENCE, "it does not serve:\n{}", life.said());
    }
    begun.elapsed()
}

/// A life that is to end at a point; whether it did.
fn ends_at(rig: &Rig, point: Point, passing: u64) -> bool {
    let mut life = begin(rig, Some((point, passing)));
    while life.tick() {
        if life.serving().is_some_and(|since| since.elapsed() > POINT_WITHIN) {
            let _ = life.kill();
            return false;
        }
        if life.serving().is_some() {
            rig.feeder.allow(2);
        }
    }
    let ended = life.kill();
    let line = format!("hutong: ends at {}", point.name());
    assert!(
        ended.code.is_none() && ended.said.contains(&line),
        "it should have ended at {}:\n{}",
        point.name(),
        ended.said
    );
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_has_every_kill_and_every_point_and_the_same_seed_makes_it_again() {
        let drawn = plan(&mut Random::new(7), 50, 2);
        let at = |point| drawn.iter().flatten().filter(|death| matches!(death, Death::At(p, _) if *p == point)).count();
        assert!(Point::ALL.into_iter().all(|point| at(point) == 2));
        assert_eq!(drawn.iter().map(Vec::len).sum::<usize>(), 50 + 2 * Point::ALL.len());
        assert_eq!(drawn, plan(&mut Random::new(7), 50, 2));
    }
}
