//! The commands of a day: the networks' money comes first, and UnionPay's cut-over closes the cycle.

use super::calendar::{Calendar, DAY, MINUTE};
use super::{CONTROL_TOPIC, Record};
use crate::mix::{NETWORKS, UNIONPAY};
use crate::proto::Message;
use crate::random::{Draws, Subject};

const CUT_OVER: u32 = 11;
const CONFIRM_PREFUND: u32 = 20;

/// What each network brings, in fen: no day of the largest size comes near it.
const PREFUNDS: [i64; 3] = [100_000_000_000, 10_000_000_000, 10_000_000_000];

/// Money for every network, a quarter of an hour before the first payment.
pub(super) fn prefunds(seed: u64, calendar: &Calendar) -> Vec<Record> {
    let prefund = |network: usize| {
        let name = NETWORKS[network];
        let reference = format!("prefund-{name}-{}", calendar.date.number());
        let at = calendar.cut() - DAY - 15 * MINUTE;
        command(seed, network, at, &reference, CONFIRM_PREFUND, |inner| {
            inner.bytes(1, name.as_bytes());
            inner.message(2, |amount| {
                amount.bytes(1, b"CNY");
                amount.number(2, PREFUNDS[network].cast_unsigned());
            });
            inner.bytes(3, reference.as_bytes());
        })
    };
    (0..NETWORKS.len()).map(prefund).collect()
}

/// Closes cycle CNY/1.
pub(super) fn cut_over(seed: u64, calendar: &Calendar) -> Record {
    let key = format!("cut-over-{}", calendar.date.number());
    command(seed, NETWORKS.len(), calendar.cut(), &key, CUT_OVER, |inner| {
        inner.message(1, |cycle| {
            cycle.bytes(1, b"CNY");
            cycle.number(2, 1);
        });
        inner.bytes(2, NETWORKS[UNIONPAY].as_bytes());
    })
}

fn command(seed: u64, nth: usize, at: i64, key: &str, field: u32, content: impl FnOnce(&mut Message<'_>)) -> Record {
    let id = Draws::new(seed, Subject::DayCommand, nth as u64).id();
    let mut value = Vec::new();
    let message = &mut Message(&mut value);
    message.bytes(1, &id);
    message.bytes(2, b"simulator");
    message.bytes(3, key.as_bytes());
    message.number(4, at.cast_unsigned());
    message.message(field, content);
    Record { topic: CONTROL_TOPIC.to_owned(), key: id.to_vec(), value, recorded_at_micros: at }
}
