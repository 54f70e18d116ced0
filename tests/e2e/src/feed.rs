//! Records for the topics of a shard, from the simulator.

use std::time::Duration;

use domain::time::Timestamp;
use ingest::{Admin, Publisher, REJECTED};
use simulator::mix::{self, Mix, NETWORKS, Record, Stream};

use crate::PATIENCE;

/// The topics of the shard: commands, then the networks in the simulator's order.
pub const TOPICS: [&str; 4] = ["hutong.control", "payments.unionpay", "payments.tenpay", "payments.alipay"];

/// Makes the topics that the service reads and writes.
///
/// # Panics
/// When the broker does not make them.
pub fn make_topics(brokers: &str) {
    let admin = Admin::new(brokers).expect("a client");
    admin.create(&TOPICS, 1).and_then(|()| admin.create(&[REJECTED], 1)).expect("topics");
}

/// Hands `count` events of the natural mix of `seed` to `visit`, with the topic of each.
pub fn events(count: u64, seed: u64, mut visit: impl FnMut(&'static str, &Record<'_>)) {
    let mut stream = Stream::new(Mix::Natural, count, seed);
    while let Some(sent) = stream.next_event() {
        visit(TOPICS[usize::from(sent.record.source) + 1], &sent.record);
    }
}

/// Publishes the commands that fund the networks; returns how many.
///
/// # Panics
/// When the broker does not take them.
#[must_use]
pub fn fund(brokers: &str) -> u64 {
    let publisher = Publisher::new(brokers).expect("a client");
    for (network, minor) in mix::prefunds() {
        publisher.send(TOPICS[0], b"", &wire::control::prefund(network, minor), None).expect("a queue with room");
    }
    assert_eq!(mix::prefunds().len(), NETWORKS.len());
    publisher.finish(PATIENCE).expect("a broker that takes records")
}

/// Publishes `count` events of `seed`, a hundred and then `pause`; returns how many.
///
/// # Panics
/// When the broker does not take them.
#[must_use]
pub fn publish(brokers: &str, count: u64, seed: u64, pause: Duration) -> u64 {
    let publisher = Publisher::new(brokers).expect("a client");
    let mut sent = 0_u64;
    events(count, seed, |topic, record| {
        let time = Timestamp::from_micros(record.timestamp);
        publisher.send(topic, record.key, record.value, Some(time)).expect("a queue with room");
        sent += 1;
        if sent.is_multiple_of(100) {
            std::thread::sleep(pause);
        }
    });
    publisher.finish(PATIENCE).expect("a broker that takes records")
}
