//! The bank's side of the topic, for a demonstration: instructions in, answers out, each when it is time.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use wire::bank::v1::SettlementConfirmation;
use wire::bank::{self, v1::bank_record::Record};

use super::BankRole;
use super::reader::Reader;
use super::worker::{self, Stop, Worker};
use crate::error::Error;
use crate::publish::Publisher;

/// How precise a delay is.
const TICK: Duration = Duration::from_millis(20);
/// How long brokers may take to acknowledge an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Plays the bank: asks `role` about every instruction on the topic and publishes its answers.
///
/// # Errors
/// When there is no thread for it.
pub fn keep_counter(brokers: &str, mut role: impl BankRole + 'static) -> Result<Worker, Error> {
    let brokers = brokers.to_owned();
    worker::start("hutong-bank", move |stop| keep(&brokers, &mut role, stop))
}

/// Answers by when they are to be given, and the order in which they were decided.
type Pending = BTreeMap<(Instant, u64), SettlementConfirmation>;

fn keep(brokers: &str, role: &mut impl BankRole, stop: &Stop) -> Result<(), Error> {
    let (reader, publisher) = (Reader::open(brokers)?, Publisher::new(brokers)?);
    let (mut pending, mut decided) = (Pending::new(), 0_u64);
    while !stop.is_asked() {
        if let Some(Record::Instruction(instruction)) = reader.next(TICK)? {
            for (delay, answer) in role.answer(&instruction) {
                decided += 1;
                pending.insert((Instant::now() + delay, decided), answer);
            }
        }
        give(&publisher, &mut pending)?;
    }
    Ok(())
}

fn give(publisher: &Publisher, pending: &mut Pending) -> Result<(), Error> {
    let now = Instant::now();
    let mut given = false;
    while let Some(entry) = pending.first_entry()
        && entry.key().0 <= now
    {
        let (key, value) = bank::confirmation(&entry.remove());
        publisher.send(bank::TOPIC, &key, &value, None)?;
        given = true;
    }
    if given {
        publisher.finish(PATIENCE)?;
    }
    Ok(())
}
