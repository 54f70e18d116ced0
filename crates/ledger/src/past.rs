//! What was folded up to the end of the newest sealed run: in memory while the store does not have it, then in the store. It
//! never changes, so another thread may look things up in it before their turn comes. What it finds holds as long as every
//! run sealed since is in memory and is asked first.

use std::borrow::Cow;

use domain::ids::Id;
use domain::payment::Payment;
use faults::Mutant;
use store::Store;
use store::hash::IdDigest;
use store::mark::EventIdRecord;

use crate::error::Error;
use crate::memtable::Frozen;
use crate::sealed::{Held, SealedRun};

/// See the module. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Past {
    /// The newest sealed run.
    pub(crate) run: u32,
    ids: Frozen<EventIdRecord>,
    payments: Frozen<Held>,
}

impl Past {
    /// Up to `run`, all of it in the store.
    pub(crate) fn new(run: u32) -> Self {
        Self { run, ids: Frozen::default(), payments: Frozen::default() }
    }

    /// Goes on to the end of a run.
    pub(crate) fn push(&mut self, sealed: &SealedRun) {
        self.run = sealed.number;
        self.ids.push(sealed.number, std::sync::Arc::clone(&sealed.ids));
        self.payments.push(sealed.number, std::sync::Arc::clone(&sealed.payments));
    }

    /// The store has every run up to this one; whether anything was let go.
    pub(crate) fn flushed(&mut self, through: u32) -> bool {
        let through = if faults::has(Mutant::RunForgottenEarly) { self.run } else { through };
        // Both hold the same runs.
        self.ids.flushed(through) | self.payments.flushed(through)
    }

    /// Whether what was found in the past up to `run` still holds behind [`Past::event_since`] and [`Past::payment_since`].
    pub(crate) fn reaches(&self, run: u32) -> bool {
        self.ids.reaches(run)
    }

    /// What a run behind `run` keeps of an event id.
    pub(crate) fn event_since(&self, run: u32, id: IdDigest) -> Option<EventIdRecord> {
        self.ids.get_behind(run, id.0).copied()
    }

    /// A payment as a run behind `run` left it.
    pub(crate) fn payment_since(&self, run: u32, key: IdDigest) -> Option<&Payment> {
        self.payments.get_behind(run, key.0).map(|held| &held.payment)
    }

    /// What is kept of an event id.
    pub(crate) fn event(&self, store: &dyn Store, id: IdDigest) -> Result<Option<EventIdRecord>, Error> {
        match self.event_since(0, id) {
            Some(record) => Ok(Some(record)),
            None => store.find_event(id).map_err(Error::Store),
        }
    }

    /// A payment as it stands.
    pub(crate) fn payment(&self, store: &dyn Store, key: IdDigest, id: Id) -> Result<Option<Cow<'_, Payment>>, Error> {
        match self.payment_since(0, key) {
            Some(payment) => Ok(Some(Cow::Borrowed(payment))),
            None => Ok(store.payment(id).map_err(Error::Store)?.map(Cow::Owned)),
        }
    }

    /// As [`Past::event`] for many ids, in their order.
    pub(crate) fn events(&self, store: &dyn Store, ids: &[IdDigest]) -> Result<Vec<Option<EventIdRecord>>, Error> {
        let mut found: Vec<_> = ids.iter().map(|id| self.event_since(0, *id)).collect();
        let missing: Vec<_> = ids.iter().zip(&found).filter(|(_, found)| found.is_none()).map(|(id, _)| *id).collect();
        let stored = store.find_events(&missing).map_err(Error::Store)?;
        found.iter_mut().filter(|found| found.is_none()).zip(stored).for_each(|(found, stored)| *found = stored);
        Ok(found)
    }

    /// As [`Past::payment`] for many payments, in their order.
    pub(crate) fn payments(&self, store: &dyn Store, ids: &[(IdDigest, Id)]) -> Result<Vec<Option<Payment>>, Error> {
        let mut found: Vec<_> = ids.iter().map(|(key, _)| self.payment_since(0, *key).cloned()).collect();
        let missing: Vec<_> = ids.iter().zip(&found).filter(|(_, found)| found.is_none()).map(|(id, _)| *id).collect();
        let stored = store.find_payments(&missing).map_err(Error::Store)?;
        found.iter_mut().filter(|found| found.is_none()).zip(stored).for_each(|(found, stored)| *found = stored);
        Ok(found)
    }

    /// Payments that are in memory, some of them as older runs left them.
    pub(crate) fn held(&self) -> impl Iterator<Item = &Held> {
        self.payments.values()
    }
}
