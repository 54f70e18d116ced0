//! Commands as their records, the inverse of reading them: for whoever gives orders in this program, the reconciliation
//! worker and the demonstration among them.

use domain::clearing::{BillFile, BillRow, ControlTotals, Finding, LongOutcome, Match, MatchKey, Order, Resolution};
use domain::directive::Completion;
use domain::ids::{Id, Network};
use domain::money::Amount;
use domain::payment::{Correction, Side};
use domain::rulebook::Rulebook;
use prost::Message;

use super::v1::{self, control_command::Command as Content};
use crate::common::v1 as common;
use crate::{event, names};

/// The record of one command: the key of its topic and the value.
#[must_use]
pub fn record(command: Id, principal: &str, idempotency_key: &str, content: Content) -> (Vec<u8>, Vec<u8>) {
    let command_id = command.to_bytes().to_vec();
    let value = v1::ControlCommand {
        command_id: command_id.clone(),
        principal: principal.to_owned(),
        idempotency_key: idempotency_key.to_owned(),
        issued_at_micros: 0,
        command: Some(content),
    };
    (command_id, value.encode_to_vec())
}

/// T3a: the silent network's bill row completes a movement.
#[must_use]
pub fn complete(completion: &Completion) -> Content {
    Content::CompleteFromEvidence(v1::CompleteFromEvidence {
        payment_id: completion.payment.to_bytes().to_vec(),
        movement_id: id_if_any(completion.movement),
        kind: event::v1::Kind::from(completion.kind).into(),
        side: event::v1::Side::from(completion.side).into(),
        amount: amount(completion.amount),
        bill_row: Some(row(&completion.row)),
        break_id: id_if_any(completion.ends),
    })
}

/// J12a: what is not proven goes back into transit, because of the break `answers`. `None` for another correction.
#[must_use]
pub fn return_to_transit(answers: Id, payment: Id, correction: Correction, booked: Amount) -> Option<Content> {
    let Correction::ReturnToTransit { movement, unproven, .. } = correction else { return None };
    let vouching = if unproven == Side::Payer { Side::Payee } else { Side::Payer };
    Some(Content::ReturnToTransit(v1::ReturnToTransit {
        break_id: answers.to_bytes().to_vec(),
        payment_id: payment.to_bytes().to_vec(),
        movement_id: id_if_any(movement),
        vouching_side: event::v1::Side::from(vouching).into(),
        amount: amount(booked),
    }))
}

/// An order of the clearing house.
#[must_use]
pub fn order(order: &Order, rules: &Rulebook) -> Content {
    let network = |network: Network| rules.network_name(network).to_owned();
    let cycle = |cycle| Some(common::CycleRef::from(cycle));
    match order.clone() {
        Order::Propose(id) => Content::ProposeSettlement(v1::ProposeSettlement { cycle: cycle(id) }),
        Order::Approve { cycle: id, digest } => {
            Content::ApproveSettlement(v1::ApproveSettlement { cycle: cycle(id), digest: digest.to_vec() })
        }
        Order::Start(id) => Content::StartSettlement(v1::StartSettlement { cycle: cycle(id) }),
        Order::Confirm { cycle: id, instruction, reference } => Content::ConfirmInstruction(v1::ConfirmInstruction {
            cycle: cycle(id),
            instruction_id: instruction,
            bank_reference: reference,
        }),
        Order::Reject { cycle: id, instruction, reference, reason } => {
            Content::RejectInstruction(v1::RejectInstruction {
                cycle: cycle(id),
                instruction_id: instruction,
                bank_reference: reference.unwrap_or_default(),
                reason,
            })
        }
        Order::RecordFile(read) => Content::RecordBillFile(file(&read, rules)),
        Order::RecordMatches { file, matches } => Content::RecordMatches(v1::RecordMatches {
            file_digest: file.to_vec(),
            matches: matches.iter().map(matched).collect(),
        }),
        Order::RecordBreaks(findings) => {
            let findings = findings.iter().map(|found| finding(found, rules)).collect();
            Content::RecordBreaks(v1::RecordBreaks { findings })
        }
        Order::ResolveBreak { id, resolution: how, note } => Content::ResolveBreak(v1::ResolveBreak {
            break_id: id.to_bytes().to_vec(),
            resolution: resolution(how).into(),
            note,
        }),
        Order::HoldLong { id, row: proof, from, to, amount: held } => Content::HoldLong(v1::HoldLong {
            break_id: id.to_bytes().to_vec(),
            payer_network: network(from),
            payee_network: to.map(network).unwrap_or_default(),
            amount: amount(held),
            bill_row: Some(row(&proof)),
        }),
        Order::ResolveLong { id, outcome, amount: part, note } => {
            let (outcome, payee) = match outcome {
                LongOutcome::CreditPayee(payee) => (v1::LongOutcome::CreditPayee, payee),
                LongOutcome::ReturnToPayer => (v1::LongOutcome::ReturnToPayer, None),
            };
            Content::ResolveLong(v1::ResolveLong {
                break_id: id.to_bytes().to_vec(),
                outcome: outcome.into(),
                payee_network: payee.map(network).unwrap_or_default(),
                amount: amount(part),
                note,
            })
        }
        Order::AdvanceShort { id, to, against, amount: advanced } => Content::AdvanceShort(v1::AdvanceShort {
            break_id: id.to_bytes().to_vec(),
            payer_network: network(to),
            payee_network: network(against),
            amount: amount(advanced),
        }),
        Order::RecoverShort { id, amount: part, note } => {
            Content::RecoverShort(v1::RecoverShort { break_id: id.to_bytes().to_vec(), amount: amount(part), note })
        }
        Order::WriteOffShort { id, amount: part, note } => {
            Content::WriteOffShort(v1::WriteOffShort { break_id: id.to_bytes().to_vec(), amount: amount(part), note })
        }
    }
}

/// A bill file as it was read.
#[must_use]
pub fn file(read: &BillFile, rules: &Rulebook) -> v1::RecordBillFile {
    let totals = &read.totals;
    v1::RecordBillFile {
        network: rules.network_name(read.network).to_owned(),
        business_date: names::business_date_number(read.business_date),
        digest: read.digest.to_vec(),
        file_name: read.file_name.clone(),
        layout: read.layout.clone(),
        totals: Some(common::BillTotals {
            currency_code: totals.currency.code().to_owned(),
            row_count: totals.rows,
            payment_count: totals.payments,
            payments_minor: totals.payments_minor,
            refund_count: totals.refunds,
            refunds_minor: totals.refunds_minor,
            fees_minor: totals.fees_minor,
        }),
        control_totals: match read.control_totals {
            ControlTotals::Matched => common::ControlTotals::Matched,
            ControlTotals::Mismatched => common::ControlTotals::Mismatched,
            ControlTotals::Absent => common::ControlTotals::Absent,
        }
        .into(),
        invalid_row_count: read.invalid_rows,
    }
}

/// A row and its leg.
#[must_use]
pub fn matched(found: &Match) -> v1::Match {
    v1::Match {
        row_number: found.line,
        leg_sequence: found.leg.0,
        matched_by: match found.by {
            MatchKey::NetworkReference => v1::MatchKey::NetworkReference,
            MatchKey::MerchantOrder => v1::MatchKey::MerchantOrder,
        }
        .into(),
        resolves_break_id: id_if_any(found.resolves),
    }
}

/// A difference with its facts.
#[must_use]
pub fn finding(found: &Finding, rules: &Rulebook) -> v1::BreakFinding {
    v1::BreakFinding {
        break_id: found.id.to_bytes().to_vec(),
        code: common::BreakCode::from(found.code).into(),
        network: rules.network_name(found.network).to_owned(),
        business_date: names::business_date_number(found.business_date),
        bill_row: found.row.as_ref().map(row),
        payment_id: id_if_any(found.payment),
        movement_id: id_if_any(found.movement),
        kind: found.kind.map_or(0, |kind| event::v1::Kind::from(kind).into()),
        side: found.side.map_or(0, |side| event::v1::Side::from(side).into()),
        network_reference: found.network_reference.clone(),
        refund_reference: found.refund_reference.clone(),
        currency_code: found.currency.code().to_owned(),
        ledger_minor: found.ledger_minor,
        file_minor: found.file_minor,
        note: found.note.clone(),
        replaces_break_id: id_if_any(found.replaces),
    }
}

/// How a break ended.
#[must_use]
pub const fn resolution(how: Resolution) -> v1::BreakResolution {
    match how {
        Resolution::MatchedLater => v1::BreakResolution::MatchedLater,
        Resolution::Booked => v1::BreakResolution::Booked,
        Resolution::UndoneByNetwork => v1::BreakResolution::UndoneByNetwork,
        Resolution::FileCorrected => v1::BreakResolution::FileCorrected,
        Resolution::Accepted => v1::BreakResolution::Accepted,
        Resolution::Replaced => v1::BreakResolution::Replaced,
    }
}

fn id_if_any(id: Option<Id>) -> Vec<u8> {
    id.map_or_else(Vec::new, |id| id.to_bytes().to_vec())
}

fn row(row: &BillRow) -> common::BillRow {
    common::BillRow { file_digest: row.file.to_vec(), row_number: row.line }
}

fn amount(amount: Amount) -> Option<common::Amount> {
    Some(amount.into())
}
