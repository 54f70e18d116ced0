//! The chart of accounts: the operator's books, one set a currency.
//!
//! An account is a class and up to two owners: `position.unionpay.tenpay` is UnionPay's position against Tenpay. Every
//! class knows on which side it grows. Memo classes (holds and payments in transit) come in pairs that always agree; they
//! are off balance and never netted. Institution and channel are dimensions of a posting, not accounts. The four-digit
//! numbers are aliases for people who think in them; they are not a national chart.

use std::fmt;

use crate::ids::{Network, Party};
use crate::money::Currency;

/// Which side of an account its balance grows on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grows {
    /// Assets, expenses, memo originals.
    WithDebits,
    /// Liabilities, income, memo contras.
    WithCredits,
}

macro_rules! classes {
    ($($(#[$doc:meta])* $class:ident = $byte:literal, $number:literal, $word:literal, $grows:ident, $owner:ident;)*) => {
        /// What an account is for. The discriminant is part of record formats and never changes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Class { $($(#[$doc])* $class = $byte,)* }

        impl Class {
            /// Every class, in the order of the chart.
            pub const ALL: &[Self] = &[$(Self::$class,)*];

            /// The word of the account's name.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$class => $word,)* }
            }

            /// The alias number of the chart.
            #[must_use]
            pub const fn number(self) -> u16 {
                match self { $(Self::$class => $number,)* }
            }

            /// On which side the balance grows.
            #[must_use]
            pub const fn grows(self) -> Grows {
                match self { $(Self::$class => Grows::$grows,)* }
            }

            const fn line(self) -> Line {
                match self { $(Self::$class => Line::$owner,)* }
            }
        }
    };
}

/// Whose line of the net a class belongs to.
#[derive(Clone, Copy)]
enum Line {
    /// The first owner's.
    Owner,
    Operator,
    Escrow,
    /// None: memo, or money and receivables that settlement moves.
    Outside,
}

classes! {
    /// Mirror of a network's money in the central bank's settlement account; of the operator and of escrow likewise.
    SettleAsset = 1, 1001, "settle_asset", WithDebits, Outside;
    /// 自有资金: fee cash swept to the operator's own bank account.
    OwnFunds = 2, 1002, "own_funds", WithDebits, Outside;
    /// 应收: what a network owes for closed cycles.
    Receivable = 3, 1201, "receivable", WithDebits, Outside;
    /// 短款 under inquiry, advanced from own funds.
    SuspenseShort = 4, 1301, "suspense_short", WithDebits, Operator;
    /// A network's settlement balance, always equal to its settle asset.
    Liquidity = 5, 2001, "liquidity", WithCredits, Outside;
    /// What a network has against another, or against the operator, in the open cycle; negative: it owes.
    Position = 6, 2101, "position", WithCredits, Owner;
    /// 应付: what a network is owed for closed cycles.
    Payable = 7, 2201, "payable", WithCredits, Outside;
    /// 长款 whose owner is not identified.
    SuspenseLong = 8, 2301, "suspense_long", WithCredits, Escrow;
    /// Held until a dispute is decided.
    Dispute = 9, 2401, "dispute", WithCredits, Escrow;
    /// Network fees charged.
    FeeIncome = 10, 4001, "fee_income", WithCredits, Operator;
    /// Differences of one minor unit a row.
    Rounding = 11, 4002, "rounding", WithCredits, Operator;
    /// Approved losses.
    WriteOff = 12, 5001, "write_off", WithDebits, Operator;
    /// Authorised, not captured.
    Hold = 13, 9101, "hold", WithDebits, Outside;
    /// The other half of the hold memo.
    HoldContra = 14, 9102, "hold_contra", WithCredits, Outside;
    /// The debtor's network has reported, the creditor's not yet.
    TransitPayer = 15, 9201, "transit_payer", WithDebits, Outside;
    /// The other half of that memo.
    TransitPayerContra = 16, 9202, "transit_payer_contra", WithCredits, Outside;
    /// The creditor's network has reported, the debtor's not yet.
    TransitPayee = 17, 9211, "transit_payee", WithDebits, Outside;
    /// The other half of that memo.
    TransitPayeeContra = 18, 9212, "transit_payee_contra", WithCredits, Outside;
}

// Their remainders by four are distinct: `book` uses that for a dense table.
const OWNER_UNKNOWN: u8 = 252;
const OWNER_OPERATOR: u8 = 253;
const OWNER_ESCROW: u8 = 254;
const OWNER_NONE: u8 = 255;

/// One account: class, owners, currency. Six bytes, ordered by class, owners, currency.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Account {
    class: Class,
    owner: u8,
    against: u8,
    currency: Currency,
}

impl Account {
    fn owned(class: Class, owner: Party, currency: Currency) -> Self {
        Self { class, owner: byte_of(owner), against: OWNER_NONE, currency }
    }

    fn paired(class: Class, owner: Network, against: u8, currency: Currency) -> Self {
        Self { class, owner: byte_of(Party::Network(owner)), against, currency }
    }

    /// An account of two networks: `owner` against `against` (payer network against payee network for memos).
    #[must_use]
    pub fn between(class: Class, owner: Network, against: Network, currency: Currency) -> Self {
        Self::paired(class, owner, byte_of(Party::Network(against)), currency)
    }

    /// Money usable for settlement.
    #[must_use]
    pub fn settle_asset(owner: Party, currency: Currency) -> Self {
        Self::owned(Class::SettleAsset, owner, currency)
    }

    /// An account that has one network as its owner: receivable, payable, liquidity, fee income, write-off.
    #[must_use]
    pub fn of_network(class: Class, owner: Network, currency: Currency) -> Self {
        Self::owned(class, Party::Network(owner), currency)
    }

    /// The operator's own bank account, or its rounding account.
    #[must_use]
    pub fn of_operator(class: Class, currency: Currency) -> Self {
        Self::owned(class, Party::Operator, currency)
    }

    /// The position of `owner` against `against`.
    #[must_use]
    pub fn position(owner: Network, against: Network, currency: Currency) -> Self {
        Self::between(Class::Position, owner, against, currency)
    }

    /// The position of `owner` against the operator: network fees only.
    #[must_use]
    pub fn position_operator(owner: Network, currency: Currency) -> Self {
        Self::paired(Class::Position, owner, OWNER_OPERATOR, currency)
    }

    /// Suspense between two networks; `None` when the other one is not known yet.
    #[must_use]
    pub fn suspense(class: Class, owner: Network, against: Option<Network>, currency: Currency) -> Self {
        let against = against.map_or(OWNER_UNKNOWN, |network| byte_of(Party::Network(network)));
        Self::paired(class, owner, against, currency)
    }

    /// What the account is for.
    #[must_use]
    pub const fn class(self) -> Class {
        self.class
    }

    /// The currency it is kept in.
    #[must_use]
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// The first owner, when it is a network.
    #[must_use]
    pub fn owner(self) -> Option<Network> {
        Network::from_index(usize::from(self.owner))
    }

    /// The second owner, when it is a network.
    #[must_use]
    pub fn against(self) -> Option<Network> {
        Network::from_index(usize::from(self.against))
    }

    /// The line of the net that a posting on this account changes; `None` for memo, cash and closed cycles.
    #[must_use]
    pub fn party(self) -> Option<Party> {
        match self.class.line() {
            Line::Owner => self.owner().map(Party::Network),
            Line::Operator => Some(Party::Operator),
            Line::Escrow => Some(Party::Escrow),
            Line::Outside => None,
        }
    }

    /// Class and owners as bytes: the form of record formats, with the currency's three letters behind them.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 6] {
        let [a, b, c] = self.currency.to_bytes();
        [self.class as u8, self.owner, self.against, a, b, c]
    }

    /// The inverse of [`Account::to_bytes`]; `None` when the class, an owner or the currency cannot exist.
    #[must_use]
    pub fn from_bytes([class, owner, against, a, b, c]: [u8; 6]) -> Option<Self> {
        let may_own = |byte: u8| usize::from(byte) < Network::COUNT_MAX || byte >= OWNER_UNKNOWN;
        if !may_own(owner) || !may_own(against) {
            return None;
        }
        let class = *Class::ALL.iter().find(|candidate| **candidate as u8 == class)?;
        let currency = Currency::from_code(std::str::from_utf8(&[a, b, c]).ok()?)?;
        Some(Self { class, owner, against, currency })
    }

    /// The name in words, for example `position.unionpay.tenpay`; `network` gives a network's name.
    #[must_use]
    pub fn name<'a>(self, network: impl Fn(Network) -> &'a str) -> String {
        let word = |byte: u8| match byte {
            OWNER_UNKNOWN => "unknown",
            OWNER_OPERATOR => "operator",
            OWNER_ESCROW => "escrow",
            index => Network::from_index(usize::from(index)).map_or("invalid", &network),
        };
        let mut name = format!("{}.{}", self.class.word(), word(self.owner));
        if self.against != OWNER_NONE {
            name.push('.');
            name.push_str(word(self.against));
        }
        name
    }
}

fn byte_of(party: Party) -> u8 {
    match party {
        Party::Network(network) => u8::try_from(network.index()).expect("a network's number is below 64"),
        Party::Operator => OWNER_OPERATOR,
        Party::Escrow => OWNER_ESCROW,
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}.{}", self.class.number(), self.owner, self.against, self.currency)
    }
}
