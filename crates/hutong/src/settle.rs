//! Settling one closed cycle from proposal to finality, with the settlement bank on its topic.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use domain::clearing::{InstructionState, Order, Settlement};
use domain::cycle::{CycleId, CycleState};
use domain::rejection::RejectionCode;
use domain::state::View;
use ingest::bank::{self, Outbox, Worker};
use ledger::{AnswerCode, Handle};
use wire::bank::v1::SettlementInstruction;
use wire::control::compose;

use crate::clerk::Clerk;
use crate::data;

/// An instruction that the bank is silent about is sent again after this.
const AGAIN_AFTER: Duration = Duration::from_secs(2);

/// What the ledger has sent and the bank has not answered for good.
struct Unanswered(Handle);

impl Outbox for Unanswered {
    fn due(&self) -> Vec<SettlementInstruction> {
        let snapshot = self.0.snapshot();
        let state = &snapshot.state;
        let all = state.register().settlements().flat_map(|s| wire::bank::instructions(s, state.rules().current()));
        all.filter(|(_, state)| *state == InstructionState::Sent).map(|(instruction, _)| instruction).collect()
    }
}

/// Both ends of the bank's topic on this side: instructions go out, answers come back as commands. They end when dropped.
pub(crate) fn speak_to_bank(brokers: &str, handle: &Handle) -> Result<[Worker; 2], ingest::Error> {
    let outbox = bank::send_instructions(brokers, Unanswered(handle.clone()), AGAIN_AFTER)?;
    let control = data::TOPICS[usize::from(data::CONTROL)];
    let answers = bank::read_answers(brokers, bank::tell_ledger(brokers, control)?)?;
    Ok([outbox, answers])
}

/// Leads a cycle to its end: proposed by one principal, approved by another, started, and started again when the bank has
/// refused something, until it is settled or `patience` is over.
///
/// # Errors
/// When a rule forbids a step (its code is named), or the bank does not answer in time; calling again goes on.
pub(crate) fn settle(
    proposer: &Clerk,
    approver: &Clerk,
    handle: &Handle,
    cycle: CycleId,
    patience: Duration,
) -> anyhow::Result<Settlement> {
    let begun = Instant::now();
    let mut starts = 0;
    loop {
        let snapshot = handle.snapshot();
        let state = snapshot.state.cycle(cycle).context("there is no such cycle")?.state.clone();
        let settlement = snapshot.state.register().settlement(cycle).cloned();
        let name = format!("{}/{}", cycle.currency.code(), cycle.number);
        match (state, settlement) {
            (CycleState::Settled, Some(settlement)) => return Ok(settlement),
            (CycleState::Open, _) => bail!("cycle {name} is open; its cut-over closes it"),
            (CycleState::Closed, _) => give(proposer, &format!("propose {name}"), &Order::Propose(cycle))?,
            (CycleState::Proposed, Some(proposed)) => {
                let approve = Order::Approve { cycle, digest: proposed.digest };
                give(approver, &format!("approve {name} {}", data::hex(&proposed.digest[..4])), &approve)?;
            }
            (CycleState::Approved | CycleState::Pending { .. }, _) => {
                starts += 1;
                let at = snapshot.sequence.0;
                give(proposer, &format!("start {name} after {at}"), &Order::Start(cycle))?;
                anyhow::ensure!(starts <= 20, "cycle {name} stays PENDING: a debtor is short of liquidity");
            }
            _ => std::thread::sleep(Duration::from_millis(20)),
        }
        anyhow::ensure!(!handle.has_failed(), "the ledger has stopped");
        anyhow::ensure!(begun.elapsed() < patience, "the settlement bank has not answered within {patience:?}");
    }
}

fn give(clerk: &Clerk, key: &str, order: &Order) -> anyhow::Result<()> {
    let answer = clerk.give(key, compose::order(order, &clerk.rules()))?;
    match answer.rejection() {
        None if answer == AnswerCode::ACCEPTED => Ok(()),
        // Somebody else was faster.
        Some(RejectionCode::CycleState) => Ok(()),
        Some(code) => bail!("{key}: {} ({})", code.english(), code.name()),
        None => bail!("{key}: the command was not read"),
    }
}
