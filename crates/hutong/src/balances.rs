//! `hutong balances`: what stands on the accounts, now or at a past moment.

use std::io::Write;

use domain::money::decimal_from_minor;
use serde::Serialize;
use wire::balances::v1::ListBalancesRequest;
use wire::common::v1::Balance;

use crate::cli::{BalancesArguments, Output};
use crate::exit::Exit;
use crate::remote;
use crate::table::Table;

/// The answer as one JSON object; amounts are decimal texts of minor units, which may pass 64 bits.
#[derive(Serialize)]
struct Answer<'a> {
    sequence: u64,
    recorded_time: Option<String>,
    balances: Vec<Line<'a>>,
}

#[derive(Serialize)]
struct Line<'a> {
    account: &'a str,
    currency_code: &'a str,
    debits_minor_units: &'a str,
    credits_minor_units: &'a str,
    net_minor_units: &'a str,
}

pub(crate) fn run(arguments: &BalancesArguments, out: &mut impl Write, log: &mut impl Write) -> anyhow::Result<Exit> {
    arguments.remote.ask(log, async |client| {
        let request = ListBalancesRequest {
            account_prefix: arguments.account.clone().unwrap_or_default(),
            read_at: arguments.at.read_at(),
            page_size: 1_000,
            ..Default::default()
        };
        let all = client.all_balances(request).await?;
        let recorded_time = all.recorded_time.as_ref().map(|time| remote::shown(time.seconds));
        match arguments.output {
            Output::Json => {
                let balances = all.balances.iter().map(line).collect();
                let answer = Answer { sequence: all.sequence, recorded_time, balances };
                writeln!(out, "{}", serde_json::to_string(&answer)?)?;
            }
            Output::Table => {
                let when = recorded_time.map_or_else(String::new, |time| format!(", recorded {time}"));
                writeln!(out, "as of sequence {}{when}", all.sequence)?;
                print(&all.balances, out)?;
            }
        }
        Ok(())
    })
}

fn line(balance: &Balance) -> Line<'_> {
    Line {
        account: &balance.account,
        currency_code: &balance.currency_code,
        debits_minor_units: &balance.debits_minor_units,
        credits_minor_units: &balance.credits_minor_units,
        net_minor_units: &balance.net_minor_units,
    }
}

fn print(balances: &[Balance], out: &mut impl Write) -> std::io::Result<()> {
    if balances.is_empty() {
        return writeln!(out, "nothing was posted to such an account");
    }
    let mut table = Table::default();
    for balance in balances {
        let exponent = remote::exponent(&balance.currency_code);
        let major = |minor: &str| minor.parse().map_or_else(|_| minor.to_owned(), |m| decimal_from_minor(m, exponent));
        table.push(vec![
            balance.account.clone(),
            balance.currency_code.clone(),
            major(&balance.debits_minor_units),
            major(&balance.credits_minor_units),
            major(&balance.net_minor_units),
        ]);
    }
    table.print(&["ACCOUNT", "CURRENCY", "DEBITS>", "CREDITS>", "NET>"], out)
}
