//! Control totals of delimited files: what the rows add up to, held against what the file says at its end.

use domain::money::minor_from_decimal;

use crate::Kind;
use crate::delimited::{Money, newest, split};
use crate::layouts::{ALIPAY_FIGURES, ALIPAY_TOTALS, Column, Dialect, Figure, Frame, TENPAY_FIGURES};
use crate::summary::{Control, Discrepancy, EXPONENT, compare};

const KINDS: usize = 3;

/// Rows and sums of their printed columns, by kind. Amounts are added without their sign, fees with it.
#[derive(Default)]
pub(crate) struct Tally {
    rows: [i128; KINDS],
    sums: [[i128; Column::MONEY.len()]; KINDS],
}

impl Tally {
    #[expect(clippy::arithmetic_side_effects, reason = "an i128 holds 2^64 rows of the largest i64")]
    pub(crate) fn add(&mut self, kind: Kind, money: &Money) {
        self.rows[kind as usize] += 1;
        for (column, minor) in Column::MONEY.into_iter().zip(money) {
            let minor = i128::from(*minor);
            self.sums[kind as usize][column as usize] += if is_fee(column) { minor } else { minor.abs() };
        }
    }

    fn sum(&self, column: Column) -> i128 {
        self.sums.iter().map(|of_kind| of_kind[column as usize]).sum()
    }
}

fn is_fee(column: Column) -> bool {
    matches!(column, Column::Fee | Column::FeeReturned)
}

/// The verdict over the lines that follow the list.
pub(crate) fn judge(dialect: &Dialect, lines: &[String], tally: &Tally) -> Control {
    match dialect.frame {
        Frame::LastTwoLines(first) => two_lines(dialect, first, lines, tally),
        Frame::HashLines { .. } => hash_lines(lines, tally),
    }
}

fn missing(figure: &str) -> Discrepancy {
    Discrepancy::Missing { figure: figure.to_owned() }
}

fn two_lines(dialect: &Dialect, first: &str, lines: &[String], tally: &Tally) -> Control {
    let [names, values, ..] = lines else { return Control::Mismatched(vec![missing(first)]) };
    let names: Vec<&str> = split(names).into_iter().map(|name| newest(dialect, name.trim())).collect();
    let values = split(values);
    let mut found = Vec::new();
    for (position, name) in names.iter().enumerate() {
        let Some(value) = values.get(position) else {
            found.push(missing(name));
            continue;
        };
        let Some((_, figure)) = TENPAY_FIGURES.iter().find(|(known, _)| known == name) else {
            found.push(Discrepancy::Unreadable { figure: (*name).to_owned(), value: (*value).to_owned() });
            continue;
        };
        found.extend(hold(name, value.trim(), *figure, tally));
    }
    Control::of(found)
}

fn hold(name: &str, value: &str, figure: Figure, tally: &Tally) -> Option<Discrepancy> {
    let (computed, exponent) = match figure {
        Figure::Rows => (tally.rows.iter().sum(), 0),
        Figure::Sum(Column::Fee) => (tally.sum(Column::Fee).saturating_add(tally.sum(Column::FeeReturned)), EXPONENT),
        Figure::Sum(column) => (tally.sum(column), EXPONENT),
    };
    let signed = matches!(figure, Figure::Sum(Column::Fee));
    held(name, value, computed, exponent, signed)
}

fn held(name: &str, value: &str, computed: i128, exponent: u32, signed: bool) -> Option<Discrepancy> {
    match minor_from_decimal(value, exponent) {
        Ok(minor) => {
            let minor = i128::from(minor);
            compare(name, if signed { minor } else { minor.abs() }, computed, exponent)
        }
        Err(_) => Some(Discrepancy::Unreadable { figure: name.to_owned(), value: value.to_owned() }),
    }
}

/// A file whose footer is gone as a whole cannot be told from one that had none; half a footer can.
fn hash_lines(lines: &[String], tally: &Tally) -> Control {
    let rest = |title: &str| lines.iter().find_map(|line| line.trim_start_matches('#').trim().strip_prefix(title));
    let totals = ALIPAY_TOTALS.map(|(title, kind)| (title, kind, rest(title)));
    if totals.iter().all(|(_, _, line)| line.is_none()) {
        return Control::Absent;
    }
    let mut found = Vec::new();
    for (title, kind, line) in totals {
        match line {
            Some(line) => hash_line(title, kind, line, tally, &mut found),
            None => found.push(missing(title)),
        }
    }
    Control::of(found)
}

/// `：6笔，商家实收共0.06元，商家优惠共0.00元`, behind its title.
fn hash_line(title: &str, kind: Kind, line: &str, tally: &Tally, found: &mut Vec<Discrepancy>) {
    let mut parts = line.trim_start_matches(['：', ':']).split(['，', ',']).map(str::trim);
    let count = parts.next().unwrap_or("").trim_end_matches('笔');
    found.extend(held(&format!("{title} 笔数"), count, tally.rows[kind as usize], 0, false));
    let mut has_amount = false;
    for part in parts {
        let Some((name, amount)) = part.split_once('共') else { continue };
        let Some((_, column)) = ALIPAY_FIGURES.iter().find(|(known, _)| *known == name) else { continue };
        has_amount |= *column == Column::Amount;
        let computed = tally.sums[kind as usize][*column as usize];
        found.extend(held(&format!("{title} {name}"), amount.trim_end_matches('元'), computed, EXPONENT, false));
    }
    if !has_amount {
        found.push(missing(&format!("{title} 商家实收")));
    }
}
