//! 微信支付 交易账单, all kinds in one list (27 columns): UTF-8, a backtick before every value, two lines of totals.

use std::io::{self, Write};

use super::{Day, Row, RowKind, TENPAY, Total, Totals, rows, yuan};
use crate::day::event::MERCHANTS;
use crate::day::fees::MERCHANT_RATES;

const HEADER: &str = "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,\
    货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,\
    费率,订单金额,申请退款金额,费率备注";
const TOTALS: &str = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额";
const APP: &str = "wx8d21b0c5f3a94e67";

pub(super) fn write(day: &Day, out: &mut impl Write) -> io::Result<()> {
    write!(out, "\u{feff}{HEADER}\r\n")?;
    let mut totals = Totals::default();
    for row in rows(day, TENPAY) {
        totals.add(&row);
        line(out, &cells(day, &row))?;
    }
    write!(out, "{TOTALS}\r\n")?;
    line(out, &sums(&totals))
}

fn line(out: &mut impl Write, cells: &[String]) -> io::Result<()> {
    write!(out, "`{}\r\n", cells.join(",`"))
}

fn cells(day: &Day, row: &Row) -> Vec<String> {
    let paid = row.kind == RowKind::Payment;
    let (there, back) = if paid { (row.minor, 0) } else { (0, row.minor) };
    let status = ["SUCCESS", "REFUND", "REVOKED"][row.kind as usize];
    let refund = row.refund_reference.clone().unwrap_or_else(|| "0".to_owned());
    let (origin, done) = if row.kind == RowKind::Refund { ("ORIGINAL", "SUCCESS") } else { ("", "") };
    let mut cells = [
        day.calendar.text(row.occurred).as_str(),
        APP,
        MERCHANTS[TENPAY],
        "0",
        "",
        &row.reference,
        &row.order,
        "",
        "NATIVE",
        status,
        "OTHERS",
        "CNY",
        &yuan(there),
        "0.00",
        &refund,
        &refund,
        &yuan(back),
        "0.00",
        origin,
        done,
        "互通收款, 扫码",
        "",
        &fee(row.fee),
        MERCHANT_RATES[TENPAY],
        &yuan(there),
        &yuan(back),
        "",
    ]
    .map(str::to_owned);
    spoil(row.spoiled, &mut cells);
    cells.to_vec()
}

/// Fees have five decimals, of which the last three say nothing.
fn fee(minor: i64) -> String {
    yuan(minor) + "000"
}

fn spoil(spoiled: Option<u32>, cells: &mut [String; 27]) {
    let Some(nth) = spoiled else { return };
    let (cell, text) = [(12, "1.2.3"), (11, "USD"), (0, "2025-11-31 25:00:00"), (9, "PAYERROR")][nth as usize / 4 % 4];
    text.clone_into(&mut cells[cell]);
}

fn sums(totals: &Totals) -> Vec<String> {
    let [paid, refunded, revoked]: [Total; 3] = totals.0;
    let back = yuan(refunded.minor + revoked.minor);
    let count = paid.count + refunded.count + revoked.count;
    let fees = fee(paid.fee - refunded.fee - revoked.fee);
    vec![count.to_string(), yuan(paid.minor), back.clone(), yuan(0), fees, yuan(paid.minor), back]
}
