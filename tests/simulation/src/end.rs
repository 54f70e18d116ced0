//! What must agree when a seed is over: the verifier, every fold, and a ledger that was given the same records in the same
//! order and was never disturbed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use domain::cycle::CycleState;
use domain::ids::Id;
use domain::payment::Payment;
use domain::state::View;
use domain::time::Timestamp;
use ledger::{Clock, Input, Ledger, Options, Polled, Source, SourceError, Step};
use store::{MemoryStore, Store};

use crate::broker::Record;
use crate::oracle::{Broken, Checked, Oracle, check};
use crate::rules::Version;
use crate::world::{codec, genesis, hash_key, story};

/// Checks everything.
///
/// # Errors
/// What does not agree.
pub(crate) fn agrees(oracle: &Oracle, store: &Arc<store::Engine<crate::disk::Disk>>) -> Checked {
    payments(oracle, store.as_ref())?;
    cycles(oracle, store.as_ref())?;
    let day = verified(oracle, store.as_ref())?;
    let undisturbed = undisturbed(oracle)?;
    check(undisturbed.tip().head == oracle.head(), || "an undisturbed ledger has another chain".to_owned())?;
    let other = verified(oracle, &undisturbed)?;
    check(day == other, || "an undisturbed ledger has another day".to_owned())?;
    let same = accounts(store.as_ref())? == accounts(&undisturbed)?;
    check(same, || "an undisturbed ledger has other balances".to_owned())?;
    oracle.model.check_invariants();
    Ok(())
}

fn unreadable(error: &dyn std::error::Error) -> Broken {
    Broken(format!("the store is not readable in the end: {}", story(error)))
}

/// The store's payments are the model's.
fn payments(oracle: &Oracle, store: &dyn Store) -> Checked {
    let mut found = BTreeMap::new();
    for payment in store.payments() {
        let (id, payment) = payment.map_err(|error| unreadable(&error))?;
        found.insert(id, payment);
    }
    let of_model = oracle.model.payments.iter().filter(|(_, payment)| **payment != Payment::default());
    let differs: Option<&Id> = of_model.clone().find(|(id, right)| found.get(id) != Some(right)).map(|(id, _)| id);
    check(differs.is_none(), || format!("payment {differs:?} is not as the model has it"))?;
    check(found.len() == of_model.count(), || "the store has payments that nobody has named".to_owned())
}

/// The store's closed cycles are the model's.
fn cycles(oracle: &Oracle, store: &dyn Store) -> Checked {
    let state = &oracle.model.state;
    let currencies = state.rules().current().currencies.iter();
    let all = currencies.flat_map(|rule| state.cycles(rule.currency));
    let closed = all.filter(|cycle| cycle.state != CycleState::Open).count();
    let mut found = 0;
    for record in store.cycles() {
        let record = record.map_err(|error| unreadable(&error))?;
        let right = state.cycle(record.id).map(|cycle| (&cycle.state, &cycle.flows, cycle.advanced));
        let same = right == Some((&record.state, &record.flows, record.advanced));
        check(same, || format!("cycle {:?} is not as the model has it", record.id))?;
        found += 1;
    }
    check(found == closed, || format!("the store has {found} closed cycles, the model {closed}"))
}

/// The verifier finds nothing, and comes to the same head.
fn verified(oracle: &Oracle, store: &dyn Store) -> Result<audit::Day, Broken> {
    let verified = audit::verify(store, &codec(), |_| {}).map_err(|error| unreadable(&error))?;
    if let Some(finding) = verified.finding {
        return Err(Broken(format!("the verifier finds: {finding}")));
    }
    check(verified.head == oracle.head(), || "the verifier comes to another head".to_owned())?;
    Ok(verified.day)
}

type Accounts = Vec<(domain::account::Account, domain::book::Balance)>;

fn accounts(store: &dyn Store) -> Result<Accounts, Broken> {
    let state = store.state().map_err(|error| unreadable(&error))?;
    Ok(state.map(|record| record.accounts).unwrap_or_default())
}

/// A ledger on a sound disk that is given the same records in the order of the log.
fn undisturbed(oracle: &Oracle) -> Result<MemoryStore, Broken> {
    let store = MemoryStore::new(&genesis(), hash_key()).map_err(|error| unreadable(&error))?;
    let store = Arc::new(store);
    let shared = Arc::clone(&store) as Arc<dyn Store>;
    // Every block ends a run, so that every fold is in the store in the end.
    let options = Options { block_entries_max: 97, run_entries: 1, patience: Duration::ZERO };
    let rulebook = Version::FIRST.text();
    let failed = |error: ledger::Error| Broken(format!("an undisturbed ledger stops: {}", story(&error)));
    let ledger = Ledger::open(shared, Box::new(codec()), Box::new(Still(oracle.begun)), rulebook.as_bytes(), options)
        .map_err(failed)?;
    let mut steps = ledger.steps(Box::new(InOrder { log: oracle.log.clone(), at: 0 }));
    while let Some(step) = Step::ALL.into_iter().find(|step| steps.is_ready(*step)) {
        steps.step(step).map_err(failed)?;
    }
    drop(steps);
    Arc::into_inner(store).ok_or_else(|| Broken("somebody still has the undisturbed ledger".to_owned()))
}

/// It is always the same moment; the ledger's own rule makes times rise.
struct Still(Timestamp);

impl Clock for Still {
    fn now(&self) -> Timestamp {
        self.0
    }
}

/// A source without liberties.
struct InOrder {
    log: Vec<(usize, Record)>,
    at: usize,
}

impl Source for InOrder {
    fn poll(&mut self, max: usize, _: Duration, take: &mut dyn FnMut(Input<'_>)) -> Result<Polled, SourceError> {
        let until = self.log.len().min(self.at + max);
        for (topic, Record { offset, arrived_at, key, raw }) in &self.log[self.at..until] {
            let source = u16::try_from(*topic).expect("a handful of topics");
            take(Input { source, offset: *offset, arrived_at: *arrived_at, key, raw });
        }
        self.at = until;
        Ok(if until == self.log.len() { Polled::Ended } else { Polled::Open })
    }
}
