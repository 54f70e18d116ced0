//! What has no partner: a row without a leg of its network, a leg without a row. Looked at in this order: an authorisation
//! whose outcome the network did not know; a partner's leg that speaks for both sides; a partner's leg whose other side is
//! silent; a payment that nobody knows; a payment that the ledger holds for captured; the hour of the cut-off. Only what
//! fits none of these is missing on one side.

use bills::Row;
use domain::break_code::BreakCode;
use domain::clearing::MatchKey;
use domain::payment::Side;
use domain::report::Kind;
use domain::time::{BusinessDay, Timestamp};

use crate::draft::{Draft, Proof};
use crate::key::{OrderKey, Step, payment_reference};
use crate::legs::Leg;
use crate::plan::Planner;

const SECONDS_AN_HOUR: i64 = 3_600;
const SECONDS_A_DAY: i64 = 86_400;

impl<'a> Planner<'a> {
    /// Rows of one order number, amount and kind are looked at together: evidence books only what it is certain about.
    pub(crate) fn explain_rows(&mut self, mut rows: Vec<&'a Row>) {
        rows.sort_by_key(|row| (OrderKey::of_row(row), row.line));
        for same in rows.chunk_by(|a, b| OrderKey::of_row(a) == OrderKey::of_row(b)) {
            let (for_both, silent) = self.partner_legs(same[0]);
            for row in same {
                self.explain_row(row, only(same, &for_both), only(same, &silent), !silent.is_empty());
            }
        }
    }

    fn explain_row(&mut self, row: &'a Row, both: Option<&'a Leg>, partner: Option<&'a Leg>, is_reported: bool) {
        let break_of = |code| Draft::of_row(code, &self.bill.file, row);
        let draft = if let Some(authorised) = self.unknown_outcome(row) {
            let draft = break_of(BreakCode::StatusLedgerFail).with_leg(authorised, authorised.facts.minor);
            draft.proving(Proof::Leg).noting("the network did not know the outcome of its request; its file does")
        } else if let Some(leg) = both {
            return self.agree(row, leg, MatchKey::MerchantOrder);
        } else if let Some(leg) = partner {
            break_of(BreakCode::LegMissing).with_leg(leg, leg.facts.minor).proving(Proof::Leg)
        } else if is_reported {
            break_of(BreakCode::LegMissing).noting("several rows or payments share this order number and amount")
        } else {
            self.unreported(row)
        };
        self.drafts.push(draft);
    }

    /// Nobody has reported what the row shows.
    fn unreported(&self, row: &Row) -> Draft {
        let known = self.known(row);
        let captured = known.iter().find(|leg| leg.facts.kind == Kind::Captured && leg.stands());
        let captured = captured.filter(|leg| !self.has_reversed(leg));
        let code = match Step::of_row(row) {
            Step::Refunded if known.is_empty() => BreakCode::RefundOrphan,
            Step::Reversed if known.is_empty() => BreakCode::ReversalOrphan,
            Step::Reversed if captured.is_some() => BreakCode::StatusLedgerOk,
            _ if is_near_cut_off(row.at, self.day) => BreakCode::Timing,
            _ => BreakCode::LedgerMissing,
        };
        let draft = Draft::of_row(code, &self.bill.file, row);
        match captured {
            Some(leg) if code == BreakCode::StatusLedgerOk => draft.with_leg(leg, leg.facts.minor),
            _ => draft,
        }
    }

    /// Whether this network has reported the reversal, under whatever reference.
    fn has_reversed(&self, leg: &Leg) -> bool {
        let mut of_payment = self.legs.of_payment(leg.facts.payment);
        of_payment.any(|leg| leg.facts.network == self.bill.file.network && leg.facts.kind == Kind::Reversed)
    }

    /// What the ledger knows of the payment that a refund or reversal row names: by its reference, else by order number.
    fn known(&self, row: &Row) -> Vec<&'a Leg> {
        let (legs, network) = (self.legs, self.bill.file.network);
        let referring: Vec<_> = legs.referring(network, payment_reference(row)).collect();
        if referring.is_empty() { legs.with_order(&row.order).collect() } else { referring }
    }

    /// Legs of other networks that fit the row's order number, amount and kind: those that speak for this network too, and
    /// those whose other side is silent.
    fn partner_legs(&self, row: &Row) -> (Vec<&'a Leg>, Vec<&'a Leg>) {
        let (network, key) = (self.bill.file.network, OrderKey::of_row(row));
        let of_order = self.legs.with_order(&row.order);
        let fitting = of_order.filter(|leg| {
            leg.stands()
                && leg.facts.network != network
                && leg.partner() == network
                && OrderKey::of_leg(leg) == Some(key)
        });
        let (both, one): (Vec<_>, Vec<_>) = fitting.partition(|leg| leg.facts.side == Side::Both);
        (both, one.into_iter().filter(|leg| self.is_silent_beside(leg)).collect())
    }

    /// Whether this network has no standing leg of the partner's step.
    fn is_silent_beside(&self, partner: &Leg) -> bool {
        let mut own = self.legs.of_payment(partner.facts.payment).filter(|leg| {
            leg.facts.network == self.bill.file.network
                && (leg.facts.kind, leg.facts.movement) == (partner.facts.kind, partner.facts.movement)
        });
        !own.any(Leg::stands)
    }

    /// The authorisation under the row's reference, when the network does not know what became of it and nothing has said
    /// since. A hold that ran out says nothing by itself.
    fn unknown_outcome(&self, row: &Row) -> Option<&'a Leg> {
        let (legs, network) = (self.legs, self.bill.file.network);
        if Step::of_row(row) != Step::Captured {
            return None;
        }
        let mut referring = legs.referring(network, &row.reference);
        let authorised = referring.find(|leg| leg.facts.kind == Kind::Authorised && leg.stands())?;
        let own: Vec<&Leg> = legs
            .of_payment(authorised.facts.payment)
            .filter(|leg| leg.facts.network == network && leg.stands())
            .collect();
        let says_unknown = |leg: &&Leg| {
            leg.facts.kind == Kind::UnknownOutcome || (leg.facts.kind == Kind::Expired && !leg.facts.has_evidence)
        };
        let says_outcome = |leg: &&Leg| {
            matches!(leg.facts.kind, Kind::Captured | Kind::Voided)
                || (leg.facts.kind == Kind::Expired && leg.facts.has_evidence)
        };
        (own.iter().any(says_unknown) && !own.iter().any(says_outcome)).then_some(authorised)
    }

    /// Legs that stand and that no file shows. What was refused and is in no file was undone, as it had to be.
    pub(crate) fn explain_legs(&mut self, legs: &[&'a Leg]) {
        for leg in legs {
            if !leg.stands() || !self.is_free(leg) || self.is_disputed(leg) {
                continue;
            }
            let near = is_near_cut_off(leg.facts.occurred_at, self.day);
            let code = if near { BreakCode::Timing } else { BreakCode::NetworkMissing };
            self.drafts.push(Draft::of_leg(code, &self.bill.file, leg));
        }
    }
}

fn only<'a>(rows: &[&Row], legs: &[&'a Leg]) -> Option<&'a Leg> {
    match (rows, legs) {
        ([_], [leg]) => Some(leg),
        _ => None,
    }
}

/// Within the last hour of a business day or the first: 22:00 to 24:00 for a cut-off at 23:00.
fn is_near_cut_off(at: Timestamp, day: BusinessDay) -> bool {
    let (_, second) = at.civil(day.offset_seconds);
    let cut_off = i64::from(day.cut_off_second.unwrap_or_default());
    let since = i64::from(second).saturating_sub(cut_off).rem_euclid(SECONDS_A_DAY);
    !(SECONDS_AN_HOUR..SECONDS_A_DAY.saturating_sub(SECONDS_AN_HOUR)).contains(&since)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::time::Date;

    #[test]
    fn the_hours_beside_the_cut_off_begin_and_end_on_the_second() {
        let date = Date::from_ymd(2026, 11, 22).expect("a date");
        let near = |second, cut_off_second| {
            let day = BusinessDay { offset_seconds: 28_800, cut_off_second, boundary_is_next_day: true };
            is_near_cut_off(Timestamp::from_civil(date, second, 28_800), day)
        };
        for (second, unionpay, wallet) in [
            (0, false, true),
            (3_599, false, true),
            (3_600, false, false),
            (22 * 3_600 - 1, false, false),
            (22 * 3_600, true, false),
            (23 * 3_600 - 1, true, false),
            (23 * 3_600, true, true),
            (86_399, true, true),
        ] {
            assert_eq!((near(second, Some(82_800)), near(second, None)), (unionpay, wallet), "second {second}");
        }
    }
}
