//! A settlement's instructions as the bank gets them.

use domain::clearing::{Instruction, InstructionState, Settlement};
use domain::rulebook::Rulebook;
use domain::time::{BusinessDay, Timestamp};

use super::v1::SettlementInstruction;
use crate::names;

/// The writing term of a shard that nobody takes over from: one process keeps a data directory, and its instruction ids are
/// unique for ever.
pub const EPOCH: u64 = 1;

/// Every instruction of a settlement as it goes to the bank, with where it stands.
#[must_use]
pub fn instructions(settlement: &Settlement, rules: &Rulebook) -> Vec<(SettlementInstruction, InstructionState)> {
    let issued_at = settlement.started.unwrap_or(Timestamp::from_micros(0));
    let cut_over = rules.currency(settlement.cycle.currency).map(|rule| rule.cut_over_network);
    let zone = cut_over.and_then(|network| rules.networks.get(network.index())).map(|rule| rule.business_day);
    let day = zone.map(|day| BusinessDay { cut_off_second: None, ..day }.date_of(issued_at));
    let settled_on = rules.calendar.next_working_day(day.unwrap_or_default());
    let instruction = |(index, planned): (usize, &Instruction)| {
        let sent = SettlementInstruction {
            instruction_id: settlement.instruction_id(index, planned.attempt),
            epoch: EPOCH,
            cycle: Some(settlement.cycle.into()),
            debtor: rules.party_name(planned.debtor).to_owned(),
            creditor: rules.party_name(planned.creditor).to_owned(),
            amount: Some(crate::common::v1::Amount {
                currency_code: settlement.cycle.currency.code().to_owned(),
                minor_units: planned.minor,
            }),
            settlement_date: names::business_date_number(settled_on),
            settlement_digest: settlement.digest.to_vec(),
            issued_at_micros: issued_at.micros(),
        };
        (sent, planned.state.clone())
    };
    settlement.instructions.iter().enumerate().map(instruction).collect()
}
