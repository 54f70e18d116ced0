//! Reads UnionPay's page of totals. It has a block by kind of transaction and one by kind of card, each a list of lines and
//! their 总计; both 总计 are totals of the same list of transactions.

use std::io::BufRead;

use domain::money::minor_from_decimal;

use crate::layouts::rd2010;
use crate::summary::{Control, Discrepancy, EXPONENT, compare};
use crate::text::{Charset, Lines};
use crate::{Error, Network, Refusal, Summary};

pub(crate) fn is_page(head: &[u8]) -> bool {
    // The head may end inside a character; the marks stand in front.
    let valid = Charset::Gbk.decode(head).err().unwrap_or(head.len());
    Charset::Gbk.decode(&head[..valid]).is_ok_and(|text| rd2010::MARKS.iter().all(|mark| text.contains(mark)))
}

type Figures = [i128; rd2010::FIGURES];

/// Count, then debit and credit of the amount, the fee and the difference to be settled.
const NAMES: [&str; rd2010::FIGURES] =
    ["交易笔数", "交易金额 借", "交易金额 贷", "费用 借", "费用 贷", "资金清算差额 借", "资金清算差额 贷"];

/// The page's totals, and what it contradicts itself in.
#[derive(Default)]
pub(crate) struct Report {
    totals: Vec<Figures>,
    found: Vec<Discrepancy>,
}

#[expect(clippy::arithmetic_side_effects, reason = "an i128 holds 2^64 lines of the largest i64")]
pub(crate) fn read(input: impl BufRead) -> Result<Report, Error> {
    let mut lines = Lines::new(input);
    let mut report = Report::default();
    let mut sums = Figures::default();
    while let Some(line) = lines.next()? {
        let text = line
            .decode(Charset::Gbk)
            .map_err(|fault| Refusal::unknown(fault.line, &fault.value, fault.reason.to_string()))?;
        let Some((name, figures)) = parse(&text) else {
            if text.trim().starts_with(rd2010::GRAND_TOTAL) {
                report
                    .found
                    .push(Discrepancy::Unreadable { figure: rd2010::GRAND_TOTAL.to_owned(), value: text.into_owned() });
            }
            continue;
        };
        if name == rd2010::GRAND_TOTAL {
            let differences = (0..rd2010::FIGURES).filter_map(|i| hold(NAMES[i], i, figures[i], sums[i]));
            report.found.extend(differences);
            report.totals.push(figures);
            sums = Figures::default();
        } else {
            sums.iter_mut().zip(figures).for_each(|(sum, figure)| *sum += figure);
        }
    }
    if report.totals.len() < rd2010::BLOCKS && report.found.is_empty() {
        report.found.push(Discrepancy::Missing { figure: rd2010::GRAND_TOTAL.to_owned() });
    }
    Ok(report)
}

/// `name count debit credit debit credit debit credit`, separated by runs of spaces; a name may hold spaces too.
fn parse(text: &str) -> Option<(String, Figures)> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let (name, numbers) = words.split_at_checked(words.len().checked_sub(rd2010::FIGURES)?)?;
    let mut figures = Figures::default();
    for (i, number) in numbers.iter().enumerate() {
        figures[i] = i128::from(minor_from_decimal(number, if i == 0 { 0 } else { EXPONENT }).ok()?);
    }
    (!name.is_empty()).then(|| (name.join(" "), figures))
}

fn hold(name: &str, position: usize, page: i128, computed: i128) -> Option<Discrepancy> {
    compare(name, page, computed, if position == 0 { 0 } else { EXPONENT })
}

impl Report {
    /// A page alone: it may contradict itself, but there are no rows it could match.
    pub(crate) fn into_summary(self) -> Summary {
        let control = if self.found.is_empty() { Control::Absent } else { Control::Mismatched(self.found) };
        Summary { control, ..Summary::new(Network::Unionpay, rd2010::NAME) }
    }

    /// Amounts are compared by side. Fees and differences are compared as debit less credit, because a page may net them.
    #[expect(clippy::arithmetic_side_effects, reason = "an i128 holds 2^64 rows of the largest i64")]
    pub(crate) fn against(self, list: &Summary) -> Control {
        let mut found = self.found;
        let returned = list.returned_minor();
        // Each row's settled amount is its amount less its fee: a row where it is not has a fault and is in no sum.
        let settled = list.payments.minor - returned - list.fees_minor;
        for [count, debit, credit, fee_debit, fee_credit, net_debit, net_credit] in self.totals {
            found.extend(compare(NAMES[0], count, i128::from(list.rows), 0));
            found.extend(compare(NAMES[1], debit, returned, EXPONENT));
            found.extend(compare(NAMES[2], credit, list.payments.minor, EXPONENT));
            found.extend(compare("费用 借-贷", fee_debit - fee_credit, list.fees_minor, EXPONENT));
            found.extend(compare("资金清算差额 贷-借", net_credit - net_debit, settled, EXPONENT));
        }
        Control::of(found)
    }
}
