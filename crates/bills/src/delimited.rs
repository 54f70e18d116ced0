//! Reads the delimited bills of WeChat Pay and Alipay. Columns are found by name; what differs between the two is in the
//! tables. A line with a fault is handed out as one and the reading goes on.
//!
//! Neither network quotes. Every field of WeChat Pay begins with a backtick, so a separator is a comma and a backtick; a
//! line without backticks, and Alipay, separate with a comma alone. A free text that holds separators is put together
//! again by position: the columns left of it are counted from the left, those right of it from the right. Where two free
//! texts leave a choice, every reading is tried, and a line with two valid readings is a fault: a goods name must not be
//! able to move an amount.

use std::io::BufRead;

use domain::money::{Amount, CNY, Currency, ParseMoneyError, Rate, minor_from_decimal};
use domain::report::REFERENCE_CHARS_MAX;

use crate::document::Document;
use crate::error::cut;
use crate::footer::{self, Tally};
use crate::layouts::{ALIPAY_CNY_SUFFIX, ALIPAY_SHOPS_COLUMN, Column, DELIMITED, Dialect, FeeSign, Frame, Layout};
use crate::summary::EXPONENT;
use crate::text::{Charset, Line, Lines, civil};
use crate::{Error, Fault, Kind, Reason, Refusal, Row, Sink, Summary};

/// Free texts are at most 128 characters in either network's interface.
const SURPLUS_MAX: usize = 128;
/// Alipay's footer has four lines, WeChat's two.
const FOOTER_LINES_MAX: usize = 8;

pub(crate) fn read(input: impl BufRead, each: Sink<'_>) -> Result<Document, Error> {
    let mut lines = Lines::new(input);
    let Some((list, mut summary)) = header(&mut lines)? else { return Ok(Document::Companion) };
    let mut tally = Tally::default();
    let mut footer: Vec<String> = Vec::new();
    let mut hand_out = |summary: &mut Summary, item: Result<Row, Fault>| {
        summary.fold(&item);
        each(item);
    };
    if let Some(fault) = list.no_account() {
        hand_out(&mut summary, Err(fault));
    }
    while let Some(line) = lines.next()? {
        if line.is_blank() {
            continue;
        }
        let item = match line.decode(list.dialect.charset) {
            Err(fault) => Err(fault),
            Ok(text) if list.is_footer(&text, footer.len()) && footer.len() < FOOTER_LINES_MAX => {
                footer.push(text.into_owned());
                continue;
            }
            Ok(_) if !footer.is_empty() => Err(line.fault(Reason::AfterEnd)),
            Ok(text) => list.row(&text, line).map(|(row, money)| {
                tally.add(row.kind, &money);
                row
            }),
        };
        hand_out(&mut summary, item);
    }
    summary.control = footer::judge(list.dialect, &footer, &tally);
    Ok(Document::Bill(summary))
}

/// A printed money column, `0` where the layout has no such column.
pub(crate) type Money = [i64; Column::MONEY.len()];

/// A recognised header.
struct List {
    dialect: &'static Dialect,
    /// As printed.
    names: Vec<String>,
    positions: [Option<usize>; Column::COUNT],
    merchant: Option<String>,
    line: u64,
}

/// Passes the lines before the header and recognises it. `None` for the other member of Alipay's archive.
fn header<R: BufRead>(lines: &mut Lines<R>) -> Result<Option<(List, Summary)>, Error> {
    let mut merchant = None;
    let mut last = (0, String::new());
    while let Some(line) = lines.next()? {
        last = (line.number, line.lossy().into_owned());
        if line.bytes.starts_with(b"#") {
            merchant = merchant.or_else(|| account(line));
        } else if !line.is_blank() {
            return recognise(line, merchant);
        }
    }
    Err(Refusal::unknown(last.0, &last.1, "it ends before any header; fetch it again").into())
}

fn account(line: Line<'_>) -> Option<String> {
    let text = line.decode(Charset::Gbk).ok()?;
    DELIMITED.iter().find_map(|dialect| {
        let Frame::HashLines { account } = dialect.frame else { return None };
        let (_, rest) = text.split_once(account)?;
        let number = rest.split(']').next()?.trim();
        let partner = number.strip_suffix(ALIPAY_CNY_SUFFIX).unwrap_or(number);
        (!partner.is_empty()).then(|| cut(partner))
    })
}

fn recognise(line: Line<'_>, merchant: Option<String>) -> Result<Option<(List, Summary)>, Error> {
    let mut near = String::new();
    for charset in [Charset::Utf8, Charset::Gbk] {
        let Ok(text) = line.decode(charset) else { continue };
        let narrow: Vec<String> = text.split(',').map(|name| narrow(name.trim())).collect();
        if narrow.iter().any(|name| name == ALIPAY_SHOPS_COLUMN) {
            return Ok(None);
        }
        for dialect in &DELIMITED {
            let names: Vec<&str> = narrow.iter().map(|name| newest(dialect, name)).collect();
            let Some(layout) = dialect.layouts.iter().find(|layout| same_columns(layout, &names)) else {
                near = near_miss(dialect, &names).unwrap_or(near);
                continue;
            };
            require_charset(dialect, charset, line)?;
            let positions = positions(dialect, &names);
            let names = text.split(',').map(|name| name.trim().to_owned()).collect();
            let list = List { dialect, positions, names, merchant, line: line.number };
            return Ok(Some((list, Summary::new(dialect.network, layout.name))));
        }
    }
    let why =
        if near.is_empty() { "take the file as the network sent it, or add its layout to the table" } else { &near };
    Err(Refusal::unknown(line.number, &line.lossy(), why).into())
}

/// Full-width parentheses are printed by some generations of the same header.
fn narrow(name: &str) -> String {
    name.replace('（', "(").replace('）', ")")
}

pub(crate) fn newest<'a>(dialect: &Dialect, name: &'a str) -> &'a str {
    dialect.aliases.iter().find(|(former, _)| *former == name).map_or(name, |(_, newest)| newest)
}

fn same_columns(layout: &Layout, names: &[&str]) -> bool {
    let mut known: Vec<&str> = layout.header.split(',').collect();
    let mut found = names.to_vec();
    known.sort_unstable();
    found.sort_unstable();
    known == found
}

/// For a header that shares most names with a layout: what is missing and what is new.
fn near_miss(dialect: &Dialect, names: &[&str]) -> Option<String> {
    let difference = |layout: &Layout| {
        let known: Vec<&str> = layout.header.split(',').collect();
        let missing: Vec<&str> = known.iter().copied().filter(|name| !names.contains(name)).collect();
        let new: Vec<&str> = names.iter().copied().filter(|name| !known.contains(name)).collect();
        (missing, new)
    };
    let (_, reference) = dialect.columns.iter().find(|(column, _)| *column == Column::Reference)?;
    if !names.contains(reference) {
        return None;
    }
    let candidates = dialect.layouts.iter().map(|layout| (layout.name, difference(layout)));
    let (layout, (missing, new)) =
        candidates.min_by_key(|(_, (missing, new))| missing.len().saturating_add(new.len()))?;
    let (missing, new) = (cut(&missing.join(",")), cut(&new.join(",")));
    Some(format!("nearest is {layout}: missing [{missing}], unknown [{new}]; add it to the layout table"))
}

fn require_charset(dialect: &Dialect, used: Charset, line: Line<'_>) -> Result<(), Refusal> {
    if used == dialect.charset {
        return Ok(());
    }
    let offset = line.offset_of(dialect.charset.decode(line.bytes).err().unwrap_or(0));
    let Dialect { network, charset, .. } = *dialect;
    Err(Refusal::WrongCharset { network, charset, offset, line: line.number })
}

fn positions(dialect: &Dialect, names: &[&str]) -> [Option<usize>; Column::COUNT] {
    let mut positions = [None; Column::COUNT];
    for (column, name) in dialect.columns {
        positions[*column as usize] = names.iter().position(|found| found == name);
    }
    positions
}

impl List {
    fn no_account(&self) -> Option<Fault> {
        let needed = matches!(self.dialect.frame, Frame::HashLines { .. }) && self.merchant.is_none();
        needed.then(|| Fault::new(self.line, "账号", "", Reason::NoAccount))
    }

    fn is_footer(&self, text: &str, footer_lines: usize) -> bool {
        match self.dialect.frame {
            Frame::LastTwoLines(first) => footer_lines == 1 || text.trim_start_matches('`').starts_with(first),
            Frame::HashLines { .. } => text.starts_with('#'),
        }
    }

    fn row(&self, text: &str, line: Line<'_>) -> Result<(Row, Money), Fault> {
        let cells = split(text);
        let (found, expected) = (cells.len(), self.names.len());
        let surplus = found.checked_sub(expected).filter(|surplus| *surplus <= SURPLUS_MAX);
        let Some(surplus) = surplus else { return Err(line.fault(Reason::Columns { found, expected })) };
        let read = |shift| Cells { list: self, cells: &cells, shift, line: line.number }.row();
        if surplus == 0 || !self.dialect.last_is_free {
            return read(surplus);
        }
        let mut valid = (0..=surplus).filter_map(|shift| read(shift).ok());
        match (valid.next(), valid.next()) {
            (Some(row), None) => Ok(row),
            (Some(_), Some(_)) => Err(line.fault(Reason::Ambiguous)),
            (None, _) => Err(line.fault(Reason::Columns { found, expected })),
        }
    }
}

/// Backtick framing or commas alone: see the top of this file.
pub(crate) fn split(text: &str) -> Vec<&str> {
    match text.strip_prefix('`') {
        Some(framed) => framed.split(",`").collect(),
        None => text.split(',').collect(),
    }
}

/// One reading of a line: columns right of the free text stand `shift` further right than in the header.
struct Cells<'a> {
    list: &'a List,
    cells: &'a [&'a str],
    shift: usize,
    line: u64,
}

impl<'a> Cells<'a> {
    fn position(&self, column: Column) -> Option<usize> {
        self.list.positions[column as usize]
    }

    /// `None` when the layout has no such column.
    fn get(&self, column: Column) -> Option<&'a str> {
        let position = self.position(column)?;
        let free = self.position(Column::FreeText)?;
        let shift = if position > free { self.shift } else { 0 };
        Some(self.cells.get(position.checked_add(shift)?)?.trim_matches([' ', '\t']))
    }

    /// `None` too when nothing stands there, which WeChat prints as `0` for numbers.
    fn filled(&self, column: Column) -> Option<&'a str> {
        self.get(column).filter(|text| !text.is_empty() && *text != "0")
    }

    fn fault(&self, column: Column, reason: impl Into<Reason>) -> Fault {
        let name =
            self.position(column).and_then(|position| self.list.names.get(position)).map_or("line", String::as_str);
        Fault::new(self.line, name, self.get(column).unwrap_or(""), reason)
    }

    fn required(&self, column: Column) -> Result<String, Fault> {
        self.filled(column).map(str::to_owned).ok_or_else(|| self.fault(column, Reason::Empty))
    }

    fn reference(&self, column: Column) -> Result<Option<String>, Fault> {
        match self.filled(column) {
            Some(text) if text.chars().count() > REFERENCE_CHARS_MAX => Err(self.fault(column, Reason::LongReference)),
            text => Ok(text.map(str::to_owned)),
        }
    }

    fn row(&self) -> Result<(Row, Money), Fault> {
        let kind = self.kind()?;
        if let Some(created) = self.get(Column::Created) {
            civil(created).ok_or_else(|| self.fault(Column::Created, Reason::NotATime))?;
        }
        let time = self.time_column(kind);
        let at = civil(self.get(time).unwrap_or("")).ok_or_else(|| self.fault(time, Reason::NotATime))?;
        let money = self.money()?;
        let merchant = match self.position(Column::Merchant) {
            Some(_) => self.required(Column::Merchant)?,
            None => self.list.merchant.clone().unwrap_or_default(),
        };
        let row = Row {
            network: self.list.dialect.network,
            kind,
            reference: self
                .reference(Column::Reference)?
                .ok_or_else(|| self.fault(Column::Reference, Reason::Empty))?,
            refund_reference: self.reference(Column::RefundReference)?,
            original_reference: None,
            merchant,
            order: self.get(Column::Order).unwrap_or("").to_owned(),
            trace: None,
            at,
            amount: self.amount(kind, &money)?,
            ordered_minor: self.ordered(kind, &money),
            fee_minor: self.fee(kind, &money)?,
            fee_rate: self.rate()?,
            settled_minor: None,
            status: self.status(kind).to_owned(),
            line: self.line,
        };
        Ok((row, money))
    }

    fn kind(&self) -> Result<Kind, Fault> {
        let status = self.get(Column::Status);
        let known = self.list.dialect.kinds.iter().find(|(name, _)| Some(*name) == status);
        known.map(|(_, kind)| *kind).ok_or_else(|| self.fault(Column::Status, Reason::UnknownKind))
    }

    /// A refund list prints the time of the payment first, and the refund's own times further right.
    fn time_column(&self, kind: Kind) -> Column {
        let own = [Column::Refunded, Column::Applied].into_iter().find(|column| self.filled(*column).is_some());
        own.filter(|_| kind != Kind::Payment).unwrap_or(Column::Time)
    }

    fn money(&self) -> Result<Money, Fault> {
        let mut money = Money::default();
        for (column, minor) in Column::MONEY.into_iter().zip(&mut money) {
            if let Some(text) = self.get(column) {
                *minor = minor_from_decimal(text, EXPONENT).map_err(|why| self.fault(column, why))?;
            }
        }
        Ok(money)
    }

    /// Historic files print refunds with a minus, so on rows that come back the sign says nothing.
    fn amount(&self, kind: Kind, money: &Money) -> Result<Amount, Fault> {
        let column = match kind {
            Kind::Refund if self.position(Column::RefundAmount).is_some() => Column::RefundAmount,
            Kind::Revoked if money[Column::RefundAmount as usize] != 0 => Column::RefundAmount,
            _ => Column::Amount,
        };
        let minor = money[column as usize];
        if kind == Kind::Payment && minor < 0 {
            return Err(self.fault(column, Reason::Negative));
        }
        let magnitude = minor.checked_abs().ok_or_else(|| self.fault(column, ParseMoneyError::OutOfRange))?;
        let currency = self.currency()?;
        Amount::new(magnitude, currency).ok_or_else(|| self.fault(column, Reason::Negative))
    }

    fn currency(&self) -> Result<Currency, Fault> {
        match self.get(Column::Currency) {
            Some(code) if code != CNY.code() => Err(self.fault(Column::Currency, Reason::UnknownCurrency)),
            _ => Ok(CNY),
        }
    }

    fn ordered(&self, kind: Kind, money: &Money) -> Option<i64> {
        let asked = kind != Kind::Payment && self.position(Column::Asked).is_some();
        let column = if asked { Column::Asked } else { Column::Ordered };
        self.position(column)?;
        money[column as usize].checked_abs()
    }

    fn fee(&self, kind: Kind, money: &Money) -> Result<i64, Fault> {
        let returned = self.position(Column::FeeReturned).is_some();
        let column = if returned { Column::FeeReturned } else { Column::Fee };
        let printed = money[column as usize];
        let magnitude = printed.checked_abs().ok_or_else(|| self.fault(column, ParseMoneyError::OutOfRange))?;
        Ok(match (self.list.dialect.fee, kind) {
            _ if returned => magnitude.saturating_neg(),
            (FeeSign::AsPrinted, _) => printed,
            (FeeSign::ByKind, Kind::Payment) => magnitude,
            (FeeSign::ByKind, _) => magnitude.saturating_neg(),
        })
    }

    fn rate(&self) -> Result<Option<Rate>, Fault> {
        let Some(text) = self.filled(Column::Rate) else { return Ok(None) };
        Rate::from_percent(text).map(Some).ok_or_else(|| self.fault(Column::Rate, Reason::NotARate))
    }

    fn status(&self, kind: Kind) -> &'a str {
        let own = self.filled(Column::RefundStatus).filter(|_| kind != Kind::Payment);
        own.or_else(|| self.get(Column::Status)).unwrap_or("")
    }
}
