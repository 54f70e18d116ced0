//! `hutong bills`: looks into bill files without touching any ledger.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use anyhow::Context;
use bills::{Control, Error, Fault, Refusal, Summary, Total};
use domain::money::decimal_from_minor;
use serde::Serialize;

use crate::cli::{InspectArguments, Output};
use crate::exit::Exit;
use crate::table::Table;

/// How many errors are kept of one file. One wrong column makes every row an error, and a day may have 28 million rows.
const ERRORS_MAX: usize = 1_000;
/// CNY.
const EXPONENT: u32 = 2;

/// What is said of one file; the names are a contract.
#[derive(Serialize)]
struct Inspection {
    file: String,
    network: Option<String>,
    layout: Option<&'static str>,
    rows: u64,
    payments: Figures,
    refunds: Figures,
    fees_minor: i128,
    control_totals: &'static str,
    errors: Vec<Located>,
    #[serde(skip)]
    revoked: Figures,
    #[serde(skip)]
    errors_unlisted: u64,
    #[serde(skip)]
    discrepancies: Vec<String>,
    #[serde(skip)]
    exit: Exit,
}

#[derive(Clone, Copy, Default, Serialize)]
struct Figures {
    count: u64,
    minor: i128,
}

impl From<Total> for Figures {
    fn from(total: Total) -> Self {
        Self { count: total.count, minor: total.minor }
    }
}

#[derive(Serialize)]
struct Located {
    line: u64,
    field: String,
    value: String,
    reason: String,
}

impl From<Fault> for Located {
    fn from(fault: Fault) -> Self {
        Self { line: fault.line, field: fault.field, value: fault.value, reason: fault.reason.to_string() }
    }
}

impl From<&Refusal> for Located {
    fn from(refusal: &Refusal) -> Self {
        let value = refusal.value().to_owned();
        Self { line: refusal.line(), field: "file".to_owned(), value, reason: refusal.to_string() }
    }
}

/// Inspects every file, also after one that is refused. A reader that went away, such as `head`, ends the run quietly with
/// the verdict so far.
pub(crate) fn inspect(
    arguments: &InspectArguments,
    out: &mut impl Write,
    err: &mut impl Write,
) -> anyhow::Result<Exit> {
    let mut verdict = Exit::Clean;
    let mut table = Table::default();
    let mut notes = Vec::new();
    for path in &arguments.files {
        let inspection = look_into(path);
        verdict = worst(verdict, inspection.exit);
        match arguments.output {
            Output::Json => {
                let _ = explain_totals(&inspection, err);
                if reader_is_gone(print_json(&inspection, out))? {
                    return Ok(verdict);
                }
            }
            Output::Table => {
                table.push(cells(&inspection));
                explain_errors(&inspection, &mut notes).and_then(|()| explain_totals(&inspection, &mut notes))?;
            }
        }
    }
    if arguments.output == Output::Table {
        reader_is_gone(table.print(&HEADINGS, out).and_then(|()| out.write_all(&notes)).and_then(|()| out.flush()))?;
    }
    Ok(verdict)
}

fn reader_is_gone(printed: io::Result<()>) -> anyhow::Result<bool> {
    match printed {
        Err(why) if why.kind() == io::ErrorKind::BrokenPipe => Ok(true),
        Err(why) => Err(why).context("printing the result"),
        Ok(()) => Ok(false),
    }
}

/// A run that could not look at everything says so before it says what it saw.
fn worst(so_far: Exit, next: Exit) -> Exit {
    if so_far == Exit::Error || next == Exit::Clean { so_far } else { next }
}

fn look_into(path: &Path) -> Inspection {
    let file = path.display().to_string();
    let mut errors = Vec::new();
    let keep = |item: Result<bills::Row, Fault>| match item {
        Err(fault) if errors.len() < ERRORS_MAX => errors.push(Located::from(fault)),
        _ => {}
    };
    match File::open(path).map_err(Error::Io).and_then(|input| bills::read(input, keep)) {
        Ok(summary) => read(file, summary, errors),
        Err(Error::Refused(refusal)) => {
            let network = refusal.network().map(|network| network.to_string());
            Inspection { network, ..nothing(file, Located::from(&refusal), Exit::Refused) }
        }
        Err(Error::Io(why)) => {
            let reason = format!("cannot be read: {why}");
            let error = Located { line: 0, field: "file".to_owned(), value: file.clone(), reason };
            nothing(file, error, Exit::Error)
        }
    }
}

fn read(file: String, summary: Summary, errors: Vec<Located>) -> Inspection {
    let (control_totals, discrepancies) = match summary.control {
        Control::Matched => ("matched", Vec::new()),
        Control::Absent => ("absent", Vec::new()),
        Control::Mismatched(found) => ("mismatched", found.iter().map(ToString::to_string).collect()),
    };
    let refused = summary.faults > 0 || control_totals == "mismatched";
    let listed = u64::try_from(errors.len()).unwrap_or(u64::MAX);
    Inspection {
        file,
        network: Some(summary.network.to_string()),
        layout: Some(summary.layout),
        rows: summary.rows,
        payments: summary.payments.into(),
        refunds: summary.refunds.into(),
        revoked: summary.revoked.into(),
        fees_minor: summary.fees_minor,
        control_totals,
        errors,
        errors_unlisted: summary.faults.saturating_sub(listed),
        discrepancies,
        exit: if refused { Exit::Refused } else { Exit::Clean },
    }
}

/// A file of which nothing may be used, whatever rows it began with.
fn nothing(file: String, error: Located, exit: Exit) -> Inspection {
    let none = Figures::default();
    Inspection {
        file,
        network: None,
        layout: None,
        rows: 0,
        payments: none,
        refunds: none,
        revoked: none,
        fees_minor: 0,
        control_totals: "absent",
        errors: vec![error],
        errors_unlisted: 0,
        discrepancies: Vec::new(),
        exit,
    }
}

fn print_json(inspection: &Inspection, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, inspection)?;
    writeln!(out)?;
    out.flush()
}

fn explain_errors(inspection: &Inspection, out: &mut impl Write) -> io::Result<()> {
    for Located { line, field, value, reason } in &inspection.errors {
        match (line, value.as_str()) {
            (0, "") => writeln!(out, "{}: {reason}", inspection.file)?,
            (0, member) => writeln!(out, "{}: {member:?}: {reason}", inspection.file)?,
            _ => writeln!(out, "{}: line {line}, {field} {value:?}: {reason}", inspection.file)?,
        }
    }
    Ok(())
}

/// What has no place in the JSON object: which figures differ, and how many errors were not listed.
fn explain_totals(inspection: &Inspection, out: &mut impl Write) -> io::Result<()> {
    if inspection.errors_unlisted > 0 {
        writeln!(out, "{}: {} more errors are not listed", inspection.file, inspection.errors_unlisted)?;
    }
    for discrepancy in &inspection.discrepancies {
        writeln!(out, "{}: control totals: {discrepancy}", inspection.file)?;
    }
    Ok(())
}

const HEADINGS: [&str; 12] = [
    "FILE",
    "NETWORK",
    "LAYOUT",
    "ROWS>",
    "PAYMENTS>",
    "CNY>",
    "REFUNDS>",
    "CNY>",
    "REVOKED>",
    "FEES>",
    "TOTALS",
    "ERRORS>",
];

fn cells(inspection: &Inspection) -> Vec<String> {
    let yuan = |minor| decimal_from_minor(minor, EXPONENT);
    let listed = u64::try_from(inspection.errors.len()).unwrap_or(u64::MAX);
    vec![
        inspection.file.clone(),
        inspection.network.clone().unwrap_or_else(|| "-".to_owned()),
        inspection.layout.unwrap_or("-").to_owned(),
        inspection.rows.to_string(),
        inspection.payments.count.to_string(),
        yuan(inspection.payments.minor),
        inspection.refunds.count.to_string(),
        yuan(inspection.refunds.minor),
        inspection.revoked.count.to_string(),
        yuan(inspection.fees_minor),
        inspection.control_totals.to_owned(),
        inspection.errors_unlisted.saturating_add(listed).to_string(),
    ]
}
