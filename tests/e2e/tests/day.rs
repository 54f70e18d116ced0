//! A whole day of three networks on a real broker, while the service and the broker are killed again and again. Nothing that
//! was called durable changes, the log comes to the same in blocks of any size, and the day is the one that nobody disturbed.
//!
//! Who is killed, behind which record and how much later, is a function of the seed. A failing run prints what repeats it;
//! a longer one is had with the same variables.

use std::collections::BTreeMap;
use std::env;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use audit::Verified;
use domain::time::Timestamp;
use e2e::{Broker, PATIENCE, Record, Replay, Service, TOPICS, codec, figures, head_at, hutong, make_topics, open};
use e2e::{refused, rejections, told, written};
use ingest::Publisher;
use simulator::day::{Day, DayOptions, Truth};
use store::Store;

/// From the last record before a kill: some die before the service has seen it, some when it is durable.
const AFTER_MS_MAX: u64 = 40;

/// How much of everything; each from the environment.
struct Size {
    seed: u64,
    payments: u64,
    service_kills: u64,
    broker_kills: u64,
}

impl Size {
    fn from_environment() -> Self {
        let number = |name: &str, default| env::var(name).map_or(default, |text| text.parse().expect("a number"));
        Self {
            seed: number("HUTONG_DAY_SEED", 1),
            payments: number("HUTONG_DAY_PAYMENTS", 5_000),
            service_kills: number("HUTONG_DAY_SERVICE_KILLS", 12),
            broker_kills: number("HUTONG_DAY_BROKER_KILLS", 3),
        }
    }
}

/// What runs it again.
impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, payments, service_kills, broker_kills } = self;
        write!(f, "HUTONG_DAY_SEED={seed} HUTONG_DAY_PAYMENTS={payments} ")?;
        write!(f, "HUTONG_DAY_SERVICE_KILLS={service_kills} HUTONG_DAY_BROKER_KILLS={broker_kills} ")?;
        write!(f, "cargo test --release --workspace --test day")
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Victim {
    Service,
    Broker,
    /// The broker first, so that the service dies while it waits for it.
    Both,
}

struct Kill {
    /// Behind so many records of the day.
    records: u64,
    after: Duration,
    victim: Victim,
}

/// Every kill somewhere in its own part of the day, in order.
fn plan(size: &Size, records: u64) -> Vec<Kill> {
    let mut random = size.seed;
    // A linear congruential generator: its upper bits are as random as this needs.
    let mut below = |bound: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % bound
    };
    let mut kills = Vec::new();
    for (count, of_broker) in [(size.service_kills, false), (size.broker_kills, true)] {
        kills.extend((0..count).map(|nth| Kill {
            records: (nth * records + below(records)) / count,
            after: Duration::from_millis(below(AFTER_MS_MAX)),
            victim: match (of_broker, nth.is_multiple_of(2)) {
                (false, _) => Victim::Service,
                (true, true) => Victim::Broker,
                (true, false) => Victim::Both,
            },
        }));
    }
    kills.sort_by_key(|kill| kill.records);
    kills
}

/// The day at work.
struct Disturbed<'a> {
    broker: Broker,
    address: String,
    data: &'a Path,
    service: Option<Service>,
    /// What was called durable before each kill.
    noted: Vec<(u64, String)>,
    /// Kills that found records which were not durable.
    behind: u64,
}

impl<'a> Disturbed<'a> {
    fn begin(data: &'a Path) -> Self {
        let broker = Broker::start();
        let address = broker.address();
        make_topics(&address);
        let service = Some(Service::start(&address, data));
        Self { broker, address, data, service, noted: Vec::new(), behind: 0 }
    }

    fn service(&mut self) -> &mut Service {
        self.service.get_or_insert_with(|| Service::start(&self.address, self.data))
    }

    /// Publishes every batch when the one before is durable, and kills as planned; how many entries that makes.
    fn run(&mut self, day: &Day, kills: Vec<Kill>) -> u64 {
        let publisher = Publisher::new(&self.address).expect("a client");
        let mut kills = kills.into_iter().peekable();
        // The first rulebook is an entry too.
        let (mut sent, mut entries) = (0, 1);
        for batch in day.batches() {
            let mut may_repeat = false;
            for record in batch.records {
                while let Some(kill) = kills.next_if(|kill| kill.records <= sent) {
                    self.kill(&kill, entries);
                    may_repeat |= kill.victim != Victim::Service;
                }
                let time = Some(Timestamp::from_micros(record.recorded_at_micros));
                publisher.send(&record.topic, &record.key, &record.value, time).expect("a queue with room");
                (sent, entries) = (sent + 1, entries + 1);
            }
            assert_eq!(publisher.finish(PATIENCE).expect("a broker that comes back"), sent);
            if may_repeat {
                entries = 1 + written(&self.address);
            }
            self.service().wait_for(entries, PATIENCE);
        }
        assert!(kills.next().is_none(), "somebody was left alive");
        entries
    }

    fn kill(&mut self, kill: &Kill, entries: u64) {
        std::thread::sleep(kill.after);
        let is_broker = kill.victim != Victim::Service;
        if is_broker {
            self.broker.kill();
        }
        let noted = match (kill.victim, self.service.take()) {
            (Victim::Broker, service) => {
                self.service = service;
                self.service().durable()
            }
            (_, service) => service.and_then(Service::kill),
        };
        self.behind += u64::from(noted.as_ref().is_none_or(|(durable, _)| *durable < entries));
        self.noted.extend(noted);
        if is_broker {
            self.broker.start_again();
        }
        self.service();
    }

    /// Everything refused is on its topic, in order; the service ends as it should.
    fn end(&mut self, entries: u64) {
        let mut service = self.service.take().expect("it runs");
        service.wait_told(entries, PATIENCE);
        let ended = service.stop();
        assert_eq!(ended.code, Some(0), "{}", ended.said);
        let rejections = rejections(&self.address);
        assert_eq!(told(rejections.iter().map(|(_, rejection)| rejection)), refused(self.data));
    }
}

#[test]
fn a_day_comes_to_the_same_whoever_is_killed_in_it() {
    let size = Size::from_environment();
    println!("repeat with {size}");
    let options = DayOptions { seed: size.seed, payments: size.payments, ..DayOptions::default() };
    let day = Day::new(options).expect("a day of this size");
    let truth = day.truth();
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");

    let mut disturbed = Disturbed::begin(&data);
    let records = day.batches().map(|batch| batch.records.len() as u64).sum();
    let entries = disturbed.run(&day, plan(&size, records));
    println!("{records} records, {} of them twice on their topics", entries - 1 - records);
    println!("{} kills met records that were not durable", disturbed.behind);
    disturbed.end(entries);

    let verified = verify(&data);
    assert_eq!((&verified.finding, verified.entries), (&None, entries));
    what_was_noted_stands(&data, &disturbed.noted);
    any_size_of_blocks_gives_the_same(&data);
    assert_eq!(undisturbed(&day, &data).day, verified.day);
    is_the_truth(&truth, &verified);
}

fn verify(data: &Path) -> Verified {
    let verified = audit::verify(&open(data), &codec(), |_| {}).expect("readable");
    let digest: String = verified.day.digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let told = hutong(&["verify", "-o", "json", "--data-dir", data.to_str().expect("paths of tests are text")]);
    let said = String::from_utf8_lossy(&told.stdout);
    assert_eq!(told.status.code(), Some(0), "{told:?}");
    assert!(said.contains(r#""verdict":"proven""#) && said.contains(&digest), "{said}");
    verified
}

fn what_was_noted_stands(data: &Path, noted: &[(u64, String)]) {
    assert!(noted.is_sorted_by_key(|(sequence, _)| *sequence), "durable entries went missing: {noted:?}");
    let store = open(data);
    for (sequence, head) in noted {
        assert_eq!(head_at(&store, *sequence), *head, "the chain has changed up to entry {sequence}");
    }
}

/// Also the service's own, whatever they were: it is the same chain.
fn any_size_of_blocks_gives_the_same(data: &Path) {
    let store = open(data);
    let records = Record::of_log(&store);
    let [one, seven, all] = [(1, 500), (7, 3_000), (10_000, 1_000_000)].map(|(block_entries_max, run_entries)| {
        let replay = Replay { block_entries_max, run_entries, ..Replay::of(&store) };
        let (snapshot, _) = replay.run(records.clone());
        assert_eq!(snapshot.head, store.tip().head, "in blocks of {block_entries_max}");
        figures(&snapshot)
    });
    for (one, other) in [(&one, &seven), (&seven, &all)] {
        let differs = one.lines().zip(other.lines()).find(|(one, other)| one != other);
        assert!(one == other, "other blocks, other figures: {differs:?}");
    }
}

/// The same day without a broker, and without anybody who dies.
fn undisturbed(day: &Day, data: &Path) -> Verified {
    let mut offsets = [0; TOPICS.len()];
    let records = day.batches().flat_map(|batch| batch.records).map(|record| {
        let source = TOPICS.iter().position(|topic| *topic == record.topic).expect("a topic of the shard");
        let offset = offsets[source];
        offsets[source] += 1;
        let arrived_at = Timestamp::from_micros(record.recorded_at_micros);
        let source = u16::try_from(source).expect("a place in the list");
        Record { source, offset, arrived_at, key: record.key, value: record.value }
    });
    let (_, store) = Replay::of(&open(data)).run(records.collect());
    audit::verify(store.as_ref(), &codec(), |_| {}).expect("readable")
}

fn is_the_truth(truth: &Truth, verified: &Verified) {
    let day = &verified.day;
    let named = |counts: &BTreeMap<&str, u64>| {
        counts.iter().map(|(code, count)| ((*code).to_owned(), *count)).collect::<BTreeMap<_, _>>()
    };
    assert_eq!((&named(&day.rejected), &named(&day.quarantined)), (&truth.rejected, &truth.quarantined));
    let nets = &day.nets[&("CNY".to_owned(), 1)];
    for (party, minor) in &truth.nets {
        assert_eq!(nets.get(party).copied().unwrap_or_default(), i128::from(*minor), "the net of {party}");
    }
    assert!(nets.keys().all(|party| truth.nets.contains_key(party)), "{nets:?}");
}
