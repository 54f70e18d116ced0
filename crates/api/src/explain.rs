//! What a cycle's nets are made of: the postings on the positions, which are the lines of the net, by counterparty and cause.
//! Every obligation has a network on one side, so the parts of operator and escrow are those of the networks, mirrored. The
//! parts are compared with the net that the ledger keeps: an explanation that does not add up is not given.

use std::collections::BTreeMap;

use domain::account::{Account, Class};
use domain::ids::Party;
use domain::journal::Journal;
use domain::netting::{Effort, Netting};
use domain::state::View as _;
use ledger::{Direction, Handle, Posting};
use tonic::Status;
use wire::names;
use wire::netting::v1::{ExplainNettingResponse, ExplainedNet, NetCause, NetPart, NettingStage};
use wire::status::{ApiCode, api_status};

use crate::history::CycleAt;
use crate::netting::{fits, participants};
use crate::reader::Moment;

/// Of one participant: amount and bookings by counterparty and cause.
type Parts = BTreeMap<(String, i32), (i128, u64)>;

/// Sums the postings of a cycle up to a moment: below 0.1 µs a posting.
pub(crate) fn parts(
    handle: &Handle,
    moment: &Moment,
    cycle: &CycleAt,
) -> Result<BTreeMap<Party, Parts>, ledger::Error> {
    let through = cycle.closed.map_or(moment.sequence, |closed| closed.sequence);
    let rules = moment.newest.state.rules().current();
    let mut parts: BTreeMap<Party, Parts> = BTreeMap::new();
    for (account, _) in moment.newest.state.book().accounts() {
        let is_position = account.class() == Class::Position && account.currency() == cycle.id.currency;
        let Some(owner) = account.owner().filter(|_| is_position) else { continue };
        let mut amounts = Amounts::default();
        for posting in handle.postings_of(account, cycle.opened.sequence, through)? {
            if posting.cycle != cycle.id.number {
                continue;
            }
            let Some((against, cause)) = amounts.part(account, &posting) else { continue };
            let minor = if posting.direction == Direction::Credit { posting.minor } else { -posting.minor };
            for (of, counterparty, minor) in
                [(Party::Network(owner), against, minor), (against, Party::Network(owner), -minor)]
            {
                // Of two networks each has a posting of its own.
                if matches!((of, counterparty), (Party::Network(of), Party::Network(_)) if of != owner) {
                    continue;
                }
                let key = (names::participant_name(counterparty, rules).to_owned(), cause.into());
                let (sum, count) = parts.entry(of).or_default().entry(key).or_default();
                (*sum, *count) = (*sum + minor, *count + 1);
            }
        }
    }
    Ok(parts)
}

/// The explanation of a net by its parts.
pub(crate) fn explain(
    moment: &Moment,
    cycle: &CycleAt,
    netting: &Netting,
    mut parts: BTreeMap<Party, Parts>,
) -> Result<ExplainNettingResponse, Status> {
    let nets = participants(moment.names()).into_iter().map(|party| {
        let of = parts.remove(&party).unwrap_or_default();
        if of.values().map(|(minor, _)| minor).sum::<i128>() != netting.of(party) {
            tracing::error!(?party, cycle = ?cycle.id, "the postings of a cycle do not add up to its net");
            return Err(api_status(ApiCode::ShardStopped, &[]));
        }
        let parts =
            of.into_iter().filter(|(_, (minor, _))| *minor != 0).map(|((counterparty, cause), (minor, count))| {
                Ok(NetPart { counterparty, cause, amount_minor: fits(minor)?, booking_count: count })
            });
        let participant = names::participant_name(party, moment.names()).to_owned();
        let parts = parts.collect::<Result<_, Status>>()?;
        Ok(ExplainedNet { participant, net_minor: fits(netting.of(party))?, parts })
    });
    let nets = nets.collect::<Result<_, Status>>()?;
    let (gross, multilateral) = (netting.gross_effort(), netting.multilateral_effort());
    Ok(ExplainNettingResponse {
        gross: Some(stage(gross)?),
        bilateral: Some(stage(netting.bilateral_effort())?),
        multilateral: Some(stage(multilateral)?),
        transfers_saved: gross.transfers.saturating_sub(multilateral.transfers),
        nets,
        cycle: Some(cycle.id.into()),
        sequence: moment.sequence.0,
    })
}

fn stage(effort: Effort) -> Result<NettingStage, Status> {
    Ok(NettingStage { amount_minor: fits(effort.minor)?, transfer_count: effort.transfers })
}

/// Tells what a posting on a position is for. The journals of refunds and reversals give fees back too: amount first, then
/// fees, and the interchange goes the other way than the amount.
#[derive(Default)]
struct Amounts {
    last: Option<Posting>,
}

impl Amounts {
    /// The other side and the cause; `None` for the closing of a cycle, which is no obligation.
    fn part(&mut self, account: Account, posting: &Posting) -> Option<(Party, NetCause)> {
        let owner = account.owner()?;
        let against = match account.against() {
            Some(network) => Party::Network(network),
            None if account == Account::position_operator(owner, account.currency()) => Party::Operator,
            None => Party::Escrow,
        };
        let fee = if against == Party::Operator { NetCause::NetworkFees } else { NetCause::Interchange };
        let gives_back = |cause| if against == Party::Operator { fee } else { cause };
        Some(match posting.journal {
            Journal::CycleClosed => return None,
            Journal::Completed | Journal::CapturedBoth => (against, NetCause::Captures),
            Journal::Fees => (against, fee),
            Journal::Refunded | Journal::PartiallyRefunded => {
                (against, gives_back(self.amount_or_fee(posting, NetCause::Refunds)))
            }
            Journal::Reversed | Journal::Withdrawn => {
                (against, gives_back(self.amount_or_fee(posting, NetCause::Reversals)))
            }
            Journal::Disputed | Journal::DisputeLost | Journal::DisputeWon => (Party::Escrow, NetCause::Disputes),
            Journal::LongHeld => (Party::Escrow, NetCause::Corrections),
            Journal::ShortAdvanced => (Party::Operator, NetCause::Corrections),
            _ => (against, NetCause::Corrections),
        })
    }

    fn amount_or_fee(&mut self, posting: &Posting, amount: NetCause) -> NetCause {
        let key = |posting: &Posting| (posting.sequence, posting.journal);
        match self.last.filter(|last| key(last) == key(posting)) {
            Some(first) if first.direction != posting.direction => NetCause::Interchange,
            Some(_) => amount,
            None => {
                self.last = Some(*posting);
                amount
            }
        }
    }
}
