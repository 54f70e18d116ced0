//! The ledger's own note that a topic was made anew, so that its offsets begin at 0 again: the content of an internal entry.

use crate::bytes::{Reader, put_bytes};
use crate::error::{FormatError, RecordKind};

pub(crate) const VERSION: u8 = 1;

/// A topic that was made anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incarnation {
    /// Position in the genesis list of sources.
    pub source: u16,
    /// Its new id, as the cluster writes it.
    pub topic_id: String,
}

impl Incarnation {
    /// The record.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        out.extend(self.source.to_be_bytes());
        put_bytes(&mut out, self.topic_id.as_bytes());
        out
    }

    /// The inverse of [`Incarnation::encode`].
    ///
    /// # Errors
    /// When the bytes are not an incarnation of a known version.
    pub fn decode(bytes: &[u8]) -> Result<Self, FormatError> {
        let mut reader = Reader::versioned(RecordKind::Incarnation, bytes, &[VERSION])?;
        let incarnation = Self { source: reader.be_u16()?, topic_id: reader.text("topic id")?.to_owned() };
        reader.finish()?;
        Ok(incarnation)
    }
}
