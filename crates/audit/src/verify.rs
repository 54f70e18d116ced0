//! One pass over the log.

use std::collections::{BTreeMap, HashMap};

use domain::clearing::{self, Context, Order};
use domain::command::{self, Command};
use domain::cycle::CycleId;
use domain::directive::{Action, Codec, Completion};
use domain::ids::{Id, Sequence};
use domain::journal::Effects;
use domain::money::Currency;
use domain::payment::{self, Answer, Correction, Payment};
use domain::rejection::{Quarantine, RejectionCode};
use domain::report::Report;
use domain::state::{Change, State, View};
use store::block::BlockView;
use store::cycle::CycleRecord;
use store::entry::{AnswerCode, Content, Entry, EntryKind};
use store::error::FormatError;
use store::history::HistoryRow;
use store::incarnation::Incarnation;
use store::mark::Mark;
use store::{Store, StoreError};
use thiserror::Error;

use crate::chain;
use crate::compare::{self, Fault, Finding};
use crate::day::{Collector, Day};
use crate::fold::Books;

/// Why verifying could not be finished. That something is wrong in the books is a [`Finding`], not an error.
#[derive(Debug, Error)]
pub enum Error {
    /// The directory cannot be read.
    #[error("cannot read the data directory")]
    Store(#[from] StoreError),
    /// An entry of the log cannot be read.
    #[error("cannot read the log")]
    Format(#[from] FormatError),
    /// The log's own rulebook is not readable.
    #[error("the rulebook in the log cannot be read: {0}")]
    Rulebook(String),
}

/// How far the verifier is, after each block.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Entries read.
    pub through: Sequence,
    /// Entries there are.
    pub of: Sequence,
}

/// What was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Entries of the log; 0 for an empty one.
    pub entries: u64,
    /// The head of the chain.
    pub head: [u8; 32],
    /// Payments derived.
    pub payments: u64,
    /// Entries whose folds were compared: those of flushed runs. The others are derived, and have only their answers and
    /// hashes to be compared with.
    pub compared: u64,
    /// The first thing that is wrong.
    pub finding: Option<Finding>,
    /// What the log came to, whatever the order of its topics.
    pub day: Day,
}

/// Derives everything in `store` again and compares.
///
/// # Errors
/// When the directory cannot be read to its end.
pub fn verify(store: &dyn Store, codec: &dyn Codec, mut progress: impl FnMut(Progress)) -> Result<Verified, Error> {
    let of = store.tip().sequence;
    let head = chain::genesis(store.genesis());
    if of == Sequence(0) {
        return Ok(Verified { entries: 0, head, payments: 0, compared: 0, finding: None, day: Day::default() });
    }
    let mut auditor = Auditor::new(store, codec, head)?;
    for block in store.blocks(Sequence(1)) {
        let block = block?;
        auditor.block(&block)?;
        progress(Progress { through: auditor.sequence, of });
        if auditor.finding.is_some() {
            break;
        }
    }
    // Ids of events and their filters decide about what comes next and not about what was: they are not derived again.
    store.read_through()?;
    Ok(auditor.verified())
}

struct Auditor<'a> {
    store: &'a dyn Store,
    codec: &'a dyn Codec,
    state: State,
    payments: HashMap<Id, Payment>,
    /// What was first sent under a key: SHA-256 of the record.
    first: HashMap<Key, [u8; 32]>,
    books: Books,
    marks: BTreeMap<Sequence, Mark>,
    positions: Vec<i64>,
    sequence: Sequence,
    head: [u8; 32],
    /// SHA-256 of the record being looked at.
    record: [u8; 32],
    compared: u64,
    finding: Option<Finding>,
    effects: Effects,
    collector: Collector,
}

/// What makes two records the same one.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    Event(u16, Id),
    Command(String, String),
    BankReference(String),
}

impl<'a> Auditor<'a> {
    fn new(store: &'a dyn Store, codec: &'a dyn Codec, head: [u8; 32]) -> Result<Self, Error> {
        let block = store.block(Sequence(1))?;
        let entry = block.as_ref().and_then(|block| block.entries().next()).transpose()?;
        let text = entry.and_then(|(_, entry)| entry.content.raw()).unwrap_or_default();
        let rulebook = codec.rulebook(text).map_err(Error::Rulebook)?;
        let state = State::new(rulebook).map_err(|error| Error::Rulebook(error.to_string()))?;
        Ok(Self {
            store,
            codec,
            state,
            payments: HashMap::new(),
            first: HashMap::new(),
            books: Books::default(),
            marks: store.marks().into_iter().map(|mark| (mark.through, mark)).collect(),
            positions: vec![0; store.genesis().sources.len()],
            sequence: Sequence(0),
            head,
            record: [0; 32],
            compared: 0,
            finding: None,
            effects: Effects::default(),
            collector: Collector::default(),
        })
    }

    fn verified(self) -> Verified {
        let payments = u64::try_from(self.payments.len()).unwrap_or(u64::MAX);
        let (entries, head) = (self.sequence.0, self.head);
        let day = self.collector.finish(&self.state, &self.payments);
        Verified { entries, head, payments, compared: self.compared, finding: self.finding, day }
    }

    /// Keeps the first thing that is wrong.
    fn found(&mut self, sequence: Sequence, fault: Fault, place: String) {
        let later = self.finding.as_ref().is_some_and(|finding| finding.sequence <= sequence);
        if !later {
            self.finding = Some(Finding { sequence, fault, place });
        }
    }

    fn block(&mut self, block: &BlockView<'_>) -> Result<(), Error> {
        let first = block.head().first;
        if block.head().head_before != self.head || first != Sequence(self.sequence.0 + 1) {
            self.found(first, Fault::ChainBroken, String::new());
            return Ok(());
        }
        for entry in block.entries() {
            let (_, entry) = entry?;
            self.sequence = Sequence(self.sequence.0 + 1);
            self.record = chain::record(&entry);
            self.head = chain::next(self.head, self.sequence, &entry, self.record);
            self.offset(&entry);
            self.entry(first, &entry)?;
        }
        if block.head().head_after != self.head {
            self.found(first, Fault::ChainBroken, String::new());
        }
        match self.marks.get(&self.sequence).copied() {
            Some(mark) => self.run(&mark),
            None => Ok(()),
        }
    }

    fn offset(&mut self, entry: &Entry<'_>) {
        if let Some(position) = self.positions.get_mut(usize::from(entry.source)) {
            let rises = entry.offset >= *position;
            *position = entry.offset.saturating_add(1);
            if !rises {
                self.found(self.sequence, Fault::Offset, String::new());
            }
        }
    }

    // ---- one entry ----

    fn entry(&mut self, block: Sequence, entry: &Entry<'_>) -> Result<(), Error> {
        let Content::Raw(raw) = entry.content else {
            let known = entry.duplicate_of.is_some_and(|first| first < self.sequence);
            if entry.answer != AnswerCode::DUPLICATE || !known {
                self.answered(entry, AnswerCode::DUPLICATE);
            }
            return Ok(());
        };
        let derived = match entry.kind {
            EntryKind::Internal => self.internal(raw)?,
            // What an older version could not carry out has changed nothing, but its key is taken.
            EntryKind::Command if entry.answer == RejectionCode::CommandNotSupported.into() => {
                let key = Key::Command(entry.principal.to_owned(), entry.idempotency_key.to_owned());
                self.repeated(key).unwrap_or(entry.answer)
            }
            EntryKind::Command => self.command(block, raw, entry)?,
            EntryKind::Quarantined if self.is_control(entry) => entry.answer,
            EntryKind::PaymentEvent | EntryKind::Quarantined => self.event(block, raw, entry),
        };
        if !self.is_control(entry) {
            self.collector.answered(entry.source, self.record, derived);
        }
        if derived != entry.answer {
            self.answered(entry, derived);
        }
        Ok(())
    }

    fn is_control(&self, entry: &Entry<'_>) -> bool {
        let source = self.store.genesis().sources.get(usize::from(entry.source));
        source.is_some_and(|source| !source.topic.starts_with("payments."))
    }

    fn answered(&mut self, entry: &Entry<'_>, derived: AnswerCode) {
        let (recorded, derived) = (answer_name(entry.answer), answer_name(derived));
        self.found(self.sequence, Fault::Answer { recorded, derived }, String::new());
    }

    /// The answer to a key seen before, `None` for a new one.
    fn repeated(&mut self, key: Key) -> Option<AnswerCode> {
        match self.first.get(&key) {
            Some(first) if *first == self.record => Some(AnswerCode::DUPLICATE),
            Some(_) => Some(RejectionCode::ConflictingDuplicate.into()),
            None => {
                self.first.insert(key, self.record);
                None
            }
        }
    }

    fn event(&mut self, block: Sequence, raw: &[u8], entry: &Entry<'_>) -> AnswerCode {
        let topic = self.store.genesis().sources.get(usize::from(entry.source)).map(|source| source.topic.as_str());
        let name = topic.and_then(|topic| topic.strip_prefix("payments."));
        let Some(of_topic) = name.and_then(|name| self.state.rules().current().network(name)) else {
            return Quarantine::UnknownNetworkNamed.into();
        };
        // What the door refused before looking inside is taken as recorded: it changes nothing.
        let at_the_door = [Quarantine::RecordTooLong, Quarantine::KeyMismatch];
        if entry.answer.quarantine().is_some_and(|code| at_the_door.contains(&code)) {
            return entry.answer;
        }
        let submission = match self.codec.event(raw) {
            Ok(submission) => submission,
            Err(quarantine) => return quarantine.into(),
        };
        let Some(event) = Id::from_bytes(submission.event_id) else {
            let empty = submission.event_id.is_empty();
            return if empty { Quarantine::MissingField } else { Quarantine::InvalidField }.into();
        };
        if let Some(answer) = self.repeated(Key::Event(entry.source, event)) {
            return answer;
        }
        match Report::new(&submission, entry.arrived_at, self.state.rules().current()) {
            Err(quarantine) => quarantine.into(),
            Ok(report) if of_topic != report.network => Quarantine::WrongReporter.into(),
            Ok(report) => self.report(block, &report),
        }
    }

    fn report(&mut self, block: Sequence, report: &Report) -> AnswerCode {
        let payment = self.payments.remove(&report.payment).unwrap_or_default();
        let decision = payment::decide(&self.state, &payment, report, self.sequence, &mut self.effects);
        let next = decision.payment.unwrap_or(payment);
        if next != Payment::default() {
            self.payments.insert(report.payment, next);
        }
        self.book(block, Change::None);
        if !matches!(decision.answer, Answer::Rejected(_)) {
            self.collector.taken(report);
        }
        match decision.answer {
            Answer::Accepted => AnswerCode::ACCEPTED,
            Answer::WaitingForOriginal => AnswerCode::WAITING_FOR_ORIGINAL,
            Answer::Rejected(rejection) => rejection.code().into(),
        }
    }

    fn book(&mut self, block: Sequence, change: Change) {
        for entry in &self.effects.entries {
            let cycle = self.state.open_cycle(entry.debit.currency());
            self.books.book(block, self.sequence, cycle, entry);
        }
        self.state.evolve(&self.effects, change);
    }

    fn command(&mut self, block: Sequence, raw: &[u8], entry: &Entry<'_>) -> Result<AnswerCode, Error> {
        let directive = match self.codec.command(raw, self.state.rules().current()) {
            Ok(directive) => directive,
            Err(quarantine) => return Ok(quarantine.into()),
        };
        let principal = directive.principal.clone();
        let key = Key::Command(directive.principal, directive.idempotency_key);
        if let Some(answer) = self.repeated(key) {
            return Ok(answer);
        }
        let booking = directive.bank_reference.map(Key::BankReference);
        if booking.as_ref().is_some_and(|booking| self.first.contains_key(booking)) {
            return Ok(RejectionCode::ConflictingDuplicate.into());
        }
        let performed = match directive.action {
            Err(code) => Err(code),
            Ok(Action::Unsupported) => Err(RejectionCode::CommandNotSupported),
            Ok(Action::Command(command)) => self.perform(block, &command),
            Ok(Action::FeeOf(payment, command)) => {
                let payment = self.payments.get(&payment).cloned().unwrap_or_default();
                command::check_fee_of(&payment, &command).and_then(|()| self.perform(block, &command))
            }
            Ok(Action::Order(order)) => self.order(block, &order, &self.context(&principal, entry)),
            Ok(Action::Complete(completion)) => {
                return Ok(self.complete(block, &completion, &self.context(&principal, entry)));
            }
            Ok(Action::LoadRulebook(text)) => match self.codec.rulebook(&text) {
                Ok(rulebook) => self.perform(block, &Command::LoadRulebook(Box::new(rulebook))),
                Err(_) => Err(RejectionCode::RulebookInvalid),
            },
            Ok(Action::Correct { payment, correction, currency, answers }) => {
                self.correct(block, (payment, correction, currency), answers)
            }
        };
        if let (Some(booking), Ok(())) = (booking, performed) {
            self.first.insert(booking, self.record);
        }
        Ok(performed.map_or_else(AnswerCode::from, |()| AnswerCode::ACCEPTED))
    }

    fn correct(
        &mut self,
        block: Sequence,
        (id, correction, currency): (Id, Correction, Currency),
        answers: Id,
    ) -> Result<(), RejectionCode> {
        let payment = self.payments.get(&id).cloned().unwrap_or_default();
        clearing::check_correction(self.state.register(), answers, (id, &payment), correction, currency)?;
        let next = payment::correct(&self.state, &payment, correction, &mut self.effects)?;
        self.payments.insert(id, next);
        self.book(block, clearing::returned_to_transit(answers));
        Ok(())
    }

    fn context<'p>(&self, principal: &'p str, entry: &Entry<'_>) -> Context<'p> {
        Context { principal, sequence: self.sequence, arrived_at: entry.arrived_at, sha256: chain::sha256 }
    }

    fn order(&mut self, block: Sequence, order: &Order, context: &Context<'_>) -> Result<(), RejectionCode> {
        if let Some((closing, payment)) = order.closes(self.state.register()) {
            let payment = self.payments.get(&payment).cloned().unwrap_or_default();
            clearing::check_closing(closing, &payment)?;
        }
        let change = clearing::decide(&self.state, order, context, &mut self.effects)?;
        self.book(block, change);
        Ok(())
    }

    /// The first entry is the first rulebook; one behind it says that a topic was made anew.
    fn internal(&mut self, raw: &[u8]) -> Result<AnswerCode, Error> {
        if self.sequence > Sequence(1) {
            let source = Incarnation::decode(raw)?.source;
            if let Some(position) = self.positions.get_mut(usize::from(source)) {
                *position = 0;
            }
        }
        Ok(AnswerCode::RECORDED)
    }

    fn complete(&mut self, block: Sequence, completion: &Completion, context: &Context<'_>) -> AnswerCode {
        let payment = self.payments.get(&completion.payment).cloned().unwrap_or_default();
        let terms = match clearing::check_completion(self.state.register(), completion, &payment) {
            Ok(terms) => terms,
            Err(code) => return code.into(),
        };
        let report = completion.report(&terms, context.arrived_at, self.state.rules().current());
        let answer = self.report(block, &report);
        if answer == AnswerCode::ACCEPTED {
            self.effects.clear();
            self.book(block, clearing::completed(completion, context));
        }
        answer
    }

    fn perform(&mut self, block: Sequence, command: &Command) -> Result<(), RejectionCode> {
        let change = command::decide(&self.state, command, &mut self.effects)?;
        self.book(block, change);
        if let Command::CutOver { cycle, .. } = command {
            for payment in self.payments.values_mut().filter(|payment| payment.waiting_since().is_some()) {
                if let Some(next) = payment::overdue(&self.state, payment, cycle.number, &mut self.effects) {
                    *payment = next;
                }
            }
        }
        Ok(())
    }

    // ---- one run ----

    /// Compares what the ledger flushed with what was derived, and begins the next run.
    fn run(&mut self, mark: &Mark) -> Result<(), Error> {
        self.compare_rows(mark.run)?;
        if self.store.mark().is_some_and(|last| last.run == mark.run) {
            self.compare_state()?;
            self.compare_payments()?;
        }
        self.compared = self.sequence.0;
        self.books.begin_run(Sequence(self.sequence.0 + 1));
        Ok(())
    }

    fn compare_rows(&mut self, run: u32) -> Result<(), Error> {
        let mut derived = std::mem::take(&mut self.books.rows);
        let mut faults = Vec::new();
        for stored in self.store.rows(run) {
            let stored = stored?;
            let expected = derived.remove(&(stored.account, stored.first));
            let (account, first) = (stored.account, stored.first);
            let empty = || HistoryRow { account, first, before: stored.before, postings: Vec::new() };
            if let Some((sequence, fault)) = compare::rows(&stored, &expected.unwrap_or_else(empty)) {
                faults.push((sequence, fault, account));
            }
        }
        let missing = derived.into_values().map(|row| {
            let sequence = row.postings.first().map_or(row.first, |posting| posting.sequence);
            (sequence, Fault::PostingMissing, row.account)
        });
        faults.extend(missing);
        for (sequence, fault, account) in faults {
            let place = account.name(|network| self.state.rules().current().network_name(network));
            self.found(sequence, fault, place);
        }
        Ok(())
    }

    fn compare_state(&mut self) -> Result<(), Error> {
        let Some(record) = self.store.state()? else { return Ok(()) };
        let stored: BTreeMap<_, _> = record.accounts.into_iter().collect();
        let accounts = self.books.balances.keys().chain(stored.keys()).copied();
        let wrong: Vec<_> =
            accounts.filter(|account| self.books.balances.get(account) != stored.get(account)).collect();
        for account in wrong {
            let place = account.name(|network| self.state.rules().current().network_name(network));
            self.found(self.sequence, Fault::Balance, place);
        }
        if record.register != *self.state.register() {
            self.found(self.sequence, Fault::Register, String::new());
        }
        for CycleId { currency, number } in self.wrong_cycles(record.cycles) {
            self.found(self.sequence, Fault::Cycle, format!("{currency} {number}"));
        }
        Ok(())
    }

    /// Cycles that are kept otherwise than derived, not kept, or kept though there are none.
    fn wrong_cycles(&self, kept: Vec<CycleRecord>) -> Vec<CycleId> {
        let mut kept: BTreeMap<CycleId, CycleRecord> = kept.into_iter().map(|cycle| (cycle.id, cycle)).collect();
        let mut wrong = Vec::new();
        for rule in &self.state.rules().current().currencies {
            for cycle in self.state.cycles(rule.currency) {
                let derived = CycleRecord {
                    id: cycle.id,
                    state: cycle.state.clone(),
                    flows: self.books.flows.get(&cycle.id).cloned().unwrap_or_default(),
                    advanced: cycle.advanced,
                    institutions: cycle.all_institutions(),
                };
                wrong.extend((kept.remove(&cycle.id) != Some(derived)).then_some(cycle.id));
            }
        }
        wrong.extend(kept.into_keys());
        wrong
    }

    fn compare_payments(&mut self) -> Result<(), Error> {
        let mut stored_count = 0_usize;
        let mut wrong = Vec::new();
        for stored in self.store.payments() {
            let (id, payment) = stored?;
            stored_count += 1;
            if self.payments.get(&id) != Some(&payment) {
                wrong.push(id);
            }
        }
        if stored_count < self.payments.len() {
            for id in self.payments.keys() {
                if self.store.payment(*id)?.is_none() {
                    wrong.push(*id);
                }
            }
        }
        for id in wrong {
            self.found(self.sequence, Fault::Payment, id.to_string());
        }
        Ok(())
    }
}

fn answer_name(answer: AnswerCode) -> String {
    let named = [
        (AnswerCode::ACCEPTED, "ACCEPTED"),
        (AnswerCode::WAITING_FOR_ORIGINAL, "WAITING_FOR_ORIGINAL"),
        (AnswerCode::DUPLICATE, "DUPLICATE"),
        (AnswerCode::RECORDED, "RECORDED"),
    ];
    let known = named.into_iter().find(|(code, _)| *code == answer).map(|(_, name)| name);
    let known = known
        .or_else(|| answer.rejection().map(RejectionCode::name))
        .or_else(|| answer.quarantine().map(Quarantine::name));
    known.map_or_else(|| answer.0.to_string(), str::to_owned)
}
