//! Lines of a table that are orders to the clearing house about files and breaks. A file is known by its label, a row by the
//! file's label and its line (`F1.7`), whoever speaks by `by=anna`, else a clerk.

use domain::break_code::BreakCode;
use domain::clearing::{
    BillFile, BillRow, BillTotals, ControlTotals, FileDigest, Finding, LongOutcome, Match, MatchKey, Order, Resolution,
};
use domain::directive::Completion;
use domain::ids::{Network, Sequence};
use domain::money::CNY;
use domain::rulebook::Rulebook;
use domain::time::Date;

use super::words::{self, amount, identifier, number};

/// Who orders what; `None` when the line is no order.
pub(super) fn order<'a>(rules: &Rulebook, words: &[&'a str]) -> Result<Option<(&'a str, Order)>, String> {
    let (words, principal) = match words {
        [words @ .., last] if last.starts_with("by=") => (words, last.trim_start_matches("by=")),
        words => (words, "clerk"),
    };
    let network = |name: &str| rules.network(name).ok_or_else(|| format!("no network {name}"));
    let order = match *words {
        ["file", of, label] => Order::RecordFile(file(network(of)?, label, ControlTotals::Matched, 0)),
        ["file", of, label, "partial"] => Order::RecordFile(file(network(of)?, label, ControlTotals::Absent, 1)),
        ["match", label, line, leg, ref rest @ ..] => Order::RecordMatches {
            file: digest(label),
            matches: vec![Match {
                line: number(line)?,
                leg: Sequence(number(leg)?),
                by: MatchKey::NetworkReference,
                resolves: rest.first().map(|label| identifier(label)),
            }],
        },
        ["break", label, code, of, ref rest @ ..] => {
            Order::RecordBreaks(vec![finding(label, code, network(of)?, rest.first().copied())?])
        }
        ["end", label, how] => {
            Order::ResolveBreak { id: identifier(label), resolution: resolution(how)?, note: "looked at".to_owned() }
        }
        ["hold", label, at, from, ">", to, minor] => Order::HoldLong {
            id: identifier(label),
            row: row(at)?,
            from: network(from)?,
            to: network(to).ok(),
            amount: amount(minor)?,
        },
        ["release", label, to, minor] => Order::ResolveLong {
            id: identifier(label),
            outcome: match to {
                "back" => LongOutcome::ReturnToPayer,
                "payee" => LongOutcome::CreditPayee(None),
                other => LongOutcome::CreditPayee(Some(network(other)?)),
            },
            amount: amount(minor)?,
            note: "found".to_owned(),
        },
        ["advance", label, to, ">", against, minor] => Order::AdvanceShort {
            id: identifier(label),
            to: network(to)?,
            against: network(against)?,
            amount: amount(minor)?,
        },
        ["recover", label, minor] => {
            Order::RecoverShort { id: identifier(label), amount: amount(minor)?, note: "paid".to_owned() }
        }
        ["write_off", label, minor] => {
            Order::WriteOffShort { id: identifier(label), amount: amount(minor)?, note: "lost".to_owned() }
        }
        _ => return Ok(None),
    };
    Ok(Some((principal, order)))
}

/// `rest` is the refund, if it is one, the silent side, what the row shows, and the break that it ends, if any.
pub(super) fn completion([at, id, kind]: [&str; 3], rest: &[&str]) -> Result<Completion, String> {
    let (movement, rest) = match rest {
        [side, ..] if words::side(side).is_ok() => (None, rest),
        [movement, rest @ ..] => (Some(identifier(movement)), rest),
        [] => return Err("a completion has a side and an amount".to_owned()),
    };
    let [side, minor, ends @ ..] = rest else { return Err("a completion has a side and an amount".to_owned()) };
    Ok(Completion {
        command: identifier("a command"),
        payment: identifier(id),
        movement,
        kind: words::kind(kind)?,
        side: words::side(side)?,
        amount: amount(minor)?,
        row: row(at)?,
        ends: ends.first().map(|label| identifier(label)),
    })
}

fn digest(label: &str) -> FileDigest {
    let id = identifier(label).to_bytes();
    let mut digest = [0; 32];
    digest[..16].copy_from_slice(&id);
    digest
}

fn row(word: &str) -> Result<BillRow, String> {
    let (label, line) = word.split_once('.').ok_or("a row is a file and a line, F1.7")?;
    Ok(BillRow { file: digest(label), line: number(line)? })
}

fn file(network: Network, label: &str, control_totals: ControlTotals, invalid_rows: u32) -> BillFile {
    BillFile {
        network,
        business_date: Date::default(),
        digest: digest(label),
        file_name: format!("{label}.csv"),
        layout: "a table".to_owned(),
        totals: BillTotals {
            currency: CNY,
            rows: 9,
            payments: 9,
            payments_minor: 900,
            refunds: 0,
            refunds_minor: 0,
            fees_minor: 0,
        },
        control_totals,
        invalid_rows,
    }
}

fn finding(label: &str, code: &str, network: Network, at: Option<&str>) -> Result<Finding, String> {
    let payment = at.and_then(|word| word.strip_prefix("of=")).map(identifier);
    let at = at.filter(|_| payment.is_none());
    let (currency, replaced) = match at.map(|word| (word, word.strip_prefix("replaces="))) {
        Some((_, Some(replaced))) => (CNY, Some(identifier(replaced))),
        Some((word, None)) if !word.contains('.') => (words::money(&format!("0{word}"))?.1, None),
        _ => (CNY, None),
    };
    let row = at.filter(|word| word.contains('.')).map(row).transpose()?;
    let code = BreakCode::ALL.iter().copied().find(|known| known.name() == code);
    Ok(Finding {
        id: identifier(label),
        code: code.ok_or("no such break code")?,
        network,
        business_date: Date::default(),
        row,
        payment,
        movement: None,
        kind: None,
        side: None,
        network_reference: String::new(),
        refund_reference: String::new(),
        currency,
        ledger_minor: None,
        file_minor: None,
        note: String::new(),
        replaces: replaced,
    })
}

fn resolution(word: &str) -> Result<Resolution, String> {
    Ok(match word {
        "matched_later" => Resolution::MatchedLater,
        "undone_by_network" => Resolution::UndoneByNetwork,
        "file_corrected" => Resolution::FileCorrected,
        "accepted" => Resolution::Accepted,
        _ => return Err(format!("no resolution {word}")),
    })
}

/// How a break stands: open, booked and open, or how it ended.
pub(super) fn standing(found: Option<&domain::clearing::Break>) -> &'static str {
    match found {
        None => "unknown",
        Some(found) => match &found.ending {
            None if found.booking.is_some() => "booked",
            None => "open",
            Some(ending) => match ending.resolution {
                Resolution::MatchedLater => "matched_later",
                Resolution::Booked => "ended_by_booking",
                Resolution::UndoneByNetwork => "undone_by_network",
                Resolution::FileCorrected => "file_corrected",
                Resolution::Accepted => "accepted",
                Resolution::Replaced => "replaced",
            },
        },
    }
}
