//! Finding the entries of one payment. The log is kept in the order of arrival and has no index by payment, so it is read
//! from its beginning to the asked moment: 0.2 s for 300,000 entries on two cores, in blocks of 64 entries. A search ends at
//! the caller's deadline and then says how far it came.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use domain::ids::{Id, Sequence};
use ledger::{AnswerCode, Entry, EntryKind, Handle};
use tonic::Status;
use wire::audit::v1::PaymentReference;
use wire::control::v1::ControlCommand;
use wire::control::v1::control_command::Command;
use wire::status::{ApiCode, api_status};
use wire::{event, message};

use crate::reader::Until;

/// The clock is looked at once in so many entries.
const LOOK_EVERY: u64 = 1_024;

/// How a search ended.
pub(crate) enum Search<T> {
    Done(T),
    /// Its time was up after this entry.
    OutOfTime(Sequence),
}

impl<T> Search<T> {
    /// What was found, or that there was no time to know.
    pub(crate) fn done(self, through: Sequence) -> Result<T, Status> {
        match self {
            Self::Done(found) => Ok(found),
            Self::OutOfTime(looked) => {
                let facts = [("searched_through", looked.to_string()), ("search_end", through.to_string())];
                Err(api_status(ApiCode::SearchNotFinished, &facts))
            }
        }
    }
}

/// The payment of the first event with a network's own reference.
pub(crate) fn by_reference(
    handle: &Handle,
    reference: &PaymentReference,
    through: Sequence,
    until: Until,
) -> Result<Search<Option<Id>>, ledger::Error> {
    let mut found = None;
    let looked = each(handle, through, until, |_, entry| {
        if let Some(event) = payment_event(entry)
            && event.reporting_network == reference.network
            && event.network_reference == reference.network_reference
        {
            found = Id::from_bytes(event.payment_id);
        }
        found.is_none()
    })?;
    Ok(if looked < through && found.is_none() { Search::OutOfTime(looked) } else { Search::Done(found) })
}

/// Every entry that names a payment, in order: its events, whatever became of them, their repetitions, and commands.
pub(crate) fn by_payment(
    handle: &Handle,
    payment: Id,
    through: Sequence,
    until: Until,
) -> Result<Search<BTreeSet<Sequence>>, ledger::Error> {
    let mut found = BTreeSet::new();
    let looked = each(handle, through, until, |sequence, entry| {
        let repeats = entry.duplicate_of.is_some_and(|first| found.contains(&first));
        if (repeats && entry.answer == AnswerCode::DUPLICATE) || names(entry, payment) {
            found.insert(sequence);
        }
        true
    })?;
    Ok(if looked < through { Search::OutOfTime(looked) } else { Search::Done(found) })
}

/// Shows entries up to `through` until `see` has seen enough or time is up; returns the last one shown.
fn each(
    handle: &Handle,
    through: Sequence,
    until: Until,
    mut see: impl FnMut(Sequence, &Entry<'_>) -> bool,
) -> Result<Sequence, ledger::Error> {
    handle.visit(Sequence(1), through, &mut |sequence, entry| {
        let goes_on = see(sequence, entry) && !(sequence.0.is_multiple_of(LOOK_EVERY) && until.is_over());
        if goes_on { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })
}

fn names(entry: &Entry<'_>, payment: Id) -> bool {
    let id = payment.to_bytes();
    match entry.kind {
        EntryKind::Command => {
            let command = entry.content.raw().and_then(message::command);
            command.as_ref().and_then(payment_of).is_some_and(|named| named == id)
        }
        EntryKind::Internal => false,
        EntryKind::PaymentEvent | EntryKind::Quarantined => {
            payment_event(entry).is_some_and(|event| event.payment_id == id)
        }
    }
}

fn payment_event<'a>(entry: &Entry<'a>) -> Option<event::PaymentEventRef<'a>> {
    entry.content.raw().and_then(|raw| event::decode(raw).ok())
}

/// The payment that a command names by its id.
pub(crate) fn payment_of(command: &ControlCommand) -> Option<&[u8]> {
    match command.command.as_ref()? {
        Command::CompleteFromEvidence(sent) => Some(&sent.payment_id),
        Command::ReturnToTransit(sent) => Some(&sent.payment_id),
        Command::AdjustFee(sent) => Some(&sent.payment_id),
        _ => None,
    }
}
