//! What is known of a file when its last line has been read.

use domain::money::decimal_from_minor;
use thiserror::Error;

use crate::{Fault, Kind, Network, Row};

/// Decimals of the only currency of the corridors.
pub(crate) const EXPONENT: u32 = 2;

/// How many rows, and how much.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// Rows.
    pub count: u64,
    /// The sum of their amounts, never negative.
    pub minor: i128,
}

/// A file in figures. Rows with a fault are in none of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Who wrote the file.
    pub network: Network,
    /// A stable name such as `tenpay-all-27`.
    pub layout: &'static str,
    /// Payments, refunds and revoked together.
    pub rows: u64,
    /// Money to the merchant.
    pub payments: Total,
    /// Money back.
    pub refunds: Total,
    /// Payments taken back whole.
    pub revoked: Total,
    /// Merchant fees, charged less given back.
    pub fees_minor: i128,
    /// How many faults were handed out.
    pub faults: u64,
    /// The file's own totals held against its rows.
    pub control: Control,
}

impl Summary {
    pub(crate) fn new(network: Network, layout: &'static str) -> Self {
        let none = Total::default();
        Self {
            network,
            layout,
            rows: 0,
            payments: none,
            refunds: none,
            revoked: none,
            fees_minor: 0,
            faults: 0,
            control: Control::Absent,
        }
    }

    #[expect(clippy::arithmetic_side_effects, reason = "an i128 holds 2^64 rows of the largest i64")]
    pub(crate) fn fold(&mut self, item: &Result<Row, Fault>) {
        let Ok(row) = item else {
            self.faults += 1;
            return;
        };
        let total = match row.kind {
            Kind::Payment => &mut self.payments,
            Kind::Refund => &mut self.refunds,
            Kind::Revoked => &mut self.revoked,
        };
        total.count += 1;
        total.minor += i128::from(row.amount.minor());
        self.rows += 1;
        self.fees_minor += i128::from(row.fee_minor);
    }

    /// Money back: refunds and revoked payments.
    #[expect(clippy::arithmetic_side_effects, reason = "an i128 holds 2^64 rows of the largest i64")]
    pub(crate) fn returned_minor(&self) -> i128 {
        self.refunds.minor + self.revoked.minor
    }
}

/// The totals a file carries, held against its rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Control {
    /// The file carries totals and its rows give the same.
    Matched,
    /// The file carries none. A WeChat bill always does, so there absence is a mismatch; for Alipay and UnionPay it cannot
    /// be told whether the file was cut, and somebody else has to say that the rows are all.
    Absent,
    /// At least one figure differs or is missing.
    Mismatched(Vec<Discrepancy>),
}

impl Control {
    /// Matched when there is nothing to say against it.
    pub(crate) fn of(found: Vec<Discrepancy>) -> Self {
        if found.is_empty() { Self::Matched } else { Self::Mismatched(found) }
    }
}

/// A figure of the control totals that does not hold. Money is in yuan, as the files print it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Discrepancy {
    /// Both are numbers and they differ.
    #[error("{figure} is {file} in the file's totals and {computed} in its rows")]
    Differs {
        /// The figure's name in the file.
        figure: String,
        /// As the file has it.
        file: String,
        /// As the rows give it.
        computed: String,
    },
    /// The file ends before the figure, or its wording is not known.
    #[error("{figure} is missing: the file is truncated, fetch it again")]
    Missing {
        /// The figure's name in the file.
        figure: String,
    },
    /// Not a number.
    #[error("{figure} reads {value:?}, which is not a number")]
    Unreadable {
        /// The figure's name in the file.
        figure: String,
        /// What stands there.
        value: String,
    },
}

/// One figure held against the rows: `None` when they agree.
pub(crate) fn compare(figure: &str, file: i128, computed: i128, exponent: u32) -> Option<Discrepancy> {
    (file != computed).then(|| Discrepancy::Differs {
        figure: figure.to_owned(),
        file: decimal_from_minor(file, exponent),
        computed: decimal_from_minor(computed, exponent),
    })
}
