//! What a log came to, whatever the order in which its topics were read: topics interleave freely, so two ledgers that read
//! the same topics have different chains and yet must agree on every payment, every net and every refusal.
//!
//! A record counts once, however often it stands in the log. An event that had to wait for its original and one that did
//! not are the same: both were taken.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;

use domain::ids::Id;
use domain::netting::net;
use domain::payment::Payment;
use domain::report::Report;
use domain::state::{State, View};
use sha2::{Digest, Sha256};
use store::entry::AnswerCode;

/// What a log came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Day {
    /// SHA-256 over one line a payment, what was reported of it, a net and a refusal code: the same for every order of the
    /// same records.
    pub digest: [u8; 32],
    /// Payment events refused by a rule, by stable code.
    pub rejected: BTreeMap<&'static str, u64>,
    /// Records that were not judged, by stable code.
    pub quarantined: BTreeMap<&'static str, u64>,
    /// What every party is owed in every cycle, in minor units: cycles by currency and number, parties by name. A party
    /// without a flow is not named.
    pub nets: BTreeMap<(String, u32), BTreeMap<String, i128>>,
}

/// Collects while the log is read.
#[derive(Default)]
pub(crate) struct Collector {
    seen: HashSet<(u16, [u8; 32])>,
    taken: HashMap<(Id, &'static str, &'static str), i128>,
    day: Day,
}

/// The hash of a text that is never held as a whole.
#[derive(Default)]
struct Lines {
    hash: Sha256,
    line: String,
}

impl Lines {
    fn put(&mut self, line: std::fmt::Arguments<'_>) {
        self.line.clear();
        let _ = writeln!(self.line, "{line}");
        self.hash.update(self.line.as_bytes());
    }
}

impl Collector {
    /// Notes the answer to a record of a network's topic.
    pub(crate) fn answered(&mut self, source: u16, content: [u8; 32], answer: AnswerCode) {
        let (counts, code) = match (answer.rejection(), answer.quarantine()) {
            (Some(code), _) => (&mut self.day.rejected, code.name()),
            (None, Some(code)) => (&mut self.day.quarantined, code.name()),
            (None, None) => return,
        };
        if self.seen.insert((source, content)) {
            *counts.entry(code).or_default() += 1;
        }
    }

    /// Notes a report that was taken.
    pub(crate) fn taken(&mut self, report: &Report) {
        let key = (report.payment, report.kind.name(), report.side.name());
        *self.taken.entry(key).or_default() += i128::from(report.minor);
    }

    /// Ends the day with what then stands.
    pub(crate) fn finish(mut self, state: &State, payments: &HashMap<Id, Payment>) -> Day {
        let rules = state.rules().current();
        let mut lines = Lines::default();
        let mut ids: Vec<&Id> = payments.keys().collect();
        ids.sort_unstable();
        for id in ids {
            lines.put(format_args!("payment {id} {}", payments[id].status().word()));
        }
        let mut taken: Vec<_> = std::mem::take(&mut self.taken).into_iter().collect();
        taken.sort_unstable();
        for ((id, kind, side), minor) in taken {
            lines.put(format_args!("reported {id} {kind} {side} {minor}"));
        }
        for currency in rules.currencies.iter().map(|rule| rule.currency) {
            for cycle in state.cycles(currency) {
                let nets = net(&cycle.flows).multilateral.into_iter();
                let nets = nets.map(|(party, minor)| (rules.party_name(party).to_owned(), minor)).collect();
                self.day.nets.insert((currency.code().to_owned(), cycle.id.number), nets);
            }
        }
        for ((currency, number), nets) in &self.day.nets {
            for (party, minor) in nets.iter().filter(|(_, minor)| **minor != 0) {
                lines.put(format_args!("net {currency}/{number} {party} {minor}"));
            }
        }
        for (code, count) in self.day.rejected.iter().chain(&self.day.quarantined) {
            lines.put(format_args!("refused {code} {count}"));
        }
        self.day.digest = lines.hash.finalize().into();
        self.day
    }
}
