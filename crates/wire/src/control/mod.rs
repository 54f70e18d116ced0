//! Commands, topic `hutong.control`.
//!
//! Reading one has two steps, because they end differently. [`decode`] reads the record and its envelope: what fails here
//! has nobody to answer to and is quarantined. [`Record::asked`] turns the content into the domain's types under a
//! rulebook: what fails there is answered, either as malformed or as refused by a rule ([`Refusal`]). Between the two the
//! ledger looks at command id and idempotency key, which need no rulebook.
//!
//! What is [`Asked`] is not yet possible, only well said: whether a break is open, a cycle closed or a file recorded is
//! for whoever keeps those books. The rulebook inside a command stays bytes, as the log keeps it.

pub mod compose;
mod form;
mod money;
mod records;

use domain::clearing::Order;
use domain::command::Command;
use domain::directive::Action;
use domain::ids::Id;
use domain::rejection::{Quarantine, RejectionCode};
use domain::rulebook::Rulebook;
use domain::time::Timestamp;
use prost::Message;
use thiserror::Error;

use form::Form;

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

/// What a command asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// In the domain's types.
    pub action: Action,
    /// The bank's booking that it reports, which counts once.
    pub bank_reference: Option<String>,
}

impl From<Action> for Asked {
    fn from(action: Action) -> Self {
        Self { action, bank_reference: None }
    }
}

impl From<Command> for Asked {
    fn from(command: Command) -> Self {
        Action::Command(command).into()
    }
}

impl From<Order> for Asked {
    fn from(order: Order) -> Self {
        Action::Order(order).into()
    }
}

impl Record {
    /// The content in the domain's types. `rules` is the last version loaded: commands and names go by that.
    ///
    /// # Errors
    /// When a field is not what its contract says, or names a network that `rules` do not have.
    pub fn asked(&self, rules: &Rulebook) -> Result<Asked, Refusal> {
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
            Content::CompleteFromEvidence(sent) => form.complete_from_evidence(self.envelope.command_id, sent),
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
    fn load_rulebook(&self, sent: &v1::LoadRulebook) -> Result<Asked, Refusal> {
        let why = match sent.toml.len() {
            0 => Quarantine::MissingField,
            1..=RULEBOOK_BYTES_MAX => return Ok(Action::LoadRulebook(sent.toml.clone()).into()),
            _ => Quarantine::InvalidField,
        };
        Err(Refusal::Malformed { field: "load_rulebook.toml", why })
    }

    fn release_quarantined(&self, sent: &v1::ReleaseQuarantined) -> Result<Asked, Refusal> {
        if sent.sequence == 0 {
            return Err(Refusal::Malformed { field: "release_quarantined.sequence", why: Quarantine::MissingField });
        }
        self.text("release_quarantined.reason", &sent.reason, 500)?;
        Ok(Action::Unsupported.into())
    }

    fn record_source_incarnation(&self, sent: &v1::RecordSourceIncarnation) -> Result<Asked, Refusal> {
        // Kafka allows a topic name 249 characters.
        self.text("record_source_incarnation.topic", &sent.topic, 249)?;
        self.id("record_source_incarnation.topic_id", &sent.topic_id)?;
        // A ledger that reads this topic cannot know whether the topic is what it was.
        Err(Refusal::Rejected(RejectionCode::IncarnationRefused))
    }
}
