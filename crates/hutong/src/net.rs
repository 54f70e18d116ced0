//! `hutong net`: what a cycle nets to, by participant, by pair, or explained.

use std::io::Write;

use client::Client;
use domain::money::decimal_from_minor;
use serde_json::{Value, json};
use wire::common::v1::CycleRef;
use wire::netting::v1::{
    ExplainNettingRequest, ExplainNettingResponse, GetBilateralNettingRequest, GetBilateralNettingResponse,
    GetMultilateralNettingRequest, GetMultilateralNettingResponse, GetPositionsRequest, NettingStage,
};

use crate::cli::{NetArguments, Output};
use crate::exit::Exit;
use crate::remote;
use crate::table::Table;

/// What the table and the JSON object are made of.
struct Told {
    headings: &'static [&'static str],
    rows: Vec<Vec<String>>,
    json: Value,
    cycle: Option<CycleRef>,
    sequence: u64,
}

pub(crate) fn run(arguments: &NetArguments, out: &mut impl Write, log: &mut impl Write) -> anyhow::Result<Exit> {
    arguments.remote.ask(log, async |client| {
        let cycle = match &arguments.cycle {
            Some(cycle) => cycle.clone(),
            None => open_cycle(client).await?,
        };
        let currency = cycle.currency_code.clone();
        let (cycle, read_at, min_sequence) = (Some(cycle), arguments.at.read_at(), 0);
        let told = if arguments.explain {
            explained(client.explain(ExplainNettingRequest { cycle, read_at, min_sequence }).await?, &currency)
        } else if arguments.bilateral {
            bilateral(client.bilateral(GetBilateralNettingRequest { cycle, read_at, min_sequence }).await?, &currency)
        } else {
            let request = GetMultilateralNettingRequest { cycle, read_at, min_sequence };
            multilateral(client.multilateral(request).await?, &currency)
        };
        print(told, arguments.output, out)
    })
}

/// The cycle that obligations are booked in now.
async fn open_cycle(client: &Client) -> Result<CycleRef, client::Error> {
    let request = GetPositionsRequest { currency_code: "CNY".to_owned(), ..Default::default() };
    Ok(client.positions(request).await?.cycle.unwrap_or_default())
}

fn print(told: Told, output: Output, out: &mut impl Write) -> anyhow::Result<()> {
    let cycle = told.cycle.unwrap_or_default();
    let name = format!("{}/{}", cycle.currency_code, cycle.number);
    match output {
        Output::Json => {
            let answer = json!({ "cycle": name, "sequence": told.sequence, "netting": told.json });
            writeln!(out, "{answer}")?;
        }
        Output::Table => {
            writeln!(out, "cycle {name} as of sequence {}; a negative amount is owed", told.sequence)?;
            let mut table = Table::default();
            told.rows.into_iter().for_each(|row| table.push(row));
            table.print(told.headings, out)?;
        }
    }
    Ok(())
}

fn major(minor: i64, currency: &str) -> String {
    decimal_from_minor(i128::from(minor), remote::exponent(currency))
}

fn multilateral(answer: GetMultilateralNettingResponse, currency: &str) -> Told {
    let row = |net: &wire::netting::v1::ParticipantNet| vec![net.participant.clone(), major(net.net_minor, currency)];
    let line =
        |net: &wire::netting::v1::ParticipantNet| json!({ "participant": net.participant, "net_minor": net.net_minor });
    Told {
        headings: &["PARTICIPANT", "NET>"],
        rows: answer.nets.iter().map(row).collect(),
        json: answer.nets.iter().map(line).collect(),
        cycle: answer.cycle,
        sequence: answer.sequence,
    }
}

fn bilateral(answer: GetBilateralNettingResponse, currency: &str) -> Told {
    let mut rows = Vec::new();
    let mut lines = Vec::new();
    for net in &answer.nets {
        let (there, back) = (net.debtor_gross_minor, net.creditor_gross_minor);
        let amounts = [there, back, net.net_minor].map(|minor| major(minor, currency));
        rows.push([net.debtor.clone(), net.creditor.clone()].into_iter().chain(amounts).collect());
        lines.push(json!({
            "debtor": net.debtor, "creditor": net.creditor, "debtor_gross_minor": there,
            "creditor_gross_minor": back, "net_minor": net.net_minor,
        }));
    }
    Told {
        headings: &["DEBTOR", "CREDITOR", "OWES>", "IS OWED>", "PAYS>"],
        rows,
        json: lines.into(),
        cycle: answer.cycle,
        sequence: answer.sequence,
    }
}

fn explained(answer: ExplainNettingResponse, currency: &str) -> Told {
    let stages = [("gross", &answer.gross), ("bilateral", &answer.bilateral), ("multilateral", &answer.multilateral)];
    let mut rows = Vec::new();
    let mut json = json!({ "transfers_saved": answer.transfers_saved, "nets": [] });
    for (name, stage) in stages {
        let NettingStage { amount_minor, transfer_count } = stage.unwrap_or_default();
        let note = format!("{transfer_count} transfers");
        rows.push(vec!["all".to_owned(), String::new(), format!("{name}: {note}"), major(amount_minor, currency)]);
        json[name] = json!({ "amount_minor": amount_minor, "transfer_count": transfer_count });
    }
    let mut nets = Vec::new();
    for net in &answer.nets {
        let mut parts = Vec::new();
        for part in &net.parts {
            let cause = part.cause().as_str_name().trim_start_matches("NET_CAUSE_").to_lowercase().replace('_', " ");
            let note = format!("{cause}: {} bookings", part.booking_count);
            let amount = major(part.amount_minor, currency);
            rows.push(vec![net.participant.clone(), part.counterparty.clone(), note, amount]);
            parts.push(json!({
                "counterparty": part.counterparty, "cause": cause, "amount_minor": part.amount_minor,
                "booking_count": part.booking_count,
            }));
        }
        rows.push(vec![net.participant.clone(), String::new(), "net".to_owned(), major(net.net_minor, currency)]);
        nets.push(json!({ "participant": net.participant, "net_minor": net.net_minor, "parts": parts }));
    }
    json["nets"] = nets.into();
    Told {
        headings: &["PARTICIPANT", "COUNTERPARTY", "CAUSE", "AMOUNT>"],
        rows,
        json,
        cycle: answer.cycle,
        sequence: answer.sequence,
    }
}
