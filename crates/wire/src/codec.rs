//! The production codec: what the ledger and the verifier read records with.

use domain::directive::{Codec, Directive};
use domain::rejection::Quarantine;
use domain::report::Submission;
use domain::rulebook::Rulebook;

use crate::control::{self, Asked, Refusal};
use crate::event;

/// Reads a rulebook text; what is wrong with it is said in words.
pub type ReadRulebook = fn(&str) -> Result<Rulebook, String>;

/// Reads protobuf records. Rulebook texts are read by a function that is given, because their format is none of the wire's.
#[derive(Clone, Copy, Debug)]
pub struct WireCodec {
    read_rulebook: ReadRulebook,
}

impl WireCodec {
    /// With a reader for rulebook texts.
    #[must_use]
    pub const fn new(read_rulebook: ReadRulebook) -> Self {
        Self { read_rulebook }
    }
}

impl Codec for WireCodec {
    fn event<'a>(&self, raw: &'a [u8]) -> Result<Submission<'a>, Quarantine> {
        event::decode(raw).map(|event| event.submission()).map_err(|error| error.quarantine())
    }

    fn command(&self, raw: &[u8], rules: &Rulebook) -> Result<Directive, Quarantine> {
        let record = control::decode(raw).map_err(|error| error.quarantine())?;
        let (action, bank_reference) = match record.asked(rules) {
            Err(Refusal::Malformed { why, .. }) => return Err(why),
            Err(Refusal::Rejected(code)) => (Err(code), None),
            Ok(Asked { action, bank_reference }) => (Ok(action), bank_reference),
        };
        let control::Envelope { principal, idempotency_key, .. } = record.envelope;
        Ok(Directive { principal, idempotency_key, bank_reference, action })
    }

    fn rulebook(&self, text: &[u8]) -> Result<Rulebook, String> {
        let text = std::str::from_utf8(text).map_err(|error| format!("not UTF-8: {error}"))?;
        (self.read_rulebook)(text)
    }
}
