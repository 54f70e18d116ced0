//! Balances. An account's balance is two totals that only grow, debits and credits; what it stands at is their difference.
//! Only [`Book::post`] changes it. Accounts get a handle in the order of their first posting, so two builds that replay one
//! log agree on the handles, and the few hot accounts of the networks cost an array access each.
//!
//! The exposure of a network (invariant 13) is kept beside: what it owes in the open cycle, in closed unpaid ones, in holds
//! and in both transit memos.

use std::sync::Arc;

use crate::account::{Account, Class, Grows};
use crate::ids::Network;
use crate::journal::Entry;
use crate::money::Currency;

/// Both growing totals of one account, in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// Sum of all debits.
    pub debits: i128,
    /// Sum of all credits.
    pub credits: i128,
}

impl Balance {
    /// What the account stands at, counted on the side it grows on.
    #[must_use]
    pub const fn standing(self, grows: Grows) -> i128 {
        match grows {
            Grows::WithDebits => self.debits - self.credits,
            Grows::WithCredits => self.credits - self.debits,
        }
    }
}

const OWNERS: usize = 68;
const NO_HANDLE: u32 = u32::MAX;

/// All accounts with their balances.
#[derive(Clone, Debug, Default)]
pub struct Book {
    accounts: Vec<Account>,
    balances: Vec<Balance>,
    currencies: Vec<CurrencyBook>,
}

/// Handles by class and owners, and exposures by network, of one currency.
#[derive(Clone, Debug)]
struct CurrencyBook {
    currency: Currency,
    /// Shared between copies of the book: it changes only when an account is opened.
    handles: Arc<Vec<u32>>,
    exposures: [i128; Network::COUNT_MAX],
}

impl Book {
    /// Applies one entry and says where its debit and its credit account stand and what they were before it.
    pub fn post(&mut self, entry: &Entry) -> [(usize, Balance); 2] {
        let debit = self.side(entry.debit, entry.minor, |balance| &mut balance.debits, 1);
        let credit = self.side(entry.credit, entry.minor, |balance| &mut balance.credits, -1);
        [debit, credit]
    }

    fn side(
        &mut self,
        account: Account,
        minor: i128,
        total: impl Fn(&mut Balance) -> &mut i128,
        direction: i128,
    ) -> (usize, Balance) {
        let handle = self.open(account);
        let before = self.balances[handle];
        *total(&mut self.balances[handle]) += minor;
        if let (true, Some(owner)) = (counts_as_exposure(account.class()), account.owner()) {
            let at = self.currency_index(account.currency());
            self.currencies[at].exposures[owner.index()] += minor * direction;
        }
        (handle, before)
    }

    fn open(&mut self, account: Account) -> usize {
        let at = self.currency_index(account.currency());
        let handles = &mut self.currencies[at].handles;
        if handles[slot(account)] == NO_HANDLE {
            let handle = u32::try_from(self.accounts.len()).expect("fewer accounts than slots");
            Arc::make_mut(handles)[slot(account)] = handle;
            self.accounts.push(account);
            self.balances.push(Balance::default());
        }
        usize::try_from(handles[slot(account)]).expect("a handle is an index")
    }

    fn currency_index(&mut self, currency: Currency) -> usize {
        let known = self.currencies.iter().position(|book| book.currency == currency);
        known.unwrap_or_else(|| {
            let handles = vec![NO_HANDLE; (Class::ALL.len() + 1) * OWNERS * OWNERS];
            let handles = Arc::new(handles);
            self.currencies.push(CurrencyBook { currency, handles, exposures: [0; Network::COUNT_MAX] });
            self.currencies.len() - 1
        })
    }

    /// The book that stood when `accounts` were taken down, in the order of their handles.
    #[must_use]
    pub fn restore(accounts: impl IntoIterator<Item = (Account, Balance)>) -> Self {
        let mut book = Self::default();
        for (account, balance) in accounts {
            book.side(account, balance.debits, |balance| &mut balance.debits, 1);
            book.side(account, balance.credits, |balance| &mut balance.credits, -1);
        }
        book
    }

    /// Where an account stands in [`Book::accounts`]; `None` for one that nothing was posted to.
    #[must_use]
    pub fn handle(&self, account: Account) -> Option<usize> {
        let book = self.currencies.iter().find(|book| book.currency == account.currency())?;
        usize::try_from(book.handles[slot(account)]).ok().filter(|handle| *handle < self.accounts.len())
    }

    /// Both totals of an account; zero for one that nothing was posted to.
    #[must_use]
    pub fn balance(&self, account: Account) -> Balance {
        self.handle(account).map_or_else(Balance::default, |handle| self.balances[handle])
    }

    /// What an account stands at, counted on the side it grows on.
    #[must_use]
    pub fn standing(&self, account: Account) -> i128 {
        self.balance(account).standing(account.class().grows())
    }

    /// What a network owes or may come to owe, minor units; negative when it is owed.
    #[must_use]
    pub fn exposure(&self, network: Network, currency: Currency) -> i128 {
        let book = self.currencies.iter().find(|book| book.currency == currency);
        book.map_or(0, |book| book.exposures[network.index()])
    }

    /// Every account that was ever posted to, in the order of its handle.
    pub fn accounts(&self) -> impl Iterator<Item = (Account, Balance)> + '_ {
        self.accounts.iter().copied().zip(self.balances.iter().copied())
    }
}

const fn counts_as_exposure(class: Class) -> bool {
    matches!(class, Class::Position | Class::Receivable | Class::Hold | Class::TransitPayer | Class::TransitPayee)
}

fn slot(account: Account) -> usize {
    let [class, owner, against, ..] = account.to_bytes();
    let compact =
        |byte: u8| if usize::from(byte) < Network::COUNT_MAX { usize::from(byte) } else { 64 + usize::from(byte % 4) };
    (usize::from(class) * OWNERS + compact(owner)) * OWNERS + compact(against)
}
