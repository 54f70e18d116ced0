//! `hutong reconcile`: the networks' bill files of one business date, held against the ledger of a data directory.

use std::io::{IsTerminal, Write};

use domain::rulebook::Rulebook;
use domain::state::View;
use domain::time::Date;
use ledger::Handle;
use recon::{Commands, Files, Progress, Report, Verdict};

use crate::clerk::Clerk;
use crate::cli::{Output, ReconcileArguments};
use crate::data::Sizes;
use crate::exit::Exit;
use crate::node::{self, Node, Topics};
use crate::{kafka, recorded};

/// In whose name the worker gives orders.
pub(crate) const PRINCIPAL: &str = "reconciliation-worker";

pub(crate) fn run(arguments: &ReconcileArguments, out: &mut impl Write, log: &mut impl Write) -> anyhow::Result<Exit> {
    let directory = &arguments.place.data_dir;
    anyhow::ensure!(directory.is_dir(), "there is no data directory {}; `hutong serve` makes one", directory.display());
    let files = Files::of_directory(&arguments.bills)?;
    let cluster = match kafka::check(&arguments.brokers) {
        Ok(cluster) => cluster,
        Err(error) => return kafka::failed(error, log),
    };
    let opened = node::open(Topics::Kept { cluster: &cluster }, &arguments.place, rulebook::DEFAULT, Sizes::default())?;
    let report = if arguments.dry_run {
        // What the ledger holds already, and nothing is written anywhere: no topic is read, no refusal published.
        reconcile(&files, &opened.0.handle(), arguments.date, None, log)
    } else {
        let node = match Node::start(&arguments.brokers, opened) {
            Ok(node) => node,
            Err(error) => return kafka::failed(error, log),
        };
        let report = with_node(arguments, &node, &files, log);
        node.stop()?;
        report
    };
    let report = match report {
        Err(error) if matches!(error.downcast_ref(), Some(recon::Error::OtherDate { .. })) => {
            writeln!(log, "hutong: {error}")?;
            return Ok(Exit::Refused);
        }
        report => report?,
    };
    let is_of_nothing = report.files.is_empty() && report.not_compared.is_empty() && report.breaks.is_empty();
    if is_of_nothing {
        let (bills, date) = (arguments.bills.display(), arguments.date);
        writeln!(log, "hutong: no file is in {bills}, and those of {date} are on record; nothing was compared")?;
    }
    match arguments.output {
        Output::Json => writeln!(out, "{}", report.to_json())?,
        Output::Table => print(&report, out)?,
    }
    Ok(match report.verdict {
        _ if is_of_nothing => Exit::Error,
        Verdict::Clean => Exit::Clean,
        Verdict::Breaks => Exit::Breaks,
        Verdict::Refused => Exit::Refused,
    })
}

fn with_node(
    arguments: &ReconcileArguments,
    node: &Node,
    files: &Files,
    log: &mut impl Write,
) -> anyhow::Result<Report> {
    node.wait_until_read(kafka::PATIENCE)?;
    let mut clerk = Clerk::new(&arguments.brokers, node.handle.clone(), PRINCIPAL, None)?;
    reconcile(files, &node.handle, arguments.date, Some(&mut clerk), log)
}

/// One run of the worker, with progress for a person who waits.
pub(crate) fn reconcile(
    files: &Files,
    handle: &Handle,
    date: Date,
    commands: Option<&mut dyn Commands>,
    log: &mut impl Write,
) -> anyhow::Result<Report> {
    let rules: Rulebook = handle.snapshot().state.rules().current().clone();
    let quiet = !std::io::stderr().is_terminal();
    let mut progress = |progress: Progress<'_>| {
        if let (false, Progress::Planned { file, rows, breaks }) = (quiet, progress) {
            let _ = writeln!(log, "{file}: {rows} rows, {breaks} breaks");
        }
    };
    let read = |kind, raw: &[u8]| recorded::read(&rules, kind, raw);
    let commands = commands.map(|commands| commands as &mut dyn Commands);
    Ok(recon::reconcile(files, handle, &read, date, commands, &mut progress)?)
}

fn print(report: &Report, out: &mut impl Write) -> std::io::Result<()> {
    for line in &report.breaks {
        let amount = |minor: Option<i64>| minor.map_or_else(|| "-".to_owned(), |minor| minor.to_string());
        let (ledger, file) = (amount(line.ledger_minor), amount(line.file_minor));
        let place = line.line.map_or_else(|| "no row".to_owned(), |line| format!("line {line}"));
        let (network, reference) = (&line.network, &line.network_reference);
        let facts =
            format!("{:<20} {network:<9} {reference:<32} {place:<12} ledger {ledger:>12} file {file:>12}", line.code);
        writeln!(out, "{}", format!("{facts}  {}", line.note).trim_end())?;
    }
    for unread in &report.not_compared {
        writeln!(out, "not compared: {}: {}", unread.file, unread.reason)?;
    }
    writeln!(out, "{report}")
}
