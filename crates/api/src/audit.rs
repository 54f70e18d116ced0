//! `AuditService`: the log itself, and what it says about one payment.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use domain::cycle::CycleState;
use domain::ids::{Id, Sequence};
use domain::payment::DisputeState;
use domain::rejection::RejectionCode;
use domain::rulebook::Rulebook;
use ledger::{Handle, LoggedEntry};
use tonic::{Request, Response, Status};
use wire::audit::v1::audit_service_server::AuditService;
use wire::audit::v1::get_payment_request::Payment as Which;
use wire::audit::v1::stream_events_request::Start;
use wire::audit::v1::{
    GetChainHeadRequest, GetChainHeadResponse, GetPaymentRequest, GetPaymentResponse, Payment, PaymentEntry,
    SideAmount, StreamEventsRequest, StreamEventsResponse,
};
use wire::common::v1::{BreakCode, CycleRef};
use wire::status::{ApiCode, api_status, field_invalid, status};
use wire::{names, settlement};

use crate::entry::{self, Teller};
use crate::filter::Filter;
use crate::follow::{Follow, Pick, Seen};
use crate::history::CycleAt;
use crate::life::Life;
use crate::page::{self, Place, Query};
use crate::reader::{Moment, Reader, Until, ahead, time_of};
use crate::search;
use crate::server::Stopping;
use crate::stream::{self, Answers};

pub(crate) struct Audits {
    pub(crate) reader: Reader,
    pub(crate) stopping: Stopping,
    pub(crate) heartbeat: Duration,
    pub(crate) client_patience: Duration,
}

#[tonic::async_trait]
impl AuditService for Audits {
    async fn get_payment(
        &self,
        mut request: Request<GetPaymentRequest>,
    ) -> Result<Response<GetPaymentResponse>, Status> {
        let token = std::mem::take(&mut request.get_mut().page_token);
        let sent = request.get_ref();
        let (size, query) = (page::size(sent.page_size)?, Query::new("GetPayment", sent));
        let place = query.place(&token)?;
        let asked = self.reader.asked(&request, sent.read_at, sent.min_sequence);
        let which = sent.payment.as_ref().ok_or_else(|| field_invalid("payment", "is missing"))?;
        let moment = self.reader.moment_of_page(&asked, place.as_ref()).await?;
        let id = self.payment_id(which, &moment, asked.until).await?;
        let entries = self.entries_of(id, &moment, asked.until).await?;
        let life = self.life(&entries, &moment).await?;
        let payment = payment(id, &life, &entries, moment.names());

        let after = place.and_then(|place| place.after.parse().ok()).map_or(Sequence(0), Sequence);
        let mut entries: Vec<_> = entries.into_iter().filter(|entry| entry.sequence > after).collect();
        let is_last = entries.len() <= size;
        entries.truncate(size);
        let last = entries.last().filter(|_| !is_last).map(|entry| entry.sequence.to_string());
        let next = last.map(|after| query.token(&Place { sequence: moment.sequence, after }));
        Ok(Response::new(GetPaymentResponse {
            payment: Some(payment),
            entries: self.told(entries, life, &moment).await?,
            next_page_token: next.unwrap_or_default(),
            sequence: moment.sequence.0,
        }))
    }

    type StreamEventsStream = Answers<StreamEventsResponse>;

    async fn stream_events(
        &self,
        request: Request<StreamEventsRequest>,
    ) -> Result<Response<Self::StreamEventsStream>, Status> {
        let sent = request.into_inner();
        let filter = Filter::new(&sent)?;
        let newest = self.reader.newest()?.sequence;
        let next = self.first(sent.start).await?;
        if next > newest && !sent.follow {
            return Err(ahead(next, newest));
        }
        let last = if sent.to_sequence == 0 { Sequence(u64::MAX) } else { Sequence(sent.to_sequence) };
        let (outlet, answers) = stream::pair(self.client_patience);
        let follow = Follow {
            reader: self.reader.clone(),
            stopping: self.stopping.clone(),
            heartbeat: self.heartbeat,
            pick: Arc::new(filter),
            next,
            last,
            follow: sent.follow,
        };
        tokio::spawn(follow.run(outlet));
        Ok(Response::new(answers))
    }

    async fn get_chain_head(
        &self,
        request: Request<GetChainHeadRequest>,
    ) -> Result<Response<GetChainHeadResponse>, Status> {
        let sent = request.get_ref();
        let moment = self.reader.moment(&self.reader.asked(&request, sent.read_at, sent.min_sequence)).await?;
        let sequence = moment.sequence;
        let newest = &moment.newest;
        let (head, recorded_at) = if moment.is_newest() {
            (newest.head, (sequence > Sequence(0)).then_some(newest.recorded_at))
        } else {
            let read = self.reader.blocking(move |handle| match handle.entries(sequence, 1)?.first() {
                Some(entry) if sequence > Sequence(0) => Ok((entry.head, Some(entry.recorded_at))),
                _ => Ok((handle.genesis().chain_head(), None)),
            });
            read.await?
        };
        Ok(Response::new(GetChainHeadResponse {
            chain_head: head.to_vec(),
            sequence: sequence.0,
            recorded_time: recorded_at.map(names::timestamp),
        }))
    }
}

impl Audits {
    /// Where a stream begins.
    async fn first(&self, start: Option<Start>) -> Result<Sequence, Status> {
        match start {
            None => Ok(Sequence(1)),
            Some(Start::FromSequence(sequence)) => Ok(Sequence(sequence.max(1))),
            Some(Start::FromRecordedTime(time)) => {
                let time = time_of("from_recorded_time", time.seconds, time.nanos)?;
                let before = domain::time::Timestamp::from_micros(time.micros().saturating_sub(1));
                let last_before = self.reader.blocking(move |handle| handle.sequence_at(before)).await?;
                Ok(Sequence(last_before.0 + 1))
            }
        }
    }

    async fn payment_id(&self, which: &Which, moment: &Moment, until: Until) -> Result<Id, Status> {
        let reference = match which {
            Which::PaymentId(bytes) => {
                return Id::from_bytes(bytes).ok_or_else(|| field_invalid("payment_id", "has 16 bytes"));
            }
            Which::Reference(reference) => reference.clone(),
        };
        if moment.names().network(&reference.network).is_none() {
            return Err(field_invalid("reference.network", "is not in the rulebook"));
        }
        if reference.network_reference.is_empty() {
            return Err(field_invalid("reference.network_reference", "is missing"));
        }
        let through = moment.sequence;
        let found = self.reader.blocking(move |handle| search::by_reference(handle, &reference, through, until));
        found.await?.done(through)?.ok_or_else(unknown)
    }

    async fn entries_of(&self, id: Id, moment: &Moment, until: Until) -> Result<Vec<LoggedEntry>, Status> {
        let through = moment.sequence;
        let found = self.reader.blocking(move |handle| search::by_payment(handle, id, through, until));
        let found = found.await?.done(through)?;
        if found.is_empty() {
            return Err(unknown());
        }
        self.reader
            .blocking(move |handle| {
                let mut entries = Vec::new();
                for sequence in found {
                    entries.extend(handle.entries(sequence, 1)?);
                }
                Ok(entries)
            })
            .await
    }

    async fn life(&self, entries: &[LoggedEntry], moment: &Moment) -> Result<Life, Status> {
        let history = self.reader.history(moment).await?;
        Life::of(entries, &history, moment).map_err(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "the life of a payment cannot be told");
            api_status(ApiCode::ShardStopped, &[])
        })
    }

    async fn told(&self, entries: Vec<LoggedEntry>, life: Life, moment: &Moment) -> Result<Vec<PaymentEntry>, Status> {
        let cycles = self.reader.history(moment).await?.cycles_at(moment);
        let moment = moment.clone();
        let told = self.reader.blocking(move |handle| {
            let mut teller = Teller::default();
            entries.iter().map(|entry| step(handle, &mut teller, entry, &life, moment.names(), &cycles)).collect()
        });
        told.await
    }
}

fn unknown() -> Status {
    status(&RejectionCode::PaymentUnknown.into())
}

fn step(
    handle: &Handle,
    teller: &mut Teller,
    logged: &LoggedEntry,
    life: &Life,
    names: &Rulebook,
    cycles: &[CycleAt],
) -> Result<PaymentEntry, ledger::Error> {
    let mut entry = teller.tell(handle, logged)?;
    let journals = teller.journals(handle, logged, names)?;
    let cycle = journals.first().and_then(|journal| journal.cycle.clone());
    if let Some(decision) = &mut entry.decision {
        let raised = life.raised.get(&logged.sequence).into_iter().flatten();
        decision.breaks = raised.map(|raised| BreakCode::from(raised.code).into()).collect();
        decision.journals = journals;
    }
    let cycle_state = cycle.map_or(settlement::v1::CycleState::Unspecified, |cycle| state_of(&cycle, cycles));
    Ok(PaymentEntry { entry: Some(entry), cycle_state: cycle_state.into() })
}

fn state_of(cycle: &CycleRef, cycles: &[CycleAt]) -> settlement::v1::CycleState {
    let at = names::cycle(cycle).and_then(|id| cycles.iter().find(|at| at.id == id));
    settlement::v1::CycleState::from(at.map_or(&CycleState::Open, |at| &at.state))
}

fn payment(id: Id, life: &Life, entries: &[LoggedEntry], rules: &Rulebook) -> Payment {
    let payment = &life.payment;
    let (payer_network, payee_network, currency_code) = parties(life, entries, rules);
    let amounts: BTreeMap<_, _> = life.reported.clone();
    let reported = amounts.into_iter().filter(|(_, minor)| *minor != 0);
    let disputed = |state| {
        let disputes = payment.disputes.iter().filter(|dispute| dispute.state == state);
        disputes.fold(0_i64, |sum, dispute| sum.saturating_add(dispute.minor))
    };
    Payment {
        payment_id: id.to_bytes().to_vec(),
        payer_network,
        payee_network,
        currency_code,
        state: wire::audit::v1::PaymentState::from(payment.status()).into(),
        verdict_code: payment.refused.map(|code| code.name().to_owned()).unwrap_or_default(),
        reported: reported.map(|((kind, side), amount_minor)| SideAmount { kind, side, amount_minor }).collect(),
        captured_minor: payment.capture.booked,
        refunded_minor: payment.refunded(),
        reversed_minor: payment.reversal.booked,
        disputed_minor: disputed(DisputeState::Open),
        dispute_lost_minor: disputed(DisputeState::Lost),
    }
}

/// Of a payment that has no terms, because it was refused or waits, what its first event says.
fn parties(life: &Life, entries: &[LoggedEntry], rules: &Rulebook) -> (String, String, String) {
    if let Some(terms) = life.payment.terms {
        let name = |network| rules.network_name(network).to_owned();
        return (name(terms.payer), name(terms.payee), terms.currency.code().to_owned());
    }
    let first = entries.iter().find_map(entry::payment_event);
    first.map(|event| (event.payer_network, event.payee_network, event.currency_code)).unwrap_or_default()
}

impl Pick for Filter {
    type Answer = StreamEventsResponse;

    fn pick(&self, seen: &mut Seen<'_>) -> Result<Option<StreamEventsResponse>, ledger::Error> {
        let mut entry = seen.teller.tell(seen.handle, seen.entry)?;
        if !self.lets_through(&entry) {
            return Ok(None);
        }
        if let Some(decision) = &mut entry.decision {
            decision.journals = seen.teller.journals(seen.handle, seen.entry, seen.names)?;
        }
        Ok(Some(StreamEventsResponse { entry: Some(entry), sequence: seen.entry.sequence.0 }))
    }

    fn nothing_up_to(&self, sequence: Sequence) -> StreamEventsResponse {
        StreamEventsResponse { entry: None, sequence: sequence.0 }
    }
}
