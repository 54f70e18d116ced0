//! Which entries a stream of the log shows: filters of different fields must all hold, of one field's values one is enough.

use tonic::Status;
use wire::audit::v1::ledger_entry::Content;
use wire::audit::v1::{LedgerEntry, StreamEventsRequest};
use wire::event::v1::{Kind, Outcome};
use wire::status::field_invalid;

use crate::search::payment_of;

/// Values of one field that are compared with each entry.
const VALUES_MAX: usize = 1_000;

/// The filters of one stream; an empty one lets all through.
pub(crate) struct Filter {
    networks: Vec<String>,
    kinds: Vec<i32>,
    outcomes: Vec<i32>,
    codes: Vec<String>,
    payment_ids: Vec<Vec<u8>>,
}

impl Filter {
    pub(crate) fn new(sent: &StreamEventsRequest) -> Result<Self, Status> {
        let counts =
            [sent.networks.len(), sent.kinds.len(), sent.outcomes.len(), sent.codes.len(), sent.payment_ids.len()];
        if counts.iter().any(|count| *count > VALUES_MAX) {
            return Err(field_invalid("filters", "have at most 1,000 values each"));
        }
        if sent.payment_ids.iter().any(|id| id.len() != 16) {
            return Err(field_invalid("payment_ids", "have 16 bytes each"));
        }
        if sent.kinds.iter().any(|kind| Kind::try_from(*kind).is_err()) {
            return Err(field_invalid("kinds", "has a value that is none of the kinds"));
        }
        if sent.outcomes.iter().any(|outcome| Outcome::try_from(*outcome).is_err()) {
            return Err(field_invalid("outcomes", "has a value that is none of the outcomes"));
        }
        Ok(Self {
            networks: sent.networks.clone(),
            kinds: sent.kinds.clone(),
            outcomes: sent.outcomes.clone(),
            codes: sent.codes.clone(),
            payment_ids: sent.payment_ids.clone(),
        })
    }

    pub(crate) fn lets_through(&self, entry: &LedgerEntry) -> bool {
        self.lets_event_through(entry) && self.lets_decision_through(entry) && self.lets_payment_through(entry)
    }

    fn lets_event_through(&self, entry: &LedgerEntry) -> bool {
        let Some(Content::PaymentEvent(event)) = &entry.content else {
            return self.networks.is_empty() && self.kinds.is_empty();
        };
        let named = [&event.reporting_network, &event.payer_network, &event.payee_network];
        passes(&self.networks, |network| named.contains(&network)) && passes(&self.kinds, |kind| *kind == event.kind)
    }

    fn lets_decision_through(&self, entry: &LedgerEntry) -> bool {
        let Some(decision) = &entry.decision else { return false };
        passes(&self.outcomes, |outcome| *outcome == decision.outcome)
            && passes(&self.codes, |code| *code == decision.code)
    }

    fn lets_payment_through(&self, entry: &LedgerEntry) -> bool {
        let named = match &entry.content {
            Some(Content::PaymentEvent(event)) => Some(event.payment_id.as_slice()),
            Some(Content::Command(command)) => payment_of(command),
            _ => None,
        };
        passes(&self.payment_ids, |id| named == Some(id.as_slice()))
    }
}

fn passes<T>(wanted: &[T], is: impl Fn(&T) -> bool) -> bool {
    wanted.is_empty() || wanted.iter().any(is)
}
