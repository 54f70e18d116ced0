//! What must be true, kept outside of the ledger. The oracle follows what the ledger has published, entry by entry, and
//! holds it against the broker's topics and against the model ledger of `testkit`, whose answers are right by definition.
//! What it has seen once must be there for ever.

use std::collections::HashMap;
use std::ops::ControlFlow;

use domain::account::Account;
use domain::book::Balance;
use domain::clearing;
use domain::command;
use domain::directive::{Action, Codec, Directive};
use domain::ids::{Id, Sequence};
use domain::payment::Answer;
use domain::rejection::{Quarantine, RejectionCode};
use domain::report::Report;
use domain::state::{State, View};
use domain::time::Timestamp;
use ledger::{AnswerCode, Content, Entry, EntryKind, Handle, RECORD_BYTES_MAX};
use sha2::{Digest, Sha256};
use store::Store;
use store::chain::{self, Head};
use testkit::model::Model;
use wire::codec::WireCodec;

use crate::broker::{Broker, Record};
use crate::coverage::{Coverage, answer_name};
use crate::rules::Version;

/// What is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken(pub String);

/// Nothing, or what is broken.
pub type Checked = Result<(), Broken>;

/// Breaks off unless something holds.
pub(crate) fn check(holds: bool, otherwise: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(Broken(otherwise())) }
}

/// Invariants that look at everything are checked at one entry in so many, and at every cut-over.
const SAMPLE: u64 = 24;

/// What makes two records the same one.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    Event(usize, Id),
    Command(String, String),
    Booking(String),
}

/// See the module.
pub struct Oracle {
    broker: Broker,
    codec: WireCodec,
    topics: &'static [&'static str],
    /// The independent ledger.
    pub model: Model,
    /// By sequence: the chain's head after it.
    heads: Vec<Head>,
    places: Vec<usize>,
    positions: Vec<i64>,
    first: HashMap<Key, (Sequence, Head)>,
    recorded_at: Timestamp,
    /// When the first rulebook was entered, which is the one time of the log that no topic has.
    pub begun: Timestamp,
    /// Every record in the order of the log, and its topic.
    pub log: Vec<(usize, Record)>,
}

impl Oracle {
    /// An oracle of an empty ledger over these topics.
    ///
    /// # Panics
    /// When the first rulebook of the simulation cannot be read.
    #[must_use]
    pub fn new(broker: Broker, codec: WireCodec, topics: &'static [&'static str], beginning: Head) -> Self {
        let rules = rulebook::parse(&Version::FIRST.text()).expect("the simulation's own rulebook");
        let mut model = Model::new(rules);
        model.sha256 = |bytes| Sha256::digest(bytes).into();
        Self {
            broker,
            codec,
            topics,
            model,
            heads: vec![beginning],
            places: vec![0; topics.len()],
            positions: vec![0; topics.len()],
            first: HashMap::new(),
            recorded_at: Timestamp::from_micros(i64::MIN),
            begun: Timestamp::default(),
            log: Vec::new(),
        }
    }

    /// The last sequence that was published.
    #[must_use]
    pub fn acknowledged(&self) -> Sequence {
        Sequence(self.heads.len() as u64 - 1)
    }

    /// The head of the chain there.
    #[must_use]
    pub fn head(&self) -> Head {
        self.heads[self.heads.len() - 1]
    }

    /// Whether every record that can be read was read.
    #[must_use]
    pub fn is_at_the_end(&self) -> bool {
        let mut topics = self.places.iter().enumerate();
        topics.all(|(topic, place)| self.broker.committed(topic, *place).is_none())
    }

    /// Looks at what the ledger has published since the last time.
    ///
    /// # Errors
    /// What is broken.
    pub fn follow(&mut self, handle: &Handle, coverage: &mut Coverage) -> Checked {
        let snapshot = handle.snapshot();
        let from = self.acknowledged();
        check(snapshot.sequence >= from, || format!("published entry {} after {}", snapshot.sequence.0, from.0))?;
        if snapshot.sequence == from {
            return Ok(());
        }
        let mut found = Ok(());
        let seen = handle.visit(Sequence(from.0 + 1), snapshot.sequence, &mut |sequence, entry| {
            coverage.answer(entry.answer);
            found = self.entry(sequence, entry);
            if found.is_err() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        found?;
        let seen = seen.map_err(|error| Broken(format!("what was published cannot be read: {error:?}")))?;
        check(seen == snapshot.sequence, || format!("published {}, readable to {}", snapshot.sequence.0, seen.0))?;
        check(self.head() == snapshot.head, || format!("chain: another head at {}", seen.0))?;
        check(self.positions == snapshot.positions, || format!("offsets: other positions at {}", seen.0))?;
        let rises = snapshot.recorded_at > self.recorded_at;
        check(rises, || format!("time: block at {} was recorded before the one in front of it", seen.0))?;
        self.recorded_at = snapshot.recorded_at;
        let same = self.model.state.book().accounts().eq(snapshot.state.book().accounts());
        check(same, || format!("balances differ from the model's at {}", seen.0))?;
        let cycles = |state: &State| -> Vec<_> {
            let currencies = state.rules().current().currencies.iter();
            let cycles = currencies.flat_map(|rule| state.cycles(rule.currency));
            cycles.map(|cycle| (cycle.id, cycle.state.clone(), cycle.flows.clone(), cycle.advanced)).collect()
        };
        let same = cycles(&self.model.state) == cycles(&snapshot.state);
        check(same, || format!("cycles differ from the model's at {}", seen.0))?;
        let same = self.model.state.register() == snapshot.state.register();
        check(same, || format!("the register differs from the model's at {}", seen.0))
    }

    /// Looks at a ledger that was opened again: everything that was published is there, and as it was.
    ///
    /// # Errors
    /// What is broken.
    pub fn recovered(&self, store: &dyn Store) -> Checked {
        let acknowledged = self.acknowledged();
        let tip = store.tip().sequence;
        check(tip >= acknowledged, || {
            format!("lost: entry {} was published, the log ends at {}", acknowledged.0, tip.0)
        })?;
        let mut head = self.heads[0];
        for block in store.blocks(Sequence(1)) {
            let block = block.map_err(|error| Broken(format!("a block is not readable: {error:?}")))?;
            for entry in block.entries() {
                let (sequence, entry) =
                    entry.map_err(|error| Broken(format!("an entry is not readable: {error:?}")))?;
                head = chain::next(&head, sequence.0, &entry.head());
                let place = usize::try_from(sequence.0).expect("an index fits the machine");
                let same = self.heads.get(place).is_none_or(|known| *known == head);
                check(same, || format!("altered: entry {} is not what was published", sequence.0))?;
            }
        }
        Ok(())
    }

    /// What an account stood at after an entry, from what the model has booked.
    #[must_use]
    pub fn balance_at(&self, account: Account, sequence: Sequence) -> Balance {
        let mut balance = Balance::default();
        let booked = self.model.booked.iter().take_while(|booked| booked.sequence <= sequence);
        for entry in booked.flat_map(|booked| &booked.entries) {
            if entry.debit == account {
                balance.debits += entry.minor;
            }
            if entry.credit == account {
                balance.credits += entry.minor;
            }
        }
        balance
    }

    fn entry(&mut self, sequence: Sequence, entry: &Entry<'_>) -> Checked {
        let expected = self.acknowledged().0 + 1;
        check(sequence.0 == expected, || format!("entry {} follows {}", sequence.0, expected - 1))?;
        self.heads.push(chain::next(&self.head(), sequence.0, &entry.head()));
        if entry.kind == EntryKind::Internal {
            self.begun = entry.arrived_at;
            return check(sequence.0 == 1, || format!("entry {} is the ledger's own", sequence.0));
        }
        let topic = usize::from(entry.source);
        let record = self.next_record(sequence, topic, entry)?;
        self.model.stand_before(sequence);
        self.model.arrived_at = record.arrived_at;
        let digest: Head = Sha256::digest(&record.raw).into();
        let (answer, first) =
            if topic == 0 { self.command(&record, digest)? } else { self.event(topic, &record, digest) };
        check(answer == entry.answer, || {
            let (found, right) = (answer_name(entry.answer), answer_name(answer));
            format!("entry {} was answered {found}, the model says {right}", sequence.0)
        })?;
        check(first == entry.duplicate_of, || format!("entry {} repeats another entry than it says", sequence.0))?;
        self.log.push((topic, record));
        if sequence.0.is_multiple_of(SAMPLE) {
            self.model.check_invariants();
        }
        Ok(())
    }

    /// The record that the entry must hold: the next one of its topic, and as it was sent.
    fn next_record(&mut self, sequence: Sequence, topic: usize, entry: &Entry<'_>) -> Result<Record, Broken> {
        let next = self.broker.committed(topic, self.places[topic]);
        let Some((place, record)) = next else {
            return Err(Broken(format!("entry {} holds a record that nobody has sent", sequence.0)));
        };
        let same = (entry.offset, entry.arrived_at) == (record.offset, record.arrived_at);
        check(same, || {
            let (found, next) = (entry.offset, record.offset);
            format!("entry {} holds offset {found} of {}, {next} is next", sequence.0, self.topics[topic])
        })?;
        let kept = match entry.content {
            Content::Raw(raw) => raw == record.raw,
            Content::Digest(digest) => {
                entry.answer == AnswerCode::DUPLICATE && digest[..] == Sha256::digest(&record.raw)[..]
            }
        };
        check(kept, || format!("entry {} does not hold what was sent", sequence.0))?;
        self.places[topic] = place + 1;
        self.positions[topic] = record.offset + 1;
        Ok(record)
    }

    /// The answer to an id that is known, and the entry that it is known from.
    fn repeated(&self, key: &Key, digest: &Head) -> Option<(AnswerCode, Option<Sequence>)> {
        let (first, content) = self.first.get(key)?;
        let same = content == digest;
        Some((if same { AnswerCode::DUPLICATE } else { RejectionCode::ConflictingDuplicate.into() }, Some(*first)))
    }

    fn remember(&mut self, key: Key, digest: Head) {
        self.first.insert(key, (self.acknowledged(), digest));
    }

    fn event(&mut self, topic: usize, record: &Record, digest: Head) -> (AnswerCode, Option<Sequence>) {
        let refused = |code: Quarantine| (code.into(), None);
        let name = self.topics[topic].trim_start_matches("payments.");
        let Some(network) = self.model.rules().network(name) else { return refused(Quarantine::UnknownNetworkNamed) };
        if record.raw.len() > RECORD_BYTES_MAX {
            return refused(Quarantine::RecordTooLong);
        }
        let codec = self.codec;
        let submission = match codec.event(&record.raw) {
            Ok(submission) if record.key == submission.payment_id => submission,
            Ok(_) => return refused(Quarantine::KeyMismatch),
            Err(code) => return refused(code),
        };
        let Some(event) = Id::from_bytes(submission.event_id) else {
            let is_missing = submission.event_id.is_empty();
            return refused(if is_missing { Quarantine::MissingField } else { Quarantine::InvalidField });
        };
        let key = Key::Event(topic, event);
        if let Some(repeated) = self.repeated(&key, &digest) {
            return repeated;
        }
        self.remember(key, digest);
        let answer = match Report::new(&submission, record.arrived_at, self.model.rules()) {
            Err(code) => code.into(),
            Ok(report) if report.network != network => Quarantine::WrongReporter.into(),
            Ok(report) => match self.model.report(&report) {
                Answer::Accepted => AnswerCode::ACCEPTED,
                Answer::WaitingForOriginal => AnswerCode::WAITING_FOR_ORIGINAL,
                Answer::Rejected(rejection) => rejection.code().into(),
            },
        };
        (answer, None)
    }

    fn command(&mut self, record: &Record, digest: Head) -> Result<(AnswerCode, Option<Sequence>), Broken> {
        let Directive { principal, idempotency_key, bank_reference, action } =
            match self.codec.command(&record.raw, self.model.rules()) {
                Ok(directive) => directive,
                Err(code) => return Ok((code.into(), None)),
            };
        let key = Key::Command(principal.clone(), idempotency_key);
        if let Some(repeated) = self.repeated(&key, &digest) {
            return Ok(repeated);
        }
        self.remember(key, digest);
        let booking = bank_reference.map(Key::Booking);
        if let Some((first, _)) = booking.as_ref().and_then(|booking| self.first.get(booking)) {
            return Ok((RejectionCode::ConflictingDuplicate.into(), Some(*first)));
        }
        let closes = matches!(action, Ok(Action::Command(command::Command::CutOver { .. })));
        let performed = action.and_then(|action| self.perform(&principal, action));
        if let (Some(booking), Ok(())) = (booking, performed) {
            self.remember(booking, digest);
        }
        if closes && performed.is_ok() {
            self.model.check_invariants();
        }
        Ok((performed.map_or_else(Into::into, |()| AnswerCode::ACCEPTED), None))
    }

    fn perform(&mut self, principal: &str, action: Action) -> Result<(), RejectionCode> {
        let payment_of = |model: &Model, id: Id| model.payments.get(&id).cloned().unwrap_or_default();
        match action {
            Action::Unsupported => Err(RejectionCode::CommandNotSupported),
            Action::Command(command) => self.model.command(&command),
            Action::FeeOf(payment, command) => {
                command::check_fee_of(&payment_of(&self.model, payment), &command)?;
                self.model.command(&command)
            }
            Action::Order(order) => self.model.order(principal, &order),
            Action::Complete(completion) => self.model.complete_for(principal, &completion),
            Action::Correct { payment: id, correction, currency, answers } => {
                let payment = payment_of(&self.model, id);
                let register = self.model.state.register();
                clearing::check_correction(register, answers, (id, &payment), correction, currency)?;
                self.model.return_to_transit(answers, id, correction)
            }
            Action::LoadRulebook(text) => {
                let rules = self.codec.rulebook(&text).map_err(|_| RejectionCode::RulebookInvalid)?;
                self.model.command(&command::Command::LoadRulebook(Box::new(rules)))
            }
        }
    }
}
