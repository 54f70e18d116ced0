//! 支付宝 业务明细: a zip of two lists in GBK, the transactions and their totals by shop. The names of the members are GBK too,
//! and the archive does not say so.

use std::io::{self, Cursor, Write};

use zip::ZipWriter;

use super::{ALIPAY, Day, Row, RowKind, Totals, begin_member, gbk, rows, yuan};
use crate::day::calendar::DAY;
use crate::day::event::MERCHANTS;

/// CNY as ISO 4217 numbers it, behind the account.
pub(super) const CURRENCY: &str = "0156";

const HEADER: &str = "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,\
    订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,\
    商家红包消费金额（元）,卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注";
const SHOPS_HEADER: &str = "门店编号,门店名称,交易订单总笔数,退款订单总笔数,订单金额（元）,商家实收（元）,支付宝优惠（元）,\
    商家优惠（元）,卡消费金额（元）,服务费（元）,分润（元）,实收净额（元）";
/// Columns that end with a tab, from 0.
const WITH_TAB: [usize; 10] = [0, 1, 2, 6, 7, 8, 9, 10, 19, 21];
const DASHES: &str = "-----------------------------------------";

/// With a letter that neither name has.
const MEMBERS: [(&str, &str); 2] = [("业务明细.csv", "~"), ("业务明细(汇总).csv", "^")];

pub(super) fn write(day: &Day, out: &mut impl Write) -> io::Result<()> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let names = MEMBERS.map(|(member, letter)| Name::new(day, member, letter));
    begin_member(&mut zip, &names[0].stand_in)?;
    let totals = transactions(day, &mut zip)?;
    begin_member(&mut zip, &names[1].stand_in)?;
    zip.write_all(&gbk(&shops(day, &totals)))?;
    let mut bytes = zip.finish().map_err(io::Error::other)?.into_inner();
    for name in names {
        name.put(&mut bytes);
    }
    out.write_all(&bytes)
}

/// The archive is made with names of as many letters, because a name outside ASCII would be marked as UTF-8.
struct Name {
    stand_in: String,
    bytes: Vec<u8>,
}

impl Name {
    fn new(day: &Day, member: &str, letter: &str) -> Self {
        let account = format!("{}{CURRENCY}_{}_", MERCHANTS[ALIPAY], day.options.date.number());
        let bytes = gbk(&(account.clone() + member));
        let letters = letter.repeat(bytes.len() - account.len());
        Self { stand_in: account + &letters, bytes }
    }

    fn put(&self, archive: &mut [u8]) {
        let length = self.bytes.len();
        for at in 0..=archive.len() - length {
            if archive[at..at + length] == *self.stand_in.as_bytes() {
                archive[at..at + length].copy_from_slice(&self.bytes);
            }
        }
    }
}

fn heading(day: &Day, title: &str) -> String {
    let [from, to] = [0, DAY].map(|micros| long_date(day, micros));
    format!(
        "#支付宝{title}查询\r\n#账号：[{}{CURRENCY}]\r\n#起始日期：[{from} 00:00:00]   终止日期：[{to} 00:00:00]\r\n\
         #{DASHES}{title}列表{DASHES}\r\n",
        MERCHANTS[ALIPAY]
    )
}

fn long_date(day: &Day, micros: i64) -> String {
    let number = day.calendar.date_of(day.calendar.at(micros)).number();
    format!("{:04}年{:02}月{:02}日", number / 10_000, number / 100 % 100, number % 100)
}

fn transactions(day: &Day, out: &mut impl Write) -> io::Result<Totals> {
    out.write_all(&gbk(&format!("{}{HEADER}\r\n", heading(day, "业务明细"))))?;
    let mut totals = Totals::default();
    for row in rows(day, ALIPAY) {
        totals.add(&row);
        out.write_all(&gbk(&format!("{}\r\n", cells(day, &row).join(","))))?;
    }
    out.write_all(&gbk(&footer(day, &totals)))?;
    Ok(totals)
}

fn footer(day: &Day, totals: &Totals) -> String {
    let (paid, refunded) = (totals.of(RowKind::Payment), totals.of(RowKind::Refund));
    format!(
        "#{DASHES}业务明细列表结束{DASHES}\r\n#交易合计：{}笔，商家实收共{}元，商家优惠共0.00元\r\n\
         #退款合计：{}笔，商家实收退款共{}元，商家优惠退款共0.00元\r\n#导出时间：[{} 05:46:49]\r\n",
        paid.count,
        yuan(paid.minor),
        refunded.count,
        yuan(-refunded.minor),
        long_date(day, DAY),
    )
}

fn cells(day: &Day, row: &Row) -> Vec<String> {
    let refunded = row.kind == RowKind::Refund;
    let amount = yuan(if refunded { -row.minor } else { row.minor });
    let mut cells = [
        row.reference.as_str(),
        &row.order,
        if refunded { "退款" } else { "交易" },
        "互通收款",
        &day.calendar.text(row.created),
        &day.calendar.text(row.occurred),
        "",
        "",
        "",
        "",
        "",
        &amount,
        &amount,
        "0.00",
        "0.00",
        "0.00",
        "0.00",
        "0.00",
        "",
        "0.00",
        "0.00",
        row.refund_reference.as_deref().unwrap_or(""),
        &yuan(-row.fee),
        "0.00",
        "",
    ]
    .map(str::to_owned);
    spoil(row.spoiled, &mut cells);
    for column in WITH_TAB {
        cells[column].push('\t');
    }
    cells.to_vec()
}

fn spoil(spoiled: Option<u32>, cells: &mut [String; 25]) {
    let Some(nth) = spoiled else { return };
    let (cell, text) = [(12, "1.2.3"), (5, "2025-11-31 25:00:00"), (2, "其它")][nth as usize / 4 % 3];
    text.clone_into(&mut cells[cell]);
}

fn shops(day: &Day, totals: &Totals) -> String {
    let (paid, refunded) = (totals.of(RowKind::Payment), totals.of(RowKind::Refund));
    let (net, fees) = (paid.minor - refunded.minor, paid.fee - refunded.fee);
    let [amount, fee, rest] = [net, -fees, net - fees].map(yuan);
    let counts = format!("{},{}", paid.count, refunded.count);
    format!(
        "{}{SHOPS_HEADER}\r\n合计\t,\t,{counts},{amount},{amount},0.00,0.00,0.00,{fee},0.00,{rest}\r\n\
         #{DASHES}业务汇总列表结束{DASHES}\r\n",
        heading(day, "业务汇总"),
    )
}
