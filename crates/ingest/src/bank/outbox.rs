//! Instructions on their way to the bank.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use faults::Point;
use wire::bank::{self, v1::SettlementInstruction};

use super::Outbox;
use super::worker::{self, Stop, Worker};
use crate::error::Error;
use crate::publish::Publisher;

/// Between two looks at what is due: a settlement waits for people and banks, not for this.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long brokers may take to acknowledge before it is tried with another client.
const PATIENCE: Duration = Duration::from_secs(30);

/// Sends what is due, at once and again every `again_after` for as long as it is due.
///
/// # Errors
/// When there is no thread for it.
pub fn send_instructions(brokers: &str, outbox: impl Outbox + 'static, again_after: Duration) -> Result<Worker, Error> {
    let brokers = brokers.to_owned();
    let mut sent = BTreeMap::new();
    worker::start("hutong-outbox", move |stop| send(&brokers, &outbox, again_after, &mut sent, stop))
}

/// When each instruction that is due was last acknowledged, by its id.
type Sent = BTreeMap<String, Instant>;

fn send(brokers: &str, outbox: &impl Outbox, again_after: Duration, sent: &mut Sent, stop: &Stop) -> Result<(), Error> {
    let publisher = Publisher::new(brokers)?;
    while !stop.is_asked() {
        let due = outbox.due();
        sent.retain(|id, _| due.iter().any(|instruction| instruction.instruction_id == *id));
        let waits = |due: &&SettlementInstruction| match sent.get(&due.instruction_id) {
            Some(at) => at.elapsed() >= again_after,
            None => true,
        };
        let now: Vec<_> = due.iter().filter(waits).collect();
        for instruction in &now {
            let (key, value) = bank::instruction(instruction);
            publisher.send(bank::TOPIC, &key, &value, None)?;
            faults::pass(Point::InstructionSent);
        }
        if !now.is_empty() {
            publisher.finish(PATIENCE)?;
            faults::pass(Point::InstructionArrived);
            sent.extend(now.iter().map(|instruction| (instruction.instruction_id.clone(), Instant::now())));
        }
        std::thread::sleep(LOOK_EVERY);
    }
    Ok(())
}
