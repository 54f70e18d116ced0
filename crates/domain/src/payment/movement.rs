//! A movement is one direction of money inside a payment: its capture, one of its refunds, or its reversal. Each side
//! reports it once. What both sides have reported is booked in the positions; what only one side has reported is a memo
//! (T1), off balance and never netted. Everything here follows from comparing a movement before and after an event:
//!
//! * booked is the lesser of both live legs (T2, T2d);
//! * the memo of a side is its live leg less what is booked;
//! * a leg that was withdrawn counts for nothing (T3b).

use crate::account::{Account, Class};
use crate::break_code::BreakCode;
use crate::ids::{Id, Network};
use crate::journal::{Break, Effects, Journal};
use crate::money::Currency;

/// A side of the original payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Side {
    /// The payer's network.
    Payer = 1,
    /// The payee's network.
    Payee = 2,
    /// A feed that speaks for both.
    Both = 3,
}

impl Side {
    /// The word of the contracts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Payer => "PAYER",
            Self::Payee => "PAYEE",
            Self::Both => "BOTH",
        }
    }

    /// Positions in arrays kept by side: payer 0, payee 1.
    pub(super) const fn indexes(self) -> &'static [usize] {
        match self {
            Self::Payer => &[0],
            Self::Payee => &[1],
            Self::Both => &[0, 1],
        }
    }

    const fn from_index(index: usize) -> Self {
        if index == 0 { Self::Payer } else { Self::Payee }
    }
}

/// What one side has said about one movement, in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Leg {
    /// Nothing.
    #[default]
    Silent,
    /// It reported this much.
    Live(i64),
    /// It reported this much after the partner withdrew or the hold had ended: recorded, not booked.
    Stray(i64),
    /// It took its report back.
    Withdrawn,
}

impl Leg {
    /// What counts for booking.
    #[must_use]
    pub const fn live(self) -> Option<i64> {
        if let Self::Live(minor) = self { Some(minor) } else { None }
    }

    /// What the side has reported and not taken back.
    #[must_use]
    pub const fn reported(self) -> Option<i64> {
        if let Self::Live(minor) | Self::Stray(minor) = self { Some(minor) } else { None }
    }
}

/// One direction of money: see the module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Movement {
    /// By side of the original payment: payer, payee.
    pub legs: [Leg; 2],
    /// In the positions, minor units.
    pub booked: i64,
    /// The settlement cycle that was open when the first leg came; once a refund is booked, that of its last booking.
    pub since: u32,
    /// One event spoke for both sides.
    pub single_feed: bool,
    /// The transit limit has passed over a silent side.
    pub overdue: bool,
}

impl Movement {
    /// Exactly one side has a live leg and the other is silent.
    #[must_use]
    pub fn silent_side(&self) -> Option<(Side, i64)> {
        match self.legs {
            [Leg::Live(minor), Leg::Silent] => Some((Side::Payee, minor)),
            [Leg::Silent, Leg::Live(minor)] => Some((Side::Payer, minor)),
            _ => None,
        }
    }

    pub(super) fn any_live(&self) -> bool {
        self.legs.iter().any(|leg| leg.live().is_some())
    }

    pub(super) fn any_withdrawn(&self) -> bool {
        self.legs.contains(&Leg::Withdrawn)
    }

    /// The greater of what the sides claim.
    pub(super) fn claim(&self) -> i64 {
        self.legs.iter().filter_map(|leg| leg.live()).max().unwrap_or(0)
    }

    fn memo(&self, side: usize) -> i128 {
        self.legs[side].live().map_or(0, |minor| i128::from(minor) - i128::from(self.booked))
    }

    /// Books what both live legs agree on.
    pub(super) fn rebook(&mut self) {
        self.booked = match self.legs {
            [Leg::Live(payer), Leg::Live(payee)] => payer.min(payee),
            _ => 0,
        };
    }

    /// Raises the breaks this movement shows. `authorised` is what may have been exceeded by a capture.
    pub(super) fn breaks(
        &self,
        direction: Direction,
        movement: Option<Id>,
        authorised: Option<i64>,
        out: &mut Vec<Break>,
    ) {
        for (index, leg) in self.legs.iter().enumerate() {
            if let Leg::Stray(minor) = leg {
                let side = Side::from_index(index);
                out.push(Break { code: BreakCode::StatusLedgerFail, movement, side, minor: *minor });
            }
        }
        if let (true, Some((side, minor))) = (self.overdue, self.silent_side()) {
            out.push(Break { code: BreakCode::LegMissing, movement, side, minor });
        }
        if let Some((side, minor)) = self.excess(authorised) {
            let debtor_more = side == Side::Both || side == direction.debtor_side();
            let code = if debtor_more { BreakCode::AmountOver } else { BreakCode::AmountShort };
            out.push(Break { code, movement, side, minor });
        }
    }

    /// The side that reported more than the other, or (while the other is silent, or when one feed speaks for both) more
    /// than was authorised, and by how much.
    fn excess(&self, authorised: Option<i64>) -> Option<(Side, i64)> {
        let over = |side: Side, minor: i64, base: i64| (minor > base).then(|| (side, minor.saturating_sub(base)));
        match (self.legs, authorised) {
            ([Leg::Live(payer), Leg::Live(payee)], _) if payer != payee => {
                over(Side::Payer, payer, payee).or(over(Side::Payee, payee, payer))
            }
            ([Leg::Live(both), Leg::Live(_)], Some(authorised)) if self.single_feed => {
                over(Side::Both, both, authorised)
            }
            ([Leg::Live(payer), Leg::Silent], Some(authorised)) => over(Side::Payer, payer, authorised),
            ([Leg::Silent, Leg::Live(payee)], Some(authorised)) => over(Side::Payee, payee, authorised),
            _ => None,
        }
    }
}

/// Which way a movement goes: a capture from payer to payee, a refund or reversal back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Forth,
    Back,
}

impl Direction {
    const fn debtor_side(self) -> Side {
        match self {
            Self::Forth => Side::Payer,
            Self::Back => Side::Payee,
        }
    }

    /// The memo class of a side's leg: 9201 for the leg of the movement's debtor, 9211 for the creditor's.
    const fn memo(self, side: usize) -> (Class, Class, Journal) {
        if matches!((self, side), (Self::Forth, 0) | (Self::Back, 1)) {
            (Class::TransitPayer, Class::TransitPayerContra, Journal::FirstLegPayer)
        } else {
            (Class::TransitPayee, Class::TransitPayeeContra, Journal::FirstLegPayee)
        }
    }
}

/// The two networks of a payment and its currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    pub payer: Network,
    pub payee: Network,
    pub currency: Currency,
}

impl Pair {
    /// Debtor and creditor of a movement.
    const fn parties(self, direction: Direction) -> (Network, Network) {
        match direction {
            Direction::Forth => (self.payer, self.payee),
            Direction::Back => (self.payee, self.payer),
        }
    }

    fn between(self, class: Class, direction: Direction) -> Account {
        let (debtor, creditor) = self.parties(direction);
        Account::between(class, debtor, creditor, self.currency)
    }

    /// Books the difference between a movement before and after: memo out by `out`, memo in by T1 or T1' (J12a has a memo
    /// in of its own), positions by `booked`.
    pub(super) fn book_difference(
        self,
        direction: Direction,
        (before, after): (&Movement, &Movement),
        (out, booked): (Journal, Journal),
        effects: &mut Effects,
    ) {
        for side in [0, 1] {
            let (memo, contra, first_leg) = direction.memo(side);
            let (memo, contra) = (self.between(memo, direction), self.between(contra, direction));
            let change = after.memo(side) - before.memo(side);
            let goes_in = change > 0 && out != Journal::ReturnedToTransit;
            let journal = if goes_in { first_leg } else { out };
            effects.book_signed(journal, memo, contra, change);
        }
        let (debtor, creditor) = self.parties(direction);
        let owes = Account::position(debtor, creditor, self.currency);
        let is_owed = Account::position(creditor, debtor, self.currency);
        effects.book_signed(booked, owes, is_owed, i128::from(after.booked) - i128::from(before.booked));
    }

    /// A hold goes in (positive) or out (negative).
    pub(super) fn book_hold(self, journal: Journal, minor: i128, effects: &mut Effects) {
        let hold = self.between(Class::Hold, Direction::Forth);
        effects.book_signed(journal, hold, self.between(Class::HoldContra, Direction::Forth), minor);
    }

    /// An amount goes into dispute: from the payee's position into escrow.
    pub(super) fn book_dispute(self, minor: i64, effects: &mut Effects) {
        let payee = Account::position(self.payee, self.payer, self.currency);
        effects.book(Journal::Disputed, payee, self.between(Class::Dispute, Direction::Forth), i128::from(minor));
    }

    /// A dispute is decided: out of escrow to whoever won.
    pub(super) fn book_dispute_decided(self, payee_won: bool, minor: i64, effects: &mut Effects) {
        let (journal, winner) = if payee_won {
            (Journal::DisputeWon, Account::position(self.payee, self.payer, self.currency))
        } else {
            (Journal::DisputeLost, Account::position(self.payer, self.payee, self.currency))
        };
        effects.book(journal, self.between(Class::Dispute, Direction::Forth), winner, i128::from(minor));
    }

    /// Charges fees, or gives them back when negative: interchange from payee to payer, a network fee from each side.
    pub(super) fn book_fees(
        self,
        journal: Journal,
        [interchange, payer_fee, payee_fee]: [i64; 3],
        effects: &mut Effects,
    ) {
        let payee = Account::position(self.payee, self.payer, self.currency);
        let payer = Account::position(self.payer, self.payee, self.currency);
        effects.book_signed(journal, payee, payer, i128::from(interchange));
        for (network, fee) in [(self.payer, payer_fee), (self.payee, payee_fee)] {
            let owes = Account::position_operator(network, self.currency);
            let income = Account::of_network(Class::FeeIncome, network, self.currency);
            effects.book_signed(journal, owes, income, i128::from(fee));
        }
    }
}
