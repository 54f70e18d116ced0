//! From memory into the store. A run is what a range of blocks did to the folds: event ids, payments touched, history rows,
//! and the state at its end. It is a function of those blocks alone, so flushing it twice is harmless; its mark is written
//! last and says that the blocks before it need not be replayed.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::cycle::{Cycle, CycleState};
use domain::ids::Sequence;
use domain::state::{State, View};
use faults::{Mutant, Point};
use store::cycle::CycleRecord;
use store::hash::IdDigest;
use store::history::EncodedRow;
use store::mark::Mark;
use store::run::{PaymentTable, Run};
use store::state::StateRecord;

use crate::error::Error;
use crate::sealed::SealedRun;
use crate::shared::Shared;

/// Writes a run and its mark; then nobody needs its memory any more.
pub(crate) fn flush(shared: &Shared, sealed: &SealedRun) -> Result<(), Error> {
    faults::pass(Point::RunSealed);
    let through = sealed.end.sequence;
    let mut payments = PaymentTable::default();
    let mut waiting = Vec::new();
    for (_, held) in sealed.payments.iter() {
        if held.id.0.is_multiple_of(64) && faults::has(Mutant::PaymentDropped) {
            continue;
        }
        payments.put(held.id, &held.payment, !held.stored);
        let since = held.payment.waiting_since();
        if (since.is_some() || held.stored) && !faults::has(Mutant::WaitingDropped) {
            waiting.push((held.id, since));
        }
    }
    let run = Run {
        mark: Mark { run: sealed.number, through, head: sealed.end.head, recorded_at: sealed.end.recorded_at },
        first: first(sealed),
        events: sealed.ids.iter().map(|(digest, record)| (IdDigest(*digest), *record)).collect(),
        payments,
        history: history(shared, sealed),
        waiting,
        cycles: moved_cycles(&sealed.begin.state, &sealed.end.state),
        state: state_record(&sealed.end.state, &sealed.rulebooks),
    };
    shared.store.ingest(&run).map_err(Error::Store)?;
    shared.run_flushed(sealed.number, through);
    faults::pass(Point::RunForgotten);
    tracing::debug!(run = sealed.number, through = through.0, payments = run.payments.len(), "run flushed");
    Ok(())
}

fn first(sealed: &SealedRun) -> Sequence {
    Sequence(sealed.begin.sequence.0 + 1)
}

/// The rows of the run's blocks, and for every account that has none in the first block one that says where it stood, so
/// that a read as of any sequence finds its row inside the run.
fn history(shared: &Shared, sealed: &SealedRun) -> Vec<EncodedRow> {
    let mut rows = shared.rows_through(sealed.end.sequence);
    let first = first(sealed);
    let opened: BTreeSet<_> = rows.iter().filter(|row| row.first() == first).map(EncodedRow::account).collect();
    let standing = sealed.begin.state.book().accounts().filter(|(account, _)| !opened.contains(account));
    rows.extend(standing.map(|(account, balance)| EncodedRow::new(account, first, balance)));
    rows
}

/// Cycles that were closed or moved on between two states.
fn moved_cycles(begin: &State, end: &State) -> Vec<CycleRecord> {
    let currencies = end.rules().current().currencies.iter().map(|rule| rule.currency);
    let moved = currencies.flat_map(|currency| {
        let before = begin.cycles(currency);
        let is_same =
            move |at: usize, cycle: &Arc<Cycle>| before.get(at).is_some_and(|before| Arc::ptr_eq(before, cycle));
        let closed = end.cycles(currency).iter().enumerate().filter(|(_, cycle)| cycle.state != CycleState::Open);
        let closed = closed.filter(|_| !faults::has(Mutant::CycleDropped));
        closed.filter(move |(at, cycle)| !is_same(*at, cycle)).map(|(_, cycle)| cycle_record(cycle))
    });
    moved.collect()
}

fn cycle_record(cycle: &Cycle) -> CycleRecord {
    let (state, flows, institutions) = (cycle.state.clone(), cycle.flows.clone(), cycle.all_institutions());
    CycleRecord { id: cycle.id, state, flows, advanced: cycle.advanced, institutions }
}

/// A cycle as the store keeps it, as the rules know it.
pub(crate) fn cycle(record: CycleRecord) -> Cycle {
    let institutions = record.institutions.into_iter().map(|((network, name), minor)| (network, name, minor));
    Cycle::restore(record.id, record.state, record.flows, record.advanced, institutions)
}

fn state_record(state: &State, rulebooks: &[Vec<u8>]) -> StateRecord {
    let currencies = state.rules().current().currencies.iter().map(|rule| rule.currency);
    StateRecord {
        rulebooks: rulebooks.to_vec(),
        accounts: state.book().accounts().collect(),
        cycles: currencies.flat_map(|currency| state.cycles(currency)).map(|cycle| cycle_record(cycle)).collect(),
        register: state.register().clone(),
    }
}
