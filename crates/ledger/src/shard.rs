//! The shard: everything one thread does to one record, and nothing that waits for a disk it could avoid. It orders, knows
//! duplicates, asks the rules, folds what they decide, and extends the hash chain. It has no threads, no clock and no
//! random numbers; the same records give the same blocks, byte for byte, whatever the batch sizes were.
//!
//! Only this code writes the folds. A block is sealed when its events are applied, becomes durable elsewhere, and is
//! visible only after that.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::clearing::{self, Context, Order};
use domain::command::{self, Command};
use domain::directive::{Action, Codec, Completion, Directive};
use domain::ids::{Id, Network, Sequence};
use domain::journal::Effects;
use domain::money::Currency;
use domain::payment::{self, Answer, Correction, Payment};
use domain::rejection::{Quarantine, RejectionCode};
use domain::report::{Report, Submission};
use domain::state::{Change, State, View};
use domain::time::Timestamp;
use sha2::{Digest, Sha256};
use store::Store;
use store::block::BlockBuilder;
use store::chain::{self, Head};
use store::entry::{AnswerCode, Content, Entry, EntryKind};
use store::hash::{HashKey, IdDigest};
use store::incarnation::Incarnation;
use store::mark::EventIdRecord;

use crate::error::Error;
use crate::input::Input;
use crate::memtable::Memtable;
use crate::rows::Rows;
use crate::sealed::{Held, SealedBlock, SealedRun};
use crate::snapshot::Snapshot;

/// A payment event may not be longer than this; twenty times the mean.
pub const RECORD_BYTES_MAX: usize = 4_096;

/// Whom bookings are remembered for: no principal has this name, since names are not empty.
const BANK: &str = "";

/// A block is sealed before its time when it holds this many bytes: commands may be long.
const BLOCK_BYTES_MAX: usize = 8 << 20;

/// What a source carries.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Role {
    /// Events of the network of this name, once the rulebook has it.
    Payments(String, Option<Network>),
    /// Commands.
    Control,
}

impl Role {
    fn of(topic: &str) -> Self {
        topic.strip_prefix("payments.").map_or(Self::Control, |network| Self::Payments(network.to_owned(), None))
    }
}

/// A payment as it stands before an event, wherever it was found.
enum Standing<'a> {
    InMemory(&'a Held),
    Stored(Payment),
    Unknown(Payment),
}

impl Standing<'_> {
    fn payment(&self) -> &Payment {
        match self {
            Self::InMemory(held) => &held.payment,
            Self::Stored(payment) | Self::Unknown(payment) => payment,
        }
    }

    fn is_stored(&self) -> bool {
        match self {
            Self::InMemory(held) => held.stored,
            Self::Stored(_) => true,
            Self::Unknown(_) => false,
        }
    }
}

/// What became of one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Applied {
    /// It is the entry of this number, with this answer.
    Entry(Sequence, AnswerCode),
    /// The log has it already.
    Skipped,
}

/// How a record is written down.
struct Verdict {
    kind: EntryKind,
    answer: AnswerCode,
    duplicate_of: Option<Sequence>,
    principal: String,
    idempotency_key: String,
}

impl Verdict {
    fn new(kind: EntryKind, answer: impl Into<AnswerCode>) -> Self {
        let (principal, idempotency_key) = (String::new(), String::new());
        Self { kind, answer: answer.into(), duplicate_of: None, principal, idempotency_key }
    }

    fn quarantined(code: Quarantine) -> Self {
        Self::new(EntryKind::Quarantined, code)
    }
}

/// The single writer's state.
pub(crate) struct Shard {
    store: Arc<dyn Store>,
    codec: Box<dyn Codec>,
    hash: HashKey,
    roles: Vec<Role>,
    state: State,
    rulebooks: Vec<Vec<u8>>,
    sequence: Sequence,
    head: Head,
    positions: Vec<i64>,
    recorded_at: Timestamp,
    ids: Memtable<EventIdRecord>,
    payments: Memtable<Held>,
    rows: Rows,
    effects: Effects,
    block: BlockBuilder,
    /// The first sequence of the open block and the chain head before it.
    block_begin: (Sequence, Head),
    /// The number of the last sealed run and what stood at its end.
    run: u32,
    run_begin: Arc<Snapshot>,
}

impl Shard {
    /// A shard that stands at `begin`, the end of run `run`, under the rulebooks of these texts.
    pub(crate) fn new(
        store: Arc<dyn Store>,
        codec: Box<dyn Codec>,
        begin: Snapshot,
        rulebooks: Vec<Vec<u8>>,
        run: u32,
    ) -> Self {
        let roles = store.genesis().sources.iter().map(|source| Role::of(&source.topic)).collect();
        let mut shard = Self {
            hash: store.hash_key().clone(),
            store,
            codec,
            roles,
            state: begin.state.clone(),
            rulebooks,
            sequence: begin.sequence,
            head: begin.head,
            positions: begin.positions.clone(),
            recorded_at: begin.recorded_at,
            ids: Memtable::new(),
            payments: Memtable::new(),
            rows: Rows::default(),
            effects: Effects::default(),
            block: BlockBuilder::new(Sequence(begin.sequence.0 + 1), &begin.positions),
            block_begin: (Sequence(begin.sequence.0 + 1), begin.head),
            run,
            run_begin: Arc::new(begin),
        };
        shard.assign_roles();
        shard
    }

    /// Finds the network of every topic in the rules as they stand.
    fn assign_roles(&mut self) {
        for role in &mut self.roles {
            if let Role::Payments(name, network) = role {
                *network = self.state.rules().current().network(name);
            }
        }
    }

    /// Takes one record into the open block.
    ///
    /// # Errors
    /// Only when the store fails: whatever the record holds, it gets an answer.
    pub(crate) fn apply(&mut self, input: &Input<'_>) -> Result<Applied, Error> {
        self.apply_with_key(input, Some(input.key))
    }

    /// As [`Shard::apply`]; without a key for an entry of the log whose key was the payment id in it.
    pub(crate) fn apply_with_key(&mut self, input: &Input<'_>, key: Option<&[u8]>) -> Result<Applied, Error> {
        let source = usize::from(input.source);
        let role = self.roles.get(source).ok_or(Error::UnknownSource { source_index: input.source })?;
        if input.offset < self.positions[source] {
            return Ok(Applied::Skipped);
        }
        let digest: Head = Sha256::digest(input.raw).into();
        let verdict = match *role {
            Role::Control => self.control(input, &digest)?,
            Role::Payments(_, None) => Verdict::quarantined(Quarantine::UnknownNetworkNamed),
            Role::Payments(_, Some(network)) => self.event(input, key, network, &digest)?,
        };
        self.write_down(input, digest, &verdict)
    }

    const fn next(&self) -> Sequence {
        Sequence(self.sequence.0 + 1)
    }

    fn write_down(&mut self, input: &Input<'_>, digest: Head, verdict: &Verdict) -> Result<Applied, Error> {
        let duplicate = verdict.answer == AnswerCode::DUPLICATE;
        // Of a record that cannot be read the key is all that tells whose it was; else it is the id inside.
        let unread = [
            Quarantine::KeyMismatch,
            Quarantine::Undecodable,
            Quarantine::RecordTooLong,
            Quarantine::UnknownNetworkNamed,
        ];
        let keeps_key = verdict.answer.quarantine().is_some_and(|code| unread.contains(&code));
        let entry = Entry {
            source: input.source,
            offset: input.offset,
            arrived_at: input.arrived_at,
            kind: verdict.kind,
            answer: verdict.answer,
            rulebook: self.state.rules().current().version,
            duplicate_of: verdict.duplicate_of,
            principal: &verdict.principal,
            idempotency_key: &verdict.idempotency_key,
            key: if keeps_key { input.key } else { &[] },
            content: if duplicate { Content::Digest(digest) } else { Content::Raw(input.raw) },
        };
        self.log(&entry, digest)?;
        Ok(Applied::Entry(self.sequence, verdict.answer))
    }

    /// Appends an entry to the open block and the chain.
    fn log(&mut self, entry: &Entry<'_>, digest: Head) -> Result<(), Error> {
        self.sequence = self.block.push(entry).map_err(Error::Block)?;
        if let Some(position) = self.positions.get_mut(usize::from(entry.source)) {
            *position = entry.offset.saturating_add(1);
        }
        self.head = chain::next(&self.head, self.sequence.0, &entry.head_with(digest));
        Ok(())
    }

    // ---- duplicates ----

    /// The first entry with this id, whatever it was answered.
    fn first(&self, id: IdDigest) -> Result<Option<EventIdRecord>, Error> {
        match self.ids.get(id.0) {
            Some(record) => Ok(Some(*record)),
            None => self.store.find_event(id).map_err(Error::Store),
        }
    }

    /// The verdict on an id that was seen before.
    fn repeated(kind: EntryKind, first: &EventIdRecord, digest: &Head) -> Verdict {
        let same = first.content == digest[..16];
        let answer = if same { AnswerCode::DUPLICATE } else { RejectionCode::ConflictingDuplicate.into() };
        Verdict { duplicate_of: Some(first.sequence), ..Verdict::new(kind, answer) }
    }

    fn remember(&mut self, id: IdDigest, answer: AnswerCode, digest: &Head) {
        let content: [u8; 16] = digest[..16].try_into().expect("half of 32");
        self.ids.insert(id.0, EventIdRecord { sequence: self.next(), answer, content });
    }

    // ---- payment events ----

    fn event(
        &mut self,
        input: &Input<'_>,
        key: Option<&[u8]>,
        network: Network,
        digest: &Head,
    ) -> Result<Verdict, Error> {
        if input.raw.len() > RECORD_BYTES_MAX {
            return Ok(Verdict::quarantined(Quarantine::RecordTooLong));
        }
        let submission = match self.codec.event(input.raw) {
            Ok(submission) => submission,
            Err(quarantine) => return Ok(Verdict::quarantined(quarantine)),
        };
        if key.is_some_and(|key| key != submission.payment_id) {
            return Ok(Verdict::quarantined(Quarantine::KeyMismatch));
        }
        let Some(event) = Id::from_bytes(submission.event_id) else {
            let missing = submission.event_id.is_empty();
            return Ok(Verdict::quarantined(if missing { Quarantine::MissingField } else { Quarantine::InvalidField }));
        };
        let id = self.hash.event(network, event);
        if let Some(first) = self.first(id)? {
            return Ok(Self::repeated(EntryKind::PaymentEvent, &first, digest));
        }
        let verdict = match self.form(input, network, &submission) {
            Ok(report) => Verdict::new(EntryKind::PaymentEvent, self.report(&report)?),
            Err(quarantine) => Verdict::quarantined(quarantine),
        };
        self.remember(id, verdict.answer, digest);
        Ok(verdict)
    }

    fn form(&self, input: &Input<'_>, network: Network, submission: &Submission<'_>) -> Result<Report, Quarantine> {
        let report = Report::new(submission, input.arrived_at, self.state.rules().current())?;
        if report.network == network { Ok(report) } else { Err(Quarantine::WrongReporter) }
    }

    fn report(&mut self, report: &Report) -> Result<AnswerCode, Error> {
        let (sequence, key) = (self.next(), self.hash.payment(report.payment));
        let standing = standing(&self.payments, self.store.as_ref(), key, report.payment)?;
        let stored = standing.is_stored();
        let decision = payment::decide(&self.state, standing.payment(), report, sequence, &mut self.effects);
        if let Some(payment) = decision.payment {
            self.payments.insert(key.0, Held { id: report.payment, payment, stored });
        }
        self.fold(Change::None);
        Ok(match decision.answer {
            Answer::Accepted => AnswerCode::ACCEPTED,
            Answer::WaitingForOriginal => AnswerCode::WAITING_FOR_ORIGINAL,
            Answer::Rejected(rejection) => rejection.code().into(),
        })
    }

    fn fold(&mut self, change: Change) {
        let (first, sequence, rows) = (self.block_begin.0, self.next(), &mut self.rows);
        self.state.evolve_observed(&self.effects, change, |entry, cycle, posted| {
            rows.note(first, sequence, entry, cycle, posted);
        });
    }

    // ---- commands ----

    fn control(&mut self, input: &Input<'_>, digest: &[u8; 32]) -> Result<Verdict, Error> {
        let directive = match self.codec.command(input.raw, self.state.rules().current()) {
            Ok(directive) => directive,
            Err(quarantine) => return Ok(Verdict::quarantined(quarantine)),
        };
        let id = self.hash.command(&directive.principal, &directive.idempotency_key);
        let verdict = match self.first(id)? {
            Some(first) => Self::repeated(EntryKind::Command, &first, digest),
            None => {
                let verdict = self.directive(&directive, input.arrived_at, digest)?;
                self.remember(id, verdict.answer, digest);
                verdict
            }
        };
        let Directive { principal, idempotency_key, .. } = directive;
        Ok(Verdict { principal, idempotency_key, ..verdict })
    }

    /// A command under a new key. A booking of the bank counts once, whoever reports it and under which key.
    fn directive(&mut self, directive: &Directive, arrived_at: Timestamp, digest: &Head) -> Result<Verdict, Error> {
        let booking = directive.bank_reference.as_ref().map(|reference| self.hash.command(BANK, reference));
        if let Some(booking) = booking
            && let Some(first) = self.first(booking)?
        {
            let answer = RejectionCode::ConflictingDuplicate;
            return Ok(Verdict { duplicate_of: Some(first.sequence), ..Verdict::new(EntryKind::Command, answer) });
        }
        let answer = self.perform(&directive.principal, directive.action.clone(), arrived_at)?;
        if let (Some(booking), true) = (booking, answer == AnswerCode::ACCEPTED) {
            self.remember(booking, answer, digest);
        }
        Ok(Verdict::new(EntryKind::Command, answer))
    }

    fn perform(
        &mut self,
        principal: &str,
        action: Result<Action, RejectionCode>,
        arrived_at: Timestamp,
    ) -> Result<AnswerCode, Error> {
        let context = Context { principal, sequence: self.next(), arrived_at, sha256 };
        let performed = match action {
            Err(code) => Err(code),
            Ok(Action::Unsupported) => Err(RejectionCode::CommandNotSupported),
            Ok(Action::Command(command)) => self.command(&command)?,
            Ok(Action::FeeOf(payment, command)) => {
                match command::check_fee_of(&self.payment(payment)?.unwrap_or_default(), &command) {
                    Ok(()) => self.command(&command)?,
                    Err(code) => Err(code),
                }
            }
            Ok(Action::Order(order)) => self.order(&order, &context)?,
            Ok(Action::Correct { payment, correction, currency, answers }) => {
                self.correct(payment, correction, currency, answers)?
            }
            Ok(Action::Complete(completion)) => return self.complete(&completion, &context),
            Ok(Action::LoadRulebook(text)) => self.load_rulebook(text),
        };
        Ok(performed.map_or_else(Into::into, |()| AnswerCode::ACCEPTED))
    }

    fn order(&mut self, order: &Order, context: &Context<'_>) -> Result<Result<(), RejectionCode>, Error> {
        let closes = order.closes(self.state.register());
        let checked = match closes {
            Some((closing, payment)) => clearing::check_closing(closing, &self.payment(payment)?.unwrap_or_default()),
            None => Ok(()),
        };
        let decided = checked.and_then(|()| clearing::decide(&self.state, order, context, &mut self.effects));
        Ok(decided.map(|change| self.fold(change)))
    }

    fn command(&mut self, command: &Command) -> Result<Result<(), RejectionCode>, Error> {
        match command::decide(&self.state, command, &mut self.effects) {
            Err(code) => Ok(Err(code)),
            Ok(change) => {
                self.fold(change);
                if let Command::CutOver { cycle, .. } = command {
                    self.look_at_waiting(cycle.number)?;
                }
                Ok(Ok(()))
            }
        }
    }

    /// After a close: every payment that waits for a silent network is looked at, in the order of ids.
    fn look_at_waiting(&mut self, closing: u32) -> Result<(), Error> {
        let mut ids = BTreeSet::new();
        for waiting in self.store.waiting() {
            ids.insert(waiting.map_err(Error::Store)?.0);
        }
        let in_memory = self.payments.iter().filter(|(_, held)| held.payment.waiting_since().is_some());
        ids.extend(in_memory.map(|(_, held)| held.id));
        for id in ids {
            let key = self.hash.payment(id);
            let standing = standing(&self.payments, self.store.as_ref(), key, id)?;
            let stored = standing.is_stored();
            if let Some(payment) = payment::overdue(&self.state, standing.payment(), closing, &mut self.effects) {
                self.payments.insert(key.0, Held { id, payment, stored });
            }
        }
        Ok(())
    }

    fn correct(
        &mut self,
        id: Id,
        correction: Correction,
        currency: Currency,
        answers: Id,
    ) -> Result<Result<(), RejectionCode>, Error> {
        let key = self.hash.payment(id);
        let standing = standing(&self.payments, self.store.as_ref(), key, id)?;
        let (stored, payment) = (standing.is_stored(), standing.payment());
        let checked = clearing::check_correction(self.state.register(), answers, (id, payment), correction, currency);
        if let Err(code) = checked {
            return Ok(Err(code));
        }
        Ok(match payment::correct(&self.state, payment, correction, &mut self.effects) {
            Err(code) => Err(code),
            Ok(payment) => {
                self.payments.insert(key.0, Held { id, payment, stored });
                self.fold(clearing::returned_to_transit(answers));
                Ok(())
            }
        })
    }

    /// T3a: judged like the report that the silent network would have sent.
    fn complete(&mut self, completion: &Completion, context: &Context<'_>) -> Result<AnswerCode, Error> {
        let key = self.hash.payment(completion.payment);
        let standing = standing(&self.payments, self.store.as_ref(), key, completion.payment)?;
        let terms = match clearing::check_completion(self.state.register(), completion, standing.payment()) {
            Ok(terms) => terms,
            Err(code) => return Ok(code.into()),
        };
        let report = completion.report(&terms, context.arrived_at, self.state.rules().current());
        let answer = self.report(&report)?;
        if answer == AnswerCode::ACCEPTED {
            self.effects.clear();
            self.fold(clearing::completed(completion, context));
        }
        Ok(answer)
    }

    fn load_rulebook(&mut self, text: Vec<u8>) -> Result<(), RejectionCode> {
        let rulebook = self.codec.rulebook(&text).map_err(|_| RejectionCode::RulebookInvalid)?;
        let command = Command::LoadRulebook(Box::new(rulebook));
        let change = command::decide(&self.state, &command, &mut self.effects)?;
        self.fold(change);
        self.rulebooks.push(text);
        self.assign_roles();
        Ok(())
    }

    // ---- blocks and runs ----

    /// The first entry of a log: the rulebook it begins with.
    pub(crate) fn log_rulebook(&mut self, now: Timestamp) -> Result<(), Error> {
        let text = self.rulebooks[0].clone();
        let entry = self.internal(&text, now);
        self.log_again(&entry)
    }

    /// Notes that the topic of a source was made anew: its offsets begin at 0 again.
    pub(crate) fn log_incarnation(&mut self, incarnation: &Incarnation, now: Timestamp) -> Result<(), Error> {
        let content = incarnation.encode();
        let entry = self.internal(&content, now);
        self.log_internal(&entry, &content)
    }

    fn internal<'a>(&self, content: &'a [u8], now: Timestamp) -> Entry<'a> {
        Entry {
            source: Entry::NO_SOURCE,
            offset: 0,
            arrived_at: now,
            kind: EntryKind::Internal,
            answer: AnswerCode::RECORDED,
            rulebook: self.state.rules().current().version,
            duplicate_of: None,
            principal: "",
            idempotency_key: "",
            key: &[],
            content: Content::Raw(content),
        }
    }

    /// An entry of the ledger's own behind the first rulebook: an incarnation.
    pub(crate) fn log_internal(&mut self, entry: &Entry<'_>, content: &[u8]) -> Result<(), Error> {
        self.log_again(entry)?;
        if self.sequence > Sequence(1) {
            let source = Incarnation::decode(content).map_err(Error::Format)?.source;
            self.block.skip_to(source, 0).map_err(Error::Block)?;
            self.positions[usize::from(source)] = 0;
        }
        Ok(())
    }

    /// An entry that changes nothing but the log: the first rulebook, a duplicate.
    pub(crate) fn log_again(&mut self, entry: &Entry<'_>) -> Result<(), Error> {
        self.log(entry, entry.content.digest())
    }

    /// The open block holds as much as one write should.
    pub(crate) const fn is_full(&self) -> bool {
        self.block.payload_length() >= BLOCK_BYTES_MAX
    }

    /// A payment as it stands after the last entry; `None` when nobody has named it.
    pub(crate) fn payment(&self, id: Id) -> Result<Option<Payment>, Error> {
        let standing = standing(&self.payments, self.store.as_ref(), self.hash.payment(id), id)?;
        Ok(match standing {
            Standing::InMemory(held) => Some(held.payment.clone()),
            Standing::Stored(payment) => Some(payment),
            Standing::Unknown(_) => None,
        })
    }

    pub(crate) const fn head(&self) -> Head {
        self.head
    }

    pub(crate) const fn sequence(&self) -> Sequence {
        self.sequence
    }

    /// Ends the open block, unless it is empty, and the run it completes.
    pub(crate) fn seal(&mut self, now: Timestamp, run_entries: u64) -> Option<SealedBlock> {
        if self.block.is_empty() {
            return None;
        }
        self.recorded_at = now.max(Timestamp::from_micros(self.recorded_at.micros().saturating_add(1)));
        let next = (self.next(), self.head);
        let (_, head_before) = std::mem::replace(&mut self.block_begin, next);
        let builder = std::mem::replace(&mut self.block, BlockBuilder::new(next.0, &self.positions));
        let snapshot = Arc::new(self.snapshot());
        let complete = self.sequence.0 - self.run_begin.sequence.0 >= run_entries;
        let run = complete.then(|| self.seal_run(Arc::clone(&snapshot)));
        Some(SealedBlock { builder, head_before, rows: self.rows.take(), snapshot, run })
    }

    fn seal_run(&mut self, end: Arc<Snapshot>) -> SealedRun {
        self.run += 1;
        SealedRun {
            number: self.run,
            begin: std::mem::replace(&mut self.run_begin, Arc::clone(&end)),
            end,
            rulebooks: self.rulebooks.clone(),
            ids: self.ids.freeze(self.run),
            payments: self.payments.freeze(self.run),
        }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot {
            sequence: self.sequence,
            head: self.head,
            recorded_at: self.recorded_at,
            positions: self.positions.clone(),
            state: self.state.clone(),
        }
    }

    /// The next offset wanted of every source.
    pub(crate) fn positions(&self) -> &[i64] {
        &self.positions
    }

    /// The store has every run up to this one.
    pub(crate) fn forget_flushed(&mut self, through: u32) {
        self.ids.flushed(through);
        self.payments.flushed(through);
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

fn standing<'a>(payments: &'a Memtable<Held>, store: &dyn Store, key: IdDigest, id: Id) -> Result<Standing<'a>, Error> {
    match payments.get(key.0) {
        Some(held) => Ok(Standing::InMemory(held)),
        None => Ok(match store.payment(id).map_err(Error::Store)? {
            Some(payment) => Standing::Stored(payment),
            None => Standing::Unknown(Payment::default()),
        }),
    }
}
