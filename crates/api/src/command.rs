//! Calls that change something. A call becomes a command on the control topic, like every other cause of a change, and is
//! answered when the block that holds its outcome is durable. The command is found again by its offset. The same call with
//! the same key makes the same record, so a repetition is a duplicate and gets the first answer, for ever.
//!
//! Until callers are identified, whoever reaches the service is [`PRINCIPAL`]: keys are one space for all of them, and a rule
//! that wants two principals cannot be satisfied through this door.

use std::sync::Arc;

use domain::account::Account;
use domain::book::Balance;
use domain::clearing::{self, Context, Order};
use domain::command;
use domain::directive::Action;
use domain::ids::Sequence;
use domain::journal::Effects;
use domain::rejection::RejectionCode;
use domain::state::{State, View as _};
use faults::Point;
use ledger::{AnswerCode, EntryKind, Handle, LoggedEntry, Snapshot};
use sha2::{Digest as _, Sha256};
use tokio::time::timeout_at;
use tonic::Status;
use wire::control::v1::ControlCommand;
use wire::control::v1::control_command::Command as Content;
use wire::control::{self, Refusal};
use wire::message;
use wire::status::{ApiCode, api_status, field_invalid, status};

use crate::reader::{Moment, Reader, Until};
use crate::reconciliation::WRITER_PATIENCE;

/// Who gives the commands of callers that are not identified.
pub const PRINCIPAL: &str = "anonymous@loopback";

/// The topic of commands, as the genesis names it.
const CONTROL: &str = "hutong.control";

/// Where commands go.
pub trait CommandSink: Send + Sync + std::fmt::Debug {
    /// Puts a record onto topic `hutong.control` and returns its offset when all copies have it. May block.
    ///
    /// # Errors
    /// When that is not known to have happened; the record may be there all the same.
    fn put(&self, key: &[u8], value: &[u8]) -> Result<i64, SinkError>;
}

/// Why a command is not known to be on its topic.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SinkError(pub String);

/// The way to change something.
#[derive(Clone)]
pub(crate) struct Commands {
    pub(crate) reader: Reader,
    pub(crate) sink: Option<Arc<dyn CommandSink>>,
}

/// What a call asks for.
pub(crate) struct Call {
    pub(crate) content: Content,
    pub(crate) idempotency_key: String,
    pub(crate) validate_only: bool,
    pub(crate) until: Until,
}

/// What became of it, or would.
pub(crate) struct Outcome {
    /// Of the entry that decided; when only judged, the newest one.
    pub(crate) sequence: Sequence,
    /// The newest state, or the one that would be.
    pub(crate) state: State,
    pub(crate) moment: Moment,
    pub(crate) is_judged_only: bool,
}

impl Outcome {
    /// What an account stands at after the outcome.
    pub(crate) fn balance(&self, handle: &Handle, account: Account) -> Result<Balance, ledger::Error> {
        if self.is_judged_only { Ok(self.state.book().balance(account)) } else { self.moment.balance(handle, account) }
    }
}

impl Commands {
    /// Carries a call out, or judges it only.
    pub(crate) async fn carry_out(&self, call: Call) -> Result<Outcome, Status> {
        if !(1..=64).contains(&call.idempotency_key.chars().count()) {
            return Err(field_invalid("idempotency_key", "has 1 to 64 characters"));
        }
        let newest = self.reader.newest()?;
        let (key, value) = record(call.idempotency_key, call.content);
        let asked = control::decode(&value).map_err(|error| field_invalid("command", &error.to_string()))?;
        let asked = match asked.asked(newest.state.rules().current()) {
            Err(Refusal::Malformed { field, why }) => return Err(field_invalid(field, why.english())),
            Err(Refusal::Rejected(code)) => Err(code),
            Ok(asked) => Ok(asked.action),
        };
        if call.validate_only {
            if let Ok(Action::Order(order)) = &asked {
                self.check_closing(order, &newest).await?;
            }
            return judge(asked, newest);
        }
        let sink = self.sink.clone().ok_or_else(|| status(&RejectionCode::CommandNotSupported.into()))?;
        let put = tokio::task::spawn_blocking(move || sink.put(&key, &value));
        let offset = match timeout_at(call.until.instant(), put).await {
            Ok(Ok(Ok(offset))) => offset,
            Ok(Ok(Err(error))) => {
                tracing::warn!(%error, "a command is not known to be on its topic");
                return Err(api_status(ApiCode::OutcomeUnknown, &[]));
            }
            _ => return Err(api_status(ApiCode::OutcomeUnknown, &[])),
        };
        self.outcome(offset, newest.sequence, call.until).await
    }

    /// What the newest state alone cannot say of an order: whether the payment of a break that it closes is waited for.
    async fn check_closing(&self, order: &Order, newest: &Snapshot) -> Result<(), Status> {
        let Some((closing, id)) = order.closes(newest.state.register()) else { return Ok(()) };
        let (payment, _) = self.reader.blocking(move |handle| handle.payment(id, WRITER_PATIENCE)).await?;
        let checked = clearing::check_closing(closing, &payment.unwrap_or_default());
        checked.map_err(|code| status(&code.into()))
    }

    /// Waits for the entry of the record at `offset`, which stands behind `after`.
    async fn outcome(&self, offset: i64, after: Sequence, until: Until) -> Result<Outcome, Status> {
        let mut news = self.reader.news.clone();
        let source = self.reader.source(CONTROL).ok_or_else(|| api_status(ApiCode::OutcomeUnknown, &[]))?;
        let newest = loop {
            news.borrow_and_update();
            let newest = self.reader.newest()?;
            if newest.positions.get(usize::from(source)).is_some_and(|next| *next > offset) {
                break newest;
            }
            match timeout_at(until.instant(), news.changed()).await {
                Ok(Ok(())) => {}
                _ => return Err(api_status(ApiCode::OutcomeUnknown, &[])),
            }
        };
        let from = Sequence(after.0 + 1);
        let found = self.reader.blocking(move |handle| decided(handle, source, offset, from)).await?;
        let entry = found.ok_or_else(|| api_status(ApiCode::OutcomeUnknown, &[]))?;
        faults::pass(Point::CommandAnswered);
        if let Some(refused) = refusal(&entry) {
            return Err(refused);
        }
        let moment = Moment { sequence: entry.sequence, newest: Arc::clone(&newest) };
        Ok(Outcome { sequence: entry.sequence, state: newest.state.clone(), moment, is_judged_only: false })
    }
}

/// The same call makes the same bytes, or it would be another one under the same key. When it was given is told by the
/// record's own timestamp.
fn record(idempotency_key: String, content: Content) -> (Vec<u8>, Vec<u8>) {
    let named = Sha256::digest(format!("{PRINCIPAL}\0{idempotency_key}"));
    let command_id = named[..16].to_vec();
    let command = ControlCommand {
        command_id: command_id.clone(),
        principal: PRINCIPAL.to_owned(),
        idempotency_key,
        issued_at_micros: 0,
        command: Some(content),
    };
    (command_id, message::command_record(&command))
}

/// The entry that decided about a record: its own, or the first of its key.
fn decided(handle: &Handle, source: u16, offset: i64, from: Sequence) -> Result<Option<LoggedEntry>, ledger::Error> {
    let Some(entry) = handle.entry_of(source, offset, from)? else { return Ok(None) };
    Ok(Some(crate::entry::first(handle, &entry)?.unwrap_or(entry)))
}

fn refusal(entry: &LoggedEntry) -> Option<Status> {
    if entry.answer == AnswerCode::ACCEPTED {
        return None;
    }
    let is_conflict = entry.answer == RejectionCode::ConflictingDuplicate.into();
    Some(match entry.answer.rejection() {
        Some(_) if is_conflict => api_status(ApiCode::IdempotencyMismatch, &[("sequence", entry.sequence.to_string())]),
        Some(code) => status(&code.into()),
        None if entry.kind == EntryKind::Quarantined => {
            field_invalid("command", entry.answer.quarantine().map_or("is not a command", |why| why.english()))
        }
        None => api_status(ApiCode::OutcomeUnknown, &[]),
    })
}

/// What would become of an action at the newest moment.
fn judge(action: Result<Action, RejectionCode>, newest: Arc<Snapshot>) -> Result<Outcome, Status> {
    let mut state = newest.state.clone();
    let mut effects = Effects::default();
    let sequence = Sequence(newest.sequence.0 + 1);
    let context = Context { principal: PRINCIPAL, sequence, arrived_at: newest.recorded_at, sha256 };
    let change = match action {
        Err(code) => Err(code),
        Ok(Action::Command(command)) => command::decide(&state, &command, &mut effects),
        Ok(Action::Order(order)) => clearing::decide(&state, &order, &context, &mut effects),
        Ok(_) => Err(RejectionCode::CommandNotSupported),
    };
    state.evolve(&effects, change.map_err(|code| status(&code.into()))?);
    let moment = Moment { sequence: newest.sequence, newest };
    Ok(Outcome { sequence: moment.sequence, state, moment, is_judged_only: true })
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}
