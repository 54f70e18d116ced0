//! The natural mix as a stream: goes through the rounds of the plan and counts.

use super::clock::Clock;
use super::event::Writer;
use super::plan::{Plan, Told, What, network};
use super::{Ids, Record, Refusal, Sending, Sent};

pub(super) struct Natural {
    plan: Plan,
    writer: Writer,
    events: u64,
    /// Events so far, re-sends among them.
    sent: u64,
    round: u64,
    /// Position in the order of the round.
    at: usize,
    /// By network: sequence numbers given, and records on its topic.
    sequences: [u64; 3],
    offsets: [i64; 3],
    key: [u8; 16],
    value: Vec<u8>,
}

impl Natural {
    pub(super) fn new(events: u64, seed: u64, ids: Ids) -> Self {
        Self {
            plan: Plan::new(seed),
            writer: Writer { seed, ids, clock: Clock::new(events) },
            events,
            sent: 0,
            round: 0,
            at: 0,
            sequences: [0; 3],
            offsets: [0; 3],
            key: [0; 16],
            value: Vec::with_capacity(512),
        }
    }

    pub(super) fn next_event(&mut self) -> Option<Sent<'_>> {
        if self.sent == self.events {
            return None;
        }
        let slot = self.next_slot();
        let (told, sequence, sending) = match self.plan.slot(slot).what {
            What::Resend { draw } => {
                let (round, slot, is_altered) = self.plan.resent(self.round, draw);
                let sending = if is_altered { Sending::Altered } else { Sending::Again };
                (self.plan.told(round, slot), self.plan.sequence(round, slot), sending)
            }
            _ => {
                let told = self.plan.told(self.round, slot);
                let sequence = told.map_or(0, |told| next_of(&mut self.sequences, &told));
                (told, sequence, Sending::First)
            }
        };
        let told = told.expect("only first sends are sent again");
        let is_altered = sending == Sending::Altered;
        self.key = self.writer.write(&self.plan, &told, sequence, is_altered, &mut self.value);
        let refusal = if is_altered { Some(Refusal::ConflictingDuplicate) } else { told.step.refusal };
        let (kind, source) = (told.step.kind, network(told.share, told.step.speaker));
        let record = Record {
            source: u16::try_from(source).expect("three networks"),
            offset: self.offsets[source],
            timestamp: self.writer.clock.at(self.sent).cast_signed(),
            key: &self.key,
            value: &self.value,
        };
        self.offsets[source] += 1;
        self.sent += 1;
        Some(Sent { record, kind, sending, refusal })
    }

    fn next_slot(&mut self) -> u16 {
        loop {
            let Some(slot) = self.plan.order(self.round).get(self.at) else {
                self.round += 1;
                self.at = 0;
                continue;
            };
            self.at += 1;
            if self.plan.slot(*slot).is_in(self.round) {
                return *slot;
            }
        }
    }
}

/// The next number of the network whose event it is, counted from 1.
fn next_of(sequences: &mut [u64; 3], told: &Told<'_>) -> u64 {
    let sequence = &mut sequences[network(told.share, told.step.speaker)];
    *sequence += 1;
    *sequence
}
