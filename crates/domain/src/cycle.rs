//! Settlement cycles. A cycle belongs to the clearing house, one sequence of them a currency, and every obligation lies in
//! exactly one: the one that was open when it was booked. A business date belongs to a network and serves only to match
//! its bills.
//!
//! States: OPEN -> CLOSED -> PROPOSED -> APPROVED -> SETTLING -> SETTLED, and PENDING on the way to and back from SETTLING
//! when a debtor is short or its instruction is refused. There is no way back and no abort after approval; a net is never taken
//! apart because one participant fails. (CLOSING is the moment between a cut-over message and the answers of all shards; a
//! single shard passes it within one event.)

use std::collections::{BTreeMap, HashMap};

use crate::account::Class;
use crate::ids::{Name, Network, Party};
use crate::journal::{Dimensions, Entry};
use crate::money::Currency;

/// A cycle by currency and number, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CycleId {
    /// What it settles in.
    pub currency: Currency,
    /// Rises by one with every close.
    pub number: u32,
}

/// Where a cycle stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CycleState {
    /// Obligations are booked in it.
    Open,
    /// Its nets are final figures; nobody has asked for money yet.
    Closed,
    /// Somebody proposed to settle it.
    Proposed,
    /// Somebody else approved; from here it only goes on.
    Approved,
    /// Instructions are out.
    Settling,
    /// These debtors were short or refused; their cap is zero until no pending cycle names them.
    Pending {
        /// In rulebook order.
        debtors: Vec<Network>,
    },
    /// Money has moved: final.
    Settled,
}

impl CycleState {
    /// The word, as in the rulebook.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Open => "OPEN",
            Self::Closed => "CLOSED",
            Self::Proposed => "PROPOSED",
            Self::Approved => "APPROVED",
            Self::Settling => "SETTLING",
            Self::Pending { .. } => "PENDING",
            Self::Settled => "SETTLED",
        }
    }

    /// Whether a cycle may go from `self` to `next`.
    #[must_use]
    pub const fn may_become(&self, next: &Self) -> bool {
        matches!(
            (self, next),
            (Self::Open, Self::Closed)
                | (Self::Closed, Self::Proposed)
                | (Self::Proposed, Self::Approved)
                | (Self::Approved | Self::Pending { .. }, Self::Settling | Self::Pending { .. })
                | (Self::Settling, Self::Pending { .. } | Self::Settled)
                // Nobody owes anybody anything.
                | (Self::Approved, Self::Settled)
        )
    }
}

/// What flowed from one party to another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    /// Entries.
    pub count: u64,
    /// Minor units.
    pub minor: i128,
}

/// Gross obligations by debtor and creditor.
pub type Flows = BTreeMap<(Party, Party), Flow>;

/// One cycle. Its positions are kept as they arise, not computed when somebody asks.
#[derive(Clone, Debug)]
pub struct Cycle {
    /// Which.
    pub id: CycleId,
    /// Where it stands.
    pub state: CycleState,
    /// Who owes whom, gross.
    pub flows: Flows,
    /// Advanced from the operator's own funds (J12), minor units: leaves with this cycle's settlement.
    pub advanced: i128,
    institutions: HashMap<(Network, Name), i128>,
}

impl Cycle {
    /// An open cycle without obligations.
    #[must_use]
    pub fn open(id: CycleId) -> Self {
        let (flows, institutions) = (Flows::new(), HashMap::new());
        Self { id, state: CycleState::Open, flows, advanced: 0, institutions }
    }

    /// Folds one entry booked in this cycle.
    pub fn fold(&mut self, entry: &Entry, dimensions: Option<&Dimensions>) {
        if let (Some(debtor), Some(creditor)) = (entry.debit.party(), entry.credit.party())
            && debtor != creditor
        {
            let flow = self.flows.entry((debtor, creditor)).or_default();
            flow.count += 1;
            flow.minor += entry.minor;
        }
        if entry.debit.class() == Class::SuspenseShort {
            self.advanced += entry.minor;
        }
        if let Some(dimensions) = dimensions {
            for (account, change) in [(entry.debit, -entry.minor), (entry.credit, entry.minor)] {
                if let (Class::Position, Some(network)) = (account.class(), account.owner()) {
                    *self.institutions.entry((network, dimensions.institution(network))).or_default() += change;
                }
            }
        }
    }

    /// The cycle that stood when its parts were taken down.
    #[must_use]
    pub fn restore(
        id: CycleId,
        state: CycleState,
        flows: Flows,
        advanced: i128,
        institutions: impl IntoIterator<Item = (Network, Name, i128)>,
    ) -> Self {
        let institutions = institutions.into_iter().map(|(network, name, minor)| ((network, name), minor)).collect();
        Self { id, state, flows, advanced, institutions }
    }

    /// The net of every institution of every network, in the order of both.
    #[must_use]
    pub fn all_institutions(&self) -> BTreeMap<(Network, Name), i128> {
        self.institutions.iter().map(|(key, minor)| (*key, *minor)).collect()
    }

    /// The net of every institution of a network, by name; positive when it is owed. Postings that no institution was
    /// named for stand under [`Name::NONE`].
    #[must_use]
    pub fn institutions(&self, network: Network) -> BTreeMap<Name, i128> {
        let of_network = self.institutions.iter().filter(|((owner, _), _)| *owner == network);
        of_network.map(|((_, name), minor)| (*name, *minor)).collect()
    }
}

impl Dimensions {
    const fn institution(&self, network: Network) -> Name {
        if network.index() == self.payer.index() { self.payer_institution } else { self.payee_institution }
    }
}
