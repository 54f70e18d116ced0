//! Writes an event as its network would, and spoils the few records that cannot be judged.

use wire::event::v1::{Kind, Side};

use super::fees;
use super::population::Malformed;
use super::story::{Answer, Event, Story};
use crate::mix::{NETWORKS, UNIONPAY};
use crate::proto::Message;
use crate::random::{Draws, Subject};

/// The clearing partner is the merchant of record, under one number at each network.
pub(super) const MERCHANTS: [&str; 3] = ["802310000000017", "1900000178", "2088000000000171"];
/// Longer than any record that is looked at.
const TOO_LONG_BYTES: usize = 5_000;
/// Inside the payment's id.
const CUT_BYTES: usize = 30;

/// Key and value of the record of an event that has this number in its network's feed.
pub(super) fn record(story: &Story<'_>, event: usize, sequence: u64) -> (Vec<u8>, Vec<u8>) {
    let (mut key, mut value) = (story.id.to_vec(), Vec::with_capacity(320));
    write(story, event, sequence, &mut value);
    match story.events[event].answer {
        Answer::Malformed(Malformed::CutShort) => value.truncate(CUT_BYTES),
        Answer::Malformed(Malformed::WrongKey) => key.reverse(),
        _ => {}
    }
    (key, value)
}

fn write(story: &Story<'_>, event: usize, sequence: u64, value: &mut Vec<u8>) {
    let told = &story.events[event];
    let original = story.original(event);
    let message = &mut Message(value);
    message.bytes(1, &event_id(story, original));
    message.bytes(2, &story.id);
    message.bytes(3, NETWORKS[told.network].as_bytes());
    message.number(4, told.side as u64);
    message.number(5, told.kind as u64);
    message.bytes(6, NETWORKS[story.route.payer].as_bytes());
    message.bytes(7, NETWORKS[story.route.payee].as_bytes());
    message.number(8, told.minor.cast_unsigned());
    message.bytes(9, b"CNY");
    message.bytes(10, story.reference(event).as_bytes());
    message.number(11, told.occurred.cast_unsigned());
    message.number(12, story.calendar.business_date(told.network, told.occurred).number().into());
    message.number(13, sequence);
    write_merchant(story, told, message);
    write_request(story, told, message);
    if told.network == UNIONPAY {
        message.bytes(22, &story.reference(event).as_bytes()[14..20]);
    }
    write_links(story, told, original, message);
    message.bytes(27, if asks(told) { story.cohort.as_bytes() } else { b"" });
    message.number(29, told.evidence as u64);
}

fn event_id(story: &Story<'_>, event: usize) -> [u8; 16] {
    Draws::new(story.seed, Subject::DayEvent, story.payment << 8 | event as u64).id()
}

fn write_merchant(story: &Story<'_>, told: &Event, message: &mut Message<'_>) {
    let fee = fees::merchant(told.network, told.minor);
    match told.kind {
        Kind::Captured => message.signed(14, fee),
        Kind::Refunded | Kind::Reversed => message.signed(14, -fee),
        _ => {}
    }
    message.bytes(15, story.numbers().order().as_bytes());
    message.bytes(16, MERCHANTS[told.network].as_bytes());
    let institution = if told.side == Side::Payer { (17, 1_000_000) } else { (18, 48_000_000) };
    message.digits(institution.0, [(institution.1 + story.payment % 40 * 10_000, 8)]);
}

/// Channel, and who scanned what: the same on every leg, so that it does not matter which one is judged.
fn write_request(story: &Story<'_>, told: &Event, message: &mut Message<'_>) {
    if told.answer == Answer::Malformed(Malformed::TooLong) {
        message.bytes(19, &[b'x'; TOO_LONG_BYTES]);
    } else {
        message.bytes(19, story.route.channel.as_bytes());
    }
    if asks(told) {
        message.number(20, story.scan as u64);
        message.number(21, story.code as u64);
    }
}

const fn asks(told: &Event) -> bool {
    matches!(told.kind, Kind::Authorised | Kind::Captured)
}

fn write_links(story: &Story<'_>, told: &Event, event: usize, message: &mut Message<'_>) {
    if told.kind == Kind::Refunded {
        message.bytes(23, story.numbers().refund(told.network, event, told.occurred).as_bytes());
    }
    if told.movement != 0 {
        let place = story.payment << 8 | u64::from(told.movement);
        message.bytes(24, &Draws::new(story.seed, Subject::DayMovement, place).id());
    }
    if let Some(cause) = told.cause {
        message.bytes(25, &event_id(story, cause));
    }
}
