//! The rulebook: which networks exist, who may pay whom, at what fee, up to which exposure, and when a day ends. It is data
//! with versions. A payment is judged by the version in force when its first sequenced request happened, so that a replay
//! gives the same verdict. Rows inside a version are dated too: of the rows for one payer network, payee network and
//! channel the latest that has begun counts, and before the first one the corridor is closed.

use std::collections::BTreeSet;
use std::sync::Arc;

use thiserror::Error;

use crate::ids::{Name, Network, Party};
use crate::money::{Currency, Rate};
use crate::time::{BusinessDay, Calendar, Timestamp};

/// A network as the rulebook names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkRule {
    /// The identifier, for example `unionpay`.
    pub name: Name,
    /// When its business day ends, for matching its bill files.
    pub business_day: BusinessDay,
    /// The most it may owe at any moment, in minor units a currency; a currency without a row has no cap of its own.
    pub net_debit_caps: Vec<(Currency, i64)>,
    /// Cover agreed on top of its settlement balance, in minor units a currency.
    pub agreed_covers: Vec<(Currency, i64)>,
}

/// A currency in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CurrencyRule {
    /// ISO 4217.
    pub currency: Currency,
    /// Decimals of its minor unit.
    pub exponent: u32,
    /// The network whose cut-over message closes the settlement cycle of this currency.
    pub cut_over_network: Network,
}

/// A rate of the amount with an optional most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fee {
    /// Of the captured amount, rounded half up.
    pub rate: Rate,
    /// At most this many minor units a payment.
    pub cap: Option<i64>,
}

impl Fee {
    /// The fee of `minor`.
    #[must_use]
    pub fn of(&self, minor: i64) -> i64 {
        let fee = self.rate.of(minor);
        self.cap.map_or(fee, |cap| fee.min(cap))
    }
}

/// What a capture costs: interchange from the payee's network to the payer's, and a network fee to each side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FeeRule {
    /// 发卡行服务费, from the payee side to the payer side.
    pub interchange: Fee,
    /// 网络服务费 of the payer's network.
    pub payer: Fee,
    /// 网络服务费 of the payee's network.
    pub payee: Fee,
}

/// Whether a corridor takes payments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    Open,
    /// Only the cohorts and regions named.
    Pilot {
        /// Groups of users by name.
        cohorts: BTreeSet<Name>,
        /// Places by name.
        regions: BTreeSet<Name>,
    },
    /// Nobody.
    Closed,
}

/// One dated row of the matrix: payments of one direction, through one channel or outside all channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Corridor {
    /// Whose user pays.
    pub payer: Network,
    /// Whose user or merchant is paid.
    pub payee: Network,
    /// The channel, for example `taobao`; [`Name::NONE`] for payments outside channels.
    pub channel: Name,
    /// The row counts from here on.
    pub effective_from: Timestamp,
    /// Who may pay.
    pub access: Access,
    /// What it costs.
    pub fees: FeeRule,
}

/// One version of the whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rulebook {
    /// Rises by one with every version loaded; the first is 1.
    pub version: u32,
    /// Judges payments that happened from here on.
    pub effective_from: Timestamp,
    /// Every network; the position is its [`Network`].
    pub networks: Vec<NetworkRule>,
    /// Every currency.
    pub currencies: Vec<CurrencyRule>,
    /// The matrix, in any order.
    pub corridors: Vec<Corridor>,
    /// Closings after which a missing leg is a break (2: at the close of the cycle after the first leg's).
    pub transit_limit: u32,
    /// An event that happened longer ago than this many microseconds before its arrival is quarantined.
    pub event_age_max: i64,
    /// An event that lies more than this many microseconds after its arrival is quarantined.
    pub event_ahead_max: i64,
    /// Working days of the settlement bank.
    pub calendar: Calendar,
}

/// Why a rulebook is refused; the reader of rulebook files adds the line.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RulebookError {
    /// Versions are loaded one after the other.
    #[error("version is {found}, the next one is {expected}")]
    Version {
        /// In the file.
        found: u32,
        /// The one after the last loaded.
        expected: u32,
    },
    /// A payment that was already judged would be judged differently.
    #[error("takes effect before the version it follows")]
    EffectiveBeforePrevious,
    /// The numbers of networks are in the log.
    #[error("network {0:?} of the version before is missing or moved")]
    NetworkMoved(Name),
    /// Accounts of that currency hold money.
    #[error("currency {0} of the version before is missing or has other decimals")]
    CurrencyChanged(Currency),
    /// A value outside its range, in words.
    #[error("{0}")]
    Invalid(&'static str),
}

impl Rulebook {
    /// The network of that name.
    #[must_use]
    pub fn network(&self, name: &str) -> Option<Network> {
        let index = self.networks.iter().position(|rule| rule.name.as_str() == name)?;
        Network::from_index(index)
    }

    /// The name of a network; `"unknown"` for a number that this version does not have.
    #[must_use]
    pub fn network_name(&self, network: Network) -> &str {
        self.networks.get(network.index()).map_or("unknown", |rule| rule.name.as_str())
    }

    /// What a party of a net is called.
    #[must_use]
    pub fn party_name(&self, party: Party) -> &str {
        match party {
            Party::Network(network) => self.network_name(network),
            Party::Operator => "operator",
            Party::Escrow => "escrow",
        }
    }

    /// Every network in order.
    pub fn networks(&self) -> impl Iterator<Item = Network> + '_ {
        (0..self.networks.len()).filter_map(Network::from_index)
    }

    /// The rule of a currency.
    #[must_use]
    pub fn currency(&self, currency: Currency) -> Option<&CurrencyRule> {
        self.currencies.iter().find(|rule| rule.currency == currency)
    }

    /// The row that counts at `at`, and its position in [`Rulebook::corridors`].
    #[must_use]
    pub fn corridor(&self, payer: Network, payee: Network, channel: Name, at: Timestamp) -> Option<(u16, &Corridor)> {
        let begun = self.corridors.iter().enumerate().filter(|(_, row)| {
            row.payer == payer && row.payee == payee && row.channel == channel && row.effective_from <= at
        });
        let (index, row) = begun.max_by_key(|(index, row)| (row.effective_from, *index))?;
        Some((u16::try_from(index).expect("validated: at most 65,535 rows"), row))
    }

    /// Checks what the types cannot say, and that `self` may follow `previous`.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn validate(&self, previous: Option<&Self>) -> Result<(), RulebookError> {
        use RulebookError::Invalid;
        let expected = previous.map_or(1, |p| p.version.saturating_add(1));
        if self.version != expected {
            return Err(RulebookError::Version { found: self.version, expected });
        }
        if self.networks.is_empty() || self.networks.len() > Network::COUNT_MAX {
            return Err(Invalid("a rulebook has between 1 and 64 networks"));
        }
        if self.currencies.is_empty() || self.currencies.iter().any(|c| c.exponent > 4) {
            return Err(Invalid("a rulebook has at least one currency, with at most 4 decimals"));
        }
        let names: BTreeSet<Name> = self.networks.iter().map(|network| network.name).collect();
        let codes: BTreeSet<Currency> = self.currencies.iter().map(|rule| rule.currency).collect();
        if names.len() != self.networks.len() || codes.len() != self.currencies.len() {
            return Err(Invalid("a network or a currency is named twice"));
        }
        if names.contains(&Name::NONE) {
            return Err(Invalid("a network has no name"));
        }
        if self.corridors.len() > usize::from(u16::MAX) {
            return Err(Invalid("a rulebook has at most 65,535 corridor rows"));
        }
        if self.corridors.iter().any(|row| row.payer == row.payee) {
            return Err(Invalid("a corridor joins two different networks"));
        }
        let exists = |network: Network| network.index() < self.networks.len();
        if !self.corridors.iter().all(|row| exists(row.payer) && exists(row.payee))
            || !self.currencies.iter().all(|rule| exists(rule.cut_over_network))
        {
            return Err(Invalid("a corridor or a cut-over names a network without an entry"));
        }
        let fees = |row: &Corridor| [row.fees.interchange, row.fees.payer, row.fees.payee];
        if self.corridors.iter().flat_map(fees).any(|fee| fee.cap.is_some_and(|cap| cap < 0)) {
            return Err(Invalid("the cap of a fee is negative"));
        }
        let limits =
            self.networks.iter().flat_map(|network| network.net_debit_caps.iter().chain(&network.agreed_covers));
        if limits.clone().any(|(currency, minor)| *minor < 0 || !codes.contains(currency)) {
            return Err(Invalid("a cap or a cover is negative or of a currency without a row"));
        }
        if self.transit_limit == 0 || self.event_age_max <= 0 || self.event_ahead_max < 0 {
            return Err(Invalid("transit_limit and event_age_max are above zero, event_ahead_max is not negative"));
        }
        previous.map_or(Ok(()), |previous| self.follows(previous))
    }

    fn follows(&self, previous: &Self) -> Result<(), RulebookError> {
        if self.effective_from < previous.effective_from {
            return Err(RulebookError::EffectiveBeforePrevious);
        }
        for (before, after) in
            previous.networks.iter().zip(self.networks.iter().map(Some).chain(std::iter::repeat(None)))
        {
            if after.is_none_or(|after| after.name != before.name) {
                return Err(RulebookError::NetworkMoved(before.name));
            }
        }
        for before in &previous.currencies {
            if self.currency(before.currency).is_none_or(|after| after.exponent != before.exponent) {
                return Err(RulebookError::CurrencyChanged(before.currency));
            }
        }
        Ok(())
    }
}

/// Every version loaded so far, in order. There is always at least one.
#[derive(Clone, Debug)]
pub struct Rules {
    versions: Vec<Arc<Rulebook>>,
}

impl Rules {
    /// Begins with the first version.
    ///
    /// # Errors
    /// When it is not valid as a first version.
    pub fn new(first: Rulebook) -> Result<Self, RulebookError> {
        first.validate(None)?;
        Ok(Self { versions: vec![Arc::new(first)] })
    }

    /// Adds the next version; on an error nothing has changed.
    ///
    /// # Errors
    /// When it may not follow the last one.
    pub fn load(&mut self, next: Rulebook) -> Result<(), RulebookError> {
        next.validate(Some(self.current()))?;
        self.versions.push(Arc::new(next));
        Ok(())
    }

    /// The last version loaded: what commands and names go by.
    #[must_use]
    pub fn current(&self) -> &Rulebook {
        self.versions.last().expect("a rulebook is there from the first event on")
    }

    /// The version that judges what happened at `at`; before the first one begins, the first.
    #[must_use]
    pub fn in_force(&self, at: Timestamp) -> &Rulebook {
        let judging = self.versions.iter().rev().find(|version| version.effective_from <= at);
        judging.unwrap_or(&self.versions[0])
    }

    /// A version by number.
    #[must_use]
    pub fn version(&self, number: u32) -> Option<&Rulebook> {
        self.versions.get(usize::try_from(number).ok()?.checked_sub(1)?).map(Arc::as_ref)
    }
}
