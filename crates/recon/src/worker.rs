//! A run over the files of one business date: read, plan, record, and book what evidence proves.
//!
//! A file is recorded before its matches, those before its breaks, and a break before what is booked because of it, so that
//! an interrupted run leaves nothing that rests on something missing. What is on record already is not submitted again; the
//! rest has keys made from its content, so that running again is safe at every point.

use std::collections::BTreeMap;

use domain::break_code::BreakCode;
use domain::clearing::{FileDigest, Finding, Match};
use domain::ids::Sequence;
use domain::rulebook::Rulebook;
use domain::state::View;
use domain::time::Date;
use ledger::Handle;

use crate::draft::{Draft, identify};
use crate::error::Error;
use crate::files::{self, Files, Opened, name_of};
use crate::key::Key;
use crate::log::{Log, ReadLogged};
use crate::order::{Commands, Order, Outcome};
use crate::plan::{Bill, Plan, plan};
use crate::report::{Report, Verdict};

/// Fewer rows than this may all belong beside the cut-off of another day.
const ROWS_OF_A_DAY: usize = 10;

/// Where a run stands, for whoever waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress<'a> {
    /// The log was read through this entry.
    Followed(Sequence),
    /// A file was read and held against the ledger.
    Planned {
        /// Its name.
        file: &'a str,
        /// Its rows.
        rows: usize,
        /// Differences found.
        breaks: usize,
    },
    /// The ledger answered.
    Submitted(&'a Order, &'a Outcome),
}

/// Reconciles `files` as bills of `date`. Without `commands` it is a dry run: nothing is submitted, and the report says what
/// would have been. `read` reads the log's entries.
///
/// # Errors
/// [`Error`] when files or the log cannot be read, or it is not known whether the ledger has an order. What was submitted
/// stands; running again goes on from there.
pub fn reconcile<'a>(
    files: &Files,
    handle: &Handle,
    read: ReadLogged<'_>,
    date: Date,
    commands: Option<&'a mut dyn Commands>,
    progress: &'a mut dyn FnMut(Progress<'_>),
) -> Result<Report, Error> {
    let mut log = Log::default();
    log.follow(handle, read)?;
    progress(Progress::Followed(log.read_through()));
    let rules = handle.snapshot().state.rules().current().clone();
    let mut run = Run { log, rules, date, commands, progress, report: Report::new(date) };
    run.report.dry_run = run.commands.is_none();
    for path in files.iter() {
        match files::open(path, date, &run.rules)? {
            Opened::Bill(bill) => run.file(&bill)?,
            Opened::Refused(reason) => run.report.add_unread(name_of(path), true, reason),
            Opened::Aside(reason) => run.report.add_unread(name_of(path), false, reason),
        }
    }
    run.missing_files()?;
    Ok(run.report)
}

struct Run<'a> {
    log: Log,
    rules: Rulebook,
    date: Date,
    commands: Option<&'a mut dyn Commands>,
    progress: &'a mut dyn FnMut(Progress<'_>),
    report: Report,
}

impl Run<'_> {
    fn file(&mut self, bill: &Bill) -> Result<(), Error> {
        let Some(rule) = self.rules.networks.get(bill.file.network.index()) else { return Ok(()) };
        if let Some(of) = self.other_date(bill) {
            return Err(Error::OtherDate { file: bill.file.file_name.clone(), of, asked: self.date });
        }
        let plan = plan(bill, &self.log.legs, &self.log.past, rule.business_day);
        let (file, breaks) = (bill.file.file_name.as_str(), plan.findings.len());
        (self.progress)(Progress::Planned { file, rows: bill.rows.len(), breaks });
        self.report.add_plan(&plan, &self.rules);
        self.carry_out(plan)
    }

    /// The date that a file is of when it is not the one asked for: on record under it, or most of its rows are. Times in
    /// the file say nothing, because a network's clearing date need not be the day of its rows.
    fn other_date(&self, bill: &Bill) -> Option<Date> {
        let recorded = self.log.past.dates_of(bill.file.network, &bill.file.digest);
        match (recorded.contains(&self.date), recorded.first()) {
            (true, _) => return None,
            (false, Some(of)) if !bill.rows.is_empty() => return Some(*of),
            _ => {}
        }
        let legs = self.log.legs.beside(bill.file.digest);
        let mut dates = BTreeMap::<Date, usize>::new();
        for row in &bill.rows {
            let mut same = legs.referring(bill.file.network, &row.reference);
            if let Some(leg) = same.find(|leg| Key::of_leg(leg, bill.writer) == Some(Key::of_row(row))) {
                let rows = dates.entry(leg.facts.business_date).or_default();
                *rows = rows.saturating_add(1);
            }
        }
        let (of, rows) = dates.into_iter().max_by_key(|(_, rows)| *rows)?;
        (of != self.date && rows >= ROWS_OF_A_DAY && rows > bill.rows.len() / 2).then_some(of)
    }

    fn carry_out(&mut self, plan: Plan) -> Result<(), Error> {
        let digest = plan.file.digest;
        if !self.log.past.has_file(&plan.file) && self.is_refused(Order::RecordFile(plan.file))? {
            return Ok(());
        }
        self.record_matches(digest, plan.matches)?;
        for same in plan.carried.chunk_by(|a, b| a.0 == b.0) {
            self.record_matches(same[0].0, same.iter().map(|(_, found)| *found).collect())?;
        }
        self.record_breaks(plan.findings)?;
        for order in plan.bookings {
            let outcome = self.submit(order.clone())?;
            self.report.add_booking(&order, outcome.as_ref());
        }
        Ok(())
    }

    fn record_matches(&mut self, file: FileDigest, matches: Vec<Match>) -> Result<(), Error> {
        let new = matches.into_iter().filter(|found| !self.log.past.is_recorded(file, found)).collect::<Vec<_>>();
        for chunk in new.chunks(Order::MATCHES_MAX) {
            self.is_refused(Order::RecordMatches { file, matches: chunk.to_vec() })?;
        }
        Ok(())
    }

    fn record_breaks(&mut self, findings: Vec<Finding>) -> Result<(), Error> {
        let is_new = |finding: &Finding| self.log.past.break_of(finding.id).is_none();
        let new = findings.into_iter().filter(is_new).collect::<Vec<_>>();
        for chunk in new.chunks(Order::BREAKS_MAX) {
            self.is_refused(Order::RecordBreaks(chunk.to_vec()))?;
        }
        Ok(())
    }

    /// Networks of the rulebook of which no file of the date is known.
    fn missing_files(&mut self) -> Result<(), Error> {
        let missing = self.rules.networks().filter(|network| !self.log.past.has_file_of(*network, self.date));
        let drafts = missing.map(|network| Draft::new(BreakCode::FileMissing, network, self.date)).collect();
        let (findings, _) = identify(drafts);
        findings.iter().for_each(|finding| self.report.add_break(finding, &self.rules));
        self.record_breaks(findings)
    }

    /// Whether a record was refused, which leaves the run incomplete.
    fn is_refused(&mut self, order: Order) -> Result<bool, Error> {
        let what = order.name();
        let Some(Outcome::Refused(code)) = self.submit(order)? else { return Ok(false) };
        self.report.add_unread(what.to_owned(), true, format!("the ledger refused to record it: {code}"));
        self.report.worsen(Verdict::Refused);
        Ok(true)
    }

    /// `None` in a dry run. What was done, or would have been, is on record for the files that follow.
    fn submit(&mut self, order: Order) -> Result<Option<Outcome>, Error> {
        let Some(commands) = self.commands.as_deref_mut() else {
            self.log.past.fold(&order);
            return Ok(None);
        };
        let (key, name) = (order.key(), order.name());
        let submitted = commands.submit(key.clone(), order.clone());
        let outcome = submitted.map_err(|source| Error::Submit { order: name, key, source })?;
        (self.progress)(Progress::Submitted(&order, &outcome));
        if !matches!(outcome, Outcome::Refused(_)) {
            self.log.past.fold(&order);
        }
        Ok(Some(outcome))
    }
}
