//! The verdict on a payment: code, corridor or channel, pilot, cap, in this order. It is given once, on the first request
//! of a payment, and binds every later event. Refunds, reversals, disputes and second legs are never judged.

use super::Terms;
use super::case::{Case, Refusal};
use super::movement::Pair;
use crate::rejection::{Rejection, RejectionCode};
use crate::report::{Report, Scan};
use crate::rulebook::Access;
use crate::state::View;

impl<V: View> Case<'_, V> {
    /// Gives the verdict of a first request, the cap aside: sets the terms. Whether they are new decides if a cap that is
    /// passed refuses the payment or only the event.
    pub(super) fn judge(&mut self, report: &Report) -> Result<bool, Refusal> {
        if self.next.terms.is_some() {
            return Ok(false);
        }
        let refuse = |code: RejectionCode| Err(Refusal::Payment(code.into()));
        if report.scan != Scan::None && report.code.is_none() {
            return refuse(RejectionCode::UnrecognisedCode);
        }
        let rules = self.view.rules().in_force(report.occurred_at);
        let row = rules.corridor(report.payer, report.payee, report.channel, report.occurred_at);
        let open = row.filter(|(_, corridor)| corridor.access != Access::Closed);
        let Some((index, corridor)) = open else {
            let through_channel = !report.channel.is_none();
            return refuse(if through_channel { RejectionCode::ChannelClosed } else { RejectionCode::CorridorClosed });
        };
        if let Access::Pilot { cohorts, regions } = &corridor.access {
            let admitted = cohorts.contains(&report.cohort) || regions.contains(&report.region);
            if !admitted {
                return refuse(RejectionCode::PilotNotAdmitted);
            }
        }
        self.next.terms = Some(Terms {
            payer: report.payer,
            payee: report.payee,
            currency: report.currency,
            channel: report.channel,
            payer_institution: report.payer_institution,
            payee_institution: report.payee_institution,
            rulebook: rules.version,
            corridor: index,
        });
        Ok(true)
    }

    /// Whether `minor` more may count against the payer network's cap and liquidity.
    pub(super) fn check_cap(&self, first: bool, minor: i64) -> Result<(), Refusal> {
        let Pair { payer, currency, .. } = self.pair();
        let exposure = self.view.exposure(payer, currency).saturating_add(i128::from(minor));
        let limit = self.view.exposure_limit(payer, currency);
        if exposure <= limit {
            return Ok(());
        }
        let rejection = Rejection::NetDebitCapExceeded { limit, exposure, currency };
        Err(if first { Refusal::Payment(rejection) } else { Refusal::Event(rejection) })
    }
}
