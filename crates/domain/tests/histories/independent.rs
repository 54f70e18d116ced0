//! The nets of every cycle a second time, from what payments and commands say and not from what was booked. Nothing here
//! calls the domain's own rates, fees or netting.

use std::collections::BTreeMap;

use domain::command::{Command, LongOwner};
use domain::cycle::CycleId;
use domain::ids::{Id, Party};
use domain::money::Currency;
use domain::payment::{DisputeState, Payment};
use domain::rulebook::{Fee, Rulebook};

/// Nets by cycle and party, and what each payment's fees have come to.
#[derive(Default)]
pub(crate) struct Nets {
    by_cycle: BTreeMap<CycleId, BTreeMap<Party, i128>>,
    fees: BTreeMap<Id, PaymentFees>,
}

/// Interchange, payer's and payee's fee.
#[derive(Clone, Copy, Default)]
struct PaymentFees {
    charged: [i128; 3],
    returned: [i128; 3],
}

impl Nets {
    pub(crate) fn of(&self, cycle: CycleId) -> BTreeMap<Party, i128> {
        let nets = self.by_cycle.get(&cycle).cloned().unwrap_or_default();
        nets.into_iter().filter(|(_, minor)| *minor != 0).collect()
    }

    fn pay(&mut self, cycle: CycleId, from: Party, to: Party, minor: i128) {
        let nets = self.by_cycle.entry(cycle).or_default();
        *nets.entry(from).or_default() -= minor;
        *nets.entry(to).or_default() += minor;
    }

    /// A payment was one thing and is another, while `number` was the open cycle of its currency.
    pub(crate) fn payment(&mut self, id: Id, before: &Payment, after: &Payment, rules: &[Rulebook], number: u32) {
        let Some(terms) = after.terms else { return };
        let cycle = CycleId { currency: terms.currency, number };
        let (payer, payee) = (Party::Network(terms.payer), Party::Network(terms.payee));
        let forth = i128::from(after.capture.booked) - i128::from(before.capture.booked);
        let back = went_back(after) - went_back(before);
        self.pay(cycle, payer, payee, forth - back);
        let (was, is) = (disputed(before), disputed(after));
        self.pay(cycle, payee, Party::Escrow, is.0 - was.0);
        self.pay(cycle, payee, payer, is.1 - was.1);
        let version = &rules[usize::try_from(terms.rulebook).expect("small") - 1];
        let row = &version.corridors[usize::from(terms.corridor)];
        let known = self.fees.get(&id).copied().unwrap_or_default();
        let now = known.follow(before, after, [row.fees.interchange, row.fees.payer, row.fees.payee]);
        let [interchange, payer_fee, payee_fee] =
            [0, 1, 2].map(|fee| (now.charged[fee] - now.returned[fee]) - (known.charged[fee] - known.returned[fee]));
        self.pay(cycle, payee, payer, interchange);
        self.pay(cycle, payer, Party::Operator, payer_fee);
        self.pay(cycle, payee, Party::Operator, payee_fee);
        self.fees.insert(id, now);
    }

    /// A command was accepted while `open` tells the open cycle of a currency.
    pub(crate) fn command(&mut self, command: &Command, open: impl Fn(Currency) -> u32) {
        let cycle = |currency| CycleId { currency, number: open(currency) };
        match *command {
            Command::HoldLong { from, amount, .. } => {
                self.pay(cycle(amount.currency()), Party::Network(from), Party::Escrow, amount.minor().into());
            }
            Command::ResolveLong { from, owner, amount, .. } => {
                let to = if let LongOwner::Creditor(network) = owner { network } else { from };
                self.pay(cycle(amount.currency()), Party::Escrow, Party::Network(to), amount.minor().into());
            }
            Command::AdvanceShort { to, amount, .. } => {
                self.pay(cycle(amount.currency()), Party::Operator, Party::Network(to), amount.minor().into());
            }
            Command::RecoverShort { against, amount, .. } => {
                self.pay(cycle(amount.currency()), Party::Network(against), Party::Operator, amount.minor().into());
            }
            Command::AdjustFee { network, currency, minor } => {
                self.pay(cycle(currency), Party::Network(network), Party::Operator, minor.into());
            }
            _ => {}
        }
    }
}

impl PaymentFees {
    /// J3 and J6: charged is the fee of what is captured; returned follows the refunds, never downwards while they grow.
    fn follow(self, before: &Payment, after: &Payment, rule: [Fee; 3]) -> Self {
        let captured = i128::from(after.capture.booked);
        let charged = rule.map(|fee| fee_of(fee, captured));
        if after.reversal.booked > 0 {
            return Self { charged, returned: charged };
        }
        let (was, is) = (refunded(before), refunded(after));
        let falls = after.capture.booked < before.capture.booked;
        let share = |fee: i128| if captured == 0 { 0 } else { (2 * fee * is + captured) / (2 * captured) };
        let mut returned = self.returned;
        if is < was || (falls && is > 0) {
            returned = charged.map(share);
        } else if is > was {
            for (returned, fee) in returned.iter_mut().zip(charged) {
                *returned = share(fee).max(*returned);
            }
        }
        Self { charged, returned }
    }
}

/// Half up on one minor unit, at most the cap.
fn fee_of(fee: Fee, minor: i128) -> i128 {
    let rounded = (2 * minor * i128::from(fee.rate.millionths()) + 1_000_000) / 2_000_000;
    fee.cap.map_or(rounded, |cap| rounded.min(cap.into()))
}

fn refunded(payment: &Payment) -> i128 {
    payment.refunds.iter().map(|refund| i128::from(refund.movement.booked)).sum()
}

fn went_back(payment: &Payment) -> i128 {
    refunded(payment) + i128::from(payment.reversal.booked)
}

/// In escrow, and gone to the payer.
fn disputed(payment: &Payment) -> (i128, i128) {
    let of = |state| {
        let disputes = payment.disputes.iter().filter(|dispute| dispute.state == state);
        disputes.map(|dispute| i128::from(dispute.minor)).sum::<i128>()
    };
    (of(DisputeState::Open), of(DisputeState::Lost))
}
