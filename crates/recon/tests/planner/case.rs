//! Reads the lines of a case, runs the planner over each file, and says what followed in the words of the tables.

use std::collections::{BTreeMap, BTreeSet};

use bills::{Fault, Reason, Row};
use domain::break_code::BreakCode;
use domain::clearing::{BillFile, BillTotals, ControlTotals, Match, MatchKey};
use domain::ids::{Id, Network, Sequence};
use domain::money::{Amount, CNY, Rate};
use domain::payment::Side;
use domain::rejection::RejectionCode;
use domain::report::Kind;
use domain::time::{BusinessDay, Date, Timestamp};
use ledger::AnswerCode;
use recon::{Bill, Leg, LegFacts, Legs, Order, Past, Plan, plan};

const NETWORKS: [&str; 3] = ["unionpay", "tenpay", "alipay"];
const BEIJING: i32 = 28_800;
pub(crate) const DATE: &str = "2026-11-22";

/// One case as far as it was read.
#[derive(Default)]
pub(crate) struct Case {
    legs: Vec<Leg>,
    past: Past,
    bill: Option<Bill>,
    expected: Vec<String>,
}

type Lines = Vec<String>;

impl Case {
    /// What was expected and what followed, file by file.
    pub(crate) fn run(body: &str, shown: &mut BTreeSet<BreakCode>) -> Vec<(Lines, Lines)> {
        let mut case = Self::default();
        let mut results = Vec::new();
        for line in body.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            match word {
                "leg" => {
                    results.extend(case.close(shown));
                    case.legs.push(leg(rest));
                }
                "file" => {
                    results.extend(case.close(shown));
                    case.bill = Some(bill(rest));
                }
                "row" => case.open().rows.push(row(rest)),
                "fault" => case.open().faults.push(fault(rest)),
                ">" => case.expected.push(rest.to_owned()),
                _ => panic!("no such line: {line}"),
            }
        }
        results.extend(case.close(shown));
        results
    }

    fn open(&mut self) -> &mut Bill {
        self.bill.as_mut().expect("a file stands before its rows")
    }

    fn close(&mut self, shown: &mut BTreeSet<BreakCode>) -> Option<(Lines, Lines)> {
        let mut bill = self.bill.take()?;
        for row in &mut bill.rows {
            row.network = bill.writer;
        }
        let legs = Legs::new(self.legs.clone());
        let day = business_day(bill.file.network);
        let plan = plan(&bill, &legs, &self.past, day);
        let mut reversed = bill.clone();
        reversed.rows.reverse();
        assert_eq!(recon::plan(&reversed, &legs, &self.past, day), plan, "the order of rows matters");
        self.check_again(&bill, &legs, &plan);
        shown.extend(plan.findings.iter().map(|finding| finding.code));
        let mut found = self.words(&plan);
        record(&plan, &mut self.past);
        let mut expected = std::mem::take(&mut self.expected);
        found.sort();
        expected.sort();
        Some((expected, found))
    }

    /// The same file again, when everything is on record, shows the same. What was replaced or carried has found its end.
    fn check_again(&self, bill: &Bill, legs: &Legs, first: &Plan) {
        let mut past = self.past.clone();
        record(first, &mut past);
        let again = plan(bill, legs, &past, business_day(bill.file.network));
        let found = |plan: &Plan| -> Vec<_> { plan.matches.iter().map(|one| (one.line, one.leg, one.by)).collect() };
        assert_eq!(found(&again), found(first), "other matches the second time");
        let lasting: Vec<_> = first.findings.iter().filter(|finding| finding.replaces.is_none()).collect();
        assert_eq!(again.findings.iter().collect::<Vec<_>>(), lasting, "other breaks the second time");
    }

    fn words(&self, plan: &Plan) -> Lines {
        let mut words = Vec::new();
        words.extend(plan.matches.iter().map(|found| match_words("match", found)));
        words.extend(plan.carried.iter().map(|(_, found)| match_words("carried match", found)));
        for finding in &plan.findings {
            let line = finding.row.map_or(String::new(), |row| format!(" line {}", row.line));
            let minor = |who: &str, minor: Option<i64>| minor.map_or(String::new(), |minor| format!(" {who} {minor}"));
            let (ledger, file) = (minor("ledger", finding.ledger_minor), minor("file", finding.file_minor));
            let payment = finding.payment.map_or(String::new(), |id| format!(" P{}", id.0));
            let replaces = if finding.replaces.is_some() { " replacing" } else { "" };
            words.push(format!("{}{line}{payment}{ledger}{file}{replaces}", finding.code.name()));
        }
        words.extend(plan.bookings.iter().map(booking_words));
        if plan.counts.fees_off_by_one > 0 {
            words.push(format!("fees off by one: {}", plan.counts.fees_off_by_one));
        }
        words
    }
}

/// As the worker does once the ledger has accepted everything but the bookings.
pub(crate) fn record(plan: &Plan, past: &mut Past) {
    past.fold(&Order::RecordFile(plan.file.clone()));
    past.fold(&Order::RecordMatches { file: plan.file.digest, matches: plan.matches.clone() });
    for (file, found) in &plan.carried {
        past.fold(&Order::RecordMatches { file: *file, matches: vec![*found] });
    }
    past.fold(&Order::RecordBreaks(plan.findings.clone()));
}

fn match_words(what: &str, found: &Match) -> String {
    let by = if found.by == MatchKey::MerchantOrder { " by order" } else { "" };
    let ends = if found.resolves.is_some() { " ending a break" } else { "" };
    format!("{what} line {} leg {}{by}{ends}", found.line, found.leg)
}

fn booking_words(order: &Order) -> String {
    match order {
        Order::Complete { payment, kind, side, amount, .. } => {
            format!("complete P{} {kind:?} {side:?} {}", payment.0, amount.minor())
        }
        Order::HoldLong { from, to, amount, .. } => {
            format!("hold {} > {} {}", NETWORKS[from.index()], NETWORKS[to.index()], amount.minor())
        }
        Order::ReturnToTransit { payment, unproven, amount, .. } => {
            format!("return P{} {unproven:?} {}", payment.0, amount.minor())
        }
        other => panic!("{} is no booking", other.name()),
    }
}

struct Words<'a> {
    plain: Vec<&'a str>,
    named: BTreeMap<&'a str, &'a str>,
}

impl<'a> Words<'a> {
    fn new(line: &'a str) -> Self {
        let (named, plain): (Vec<&str>, Vec<&str>) = line.split_whitespace().partition(|word| word.contains('='));
        Self { plain, named: named.into_iter().filter_map(|word| word.split_once('=')).collect() }
    }

    fn named(&self, name: &str) -> Option<&'a str> {
        self.named.get(name).copied()
    }

    fn number(&self, at: usize) -> i64 {
        self.plain[at].parse().expect("a number")
    }

    fn text(&self, name: &str) -> String {
        self.named(name).unwrap_or_default().to_owned()
    }

    fn minor(&self, name: &str) -> Option<i64> {
        self.named(name).map(|text| text.parse().expect("a number"))
    }

    fn at(&self, date: Date) -> Timestamp {
        let text = self.named("at").unwrap_or("12:00:00");
        let second = text.split(':').fold(0, |sum, part| sum * 60 + part.parse::<u32>().expect("a time"));
        Timestamp::from_civil(date, second, BEIJING)
    }
}

pub(crate) fn network(name: &str) -> Network {
    let index = NETWORKS.iter().position(|known| *known == name).expect("a network");
    Network::from_index(index).expect("a network")
}

pub(crate) fn business_day(of: Network) -> BusinessDay {
    let cut_off_second = (of == network("unionpay")).then_some(82_800);
    BusinessDay { offset_seconds: BEIJING, cut_off_second, boundary_is_next_day: true }
}

pub(crate) fn date(text: &str) -> Date {
    Date::parse_iso(text).expect("a date")
}

fn id(text: &str) -> Id {
    Id(text[1..].parse().expect("a letter and a number"))
}

fn leg(line: &str) -> Leg {
    let words = Words::new(line);
    let reporter = network(words.plain[1]);
    let payer = network(words.named("payer").unwrap_or("unionpay"));
    let payee = network(words.named("payee").unwrap_or("tenpay"));
    let business_date = date(words.named("on").unwrap_or(DATE));
    let payment = id(words.plain[3]);
    let own_side = if reporter == payer { Side::Payer } else { Side::Payee };
    let facts = LegFacts {
        network: reporter,
        side: if words.named("side") == Some("both") { Side::Both } else { own_side },
        payer,
        payee,
        kind: kind(words.plain[2]),
        business_date,
        payment,
        movement: words.named("movement").map(id),
        minor: words.number(5),
        currency: CNY,
        occurred_at: words.at(business_date),
        network_reference: words.plain[4].to_owned(),
        refund_reference: words.text("refund"),
        merchant_order: words.named("order").map_or_else(|| format!("O-{}", words.plain[3]), str::to_owned),
        merchant_fee_minor: words.minor("fee"),
        has_evidence: words.named("evidence").is_some(),
    };
    let sequence = Sequence(words.plain[0].parse().expect("a sequence"));
    Leg { sequence, answer: answer(words.named("answer").unwrap_or("accepted")), facts, proven_by: None }
}

fn kind(word: &str) -> Kind {
    match word {
        "authorised" => Kind::Authorised,
        "captured" => Kind::Captured,
        "unknown" => Kind::UnknownOutcome,
        "voided" => Kind::Voided,
        "expired" => Kind::Expired,
        "refunded" => Kind::Refunded,
        "reversed" => Kind::Reversed,
        _ => panic!("no kind {word}"),
    }
}

fn answer(word: &str) -> AnswerCode {
    match word {
        "accepted" => AnswerCode::ACCEPTED,
        "waiting" => AnswerCode::WAITING_FOR_ORIGINAL,
        code => RejectionCode::ALL.iter().find(|known| known.name() == code).copied().expect("a rejection").into(),
    }
}

fn bill(line: &str) -> Bill {
    let words = Words::new(line);
    let (network, business_date) = (network(words.plain[0]), date(words.plain[1]));
    let writer = [bills::Network::Unionpay, bills::Network::Tenpay, bills::Network::Alipay][network.index()];
    let version: u8 = words.named("version").map_or(1, |version| version.parse().expect("a number"));
    let mut digest = [version; 32];
    digest[..4].copy_from_slice(&business_date.days_since_epoch().to_be_bytes());
    digest[4] = u8::try_from(network.index()).expect("three networks");
    let mismatched = words.named("totals") == Some("mismatched");
    let totals = BillTotals {
        currency: CNY,
        rows: 0,
        payments: 0,
        payments_minor: 0,
        refunds: 0,
        refunds_minor: 0,
        fees_minor: 0,
    };
    let file = BillFile {
        network,
        business_date,
        digest,
        file_name: line.to_owned(),
        layout: "table".to_owned(),
        totals,
        control_totals: if mismatched { ControlTotals::Mismatched } else { ControlTotals::Matched },
        invalid_rows: 0,
    };
    Bill { file, writer, rows: Vec::new(), faults: Vec::new(), discrepancies: Vec::new() }
}

fn row(line: &str) -> Row {
    let words = Words::new(line);
    Row {
        network: bills::Network::Tenpay,
        kind: match words.plain[1] {
            "payment" => bills::Kind::Payment,
            "refund" => bills::Kind::Refund,
            "reversal" => bills::Kind::Revoked,
            other => panic!("no row {other}"),
        },
        reference: words.plain[2].to_owned(),
        refund_reference: words.named("refund").map(str::to_owned),
        original_reference: words.named("original").map(str::to_owned),
        merchant: "1900000001".to_owned(),
        order: words.text("order"),
        trace: None,
        at: words.at(date(DATE)),
        amount: Amount::new(words.number(3), CNY).expect("not negative"),
        ordered_minor: None,
        fee_minor: words.minor("fee").unwrap_or_default(),
        fee_rate: words.named("rate").and_then(Rate::from_percent),
        settled_minor: None,
        status: String::new(),
        line: words.plain[0].parse().expect("a line"),
    }
}

fn fault(line: &str) -> Fault {
    let line = line.parse().expect("a line");
    Fault { line, field: "交易时间".to_owned(), value: String::new(), reason: Reason::Empty }
}
