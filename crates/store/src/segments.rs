//! The filters of all runs, two levels deep. A segment is a number of runs with one filter over all their ids; below it
//! each run has a filter of its own. An id that is new costs one cache line a segment; only where a segment says "maybe"
//! are its runs asked, and only what a run says "maybe" to is read. One filter a run alone would not do: its errors add up
//! run by run (0.12 % each, four hundred runs for 100 million ids: every second new id would be read for nothing), and so
//! do the cache lines.
//!
//! On disk: a run's filter; its items until the segment is sealed; then the segment's filters. The open segment's filters
//! are made from the items when the store is opened. Payments have filters over segments only: they are read by their id
//! alone, so in which run one lies does not matter.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::error::{FormatError, FormatReason, RecordKind};
use crate::filter::{Filter, Salt, decode_items, encode_items};
use crate::hash::IdDigest;

/// Kinds of record in the family of filters, the last byte of the key.
mod kind {
    pub(super) const RUN: u8 = 1;
    pub(super) const EVENT_ITEMS: u8 = 2;
    pub(super) const PAYMENT_ITEMS: u8 = 3;
    pub(super) const EVENT_SEGMENT: u8 = 4;
    pub(super) const PAYMENT_SEGMENT: u8 = 5;
}

/// Runs of a segment at most: what has to be asked on "maybe", and read at open, stays small.
const RUNS_MAX: usize = 64;

type Rows = BTreeMap<[u8; 5], Option<Vec<u8>>>;

#[derive(Clone, Debug)]
struct Segment {
    events: Filter,
    payments: Filter,
    runs: Vec<(u32, Arc<Filter>)>,
    items: usize,
    is_sealed: bool,
}

impl Segment {
    fn new(room: usize) -> Self {
        // A payment has at least two legs as a rule, so there are at most half as many payments.
        let (events, payments) = (Filter::new(Salt::Segment, room), Filter::new(Salt::Segment, room.div_ceil(2)));
        Self { events, payments, runs: Vec::new(), items: 0, is_sealed: false }
    }

    fn add(&mut self, run: u32, filter: Arc<Filter>, events: &[u64], payments: &[u64]) {
        events.iter().for_each(|item| self.events.insert(*item));
        payments.iter().for_each(|item| self.payments.insert(*item));
        self.runs.push((run, filter));
        self.items += events.len().max(payments.len().saturating_mul(2));
    }
}

/// The filters of all runs, oldest first. Cheap to clone: only the open segment is copied when a run is added.
#[derive(Clone, Debug)]
pub(crate) struct Segments {
    segments: Vec<Arc<Segment>>,
    room: usize,
}

/// A run added: the filters with it, and what has to be written.
pub(crate) struct Added {
    pub(crate) segments: Segments,
    pub(crate) rows: Rows,
}

impl Segments {
    /// None; a segment is to have room for `room` ids.
    pub(crate) const fn new(room: usize) -> Self {
        Self { segments: Vec::new(), room }
    }

    /// The runs that may hold an event id, newest first; computed as they are asked for.
    pub(crate) fn event_runs(&self, digest: IdDigest) -> impl Iterator<Item = u32> + '_ {
        let item = digest.for_filter();
        let segments = self.segments.iter().rev().filter(move |segment| segment.events.may_hold(item));
        let runs = segments.flat_map(|segment| segment.runs.iter().rev());
        runs.filter(move |(_, filter)| filter.may_hold(item)).map(|(run, _)| *run)
    }

    /// Whether an event id may be in the store: in a segment, then in one of its runs.
    pub(crate) fn may_have_event(&self, digest: IdDigest) -> bool {
        let item = digest.for_filter();
        let passes = |segment: &Arc<Segment>| {
            segment.events.may_hold(item) && segment.runs.iter().any(|(_, filter)| filter.may_hold(item))
        };
        self.segments.iter().any(passes)
    }

    /// Whether a payment may be in the store.
    pub(crate) fn may_have_payment(&self, digest: IdDigest) -> bool {
        let item = digest.for_filter();
        self.segments.iter().any(|segment| segment.payments.may_hold(item))
    }

    /// The filters with one run more. Seals the open segment when the run does not fit into it.
    pub(crate) fn with_run(&self, run: u32, events: &[u64], payments: &[u64]) -> Added {
        let mut next = self.clone();
        let mut rows = Rows::new();
        let needed = events.len().max(payments.len().saturating_mul(2));
        let is_open = |s: &Arc<Segment>| !s.is_sealed && s.runs.len() < RUNS_MAX && s.items + needed <= self.room;
        if !next.segments.last().is_some_and(is_open) {
            next.seal(&mut rows);
            next.segments.push(Arc::new(Segment::new(self.room.max(needed))));
        }
        let mut filter = Filter::new(Salt::Run, events.len());
        events.iter().for_each(|item| filter.insert(*item));
        rows.insert(key(run, kind::RUN), Some(filter.encode()));
        rows.insert(key(run, kind::EVENT_ITEMS), Some(encode_items(events)));
        rows.insert(key(run, kind::PAYMENT_ITEMS), Some(encode_items(payments)));
        if let Some(open) = next.segments.last_mut() {
            Arc::make_mut(open).add(run, Arc::new(filter), events, payments);
        }
        Added { segments: next, rows }
    }

    /// The last segment's filters go to disk, under its last run; its items are no longer needed.
    fn seal(&mut self, rows: &mut Rows) {
        let Some(open) = self.segments.last_mut().filter(|segment| !segment.is_sealed) else { return };
        let Some((last, _)) = open.runs.last() else { return };
        rows.insert(key(*last, kind::EVENT_SEGMENT), Some(open.events.encode()));
        rows.insert(key(*last, kind::PAYMENT_SEGMENT), Some(open.payments.encode()));
        for (run, _) in &open.runs {
            rows.insert(key(*run, kind::EVENT_ITEMS), None);
            rows.insert(key(*run, kind::PAYMENT_ITEMS), None);
        }
        Arc::make_mut(open).is_sealed = true;
    }

    /// Reads the filters of all runs up to `last_run` from the rows of the family; rows of a run beyond it are of one that
    /// did not come to its end.
    pub(crate) fn load<E>(
        room: usize,
        last_run: u32,
        rows: impl Iterator<Item = Result<(Box<[u8]>, Box<[u8]>), E>>,
        decode_error: impl Fn(&[u8], FormatError) -> E,
    ) -> Result<Self, E> {
        let mut loader = Loader { segments: Self::new(room), pending: Vec::new(), sealed_events: None };
        for row in rows {
            let (key, value) = row?;
            let of = |error| decode_error(&key, error);
            let (run, kind) = from_key(&key).map_err(of)?;
            if run > last_run {
                break;
            }
            loader.row(run, kind, &value).map_err(of)?;
        }
        loader.finish().map_err(|error| decode_error(&[], error))
    }
}

/// What is known of a run while its rows are read.
struct Pending {
    run: u32,
    filter: Arc<Filter>,
    events: Option<Vec<u64>>,
    payments: Option<Vec<u64>>,
}

struct Loader {
    segments: Segments,
    pending: Vec<Pending>,
    sealed_events: Option<Filter>,
}

impl Loader {
    fn row(&mut self, run: u32, kind: u8, value: &[u8]) -> Result<(), FormatError> {
        match (kind, self.pending.last_mut()) {
            (kind::RUN, _) => {
                let filter = Arc::new(Filter::decode(Salt::Run, value)?);
                self.pending.push(Pending { run, filter, events: None, payments: None });
            }
            (kind::EVENT_ITEMS, Some(of)) if of.run == run => of.events = Some(decode_items(value)?),
            (kind::PAYMENT_ITEMS, Some(of)) if of.run == run => of.payments = Some(decode_items(value)?),
            (kind::EVENT_SEGMENT, _) => self.sealed_events = Some(Filter::decode(Salt::Segment, value)?),
            (kind::PAYMENT_SEGMENT, _) => {
                let events = self.sealed_events.take().ok_or_else(|| missing("a segment's filter of event ids"))?;
                let payments = Filter::decode(Salt::Segment, value)?;
                let runs = self.pending.drain(..).map(|of| (of.run, of.filter)).collect();
                let sealed = Segment { events, payments, runs, items: 0, is_sealed: true };
                self.segments.segments.push(Arc::new(sealed));
            }
            (other, _) => return Err(FormatError { at: 4, ..unknown(other) }),
        }
        Ok(())
    }

    /// The runs that no segment on disk covers are the open segment.
    fn finish(mut self) -> Result<Segments, FormatError> {
        if self.pending.is_empty() {
            return Ok(self.segments);
        }
        let count = |of: &Pending| {
            let (events, payments) = (of.events.as_ref().map_or(0, Vec::len), of.payments.as_ref().map_or(0, Vec::len));
            events.max(payments.saturating_mul(2))
        };
        let items: usize = self.pending.iter().map(count).sum();
        let mut open = Segment::new(self.segments.room.max(items));
        for of in self.pending {
            let events = of.events.ok_or_else(|| missing("the event ids of a run"))?;
            let payments = of.payments.ok_or_else(|| missing("the payments of a run"))?;
            open.add(of.run, of.filter, &events, &payments);
        }
        self.segments.segments.push(Arc::new(open));
        Ok(self.segments)
    }
}

fn key(run: u32, kind: u8) -> [u8; 5] {
    let [a, b, c, d] = run.to_be_bytes();
    [a, b, c, d, kind]
}

fn from_key(bytes: &[u8]) -> Result<(u32, u8), FormatError> {
    let mut reader = crate::bytes::Reader::new(RecordKind::Key, bytes);
    let key = (reader.be_u32()?, reader.u8()?);
    reader.finish()?;
    Ok(key)
}

const fn missing(what: &'static str) -> FormatError {
    FormatError { record: RecordKind::Filter, at: 0, reason: FormatReason::Missing(what) }
}

fn unknown(kind: u8) -> FormatError {
    let reason = FormatReason::Unknown { field: "kind of filter", value: u64::from(kind) };
    FormatError { record: RecordKind::Key, at: 0, reason }
}
