//! A row beside the legs that have its key: whether they agree, and in what they do not. Amounts agree to the minor unit. A
//! merchant fee may differ by one, because each network rounds it in its own place; it is compared only when the amounts
//! agree. A fee that the event does not state is held against the file's own rate, half up.

use bills::{Kind, Row};
use domain::rejection::RejectionCode;

use crate::legs::Leg;

/// 1 fen; counted, not a break.
const FEE_TOLERANCE_MINOR: u64 = 1;

/// What row and leg are to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// They agree; `fee_off` when the fee is within the tolerance and not equal.
    Agree { fee_off: bool },
    /// The file has more.
    Over,
    /// The file has less.
    Short,
    /// The fees differ: of the event, which may say nothing, or by the file's rate.
    Fee { event: Option<i64>, expected: i64 },
    /// The ledger refused the leg.
    Refused(RejectionCode),
}

/// `minor` is what the legs of the key come to.
pub(crate) fn judge(row: &Row, leg: &Leg, minor: i64) -> Verdict {
    if let Some(code) = leg.answer.rejection() {
        return Verdict::Refused(code);
    }
    match row.amount.minor().cmp(&minor) {
        std::cmp::Ordering::Greater => Verdict::Over,
        std::cmp::Ordering::Less => Verdict::Short,
        std::cmp::Ordering::Equal => judge_fee(row, leg.facts.merchant_fee_minor),
    }
}

fn judge_fee(row: &Row, event: Option<i64>) -> Verdict {
    let Some(expected) = event.or_else(|| by_rate(row)) else { return Verdict::Agree { fee_off: false } };
    let off = row.fee_minor.abs_diff(expected);
    if off > FEE_TOLERANCE_MINOR { Verdict::Fee { event, expected } } else { Verdict::Agree { fee_off: off > 0 } }
}

/// Charged on payments, given back on everything else.
fn by_rate(row: &Row) -> Option<i64> {
    let charged = row.fee_rate?.of(row.amount.minor());
    if row.kind == Kind::Payment { Some(charged) } else { charged.checked_neg() }
}
