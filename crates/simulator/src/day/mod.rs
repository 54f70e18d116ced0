//! A day of three networks: what they report, in batches of records; what their bill files say; and the truth about both,
//! written down before anything is published.
//!
//! Everything is a pure function of seed, number of payments and date. The day is that of an empty ledger under the default
//! rulebook: liquidity is confirmed for the three networks, payments run from 23:00 of the day before, UnionPay's cut-over
//! at 23:00 closes cycle CNY/1, and an hour of payments follows for the wallets, whose day ends at midnight.
//!
//! # Batches
//!
//! Inside a batch the records of different topics may be consumed in any order; a batch begins when the one before is
//! consumed. Every outcome is independent of that order: see [`Batch`].
//!
//! # What is planted
//!
//! The bill files hold, at random rows, every discrepancy that matching has a code for. A payment has one at most, and one
//! break has to be found for it; [`Truth::breaks`] lists them. Outside the last hour of a network's day nothing is a matter
//! of time, so what is planted there has only one reading.
//!
//! Absent: amounts on which the two networks disagree, payments that one feed reports for both sides, reversals and revoked
//! rows at Alipay, whose file has no such row.

mod bills;
mod calendar;
mod control;
mod event;
mod fees;
mod nets;
mod numbers;
mod population;
mod rows;
mod schedule;
mod story;
mod truth;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

pub use calendar::Date;
pub use truth::{Break, Truth};

use calendar::Calendar;
use population::Lot;
use schedule::Schedule;
use story::Story;
use thiserror::Error;

use crate::random::{Draws, Subject};

/// The topic of commands; those of networks are `payments.<network>`.
pub const CONTROL_TOPIC: &str = "hutong.control";
/// A smaller day has no room for everything that is planted.
pub const PAYMENTS_MIN: u64 = 1_000;
/// A larger day would have to print numbers twice.
pub const PAYMENTS_MAX: u64 = 1_000_000;

/// Which day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayOptions {
    /// Another seed gives another day of the same kind.
    pub seed: u64,
    /// [`PAYMENTS_MIN`] to [`PAYMENTS_MAX`]; some two records each.
    pub payments: u64,
    /// The date of the bill files.
    pub date: Date,
}

impl Default for DayOptions {
    fn default() -> Self {
        Self { seed: 1, payments: 100_000, date: Date::DOUBLE_ELEVEN }
    }
}

/// Why a day cannot be made or written.
#[derive(Debug, Error)]
pub enum DayError {
    /// Too few for what is planted, or too many for the networks' numbers.
    #[error("a day has {PAYMENTS_MIN} to {PAYMENTS_MAX} payments, not {0}")]
    Payments(u64),
    /// A file could not be written.
    #[error("writing {}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A record of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// `payments.<network>` or [`CONTROL_TOPIC`].
    pub topic: String,
    /// The payment's or the command's id.
    pub key: Vec<u8>,
    /// The message.
    pub value: Vec<u8>,
    /// When it arrives, microseconds since 1970-01-01T00:00:00Z, whole milliseconds. Never falls within a topic.
    pub recorded_at_micros: i64,
}

/// Why a batch is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Liquidity is confirmed; the first batch.
    Prefund,
    /// Payments go on.
    Payments,
    /// The cycle closes; a batch of its own.
    CutOver,
}

/// Records that may be consumed together. Those of one topic have their order, those of different topics none. Everything
/// in a batch is consumed before anything of the next.
///
/// What depends on something else being known (a refund of too much, a conflict, a reversal) is in a later batch than what
/// it depends on; both legs of a payment say the same that a verdict needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// What it is for.
    pub meaning: Meaning,
    /// At most [`Batch::RECORDS_MAX`], by arrival.
    pub records: Vec<Record>,
}

impl Batch {
    /// Well below 5 MiB of records.
    pub const RECORDS_MAX: usize = 5_000;
}

/// A day, as its plan: the records and the rows are written when they are asked for.
pub struct Day {
    options: DayOptions,
    calendar: Calendar,
    /// Of this date and no other.
    seed: u64,
    lots: Vec<Lot>,
    schedule: Schedule,
}

impl Day {
    /// Plans the day.
    ///
    /// # Errors
    /// When there are too few or too many payments.
    pub fn new(options: DayOptions) -> Result<Self, DayError> {
        let DayOptions { seed, payments, date } = options;
        if !(PAYMENTS_MIN..=PAYMENTS_MAX).contains(&payments) {
            return Err(DayError::Payments(payments));
        }
        let calendar = Calendar::new(date);
        let seed = Draws::new(seed, Subject::Day, date.number().into()).next();
        let lots = population::lots(seed, payments);
        let stories = (0..payments).zip(&lots).map(|(payment, lot)| Story::tell(&calendar, seed, payment, lot));
        let schedule = Schedule::new(stories);
        Ok(Self { options, calendar, seed, lots, schedule })
    }

    fn story(&self, payment: u32) -> Story<'_> {
        Story::tell(&self.calendar, self.seed, payment.into(), &self.lots[payment as usize])
    }

    fn stories(&self) -> impl Iterator<Item = Story<'_>> {
        (0..).zip(&self.lots).map(|(payment, lot)| Story::tell(&self.calendar, self.seed, payment, lot))
    }

    /// Everything that is put onto topics, in order; one batch at a time is in memory.
    pub fn batches(&self) -> impl Iterator<Item = Batch> {
        let cut = self.calendar.cut();
        let before = self.schedule.slices(..cut).map(|slice| self.payments(slice));
        let after = self.schedule.slices(cut..).map(|slice| self.payments(slice));
        let prefund = Batch { meaning: Meaning::Prefund, records: control::prefunds(self.seed, &self.calendar) };
        let cut_over = Batch { meaning: Meaning::CutOver, records: vec![control::cut_over(self.seed, &self.calendar)] };
        std::iter::once(prefund).chain(before).chain(std::iter::once(cut_over)).chain(after)
    }

    fn payments(&self, slice: &[schedule::Place]) -> Batch {
        let record = |place: &schedule::Place| {
            let story = self.story(place.payment);
            let (key, value) = event::record(&story, place.event.into(), place.sequence.into());
            let network = story.events[usize::from(place.event)].network;
            let topic = format!("payments.{}", crate::mix::NETWORKS[network]);
            Record { topic, key, value, recorded_at_micros: place.arrived }
        };
        Batch { meaning: Meaning::Payments, records: slice.iter().map(record).collect() }
    }

    /// Writes the networks' bill files of the date into a directory that exists, and says where: UnionPay's list and its
    /// page of totals in one zip, Tenpay's list, Alipay's zip.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write_bills(&self, directory: &Path) -> Result<[PathBuf; 3], DayError> {
        let mut paths = [PathBuf::new(), PathBuf::new(), PathBuf::new()];
        for (network, path) in paths.iter_mut().enumerate() {
            *path = directory.join(bills::file_name(network, self.options.date));
            let source = bills::write(self, network, path);
            source.map_err(|source| DayError::Write { path: path.clone(), source })?;
        }
        Ok(paths)
    }

    /// What has to come out, from the plan alone.
    #[must_use]
    pub fn truth(&self) -> Truth {
        truth::of(self)
    }

    /// [`Day::truth`] as JSON.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_truth(&self, path: &Path) -> Result<(), DayError> {
        write_file(path, |out| writeln!(out, "{}", self.truth().to_json()))
    }

    /// Every record as a line that `hutong publish` reads, and how many were left out because a line cannot say them:
    /// those that are no event at all or have another key than their payment.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_events(&self, path: &Path) -> Result<u64, DayError> {
        let mut left_out = 0;
        write_file(path, |out| {
            for record in self.batches().flat_map(|batch| batch.records) {
                match line(&record) {
                    Some(line) => writeln!(out, "{line}")?,
                    None => left_out += 1,
                }
            }
            Ok(())
        })?;
        Ok(left_out)
    }
}

fn line(record: &Record) -> Option<String> {
    let (name, json) = if record.topic == CONTROL_TOPIC {
        ("command", wire::json::command(&record.value).ok()?)
    } else {
        ("paymentEvent", wire::json::payment_event(&record.value).ok()?)
    };
    let line = format!("{{\"recordedAtMicros\":\"{}\",\"{name}\":{json}}}", record.recorded_at_micros);
    let read = wire::json::publish_line(&line).ok()?;
    ((read.key, read.value) == (record.key.clone(), record.value.clone())).then_some(line)
}

fn write_file(path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> Result<(), DayError> {
    let written = File::create(path).map(BufWriter::new).and_then(|mut out| {
        write(&mut out)?;
        out.flush()
    });
    written.map_err(|source| DayError::Write { path: path.to_owned(), source })
}
