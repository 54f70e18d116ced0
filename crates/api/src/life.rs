//! A payment as it stood at any moment. The ledger keeps payments as they stand now; what one was at a past moment, and
//! which breaks an event raised, is asked of the rules again with the entries of the log that name it. What the rules look
//! at beside the payment is known from the log: rulebooks, closings, and whether a cap refused the event. An answer that
//! differs from the one in the log means that this program must not speak about this log.

use std::collections::BTreeMap;

use domain::cycle::CycleId;
use domain::directive::Action;
use domain::ids::{Network, Sequence};
use domain::journal::Effects;
use domain::money::Currency;
use domain::payment::{self, Answer, Payment};
use domain::rejection::RejectionCode;
use domain::report::Report;
use domain::rulebook::{RulebookError, Rules};
use domain::state::View;
use ledger::{AnswerCode, EntryKind, LoggedEntry};
use wire::control;
use wire::event::v1 as event;

use crate::history::History;
use crate::reader::Moment;

/// What the log says about one payment.
#[derive(Default)]
pub(crate) struct Life {
    pub(crate) payment: Payment,
    /// By kind and side, in their order: minor units that were reported.
    pub(crate) reported: BTreeMap<(i32, i32), i64>,
    /// By entry: the breaks that it raised.
    pub(crate) raised: BTreeMap<Sequence, Vec<domain::journal::Break>>,
}

/// Why a life cannot be told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Untold {
    #[error("a rulebook that was loaded cannot be loaded again")]
    Rulebook(#[source] RulebookError),
    #[error("the rules now answer entry {0} differently than the log")]
    Diverged(Sequence),
}

/// The ledger beside the payment, as an event found it.
struct Then {
    rules: Rules,
    open: BTreeMap<Currency, u32>,
    settled: Vec<CycleId>,
    /// Whether the event was refused for its network's exposure.
    is_capped: bool,
}

impl View for Then {
    fn rules(&self) -> &Rules {
        &self.rules
    }

    fn open_cycle(&self, currency: Currency) -> u32 {
        self.open.get(&currency).copied().unwrap_or(1)
    }

    fn exposure(&self, _: Network, _: Currency) -> i128 {
        0
    }

    /// No event adds less than one minor unit to nothing.
    fn exposure_limit(&self, _: Network, _: Currency) -> i128 {
        if self.is_capped { 0 } else { i128::MAX }
    }

    fn is_settled(&self, cycle: CycleId) -> bool {
        self.settled.contains(&cycle)
    }
}

impl Life {
    /// Judges the entries of a payment again, in order, with the closings between them.
    pub(crate) fn of(entries: &[LoggedEntry], history: &History, moment: &Moment) -> Result<Self, Untold> {
        let mut life = Self::default();
        let Some(first) = entries.first() else { return Ok(life) };
        let closings = history.closings(moment);
        let mut closings = closings.iter().peekable();
        let mut then = Then::at(first, moment)?;
        for entry in entries {
            while let Some((sequence, cycle)) = closings.next_if(|(sequence, _)| *sequence < entry.sequence) {
                life.close(*sequence, *cycle, &mut then);
            }
            if entry.rulebook != then.rules.current().version {
                then = Then { open: then.open, ..Then::at(entry, moment)? };
            }
            then.settled = settled(moment, entry.sequence);
            life.judge(entry, &mut then)?;
        }
        for (sequence, cycle) in closings {
            life.close(*sequence, *cycle, &mut then);
        }
        Ok(life)
    }

    fn close(&mut self, sequence: Sequence, cycle: CycleId, then: &mut Then) {
        then.open.insert(cycle.currency, cycle.number + 1);
        if self.payment.waiting_since().is_none() {
            return;
        }
        let mut effects = Effects::default();
        if let Some(next) = payment::overdue(then, &self.payment, cycle.number, &mut effects) {
            self.payment = next;
            self.raised.insert(sequence, effects.raised);
        }
    }

    fn judge(&mut self, entry: &LoggedEntry, then: &mut Then) -> Result<(), Untold> {
        let was_judged = entry.duplicate_of.is_none();
        then.is_capped = entry.answer == RejectionCode::NetDebitCapExceeded.into();
        match entry.kind {
            EntryKind::PaymentEvent if was_judged => match event_report(entry, then) {
                Some(report) => self.fold(entry, &report, then),
                None => Err(Untold::Diverged(entry.sequence)),
            },
            EntryKind::Command if was_judged && entry.answer == AnswerCode::ACCEPTED => self.command(entry, then),
            _ => Ok(()),
        }
    }

    fn fold(&mut self, entry: &LoggedEntry, report: &Report, then: &Then) -> Result<(), Untold> {
        let mut effects = Effects::default();
        let decision = payment::decide(then, &self.payment, report, entry.sequence, &mut effects);
        if answer_code(&decision.answer) != entry.answer {
            return Err(Untold::Diverged(entry.sequence));
        }
        if !matches!(decision.answer, Answer::Rejected(_)) {
            self.note(report);
        }
        if let Some(next) = decision.payment {
            self.payment = next;
        }
        self.raised.insert(entry.sequence, effects.raised);
        Ok(())
    }

    fn command(&mut self, entry: &LoggedEntry, then: &Then) -> Result<(), Untold> {
        let asked = control::decode(&entry.raw).ok().and_then(|record| record.asked(then.rules.current()).ok());
        match (asked.map(|asked| asked.action), self.payment.terms) {
            (Some(Action::Complete(completion)), Some(terms)) => {
                let report = completion.report(&terms, entry.arrived_at, then.rules.current());
                self.fold(entry, &report, then)
            }
            (Some(Action::Correct { correction, .. }), _) => {
                let mut effects = Effects::default();
                let corrected = payment::correct(then, &self.payment, correction, &mut effects);
                self.payment = corrected.map_err(|_| Untold::Diverged(entry.sequence))?;
                self.raised.insert(entry.sequence, effects.raised);
                Ok(())
            }
            // The others change no payment.
            _ => Ok(()),
        }
    }

    /// A feed that speaks for both sides counts for each.
    fn note(&mut self, report: &Report) {
        let sides: &[payment::Side] = match report.side {
            payment::Side::Both => &[payment::Side::Payer, payment::Side::Payee],
            payment::Side::Payer => &[payment::Side::Payer],
            payment::Side::Payee => &[payment::Side::Payee],
        };
        let kind: event::Kind = report.kind.into();
        for side in sides.iter().map(|side| event::Side::from(*side)) {
            let sum = self.reported.entry((kind.into(), side.into())).or_default();
            *sum = sum.saturating_add(report.minor);
        }
    }
}

impl Then {
    /// With the rulebooks that stood at an entry, before any closing.
    fn at(entry: &LoggedEntry, moment: &Moment) -> Result<Self, Untold> {
        let newest = moment.newest.state.rules();
        let mut versions = (1..=entry.rulebook).filter_map(|number| newest.version(number).cloned());
        let first = versions.next().unwrap_or_else(|| moment.names().clone());
        let mut rules = Rules::new(first).map_err(Untold::Rulebook)?;
        versions.try_for_each(|version| rules.load(version)).map_err(Untold::Rulebook)?;
        Ok(Self { rules, open: BTreeMap::new(), settled: Vec::new(), is_capped: false })
    }
}

/// The cycles whose money had moved before an entry.
fn settled(moment: &Moment, before: Sequence) -> Vec<CycleId> {
    let settlements = moment.newest.state.register().settlements();
    let is_past = |(sequence, _)| sequence < before;
    settlements.filter(|known| known.settled.is_some_and(is_past)).map(|known| known.cycle).collect()
}

fn event_report(entry: &LoggedEntry, then: &Then) -> Option<Report> {
    let event = wire::event::decode(&entry.raw).ok()?;
    Report::new(&event.submission(), entry.arrived_at, then.rules.current()).ok()
}

fn answer_code(answer: &Answer) -> AnswerCode {
    match answer {
        Answer::Accepted => AnswerCode::ACCEPTED,
        Answer::WaitingForOriginal => AnswerCode::WAITING_FOR_ORIGINAL,
        Answer::Rejected(rejection) => rejection.code().into(),
    }
}
