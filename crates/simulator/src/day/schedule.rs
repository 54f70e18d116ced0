//! When everything arrives. The plan keeps a few numbers for every record and row; what they say is told again when it is
//! needed.

use std::collections::BTreeMap;
use std::ops::{Bound, RangeBounds};

use super::Batch;
use super::calendar::MINUTE;
use super::population::Malformed;
use super::story::{Answer, Story};

/// Batches end at the half hours at the latest, so that what happens later is in a later one.
const BATCH_MICROS: i64 = 30 * MINUTE;

/// One record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub arrived: i64,
    pub payment: u32,
    pub event: u8,
    network: u8,
    pub sequence: u32,
    /// The event that this one is, for the number in its network's feed.
    original: u8,
    is_readable: bool,
}

/// One row of a bill file.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowPlace {
    occurred: i64,
    pub payment: u32,
    pub row: u8,
}

/// Records by arrival, rows by network and time.
pub(super) struct Schedule {
    places: Vec<Place>,
    pub rows: [Vec<RowPlace>; 3],
}

impl Schedule {
    pub(super) fn new<'a>(stories: impl Iterator<Item = Story<'a>>) -> Self {
        let mut schedule = Self { places: Vec::new(), rows: [Vec::new(), Vec::new(), Vec::new()] };
        for story in stories {
            schedule.add(&story);
        }
        schedule.places.sort_by_key(|place| (place.arrived, place.payment, place.event));
        for rows in &mut schedule.rows {
            rows.sort_by_key(|row| (row.occurred, row.payment, row.row));
        }
        schedule.number();
        schedule
    }

    fn add(&mut self, story: &Story<'_>) {
        let payment = u32::try_from(story.payment).expect("a day has at most a million payments");
        let events = story.events.iter().zip(0..).filter(|(told, _)| told.sent);
        self.places.extend(events.map(|(told, event)| Place {
            arrived: told.arrived,
            payment,
            event,
            network: u8::try_from(told.network).expect("three networks"),
            sequence: 0,
            original: u8::try_from(story.original(event.into())).expect("a payment has few events"),
            is_readable: !matches!(told.answer, Answer::Malformed(Malformed::CutShort | Malformed::TooLong)),
        }));
        for (told, row) in story.rows.iter().zip(0..) {
            self.rows[told.network].push(RowPlace { occurred: told.occurred, payment, row });
        }
    }

    /// A network counts its events in the order in which they arrive; what is sent again keeps its number, and what nobody
    /// can read takes none.
    fn number(&mut self) {
        let mut counts = [0_u32; 3];
        let mut given = BTreeMap::new();
        for place in &mut self.places {
            let count = &mut counts[usize::from(place.network)];
            let is_first = place.original == place.event;
            *count += u32::from(is_first && place.is_readable);
            place.sequence = if is_first { (*count).max(1) } else { given[&(place.payment, place.original)] };
            given.insert((place.payment, place.event), place.sequence);
        }
    }

    /// The records that arrive in a span of time, as batches.
    pub(super) fn slices(&self, span: impl RangeBounds<i64>) -> impl Iterator<Item = &[Place]> {
        let until = |bound: i64| self.places.partition_point(|place| place.arrived < bound);
        let from = if let Bound::Included(start) = span.start_bound() { until(*start) } else { 0 };
        let to = if let Bound::Excluded(end) = span.end_bound() { until(*end) } else { self.places.len() };
        let halves = self.places[from..to].chunk_by(|a, b| half_hour(a) == half_hour(b));
        halves.flat_map(|half| half.chunks(Batch::RECORDS_MAX))
    }

    pub(super) const fn records(&self) -> usize {
        self.places.len()
    }
}

const fn half_hour(place: &Place) -> i64 {
    place.arrived.div_euclid(BATCH_MICROS)
}
