//! `CorridorsService`: what the rulebook says, in the order that the ledger asks it: code, corridor or channel, pilot.

use domain::codes::{self, CodeKind};
use domain::ids::Name;
use domain::rejection::RejectionCode;
use domain::rulebook::{Access, Corridor, Rulebook};
use domain::state::View as _;
use domain::time::Timestamp;
use tonic::{Request, Response, Status};
use wire::corridors::v1 as contract;
use wire::corridors::v1::corridors_service_server::CorridorsService;
use wire::corridors::v1::{
    ListCorridorsRequest, ListCorridorsResponse, ResolveCodeRequest, ResolveCodeResponse, Verdict,
};
use wire::event::v1 as event;
use wire::names;
use wire::status::{field_invalid, status};

use crate::page::{self, Place, Query};
use crate::reader::{Moment, Reader, time_of};

/// Longest code that is looked at, as the contract says.
const CODE_LENGTH_MAX: usize = 512;

pub(crate) struct Corridors {
    pub(crate) reader: Reader,
}

#[tonic::async_trait]
impl CorridorsService for Corridors {
    async fn list_corridors(
        &self,
        mut request: Request<ListCorridorsRequest>,
    ) -> Result<Response<ListCorridorsResponse>, Status> {
        let token = std::mem::take(&mut request.get_mut().page_token);
        let sent = request.get_ref();
        let (size, query) = (page::size(sent.page_size)?, Query::new("ListCorridors", sent));
        let place = query.place(&token)?;
        let asked = self.reader.asked(&request, sent.read_at, sent.min_sequence);
        let moment = self.reader.moment_of_page(&asked, place.as_ref()).await?;
        let version = self.reader.rulebook_version(&moment).await?;
        let rules = moment.newest.state.rules().version(version).unwrap_or_else(|| moment.names());
        let effective =
            sent.effective_time.map(|time| time_of("effective_time", time.seconds, time.nanos)).transpose()?;

        let rows = listed(rules, sent, effective);
        // A rulebook never changes, so a row's place in its list is a place in all pages.
        let begin = place.and_then(|place| place.after.parse().ok()).unwrap_or(0_usize);
        let end = begin.saturating_add(size);
        let next = (rows.len() > end).then(|| Place { sequence: moment.sequence, after: end.to_string() });
        Ok(Response::new(ListCorridorsResponse {
            corridors: rows.iter().skip(begin).take(size).map(|row| corridor(row, rules)).collect(),
            next_page_token: next.map(|place| query.token(&place)).unwrap_or_default(),
            sequence: moment.sequence.0,
            rulebook_version: rules.version.to_string(),
        }))
    }

    async fn resolve_code(
        &self,
        request: Request<ResolveCodeRequest>,
    ) -> Result<Response<ResolveCodeResponse>, Status> {
        let sent = request.get_ref();
        let asked = self.reader.asked(&request, sent.read_at, sent.min_sequence);
        let moment = self.reader.moment(&asked).await?;
        let at = match &sent.payment_time {
            Some(time) => time_of("payment_time", time.seconds, time.nanos)?,
            None => self.reader.recorded_at(&moment).await?.unwrap_or_default(),
        };
        let version = self.reader.rulebook_version(&moment).await?;
        resolve(sent, judging(&moment, version, at), at, moment.sequence.0).map(Response::new)
    }
}

/// The rulebook that judges what happens at `at`, of those loaded up to `version`.
fn judging(moment: &Moment, version: u32, at: Timestamp) -> &Rulebook {
    let rules = moment.newest.state.rules();
    let loaded = (1..=version).rev().filter_map(|number| rules.version(number));
    let in_force = loaded.clone().find(|rulebook| rulebook.effective_from <= at);
    in_force.or_else(|| rules.version(1)).unwrap_or_else(|| moment.names())
}

fn listed<'a>(rules: &'a Rulebook, sent: &ListCorridorsRequest, effective: Option<Timestamp>) -> Vec<&'a Corridor> {
    let name = |network| rules.network_name(network);
    let wanted = |row: &&Corridor| {
        (sent.payer_network.is_empty() || sent.payer_network == name(row.payer))
            && (sent.payee_network.is_empty() || sent.payee_network == name(row.payee))
            && effective.is_none_or(|at| {
                let in_force = rules.corridor(row.payer, row.payee, row.channel, at);
                in_force.is_some_and(|(_, found)| std::ptr::eq(found, *row))
            })
    };
    let mut rows: Vec<&Corridor> = rules.corridors.iter().filter(wanted).collect();
    rows.sort_by_key(|row| (name(row.payer), name(row.payee), row.channel, row.effective_from));
    rows
}

fn corridor(row: &Corridor, rules: &Rulebook) -> contract::Corridor {
    let words = |names: &std::collections::BTreeSet<Name>| names.iter().map(Name::to_string).collect();
    let (cohorts, regions) = match &row.access {
        Access::Pilot { cohorts, regions } => (words(cohorts), words(regions)),
        Access::Open | Access::Closed => Default::default(),
    };
    contract::Corridor {
        payer_network: rules.network_name(row.payer).to_owned(),
        payee_network: rules.network_name(row.payee).to_owned(),
        channel: row.channel.to_string(),
        state: contract::CorridorState::from(&row.access).into(),
        effective_from_time: Some(names::timestamp(row.effective_from)),
        cohorts,
        regions,
    }
}

fn resolve(
    sent: &ResolveCodeRequest,
    rules: &Rulebook,
    at: Timestamp,
    sequence: u64,
) -> Result<ResolveCodeResponse, Status> {
    if sent.code.is_empty() || sent.code.chars().count() > CODE_LENGTH_MAX {
        return Err(field_invalid("code", "has 1 to 512 characters"));
    }
    if sent.payer_network.is_empty() {
        return Err(field_invalid("payer_network", "is missing"));
    }
    let payer = rules.network(&sent.payer_network).ok_or_else(|| status(&RejectionCode::UnknownNetwork.into()))?;
    let channel = name("channel", &sent.channel)?;
    let (cohort, region) = (name("cohort", &sent.cohort)?, name("region", &sent.region)?);

    let kind = codes::recognise(&sent.code);
    let row = kind.and_then(|kind| {
        let payee = rules.network(kind.network())?;
        rules.corridor(payer, payee, channel, at).map(|(_, row)| row)
    });
    let refused = refused(kind, row, [channel, cohort, region]);
    let verdict = if refused.is_some() { Verdict::Rejected } else { Verdict::Accepted };
    Ok(ResolveCodeResponse {
        code_kind: kind.map_or(event::CodeKind::Unrecognised, event::CodeKind::from).into(),
        network: kind.map(|kind| kind.network().to_owned()).unwrap_or_default(),
        corridor: row.map(|row| corridor(row, rules)),
        verdict: verdict.into(),
        rejection_code: refused.map(|code| code.name().to_owned()).unwrap_or_default(),
        message_en: refused.map(|code| code.english().to_owned()).unwrap_or_default(),
        message_zh: refused.map(|code| code.chinese().to_owned()).unwrap_or_default(),
        sequence,
    })
}

/// Why a payment would be refused.
fn refused(kind: Option<CodeKind>, row: Option<&Corridor>, words: [Name; 3]) -> Option<RejectionCode> {
    let [channel, cohort, region] = words;
    if kind.is_none() {
        return Some(RejectionCode::UnrecognisedCode);
    }
    match row.map(|row| &row.access) {
        Some(Access::Open) => None,
        Some(Access::Pilot { cohorts, regions }) if cohorts.contains(&cohort) || regions.contains(&region) => None,
        Some(Access::Pilot { .. }) => Some(RejectionCode::PilotNotAdmitted),
        Some(Access::Closed) | None if channel.is_none() => Some(RejectionCode::CorridorClosed),
        Some(Access::Closed) | None => Some(RejectionCode::ChannelClosed),
    }
}

fn name(field: &str, text: &str) -> Result<Name, Status> {
    Name::new(text).ok_or_else(|| field_invalid(field, "has at most 15 visible ASCII characters"))
}
