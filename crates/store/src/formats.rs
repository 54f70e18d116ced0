//! Which version of every record this program writes, and which it reads. A record is upgraded when it is decoded, so that
//! nothing behind the decoder knows that there was another shape, and is of the newest version the next time it is written.

use crate::error::RecordKind;
use crate::{block, cycle, engine, filter, genesis, high_water, history, incarnation, mark, payment, state};

/// One kind of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// Which.
    pub record: RecordKind,
    /// The version that is written.
    pub written: u8,
    /// The versions that are read.
    pub read: &'static [u8],
}

const fn only(record: RecordKind, read: &'static [u8; 1]) -> Format {
    Format { record, written: read[0], read }
}

/// Every kind of record that begins with a version. An entry has that of its block, a key none.
pub const FORMATS: [Format; 12] = [
    only(RecordKind::Block, &[block::VERSION]),
    only(RecordKind::Genesis, &[genesis::VERSION]),
    only(RecordKind::Incarnation, &[incarnation::VERSION]),
    only(RecordKind::EventId, &[mark::EVENT_ID_VERSION]),
    only(RecordKind::Payment, &[payment::VERSION]),
    only(RecordKind::Waiting, &[engine::WAITING_VERSION]),
    only(RecordKind::HistoryRow, &[history::VERSION]),
    only(RecordKind::Cycle, &[cycle::VERSION]),
    Format { record: RecordKind::State, written: state::VERSION, read: state::VERSIONS },
    only(RecordKind::Mark, &[mark::MARK_VERSION]),
    only(RecordKind::Filter, &[filter::VERSION]),
    only(RecordKind::HighWaterMark, &[high_water::VERSION]),
];
