//! The streams of `simulator::mix`, looked at from outside: what stands in the records, and what the rules say to it.

mod files;
mod judged;
mod natural;
mod past;
mod transfer;

use sha2::{Digest, Sha256};
use simulator::mix::{Sent, Stream};
use wire::event::PaymentEventRef;

/// Hands every event of a stream to `look`.
fn each(mut stream: Stream, mut look: impl FnMut(&Sent<'_>)) {
    while let Some(sent) = stream.next_event() {
        look(&sent);
    }
}

/// What is reported, read by the decoder that the ledger is fed through.
fn event_of<'a>(sent: &Sent<'a>) -> PaymentEventRef<'a> {
    wire::event::decode(sent.record.value).expect("every value is a payment event")
}

/// SHA-256 of everything in the records of a stream, as the first 16 hexadecimal digits.
fn digest(stream: Stream) -> String {
    let mut hash = Sha256::new();
    each(stream, |sent| {
        let record = sent.record;
        hash.update(record.source.to_le_bytes());
        hash.update(record.offset.to_le_bytes());
        hash.update(record.timestamp.to_le_bytes());
        hash.update(record.key);
        hash.update(record.value);
    });
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
