//! Two small records of a run: how far it reaches, and what it keeps of every event id.

use domain::ids::Sequence;
use domain::time::Timestamp;

use crate::bytes::{Reader, put_u64};
use crate::chain::Head;
use crate::entry::AnswerCode;
use crate::error::{FormatError, RecordKind};

pub(crate) const MARK_VERSION: u8 = 1;
pub(crate) const EVENT_ID_VERSION: u8 = 1;

/// The end of a run: the folds hold everything up to here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Number of the run, counted from 1.
    pub run: u32,
    /// Its last sequence, which is the last of a block.
    pub through: Sequence,
    /// The chain head there.
    pub head: Head,
    /// Recorded time of that block.
    pub recorded_at: Timestamp,
}

impl Mark {
    /// The record.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![MARK_VERSION];
        out.extend(self.run.to_be_bytes());
        out.extend(self.through.0.to_be_bytes());
        out.extend(self.head);
        out.extend(self.recorded_at.micros().to_be_bytes());
        out
    }

    /// The inverse of [`Mark::encode`].
    ///
    /// # Errors
    /// When the bytes are not a mark of a known version.
    pub fn decode(bytes: &[u8]) -> Result<Self, FormatError> {
        let mut reader = Reader::versioned(RecordKind::Mark, bytes, &[MARK_VERSION])?;
        let mark = Self {
            run: reader.be_u32()?,
            through: Sequence(reader.be_u64()?),
            head: reader.array()?,
            recorded_at: Timestamp::from_micros(reader.be_i64()?),
        };
        reader.finish()?;
        Ok(mark)
    }
}

/// What is kept of an event id: enough to answer the same event again without reading its block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventIdRecord {
    /// The entry that first carried the id.
    pub sequence: Sequence,
    /// What it was answered.
    pub answer: AnswerCode,
    /// The first 16 bytes of SHA-256 of its content: another one is a conflict.
    pub content: [u8; 16],
}

impl EventIdRecord {
    /// The record, appended to `out`.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        out.push(EVENT_ID_VERSION);
        put_u64(out, self.sequence.0);
        put_u64(out, u64::from(self.answer.0));
        out.extend(self.content);
    }

    /// The inverse of [`EventIdRecord::encode_into`].
    ///
    /// # Errors
    /// When the bytes are not an event id of a known version.
    pub fn decode(bytes: &[u8]) -> Result<Self, FormatError> {
        let mut reader = Reader::versioned(RecordKind::EventId, bytes, &[EVENT_ID_VERSION])?;
        let record = Self {
            sequence: Sequence(reader.u64()?),
            answer: AnswerCode(reader.u16("answer")?),
            content: reader.array()?,
        };
        reader.finish()?;
        Ok(record)
    }
}
