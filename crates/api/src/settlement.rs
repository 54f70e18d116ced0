//! `SettlementService`: cycles, their settlements and instructions are read; what changes them goes through the log.

use domain::account::Class;
use domain::cycle::{CycleId, CycleState};
use domain::rulebook::Rulebook;
use domain::state::View as _;
use domain::time::Timestamp;
use tonic::{Request, Response, Status};
use wire::bank::v1::SettlementInstruction;
use wire::common::v1::{Balance, CycleRef};
use wire::control::v1::control_command::Command as Content;
use wire::control::v1::{ApproveSettlement, CutOver, ProposeSettlement, StartSettlement};
use wire::names;
use wire::settlement::v1 as settlement;
use wire::settlement::v1::settlement_service_server::SettlementService;
use wire::settlement::v1::{GetCycleRequest, GetCycleResponse, ListCyclesRequest, ListCyclesResponse};
use wire::status::field_invalid;

use crate::balances::currency;
use crate::command::{Call, Commands, Outcome};
use crate::history::{CycleAt, Turn};
use crate::netting::{cycle_id, cycle_unknown};
use crate::page::{self, Place, Query};
use crate::reader::{Moment, Reader};
use crate::register;

/// Settlement dates are dates of Beijing, which has one offset all year.
const SHANGHAI_OFFSET_SECONDS: i32 = 8 * 3_600;

pub(crate) struct Settlements {
    pub(crate) reader: Reader,
    pub(crate) commands: Commands,
}

#[tonic::async_trait]
impl SettlementService for Settlements {
    async fn list_cycles(
        &self,
        mut request: Request<ListCyclesRequest>,
    ) -> Result<Response<ListCyclesResponse>, Status> {
        let token = std::mem::take(&mut request.get_mut().page_token);
        let sent = request.get_ref();
        let (size, query) = (page::size(sent.page_size)?, Query::new("ListCycles", sent));
        let only_currency = match sent.currency_code.as_str() {
            "" => None,
            code => Some(currency("currency_code", code)?),
        };
        let only_state = settlement::CycleState::try_from(sent.state)
            .map_err(|_| field_invalid("state", "is none of the states"))
            .map(|state| (state != settlement::CycleState::Unspecified).then_some(state))?;
        let place = query.place(&token)?;
        let asked = self.reader.asked(&request, sent.read_at, sent.min_sequence);
        let moment = self.reader.moment_of_page(&asked, place.as_ref()).await?;
        let rulebook = self.reader.rulebook_version(&moment).await?;

        let mut cycles = self.reader.history(&moment).await?.cycles_at(&moment);
        cycles.sort_by_key(|cycle| std::cmp::Reverse((cycle.opened.sequence, cycle.id)));
        let is_behind = |cycle: &CycleAt| place.as_ref().is_none_or(|place| key(cycle) < place.after);
        let wanted = cycles.into_iter().filter(|cycle| {
            only_currency.is_none_or(|only| only == cycle.id.currency)
                && only_state.is_none_or(|only| only == settlement::CycleState::from(&cycle.state))
                && is_behind(cycle)
        });
        let cycles: Vec<CycleAt> = wanted.take(size + 1).collect();
        let last = cycles.get(size).and_then(|_| cycles.get(size - 1));
        let next = last.map(|cycle| Place { sequence: moment.sequence, after: key(cycle) });
        Ok(Response::new(ListCyclesResponse {
            cycles: cycles.iter().take(size).map(|cycle| answer(cycle, &moment, rulebook)).collect(),
            next_page_token: next.map(|place| query.token(&place)).unwrap_or_default(),
            sequence: moment.sequence.0,
        }))
    }

    async fn get_cycle(&self, request: Request<GetCycleRequest>) -> Result<Response<GetCycleResponse>, Status> {
        let sent = request.get_ref();
        let id = cycle_id(sent.cycle.as_ref())?;
        let moment = self.reader.moment(&self.reader.asked(&request, sent.read_at, sent.min_sequence)).await?;
        let rulebook = self.reader.rulebook_version(&moment).await?;
        let cycles = self.reader.history(&moment).await?.cycles_at(&moment);
        let cycle = cycles.iter().find(|cycle| cycle.id == id).ok_or_else(|| cycle_unknown(id))?;
        let cycle = Some(answer(cycle, &moment, rulebook));
        Ok(Response::new(GetCycleResponse { cycle, sequence: moment.sequence.0 }))
    }

    async fn close_cycle(
        &self,
        request: Request<settlement::CloseCycleRequest>,
    ) -> Result<Response<settlement::CloseCycleResponse>, Status> {
        let until = self.reader.until(&request);
        let settlement::CloseCycleRequest { cycle, reporting_network, idempotency_key, validate_only } =
            request.into_inner();
        let id = self.known_cycle(cycle.as_ref())?;
        let content = Content::CutOver(CutOver { cycle, reporting_network });
        let outcome = self.commands.carry_out(Call { content, idempotency_key, validate_only, until }).await?;
        let history = self.reader.history(&outcome.moment).await?;
        let rulebook = outcome.state.rules().current().version;
        let mut cycle = history.cycles_at(&outcome.moment).into_iter().find(|cycle| cycle.id == id);
        if let Some(cycle) = cycle.as_mut().filter(|_| outcome.is_judged_only) {
            let (sequence, recorded_at) = (outcome.sequence, outcome.moment.newest.recorded_at);
            (cycle.state, cycle.closed) = (CycleState::Closed, Some(Turn { sequence, recorded_at, rulebook }));
        }
        let cycle = cycle.ok_or_else(|| cycle_unknown(id))?;
        let cycle = answer(&cycle, &outcome.moment, rulebook);
        let sequence = outcome.sequence.0;
        let classes = &[Class::Position, Class::Receivable, Class::Payable];
        let balances = self.balances(outcome, id, classes).await?;
        Ok(Response::new(settlement::CloseCycleResponse { cycle: Some(cycle), balances, sequence }))
    }

    async fn propose_settlement(
        &self,
        request: Request<settlement::ProposeSettlementRequest>,
    ) -> Result<Response<settlement::ProposeSettlementResponse>, Status> {
        let until = self.reader.until(&request);
        let settlement::ProposeSettlementRequest { cycle, idempotency_key, validate_only } = request.into_inner();
        let id = self.known_cycle(cycle.as_ref())?;
        let content = Content::ProposeSettlement(ProposeSettlement { cycle });
        let (settlement, balances, sequence) =
            self.settle(id, Call { content, idempotency_key, validate_only, until }).await?;
        Ok(Response::new(settlement::ProposeSettlementResponse { settlement, balances, sequence }))
    }

    async fn approve_settlement(
        &self,
        request: Request<settlement::ApproveSettlementRequest>,
    ) -> Result<Response<settlement::ApproveSettlementResponse>, Status> {
        let until = self.reader.until(&request);
        let settlement::ApproveSettlementRequest { cycle, digest, idempotency_key, validate_only } =
            request.into_inner();
        let id = self.known_cycle(cycle.as_ref())?;
        if digest.len() != 32 {
            return Err(field_invalid("digest", "has 32 bytes"));
        }
        let content = Content::ApproveSettlement(ApproveSettlement { cycle, digest });
        let (settlement, balances, sequence) =
            self.settle(id, Call { content, idempotency_key, validate_only, until }).await?;
        Ok(Response::new(settlement::ApproveSettlementResponse { settlement, balances, sequence }))
    }

    async fn start_settlement(
        &self,
        request: Request<settlement::StartSettlementRequest>,
    ) -> Result<Response<settlement::StartSettlementResponse>, Status> {
        let until = self.reader.until(&request);
        let settlement::StartSettlementRequest { cycle, idempotency_key, validate_only } = request.into_inner();
        let id = self.known_cycle(cycle.as_ref())?;
        let content = Content::StartSettlement(StartSettlement { cycle });
        let (settlement, balances, sequence) =
            self.settle(id, Call { content, idempotency_key, validate_only, until }).await?;
        Ok(Response::new(settlement::StartSettlementResponse { settlement, balances, sequence }))
    }

    async fn list_settlements(
        &self,
        mut request: Request<settlement::ListSettlementsRequest>,
    ) -> Result<Response<settlement::ListSettlementsResponse>, Status> {
        let token = std::mem::take(&mut request.get_mut().page_token);
        let sent = request.get_ref();
        let (size, query) = (page::size(sent.page_size)?, Query::new("ListSettlements", sent));
        let only_currency = match sent.currency_code.as_str() {
            "" => None,
            code => Some(currency("currency_code", code)?),
        };
        let only_state = settlement::CycleState::try_from(sent.state)
            .map_err(|_| field_invalid("state", "is none of the states"))
            .map(|state| (state != settlement::CycleState::Unspecified).then_some(state))?;
        let place = query.place(&token)?;
        let asked = self.reader.asked(&request, sent.read_at, sent.min_sequence);
        let snapshot = self.reader.standing(&asked, place.as_ref()).await?;
        let mut known: Vec<_> = snapshot.state.register().settlements().collect();
        known.sort_by_key(|known| std::cmp::Reverse(known.proposed.at));
        let told = known.into_iter().filter(|known| only_currency.is_none_or(|only| only == known.cycle.currency));
        let told = told.map(|known| register::settlement(known, &snapshot.state)).collect::<Result<Vec<_>, _>>()?;
        let told = told.into_iter().filter(|told| only_state.is_none_or(|only| only == told.state()));
        let (settlements, next_page_token) = self.reader.page_of(told, size, &query, place.as_ref(), &snapshot);
        let sequence = snapshot.sequence.0;
        Ok(Response::new(settlement::ListSettlementsResponse { settlements, next_page_token, sequence }))
    }

    async fn list_instructions(
        &self,
        mut request: Request<settlement::ListInstructionsRequest>,
    ) -> Result<Response<settlement::ListInstructionsResponse>, Status> {
        let token = std::mem::take(&mut request.get_mut().page_token);
        let sent = request.get_ref();
        let (size, query) = (page::size(sent.page_size)?, Query::new("ListInstructions", sent));
        let only_cycle = sent.cycle.as_ref().map(|cycle| cycle_id(Some(cycle))).transpose()?;
        let place = query.place(&token)?;
        let asked = self.reader.asked(&request, sent.read_at, sent.min_sequence);
        let snapshot = self.reader.standing(&asked, place.as_ref()).await?;
        let mut known: Vec<_> = snapshot.state.register().settlements().collect();
        known.sort_by_key(|known| std::cmp::Reverse(known.proposed.at));
        let known = known.into_iter().filter(|known| only_cycle.is_none_or(|only| only == known.cycle));
        let told = known.flat_map(|known| register::instructions(known, snapshot.state.rules().current()));
        let is_of = |told: &settlement::Instruction| {
            let pays_or_gets =
                |order: &SettlementInstruction| order.debtor == sent.participant || order.creditor == sent.participant;
            sent.participant.is_empty() || told.instruction.as_ref().is_some_and(pays_or_gets)
        };
        let told = told.filter(is_of);
        let (instructions, next_page_token) = self.reader.page_of(told, size, &query, place.as_ref(), &snapshot);
        let sequence = snapshot.sequence.0;
        Ok(Response::new(settlement::ListInstructionsResponse { instructions, next_page_token, sequence }))
    }
}

impl Settlements {
    /// A cycle that is there, as a changing call names it.
    fn known_cycle(&self, sent: Option<&CycleRef>) -> Result<CycleId, Status> {
        let id = cycle_id(sent)?;
        let newest = self.reader.newest()?;
        newest.state.cycle(id).map(|_| id).ok_or_else(|| cycle_unknown(id))
    }

    /// Carries out a step of a settlement: the settlement, the settlement balances, the outcome's sequence.
    async fn settle(
        &self,
        id: CycleId,
        call: Call,
    ) -> Result<(Option<settlement::Settlement>, Vec<Balance>, u64), Status> {
        let outcome = self.commands.carry_out(call).await?;
        let known = outcome.state.register().settlement(id);
        let settlement = known.map(|known| register::settlement(known, &outcome.state)).transpose()?;
        let sequence = outcome.sequence.0;
        Ok((settlement, self.balances(outcome, id, &[Class::Liquidity]).await?, sequence))
    }

    async fn balances(&self, outcome: Outcome, id: CycleId, classes: &'static [Class]) -> Result<Vec<Balance>, Status> {
        self.reader.blocking(move |handle| register::balances(handle, &outcome, id.currency, classes)).await
    }
}

/// Sorts as cycles are listed, backwards.
fn key(cycle: &CycleAt) -> String {
    format!("{:020} {} {:010}", cycle.opened.sequence.0, cycle.id.currency, cycle.id.number)
}

fn answer(cycle: &CycleAt, moment: &Moment, rulebook: u32) -> settlement::Cycle {
    let rulebook = cycle.closed.map_or(rulebook, |turn| turn.rulebook);
    let rules = moment.newest.state.rules().version(rulebook).unwrap_or_else(|| moment.names());
    let is_open = cycle.state == CycleState::Open;
    let closed = cycle.closed.filter(|_| !is_open);
    settlement::Cycle {
        cycle: Some(cycle.id.into()),
        state: settlement::CycleState::from(&cycle.state).into(),
        opened_sequence: cycle.opened.sequence.0,
        opened_time: Some(names::timestamp(cycle.opened.recorded_at)),
        closed_sequence: closed.map_or(0, |turn| turn.sequence.0),
        closed_time: closed.map(|turn| names::timestamp(turn.recorded_at)),
        settlement_date: closed.map_or(0, |turn| settlement_date(turn.recorded_at, rules)),
        rulebook_version: rulebook.to_string(),
    }
}

/// The first working day after the day of the cut-over.
fn settlement_date(closed_at: Timestamp, rules: &Rulebook) -> i32 {
    let (date, _) = closed_at.civil(SHANGHAI_OFFSET_SECONDS);
    names::business_date_number(rules.calendar.next_working_day(date))
}
