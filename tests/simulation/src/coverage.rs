//! What a simulation has met: every kind of input, every answer, every fault, and how often. A kind that is never met is one
//! that nothing is known about.

use std::collections::BTreeMap;
use std::fmt;

use domain::rejection::{Quarantine, RejectionCode};
use ledger::AnswerCode;

use crate::broker::Loss;
use crate::disk::Fault;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// A kind of record.
    Input,
    /// What an entry was answered.
    Answer,
    /// What went wrong.
    Fault,
}

/// Counts by class and name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage(BTreeMap<(Class, &'static str), u64>);

/// Codes that nothing in a simulation can bring about, and why.
pub const CANNOT: &[(&str, &str)] = &[];

/// Faults beside those of the disk and of a topic.
pub const FAULTS: [&str; 9] = [
    "process killed",
    "power cut between writes",
    "bit flip noticed",
    "bit flip not touched",
    "clock jump forward",
    "clock jump back",
    "transaction aborted",
    "redelivery",
    "restart that failed",
];

impl Coverage {
    /// Counts one.
    pub fn count(&mut self, class: Class, name: &'static str) {
        self.add(class, name, 1);
    }

    /// Counts `times`.
    pub fn add(&mut self, class: Class, name: &'static str, times: u64) {
        *self.0.entry((class, name)).or_default() += times;
    }

    /// Counts an answer.
    pub fn answer(&mut self, answer: AnswerCode) {
        self.count(Class::Answer, answer_name(answer));
    }

    /// Adds what another one has counted.
    pub fn join(&mut self, other: &Self) {
        for ((class, name), times) in &other.0 {
            self.add(*class, name, *times);
        }
    }

    /// How often.
    #[must_use]
    pub fn times(&self, class: Class, name: &'static str) -> u64 {
        self.0.get(&(class, name)).copied().unwrap_or(0)
    }

    /// What must be met and was met less than `floor` times.
    #[must_use]
    pub fn missing(&self, floor: u64) -> Vec<(Class, &'static str, u64)> {
        let met =
            self.0.iter().filter(|(_, times)| **times < floor).map(|((class, name), times)| (*class, *name, *times));
        let all = expected().filter(|(class, name)| !self.0.contains_key(&(*class, name)));
        let never = all.map(|(class, name)| (class, name, 0));
        met.chain(never).filter(|(_, name, _)| CANNOT.iter().all(|(cannot, _)| cannot != name)).collect()
    }
}

/// Everything that is known by name; kinds of input speak for themselves.
fn expected() -> impl Iterator<Item = (Class, &'static str)> {
    let plain = [AnswerCode::ACCEPTED, AnswerCode::WAITING_FOR_ORIGINAL, AnswerCode::DUPLICATE];
    let rejections = RejectionCode::ALL.iter().map(|code| code.name());
    let quarantines = Quarantine::ALL.iter().map(|code| code.name());
    let answers = plain.into_iter().map(answer_name).chain(rejections).chain(quarantines);
    let disk = [
        Fault::WriteFails { lands: false },
        Fault::SyncFails { lands: false },
        Fault::SyncFails { lands: true },
        Fault::PowerFails { lands: false },
        Fault::PowerFails { lands: true },
        Fault::Full,
        Fault::ReadFails,
    ];
    let faults = FAULTS.into_iter().chain(disk.map(Fault::name)).chain(Loss::ALL.map(Loss::name));
    answers.map(|name| (Class::Answer, name)).chain(faults.map(|name| (Class::Fault, name)))
}

/// The stable name of an answer.
#[must_use]
pub fn answer_name(answer: AnswerCode) -> &'static str {
    match answer {
        AnswerCode::ACCEPTED => "ACCEPTED",
        AnswerCode::WAITING_FOR_ORIGINAL => "WAITING_FOR_ORIGINAL",
        AnswerCode::DUPLICATE => "DUPLICATE",
        AnswerCode::RECORDED => "RECORDED",
        other => {
            let quarantine = other.quarantine().map(Quarantine::name);
            other.rejection().map(RejectionCode::name).or(quarantine).unwrap_or("an answer of no name")
        }
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for ((class, name), times) in &self.0 {
            writeln!(f, "{:<7} {name:<44} {times:>10}", format!("{class:?}").to_lowercase())?;
        }
        for (name, why) in CANNOT {
            writeln!(f, "{:<7} {name:<44} cannot be: {why}", "answer")?;
        }
        Ok(())
    }
}
