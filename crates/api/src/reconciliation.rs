//! `ReconciliationService`: bill files, matches and breaks as they stand in the register, and the closing of breaks.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use domain::account::Account;
use domain::clearing::{Booking, Break, ControlTotals, FileDigest, FileRecord};
use domain::ids::{Id, Sequence};
use domain::rejection::RejectionCode;
use domain::state::{State, View as _};
use domain::time::Timestamp;
use ledger::{Handle, Snapshot};
use tonic::{Request, Response, Status};
use wire::common::v1::{Balance, BreakCode};
use wire::control::compose;
use wire::control::v1::control_command::Command as Content;
use wire::control::v1::{Match, ResolveBreak};
use wire::reconciliation::v1 as reconciliation;
use wire::reconciliation::v1::BreakBooking;
use wire::reconciliation::v1::reconciliation_service_server::ReconciliationService;
use wire::status::{field_invalid, status};
use wire::{message, names};

use crate::command::{Call, Commands, Outcome};
use crate::page::{self, Query};
use crate::reader::Reader;

/// How long the writer may take to say what a payment is; it does so between two blocks.
pub(crate) const WRITER_PATIENCE: Duration = Duration::from_secs(2);

pub(crate) struct Reconciliations {
    pub(crate) reader: Reader,
    pub(crate) commands: Commands,
}

#[tonic::async_trait]
impl ReconciliationService for Reconciliations {
    async fn list_files(
        &self,
        mut request: Request<reconciliation::ListFilesRequest>,
    ) -> Result<Response<reconciliation::ListFilesResponse>, Status> {
        let token = std::mem::take(&mut request.get_mut().page_token);
        let sent = request.get_ref();
        let (size, query) = (page::size(sent.page_size)?, Query::new("ListFiles", sent));
        let place = query.place(&token)?;
        let asked = self.reader.asked(&request, sent.read_at, sent.min_sequence);
        let snapshot = self.reader.standing(&asked, place.as_ref()).await?;
        let (register, rules) = (snapshot.state.register(), snapshot.state.rules().current());
        let name = |record: &FileRecord| rules.network_name(record.file.network).to_owned();
        let mut files = register.files().to_vec();
        files.retain(|record| {
            let date = names::business_date_number(record.file.business_date);
            (sent.network.is_empty() || name(record) == sent.network)
                && (sent.business_date == 0 || sent.business_date == date)
        });
        files.sort_by_key(|record| (std::cmp::Reverse(record.file.business_date), name(record), record.version));
        let files = files.into_iter();
        let (files, next_page_token) = self.reader.page_of(files, size, &query, place.as_ref(), &snapshot);
        let (state, sequence) = (Arc::clone(&snapshot), snapshot.sequence.0);
        let files = self.reader.blocking(move |handle| {
            let mut times = Times::default();
            files.iter().map(|record| file(handle, &mut times, record, &state.state)).collect()
        });
        let files = files.await?;
        Ok(Response::new(reconciliation::ListFilesResponse { files, next_page_token, sequence }))
    }

    async fn list_matches(
        &self,
        mut request: Request<reconciliation::ListMatchesRequest>,
    ) -> Result<Response<reconciliation::ListMatchesResponse>, Status> {
        let token = std::mem::take(&mut request.get_mut().page_token);
        let sent = request.get_ref();
        let (size, query) = (page::size(sent.page_size)?, Query::new("ListMatches", sent));
        let digest: FileDigest =
            sent.file_digest.as_slice().try_into().map_err(|_| field_invalid("file_digest", "has 32 bytes"))?;
        let place = query.place(&token)?;
        let asked = self.reader.asked(&request, sent.read_at, sent.min_sequence);
        let snapshot = self.reader.standing(&asked, place.as_ref()).await?;
        let record = snapshot.state.register().file(&digest).cloned();
        let record = record.ok_or_else(|| status(&RejectionCode::FileUnknown.into()))?;
        let rows = self.reader.blocking(move |handle| matches(handle, &record)).await?;
        let (rows, next_page_token) = self.reader.page_of(rows.into_iter(), size, &query, place.as_ref(), &snapshot);
        let matches = self.reader.blocking(move |handle| with_payments(handle, rows)).await?;
        let sequence = snapshot.sequence.0;
        Ok(Response::new(reconciliation::ListMatchesResponse { matches, next_page_token, sequence }))
    }

    async fn list_breaks(
        &self,
        mut request: Request<reconciliation::ListBreaksRequest>,
    ) -> Result<Response<reconciliation::ListBreaksResponse>, Status> {
        let token = std::mem::take(&mut request.get_mut().page_token);
        let sent = request.get_ref();
        let (size, query) = (page::size(sent.page_size)?, Query::new("ListBreaks", sent));
        let payment = match sent.payment_id.as_slice() {
            [] => None,
            bytes => Some(Id::from_bytes(bytes).ok_or_else(|| field_invalid("payment_id", "has 16 bytes"))?),
        };
        let state = reconciliation::BreakState::try_from(sent.state)
            .map_err(|_| field_invalid("state", "is none of the states"))?;
        let place = query.place(&token)?;
        let asked = self.reader.asked(&request, sent.read_at, sent.min_sequence);
        let snapshot = self.reader.standing(&asked, place.as_ref()).await?;
        let rules = snapshot.state.rules().current();
        let breaks = snapshot.state.register().breaks().filter(|raised| {
            let finding = &raised.finding;
            let code = i32::from(BreakCode::from(finding.code));
            (sent.network.is_empty() || rules.network_name(finding.network) == sent.network)
                && (sent.business_date == 0 || names::business_date_number(finding.business_date) == sent.business_date)
                && (sent.codes.is_empty() || sent.codes.contains(&code))
                && payment.is_none_or(|payment| finding.payment == Some(payment))
                && (state == reconciliation::BreakState::Unspecified || state == state_of(raised))
        });
        let breaks = breaks.cloned();
        let (breaks, next_page_token) = self.reader.page_of(breaks, size, &query, place.as_ref(), &snapshot);
        let (told, sequence) = (Arc::clone(&snapshot), snapshot.sequence.0);
        let breaks = self.reader.blocking(move |handle| {
            let mut times = Times::default();
            breaks.iter().map(|raised| shown(handle, &mut times, raised, &told)).collect()
        });
        let breaks = breaks.await?;
        Ok(Response::new(reconciliation::ListBreaksResponse { breaks, next_page_token, sequence }))
    }

    async fn resolve_break(
        &self,
        request: Request<reconciliation::ResolveBreakRequest>,
    ) -> Result<Response<reconciliation::ResolveBreakResponse>, Status> {
        let until = self.reader.until(&request);
        let reconciliation::ResolveBreakRequest { break_id, resolution, note, idempotency_key, validate_only } =
            request.into_inner();
        let id = Id::from_bytes(&break_id).ok_or_else(|| field_invalid("break_id", "has 16 bytes"))?;
        let content = Content::ResolveBreak(ResolveBreak { break_id, resolution, note });
        let outcome = self.commands.carry_out(Call { content, idempotency_key, validate_only, until }).await?;
        let resolved = outcome.state.register().break_of(id).cloned();
        let resolved = resolved.ok_or_else(|| status(&RejectionCode::BreakUnknown.into()))?;
        let (sequence, newest) = (outcome.sequence.0, Arc::clone(&outcome.moment.newest));
        let told = self.reader.blocking(move |handle| {
            let shown = shown(handle, &mut Times::default(), &resolved, &newest)?;
            Ok((shown, corridor_balances(handle, &outcome, &resolved)?))
        });
        let (shown, balances) = told.await?;
        let resolved_break = Some(shown);
        Ok(Response::new(reconciliation::ResolveBreakResponse { resolved_break, balances, sequence }))
    }
}

/// When entries were recorded; many breaks are raised by one.
#[derive(Default)]
struct Times(BTreeMap<Sequence, Option<Timestamp>>);

impl Times {
    fn of(&mut self, handle: &Handle, sequence: Sequence) -> Result<Option<Timestamp>, ledger::Error> {
        if let Some(known) = self.0.get(&sequence) {
            return Ok(*known);
        }
        let recorded_at = handle.entries(sequence, 1)?.first().map(|entry| entry.recorded_at);
        self.0.insert(sequence, recorded_at);
        Ok(recorded_at)
    }
}

fn file(
    handle: &Handle,
    times: &mut Times,
    record: &FileRecord,
    state: &State,
) -> Result<reconciliation::BillFile, ledger::Error> {
    let register = state.register();
    let standing = match record.file.control_totals {
        _ if register.is_replaced(record) => reconciliation::BillFileState::Replaced,
        ControlTotals::Mismatched => reconciliation::BillFileState::Refused,
        _ if record.file.invalid_rows > 0 => reconciliation::BillFileState::Partial,
        _ => reconciliation::BillFileState::Read,
    };
    let is_of_file = |raised: &&Break| raised.finding.row.as_ref().is_some_and(|row| row.file == record.file.digest);
    let open = register.breaks().filter(|raised| raised.is_open()).filter(is_of_file).count();
    Ok(reconciliation::BillFile {
        file: Some(compose::file(&record.file, state.rules().current())),
        version: record.version,
        state: standing.into(),
        matched_count: record.matched_count,
        open_break_count: u32::try_from(open).unwrap_or(u32::MAX),
        recorded_sequence: record.recorded.0,
        recorded_time: times.of(handle, record.recorded)?.map(names::timestamp),
    })
}

const fn state_of(raised: &Break) -> reconciliation::BreakState {
    if raised.is_open() { reconciliation::BreakState::Open } else { reconciliation::BreakState::Resolved }
}

fn shown(
    handle: &Handle,
    times: &mut Times,
    raised: &Break,
    snapshot: &Snapshot,
) -> Result<reconciliation::Break, ledger::Error> {
    let ending = raised.ending.as_ref();
    let (booking, booked_minor) = booked(raised);
    Ok(reconciliation::Break {
        finding: Some(compose::finding(&raised.finding, snapshot.state.rules().current())),
        state: state_of(raised).into(),
        raised_sequence: raised.raised.at.0,
        raised_time: times.of(handle, raised.raised.at)?.map(names::timestamp),
        resolution: ending.map_or(0, |ending| compose::resolution(ending.resolution).into()),
        resolved_by: ending.map(|ending| ending.signature.by.clone()).unwrap_or_default(),
        resolution_note: ending.map(|ending| ending.note.clone()).unwrap_or_default(),
        resolved_sequence: ending.map_or(0, |ending| ending.signature.at.0),
        booking: booking.into(),
        booked_minor,
    })
}

const fn booked(raised: &Break) -> (BreakBooking, i64) {
    match &raised.booking {
        None => (BreakBooking::Unspecified, 0),
        Some(Booking::Held { minor, .. }) => (BreakBooking::Held, *minor),
        Some(Booking::InTransit) => (BreakBooking::InTransit, 0),
        Some(Booking::Advanced { minor, .. }) => (BreakBooking::Advanced, *minor),
    }
}

/// The matched rows of a file with the entry that recorded each, by row. The register counts them; which leg a row agrees
/// with stands in the log.
fn matches(handle: &Handle, record: &FileRecord) -> Result<Vec<(Match, Sequence)>, ledger::Error> {
    let mut rows = Vec::new();
    for sequence in &record.match_entries {
        let entry = handle.entries(*sequence, 1)?.pop();
        if let Some(Content::RecordMatches(recorded)) =
            entry.and_then(|entry| message::command(&entry.raw)).and_then(|command| command.command)
        {
            rows.extend(recorded.matches.into_iter().map(|row| (row, *sequence)));
        }
    }
    rows.sort_by_key(|(row, _)| row.row_number);
    Ok(rows)
}

/// Rows with the payments of their legs, found in one pass over the part of the log that has them.
fn with_payments(
    handle: &Handle,
    rows: Vec<(Match, Sequence)>,
) -> Result<Vec<reconciliation::MatchedRow>, ledger::Error> {
    let mut payments: BTreeMap<Sequence, Vec<u8>> =
        rows.iter().map(|(row, _)| (Sequence(row.leg_sequence), Vec::new())).collect();
    let ends = payments.keys().next().copied().zip(payments.keys().next_back().copied());
    if let Some((first, last)) = ends {
        handle.visit(first, last, &mut |sequence, entry| {
            if let Some(payment) = payments.get_mut(&sequence) {
                let event = entry.content.raw().and_then(|raw| wire::event::decode(raw).ok());
                *payment = event.map(|event| event.payment_id.to_vec()).unwrap_or_default();
            }
            ControlFlow::Continue(())
        })?;
    }
    let told = rows.into_iter().map(|(row, recorded)| reconciliation::MatchedRow {
        payment_id: payments.get(&Sequence(row.leg_sequence)).cloned().unwrap_or_default(),
        r#match: Some(row),
        recorded_sequence: recorded.0,
    });
    Ok(told.collect())
}

/// The two positions between the networks of a break's payment.
fn corridor_balances(handle: &Handle, outcome: &Outcome, resolved: &Break) -> Result<Vec<Balance>, ledger::Error> {
    let Some(payment) = resolved.finding.payment else { return Ok(Vec::new()) };
    let (known, _) = handle.payment(payment, WRITER_PATIENCE)?;
    let Some(terms) = known.and_then(|payment| payment.terms) else { return Ok(Vec::new()) };
    let rules = outcome.state.rules().current();
    let position = |owner, against| Account::position(owner, against, terms.currency);
    let both = [position(terms.payer, terms.payee), position(terms.payee, terms.payer)];
    both.into_iter().map(|account| Ok(names::balance(account, outcome.balance(handle, account)?, rules))).collect()
}
