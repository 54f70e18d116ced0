//! Commands, topic `hutong.control`.
//!
//! Reading one has two steps, because they end differently. [`decode`] reads the record and its envelope: what fails here
//! has nobody to answer to and is quarantined. [`Record::instruction`] turns the content into the domain's types under a
//! rulebook: what fails there is answered, either as malformed or as refused by a rule ([`Refusal`]). Between the two the
//! ledger looks at command id and idempotency key, which need no rulebook.
//!
//! An [`Instruction`] is not yet possible, only well said: whether a break is open, a cycle closed or a file recorded is
//! for whoever keeps those books. The rulebook inside a command stays bytes, as the log keeps it.

mod form;
mod money;
mod records;

use domain::command::Command;
use domain::cycle::CycleId;
use domain::ids::{Id, Sequence};
use domain::money::Currency;
use domain::payment;
use domain::rejection::{Quarantine, RejectionCode};
use domain::report::Evidence;
use domain::rulebook::Rulebook;
use domain::time::Timestamp;
use prost::Message;
use thiserror::Error;

use form::Form;
pub use money::{CompleteFromEvidence, LongOutcome, ResolveLong, ShortCleared};
pub use records::{BillFile, BillTotals, Finding, Match, Resolution};

crate::package!("control");

/// Longest record that is looked at: what a broker accepts unless it is told otherwise (`message.max.bytes`).
pub const COMMAND_BYTES_MAX: usize = 1 << 20;
/// Longest rulebook that a command may carry.
pub const RULEBOOK_BYTES_MAX: usize = 512 << 10;
/// Most matches or findings in one command. Checked before anything is made of them.
pub const ENTRIES_MAX: usize = 10_000;

/// Why a record is not a command that could be answered.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Undecodable {
    /// The record has more than [`COMMAND_BYTES_MAX`] bytes.
    #[error("the record has {0} bytes, a command has at most {COMMAND_BYTES_MAX}")]
    TooLong(usize),
    /// It is no `hutong.control.v1.ControlCommand`.
    #[error("the record is not a command")]
    NotACommand(#[source] prost::DecodeError),
    /// Nobody could find the outcome of such a command.
    #[error("{field} is {}", form::word(*why))]
    Envelope {
        /// The field of `ControlCommand`.
        field: &'static str,
        /// What is wrong with it.
        why: Quarantine,
    },
}

impl Undecodable {
    /// The code that the record is quarantined with.
    #[must_use]
    pub const fn quarantine(&self) -> Quarantine {
        match self {
            Self::TooLong(_) => Quarantine::RecordTooLong,
            Self::NotACommand(_) => Quarantine::Undecodable,
            Self::Envelope { why, .. } => *why,
        }
    }
}

/// Why a command is answered without being judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// A field is not what its contract says: quarantined, whatever the state of the ledger.
    #[error("{field} is {}", form::word(*why))]
    Malformed {
        /// The field, by its way from `ControlCommand`.
        field: &'static str,
        /// What is wrong with it.
        why: Quarantine,
    },
    /// A rule of the rulebook in force: another rulebook may accept it.
    #[error("refused with {}", .0.name())]
    Rejected(RejectionCode),
}

/// Who gave a command, and under which names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Names the record.
    pub command_id: Id,
    /// A user or a service, 1 to 100 characters.
    pub principal: String,
    /// Chosen by the principal, 1 to 64 characters.
    pub idempotency_key: String,
    /// When it was given, for information only: the record's timestamp is what counts.
    pub issued_at: Timestamp,
}

/// A command record whose envelope is complete.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Who, and under which names.
    pub envelope: Envelope,
    content: v1::control_command::Command,
}

/// Reads the value of a record on topic `hutong.control`.
///
/// # Errors
/// When it is not a command, names no command at all, or its envelope is incomplete.
pub fn decode(record: &[u8]) -> Result<Record, Undecodable> {
    if record.len() > COMMAND_BYTES_MAX {
        return Err(Undecodable::TooLong(record.len()));
    }
    let sent = v1::ControlCommand::decode(record).map_err(Undecodable::NotACommand)?;
    let incomplete = |field: &'static str, why: Quarantine| Undecodable::Envelope { field, why };
    let command_id = form::id(&sent.command_id).map_err(|why| incomplete("command_id", why))?;
    form::check_text(&sent.principal, 100).map_err(|why| incomplete("principal", why))?;
    form::check_text(&sent.idempotency_key, 64).map_err(|why| incomplete("idempotency_key", why))?;
    let content = sent.command.ok_or_else(|| incomplete("command", Quarantine::MissingField))?;
    let envelope = Envelope {
        command_id,
        principal: sent.principal,
        idempotency_key: sent.idempotency_key,
        issued_at: Timestamp::from_micros(sent.issued_at_micros),
    };
    Ok(Record { envelope, content })
}

/// The record of a confirmed prefund of `minor` CNY by a command of its own for each network: for demonstrations,
/// benchmarks and tests, which bring their own money.
#[must_use]
pub fn prefund(network: &str, minor: i64) -> Vec<u8> {
    let mut command_id = [0; 16];
    command_id.iter_mut().zip(network.bytes()).for_each(|(at, byte)| *at = byte);
    let amount = crate::common::v1::Amount { currency_code: "CNY".to_owned(), minor_units: minor };
    let bank_reference = format!("prefund-{network}");
    let prefund = v1::ConfirmPrefund { network: network.to_owned(), amount: Some(amount), bank_reference };
    let command = v1::ControlCommand {
        command_id: command_id.to_vec(),
        principal: "hutong".to_owned(),
        idempotency_key: format!("prefund-{network}"),
        issued_at_micros: 0,
        command: Some(v1::control_command::Command::ConfirmPrefund(prefund)),
    };
    command.encode_to_vec()
}

/// On what a command of the domain rests: what is recorded and looked up beside judging it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Basis {
    /// Nothing else.
    Nothing,
    /// The bank's booking of this reference, which counts once.
    BankReference(String),
    /// The proposal of this digest.
    Proposal([u8; 32]),
    /// The break that it answers and, where the contract has one, the row that proves it.
    Break {
        /// Which break.
        id: Id,
        /// Which row.
        row: Option<Evidence>,
    },
    /// The fee of this payment or of one of its refunds.
    FeeOf {
        /// The payment.
        payment: Id,
        /// The refund.
        movement: Option<Id>,
    },
}

/// What a command asks for, in the domain's types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Instruction {
    /// For [`domain::command::decide`].
    Decide {
        /// To be judged.
        command: Command,
        /// On what it rests.
        basis: Basis,
    },
    /// For [`domain::payment::correct`].
    Correct {
        /// The break that it answers.
        break_id: Id,
        /// The payment to correct.
        payment: Id,
        /// How.
        correction: payment::Correction,
        /// What the amount is counted in: must be the payment's.
        currency: Currency,
    },
    /// T3a: for [`domain::payment::decide`] as a report, once the payment's terms are at hand.
    CompleteFromEvidence(CompleteFromEvidence),
    /// J11: a [`Command::ResolveLong`] once the held amount's parties are at hand.
    ResolveLong(ResolveLong),
    /// J12: a [`Command::RecoverShort`] once the advance's parties are at hand.
    RecoverShort(ShortCleared),
    /// J12: a [`Command::WriteOffShort`] once the advance's parties and the approvals are at hand.
    WriteOffShort(ShortCleared),
    /// The bank carried an instruction out.
    ConfirmInstruction {
        /// The cycle being settled.
        cycle: CycleId,
        /// Which instruction.
        instruction_id: String,
        /// The bank's booking.
        bank_reference: String,
    },
    /// The bank refused an instruction.
    RejectInstruction {
        /// The cycle being settled.
        cycle: CycleId,
        /// Which instruction.
        instruction_id: String,
        /// The bank's booking, if it named one.
        bank_reference: Option<String>,
        /// The bank's reason.
        reason: String,
    },
    /// A rulebook file as it is, not read here.
    LoadRulebook(Vec<u8>),
    /// Judge a quarantined record again.
    ReleaseQuarantined {
        /// Where it stands in the log.
        sequence: Sequence,
        /// Why.
        reason: String,
    },
    /// A topic was made anew.
    RecordSourceIncarnation {
        /// Its name.
        topic: String,
        /// Its new id.
        topic_id: [u8; 16],
    },
    /// A bill file was read.
    RecordBillFile(BillFile),
    /// Rows agree with the ledger.
    RecordMatches {
        /// The rows' file.
        file_digest: [u8; 32],
        /// At least one.
        matches: Vec<Match>,
    },
    /// Differences were found; at least one.
    RecordBreaks(Vec<Finding>),
    /// A break ends without a booking.
    ResolveBreak {
        /// Which break.
        break_id: Id,
        /// How.
        resolution: Resolution,
        /// Why.
        note: String,
    },
}

impl Record {
    /// The content in the domain's types. `rules` is the last version loaded: commands and names go by that.
    ///
    /// # Errors
    /// When a field is not what its contract says, or names a network that `rules` do not have.
    pub fn instruction(&self, rules: &Rulebook) -> Result<Instruction, Refusal> {
        use v1::control_command::Command as Content;
        let form = Form { rules };
        match &self.content {
            Content::LoadRulebook(sent) => form.load_rulebook(sent),
            Content::CutOver(sent) => form.cut_over(sent),
            Content::ReleaseQuarantined(sent) => form.release_quarantined(sent),
            Content::RecordSourceIncarnation(sent) => form.record_source_incarnation(sent),
            Content::ConfirmPrefund(sent) => form.confirm_prefund(sent),
            Content::ConfirmWithdrawal(sent) => form.confirm_withdrawal(sent),
            Content::ProposeSettlement(sent) => form.propose_settlement(sent),
            Content::ApproveSettlement(sent) => form.approve_settlement(sent),
            Content::StartSettlement(sent) => form.start_settlement(sent),
            Content::ConfirmInstruction(sent) => form.confirm_instruction(sent),
            Content::RejectInstruction(sent) => form.reject_instruction(sent),
            Content::SweepFees(sent) => form.sweep_fees(sent),
            Content::RecordBillFile(sent) => form.record_bill_file(sent),
            Content::RecordMatches(sent) => form.record_matches(sent),
            Content::RecordBreaks(sent) => form.record_breaks(sent),
            Content::ResolveBreak(sent) => form.resolve_break(sent),
            Content::CompleteFromEvidence(sent) => form.complete_from_evidence(sent),
            Content::HoldLong(sent) => form.hold_long(sent),
            Content::ResolveLong(sent) => form.resolve_long(sent),
            Content::ReturnToTransit(sent) => form.return_to_transit(sent),
            Content::AdvanceShort(sent) => form.advance_short(sent),
            Content::RecoverShort(sent) => form.recover_short(sent),
            Content::WriteOffShort(sent) => form.write_off_short(sent),
            Content::AdjustFee(sent) => form.adjust_fee(sent),
        }
    }

    /// The content as it was sent, for comparing with what the same key was used for before, and for showing.
    #[must_use]
    pub const fn content(&self) -> &v1::control_command::Command {
        &self.content
    }
}

impl Form<'_> {
    fn load_rulebook(&self, sent: &v1::LoadRulebook) -> Result<Instruction, Refusal> {
        let why = match sent.toml.len() {
            0 => Quarantine::MissingField,
            1..=RULEBOOK_BYTES_MAX => return Ok(Instruction::LoadRulebook(sent.toml.clone())),
            _ => Quarantine::InvalidField,
        };
        Err(Refusal::Malformed { field: "load_rulebook.toml", why })
    }

    fn release_quarantined(&self, sent: &v1::ReleaseQuarantined) -> Result<Instruction, Refusal> {
        if sent.sequence == 0 {
            return Err(Refusal::Malformed { field: "release_quarantined.sequence", why: Quarantine::MissingField });
        }
        let reason = self.text("release_quarantined.reason", &sent.reason, 500)?;
        Ok(Instruction::ReleaseQuarantined { sequence: Sequence(sent.sequence), reason })
    }

    fn record_source_incarnation(&self, sent: &v1::RecordSourceIncarnation) -> Result<Instruction, Refusal> {
        // Kafka allows a topic name 249 characters.
        let topic = self.text("record_source_incarnation.topic", &sent.topic, 249)?;
        let topic_id = self.id("record_source_incarnation.topic_id", &sent.topic_id)?.to_bytes();
        Ok(Instruction::RecordSourceIncarnation { topic, topic_id })
    }
}
