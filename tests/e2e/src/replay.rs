//! Records of a day or of a finished log, fed to a ledger in memory: what they come to without a broker, in blocks of any
//! size.

use std::sync::Arc;
use std::time::Duration;

use domain::cycle::Cycle;
use domain::ids::Sequence;
use domain::state::View;
use domain::time::Timestamp;
use ledger::{Clock, Input, Ledger, Options, Polled, Snapshot, Source, SourceError};
use store::genesis::Genesis;
use store::hash::HashKey;
use store::{MemoryStore, Store};

use crate::codec;

/// A record as its topic has it.
#[derive(Clone, Debug)]
pub struct Record {
    /// Which topic, by its place in the genesis.
    pub source: u16,
    /// Where in it.
    pub offset: i64,
    /// When it was put there.
    pub arrived_at: Timestamp,
    /// Its key.
    pub key: Vec<u8>,
    /// Its value.
    pub value: Vec<u8>,
}

impl Record {
    /// Every record that a log has taken, as its topic had it.
    ///
    /// # Panics
    /// When the log cannot be read.
    #[must_use]
    pub fn of_log(store: &dyn Store) -> Vec<Self> {
        let mut values: Vec<Vec<u8>> = Vec::new();
        let mut records = Vec::new();
        for block in store.blocks(Sequence(1)) {
            for entry in block.expect("a block").entries() {
                let (_, entry) = entry.expect("readable");
                let first = || {
                    let first = entry.duplicate_of.expect("only a duplicate's content is elsewhere");
                    values[usize::try_from(first.0 - 1).expect("a test's log is short")].clone()
                };
                let value = entry.content.raw().map_or_else(first, <[u8]>::to_vec);
                if entry.source != store::entry::Entry::NO_SOURCE {
                    let (source, offset, arrived_at) = (entry.source, entry.offset, entry.arrived_at);
                    let key = if entry.key.is_empty() { payment(&value) } else { entry.key.to_vec() };
                    records.push(Self { source, offset, arrived_at, key, value: value.clone() });
                }
                values.push(value);
            }
        }
        records
    }
}

/// The key that a log leaves out because the record says it.
fn payment(value: &[u8]) -> Vec<u8> {
    wire::event::decode(value).map(|event| event.payment_id.to_vec()).unwrap_or_default()
}

/// Where and how records are taken.
pub struct Replay {
    /// The ledger that they make begins with this.
    pub genesis: Genesis,
    /// The time of the ledger's own first entry.
    pub began: Timestamp,
    /// Entries of a block, at most.
    pub block_entries_max: usize,
    /// Entries of a run, at least.
    pub run_entries: u64,
}

impl Replay {
    /// In the blocks of a service, and otherwise as the ledger of this store began, so that the same records make the same
    /// chain.
    ///
    /// # Panics
    /// When the log is empty or cannot be read.
    #[must_use]
    pub fn of(store: &dyn Store) -> Self {
        let block = store.block(Sequence(1)).expect("a read").expect("a block");
        let (_, first) = block.entries().next().expect("an entry").expect("readable");
        let Options { block_entries_max, run_entries, .. } = Options::default();
        Self { genesis: store.genesis().clone(), began: first.arrived_at, block_entries_max, run_entries }
    }

    /// Feeds the records to a new ledger; where it then stands, and its store.
    ///
    /// # Panics
    /// When the ledger stops.
    #[must_use]
    pub fn run(self, records: Vec<Record>) -> (Arc<Snapshot>, Arc<MemoryStore>) {
        let Self { genesis, began, block_entries_max, run_entries } = self;
        let store = Arc::new(MemoryStore::new(&genesis, HashKey::random()).expect("an empty store"));
        let options = Options { block_entries_max, run_entries, ..Options::default() };
        let (clock, rulebook) = (Box::new(Still(began)), rulebook::DEFAULT.as_bytes());
        let ledger = Ledger::open(Arc::clone(&store) as _, Box::new(codec()), clock, rulebook, options);
        let ledger = ledger.expect("a new ledger");
        let handle = ledger.handle();
        let feed = Feed(records.into_iter());
        ledger.start(Box::new(feed)).expect("threads").wait().expect("an undisturbed run");
        (handle.snapshot(), store)
    }
}

/// A clock that stands still, so that the first entry is that of another ledger; the ledger itself moves it on.
struct Still(Timestamp);

impl Clock for Still {
    fn now(&self) -> Timestamp {
        self.0
    }
}

struct Feed(std::vec::IntoIter<Record>);

impl Source for Feed {
    fn poll(&mut self, max: usize, _: Duration, take: &mut dyn FnMut(Input<'_>)) -> Result<Polled, SourceError> {
        for Record { source, offset, arrived_at, key, value } in self.0.by_ref().take(max) {
            take(Input { source, offset, arrived_at, key: &key, raw: &value });
        }
        Ok(if self.0.len() == 0 { Polled::Ended } else { Polled::Open })
    }
}

/// Everything that a ledger keeps at one sequence number, as text: the chain, positions, balances, cycles, the register.
#[must_use]
pub fn figures(snapshot: &Snapshot) -> String {
    let Snapshot { sequence, head, positions, state, .. } = snapshot;
    let currencies = state.rules().current().currencies.iter().map(|rule| rule.currency);
    let cycles = currencies.flat_map(|currency| state.cycles(currency)).map(|cycle| {
        let Cycle { id, state, flows, advanced, .. } = cycle.as_ref();
        (id, state, flows, advanced, cycle.all_institutions())
    });
    let cycles: Vec<_> = cycles.collect();
    let accounts: Vec<_> = state.book().accounts().collect();
    let register = state.register();
    format!("{sequence} {head:?} {positions:?}\n{accounts:#?}\n{cycles:#?}\n{register:#?}")
}
