//! The invariants of the rulebook (6.4), as one function over a model. The numbers are the rulebook's. Those that concern
//! two ledgers, one step or a whole history (7 replay, 8 netting, 12 idempotency, 13 limits, 14 bill days) are tests of
//! their own.

use std::collections::BTreeMap;

use domain::account::{Account, Class};
use domain::cycle::CycleState;
use domain::ids::{Network, Party};
use domain::money::Currency;
use domain::netting::net;
use domain::payment::{Hold, Leg, Movement, Payment};
use domain::state::View;

use crate::model::{Model, PairOf};

impl Model {
    /// Checks every invariant that holds at every sequence number.
    ///
    /// # Panics
    /// When one is broken; the message names it.
    pub fn check_invariants(&self) {
        self.check_pairs();
        for rule in &self.rules().currencies {
            self.check_balanced(rule.currency);
            self.check_cash(rule.currency);
            self.check_cycles(rule.currency);
            self.check_memos(rule.currency);
        }
        self.payments.values().for_each(check_payment);
    }

    fn sum(&self, currency: Currency, classes: &[Class]) -> i128 {
        let of_class =
            self.state.book().accounts().filter(|(a, _)| a.currency() == currency && classes.contains(&a.class()));
        of_class.map(|(account, balance)| balance.standing(account.class().grows())).sum()
    }

    /// 1, and every entry of the last journal moves something.
    fn check_balanced(&self, currency: Currency) {
        let accounts = self.state.book().accounts().filter(|(account, _)| account.currency() == currency);
        let (debits, credits) = accounts.fold((0, 0), |(d, c), (_, b)| (d + b.debits, c + b.credits));
        assert_eq!(debits, credits, "1: debits and credits differ");
        assert!(self.last_booked().iter().all(|entry| entry.minor > 0), "1: an entry moves nothing");
    }

    /// 2: since the last cut a pair's positions, disputes and suspense add up to nothing, and so does what a pair has
    /// against the operator; suspense of a payee who is found moves from one pair to another. The halves of memos agree.
    fn check_pairs(&self) {
        let totals = self.by_pair(&[
            Class::Position,
            Class::Dispute,
            Class::SuspenseLong,
            Class::SuspenseShort,
            Class::WriteOff,
        ]);
        for pair in totals.keys().chain(self.pair_baseline.keys()) {
            let of = |map: &BTreeMap<PairOf, i128>| map.get(pair).copied().unwrap_or(0);
            assert_eq!(of(&totals), of(&self.pair_baseline), "2: the pair {pair:?} does not add up");
        }
        for (memo, contra) in [
            (Class::Hold, Class::HoldContra),
            (Class::TransitPayer, Class::TransitPayerContra),
            (Class::TransitPayee, Class::TransitPayeeContra),
        ] {
            assert_eq!(self.memos(memo), self.memos(contra), "2: {memo:?} and its contra differ");
        }
    }

    /// A memo class account by account, by owners.
    fn memos(&self, class: Class) -> BTreeMap<[u8; 5], i128> {
        let of_class = self.state.book().accounts().filter(|(account, _)| account.class() == class);
        let standing = of_class.map(|(account, balance)| {
            let [_, owners @ ..] = account.to_bytes();
            (owners, balance.standing(class.grows()))
        });
        standing.collect()
    }

    /// The part of a pair's total that a cut does not reset.
    pub(crate) fn pair_suspense(&self) -> BTreeMap<PairOf, i128> {
        self.by_pair(&[Class::Dispute, Class::SuspenseLong, Class::SuspenseShort, Class::WriteOff])
    }

    fn by_pair(&self, classes: &[Class]) -> BTreeMap<PairOf, i128> {
        let mut totals = BTreeMap::new();
        for (account, balance) in self.state.book().accounts().filter(|(a, _)| classes.contains(&a.class())) {
            let Some(owner) = account.owner() else { continue };
            let operator = Account::position_operator(owner, account.currency());
            let pair = match account.against() {
                Some(against) => (account.currency(), Some(owner.min(against)), owner.max(against)),
                None if account == operator => continue,
                None => (account.currency(), None, owner),
            };
            *totals.entry(pair).or_insert(0) += balance.credits - balance.debits;
        }
        totals
    }

    /// 3 and 15: cash mirrors liquidity, escrow is never negative, and settlement makes no money.
    fn check_cash(&self, currency: Currency) {
        for network in self.rules().networks() {
            let asset = self.state.book().standing(Account::settle_asset(Party::Network(network), currency));
            let liquidity = self.state.book().standing(Account::of_network(Class::Liquidity, network, currency));
            assert_eq!(asset, liquidity, "3: cash and liquidity of {network:?} differ");
            assert!(asset >= 0, "3: {network:?} has paid more than it had");
        }
        let escrow = self.state.book().standing(Account::settle_asset(Party::Escrow, currency));
        assert!(escrow >= 0, "3: escrow is short");
        let own = self.state.book().standing(Account::settle_asset(Party::Operator, currency));
        assert!(own >= 0, "3: the operator has paid more than it had");
        let cash = self.sum(currency, &[Class::SettleAsset, Class::OwnFunds]);
        assert_eq!(cash, self.prefunded.get(&currency).copied().unwrap_or(0), "15: settlement made or lost money");
        self.check_operator_cash(currency);
        for class in [Class::SuspenseLong, Class::SuspenseShort, Class::Dispute] {
            let mut accounts = self.state.book().accounts().filter(|(account, _)| account.class() == class);
            assert!(accounts.all(|(a, b)| b.standing(a.class().grows()) >= 0), "2: {class:?} holds less than nothing");
        }
    }

    /// 3: what is settled of fees, disputes and suspense is what lies in the operator's and escrow's cash.
    fn check_operator_cash(&self, currency: Currency) {
        let unsettled = self.state.cycles(currency).iter().filter(|cycle| cycle.state != CycleState::Settled);
        let (mut operator_due, mut escrow_due) = (0, 0);
        for netting in unsettled.map(|cycle| net(&cycle.flows)) {
            operator_due += netting.of(Party::Operator);
            escrow_due += netting.of(Party::Escrow);
        }
        let own = self.state.book().standing(Account::settle_asset(Party::Operator, currency));
        let swept = self.sum(currency, &[Class::OwnFunds]);
        let income = self.sum(currency, &[Class::FeeIncome, Class::Rounding]);
        let advanced = self.sum(currency, &[Class::SuspenseShort, Class::WriteOff]);
        assert_eq!(own + swept + operator_due, income - advanced, "3: operator's cash is not its settled income");
        let escrow = self.state.book().standing(Account::settle_asset(Party::Escrow, currency));
        let held = self.sum(currency, &[Class::Dispute, Class::SuspenseLong]);
        assert_eq!(escrow + escrow_due, held, "3: escrow is not the settled part of disputes and suspense");
    }

    /// 4: nets of a cycle add up to zero, the open one's are the positions, closed unpaid ones are the receivables and
    /// payables, and a close leaves no position.
    fn check_cycles(&self, currency: Currency) {
        let mut unpaid: BTreeMap<Network, [i128; 2]> = BTreeMap::new();
        for cycle in self.state.cycles(currency) {
            let netting = net(&cycle.flows);
            assert_eq!(netting.multilateral.values().sum::<i128>(), 0, "4: nets of {:?} do not add up", cycle.id);
            for network in self.rules().networks() {
                let minor = netting.of(Party::Network(network));
                match cycle.state {
                    CycleState::Settled => {}
                    CycleState::Open => {
                        assert_eq!(minor, self.positions(network, currency), "4: positions of {network:?}");
                    }
                    _ => unpaid.entry(network).or_default()[usize::from(minor > 0)] += minor.abs(),
                }
            }
        }
        for network in self.rules().networks() {
            let of = |class| self.state.book().standing(Account::of_network(class, network, currency));
            let unpaid = unpaid.get(&network).copied().unwrap_or_default();
            assert_eq!([of(Class::Receivable), of(Class::Payable)], unpaid, "4: closed nets of {network:?}");
        }
        if self.just_closed.is_some_and(|cycle| cycle.currency == currency) {
            let mut accounts = self.state.book().accounts().filter(|(account, _)| account.currency() == currency);
            let zero = accounts.all(|(account, b)| account.class() != Class::Position || b.debits == b.credits);
            assert!(zero, "4: a position is left after the close");
        }
    }

    fn positions(&self, network: Network, currency: Currency) -> i128 {
        let of_network = self.state.book().accounts().filter(|(account, _)| {
            (account.class(), account.owner(), account.currency()) == (Class::Position, Some(network), currency)
        });
        of_network.map(|(_, balance)| balance.credits - balance.debits).sum()
    }

    /// 5: holds and memos are those of the payments, and the exposure kept beside the accounts is their sum.
    fn check_memos(&self, currency: Currency) {
        let of_currency = |p: &&Payment| p.terms.is_some_and(|terms| terms.currency == currency);
        let payments = || self.payments.values().filter(of_currency);
        let held: i128 =
            payments().filter(|p| p.hold == Hold::Live).map(|p| i128::from(p.authorised.unwrap_or(0))).sum();
        assert_eq!(self.sum(currency, &[Class::Hold]), held, "5: holds are not the open authorisations");
        let transit: i128 = payments().map(in_transit).sum();
        let memos = self.sum(currency, &[Class::TransitPayer, Class::TransitPayee]);
        assert_eq!(memos, transit, "5: memos are not the legs in transit");
        for network in self.rules().networks() {
            let exposure: i128 = self
                .state
                .book()
                .accounts()
                .filter_map(|(account, balance)| {
                    let counted = matches!(
                        account.class(),
                        Class::Position | Class::Receivable | Class::Hold | Class::TransitPayer | Class::TransitPayee
                    );
                    (counted && account.owner() == Some(network) && account.currency() == currency)
                        .then_some(balance.debits - balance.credits)
                })
                .sum();
            assert_eq!(self.state.exposure(network, currency), exposure, "13: exposure of {network:?}");
        }
    }
}

/// 6, and what the life of one payment promises: booked is what both sides have reported, fees go back at most as charged
/// and wholly with the last part, and a refused payment is nothing else.
fn check_payment(payment: &Payment) {
    let booked = payment.capture.booked;
    assert!(payment.claimed() <= booked, "6: claims pass what was captured: {payment:?}");
    let movements = [&payment.capture, &payment.reversal].into_iter();
    for movement in movements.chain(payment.refunds.iter().map(|refund| &refund.movement)) {
        assert_eq!(movement.booked, both_reported(movement), "6.5: {movement:?}");
    }
    let fees = payment.fees_charged.iter().zip(payment.fees_returned);
    assert!(fees.clone().all(|(charged, returned)| (0..=*charged).contains(&returned)), "J6: {payment:?}");
    let gone = booked > 0 && (payment.refunded() == booked || payment.reversal.booked == booked);
    if gone {
        assert!(fees.clone().all(|(charged, returned)| *charged == returned), "J6: exact at the end: {payment:?}");
    }
    if payment.refused.is_some() {
        assert_eq!(*payment, Payment { refused: payment.refused, ..Payment::default() }, "J4': {payment:?}");
    }
}

fn both_reported(movement: &Movement) -> i64 {
    match movement.legs {
        [Leg::Live(payer), Leg::Live(payee)] => payer.min(payee),
        _ => 0,
    }
}

fn in_transit(payment: &Payment) -> i128 {
    let refunds = payment.refunds.iter().map(|refund| &refund.movement);
    let movements = [&payment.capture, &payment.reversal].into_iter().chain(refunds);
    let memo = |movement: &Movement| {
        let legs = movement.legs.iter().filter_map(|leg| leg.live());
        legs.map(|minor| i128::from(minor) - i128::from(movement.booked)).sum::<i128>()
    };
    movements.map(memo).sum()
}
