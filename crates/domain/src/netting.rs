//! Netting. From the gross obligations of a cycle, `g[i][j]` owed by `i` to `j`:
//!
//! * bilateral: of each pair only the difference is owed, `b[i][j] = max(0, g[i][j] - g[j][i])`;
//! * multilateral: each party has one figure, `m[i] = sum_j g[j][i] - sum_j g[i][j]`.
//!
//! Over the networks and the operator's two lines the multilateral figures add up to zero, always, and what has to move
//! never grows: multilateral <= bilateral <= gross. Corridors that go one way only save nothing multilaterally; netting pays
//! where money goes round. The same flows give the same result, in the same order.

use std::collections::BTreeMap;

use crate::cycle::{Flow, Flows};
use crate::ids::Party;

/// The result, with what explains it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Netting {
    /// As they arose.
    pub gross: Flows,
    /// One direction a pair.
    pub bilateral: BTreeMap<(Party, Party), i128>,
    /// One figure a party, positive when it is owed. Parties whose figure is zero are listed.
    pub multilateral: BTreeMap<Party, i128>,
}

/// How many transfers and how much money an arrangement needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effort {
    /// Transfers.
    pub transfers: u64,
    /// Minor units.
    pub minor: i128,
}

/// Nets gross obligations.
#[must_use]
pub fn net(gross: &Flows) -> Netting {
    let mut bilateral = BTreeMap::new();
    let mut multilateral = BTreeMap::new();
    for (&(debtor, creditor), flow) in gross {
        *multilateral.entry(debtor).or_insert(0) -= flow.minor;
        *multilateral.entry(creditor).or_insert(0) += flow.minor;
        let back = gross.get(&(creditor, debtor)).map_or(0, |flow| flow.minor);
        if flow.minor > back {
            bilateral.insert((debtor, creditor), flow.minor - back);
        }
    }
    Netting { gross: gross.clone(), bilateral, multilateral }
}

impl Netting {
    /// The figure of one party, positive when it is owed.
    #[must_use]
    pub fn of(&self, party: Party) -> i128 {
        self.multilateral.get(&party).copied().unwrap_or(0)
    }

    /// Every obligation paid by itself.
    #[must_use]
    pub fn gross_effort(&self) -> Effort {
        let add =
            |sum: Effort, flow: &Flow| Effort { transfers: sum.transfers + flow.count, minor: sum.minor + flow.minor };
        self.gross.values().fold(Effort::default(), add)
    }

    /// One transfer a pair.
    #[must_use]
    pub fn bilateral_effort(&self) -> Effort {
        effort(self.bilateral.values().copied())
    }

    /// One transfer a debtor, into the middle; what the middle pays out is not counted again.
    #[must_use]
    pub fn multilateral_effort(&self) -> Effort {
        effort(self.multilateral.values().filter(|minor| **minor < 0).map(|minor| -minor))
    }
}

fn effort(transfers: impl Iterator<Item = i128>) -> Effort {
    transfers.fold(Effort::default(), |sum, minor| Effort { transfers: sum.transfers + 1, minor: sum.minor + minor })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Network;

    /// `(debtor, creditor, minor)` over the parties CUP 0, TENPAY 1, ALIPAY 2.
    fn flows(rows: &[(usize, usize, i128)]) -> Flows {
        let party = |index| Party::Network(Network::from_index(index).expect("below 64"));
        rows.iter().map(|&(i, j, minor)| ((party(i), party(j)), Flow { count: 1, minor })).collect()
    }

    #[test]
    fn one_way_corridors_save_nothing_multilaterally_and_a_round_does() {
        let one_way = flows(&[(0, 1, 900), (1, 0, 50), (0, 2, 300), (2, 0, 20)]);
        let netting = net(&one_way);
        assert_eq!(netting.gross_effort().minor, 1_270);
        assert_eq!(netting.bilateral_effort(), Effort { transfers: 2, minor: 1_130 });
        assert_eq!(netting.multilateral_effort(), Effort { transfers: 1, minor: 1_130 });
        assert_eq!(netting.multilateral.values().copied().collect::<Vec<_>>(), [-1_130, 850, 280]);

        let mut round = one_way;
        round.extend(flows(&[(1, 2, 400)]));
        let netting = net(&round);
        assert_eq!(netting.gross_effort().minor, 1_670);
        assert_eq!(netting.bilateral_effort().minor, 1_530);
        assert_eq!(netting.multilateral_effort().minor, 1_130);
        assert_eq!(netting.multilateral.values().copied().collect::<Vec<_>>(), [-1_130, 450, 680]);
    }

    #[test]
    fn nothing_owed_is_an_empty_net() {
        assert_eq!(net(&Flows::new()).multilateral_effort(), Effort::default());
    }
}
