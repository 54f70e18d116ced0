//! Files, matches, breaks, and the bookings that answer a break (J11, J12).

use std::collections::BTreeSet;

use super::proof::check_pair;
use super::records::{BillRow, Booking, Break, Ending, FileDigest, Finding, Match, Resolution};
use super::register::{Record, Register};
use super::{Decided, Desk, LongOutcome};
use crate::command::{self, Command, LongOwner};
use crate::ids::{Id, Network};
use crate::money::{Amount, Currency};
use crate::rejection::RejectionCode;
use crate::state::Change;

/// A break that is open.
pub(super) fn open(register: &Register, id: Id) -> Result<&Break, RejectionCode> {
    let known = register.break_of(id).ok_or(RejectionCode::BreakUnknown)?;
    if known.is_open() { Ok(known) } else { Err(RejectionCode::BreakNotOpen) }
}

impl Desk<'_> {
    fn register(&self) -> &Register {
        self.state.register()
    }

    fn open(&self, id: Id) -> Result<&Break, RejectionCode> {
        open(self.register(), id)
    }

    /// A row or a leg has one partner, in this order and in all before it. A leg stands in the log before its match.
    pub(super) fn record_matches(&self, file: &FileDigest, matches: &[Match]) -> Decided {
        let record = self.register().file(file).ok_or(RejectionCode::FileUnknown)?;
        let (mut lines, mut legs) = (BTreeSet::new(), BTreeSet::new());
        for found in matches {
            if found.leg >= self.context.sequence {
                return Err(RejectionCode::PaymentUnknown);
            }
            let is_known = record.matched.contains(u64::from(found.line))
                || self.register().is_matched(record.file.network, found.leg);
            if is_known || !lines.insert(found.line) || !legs.insert(found.leg) {
                return Err(RejectionCode::AlreadyMatched);
            }
            if found.resolves.is_some_and(|id| self.register().break_of(id).is_none()) {
                return Err(RejectionCode::BreakUnknown);
            }
        }
        Ok(Change::registered(vec![Record::Matches(*file, matches.to_vec(), self.context.sign())]))
    }

    pub(super) fn record_breaks(&self, findings: &[Finding]) -> Decided {
        for finding in findings {
            finding.row.map_or(Ok(()), |row| self.check_file(&row))?;
            if finding.replaces.is_some_and(|id| self.register().break_of(id).is_none()) {
                return Err(RejectionCode::BreakUnknown);
            }
        }
        Ok(Change::registered(vec![Record::Breaks(findings.to_vec(), self.context.sign())]))
    }

    pub(super) fn resolve_break(&self, id: Id, resolution: Resolution, note: &str) -> Decided {
        if self.open(id)?.holds_money() {
            return Err(RejectionCode::BreakUnproven);
        }
        Ok(Change::registered(vec![self.ended(id, resolution, note)]))
    }

    fn ended(&self, id: Id, resolution: Resolution, note: &str) -> Record {
        Record::Ended(id, Ending { resolution, signature: self.context.sign(), note: note.to_owned() })
    }

    /// The journal of a command, for an order that completes it.
    fn book(&mut self, command: &Command) -> Result<(), RejectionCode> {
        command::decide(self.state, command, self.effects).map(drop)
    }

    fn check_file(&self, row: &BillRow) -> Result<(), RejectionCode> {
        self.register().file(&row.file).map_or(Err(RejectionCode::FileUnknown), |_| Ok(()))
    }

    /// A break answers one booking, of the pair and in the currency that it is about.
    fn check_unbooked(&self, id: Id, pair: [Option<Network>; 2], currency: Currency) -> Result<(), RejectionCode> {
        let open = self.open(id)?;
        check_pair(&open.finding, pair, currency)?;
        if open.booking.is_some() { Err(RejectionCode::BreakUnproven) } else { Ok(()) }
    }

    pub(super) fn hold_long(
        &mut self,
        id: Id,
        row: &BillRow,
        from: Network,
        to: Option<Network>,
        amount: Amount,
    ) -> Decided {
        self.check_file(row)?;
        self.check_unbooked(id, [Some(from), to], amount.currency())?;
        let shown = self.open(id)?.finding.file_minor;
        if shown.is_some_and(|shown| amount.minor() > shown) {
            return Err(RejectionCode::PaymentMismatch);
        }
        self.book(&Command::HoldLong { from, to, amount })?;
        let held = Booking::Held { from, to, minor: amount.minor() };
        Ok(Change::registered(vec![Record::Booked(id, Some(held))]))
    }

    pub(super) fn resolve_long(&mut self, id: Id, outcome: LongOutcome, amount: Amount, note: &str) -> Decided {
        let Some(Booking::Held { from, to, minor }) = self.open(id)?.booking else {
            return Err(RejectionCode::SuspenseInsufficient);
        };
        let left = self.left(id, minor, amount)?;
        let owner = match outcome {
            LongOutcome::ReturnToPayer => LongOwner::Back,
            LongOutcome::CreditPayee(named) => LongOwner::Creditor(named.or(to).ok_or(RejectionCode::UnknownNetwork)?),
        };
        self.book(&Command::ResolveLong { from, to, owner, amount })?;
        Ok(self.rest(id, (left > 0).then_some(Booking::Held { from, to, minor: left }), note))
    }

    pub(super) fn advance_short(&mut self, id: Id, to: Network, against: Network, amount: Amount) -> Decided {
        self.check_unbooked(id, [Some(to), Some(against)], amount.currency())?;
        self.book(&Command::AdvanceShort { to, against, amount })?;
        let advanced = Booking::Advanced { to, against, minor: amount.minor(), approval: None };
        Ok(Change::registered(vec![Record::Booked(id, Some(advanced))]))
    }

    pub(super) fn recover_short(&mut self, id: Id, amount: Amount, note: &str) -> Decided {
        let Some(Booking::Advanced { to, against, minor, .. }) = self.open(id)?.booking else {
            return Err(RejectionCode::SuspenseInsufficient);
        };
        let left = self.left(id, minor, amount)?;
        self.book(&Command::RecoverShort { to, against, amount })?;
        let rest = Booking::Advanced { to, against, minor: left, approval: None };
        Ok(self.rest(id, (left > 0).then_some(rest), note))
    }

    /// The first principal's request is written down and books nothing; a second one's, of the same amount, books.
    pub(super) fn write_off_short(&mut self, id: Id, amount: Amount, note: &str) -> Decided {
        let Some(Booking::Advanced { to, against, minor, approval }) = self.open(id)?.booking.clone() else {
            return Err(RejectionCode::SuspenseInsufficient);
        };
        let left = self.left(id, minor, amount)?;
        let principal = self.context.principal;
        match approval {
            Some((first, asked)) if asked == amount.minor() && first != principal => {
                self.book(&Command::WriteOffShort { to, against, amount, approved_twice: true })?;
                let rest = Booking::Advanced { to, against, minor: left, approval: None };
                Ok(self.rest(id, (left > 0).then_some(rest), note))
            }
            Some((first, asked)) if asked == amount.minor() && first == principal => {
                Err(RejectionCode::TwoApprovalsRequired)
            }
            _ => {
                let approval = Some((principal.to_owned(), amount.minor()));
                let asked = Booking::Advanced { to, against, minor, approval };
                Ok(Change::registered(vec![Record::Booked(id, Some(asked))]))
            }
        }
    }

    /// What stays booked when `amount` of `minor` ends.
    fn left(&self, id: Id, minor: i64, amount: Amount) -> Result<i64, RejectionCode> {
        let left = minor.checked_sub(amount.minor()).filter(|left| *left >= 0);
        let left = left.ok_or(RejectionCode::SuspenseInsufficient)?;
        let same = self.open(id)?.finding.currency == amount.currency();
        if same { Ok(left) } else { Err(RejectionCode::PaymentMismatch) }
    }

    /// A booking that has come to its end ends its break.
    fn rest(&self, id: Id, booking: Option<Booking>, note: &str) -> Change {
        let is_over = booking.is_none();
        let mut records = vec![Record::Booked(id, booking)];
        if is_over {
            records.push(self.ended(id, Resolution::Booked, note));
        }
        Change::registered(records)
    }
}
