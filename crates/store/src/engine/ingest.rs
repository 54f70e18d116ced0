//! Making a run part of the folds: sort, write four tables, the one with the mark last.

use super::*;
use crate::tables::Sink;

impl<T: Tables> Engine<T> {
    pub(super) fn ingest_run(&self, run: &Run) -> Result<(), StoreError> {
        let _writing = self.writing(&self.ingesting)?;
        let folds = self.folds();
        if folds.marks.last() == Some(&run.mark) {
            return Ok(());
        }
        self.check_run(&folds, run)?;
        let added = self.write_run(&folds, run).map_err(|source| {
            self.stop();
            StoreError::Ingest { run: run.mark.run, source }
        })?;
        faults::pass(Point::RunMarked);
        *self.folds.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(added);
        Ok(())
    }

    /// A run follows the one before, and its blocks are in the log.
    fn check_run(&self, folds: &Folds, run: &Run) -> Result<(), StoreError> {
        let (last, before) = folds.marks.last().map_or((0, Sequence(0)), |mark| (mark.run, mark.through));
        let (expected, found) = (last + 1, run.mark.run);
        if found != expected {
            return Err(StoreError::RunNotNext { expected, found });
        }
        let block = self.block_at(run.mark.through)?;
        let is_of_log = run.first.0 == before.0 + 1
            && block.is_some_and(|(_, head)| start::ends_at(&head, &run.mark) && head.last() >= run.first);
        if is_of_log { Ok(()) } else { Err(StoreError::RunNotOfThisLog { run: found, through: run.mark.through }) }
    }

    fn write_run(&self, folds: &Folds, run: &Run) -> Result<Folds, TableError> {
        let events: Vec<u64> = run.events.iter().map(|(digest, _)| digest.for_filter()).collect();
        let payments: Vec<u64> = run.payments.new_ids().map(|id| self.hash_key.payment(id).for_filter()).collect();
        let added = folds.segments.with_run(run.mark.run, &events, &payments);
        if faults::has(Mutant::MarkBeforeIds) {
            self.tables.ingest(Family::Current, "early", &mut |sink| put_current(run, sink))?;
        }
        self.write_folds_of_run(run, &added)?;
        let name = run.mark.run.to_string();
        self.tables.ingest(Family::Current, &name, &mut |sink| put_current(run, sink))?;
        let marks = folds.marks.iter().copied().chain([run.mark]).collect();
        Ok(Folds { marks, segments: added.segments })
    }

    /// The tables that lie under the run's number. They may be left behind by a crash: nobody sees them without a mark.
    pub(super) fn write_folds_of_run(&self, run: &Run, added: &crate::segments::Added) -> Result<(), TableError> {
        let name = run.mark.run.to_string();
        self.tables.ingest(Family::EventIds, &name, &mut |sink| put_events(run, sink))?;
        self.tables.ingest(Family::History, &name, &mut |sink| put_history(run, sink))?;
        self.tables.ingest(Family::Filters, &name, &mut |sink| {
            added.rows.iter().try_for_each(|(key, value)| match value {
                Some(value) => sink.put(key, value),
                None => sink.delete(key),
            })
        })
    }
}

fn put_events(run: &Run, sink: &mut dyn Sink) -> Result<(), TableError> {
    // Sorted whole: to follow an order through records that lie elsewhere would miss the cache with every one.
    let mut events = run.events.clone();
    events.sort_unstable_by_key(|(digest, _)| *digest);
    let mut value = Vec::new();
    events.into_iter().try_for_each(|(digest, record)| {
        value.clear();
        record.encode_into(&mut value);
        sink.put(&event_key(run.mark.run, digest), &value)
    })
}

fn put_history(run: &Run, sink: &mut dyn Sink) -> Result<(), TableError> {
    let mut rows: Vec<_> = run.history.iter().map(|row| (row.key(run.mark.run), row)).collect();
    rows.sort_unstable_by_key(|(key, _)| *key);
    rows.into_iter().try_for_each(|(key, row)| sink.put(&key, row.value()))
}

/// In the order of the letters.
fn put_current(run: &Run, sink: &mut dyn Sink) -> Result<(), TableError> {
    let mark = run.mark.encode();
    sink.put(&[letter::MARK], &mark)?;
    run.payments.sorted().try_for_each(|(id, record)| sink.put(&id_key(letter::PAYMENT, id), record))?;
    sink.put(&run_key(run.mark.run), &mark)?;
    sink.put(&[letter::STATE], &run.state.encode())?;
    let mut waiting = run.waiting.clone();
    waiting.sort_unstable();
    waiting.into_iter().try_for_each(|(id, since)| {
        let key = id_key(letter::WAITING, id);
        match since {
            Some(since) => sink.put(&key, &waiting_value(since)),
            None => sink.delete(&key),
        }
    })?;
    let mut cycles: Vec<_> = run.cycles.iter().map(|cycle| (cycle_key(cycle.id), cycle)).collect();
    cycles.sort_unstable_by_key(|(key, _)| *key);
    cycles.into_iter().try_for_each(|(key, cycle)| sink.put(&key, &cycle.encode()))
}

fn run_key(run: u32) -> [u8; 5] {
    let [a, b, c, d] = run.to_be_bytes();
    [letter::RUN, a, b, c, d]
}

#[cfg(test)]
mod tests {
    use domain::ids::Network;

    use super::*;
    use crate::genesis::Source;
    use crate::memory::MemoryStore;
    use crate::run::PaymentTable;
    use crate::{block::BlockBuilder, block::Seal, chain, entry};

    fn genesis() -> Genesis {
        let source = Source { topic: "payments.unionpay".to_owned(), topic_id: String::new(), partitions: 1 };
        Genesis { cluster: "test".to_owned(), shard: 0, sources: vec![source] }
    }

    fn log_of_one_block() -> MemoryStore {
        let store = MemoryStore::new(&genesis(), HashKey::new([7; 16])).expect("a genesis");
        append(&store);
        store
    }

    /// A block of one entry.
    fn append(store: &MemoryStore) {
        let tip = store.tip();
        let first = Sequence(tip.sequence.0 + 1);
        let entry = entry::Entry {
            source: 0,
            offset: tip.positions[0],
            arrived_at: Timestamp::from_micros(1),
            kind: entry::EntryKind::PaymentEvent,
            answer: entry::AnswerCode::ACCEPTED,
            rulebook: 1,
            duplicate_of: None,
            principal: "",
            idempotency_key: "",
            key: &[],
            content: entry::Content::Raw(b"report"),
        };
        let mut builder = BlockBuilder::new(first, &tip.positions);
        builder.push(&entry).expect("it fits");
        let (head_before, mut block) = (tip.head, Vec::new());
        let head_after = chain::next(&head_before, first.0, &entry.head());
        let seal = Seal { recorded_at: entry.arrived_at, head_before, head_after };
        builder.seal(&seal, &mut block).expect("it has an entry");
        store.append(&block).expect("it follows");
    }

    fn run_with_event(store: &MemoryStore, event: Id) -> Run {
        let tip = store.tip();
        let digest = store.hash_key.event(Network::from_index(0).expect("a network"), event);
        let answer = entry::AnswerCode::ACCEPTED;
        let mut payments = PaymentTable::default();
        payments.put(event, &Payment::default(), true);
        Run {
            mark: Mark { run: 1, through: tip.sequence, head: tip.head, recorded_at: tip.recorded_at },
            first: Sequence(1),
            events: vec![(digest, EventIdRecord { sequence: Sequence(1), answer, content: [0; 16] })],
            payments,
            history: Vec::new(),
            waiting: Vec::new(),
            cycles: Vec::new(),
            state: StateRecord::default(),
        }
    }

    #[test]
    fn a_run_that_a_crash_cut_off_before_its_mark_is_not_seen_and_can_be_made_again() {
        let store = log_of_one_block();
        let run = run_with_event(&store, Id(1));
        let events: Vec<u64> = run.events.iter().map(|(digest, _)| digest.for_filter()).collect();
        let added = store.folds().segments.with_run(1, &events, &[]);
        store.write_folds_of_run(&run, &added).expect("in memory");

        let store = MemoryStore::open(store.into_tables(), &genesis(), HashKey::random()).expect("it opens");
        assert_eq!((store.mark(), store.state().expect("read")), (None, None));
        let digest = run.events[0].0;
        assert_eq!(store.find_event(digest).expect("read"), None);
        assert_eq!(store.payment(Id(1)).expect("read"), None);
        store.ingest(&run).expect("ingested");
        assert_eq!(store.find_event(digest).expect("read"), Some(run.events[0].1));
        assert_eq!(store.payment(Id(1)).expect("read"), Some(Payment::default()));
    }
    /// How long a run is may change with the program that comes back after a crash.
    #[test]
    fn what_a_longer_run_left_behind_is_not_seen_in_the_shorter_one_that_takes_its_number() {
        let store = log_of_one_block();
        let short = run_with_event(&store, Id(1));
        append(&store);
        let account = Account::of_operator(domain::account::Class::OwnFunds, domain::money::CNY);
        let row = |first| history::EncodedRow::new(account, Sequence(first), domain::book::Balance::default());
        let mut long = run_with_event(&store, Id(1));
        long.history = vec![row(1), row(2)];
        let added = store.folds().segments.with_run(1, &[], &[]);
        store.write_folds_of_run(&long, &added).expect("in memory");

        let store = MemoryStore::open(store.into_tables(), &genesis(), HashKey::random()).expect("it opens");
        store.ingest(&Run { history: vec![row(1)], ..short }).expect("ingested");
        assert_eq!(Store::rows(&store, 1).count(), 1);
        assert_eq!(store.account_rows(account, Sequence(1), Sequence(9)).count(), 1);
    }
}
