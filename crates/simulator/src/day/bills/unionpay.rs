//! 银联 全渠道: the list of transactions (`ZM`, records of 607 bytes in GBK, a space behind every field) and the page of its
//! totals (`RD2010`), as two members of one zip. Signs are the merchant's: `C` is received, `D` is paid.

use std::io::{self, Cursor, Write};

use zip::ZipWriter;

use super::{Calendar, Day, Row, RowKind, Total, Totals, UNIONPAY, begin_member, gbk, rows, yuan};
use crate::day::calendar::DAY;
use crate::day::event::MERCHANTS;

const RECORD_BYTES: usize = 607;
const KINDS: [(&str, &str); 3] = [("01", "消费"), ("04", "退货"), ("31", "消费撤销")];

pub(super) fn write(day: &Day, out: &mut impl Write) -> io::Result<()> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let (date, merchant) = (day.options.date.number() % 1_000_000, MERCHANTS[UNIONPAY]);
    begin_member(&mut zip, &format!("INN{date:06}88ZM_{merchant}"))?;
    let mut totals = Totals::default();
    for row in rows(day, UNIONPAY) {
        totals.add(&row);
        zip.write_all(&record(&day.calendar, &row))?;
    }
    begin_member(&mut zip, &format!("RD2010{date:06}01_{merchant}"))?;
    zip.write_all(&gbk(&page(day, &totals)))?;
    out.write_all(&zip.finish().map_err(io::Error::other)?.into_inner())
}

/// Money of the merchant: twelve digits behind the letter of its side.
fn signed(minor: i64) -> String {
    format!("{}{:012}", if minor < 0 { 'D' } else { 'C' }, minor.unsigned_abs())
}

fn record(calendar: &Calendar, row: &Row) -> Vec<u8> {
    let sent = calendar.date_of(row.occurred).number() % 10_000;
    let sent = format!("{sent:04}{:06}", calendar.time_of_day(row.occurred));
    let received = if row.kind == RowKind::Payment { row.minor } else { -row.minor };
    let fields = [
        (0, "S56"),
        (4, "48020000"),
        (16, "00049992"),
        (28, &row.reference[14..20]),
        (35, &sent),
        (46, "622609******0048"),
        (66, &format!("{:012}", row.minor)),
        (79, "5411"),
        (87, &row.reference),
        (112, &row.order),
        (145, "01"),
        (166, &signed(-row.fee)),
        (180, &signed(received - row.fee)),
        (215, KINDS[row.kind as usize].0),
        (218, "01"),
        (221, "000201"),
        (271, row.original.as_deref().unwrap_or("")),
        (293, MERCHANTS[UNIONPAY]),
    ];
    let mut bytes = vec![b' '; RECORD_BYTES];
    let spoilt = spoiled(row.spoiled);
    for (offset, text) in fields.iter().copied().chain(spoilt) {
        bytes[offset..offset + text.len()].copy_from_slice(text.as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes
}

fn spoiled(spoiled: Option<u32>) -> Option<(usize, &'static str)> {
    let faults = [(66, "00000000X000"), (35, "1131250000"), (215, "99")];
    spoiled.map(|nth| faults[nth as usize / 2 % faults.len()])
}

/// Count, then debit and credit of amounts, fees and what is settled.
fn figures(name: &str, total: Total, kind: RowKind) -> String {
    let Total { count, minor, fee } = total;
    let sides =
        if kind == RowKind::Payment { [0, minor, fee, 0, 0, minor - fee] } else { [minor, 0, 0, fee, minor - fee, 0] };
    let figures = sides.map(yuan);
    format!("  {name}  {count}  {}\r\n", figures.join("  "))
}

fn grand_total(totals: &Totals) -> String {
    let paid = totals.of(RowKind::Payment);
    let [_, refunded, revoked] = totals.0;
    let count = paid.count + refunded.count + revoked.count;
    let (minor, fee) = (refunded.minor + revoked.minor, refunded.fee + revoked.fee);
    let sides = [minor, paid.minor, paid.fee, fee, minor - fee, paid.minor - paid.fee].map(yuan);
    format!("  总计  {count}  {}\r\n", sides.join("  "))
}

fn page(day: &Day, totals: &Totals) -> String {
    let (date, made) = (day.options.date.number(), day.calendar.date_of(day.calendar.at(DAY)).number());
    let rule = format!("{}\r\n", "_".repeat(100));
    let columns = "交易笔数  交易金额  费用  资金清算差额\r\n  借  贷  借  贷  借  贷\r\n";
    let kinds = [RowKind::Payment, RowKind::Refund, RowKind::Reversal];
    let by_kind: String = kinds.iter().map(|kind| figures(KINDS[*kind as usize].1, totals.of(*kind), *kind)).collect();
    let total = grand_total(totals);
    // Every card is a debit card, so the second block has one line, which is the total under another name.
    let by_card = total.replace("总计", "借记卡");
    let block = |by: &str, lines: &str| format!("{by} {columns}{rule}{lines}{rule}{total}\r\n");
    format!(
        "          全渠道商户交易汇总表\r\n商户代码:{}  清算币种:人民币\r\n收单机构:48020000  清算日期:{date}\r\n\
         商户名称:互通清算  生成日期:{made}\r\n{}{}",
        MERCHANTS[UNIONPAY],
        block("交易类型", &by_kind),
        block("卡性质", &by_card),
    )
}
