//! Names made from what they name. A break found again must be the same break, and an order given again the same order, so
//! neither carries a number that was counted or drawn: both are SHA-256 over fields, each with its length in front.

use domain::ids::Id;
use sha2::{Digest, Sha256};

/// Fields so far.
pub(crate) struct Content(Sha256);

impl Content {
    /// Begins with what is named, so that no two kinds of thing share a name.
    pub(crate) fn of(what: &str) -> Self {
        Self(Sha256::new()).bytes(what.as_bytes())
    }

    pub(crate) fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.update((bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
        self
    }

    pub(crate) fn text(self, text: &str) -> Self {
        self.bytes(text.as_bytes())
    }

    pub(crate) fn number(self, number: impl Into<i128>) -> Self {
        self.bytes(&number.into().to_be_bytes())
    }

    /// The first 128 bits.
    pub(crate) fn id(self) -> Id {
        let digest: [u8; 32] = self.0.finalize().into();
        let [first @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = digest;
        Id(u128::from_be_bytes(first))
    }
}
