//! Payment events, and who has spoken of them before.

use std::borrow::Cow;

use domain::ids::Id;
use domain::payment::{self, Answer, Payment};
use domain::rejection::{Quarantine, RejectionCode};
use domain::report::Report;
use domain::state::Change;
use faults::Mutant;
use store::Store;
use store::chain::Head;
use store::entry::{AnswerCode, EntryKind};
use store::hash::IdDigest;
use store::mark::EventIdRecord;

use super::{Shard, Verdict};
use crate::batch::Known;
use crate::error::Error;
use crate::intake::Said;
use crate::memtable::Generation;
use crate::past::Past;
use crate::sealed::Held;

/// A payment as it stands before an event, wherever it was found.
pub(super) struct Standing<'a> {
    pub(super) payment: Cow<'a, Payment>,
    /// Somebody has named it before.
    pub(super) is_known: bool,
    /// An older state of it is in the store, or will be before the next one.
    pub(super) is_stored: bool,
}

impl<'a> Standing<'a> {
    fn in_memory(held: &'a Held) -> Self {
        Self { payment: Cow::Borrowed(&held.payment), is_known: true, is_stored: held.stored }
    }

    fn past(payment: Option<Cow<'a, Payment>>) -> Self {
        let is_known = payment.is_some();
        Self { payment: payment.unwrap_or_default(), is_known, is_stored: is_known }
    }
}

impl Shard {
    // ---- duplicates ----

    /// The first entry with this id, whatever it was answered.
    pub(super) fn first(&self, id: IdDigest) -> Result<Option<EventIdRecord>, Error> {
        self.first_known(id, None)
    }

    fn first_known(&self, id: IdDigest, known: Option<&Known<'_>>) -> Result<Option<EventIdRecord>, Error> {
        let own = self.ids.get(id.0).filter(|_| !faults::has(Mutant::DuplicateForgotten));
        match (own, known.filter(|known| self.past.reaches(known.run))) {
            (Some(record), _) => Ok(Some(*record)),
            (None, Some(known)) if faults::has(Mutant::StaleLookupUsed) => Ok(known.first),
            (None, Some(known)) => Ok(self.past.event_since(known.run, id).or(known.first)),
            (None, None) => self.past.event(self.store.as_ref(), id),
        }
    }

    /// The verdict on an id that was seen before.
    pub(super) fn repeated(kind: EntryKind, first: &EventIdRecord, digest: &Head) -> Verdict {
        let same = first.content == digest[..16] || faults::has(Mutant::ConflictTakenForDuplicate);
        let answer = if same { AnswerCode::DUPLICATE } else { RejectionCode::ConflictingDuplicate.into() };
        Verdict { duplicate_of: Some(first.sequence), ..Verdict::new(kind, answer) }
    }

    pub(super) fn remember(&mut self, id: IdDigest, answer: AnswerCode, digest: &Head) {
        let content: [u8; 16] = digest[..16].try_into().expect("half of 32");
        self.ids.insert(id.0, EventIdRecord { sequence: self.next(), answer, content });
    }

    // ---- payment events ----

    pub(super) fn event(
        &mut self,
        id: IdDigest,
        said: &Result<Said, Quarantine>,
        digest: &Head,
        known: Option<&Known<'_>>,
    ) -> Result<Verdict, Error> {
        if let Some(first) = self.first_known(id, known)? {
            return Ok(Self::repeated(EntryKind::PaymentEvent, &first, digest));
        }
        let verdict = match said {
            Ok(said) => Verdict::new(EntryKind::PaymentEvent, self.report_known(&said.report, said.payment, known)?),
            Err(quarantine) => Verdict::quarantined(*quarantine),
        };
        self.remember(id, verdict.answer, digest);
        Ok(verdict)
    }

    pub(super) fn report(&mut self, report: &Report) -> Result<AnswerCode, Error> {
        self.report_known(report, self.intake.hash.payment(report.payment), None)
    }

    fn report_known(&mut self, report: &Report, key: IdDigest, known: Option<&Known<'_>>) -> Result<AnswerCode, Error> {
        let sequence = self.next();
        let standing = standing(&self.payments, &self.past, self.store.as_ref(), (key, report.payment), known)?;
        let stored = standing.is_stored;
        let decision = payment::decide(&self.state, &standing.payment, report, sequence, &mut self.effects);
        if let Some(payment) = decision.payment {
            self.payments.insert(key.0, Held { id: report.payment, payment, stored });
        }
        self.fold(Change::None);
        if sequence.0.is_multiple_of(64) && faults::has(Mutant::PostingTwice) {
            self.fold(Change::None);
        }
        Ok(match decision.answer {
            Answer::Accepted => AnswerCode::ACCEPTED,
            Answer::WaitingForOriginal => AnswerCode::WAITING_FOR_ORIGINAL,
            Answer::Rejected(rejection) => rejection.code().into(),
        })
    }

    /// A payment as it stands after the last entry.
    pub(super) fn standing(&self, key: IdDigest, id: Id) -> Result<Standing<'_>, Error> {
        standing(&self.payments, &self.past, self.store.as_ref(), (key, id), None)
    }
}

/// As [`Shard::standing`], for callers that change another part of the shard at the same time.
pub(super) fn standing<'a>(
    active: &'a Generation<Held>,
    past: &'a Past,
    store: &dyn Store,
    (key, id): (IdDigest, Id),
    known: Option<&'a Known<'_>>,
) -> Result<Standing<'a>, Error> {
    if let Some(held) = active.get(key.0) {
        return Ok(Standing::in_memory(held));
    }
    let found = match known.filter(|known| past.reaches(known.run)) {
        Some(known) => past.payment_since(known.run, key).or(known.payment).map(Cow::Borrowed),
        None => past.payment(store, key, id)?,
    };
    Ok(Standing::past(found))
}
