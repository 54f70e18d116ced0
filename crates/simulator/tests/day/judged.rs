//! The plan says what has to come out. Here the rules say what does, whatever the order of topics inside a batch.

use std::collections::{BTreeMap, BTreeSet};

use domain::directive::{Action, Codec};
use domain::ids::Party;
use domain::money::CNY;
use domain::netting;
use domain::payment::Answer;
use domain::rejection::Quarantine;
use domain::report::Report;
use domain::state::View;
use domain::time::Timestamp;
use simulator::day::{Batch, CONTROL_TOPIC, Day, Record, Truth};
use testkit::model::Model;
use wire::codec::WireCodec;

use crate::{DAYS, day};

/// Topic and event id.
pub(crate) type EventId = (String, Vec<u8>);

/// The events of a day that the rules accept.
pub(crate) fn accepted(day: &Day) -> BTreeSet<EventId> {
    Judged::of(day, |batch| batch.records).accepted
}

/// What the rules made of a day.
struct Judged {
    model: Model,
    codec: WireCodec,
    seen: BTreeMap<EventId, Vec<u8>>,
    accepted: BTreeSet<EventId>,
    events: u64,
    duplicates: u64,
    rejected: BTreeMap<String, u64>,
    quarantined: BTreeMap<String, u64>,
}

impl Judged {
    fn of(day: &Day, order: impl Fn(Batch) -> Vec<Record>) -> Self {
        let mut judged = Self {
            model: Model::new(rulebook::parse(rulebook::DEFAULT).expect("the default is valid")),
            codec: WireCodec::new(|_| Err("no rulebook comes".to_owned())),
            seen: BTreeMap::new(),
            accepted: BTreeSet::new(),
            events: 0,
            duplicates: 0,
            rejected: BTreeMap::new(),
            quarantined: BTreeMap::new(),
        };
        for record in day.batches().flat_map(order) {
            judged.record(&record);
        }
        judged
    }

    fn record(&mut self, record: &Record) {
        if record.topic == CONTROL_TOPIC {
            return self.command(record);
        }
        self.events += 1;
        let report = match self.report(record) {
            Ok(report) => report,
            Err(why) => return *self.quarantined.entry(why.name().to_owned()).or_default() += 1,
        };
        let id = (record.topic.clone(), report.event.to_bytes().to_vec());
        match self.seen.get(&id) {
            Some(first) if *first == record.value => return self.duplicates += 1,
            Some(_) => {}
            None => drop(self.seen.insert(id.clone(), record.value.clone())),
        }
        if let Answer::Rejected(rejection) = self.model.report(&report) {
            *self.rejected.entry(rejection.code().name().to_owned()).or_default() += 1;
        } else {
            self.accepted.insert(id);
        }
    }

    fn report(&self, record: &Record) -> Result<Report, Quarantine> {
        let submission = self.codec.event(&record.value)?;
        if submission.payment_id != record.key {
            return Err(Quarantine::KeyMismatch);
        }
        Report::new(&submission, Timestamp::from_micros(record.recorded_at_micros), self.model.rules())
    }

    fn command(&mut self, record: &Record) {
        let directive = self.codec.command(&record.value, self.model.rules()).expect("a command");
        let Ok(Action::Command(command)) = directive.action else { panic!("{:?}", directive.action) };
        self.model.command(&command).expect("an accepted command");
    }

    fn nets(&self) -> BTreeMap<String, i64> {
        let cycle = &self.model.state.cycles(CNY)[0];
        let netting = netting::net(&cycle.flows);
        let networks = ["unionpay", "tenpay", "alipay"]
            .map(|name| (name, Party::Network(self.model.rules().network(name).expect("a network of the rulebook"))));
        let parties = networks.into_iter().chain([("operator", Party::Operator), ("escrow", Party::Escrow)]);
        parties.map(|(name, party)| (name.to_owned(), i64::try_from(netting.of(party)).expect("a net"))).collect()
    }

    fn assert_is(&self, truth: &Truth) {
        assert_eq!(self.rejected, truth.rejected);
        assert_eq!(self.quarantined, truth.quarantined);
        assert_eq!((self.events, self.duplicates), (truth.events, truth.duplicates));
        assert_eq!(self.nets(), truth.nets);
        assert_eq!(truth.nets.values().sum::<i64>(), 0);
        assert_eq!(self.model.state.open_cycle(CNY), 2);
        assert!(self.model.unparked.iter().all(|(_, answer)| answer.is_ok()));
        self.model.check_invariants();
    }
}

/// One topic after the other, the last one first; the order inside each stays.
fn topic_by_topic(batch: Batch) -> Vec<Record> {
    let mut records = batch.records;
    records.sort_by(|a, b| b.topic.cmp(&a.topic));
    records
}

/// As the topic's records would come if every topic were as fast as its share of the batch is large.
fn in_turn(batch: Batch) -> Vec<Record> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    let mut records: Vec<(u64, Record)> = Vec::new();
    for record in batch.records {
        let count = counts.entry(record.topic.clone()).or_default();
        *count += 1;
        records.push((*count, record));
    }
    records.sort_by_key(|(place, _)| *place);
    records.into_iter().map(|(_, record)| record).collect()
}

#[test]
fn the_rules_answer_a_day_as_its_truth_says_in_any_order_of_topics() {
    for (seed, payments) in DAYS {
        let day = day(seed, payments);
        let truth = day.truth();
        Judged::of(&day, |batch| batch.records).assert_is(&truth);
        Judged::of(&day, topic_by_topic).assert_is(&truth);
        Judged::of(&day, in_turn).assert_is(&truth);
    }
}

#[test]
fn nothing_waits_for_its_original_at_the_end() {
    let judged = Judged::of(&day(4, 2_000), |batch| batch.records);
    assert!(judged.model.payments.values().all(|payment| payment.parked.is_empty()));
}
