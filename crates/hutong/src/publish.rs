//! `hutong publish`: a file of records onto their topics. The file is read twice: first to know that every line is a record,
//! then to publish them, so that a mistake in the last line does not leave the others published.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, IsTerminal, Seek, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use ingest::Publisher;
use wire::json::{self, LineError, Record, Topic};

use crate::cli::PublishArguments;
use crate::exit::Exit;
use crate::kafka;

/// More wrong lines than a person wants to read.
const ERRORS_MAX: usize = 20;
/// How long the brokers may take for what is on its way: longer than a broker takes to come back.
const DELIVERY_PATIENCE: Duration = Duration::from_secs(120);
const PROGRESS_EVERY: u64 = 10_000;

pub(crate) fn run(arguments: &PublishArguments, out: &mut impl Write, log: &mut impl Write) -> anyhow::Result<Exit> {
    let name = arguments.file.display();
    let mut file = File::open(&arguments.file).with_context(|| format!("cannot open {name}"))?;
    let checked = check(&file, &arguments.file, log)?;
    let Some(counts) = checked else {
        writeln!(log, "hutong: nothing was published")?;
        return Ok(Exit::Refused);
    };
    let topics: Vec<_> = counts.keys().map(String::as_str).collect();
    if !topics.is_empty()
        && let Err(error) = ingest::check(&arguments.brokers, &topics, kafka::PATIENCE)
    {
        return kafka::failed(error, log);
    }
    file.rewind().with_context(|| format!("cannot read {name} again"))?;
    let publisher = Publisher::new(&arguments.brokers)?;
    let published = publish(&publisher, &file, counts.values().sum(), log);
    let published = published.with_context(|| format!("{} records are on their topics", publisher.delivered()))?;
    let counts: Vec<_> = counts.iter().map(|(topic, count)| format!("{topic} {count}")).collect();
    writeln!(out, "published {published} records: {}", counts.join(", "))?;
    Ok(Exit::Clean)
}

/// How many records go to which topic; `None` when a line is wrong, which has been said then.
fn check(file: &File, path: &Path, log: &mut impl Write) -> anyhow::Result<Option<BTreeMap<String, u64>>> {
    let mut counts = BTreeMap::new();
    let mut wrong = 0;
    for_each_record(file, |line, read| {
        match read {
            Ok(record) => *counts.entry(record.topic.name()).or_default() += 1,
            Err(error) => {
                wrong += 1;
                if wrong <= ERRORS_MAX {
                    writeln!(log, "{}:{line}: {error}", path.display())?;
                }
            }
        }
        Ok(())
    })
    .with_context(|| format!("cannot read {}", path.display()))?;
    if wrong > ERRORS_MAX {
        writeln!(log, "and {} more lines are wrong", wrong - ERRORS_MAX)?;
    }
    Ok((wrong == 0).then_some(counts))
}

fn publish(publisher: &Publisher, file: &File, of: u64, log: &mut impl Write) -> anyhow::Result<u64> {
    let quiet = !std::io::stderr().is_terminal();
    let mut sent = 0_u64;
    let mut last_was_command = None;
    for_each_record(file, |line, read| {
        let record = read.with_context(|| format!("line {line} has changed since it was checked"))?;
        // Topics are not ordered among each other; all that can be done is not to write ahead.
        let is_command = record.topic == Topic::Control;
        if last_was_command.replace(is_command).is_some_and(|last| last != is_command) {
            publisher.finish(DELIVERY_PATIENCE)?;
        }
        publisher.send(&record.topic.name(), &record.key, &record.value, record.recorded_at)?;
        sent += 1;
        if !quiet && sent.is_multiple_of(PROGRESS_EVERY) {
            write!(log, "\r{sent} of {of} records")?;
        }
        Ok(())
    })?;
    if !quiet && sent >= PROGRESS_EVERY {
        writeln!(log)?;
    }
    Ok(publisher.finish(DELIVERY_PATIENCE)?)
}

/// Every line with its number, counted from 1; empty lines are none.
fn for_each_record(
    file: &File,
    mut visit: impl FnMut(u64, Result<Record, LineError>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    for (line, number) in BufReader::new(file).lines().zip(1..) {
        let line = line.with_context(|| format!("line {number} is no text"))?;
        if !line.trim().is_empty() {
            visit(number, json::publish_line(&line))?;
        }
    }
    Ok(())
}
