//! `hutong events`: entries of the log with their decisions, one a line.

use std::io::Write;

use domain::ids::Id;
use domain::money::decimal_from_minor;
use wire::audit::v1::ledger_entry::Content;
use wire::audit::v1::stream_events_request::Start;
use wire::audit::v1::{LedgerEntry, StreamEventsRequest};
use wire::event::v1::PaymentEvent;

use crate::cli::{EventsArguments, Output};
use crate::exit::Exit;
use crate::remote;

pub(crate) fn run(arguments: &EventsArguments, out: &mut impl Write, log: &mut impl Write) -> anyhow::Result<Exit> {
    arguments.remote.ask(log, async |client| {
        let request = StreamEventsRequest {
            start: arguments.from.map(Start::FromSequence),
            follow: arguments.follow,
            networks: arguments.network.clone(),
            payment_ids: arguments.payment.iter().map(|id| id.to_bytes().to_vec()).collect(),
            ..Default::default()
        };
        let mut stream = client.events(request).await?;
        let mut looked = 0;
        while let Some(answer) = stream.next().await? {
            looked = answer.sequence;
            if let Some(entry) = answer.entry {
                match arguments.output {
                    Output::Json => writeln!(out, "{}", wire::json::ledger_entry(&entry))?,
                    Output::Table => writeln!(out, "{}", line(&entry))?,
                }
            }
            if arguments.follow {
                out.flush()?;
            }
        }
        if arguments.output == Output::Table {
            writeln!(out, "looked at all entries up to sequence {looked}")?;
        }
        Ok(())
    })
}

/// A payment by its 32 digits.
pub(crate) fn payment(text: &str) -> Result<Id, String> {
    Id::parse(text).ok_or_else(|| "a payment id has 32 hexadecimal digits".to_owned())
}

fn line(entry: &LedgerEntry) -> String {
    let time = entry.recorded_time.as_ref().map_or_else(String::new, |time| remote::shown(time.seconds));
    let decision = entry.decision.clone().unwrap_or_default();
    let outcome = decision.outcome().as_str_name().trim_start_matches("OUTCOME_").to_lowercase();
    let answer = if decision.code.is_empty() { outcome } else { format!("{outcome} {}", decision.code) };
    let rules: Vec<_> = decision.journals.iter().map(|journal| journal.rule.as_str()).collect();
    let booked = if rules.is_empty() { String::new() } else { format!("  books {}", rules.join(" ")) };
    format!("{:>12}  {time}  {}  {answer}{booked}", entry.sequence, content(entry))
}

fn content(entry: &LedgerEntry) -> String {
    match &entry.content {
        Some(Content::PaymentEvent(event)) => payment_event(event),
        Some(Content::Command(command)) if command.principal.is_empty() => "the first rulebook".to_owned(),
        Some(Content::Command(command)) => format!("command {} of {}", command.idempotency_key, command.principal),
        Some(Content::Undecodable(record)) => format!("undecodable record of {} bytes", record.value_length),
        None => "nothing".to_owned(),
    }
}

fn payment_event(event: &PaymentEvent) -> String {
    let payment = Id::from_bytes(&event.payment_id).map_or_else(|| "no payment".to_owned(), |id| id.to_string());
    let kind = event.kind().as_str_name().trim_start_matches("KIND_").to_lowercase();
    let amount = decimal_from_minor(i128::from(event.amount_minor), remote::exponent(&event.currency_code));
    let parties = format!("{} -> {}", event.payer_network, event.payee_network);
    format!("{payment}  {parties}  {kind} {amount} {} says {}", event.currency_code, event.reporting_network)
}
