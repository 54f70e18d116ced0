//! Everything the ledger knows beside single payments: rules, balances, cycles. Payments are asked about it through
//! [`View`] and change it only by what they book; operator's commands are in [`crate::command`]. Folding cannot fail: what
//! was decided always applies.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::account::{Account, Class};
use crate::book::{Balance, Book};
use crate::clearing::{Record, Register};
use crate::cycle::{Cycle, CycleId, CycleState};
use crate::ids::Network;
use crate::journal::{Effects, Entry};
use crate::money::Currency;
use crate::rulebook::{Rulebook, RulebookError, Rules};

/// What judging a payment needs to know.
pub trait View {
    /// Every rulebook version loaded.
    fn rules(&self) -> &Rules;
    /// The number of the cycle that obligations of this currency are booked in now.
    fn open_cycle(&self, currency: Currency) -> u32;
    /// What a network owes or may come to owe, minor units.
    fn exposure(&self, network: Network, currency: Currency) -> i128;
    /// The most its exposure may become: the lower of its net debit cap (zero while a pending cycle names it) and its
    /// liquidity with the agreed cover, minor units.
    fn exposure_limit(&self, network: Network, currency: Currency) -> i128;
    /// Whether the money of a cycle has moved.
    fn is_settled(&self, cycle: CycleId) -> bool;
}

/// The state that all payments share. A copy is cheap: rules and closed cycles are shared, the open ones are copied when
/// the next entry is booked.
#[derive(Clone, Debug)]
pub struct State {
    rules: Rules,
    book: Book,
    cycles: BTreeMap<Currency, Vec<Arc<Cycle>>>,
    register: Arc<Register>,
}

/// What a command changes beside the book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing.
    None,
    /// The open cycle closes and the next one opens.
    CycleClosed(CycleId),
    /// The register is written, and a cycle may move on.
    Registered {
        /// In order.
        records: Vec<Record>,
        /// Where a cycle goes.
        cycle: Option<(CycleId, CycleState)>,
    },
    /// A rulebook version is added; it was validated.
    RulebookLoaded(Box<Rulebook>),
}

impl Change {
    /// The register is written and nothing else.
    pub(crate) const fn registered(records: Vec<Record>) -> Self {
        Self::Registered { records, cycle: None }
    }
}

impl State {
    /// A ledger before its first event: cycle 1 of every currency is open.
    ///
    /// # Errors
    /// When `first` is not a valid first version.
    pub fn new(first: Rulebook) -> Result<Self, RulebookError> {
        let mut state = Self {
            rules: Rules::new(first)?,
            book: Book::default(),
            cycles: BTreeMap::new(),
            register: Arc::default(),
        };
        state.open_first_cycles();
        Ok(state)
    }

    /// The state that stood when its parts were taken down: every rulebook version, the book, the cycles of every currency,
    /// oldest first, and the register.
    ///
    /// # Errors
    /// When a rulebook version may not follow the one before.
    pub fn restore(
        versions: impl IntoIterator<Item = Rulebook>,
        book: Book,
        cycles: impl IntoIterator<Item = Cycle>,
        register: Register,
    ) -> Result<Self, RulebookError> {
        let mut versions = versions.into_iter();
        let first = versions.next().ok_or(RulebookError::Invalid("there is no rulebook"))?;
        let mut rules = Rules::new(first)?;
        versions.try_for_each(|version| rules.load(version))?;
        let mut state = Self { rules, book, cycles: BTreeMap::new(), register: Arc::new(register) };
        for cycle in cycles {
            state.cycles.entry(cycle.id.currency).or_default().push(Arc::new(cycle));
        }
        state.open_first_cycles();
        Ok(state)
    }

    /// Folds what one event decided.
    pub fn evolve(&mut self, effects: &Effects, change: Change) {
        self.evolve_observed(effects, change, |_, _, _| {});
    }

    /// As [`State::evolve`]; `observe` sees every entry with the number of the cycle it is booked in, and the places and
    /// former balances of its debit and credit account.
    pub fn evolve_observed(
        &mut self,
        effects: &Effects,
        change: Change,
        mut observe: impl FnMut(&Entry, u32, [(usize, Balance); 2]),
    ) {
        for entry in &effects.entries {
            let posted = self.book.post(entry);
            let cycles = self.cycles.get_mut(&entry.debit.currency());
            let open = cycles.and_then(|cycles| cycles.last_mut()).expect("every currency has an open cycle");
            observe(entry, open.id.number, posted);
            Arc::make_mut(open).fold(entry, effects.dimensions.as_ref());
        }
        match change {
            Change::None => {}
            Change::CycleClosed(id) => {
                self.move_cycle(id, CycleState::Closed);
                let next = Cycle::open(CycleId { number: id.number + 1, ..id });
                self.cycles.entry(id.currency).or_default().push(Arc::new(next));
            }
            Change::Registered { records, cycle } => {
                let register = Arc::make_mut(&mut self.register);
                records.into_iter().for_each(|record| register.fold(record));
                if let Some((id, next)) = cycle {
                    self.move_cycle(id, next);
                }
            }
            Change::RulebookLoaded(rulebook) => {
                self.rules.load(*rulebook).expect("validated when it was decided");
                self.open_first_cycles();
            }
        }
    }

    fn open_first_cycles(&mut self) {
        for rule in &self.rules.current().currencies {
            let first = CycleId { currency: rule.currency, number: 1 };
            self.cycles.entry(rule.currency).or_insert_with(|| vec![Arc::new(Cycle::open(first))]);
        }
    }

    fn move_cycle(&mut self, id: CycleId, next: CycleState) {
        let cycle = self.cycles.get_mut(&id.currency).and_then(|cycles| cycles.get_mut(index_of(id)?));
        let cycle = cycle.expect("decided about a cycle that exists");
        assert!(cycle.state.may_become(&next), "{id:?} cannot go from {} to {}", cycle.state.word(), next.word());
        Arc::make_mut(cycle).state = next;
    }

    /// All balances.
    #[must_use]
    pub const fn book(&self) -> &Book {
        &self.book
    }

    /// Settlements, files and breaks.
    #[must_use]
    pub fn register(&self) -> &Register {
        &self.register
    }

    /// One cycle.
    #[must_use]
    pub fn cycle(&self, id: CycleId) -> Option<&Cycle> {
        self.cycles.get(&id.currency)?.get(index_of(id)?).map(Arc::as_ref)
    }

    /// The cycles of a currency, oldest first; the last one is open.
    #[must_use]
    pub fn cycles(&self, currency: Currency) -> &[Arc<Cycle>] {
        self.cycles.get(&currency).map_or(&[], Vec::as_slice)
    }

    /// What a network's settlement balance and the agreed cover allow it to owe, the cap aside.
    pub(crate) fn covered(&self, network: Network, currency: Currency) -> i128 {
        let liquidity = self.book.standing(Account::of_network(Class::Liquidity, network, currency));
        let rule = self.rules.current().networks.get(network.index());
        liquidity + rule.and_then(|rule| limit_of(&rule.agreed_covers, currency)).unwrap_or(0)
    }

    /// Whether a pending cycle names this network.
    fn is_blocked(&self, network: Network, currency: Currency) -> bool {
        let mut cycles = self.cycles(currency).iter();
        cycles.any(|cycle| matches!(&cycle.state, CycleState::Pending { debtors } if debtors.contains(&network)))
    }
}

fn limit_of(limits: &[(Currency, i64)], currency: Currency) -> Option<i128> {
    limits.iter().find(|(of, _)| *of == currency).map(|(_, minor)| i128::from(*minor))
}

fn index_of(id: CycleId) -> Option<usize> {
    usize::try_from(id.number).ok()?.checked_sub(1)
}

impl View for State {
    fn rules(&self) -> &Rules {
        &self.rules
    }

    fn open_cycle(&self, currency: Currency) -> u32 {
        self.cycles(currency).last().map_or(0, |cycle| cycle.id.number)
    }

    fn exposure(&self, network: Network, currency: Currency) -> i128 {
        self.book.exposure(network, currency)
    }

    fn exposure_limit(&self, network: Network, currency: Currency) -> i128 {
        let Some(rule) = self.rules.current().networks.get(network.index()) else { return 0 };
        let cap = if self.is_blocked(network, currency) { Some(0) } else { limit_of(&rule.net_debit_caps, currency) };
        let covered = self.covered(network, currency);
        cap.map_or(covered, |cap| cap.min(covered))
    }

    fn is_settled(&self, cycle: CycleId) -> bool {
        self.cycle(cycle).is_some_and(|cycle| cycle.state == CycleState::Settled)
    }
}
