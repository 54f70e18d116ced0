//! A journal is what one event books. It is a list of entries, and an entry debits one account and credits another with
//! the same amount: a journal that does not balance cannot be written down. The journals are those of the rulebook, T1 to
//! T4 and J0 to J15; which one an entry belongs to is kept with it.

use crate::account::Account;
use crate::break_code::BreakCode;
use crate::ids::{Id, Name, Network, Sequence};
use crate::payment::Side;
use crate::rejection::RejectionCode;

macro_rules! journals {
    ($($(#[$doc:meta])* $name:ident = $byte:literal, $code:literal;)*) => {
        /// The rule an entry is booked by. The discriminant is part of record formats and never changes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Journal { $($(#[$doc])* $name = $byte,)* }

        impl Journal {
            /// Every journal.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The rulebook's short name, for example `T2`.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }
        }
    };
}

journals! {
    /// The central bank confirmed money paid in.
    Prefunded = 1, "J0";
    /// A hold for an authorised payment.
    Authorised = 2, "J1";
    /// First leg, reported by the debtor's network.
    FirstLegPayer = 3, "T1";
    /// First leg, reported by the creditor's network.
    FirstLegPayee = 4, "T1'";
    /// Second leg: the memo goes out and both positions are booked.
    Completed = 5, "T2";
    /// The reporting network withdrew its leg; nothing was ever owed.
    Withdrawn = 6, "T3b";
    /// One feed spoke for both sides.
    CapturedBoth = 7, "J2";
    /// Interchange and network fees at capture.
    Fees = 8, "J3";
    /// A hold ended without a capture.
    HoldReleased = 9, "J4";
    /// Everything that was captured is refunded.
    Refunded = 10, "J5";
    /// A part of what was captured is refunded.
    PartiallyRefunded = 11, "J6";
    /// The original's postings are mirrored.
    Reversed = 12, "J7";
    /// The amount in dispute goes into escrow.
    Disputed = 13, "J8";
    /// The payer's side won.
    DisputeLost = 14, "J8a";
    /// The payee's side won.
    DisputeWon = 15, "J8b";
    /// Positions of a closed cycle become receivables and payables.
    CycleClosed = 16, "J9";
    /// Money moved.
    Settled = 17, "J10";
    /// 长款 is held, or its owner found.
    LongHeld = 18, "J11";
    /// An unproven obligation goes back into transit.
    ReturnedToTransit = 19, "J12a";
    /// 短款 is advanced from own funds, recovered or written off.
    ShortAdvanced = 20, "J12";
    /// A fee differs by one minor unit.
    FeeAdjusted = 21, "J14";
    /// Settled fee income leaves for the operator's own account.
    FeesSwept = 22, "J15";
    /// The central bank confirmed money paid out.
    Withdrawal = 23, "J0'";
}

/// Debit one account, credit another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The rule that books it.
    pub journal: Journal,
    /// The account debited.
    pub debit: Account,
    /// The account credited, in the same currency.
    pub credit: Account,
    /// Minor units, above zero.
    pub minor: i128,
}

/// A break that a payment's own reports raise or resolve. A break is a function of the payment's state, so what changed is
/// the difference between before and after an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Break {
    /// What is wrong.
    pub code: BreakCode,
    /// The refund it concerns; `None` for the payment itself.
    pub movement: Option<Id>,
    /// The side that is missing, reported more, or stands alone.
    pub side: Side,
    /// Minor units in question.
    pub minor: i64,
}

/// Everything one event does to the ledger's state, the payment's own state aside. The caller owns the buffer and clears
/// it between events, so that deciding allocates nothing.
#[derive(Clone, Debug, Default)]
pub struct Effects {
    /// What is booked, in order.
    pub entries: Vec<Entry>,
    /// Breaks that now stand.
    pub raised: Vec<Break>,
    /// Breaks that stand no longer.
    pub resolved: Vec<Break>,
    /// Parked events that this one completed, with their answers: accepted, or why not.
    pub unparked: Vec<(Sequence, Result<(), RejectionCode>)>,
    /// Whose institutions the position entries belong to.
    pub dimensions: Option<Dimensions>,
}

/// What a posting is folded by beside its account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dimensions {
    /// The network whose institution is the payer's.
    pub payer: Network,
    /// The payer's institution, [`Name::NONE`] when no leg named it.
    pub payer_institution: Name,
    /// The payee's institution, [`Name::NONE`] when no leg named it.
    pub payee_institution: Name,
}

impl Effects {
    /// Books a compound journal as entries in their order; its debits and credits have the same sum.
    ///
    /// # Panics
    /// When they have not: the rules never ask for that.
    pub(crate) fn book_compound(
        &mut self,
        journal: Journal,
        debits: Vec<(Account, i128)>,
        credits: Vec<(Account, i128)>,
    ) {
        let mut credits = credits.into_iter().filter(|(_, minor)| *minor > 0);
        let mut credit = credits.next();
        for (debit, mut left) in debits {
            while left > 0 {
                let (account, open) = credit.expect("debits and credits of a journal have the same sum");
                let minor = left.min(open);
                self.book(journal, debit, account, minor);
                left -= minor;
                credit = if open > minor { Some((account, open - minor)) } else { credits.next() };
            }
        }
        assert!(credit.is_none(), "debits and credits of a journal have the same sum");
    }

    /// Books `minor` by `journal`; nothing is booked for zero (a fee that rounds to nothing).
    ///
    /// # Panics
    /// On a negative amount or two currencies: the rules never ask for either.
    pub fn book(&mut self, journal: Journal, debit: Account, credit: Account, minor: i128) {
        assert!(
            minor >= 0 && debit.currency() == credit.currency(),
            "an entry moves a positive amount of one currency"
        );
        if minor > 0 {
            self.entries.push(Entry { journal, debit, credit, minor });
        }
    }

    /// As [`Effects::book`]; a negative amount goes the other way.
    pub fn book_signed(&mut self, journal: Journal, debit: Account, credit: Account, minor: i128) {
        if minor >= 0 {
            self.book(journal, debit, credit, minor);
        } else {
            self.book(journal, credit, debit, minor.saturating_neg());
        }
    }

    /// Forgets everything and keeps the buffers.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.raised.clear();
        self.resolved.clear();
        self.unparked.clear();
        self.dimensions = None;
    }
}
