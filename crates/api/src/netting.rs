//! `NettingService`. Positions of any moment are put together from the balances that stood then. Gross obligations are kept
//! by cycle: they are answered for the newest moment and for every cycle that was closed at the asked one.

use domain::account::{Account, Class};
use domain::book::{Balance, Book};
use domain::cycle::{CycleId, CycleState, Flow};
use domain::ids::{Network, Party};
use domain::money::Currency;
use domain::netting::{Netting, net};
use domain::rejection::RejectionCode;
use domain::rulebook::Rulebook;
use domain::state::{State, View as _};
use tonic::{Request, Response, Status};
use wire::common::v1::CycleRef;
use wire::names;
use wire::netting::v1::netting_service_server::NettingService;
use wire::netting::v1::{
    BilateralNet, CounterpartyPosition, ExplainNettingRequest, ExplainNettingResponse, GetBilateralNettingRequest,
    GetBilateralNettingResponse, GetMultilateralNettingRequest, GetMultilateralNettingResponse, GetPositionsRequest,
    GetPositionsResponse, NetworkPosition, ParticipantNet,
};
use wire::status::{ApiCode, api_status, field_invalid, status};

use crate::absent::absent;
use crate::balances::currency;
use crate::explain;
use crate::history::CycleAt;
use crate::reader::{Asked, Moment, Reader};

pub(crate) struct Nettings {
    pub(crate) reader: Reader,
}

#[tonic::async_trait]
impl NettingService for Nettings {
    async fn get_positions(
        &self,
        request: Request<GetPositionsRequest>,
    ) -> Result<Response<GetPositionsResponse>, Status> {
        let sent = request.get_ref();
        let currency = currency("currency_code", &sent.currency_code)?;
        let moment = self.reader.moment(&self.reader.asked(&request, sent.read_at, sent.min_sequence)).await?;
        let state = self.state_at(&moment).await?;
        let cycle = state.cycles(currency).last().map(|cycle| cycle.id);
        let cycle = cycle.filter(|_| moment.sequence.0 > 0).ok_or_else(|| api_status(ApiCode::CycleUnknown, &[]))?;
        let rules = state.rules().current();
        let mut wanted: Vec<Network> = match sent.network.as_str() {
            "" => rules.networks().collect(),
            name => vec![rules.network(name).ok_or_else(|| field_invalid("network", "is not in the rulebook"))?],
        };
        wanted.sort_by_key(|network| rules.network_name(*network).to_owned());
        let positions =
            wanted.into_iter().map(|network| position(&state, network, currency)).collect::<Result<_, _>>()?;
        Ok(Response::new(GetPositionsResponse { positions, cycle: Some(cycle.into()), sequence: moment.sequence.0 }))
    }

    async fn get_bilateral_netting(
        &self,
        request: Request<GetBilateralNettingRequest>,
    ) -> Result<Response<GetBilateralNettingResponse>, Status> {
        let sent = request.get_ref();
        let asked = self.reader.asked(&request, sent.read_at, sent.min_sequence);
        let (moment, cycle, netting) = self.netting(sent.cycle.as_ref(), &asked).await?;
        let names = |party| names::participant_name(party, moment.names()).to_owned();
        let flow = |from, to| netting.gross.get(&(from, to)).copied().unwrap_or_default();
        let mut nets = Vec::new();
        for &(debtor, creditor) in netting.gross.keys() {
            let (there, back): (Flow, Flow) = (flow(debtor, creditor), flow(creditor, debtor));
            // Each pair once: from the side that owes more, or of equals from the first by name.
            let is_first = there.minor > back.minor || (there.minor == back.minor && names(debtor) < names(creditor));
            if is_first {
                nets.push(BilateralNet {
                    debtor: names(debtor),
                    creditor: names(creditor),
                    debtor_gross_minor: fits(there.minor)?,
                    creditor_gross_minor: fits(back.minor)?,
                    net_minor: fits(there.minor - back.minor)?,
                });
            }
        }
        nets.sort_by(|a, b| (&a.debtor, &a.creditor).cmp(&(&b.debtor, &b.creditor)));
        let (cycle, sequence) = (Some(cycle.into()), moment.sequence.0);
        Ok(Response::new(GetBilateralNettingResponse { nets, cycle, sequence }))
    }

    async fn get_multilateral_netting(
        &self,
        request: Request<GetMultilateralNettingRequest>,
    ) -> Result<Response<GetMultilateralNettingResponse>, Status> {
        let sent = request.get_ref();
        let asked = self.reader.asked(&request, sent.read_at, sent.min_sequence);
        let (moment, cycle, netting) = self.netting(sent.cycle.as_ref(), &asked).await?;
        let rules = moment.names();
        let nets = participants(rules).into_iter().map(|party| {
            let participant = names::participant_name(party, rules).to_owned();
            Ok(ParticipantNet { participant, net_minor: fits(netting.of(party))? })
        });
        let nets = nets.collect::<Result<_, Status>>()?;
        let (cycle, sequence) = (Some(cycle.into()), moment.sequence.0);
        Ok(Response::new(GetMultilateralNettingResponse { nets, cycle, sequence }))
    }

    async fn explain_netting(
        &self,
        request: Request<ExplainNettingRequest>,
    ) -> Result<Response<ExplainNettingResponse>, Status> {
        let sent = request.get_ref();
        let asked = self.reader.asked(&request, sent.read_at, sent.min_sequence);
        let (moment, cycle, netting) = self.netting(sent.cycle.as_ref(), &asked).await?;
        let at = self.cycle_at(cycle, &moment).await?;
        let (read, of) = (moment.clone(), at.clone());
        let parts = self.reader.blocking(move |handle| explain::parts(handle, &read, &of)).await?;
        Ok(Response::new(explain::explain(&moment, &at, &netting, parts)?))
    }
}

impl Nettings {
    async fn state_at(&self, moment: &Moment) -> Result<State, Status> {
        if moment.is_newest() {
            return Ok(moment.newest.state.clone());
        }
        let history = self.reader.history(moment).await?;
        let at = moment.clone();
        let book = self.reader.blocking(move |handle| {
            let mut standing = Vec::new();
            for (account, _) in at.newest.state.book().accounts() {
                let balance = at.balance(handle, account)?;
                if balance != Balance::default() {
                    standing.push((account, balance));
                }
            }
            Ok(Book::restore(standing))
        });
        history.state_at(moment, book.await?).map_err(|error| {
            tracing::error!(%error, "rulebooks that were loaded cannot be loaded again");
            api_status(ApiCode::ShardStopped, &[])
        })
    }

    async fn cycle_at(&self, id: CycleId, moment: &Moment) -> Result<CycleAt, Status> {
        let cycles = self.reader.history(moment).await?.cycles_at(moment);
        cycles.into_iter().find(|cycle| cycle.id == id).ok_or_else(|| cycle_unknown(id))
    }

    async fn netting(&self, sent: Option<&CycleRef>, asked: &Asked) -> Result<(Moment, CycleId, Netting), Status> {
        let id = cycle_id(sent)?;
        let moment = self.reader.moment(asked).await?;
        let at = self.cycle_at(id, &moment).await?;
        if at.state == CycleState::Open && !moment.is_newest() {
            // Gross obligations in the middle of a cycle are not kept.
            return Err(absent());
        }
        let netting = moment.newest.state.cycle(id).map(|cycle| net(&cycle.flows));
        Ok((moment, id, netting.ok_or_else(|| cycle_unknown(id))?))
    }
}

/// All participants of a net in the order of the contracts: networks by name, then operator, then escrow.
pub(crate) fn participants(rules: &Rulebook) -> Vec<Party> {
    let mut networks: Vec<Network> = rules.networks().collect();
    networks.sort_by_key(|network| rules.network_name(*network).to_owned());
    networks.into_iter().map(Party::Network).chain([Party::Operator, Party::Escrow]).collect()
}

/// A cycle as a request names it.
pub(crate) fn cycle_id(sent: Option<&CycleRef>) -> Result<CycleId, Status> {
    let sent = sent.ok_or_else(|| field_invalid("cycle", "is missing"))?;
    currency("cycle.currency_code", &sent.currency_code)?;
    if sent.number == 0 {
        return Err(field_invalid("cycle.number", "counts from 1"));
    }
    // A number that no cycle can have is a cycle that is not there.
    names::cycle(sent).ok_or_else(|| api_status(ApiCode::CycleUnknown, &[]))
}

pub(crate) fn cycle_unknown(id: CycleId) -> Status {
    let facts = [("currency_code", id.currency.code().to_owned()), ("number", id.number.to_string())];
    api_status(ApiCode::CycleUnknown, &facts)
}

/// Everything here is a standing of accounts; what counts against which limit is the domain's to say.
fn position(state: &State, network: Network, currency: Currency) -> Result<NetworkPosition, Status> {
    let (book, rules) = (state.book(), state.rules().current());
    let between = |class, against| book.standing(Account::between(class, network, against, currency));
    let others: Vec<Network> = rules.networks().filter(|other| *other != network).collect();
    let over_others = |class| others.iter().map(|other| between(class, *other)).sum::<i128>();

    let unknown = book.standing(Account::suspense(Class::Position, network, None, currency));
    let operator = book.standing(Account::position_operator(network, currency));
    let with_others = others.iter().map(|other| (Party::Network(*other), between(Class::Position, *other)));
    let with_own_lines = [(Party::Operator, operator), (Party::Escrow, unknown)];
    let mut standings: Vec<(String, i128)> = with_others
        .chain(with_own_lines)
        .filter(|(party, minor)| *party != Party::Escrow || *minor != 0)
        .map(|(party, minor)| (names::participant_name(party, rules).to_owned(), minor))
        .collect();
    standings.sort();
    let counterparties = standings.iter().map(|(counterparty, minor)| {
        Ok(CounterpartyPosition { counterparty: counterparty.clone(), net_minor: fits(*minor)? })
    });

    Ok(NetworkPosition {
        network: rules.network_name(network).to_owned(),
        net_minor: fits(standings.iter().map(|(_, minor)| minor).sum())?,
        counterparties: counterparties.collect::<Result<_, Status>>()?,
        holds_minor: fits(over_others(Class::Hold))?,
        transit_minor: fits(over_others(Class::TransitPayer) + over_others(Class::TransitPayee))?,
        receivable_minor: fits(book.standing(Account::of_network(Class::Receivable, network, currency)))?,
        exposure_minor: fits(state.exposure(network, currency))?,
        cap_minor: fits(state.exposure_limit(network, currency))?,
    })
}

/// A sum as a field carries it.
pub(crate) fn fits(minor: i128) -> Result<i64, Status> {
    i64::try_from(minor).map_err(|_| status(&RejectionCode::AmountOverflow.into()))
}
