//! Records between clearing house and settlement bank, topic `hutong.bank`, and the bank's answer as a command.

mod instructions;

use prost::{DecodeError, Message};
use sha2::{Digest, Sha256};

use crate::control::v1::{ConfirmInstruction, ControlCommand, RejectInstruction, control_command};
use v1::bank_record::Record;
use v1::{BankRecord, ConfirmationStatus, SettlementConfirmation, SettlementInstruction};

pub use instructions::{EPOCH, instructions};

crate::package!("bank");

/// The topic.
pub const TOPIC: &str = "hutong.bank";
/// Who gives the commands that the bank's answers are turned into.
pub const PRINCIPAL: &str = "settlement-bank";

/// Key and value of a record.
pub type KeyAndValue = (Vec<u8>, Vec<u8>);

/// What asks the bank to move money, as it goes onto [`TOPIC`].
#[must_use]
pub fn instruction(instruction: &SettlementInstruction) -> KeyAndValue {
    record(&instruction.instruction_id, Record::Instruction(instruction.clone()))
}

/// What the bank answers, as it goes onto [`TOPIC`].
#[must_use]
pub fn confirmation(confirmation: &SettlementConfirmation) -> KeyAndValue {
    record(&confirmation.instruction_id, Record::Confirmation(confirmation.clone()))
}

fn record(instruction_id: &str, record: Record) -> KeyAndValue {
    (instruction_id.as_bytes().to_vec(), BankRecord { record: Some(record) }.encode_to_vec())
}

/// Reads the value of a record on [`TOPIC`]; `None` when it says nothing that is known here.
///
/// # Errors
/// When it is no `hutong.bank.v1.BankRecord`.
pub fn decode(value: &[u8]) -> Result<Option<Record>, DecodeError> {
    BankRecord::decode(value).map(|sent| sent.record)
}

/// A final answer as the command that tells the ledger, as it goes onto `hutong.control`; `None` for an answer that is not
/// final. The same answer again is the same record byte for byte, which the ledger counts once.
#[must_use]
pub fn command(answer: &SettlementConfirmation) -> Option<KeyAndValue> {
    let (status, command) = match answer.status() {
        ConfirmationStatus::Confirmed => ("CONFIRMED", control_command::Command::ConfirmInstruction(confirm(answer))),
        ConfirmationStatus::Rejected => ("REJECTED", control_command::Command::RejectInstruction(reject(answer))),
        ConfirmationStatus::Pending | ConfirmationStatus::Unspecified => return None,
    };
    let name = format!("{}/{status}/{}", answer.instruction_id, answer.bank_reference);
    let digest: [u8; 32] = Sha256::digest(&name).into();
    let command_id = digest[..16].to_vec();
    let command = ControlCommand {
        command_id: command_id.clone(),
        principal: PRINCIPAL.to_owned(),
        idempotency_key: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
        issued_at_micros: answer.decided_at_micros,
        command: Some(command),
    };
    Some((command_id, command.encode_to_vec()))
}

fn confirm(answer: &SettlementConfirmation) -> ConfirmInstruction {
    ConfirmInstruction {
        cycle: answer.cycle.clone(),
        instruction_id: answer.instruction_id.clone(),
        bank_reference: answer.bank_reference.clone(),
    }
}

fn reject(answer: &SettlementConfirmation) -> RejectInstruction {
    RejectInstruction {
        cycle: answer.cycle.clone(),
        instruction_id: answer.instruction_id.clone(),
        bank_reference: answer.bank_reference.clone(),
        reason: answer.reason.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::common::v1::CycleRef;
    use crate::control::decode as decode_command;

    fn answer(status: ConfirmationStatus, reference: &str) -> SettlementConfirmation {
        SettlementConfirmation {
            instruction_id: "CNY-1-UNIONPAY-1".to_owned(),
            epoch: 1,
            cycle: Some(CycleRef { currency_code: "CNY".to_owned(), number: 1 }),
            status: status.into(),
            bank_reference: reference.to_owned(),
            reason: "AM04 no money".to_owned(),
            decided_at_micros: 5,
        }
    }

    #[test]
    fn a_final_answer_is_a_command_and_the_same_answer_the_same_record() {
        let confirmed = command(&answer(ConfirmationStatus::Confirmed, "B-1")).expect("final");
        let rejected = command(&answer(ConfirmationStatus::Rejected, "B-1")).expect("final");
        let elsewhere = command(&answer(ConfirmationStatus::Confirmed, "B-2")).expect("final");
        assert_eq!(command(&answer(ConfirmationStatus::Confirmed, "B-1")), Some(confirmed.clone()));
        assert_eq!(command(&answer(ConfirmationStatus::Pending, "B-1")), None);
        assert_eq!(command(&answer(ConfirmationStatus::Unspecified, "B-1")), None);
        let envelopes = [confirmed, rejected, elsewhere].map(|(key, value)| {
            let record = decode_command(&value).expect("a command");
            assert_eq!(record.envelope.command_id.to_bytes().to_vec(), key);
            assert_eq!(record.envelope.principal, PRINCIPAL);
            record.envelope.idempotency_key
        });
        assert!(envelopes[0] != envelopes[1] && envelopes[0] != envelopes[2] && envelopes[1] != envelopes[2]);
    }

    #[test]
    fn both_records_are_read_back_as_written_under_the_id_of_the_instruction() {
        let sent = SettlementInstruction { instruction_id: "I-1".to_owned(), epoch: 3, ..Default::default() };
        let (key, value) = instruction(&sent);
        assert_eq!((key, decode(&value)), (b"I-1".to_vec(), Ok(Some(Record::Instruction(sent)))));
        let sent = answer(ConfirmationStatus::Pending, "");
        let (key, value) = confirmation(&sent);
        assert_eq!((key, decode(&value)), (b"CNY-1-UNIONPAY-1".to_vec(), Ok(Some(Record::Confirmation(sent)))));
        assert_eq!(decode(b""), Ok(None));
    }
}
