//! What a clerk asks for about files, breaks, and single payments.

use domain::break_code::BreakCode;
use domain::clearing::{
    BillFile, BillRow, BillTotals, Booking, Break, ControlTotals, Finding, LongOutcome, Match, MatchKey, Order,
    Resolution,
};
use domain::directive::Completion;
use domain::ids::{Id, Network, Sequence};
use domain::money::{Amount, CNY, Currency};
use domain::payment::{Correction, Side};
use domain::report::Kind;
use domain::time::Date;
use wire::control::compose;

use super::Asked;
use super::desk::{Desk, digest};
use crate::random::Random;

impl Desk<'_> {
    pub(super) fn record_file(&mut self, files: &mut Vec<[u8; 32]>) -> Asked {
        let digest =
            if files.is_empty() || !self.random.one_in(6) { digest(self.random) } else { *self.random.pick(files) };
        files.push(digest);
        let rows = u32::try_from(self.random.between(1, 60)).expect("small");
        let payments_minor = self.random.between(0, 100_000);
        let currency = self.currency();
        let totals =
            BillTotals { currency, rows, payments: rows, payments_minor, refunds: 0, refunds_minor: 0, fees_minor: -3 };
        let control_totals = self.random.weighted(&[
            (8, ControlTotals::Matched),
            (1, ControlTotals::Mismatched),
            (1, ControlTotals::Absent),
        ]);
        let invalid_rows = u32::from(self.random.one_in(40));
        let (network, business_date) = (self.network(), day());
        let (file_name, layout) = ("bill.csv".to_owned(), "tenpay_all".to_owned());
        let file = BillFile { network, business_date, digest, file_name, layout, totals, control_totals, invalid_rows };
        ("command RecordBillFile", self.of(&Order::RecordFile(file)))
    }

    pub(super) fn record_matches(&mut self) -> Asked {
        let BillRow { file, .. } = self.row();
        let line = 1 + u32::try_from(self.random.below(6)).expect("small");
        let resolves = self.random.one_in(3).then(|| self.break_id(|_| true).0);
        let ahead = i64::try_from(self.sequence.0).unwrap_or(1) + if self.random.one_in(8) { 100_000 } else { 0 };
        let leg = |random: &mut Random| Sequence(random.between(ahead.min(2), ahead.max(2)).unsigned_abs());
        let by = if self.random.one_in(2) { MatchKey::NetworkReference } else { MatchKey::MerchantOrder };
        let first = Match { line, leg: leg(self.random), by, resolves };
        let second = Match { line: line + 1, leg: leg(self.random), by, resolves: None };
        let matches = if self.random.one_in(3) { vec![first, second] } else { vec![first] };
        ("command RecordMatches", self.of(&Order::RecordMatches { file, matches }))
    }

    pub(super) fn record_breaks(&mut self) -> Asked {
        let count = 1 + self.random.index(2);
        let findings = (0..count).map(|_| self.finding()).collect();
        ("command RecordBreaks", self.of(&Order::RecordBreaks(findings)))
    }

    pub(super) fn finding(&mut self) -> Finding {
        let known = self.known();
        let code = match self.random.below(16) {
            0 => BreakCode::AmountOver,
            1 => BreakCode::AmountShort,
            2..=8 => BreakCode::LegMissing,
            _ => *self.random.pick(BreakCode::ALL),
        };
        let is_named = code == BreakCode::LegMissing || self.random.one_in(2);
        let about = self.rules.network(if self.random.one_in(2) { known.payer } else { known.payee });
        let kind = *self.random.pick(&[None, Some(Kind::Captured), Some(Kind::Refunded)]);
        Finding {
            id: Id(u128::from_be_bytes(self.random.bytes())),
            code,
            network: about.unwrap_or_else(|| self.network()),
            business_date: day(),
            row: self.random.one_in(2).then(|| self.row()),
            payment: is_named.then(|| Id(u128::from_be_bytes(known.id))),
            movement: None,
            kind,
            side: None,
            network_reference: "42000".to_owned(),
            refund_reference: String::new(),
            currency: Currency::from_code(known.currency).unwrap_or(CNY),
            ledger_minor: None,
            file_minor: self.random.one_in(2).then_some(known.whole),
            note: String::new(),
            replaces: self.random.one_in(6).then(|| self.break_id(|_| true).0),
        }
    }

    pub(super) fn resolve_break(&mut self) -> Asked {
        let (id, _) = self.break_id(Break::holds_settlement_back);
        let resolution =
            *self.random.pick(&[Resolution::MatchedLater, Resolution::FileCorrected, Resolution::Accepted]);
        let note = self.note();
        ("command ResolveBreak", self.of(&Order::ResolveBreak { id, resolution, note }))
    }

    /// The pair that a break is about, in its currency; mostly.
    pub(super) fn about(&mut self, found: Option<&Break>) -> (Network, Network, Amount) {
        let (from, to) = self.pair();
        let Some(Break { finding, .. }) = found.filter(|_| !self.random.one_in(8)) else {
            return (from, to, self.amount(500));
        };
        let shown = finding.file_minor.unwrap_or(500);
        let amount = Amount::new(self.random.between(1, shown.saturating_add(20).min(2_000)), finding.currency);
        let other = self.rules.networks().find(|other| *other != finding.network).unwrap_or(from);
        (finding.network, other, amount.expect("not negative"))
    }

    pub(super) fn hold_long(&mut self) -> Asked {
        let (id, found) = self.break_id(|known| known.booking.is_none());
        let (from, to, amount) = self.about(found.as_ref());
        let (row, to) = (self.row(), (!self.random.one_in(3)).then_some(to));
        ("command HoldLong", self.of(&Order::HoldLong { id, row, from, to, amount }))
    }

    pub(super) fn resolve_long(&mut self) -> Asked {
        let (id, found) = self.break_id(|known| matches!(known.booking, Some(Booking::Held { .. })));
        let amount = self.booked(found.as_ref());
        let outcome = match self.random.below(3) {
            0 => LongOutcome::ReturnToPayer,
            1 => LongOutcome::CreditPayee(None),
            _ => LongOutcome::CreditPayee(Some(self.network())),
        };
        let note = self.note();
        ("command ResolveLong", self.of(&Order::ResolveLong { id, outcome, amount, note }))
    }

    /// What hangs on a break, or a part of it, or too much.
    pub(super) fn booked(&mut self, found: Option<&Break>) -> Amount {
        let booking = found.and_then(|found| found.booking.as_ref().map(|booking| (found, booking)));
        let Some((found, Booking::Held { minor, .. } | Booking::Advanced { minor, .. })) = booking else {
            return self.amount(500);
        };
        let asked = match &found.booking {
            Some(Booking::Advanced { approval: Some((_, asked)), .. }) if !self.random.one_in(4) => Some(*asked),
            _ => None,
        };
        let minor = match self.random.below(6) {
            _ if asked.is_some() => asked.unwrap_or_default(),
            0 => minor.saturating_add(1),
            1 => self.random.between(1, *minor),
            _ => *minor,
        };
        let currency = if self.random.one_in(12) { self.currency() } else { found.finding.currency };
        Amount::new(minor, currency).expect("not negative")
    }

    pub(super) fn advance_short(&mut self) -> Asked {
        let (id, found) = self.break_id(|known| known.booking.is_none());
        let (against, to, amount) = self.about(found.as_ref());
        let amount =
            if self.random.one_in(3) { amount } else { Amount::new(1, amount.currency()).expect("not negative") };
        ("command AdvanceShort", self.of(&Order::AdvanceShort { id, to, against, amount }))
    }

    pub(super) fn recover_short(&mut self) -> Asked {
        let (id, found) = self.break_id(|known| matches!(known.booking, Some(Booking::Advanced { .. })));
        let (amount, note) = (self.booked(found.as_ref()), self.note());
        ("command RecoverShort", self.of(&Order::RecoverShort { id, amount, note }))
    }

    pub(super) fn write_off_short(&mut self) -> Asked {
        let (id, found) = self.break_id(|known| matches!(known.booking, Some(Booking::Advanced { .. })));
        let (amount, note) = (self.booked(found.as_ref()), self.note());
        ("command WriteOffShort", self.of(&Order::WriteOffShort { id, amount, note }))
    }

    // ---- corrections of one payment ----

    pub(super) fn complete(&mut self) -> Asked {
        let known = self.known();
        let side = if self.random.one_in(2) { Side::Payer } else { Side::Payee };
        let speaker = if side == Side::Payee { known.payee } else { known.payer };
        let of_speaker = self
            .state
            .register()
            .files()
            .iter()
            .filter(|record| Some(record.file.network) == self.rules.network(speaker));
        let of_speaker: Vec<_> = of_speaker.map(|record| record.file.digest).collect();
        let mut row = self.row();
        if !of_speaker.is_empty() && !self.random.one_in(6) {
            row.file = *self.random.pick(&of_speaker);
        }
        let kind = self.random.weighted(&[(5, Kind::Captured), (2, Kind::Refunded), (1, Kind::Reversed)]);
        let completion = Completion {
            command: Id(0),
            payment: Id(u128::from_be_bytes(known.id)),
            movement: (kind == Kind::Refunded).then(|| Id(u128::from_be_bytes(known.movement))),
            kind,
            side,
            amount: known.amount(),
            row,
            ends: self.random.one_in(3).then(|| self.break_id(|found| found.booking.is_none()).0),
        };
        ("command CompleteFromEvidence", compose::complete(&completion))
    }

    pub(super) fn return_to_transit(&mut self) -> Asked {
        let known = self.known();
        let payment = Id(u128::from_be_bytes(known.id));
        let fits = |found: &Break| found.booking.is_none() && found.finding.payment.is_some();
        // The oldest is the likeliest to be about a cycle that is settled.
        let oldest = self.state.register().breaks().find(|found| found.is_open() && fits(found));
        let (answers, found) = match oldest {
            Some(oldest) if self.random.one_in(2) => (oldest.finding.id, Some(oldest.clone())),
            _ => self.break_id(fits),
        };
        let found = found.filter(|_| !self.random.one_in(6)).map(|found| found.finding);
        let payment = found.as_ref().and_then(|finding| finding.payment).unwrap_or(payment);
        let named = self.known.iter().find(|known| Id(u128::from_be_bytes(known.id)) == payment).unwrap_or(&known);
        let (whole, currency) = (named.whole, found.map_or(named.amount().currency(), |finding| finding.currency));
        let unproven = if self.random.one_in(2) { Side::Payer } else { Side::Payee };
        let minor = if self.random.one_in(4) { whole } else { 1 };
        let correction = Correction::ReturnToTransit { movement: None, unproven, minor };
        let amount = Amount::new(minor, currency).expect("not negative");
        let content = compose::return_to_transit(answers, payment, correction, amount);
        ("command ReturnToTransit", content.expect("it returns to transit"))
    }
}

fn day() -> Date {
    Date::from_ymd(2026, 11, 11).expect("a date")
}
