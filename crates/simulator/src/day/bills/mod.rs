//! The networks' bill files of the date, in the layouts that they publish for merchants. Totals are those of the rows as
//! printed, with what is planted; a row that cannot be read is in none.

mod alipay;
mod tenpay;
mod unionpay;

use std::fs::File;
use std::io::{self, BufWriter, Seek, Write};
use std::path::Path;

use encoding_rs::GBK;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::calendar::{Calendar, Date};
use super::event::MERCHANTS;
use super::rows::{Row, RowKind};
use super::{Day, population};
use crate::mix::{ALIPAY, TENPAY, UNIONPAY};

/// The name that the network delivers the file under.
pub(super) fn file_name(network: usize, date: Date) -> String {
    let merchant = MERCHANTS[network];
    match network {
        UNIONPAY => format!("{merchant}_{}.zip", date.number()),
        TENPAY => format!("{merchant}All{date}.csv"),
        _ => format!("{merchant}{}_{}.csv.zip", alipay::CURRENCY, date.number()),
    }
}

pub(super) fn write(day: &Day, network: usize, path: &Path) -> io::Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    match network {
        UNIONPAY => unionpay::write(day, &mut out)?,
        TENPAY => tenpay::write(day, &mut out)?,
        _ => alipay::write(day, &mut out)?,
    }
    out.flush()
}

/// In the order of the file.
fn rows(day: &Day, network: usize) -> impl Iterator<Item = Row> {
    day.schedule.rows[network].iter().map(|place| day.story(place.payment).rows.swap_remove(place.row.into()))
}

/// The reference and the line of every row that cannot be read.
pub(super) fn spoiled_lines(day: &Day, network: usize) -> impl Iterator<Item = (String, u64)> {
    let first_line = [1, 2, 6][network];
    let is_spoiled =
        |payment: u32| day.lots[payment as usize].life == population::Life::Planted(population::Plant::RowInvalid);
    let spoiled = (first_line..).zip(&day.schedule.rows[network]).filter(move |(_, place)| is_spoiled(place.payment));
    spoiled.map(|(line, place)| (day.story(place.payment).rows[usize::from(place.row)].reference.clone(), line))
}

/// Count and sums of the rows of one kind; none is negative.
#[derive(Clone, Copy, Debug, Default)]
struct Total {
    count: u64,
    minor: i64,
    fee: i64,
}

/// By [`RowKind`].
#[derive(Clone, Copy, Debug, Default)]
struct Totals([Total; 3]);

impl Totals {
    fn add(&mut self, row: &Row) {
        if row.spoiled.is_none() {
            let total = &mut self.0[row.kind as usize];
            total.count += 1;
            total.minor += row.minor;
            total.fee += row.fee.abs();
        }
    }

    const fn of(&self, kind: RowKind) -> Total {
        self.0[kind as usize]
    }
}

/// Fen as yuan.
fn yuan(minor: i64) -> String {
    let sign = if minor < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", minor.unsigned_abs() / 100, minor.unsigned_abs() % 100)
}

fn gbk(text: &str) -> Vec<u8> {
    GBK.encode(text).0.into_owned()
}

/// Members carry no time, so that the same day is the same file.
fn begin_member(zip: &mut ZipWriter<impl Write + Seek>, name: &str) -> io::Result<()> {
    zip.start_file(name, SimpleFileOptions::default()).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_printed_with_two_decimals() {
        assert_eq!([yuan(5), yuan(-5), yuan(120), yuan(-12_345)], ["0.05", "-0.05", "1.20", "-123.45"]);
        assert_eq!(file_name(ALIPAY, Date::DOUBLE_ELEVEN), "20880000000001710156_20251111.csv.zip");
    }
}
