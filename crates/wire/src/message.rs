//! Records of the log as generated messages and back: for whoever shows a record whole, or writes one. Nothing is judged
//! here; an unknown field is lost, so the bytes of the log stay the record.

use prost::Message;

use crate::{control, event};

/// The payment event; `None` when the bytes are none.
#[must_use]
pub fn payment_event(record: &[u8]) -> Option<event::v1::PaymentEvent> {
    event::v1::PaymentEvent::decode(record).ok()
}

/// The bytes of a payment event, the same for the same event.
#[must_use]
pub fn event_record(event: &event::v1::PaymentEvent) -> Vec<u8> {
    event.encode_to_vec()
}

/// The command; `None` when the bytes are none.
#[must_use]
pub fn command(record: &[u8]) -> Option<control::v1::ControlCommand> {
    control::v1::ControlCommand::decode(record).ok()
}

/// The bytes of a command, the same for the same command.
#[must_use]
pub fn command_record(command: &control::v1::ControlCommand) -> Vec<u8> {
    command.encode_to_vec()
}
