//! The shard: everything one thread does to one record, and nothing that waits for a disk it could avoid. It orders, knows
//! duplicates, asks the rules, folds what they decide, and extends the hash chain. It has no threads, no clock and no
//! random numbers; the same records give the same blocks, byte for byte, whatever the batch sizes were.
//!
//! Only this code writes the folds. A block is sealed when its events are applied, becomes durable elsewhere, and is
//! visible only after that.

use std::sync::Arc;

use domain::directive::Codec;
use domain::ids::{Id, Sequence};
use domain::journal::Effects;
use domain::payment::Payment;
use domain::rejection::Quarantine;
use domain::state::{Change, State, View};
use domain::time::Timestamp;
use faults::Mutant;
use sha2::{Digest, Sha256};
use store::Store;
use store::block::BlockBuilder;
use store::chain::{self, Head};
use store::entry::{AnswerCode, Content, Entry, EntryKind};
use store::incarnation::Incarnation;
use store::mark::EventIdRecord;

use crate::batch::Known;
use crate::error::Error;
use crate::input::Input;
use crate::intake::{Intake, Reading};
use crate::memtable::{self, Generation};
use crate::past::Past;
use crate::rows::Rows;
use crate::sealed::{Held, SealedBlock, SealedRun};
use crate::snapshot::Snapshot;

mod commands;
mod events;

/// A block is sealed before its time when it holds this many bytes: commands may be long.
const BLOCK_BYTES_MAX: usize = 8 << 20;

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
    intake: Intake,
    state: State,
    rulebooks: Vec<Vec<u8>>,
    sequence: Sequence,
    head: Head,
    positions: Vec<i64>,
    recorded_at: Timestamp,
    /// What changed since the last sealed run.
    ids: Generation<EventIdRecord>,
    payments: Generation<Held>,
    past: Past,
    rows: Rows,
    effects: Effects,
    block: BlockBuilder,
    /// The first sequence of the open block and the chain head before it.
    block_begin: (Sequence, Head),
    /// What stood at the end of the last sealed run.
    run_begin: Arc<Snapshot>,
}

impl Shard {
    /// A shard that stands at `begin`, the end of run `run`, under the rulebooks of these texts.
    pub(crate) fn new(
        store: Arc<dyn Store>,
        codec: Arc<dyn Codec>,
        begin: Snapshot,
        rulebooks: Vec<Vec<u8>>,
        run: u32,
    ) -> Self {
        let rules = begin.state.rules().current();
        Self {
            intake: Intake::new(codec, store.hash_key().clone(), store.genesis(), rules),
            store,
            state: begin.state.clone(),
            rulebooks,
            sequence: begin.sequence,
            head: begin.head,
            positions: begin.positions.clone(),
            recorded_at: begin.recorded_at,
            ids: Generation::with_capacity(0),
            payments: Generation::with_capacity(0),
            past: Past::new(run),
            rows: Rows::default(),
            effects: Effects::default(),
            block: BlockBuilder::new(Sequence(begin.sequence.0 + 1), &begin.positions),
            block_begin: (Sequence(begin.sequence.0 + 1), begin.head),
            run_begin: Arc::new(begin),
        }
    }

    /// Takes one record into the open block.
    ///
    /// # Errors
    /// Only when the store fails: whatever the record holds, it gets an answer.
    pub(crate) fn apply(&mut self, known: &Known<'_>) -> Result<(), Error> {
        if known.version != self.intake.version() && !faults::has(Mutant::OldRulesUsed) {
            // The rules have changed since it was read.
            return self.apply_with_key(&known.input, Some(known.input.key)).map(|_| ());
        }
        if self.is_in_log(&known.input) {
            return Ok(());
        }
        self.take(&known.input, known.digest, known.reading, Some(known)).map(|_| ())
    }

    /// As [`Shard::apply`] with nothing known; without a key for an entry of the log whose key was the payment id in it.
    pub(crate) fn apply_with_key(&mut self, input: &Input<'_>, key: Option<&[u8]>) -> Result<Applied, Error> {
        let reading = self.intake.read(input, key, self.state.rules().current())?;
        if self.is_in_log(input) {
            return Ok(Applied::Skipped);
        }
        let (sequence, answer) = self.take(input, Sha256::digest(input.raw).into(), &reading, None)?;
        Ok(Applied::Entry(sequence, answer))
    }

    /// Touches what the records are about to be looked up in, so that the processor waits for all of it at once.
    pub(crate) fn warm<'a>(&self, known: impl Iterator<Item = Known<'a>>) {
        let touched = known.fold(0_u64, |touched, known| match known.reading {
            Reading::Event(id, said) => {
                let id = self.ids.get(id.0).map_or(0, |record| record.sequence.0);
                let held = said.as_ref().ok().and_then(|said| self.payments.get(said.payment.0));
                touched ^ id ^ held.map_or(0, |held| u64::from(held.payment.booked_cycle))
            }
            Reading::Command | Reading::Unread(_) => touched,
        });
        std::hint::black_box(touched);
    }

    /// Sources begin where the ledger stands, and may begin a little before.
    fn is_in_log(&self, input: &Input<'_>) -> bool {
        self.positions.get(usize::from(input.source)).is_some_and(|position| input.offset < *position)
    }

    fn take(
        &mut self,
        input: &Input<'_>,
        digest: Head,
        reading: &Reading,
        known: Option<&Known<'_>>,
    ) -> Result<(Sequence, AnswerCode), Error> {
        if matches!(reading, Reading::Unread(_)) && faults::has(Mutant::QuarantineForgotten) {
            return Ok((self.sequence, AnswerCode::RECORDED));
        }
        let verdict = match reading {
            Reading::Command => self.control(input, &digest)?,
            Reading::Unread(code) => Verdict::quarantined(*code),
            Reading::Event(id, said) => self.event(*id, said, &digest, known)?,
        };
        self.write_down(input, digest, &verdict)?;
        Ok((self.sequence, verdict.answer))
    }

    const fn next(&self) -> Sequence {
        Sequence(self.sequence.0 + 1)
    }

    fn write_down(&mut self, input: &Input<'_>, digest: Head, verdict: &Verdict) -> Result<(), Error> {
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
        self.log(&entry, digest)
    }

    /// Appends an entry to the open block and the chain.
    fn log(&mut self, entry: &Entry<'_>, digest: Head) -> Result<(), Error> {
        self.sequence = self.block.push(entry).map_err(Error::Block)?;
        let moves = !faults::has(Mutant::PositionNotKept);
        if let Some(position) = self.positions.get_mut(usize::from(entry.source)).filter(|_| moves) {
            *position = entry.offset.saturating_add(1);
        }
        if self.sequence.0.is_multiple_of(64) && faults::has(Mutant::ChainLinkSkipped) {
            self.head = Head::default();
        }
        self.head = chain::next(&self.head, self.sequence.0, &entry.head_with(digest));
        Ok(())
    }

    fn fold(&mut self, change: Change) {
        let (first, sequence, rows) = (self.block_begin.0, self.next(), &mut self.rows);
        self.state.evolve_observed(&self.effects, change, |entry, cycle, posted| {
            rows.note(first, sequence, entry, cycle, posted);
        });
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

    /// A command that was not carried out when it was logged. Its key is taken all the same.
    pub(crate) fn log_unsupported(&mut self, entry: &Entry<'_>) -> Result<(), Error> {
        let id = self.intake.hash.command(entry.principal, entry.idempotency_key);
        let digest = entry.content.digest();
        self.remember(id, entry.answer, &digest);
        self.log(entry, digest)
    }

    /// An entry that changes nothing but the log: the first rulebook, a duplicate.
    pub(crate) fn log_again(&mut self, entry: &Entry<'_>) -> Result<(), Error> {
        self.log(entry, entry.content.digest())
    }

    /// The open block holds as much as one write should, or this many entries.
    pub(crate) fn is_full(&self, entries_max: usize) -> bool {
        let entries = usize::try_from(self.block.len()).unwrap_or(usize::MAX);
        entries >= entries_max || self.block.payload_length() >= BLOCK_BYTES_MAX
    }

    /// A payment as it stands after the last entry; `None` when nobody has named it.
    pub(crate) fn payment(&self, id: Id) -> Result<Option<Payment>, Error> {
        let standing = self.standing(self.intake.hash.payment(id), id)?;
        Ok(if standing.is_known { Some(standing.payment.into_owned()) } else { None })
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
        if faults::has(Mutant::RecordedTimeGoesBack) {
            self.recorded_at = now;
        }
        let next = (self.next(), self.head);
        let (_, head_before) = std::mem::replace(&mut self.block_begin, next);
        let builder = std::mem::replace(&mut self.block, BlockBuilder::new(next.0, &self.positions));
        let snapshot = Arc::new(self.snapshot());
        let complete = self.sequence.0 - self.run_begin.sequence.0 >= run_entries;
        let run = complete.then(|| self.seal_run(Arc::clone(&snapshot)));
        Some(SealedBlock { builder, head_before, rows: self.rows.take(), snapshot, run })
    }

    fn seal_run(&mut self, end: Arc<Snapshot>) -> SealedRun {
        let sealed = SealedRun {
            number: self.past.run + 1,
            begin: std::mem::replace(&mut self.run_begin, Arc::clone(&end)),
            end,
            rulebooks: self.rulebooks.clone(),
            ids: memtable::freeze(&mut self.ids),
            payments: memtable::freeze(&mut self.payments),
        };
        self.past.push(&sealed);
        sealed
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

    /// The store has every run up to this one; whether anything was let go.
    pub(crate) fn forget_flushed(&mut self, through: u32) -> bool {
        self.past.flushed(through)
    }

    /// What records are read with.
    pub(crate) const fn intake(&self) -> &Intake {
        &self.intake
    }

    /// Everything up to the end of the last sealed run.
    pub(crate) const fn past(&self) -> &Past {
        &self.past
    }
}
