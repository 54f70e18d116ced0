//! Accounts and participants by their names, and balances.
//!
//! An account's name is its class and whom it belongs to, joined by points: `liquidity.unionpay`,
//! `position.unionpay.tenpay`. Only names of the chart are accounts: a class says whether it has one owner or two and
//! which of the operator's own lines it may belong to, so `hold.unionpay` is none. The words `operator`, `escrow` and
//! `unknown` are the chart's even if a network should bear them.

use domain::account::{Account, Class, Grows};
use domain::book::Balance;
use domain::ids::{Network, Party};
use domain::money::Currency;
use domain::rulebook::Rulebook;

use crate::common::v1;

const OPERATOR: &str = "operator";
const ESCROW: &str = "escrow";
const UNKNOWN: &str = "unknown";

/// Whom a name says that an account belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owners {
    One(Party),
    Pair(Network, Network),
    WithOperator(Network),
    WithUnknown(Network),
}

/// The account's name.
#[must_use]
pub fn account_name(account: Account, rules: &Rulebook) -> String {
    account.name(|network| rules.network_name(network))
}

/// The account of that name, whether or not anything was ever posted to it; `None` when the chart and the rulebook's
/// networks have none.
#[must_use]
pub fn account(name: &str, currency: Currency, rules: &Rulebook) -> Option<Account> {
    let (word, owners) = name.split_once('.')?;
    let class = Class::ALL.iter().copied().find(|class| class.word() == word)?;
    let owners = owners_named(owners, rules)?;
    of_chart(class, owners, currency)
}

fn owners_named(text: &str, rules: &Rulebook) -> Option<Owners> {
    if let Some(party) = participant(text, rules) {
        return Some(Owners::One(party));
    }
    // A network's name may itself hold a point, so the text is tried against each name rather than cut at points.
    rules.networks().find_map(|owner| {
        let against = text.strip_prefix(rules.network_name(owner))?.strip_prefix('.')?;
        match against {
            OPERATOR => Some(Owners::WithOperator(owner)),
            UNKNOWN => Some(Owners::WithUnknown(owner)),
            name => rules.network(name).filter(|against| *against != owner).map(|against| Owners::Pair(owner, against)),
        }
    })
}

/// The account, if a class has such owners.
fn of_chart(class: Class, owners: Owners, currency: Currency) -> Option<Account> {
    use Class::{
        Dispute, FeeIncome, Hold, HoldContra, Liquidity, OwnFunds, Payable, Position, Receivable, Rounding,
        SettleAsset, SuspenseLong, SuspenseShort, TransitPayee, TransitPayeeContra, TransitPayer, TransitPayerContra,
        WriteOff,
    };
    Some(match (class, owners) {
        (SettleAsset, Owners::One(party)) => Account::settle_asset(party, currency),
        (OwnFunds | Rounding, Owners::One(Party::Operator)) => Account::of_operator(class, currency),
        (Receivable | Payable | Liquidity | FeeIncome, Owners::One(Party::Network(owner))) => {
            Account::of_network(class, owner, currency)
        }
        (Position, Owners::WithOperator(owner)) => Account::position_operator(owner, currency),
        (Position | SuspenseLong, Owners::WithUnknown(owner)) => Account::suspense(class, owner, None, currency),
        (
            Position | SuspenseLong | SuspenseShort | WriteOff | Dispute | Hold | HoldContra | TransitPayer
            | TransitPayerContra | TransitPayee | TransitPayeeContra,
            Owners::Pair(owner, against),
        ) => Account::between(class, owner, against, currency),
        _ => return None,
    })
}

/// The name of a participant of a net: a network's, `operator` or `escrow`.
#[must_use]
pub fn participant_name(party: Party, rules: &Rulebook) -> &str {
    rules.party_name(party)
}

/// The participant of that name.
#[must_use]
pub fn participant(name: &str, rules: &Rulebook) -> Option<Party> {
    match name {
        OPERATOR => Some(Party::Operator),
        ESCROW => Some(Party::Escrow),
        name => rules.network(name).map(Party::Network),
    }
}

/// What kind of account a class is in the operator's books.
#[must_use]
pub const fn account_class(class: Class) -> v1::AccountClass {
    match class {
        Class::SettleAsset | Class::OwnFunds | Class::Receivable | Class::SuspenseShort => v1::AccountClass::Asset,
        Class::Liquidity | Class::Position | Class::Payable | Class::SuspenseLong | Class::Dispute => {
            v1::AccountClass::Liability
        }
        Class::FeeIncome | Class::Rounding => v1::AccountClass::Income,
        Class::WriteOff => v1::AccountClass::Expense,
        Class::Hold
        | Class::HoldContra
        | Class::TransitPayer
        | Class::TransitPayerContra
        | Class::TransitPayee
        | Class::TransitPayeeContra => v1::AccountClass::Memo,
    }
}

/// An account's balance as the contracts write it.
#[must_use]
pub fn balance(account: Account, balance: Balance, rules: &Rulebook) -> v1::Balance {
    let grows: Grows = account.class().grows();
    v1::Balance {
        account: account_name(account, rules),
        currency_code: account.currency().code().to_owned(),
        account_class: account_class(account.class()).into(),
        debits_minor_units: balance.debits.to_string(),
        credits_minor_units: balance.credits.to_string(),
        net_minor_units: balance.standing(grows).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use domain::money::CNY;

    use super::*;

    fn rules() -> Rulebook {
        rulebook::parse(rulebook::DEFAULT).expect("the default rulebook is valid")
    }

    /// Every account of the chart over the networks of the rulebook.
    fn chart(rules: &Rulebook) -> Vec<Account> {
        let networks = || rules.networks();
        let pairs = || networks().flat_map(|a| networks().filter(move |b| *b != a).map(move |b| Owners::Pair(a, b)));
        let parties = networks().map(Party::Network).chain([Party::Operator, Party::Escrow]).map(Owners::One);
        let others = networks().flat_map(|a| [Owners::WithOperator(a), Owners::WithUnknown(a)]);
        let owners: Vec<Owners> = parties.chain(pairs()).chain(others).collect();
        let all = Class::ALL.iter().flat_map(|class| owners.iter().map(|owners| (*class, *owners)));
        all.filter_map(|(class, owners)| of_chart(class, owners, CNY)).collect()
    }

    #[test]
    fn every_account_of_the_chart_comes_back_from_its_name() {
        let rules = rules();
        let chart = chart(&rules);
        for &class in Class::ALL {
            assert!(chart.iter().any(|account| account.class() == class), "{class:?} has no account");
        }
        for each in chart {
            let name = account_name(each, &rules);
            assert!(name.len() <= 100, "{name} is too long for Balance.account");
            assert_eq!(account(&name, CNY, &rules), Some(each), "{name}");
        }
    }

    #[test]
    fn what_the_chart_does_not_have_is_no_account() {
        let rules = rules();
        for name in [
            "",
            "position",
            "position.",
            "position.unionpay",
            "position.unionpay.",
            "position.unionpay.unionpay",
            "position.unionpay.tenpay.alipay",
            "position.netsunion.tenpay",
            "position.operator.unionpay",
            "positions.unionpay.tenpay",
            "hold.unionpay",
            "liquidity.unionpay.tenpay",
            "liquidity.operator",
            "rounding.unionpay",
            "suspense_short.unionpay.unknown",
        ] {
            assert_eq!(account(name, CNY, &rules), None, "{name}");
        }
    }

    #[test]
    fn every_participant_comes_back_from_its_name() {
        let rules = rules();
        for party in rules.networks().map(Party::Network).chain([Party::Operator, Party::Escrow]) {
            assert_eq!(participant(participant_name(party, &rules), &rules), Some(party));
        }
        assert_eq!(participant("netsunion", &rules), None);
    }

    #[test]
    fn classes_are_on_the_side_that_their_number_and_growth_say() {
        for &class in Class::ALL {
            let expected = match (class.number() / 1_000, class.grows()) {
                (1, Grows::WithDebits) => v1::AccountClass::Asset,
                (2, Grows::WithCredits) => v1::AccountClass::Liability,
                (4, Grows::WithCredits) => v1::AccountClass::Income,
                (5, Grows::WithDebits) => v1::AccountClass::Expense,
                (9, grows) => {
                    assert_eq!(class.word().ends_with("_contra"), grows == Grows::WithCredits, "{class:?}");
                    v1::AccountClass::Memo
                }
                other => panic!("{class:?} is {other:?}"),
            };
            assert_eq!(account_class(class), expected, "{class:?}");
        }
    }

    #[test]
    fn a_balance_is_written_as_decimal_texts() {
        let rules = rules();
        let owes = account("position.unionpay.tenpay", CNY, &rules).expect("an account");
        let written = balance(owes, Balance { debits: i128::MAX, credits: 7 }, &rules);
        assert_eq!(written.account, "position.unionpay.tenpay");
        assert_eq!(written.debits_minor_units, "170141183460469231731687303715884105727");
        assert_eq!(written.net_minor_units, "-170141183460469231731687303715884105720");
        assert_eq!(written.account_class(), v1::AccountClass::Liability);
    }
}
