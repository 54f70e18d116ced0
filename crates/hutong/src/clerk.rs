//! Giving orders to a ledger at work: an order goes onto the control topic like everybody's, and its outcome is what the log
//! says about it.

use std::time::{Duration, Instant};

use anyhow::Context;
use domain::clearing::Order;
use domain::directive::Completion;
use domain::ids::{Id, Sequence};
use domain::payment::Correction;
use domain::rejection::Retry;
use domain::rulebook::Rulebook;
use domain::state::View;
use domain::time::Timestamp;
use ingest::Publisher;
use ledger::{AnswerCode, Handle, LoggedEntry};
use recon::Outcome;
use sha2::{Digest, Sha256};
use wire::control::compose;
use wire::control::v1::control_command::Command as Content;

use crate::data;

/// How long the outcome of an order may take.
const PATIENCE: Duration = Duration::from_secs(60);
const PAGE: usize = 4_096;

/// Gives orders in one principal's name.
pub(crate) struct Clerk {
    publisher: Publisher,
    handle: Handle,
    principal: String,
    /// Record time of what it puts onto the topic; `None` for the moment of publishing.
    at: Option<Timestamp>,
}

impl Clerk {
    pub(crate) fn new(brokers: &str, handle: Handle, principal: &str, at: Option<Timestamp>) -> anyhow::Result<Self> {
        Ok(Self { publisher: Publisher::new(brokers)?, handle, principal: principal.to_owned(), at })
    }

    /// The rules in force now, by which names are written.
    pub(crate) fn rules(&self) -> Rulebook {
        self.handle.snapshot().state.rules().current().clone()
    }

    /// Gives one order and waits for the answer: the first that its key ever got, but a refusal of an earlier time, whose
    /// reason may have passed since, is asked for once more under a key of this moment.
    ///
    /// # Errors
    /// When it is not known whether the ledger has it; giving it again under the same key is safe.
    pub(crate) fn give(&self, key: &str, content: Content) -> anyhow::Result<AnswerCode> {
        let from = self.handle.snapshot().sequence;
        let decided = self.ask(key, content.clone(), from)?;
        let may_have_passed = decided.answer.rejection().is_some_and(|code| code.retry() == Retry::Later);
        if may_have_passed && decided.sequence <= from {
            return self.ask(&format!("{key} {from}"), content, from).map(|decided| decided.answer);
        }
        Ok(decided.answer)
    }

    /// The entry that decided about an order: its own, or the first of its key.
    fn ask(&self, key: &str, content: Content, from: Sequence) -> anyhow::Result<LoggedEntry> {
        let (record_key, value) = compose::record(id_of(&self.principal, key), &self.principal, key, content);
        let topic = data::TOPICS[usize::from(data::CONTROL)];
        self.publisher.send(topic, &record_key, &value, self.at)?;
        self.publisher.finish(PATIENCE)?;
        let entry = self.entry(from, key).with_context(|| format!("the outcome of order {key} is not known"))?;
        match entry.duplicate_of {
            Some(first) if entry.answer == AnswerCode::DUPLICATE => {
                let first = self.handle.entries(first, 1)?;
                first.into_iter().next().context("the first entry of an order is gone")
            }
            _ => Ok(entry),
        }
    }

    /// The first entry behind `from` that carries the key.
    fn entry(&self, mut from: Sequence, key: &str) -> anyhow::Result<LoggedEntry> {
        let asked = Instant::now();
        loop {
            anyhow::ensure!(!self.handle.has_failed(), "the ledger has stopped");
            anyhow::ensure!(asked.elapsed() < PATIENCE, "the ledger has not answered within {PATIENCE:?}");
            let next = Sequence(from.0 + 1);
            if self.handle.wait_for(next, Duration::from_millis(100)).is_none() {
                continue;
            }
            let entries = self.handle.entries(next, PAGE)?;
            from = entries.last().map_or(from, |entry| entry.sequence);
            let mine = |entry: &LoggedEntry| entry.principal == self.principal && entry.idempotency_key == key;
            if let Some(entry) = entries.into_iter().find(mine) {
                return Ok(entry);
            }
        }
    }
}

/// A record's id, made from whose it is and which.
fn id_of(principal: &str, key: &str) -> Id {
    let digest = Sha256::digest(format!("{principal}\n{key}"));
    Id::from_bytes(&digest[..16]).expect("16 bytes")
}

impl recon::Commands for Clerk {
    fn submit(
        &mut self,
        key: String,
        order: recon::Order,
    ) -> Result<Outcome, Box<dyn std::error::Error + Send + Sync>> {
        let content = content(order, id_of(&self.principal, &key), &self.rules());
        let answer = self.give(&key, content).map_err(|error| format!("{error:#}"))?;
        Ok(match (answer, answer.rejection()) {
            (AnswerCode::ACCEPTED, _) => Outcome::Accepted,
            (_, Some(code)) => Outcome::Refused(code.name().to_owned()),
            (_, None) => Outcome::Refused(answer.quarantine().map_or("UNKNOWN", |code| code.name()).to_owned()),
        })
    }
}

/// What the reconciliation worker orders, as a command.
fn content(order: recon::Order, command: Id, rules: &Rulebook) -> Content {
    let order = match order {
        recon::Order::RecordFile(file) => Order::RecordFile(file),
        recon::Order::RecordMatches { file, matches } => Order::RecordMatches { file, matches },
        recon::Order::RecordBreaks(findings) => Order::RecordBreaks(findings),
        recon::Order::HoldLong { break_id, from, to, amount, row } => {
            Order::HoldLong { id: break_id, row, from, to: Some(to), amount }
        }
        recon::Order::Complete { break_id, payment, movement, kind, side, amount, row } => {
            let ends = Some(break_id);
            return compose::complete(&Completion { command, payment, movement, kind, side, amount, row, ends });
        }
        recon::Order::ReturnToTransit { break_id, payment, movement, unproven, amount, .. } => {
            let correction = Correction::ReturnToTransit { movement, unproven, minor: amount.minor() };
            return compose::return_to_transit(break_id, payment, correction, amount).expect("that correction");
        }
    };
    compose::order(&order, rules)
}
