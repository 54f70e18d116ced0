//! A directory of bill files: one file a network, of one business date. What a file is, it tells by its content; its name
//! serves people. UnionPay's page of totals is held against its list when both come in one zip; alone it is set aside.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};

use bills::{Control, Fault, Row, Summary};
use domain::clearing::{BillFile, BillTotals, ControlTotals, FileDigest};
use domain::money::CNY;
use domain::rulebook::Rulebook;
use domain::time::Date;
use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::plan::Bill;

/// As the ledger keeps it.
const NAME_CHARS_MAX: usize = 200;
/// The layout of a page of totals.
const TOTALS_ALONE: &str = "unionpay-rd2010";

/// Files to be reconciled, in the order of their names.
#[derive(Clone, Debug)]
pub struct Files {
    paths: Vec<PathBuf>,
}

impl Files {
    /// Every file of a directory, without those below it and those whose name begins with a dot.
    ///
    /// # Errors
    /// When the directory cannot be listed.
    pub fn of_directory(directory: &Path) -> Result<Self, Error> {
        let list = || -> io::Result<Vec<PathBuf>> {
            std::fs::read_dir(directory)?.map(|entry| entry.map(|entry| entry.path())).collect()
        };
        let mut paths = list().map_err(|source| Error::Io { path: directory.to_owned(), source })?;
        paths.retain(|path| path.is_file() && !name_of(path).starts_with('.'));
        paths.sort();
        Ok(Self { paths })
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Path> {
        self.paths.iter().map(PathBuf::as_path)
    }
}

/// What a file turned out to be.
pub(crate) enum Opened {
    Bill(Box<Bill>),
    /// Why it cannot be reconciled, for a person.
    Refused(String),
    /// Why it need not be.
    Aside(String),
}

/// Reads one file as a bill of `date`.
pub(crate) fn open(path: &Path, date: Date, rules: &Rulebook) -> Result<Opened, Error> {
    let failed = |source| Error::Io { path: path.to_owned(), source };
    let mut input = File::open(path).map_err(failed)?;
    let digest = digest(&mut input).map_err(failed)?;
    let (mut rows, mut faults) = (Vec::new(), Vec::new());
    let keep = |item: Result<Row, Fault>| match item {
        Ok(row) => rows.push(row),
        Err(fault) => faults.push(fault),
    };
    let summary = match bills::read(input, keep) {
        Ok(summary) => summary,
        Err(bills::Error::Refused(refusal)) => return Ok(Opened::Refused(refusal.to_string())),
        Err(bills::Error::Io(source)) => return Err(failed(source)),
    };
    if summary.layout == TOTALS_ALONE {
        let why = "a page of totals; it is held against its list when both come in one zip";
        return Ok(Opened::Aside(why.to_owned()));
    }
    Ok(bill(name_of(path), digest, date, summary, rows, faults, rules))
}

fn bill(
    file_name: String,
    digest: FileDigest,
    business_date: Date,
    summary: Summary,
    rows: Vec<Row>,
    faults: Vec<Fault>,
    rules: &Rulebook,
) -> Opened {
    let Some(network) = rules.network(&summary.network.to_string()) else {
        return Opened::Refused(format!("the rulebook has no network {}", summary.network));
    };
    let Some(totals) = totals(&summary) else {
        return Opened::Refused("its totals are out of range".to_owned());
    };
    let (control_totals, discrepancies) = match summary.control {
        Control::Matched => (ControlTotals::Matched, Vec::new()),
        Control::Absent => (ControlTotals::Absent, Vec::new()),
        Control::Mismatched(found) => (ControlTotals::Mismatched, found),
    };
    let file = BillFile {
        network,
        business_date,
        digest,
        file_name,
        layout: summary.layout.to_owned(),
        totals,
        control_totals,
        invalid_rows: u32::try_from(summary.faults).unwrap_or(u32::MAX),
    };
    Opened::Bill(Box::new(Bill { file, writer: summary.network, rows, faults, discrepancies }))
}

/// `None` for more than a record holds.
fn totals(summary: &Summary) -> Option<BillTotals> {
    let returned = summary.refunds.minor.checked_add(summary.revoked.minor)?;
    Some(BillTotals {
        currency: CNY,
        rows: summary.rows.try_into().ok()?,
        payments: summary.payments.count.try_into().ok()?,
        payments_minor: summary.payments.minor.try_into().ok()?,
        refunds: summary.refunds.count.checked_add(summary.revoked.count)?.try_into().ok()?,
        refunds_minor: returned.try_into().ok()?,
        fees_minor: summary.fees_minor.try_into().ok()?,
    })
}

/// Of the bytes as received; the input stands at its beginning again.
fn digest(input: &mut (impl Read + Seek)) -> io::Result<FileDigest> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match input.read(&mut buffer)? {
            0 => break,
            count => hash.update(&buffer[..count]),
        }
    }
    input.rewind()?;
    Ok(hash.finalize().into())
}

pub(crate) fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.chars().take(NAME_CHARS_MAX).collect()
}
