//! Records as protobuf JSON: a line of `hutong publish` as the record it stands for, and a record as JSON for a person.
//!
//! Protobuf's JSON form lets the last of two equal names win and takes `1e2` for a whole number. An amount that was given
//! twice or passed through a float is not one that we put on a topic, so both are refused here, as are names that the
//! contract does not have.

mod place;

use std::sync::LazyLock;

use domain::time::Timestamp;
use prost::{DecodeError, Message};
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use thiserror::Error;

use crate::bank::v1::{BankRecord, bank_record};
use crate::publish::v1::{PublishLine, publish_line};

/// The topic that a record is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Topic {
    /// The topic of the network that reports.
    Payments {
        /// As in `reporting_network`; not empty.
        network: String,
    },
    /// Commands.
    Control,
    /// Instructions and confirmations.
    Bank,
}

impl Topic {
    /// The name that the contracts give it.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Payments { network } => format!("payments.{network}"),
            Self::Control => "hutong.control".to_owned(),
            Self::Bank => "hutong.bank".to_owned(),
        }
    }
}

/// A record as it goes onto its topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Where to.
    pub topic: Topic,
    /// Payment id, command id, or instruction id as UTF-8; as given, whatever its length.
    pub key: Vec<u8>,
    /// The encoded message.
    pub value: Vec<u8>,
    /// The record's timestamp; `None`: the moment of publishing.
    pub recorded_at: Option<Timestamp>,
}

/// Why a line is not a record. Which line it was is for the reader of the file to say.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{field} at column {column}: {reason}")]
pub struct LineError {
    /// The way to the field, for example `paymentEvent.billRow.rowNumber`; `line` for the line itself.
    pub field: String,
    /// The byte up to which the line was read, counted from 1.
    pub column: usize,
    /// What is wrong with it.
    pub reason: String,
}

/// Reads one line of `hutong publish`, a `hutong.publish.v1.PublishLine`.
///
/// # Errors
/// When the line is not JSON, not of the contract, or does not say which record it holds.
pub fn publish_line(line: &str) -> Result<Record, LineError> {
    let missing = |field: &str, reason: &str| LineError {
        field: field.to_owned(),
        column: line.len().max(1),
        reason: reason.to_owned(),
    };
    let message: PublishLine = read(line, "hutong.publish.v1.PublishLine")?;
    let recorded_at = message.recorded_at_micros.map(Timestamp::from_micros);
    let Some(record) = message.record else {
        return Err(missing("line", "holds none of paymentEvent, command, bankRecord"));
    };
    let (topic, key, value) = match record {
        publish_line::Record::PaymentEvent(event) if event.reporting_network.is_empty() => {
            return Err(missing("paymentEvent.reportingNetwork", "is needed: it names the topic"));
        }
        publish_line::Record::PaymentEvent(event) => {
            let value = event.encode_to_vec();
            (Topic::Payments { network: event.reporting_network }, event.payment_id, value)
        }
        publish_line::Record::Command(command) => {
            let value = command.encode_to_vec();
            (Topic::Control, command.command_id, value)
        }
        publish_line::Record::BankRecord(record) => {
            let value = record.encode_to_vec();
            let id = instruction_id(record);
            (Topic::Bank, id.ok_or_else(|| missing("bankRecord", "holds neither instruction nor confirmation"))?, value)
        }
    };
    Ok(Record { topic, key, value, recorded_at })
}

fn instruction_id(record: BankRecord) -> Option<Vec<u8>> {
    let id = match record.record? {
        bank_record::Record::Instruction(instruction) => instruction.instruction_id,
        bank_record::Record::Confirmation(confirmation) => confirmation.instruction_id,
    };
    Some(id.into_bytes())
}

/// A payment event as one line of JSON. Fields that are not known here are left out.
///
/// # Errors
/// When `value` is not one.
pub fn payment_event(value: &[u8]) -> Result<String, DecodeError> {
    print(value, "hutong.event.v1.PaymentEvent")
}

/// A command as one line of JSON. Fields that are not known here are left out.
///
/// # Errors
/// When `value` is not one.
pub fn command(value: &[u8]) -> Result<String, DecodeError> {
    print(value, "hutong.control.v1.ControlCommand")
}

/// A record of topic `payments.rejected` as one line of JSON. Fields that are not known here are left out.
///
/// # Errors
/// When `value` is not one.
pub fn rejection(value: &[u8]) -> Result<String, DecodeError> {
    print(value, "hutong.event.v1.Rejection")
}

/// An entry of the log as one line of JSON.
#[must_use]
pub fn ledger_entry(entry: &crate::audit::v1::LedgerEntry) -> String {
    print(&entry.encode_to_vec(), "hutong.audit.v1.LedgerEntry").expect("a message is read back as it was written")
}

static CONTRACTS: LazyLock<DescriptorPool> = LazyLock::new(|| {
    DescriptorPool::decode(crate::FILE_DESCRIPTOR_SET).expect("the embedded descriptors were made by the build")
});

fn descriptor(message: &str) -> MessageDescriptor {
    CONTRACTS.get_message_by_name(message).expect("named after a message of the contracts")
}

fn print(value: &[u8], message: &str) -> Result<String, DecodeError> {
    let message = DynamicMessage::decode(descriptor(message), value)?;
    Ok(serde_json::to_string(&message).expect("a message is written into memory, its fields have names"))
}

fn read<M: Message + Default>(line: &str, message: &str) -> Result<M, LineError> {
    let mut reader = serde_json::Deserializer::from_str(line);
    let read = DynamicMessage::deserialize(descriptor(message), &mut reader).and_then(|read| {
        reader.end()?;
        Ok(read)
    });
    let read = read.map_err(|error| located(line, &error))?;
    if let Err((fault, offset)) = place::check(line) {
        return Err(LineError { field: place::at(line, offset), column: offset, reason: fault.to_owned() });
    }
    Ok(read.transcode_to().expect("the generated message has the fields of its descriptor"))
}

fn located(line: &str, error: &serde_json::Error) -> LineError {
    let lines_before = line.split_inclusive('\n').take(error.line().saturating_sub(1));
    let offset = lines_before.map(str::len).sum::<usize>() + error.column();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let text = error.to_string();
    let reason = text.strip_suffix(&place).unwrap_or(&text).to_owned();
    LineError { field: place::at(line, offset), column: offset.max(1), reason }
}
