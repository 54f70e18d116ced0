//! `hutong simulate`: a day of three networks as files.

use std::io::Write;
use std::path::Path;

use anyhow::Context;
use simulator::day::{Date, Day, DayOptions};

use crate::cli::{self, DayArguments, SimulateArguments};
use crate::exit::Exit;

/// The plan of a day that the command line asks for.
pub(crate) fn plan(arguments: &DayArguments) -> anyhow::Result<Day> {
    let date = simulated(arguments.date).context("checked when the command line was read")?;
    Ok(Day::new(DayOptions { seed: arguments.seed, payments: arguments.payments, date })?)
}

/// A date of which there can be a day.
pub(crate) fn date(text: &str) -> Result<domain::time::Date, String> {
    let date = cli::date(text)?;
    simulated(date).map(|_| date).ok_or_else(|| "days are made from 1992-01-01 to 2199-12-31".to_owned())
}

fn simulated(date: domain::time::Date) -> Option<Date> {
    let (year, month, day) = date.ymd();
    Date::new(u32::try_from(year).ok()?, month, day)
}

/// Writes bills and truth of a day below `directory`: `bills/`, `truth.json`.
pub(crate) fn write(day: &Day, directory: &Path) -> anyhow::Result<()> {
    let bills = directory.join("bills");
    std::fs::create_dir_all(&bills).with_context(|| format!("cannot make {}", bills.display()))?;
    day.write_bills(&bills)?;
    day.write_truth(&directory.join("truth.json"))?;
    Ok(())
}

pub(crate) fn run(arguments: &SimulateArguments, out: &mut impl Write) -> anyhow::Result<Exit> {
    let day = plan(&arguments.day)?;
    let directory = &arguments.out;
    write(&day, directory)?;
    let left_out = day.write_events(&directory.join("day.ndjson"))?;
    let truth = day.truth();
    writeln!(out, "{}: {} records, bills of {}, truth.json", directory.display(), truth.events, truth.date)?;
    if left_out > 0 {
        writeln!(out, "{left_out} records that no line can say (bytes that are no event, wrong keys) are left out")?;
    }
    Ok(Exit::Clean)
}
