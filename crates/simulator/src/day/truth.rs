//! What has to come out of a day, counted from its plan before anything is published. Nothing here asks the rules.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::nets::Nets;
use super::population::Plant;
use super::rows::Planted;
use super::story::{Answer, Story};
use super::{Day, bills};
use crate::mix::NETWORKS;

/// The right answers to a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Truth {
    /// As given.
    pub seed: u64,
    /// As given.
    pub payments: u64,
    /// The date of the bill files, `2025-11-11`.
    pub date: String,
    /// Records on the topics of the networks.
    pub events: u64,
    /// Records that repeat an earlier one byte for byte and are answered like it.
    pub duplicates: u64,
    /// Refused events by code; a repetition is not counted.
    pub rejected: BTreeMap<String, u64>,
    /// Records that cannot be judged, by code.
    pub quarantined: BTreeMap<String, u64>,
    /// Nets of cycle CNY/1 in fen, of each network, `operator` and `escrow`; positive when owed to it, in sum zero.
    pub nets: BTreeMap<String, i64>,
    /// Rows of bill files that agree with a leg in key, amount and fee, the fee but for one fen.
    pub matched: u64,
    /// Rows among those whose fee differs by one fen.
    pub fee_roundings: u64,
    /// Breaks by code.
    pub planted: BTreeMap<String, u64>,
    /// Every break that has to be found, and no other has.
    pub breaks: Vec<Break>,
}

/// One break, as a matching has to name it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Break {
    /// For example `LEDGER_MISSING`.
    pub code: String,
    /// In whose file the row is, or is not.
    pub network: String,
    /// 查询流水号, 微信订单号 or 支付宝交易号 of the row, or of the leg that has none.
    pub network_reference: String,
    /// The number of a wallet's refund.
    pub refund_reference: Option<String>,
    /// Of a row that cannot be read: its line in the file, from 1.
    pub line: Option<u64>,
    /// When a network has reported the payment: its id in hexadecimal.
    pub payment_id: Option<String>,
}

impl Truth {
    /// As JSON, the names of the fields as here.
    ///
    /// # Panics
    /// Never: texts and numbers are written into memory.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("texts and numbers are written into memory")
    }

    /// Reads [`Truth::to_json`].
    ///
    /// # Errors
    /// When it is not one.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    fn add(&mut self, story: &Story<'_>) {
        for event in story.events.iter().filter(|event| event.sent) {
            match event.answer {
                Answer::Accepted => {}
                Answer::Refused(code) => count(&mut self.rejected, code),
                Answer::Altered(_) => count(&mut self.rejected, "CONFLICTING_DUPLICATE"),
                Answer::Malformed(malformed) => count(&mut self.quarantined, malformed.code()),
                Answer::Again(_) => self.duplicates += 1,
            }
        }
        self.matched += story.rows.iter().filter(|row| row.agrees).count() as u64;
        if let Some(planted) = &story.planted {
            self.add_planted(story, planted);
        }
    }

    fn add_planted(&mut self, story: &Story<'_>, planted: &Planted) {
        let Some(code) = planted.plant.code() else {
            self.fee_roundings += 1;
            return;
        };
        count(&mut self.planted, code);
        let is_reported = story.events.iter().any(|event| event.sent);
        self.breaks.push(Break {
            code: code.to_owned(),
            network: NETWORKS[planted.network].to_owned(),
            network_reference: planted.reference.clone(),
            refund_reference: planted.refund_reference.clone(),
            line: None,
            payment_id: is_reported.then(|| hexadecimal(&story.id)),
        });
    }
}

pub(super) fn of(day: &Day) -> Truth {
    let mut truth = Truth {
        seed: day.options.seed,
        payments: day.options.payments,
        date: day.options.date.to_string(),
        events: day.schedule.records() as u64,
        duplicates: 0,
        rejected: BTreeMap::new(),
        quarantined: BTreeMap::new(),
        nets: BTreeMap::new(),
        matched: 0,
        fee_roundings: 0,
        planted: BTreeMap::new(),
        breaks: Vec::new(),
    };
    let mut nets = Nets::default();
    for story in day.stories() {
        truth.add(&story);
        nets.add(&story);
    }
    truth.nets = nets.by_name();
    find_lines(day, &mut truth.breaks);
    truth.breaks.sort();
    truth
}

/// The rows that cannot be read are known by their lines alone.
fn find_lines(day: &Day, breaks: &mut [Break]) {
    let invalid = Plant::RowInvalid.code().expect("it is a break");
    for (network, name) in NETWORKS.iter().enumerate() {
        let lines: BTreeMap<String, u64> = bills::spoiled_lines(day, network).collect();
        for found in breaks.iter_mut().filter(|found| found.code == invalid && found.network == *name) {
            found.line = lines.get(&found.network_reference).copied();
        }
    }
}

fn count(counts: &mut BTreeMap<String, u64>, code: &str) {
    *counts.entry(code.to_owned()).or_default() += 1;
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
