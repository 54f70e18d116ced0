//! What an operator or the settlement bank tells the ledger: money paid in and out, cut-over, settlement, suspense, fees.
//! A command is judged against the state and books journals J0 and J9 to J15, or is refused with a code. Corrections of a
//! single payment are in [`crate::payment::correct`].

use crate::account::{Account, Class};
use crate::cycle::{CycleId, CycleState};
use crate::ids::{Network, Party};
use crate::journal::{Effects, Journal};
use crate::money::{Amount, Currency};
use crate::payment::Payment;
use crate::rejection::RejectionCode;
use crate::rulebook::Rulebook;
use crate::state::{Change, State, View};

/// Where 长款 goes once its owner is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LongOwner {
    /// To this network, which was to be paid.
    Creditor(Network),
    /// Back to the network it came from.
    Back,
}

/// One instruction to the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// J0: the central bank confirmed money paid in.
    ConfirmPrefund {
        /// Whose.
        network: Network,
        /// How much.
        amount: Amount,
    },
    /// J0': the central bank confirmed money paid out.
    ConfirmWithdrawal {
        /// Whose.
        network: Network,
        /// How much.
        amount: Amount,
    },
    /// 日切: closes the cycle it names (J9) and opens the next.
    CutOver {
        /// Who announces it.
        network: Network,
        /// What closes.
        cycle: CycleId,
    },
    /// J11: the file proves that `from` paid, to whom is not known or not agreed.
    HoldLong {
        /// Who paid.
        from: Network,
        /// To whom, if known.
        to: Option<Network>,
        /// How much.
        amount: Amount,
    },
    /// J11: its owner is found.
    ResolveLong {
        /// Who had paid.
        from: Network,
        /// As it was held.
        to: Option<Network>,
        /// Where it goes.
        owner: LongOwner,
        /// How much of it.
        amount: Amount,
    },
    /// J12: short after settlement, advanced to `to` from own funds until `from` is recovered.
    AdvanceShort {
        /// The network that gets the advance.
        to: Network,
        /// Its counterparty.
        against: Network,
        /// How much.
        amount: Amount,
    },
    /// J12: the counterparty made good.
    RecoverShort {
        /// As advanced.
        to: Network,
        /// Who pays.
        against: Network,
        /// How much.
        amount: Amount,
    },
    /// J12: an approved loss.
    WriteOffShort {
        /// As advanced.
        to: Network,
        /// As advanced.
        against: Network,
        /// How much.
        amount: Amount,
        /// Whether two different principals have approved.
        approved_twice: bool,
    },
    /// J14: a fee booked here differs by one minor unit; positive when the network owes more.
    AdjustFee {
        /// Whose fee.
        network: Network,
        /// Counted in.
        currency: Currency,
        /// One or minus one.
        minor: i64,
    },
    /// J15: settled fee income leaves for the operator's own account.
    SweepFees(Amount),
    /// The next version of the rules.
    LoadRulebook(Box<Rulebook>),
}

/// Judges a command; what it books goes into `effects`, what else it changes is the result.
///
/// # Errors
/// The code of the rule that forbids it; nothing is booked then.
pub fn decide(state: &State, command: &Command, effects: &mut Effects) -> Result<Change, RejectionCode> {
    effects.clear();
    let decided = check_names(state, command).and_then(|()| Desk { state, effects }.decide(command));
    if decided.is_err() {
        effects.clear();
    }
    decided
}

/// Checks that a command about a fee is about one that `payment` was charged.
///
/// # Errors
/// [`RejectionCode::PaymentUnknown`] for a payment that was not accepted, [`RejectionCode::PaymentMismatch`] for a network
/// or currency that is not the payment's.
pub fn check_fee_of(payment: &Payment, command: &Command) -> Result<(), RejectionCode> {
    let terms = payment.terms.as_ref().ok_or(RejectionCode::PaymentUnknown)?;
    match command {
        Command::AdjustFee { network, currency, .. }
            if [terms.payer, terms.payee].contains(network) && *currency == terms.currency =>
        {
            Ok(())
        }
        _ => Err(RejectionCode::PaymentMismatch),
    }
}

/// Networks and currency that a command names must be those of the rulebook, and a pair is of two networks.
fn check_names(state: &State, command: &Command) -> Result<(), RejectionCode> {
    let (networks, currency) = match command {
        Command::ConfirmPrefund { network, amount } | Command::ConfirmWithdrawal { network, amount } => {
            ([Some(*network), None], amount.currency())
        }
        Command::HoldLong { from, to, amount } | Command::ResolveLong { from, to, amount, .. } => {
            ([Some(*from), *to], amount.currency())
        }
        Command::AdvanceShort { to, against, amount }
        | Command::RecoverShort { to, against, amount }
        | Command::WriteOffShort { to, against, amount, .. } => ([Some(*to), Some(*against)], amount.currency()),
        Command::AdjustFee { network, currency, .. } => ([Some(*network), None], *currency),
        Command::SweepFees(amount) => ([None; 2], amount.currency()),
        _ => return Ok(()),
    };
    let rules = state.rules().current();
    if networks.iter().flatten().any(|network| rules.networks.get(network.index()).is_none()) {
        return Err(RejectionCode::UnknownNetwork);
    }
    let pair_of_one = networks[0].is_some() && networks[0] == networks[1];
    if pair_of_one || rules.currency(currency).is_none() { Err(RejectionCode::PaymentMismatch) } else { Ok(()) }
}

struct Desk<'a> {
    state: &'a State,
    effects: &'a mut Effects,
}

type Decided = Result<Change, RejectionCode>;

impl Desk<'_> {
    fn decide(&mut self, command: &Command) -> Decided {
        match *command {
            Command::ConfirmPrefund { network, amount } => {
                let (asset, liquidity) = cash_of(network, amount.currency());
                self.book(Journal::Prefunded, asset, liquidity, amount)
            }
            Command::ConfirmWithdrawal { network, amount } => self.withdraw(network, amount),
            Command::CutOver { network, cycle } => self.cut_over(network, cycle),
            Command::HoldLong { from, to, amount } => {
                let (owes, held) = long_accounts(from, to, amount.currency());
                self.book(Journal::LongHeld, owes, held, amount)
            }
            Command::ResolveLong { from, to, owner, amount } => self.resolve_long(from, to, owner, amount),
            Command::AdvanceShort { to, against, amount } => {
                self.check_own_funds(amount)?;
                let short = Account::between(Class::SuspenseShort, to, against, amount.currency());
                self.book(Journal::ShortAdvanced, short, Account::position(to, against, amount.currency()), amount)
            }
            Command::RecoverShort { to, against, amount } => {
                let payer = Account::position(against, to, amount.currency());
                self.clear_short(to, against, payer, amount)
            }
            Command::WriteOffShort { approved_twice: false, .. } => Err(RejectionCode::TwoApprovalsRequired),
            Command::WriteOffShort { to, against, amount, .. } => {
                let loss = Account::between(Class::WriteOff, to, against, amount.currency());
                self.clear_short(to, against, loss, amount)
            }
            Command::AdjustFee { network, currency, minor } => self.adjust_fee(network, currency, minor),
            Command::SweepFees(amount) => {
                self.check_own_funds(amount)?;
                let own = Account::of_operator(Class::OwnFunds, amount.currency());
                self.book(Journal::FeesSwept, own, Account::settle_asset(Party::Operator, amount.currency()), amount)
            }
            Command::LoadRulebook(ref rulebook) => match rulebook.validate(Some(self.state.rules().current())) {
                Ok(()) => Ok(Change::RulebookLoaded(rulebook.clone())),
                Err(_) => Err(RejectionCode::RulebookInvalid),
            },
        }
    }

    fn book(&mut self, journal: Journal, debit: Account, credit: Account, amount: Amount) -> Decided {
        self.effects.book(journal, debit, credit, i128::from(amount.minor()));
        Ok(Change::None)
    }

    /// What is left must still cover what the network owes, and be there for what is at the bank, which an agreed cover does
    /// not pay; a net debit cap is no reason to keep money here.
    fn withdraw(&mut self, network: Network, amount: Amount) -> Decided {
        let (currency, minor) = (amount.currency(), i128::from(amount.minor()));
        let (asset, liquidity) = cash_of(network, currency);
        let left = self.state.covered(network, currency) - minor;
        let at_the_bank = self.state.register().at_the_bank(Party::Network(network), currency);
        if self.state.book().standing(liquidity) - minor < at_the_bank || self.state.exposure(network, currency) > left
        {
            return Err(RejectionCode::InsufficientLiquidity);
        }
        self.book(Journal::Withdrawal, liquidity, asset, amount)
    }

    // ---- cycles ----

    /// J9, one compound journal a network: its positions go out, their net becomes a receivable or a payable.
    fn cut_over(&mut self, network: Network, id: CycleId) -> Decided {
        let rule = self.state.rules().current().currency(id.currency);
        let closes = rule.is_some_and(|rule| rule.cut_over_network == network);
        if !closes || self.state.open_cycle(id.currency) != id.number {
            return Err(RejectionCode::CycleNotOpen);
        }
        for network in self.state.rules().current().networks() {
            self.close_positions(network, id.currency);
        }
        Ok(Change::CycleClosed(id))
    }

    fn close_positions(&mut self, network: Network, currency: Currency) {
        let book = self.state.book();
        let positions = book.accounts().map(|(account, _)| account);
        let mut positions: Vec<Account> = positions
            .filter(|a| (a.class(), a.owner(), a.currency()) == (Class::Position, Some(network), currency))
            .collect();
        positions.sort_unstable();
        let (mut debits, mut credits, mut net) = (Vec::new(), Vec::new(), 0);
        for position in positions {
            let standing = book.standing(position);
            net += standing;
            (if standing > 0 { &mut debits } else { &mut credits }).push((position, standing.abs()));
        }
        if net < 0 {
            debits.push((Account::of_network(Class::Receivable, network, currency), -net));
        } else {
            credits.push((Account::of_network(Class::Payable, network, currency), net));
        }
        self.effects.book_compound(Journal::CycleClosed, debits, credits);
    }

    // ---- suspense, fees ----

    fn resolve_long(&mut self, from: Network, to: Option<Network>, owner: LongOwner, amount: Amount) -> Decided {
        let (back, held) = long_accounts(from, to, amount.currency());
        if self.state.book().standing(held) < i128::from(amount.minor()) {
            return Err(RejectionCode::SuspenseInsufficient);
        }
        let credit = match owner {
            LongOwner::Creditor(network) => {
                self.check_creditor(from, to, network)?;
                Account::position(network, from, amount.currency())
            }
            LongOwner::Back => back,
        };
        self.book(Journal::LongHeld, held, credit, amount)
    }

    /// What is held for a known pair goes to no third network; what is held for an unknown one, to any but the payer.
    fn check_creditor(&self, from: Network, to: Option<Network>, creditor: Network) -> Result<(), RejectionCode> {
        if self.state.rules().current().networks.get(creditor.index()).is_none() {
            return Err(RejectionCode::UnknownNetwork);
        }
        let other = creditor == from || to.is_some_and(|to| to != creditor);
        if other { Err(RejectionCode::PaymentMismatch) } else { Ok(()) }
    }

    fn clear_short(&mut self, to: Network, against: Network, debit: Account, amount: Amount) -> Decided {
        let short = Account::between(Class::SuspenseShort, to, against, amount.currency());
        if self.state.book().standing(short) < i128::from(amount.minor()) {
            return Err(RejectionCode::SuspenseInsufficient);
        }
        self.book(Journal::ShortAdvanced, debit, short, amount)
    }

    /// Own funds less what cycles that are not settled yet have already advanced, or owe at the bank.
    fn check_own_funds(&self, amount: Amount) -> Result<(), RejectionCode> {
        let own = self.state.book().standing(Account::settle_asset(Party::Operator, amount.currency()));
        let cycles = self.state.cycles(amount.currency()).iter();
        let at_the_bank =
            |id| self.state.register().settlement(id).map_or(0, |settlement| settlement.at_the_bank(Party::Operator));
        let unsettled = cycles.filter(|cycle| cycle.state != CycleState::Settled);
        let spoken_for: i128 = unsettled.map(|cycle| cycle.advanced.max(at_the_bank(cycle.id))).sum();
        if own - spoken_for < i128::from(amount.minor()) { Err(RejectionCode::OwnFundsInsufficient) } else { Ok(()) }
    }

    fn adjust_fee(&mut self, network: Network, currency: Currency, minor: i64) -> Decided {
        if minor.unsigned_abs() != 1 {
            return Err(RejectionCode::FeeDifferenceTooLarge);
        }
        let rounding = Account::of_operator(Class::Rounding, currency);
        let owes = Account::position_operator(network, currency);
        self.effects.book_signed(Journal::FeeAdjusted, owes, rounding, i128::from(minor));
        Ok(Change::None)
    }
}

fn cash_of(network: Network, currency: Currency) -> (Account, Account) {
    let asset = Account::settle_asset(Party::Network(network), currency);
    (asset, Account::of_network(Class::Liquidity, network, currency))
}

fn long_accounts(from: Network, to: Option<Network>, currency: Currency) -> (Account, Account) {
    (Account::suspense(Class::Position, from, to, currency), Account::suspense(Class::SuspenseLong, from, to, currency))
}
