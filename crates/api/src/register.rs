//! What stands in the register of the clearing house: settlements and their instructions, in the words of the contracts.

use domain::account::{Account, Class};
use domain::clearing::{InstructionState, Settlement};
use domain::cycle::CycleState;
use domain::money::Currency;
use domain::rulebook::Rulebook;
use domain::state::{State, View as _};
use ledger::Handle;
use tonic::Status;
use wire::common::v1::Balance;
use wire::names;
use wire::settlement::v1 as settlement;

use crate::command::Outcome;
use crate::netting::{fits, participants};

/// A settlement as it stands in a state.
pub(crate) fn settlement(known: &Settlement, state: &State) -> Result<settlement::Settlement, Status> {
    let rules = state.rules().current();
    let cycle = state.cycle(known.cycle).map_or(&CycleState::Closed, |cycle| &cycle.state);
    let is_confirmed = |state: &InstructionState| matches!(state, InstructionState::Confirmed { .. });
    let confirmed = known.instructions.iter().filter(|instruction| is_confirmed(&instruction.state));
    let net = |party| known.lines.iter().find(|(of, _)| *of == party).map_or(0, |(_, minor)| *minor);
    let lines = participants(rules).into_iter().map(|party| {
        let participant = names::participant_name(party, rules).to_owned();
        Ok(settlement::SettlementLine { participant, net_minor: fits(net(party))? })
    });
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    Ok(settlement::Settlement {
        cycle: Some(known.cycle.into()),
        state: settlement::CycleState::from(cycle).into(),
        digest: known.digest.to_vec(),
        lines: lines.collect::<Result<_, Status>>()?,
        instruction_count: count(known.instructions.len()),
        confirmed_count: count(confirmed.count()),
        proposed_by: known.proposed.by.clone(),
        approved_by: known.approved.as_ref().map(|by| by.by.clone()).unwrap_or_default(),
        settled_sequence: known.settled.map_or(0, |(sequence, _)| sequence.0),
        settled_time: known.settled.map(|(_, at)| names::timestamp(at)),
    })
}

/// The instructions of a settlement, in the order of their ids' numbers.
pub(crate) fn instructions(known: &Settlement, rules: &Rulebook) -> Vec<settlement::Instruction> {
    let told = wire::bank::instructions(known, rules).into_iter().map(|(instruction, state)| {
        let (word, bank_reference, reason) = match state {
            InstructionState::Planned => (settlement::InstructionState::Planned, None, None),
            InstructionState::Sent => (settlement::InstructionState::Sent, None, None),
            InstructionState::Confirmed { reference } => {
                (settlement::InstructionState::Confirmed, Some(reference), None)
            }
            InstructionState::Rejected { reference, reason } => {
                (settlement::InstructionState::Rejected, reference, Some(reason))
            }
        };
        settlement::Instruction {
            instruction: Some(instruction),
            state: word.into(),
            bank_reference: bank_reference.unwrap_or_default(),
            reason: reason.unwrap_or_default(),
        }
    });
    told.collect()
}

/// Balances after an outcome of the accounts of these classes, by name.
pub(crate) fn balances(
    handle: &Handle,
    outcome: &Outcome,
    currency: Currency,
    classes: &[Class],
) -> Result<Vec<Balance>, ledger::Error> {
    let rules = outcome.state.rules().current();
    let accounts = outcome.state.book().accounts().map(|(account, _)| account);
    let is_wanted = |account: &Account| account.currency() == currency && classes.contains(&account.class());
    let mut told = Vec::new();
    for account in accounts.filter(is_wanted) {
        told.push(names::balance(account, outcome.balance(handle, account)?, rules));
    }
    told.sort_by(|a, b| a.account.cmp(&b.account));
    Ok(told)
}
