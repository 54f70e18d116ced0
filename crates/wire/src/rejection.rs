//! Topic `payments.rejected`: a refused record as the record that tells its network, and back.
//!
//! What the log does not keep apart is read from the record itself, as far as it can be read: the ids, and the key, which is
//! the payment id wherever it is not why the record was refused.

use domain::ids::{Id, Sequence};
use domain::rejection::Quarantine;
use domain::time::Timestamp;
use prost::{DecodeError, Message};

use crate::event::v1::{QuarantinedRecord, Rejection, SourcePosition};
use crate::event::{self, PaymentEventRef};
use crate::names::StableCode;

/// The topic.
pub const TOPIC: &str = "payments.rejected";
/// Longest part of a record's key that goes back.
pub const KEY_BYTES_MAX: usize = 1_024;
/// Longest part of a quarantined record's value that goes back: with its key it fits where the record itself did not.
pub const VALUE_BYTES_MAX: usize = 512 << 10;

/// A payment event that was rejected or quarantined.
#[derive(Clone, Copy, Debug)]
pub struct Refused<'a> {
    /// Its place in the ledger.
    pub sequence: Sequence,
    /// Why.
    pub code: StableCode,
    /// The network that its topic belongs to.
    pub network: &'a str,
    /// Its topic.
    pub topic: &'a str,
    /// Where it stood there, in partition 0.
    pub offset: i64,
    /// When it was put there.
    pub recorded_at: Timestamp,
    /// Its key as far as the log has one of its own, else empty.
    pub key: &'a [u8],
    /// Its value as received.
    pub value: &'a [u8],
}

impl Refused<'_> {
    /// Key and value of the record on [`TOPIC`]. A key of more than [`KEY_BYTES_MAX`] bytes is cut there.
    #[must_use]
    pub fn record(&self) -> (Vec<u8>, Vec<u8>) {
        let event = event::decode(self.value).unwrap_or_default();
        let is_key_known = self.code == StableCode::Quarantined(Quarantine::KeyMismatch) || !self.key.is_empty();
        let key = beginning(if is_key_known { self.key } else { event.payment_id }, KEY_BYTES_MAX);
        (key.to_vec(), self.rejection(&event, key).encode_to_vec())
    }

    fn rejection(&self, event: &PaymentEventRef<'_>, key: &[u8]) -> Rejection {
        let id = |bytes: &[u8]| Id::from_bytes(bytes).map_or_else(Vec::new, |_| bytes.to_vec());
        let quarantined = matches!(self.code, StableCode::Quarantined(_)).then(|| QuarantinedRecord {
            key: key.to_vec(),
            value: beginning(self.value, VALUE_BYTES_MAX).to_vec(),
            value_length: self.value.len() as u64,
        });
        Rejection {
            sequence: self.sequence.0,
            outcome: self.code.outcome().into(),
            code: self.code.name().to_owned(),
            message_en: self.code.english().to_owned(),
            message_zh: self.code.chinese().to_owned(),
            reporting_network: self.network.to_owned(),
            event_id: id(event.event_id),
            payment_id: id(event.payment_id),
            source: Some(SourcePosition { topic: self.topic.to_owned(), partition: 0, offset: self.offset }),
            recorded_at_micros: self.recorded_at.micros(),
            quarantined,
        }
    }
}

fn beginning(bytes: &[u8], length_max: usize) -> &[u8] {
    &bytes[..bytes.len().min(length_max)]
}

/// Reads the value of a record on [`TOPIC`].
///
/// # Errors
/// When it is not a rejection.
pub fn decode(value: &[u8]) -> Result<Rejection, DecodeError> {
    Rejection::decode(value)
}

#[cfg(test)]
mod tests {
    use domain::rejection::RejectionCode;

    use super::*;
    use crate::event::v1::{Outcome, PaymentEvent};

    fn refused(code: StableCode, key: &[u8], value: &[u8]) -> (Vec<u8>, Rejection) {
        let refused = Refused {
            sequence: Sequence(7),
            code,
            network: "alipay",
            topic: "payments.alipay",
            offset: 12,
            recorded_at: Timestamp::from_micros(1_000),
            key,
            value,
        };
        let (key, value) = refused.record();
        (key, decode(&value).expect("a rejection"))
    }

    fn event() -> Vec<u8> {
        PaymentEvent { event_id: vec![1; 16], payment_id: vec![2; 16], ..PaymentEvent::default() }.encode_to_vec()
    }

    #[test]
    fn a_rejected_event_is_named_by_its_ids_and_not_repeated() {
        let (key, sent) = refused(StableCode::Rejected(RejectionCode::CorridorClosed), b"", &event());
        assert_eq!((key, sent.event_id.clone(), sent.payment_id.clone()), (vec![2; 16], vec![1; 16], vec![2; 16]));
        assert_eq!((sent.sequence, sent.code.as_str(), sent.outcome()), (7, "CORRIDOR_CLOSED", Outcome::Rejected));
        assert_eq!((sent.reporting_network.as_str(), sent.recorded_at_micros), ("alipay", 1_000));
        let source = SourcePosition { topic: "payments.alipay".to_owned(), partition: 0, offset: 12 };
        assert_eq!((sent.source, sent.quarantined), (Some(source), None));
        assert_eq!(sent.message_en, RejectionCode::CorridorClosed.english());
        assert_eq!(sent.message_zh, RejectionCode::CorridorClosed.chinese());
    }

    #[test]
    fn a_quarantined_record_comes_back_as_it_was_up_to_a_bound() {
        let long = vec![0xff; VALUE_BYTES_MAX + 1];
        let (key, sent) = refused(StableCode::Quarantined(Quarantine::RecordTooLong), &[3; 2_000], &long);
        let record = sent.quarantined.expect("quarantined");
        assert_eq!((key, record.key), (vec![3; KEY_BYTES_MAX], vec![3; KEY_BYTES_MAX]));
        assert_eq!((record.value.len(), record.value_length), (VALUE_BYTES_MAX, long.len() as u64));
        assert!(sent.event_id.is_empty() && sent.payment_id.is_empty());
    }

    #[test]
    fn a_key_that_is_not_the_payment_s_goes_back_even_when_there_was_none() {
        let mismatch = StableCode::Quarantined(Quarantine::KeyMismatch);
        for wrong in [&b"other"[..], b""] {
            let (key, sent) = refused(mismatch, wrong, &event());
            assert_eq!((key.as_slice(), sent.payment_id), (wrong, vec![2; 16]));
        }
    }
}
