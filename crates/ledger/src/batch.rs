//! Records on their way from the source to the ledger, each with what could be found out ahead of its turn: its digest, what
//! it says, and what the past holds about its ids. To look things up in memory that no cache holds takes most of an event's
//! time; here nothing waits for the one before, so the processor waits for many at once.

use std::ops::Range;

use domain::ids::Id;
use domain::payment::Payment;
use domain::time::Timestamp;
use sha2::{Digest, Sha256};
use store::Store;
use store::chain::Head;
use store::hash::IdDigest;
use store::mark::EventIdRecord;

use crate::error::Error;
use crate::input::Input;
use crate::intake::{Intake, Reading};
use crate::past::Past;

/// See the module.
#[derive(Default)]
pub(crate) struct Batch {
    /// The rulebook version under which the records were read.
    version: u32,
    /// The newest sealed run when the past was asked.
    run: u32,
    bytes: Vec<u8>,
    records: Vec<Record>,
    payments: Vec<Payment>,
}

struct Record {
    source: u16,
    offset: i64,
    arrived_at: Timestamp,
    /// Where its key begins, its value begins, and it ends.
    at: [usize; 3],
    digest: Head,
    reading: Reading,
    first: Option<EventIdRecord>,
    /// Its payment's place.
    payment: Option<usize>,
}

impl Record {
    /// The event id.
    const fn event(&self) -> Option<IdDigest> {
        match &self.reading {
            Reading::Event(id, _) => Some(*id),
            Reading::Command | Reading::Unread(_) => None,
        }
    }

    /// The payment, of an event that nobody has sent before.
    const fn new_to_payment(&self) -> Option<(IdDigest, Id)> {
        match (&self.reading, &self.first) {
            (Reading::Event(_, Ok(said)), None) => Some((said.payment, said.report.payment)),
            _ => None,
        }
    }
}

/// One record of a batch and what is known of it.
pub(crate) struct Known<'a> {
    /// The record.
    pub(crate) input: Input<'a>,
    /// Of its value.
    pub(crate) digest: Head,
    /// What it says under rulebook `version`.
    pub(crate) reading: &'a Reading,
    pub(crate) version: u32,
    /// What the past up to `run` holds.
    pub(crate) run: u32,
    pub(crate) first: Option<EventIdRecord>,
    pub(crate) payment: Option<&'a Payment>,
}

impl Batch {
    /// An empty batch, to be read by an intake at this version.
    pub(crate) fn new(intake: &Intake) -> Self {
        Self { version: intake.version(), ..Self::default() }
    }

    pub(crate) const fn len(&self) -> usize {
        self.records.len()
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Bytes of all keys and values.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Takes a record in and reads it.
    pub(crate) fn push(&mut self, input: &Input<'_>, reading: Reading) {
        let begin = self.bytes.len();
        self.bytes.extend_from_slice(input.key);
        let value = self.bytes.len();
        self.bytes.extend_from_slice(input.raw);
        self.records.push(Record {
            source: input.source,
            offset: input.offset,
            arrived_at: input.arrived_at,
            at: [begin, value, self.bytes.len()],
            digest: Sha256::digest(input.raw).into(),
            reading,
            first: None,
            payment: None,
        });
    }

    /// Asks the past about every id in the batch.
    pub(crate) fn look_up(&mut self, past: &Past, store: &dyn Store) -> Result<(), Error> {
        self.run = past.run;
        let ids: Vec<_> = self.records.iter().filter_map(Record::event).collect();
        let mut first = past.events(store, &ids)?.into_iter();
        for record in self.records.iter_mut().filter(|record| record.event().is_some()) {
            record.first = first.next().flatten();
        }
        let ids: Vec<_> = self.records.iter().filter_map(Record::new_to_payment).collect();
        let mut payments = past.payments(store, &ids)?.into_iter();
        for record in self.records.iter_mut().filter(|record| record.new_to_payment().is_some()) {
            if let Some(payment) = payments.next().flatten() {
                record.payment = Some(self.payments.len());
                self.payments.push(payment);
            }
        }
        Ok(())
    }

    /// Some of the records, in order.
    pub(crate) fn known(&self, places: Range<usize>) -> impl Iterator<Item = Known<'_>> {
        self.records[places].iter().map(|record| {
            let [key, value, end] = record.at;
            let input = Input {
                source: record.source,
                offset: record.offset,
                arrived_at: record.arrived_at,
                key: &self.bytes[key..value],
                raw: &self.bytes[value..end],
            };
            Known {
                input,
                digest: record.digest,
                reading: &record.reading,
                version: self.version,
                run: self.run,
                first: record.first,
                payment: record.payment.map(|at| &self.payments[at]),
            }
        })
    }
}
