//! The worker over a real ledger in memory and files on disk. Records are lines of text here, because their format is
//! nothing that reconciliation knows.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use domain::command::Command;
use domain::directive::{Action, Codec, Directive};
use domain::ids::{Id, Network};
use domain::money::{Amount, CNY};
use domain::payment::Side;
use domain::rejection::Quarantine;
use domain::report::{Evidence, Kind, Scan, Submission};
use domain::rulebook::Rulebook;
use domain::time::{Date, Timestamp};
use ledger::{Clock, EntryKind, Handle, Input, Ledger, Options, Polled, Source, SourceError};
use recon::{Commands, Error, Files, LegFacts, Logged, Order, Outcome, Report, Verdict, reconcile};
use store::MemoryStore;
use store::genesis::{Genesis, Source as Topic};
use store::hash::HashKey;

const BILL: &str = "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,商品名称,商户数据包,手续费,费率,订单金额,费率备注
`2026-11-22 10:00:00,`wx1,`1900000001,`0,`,`W1,`A1,`o1,`NATIVE,`SUCCESS,`CFT,`CNY,`6.00,`0.00,`豆浆,`,`0.04000,`0.60%,`6.00,`
`2026-11-22 10:00:00,`wx1,`1900000001,`0,`,`W2,`A2,`o1,`NATIVE,`SUCCESS,`CFT,`CNY,`7.00,`0.00,`豆浆,`,`0.04000,`0.60%,`7.00,`
总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额
`2,`13.00,`0.00,`0.00,`0.08000,`13.00,`0.00
";

/// Event id, payment, network, side, minor units, reference, order number. A line without fields prefunds UnionPay.
const RECORDS: [&str; 4] = [
    "prefund",
    "event-0000000001|payment-00000001|unionpay|payer|600|U1|A1",
    "event-0000000002|payment-00000001|tenpay|payee|600|W1|A1",
    "event-0000000003|payment-00000002|unionpay|payer|700|U2|A2",
];

const TOPICS: [&str; 3] = ["hutong.control", "payments.unionpay", "payments.tenpay"];

fn date() -> Date {
    Date::from_ymd(2026, 11, 22).expect("a date")
}

fn noon() -> Timestamp {
    Timestamp::from_civil(date(), 43_200, 28_800)
}

struct Lines;

fn fields(raw: &[u8]) -> Vec<&str> {
    std::str::from_utf8(raw).expect("text").split('|').collect()
}

impl Codec for Lines {
    fn event<'a>(&self, raw: &'a [u8]) -> Result<Submission<'a>, Quarantine> {
        let words = fields(raw);
        Ok(Submission {
            event_id: words[0].as_bytes(),
            payment_id: words[1].as_bytes(),
            movement_id: &[],
            network_reference: words[5],
            refund_reference: "",
            network: words[2],
            side: Some(if words[3] == "payer" { Side::Payer } else { Side::Payee }),
            kind: Some(Kind::Captured),
            payer_network: "unionpay",
            payee_network: "tenpay",
            payer_institution: "",
            payee_institution: "",
            channel: "",
            scan: Some(Scan::None),
            code: None,
            amount_minor: words[4].parse().expect("a number"),
            currency_code: "CNY",
            evidence: Some(Evidence::None),
            region: "",
            cohort: "",
            occurred_at: noon().micros(),
            business_date: 0,
        })
    }

    fn command(&self, raw: &[u8], rules: &Rulebook) -> Result<Directive, Quarantine> {
        let network = rules.network("unionpay").expect("a network of the default");
        let amount = Amount::new(1_000_000, CNY).expect("not negative");
        Ok(Directive {
            principal: "bank".to_owned(),
            idempotency_key: String::from_utf8_lossy(raw).into_owned(),
            bank_reference: None,
            action: Ok(Action::Command(Command::ConfirmPrefund { network, amount })),
        })
    }

    fn rulebook(&self, text: &[u8]) -> Result<Rulebook, String> {
        rulebook::parse(std::str::from_utf8(text).expect("text")).map_err(|error| error.to_string())
    }
}

struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        noon()
    }
}

/// The records, and as many commands more as orders were given by an earlier run.
struct Day {
    orders: usize,
}

impl Source for Day {
    fn poll(&mut self, _: usize, _: Duration, take: &mut dyn FnMut(Input<'_>)) -> Result<Polled, SourceError> {
        let orders = (0..self.orders).map(|order| format!("order {order}"));
        for (raw, offset) in RECORDS.iter().map(ToString::to_string).chain(orders).zip(0..) {
            let mut words = raw.split('|').skip(1);
            let key = words.next().unwrap_or_default().as_bytes();
            let network = words.next().unwrap_or("control");
            let source = TOPICS.iter().zip(0..).find(|(topic, _)| topic.ends_with(network)).expect("a topic").1;
            take(Input { source, offset, arrived_at: noon(), key, raw: raw.as_bytes() });
        }
        Ok(Polled::Ended)
    }
}

fn handle() -> Handle {
    handle_after(0)
}

fn handle_after(orders: usize) -> Handle {
    let topic = |name: &str| Topic { topic: name.to_owned(), topic_id: String::new(), partitions: 1 };
    let sources = TOPICS.map(topic).to_vec();
    let genesis = Genesis { cluster: "test".to_owned(), shard: 0, sources };
    let store = Arc::new(MemoryStore::new(&genesis, HashKey::new([1; 16])).expect("a store"));
    let rules = rulebook::DEFAULT.as_bytes();
    let ledger = Ledger::open(store, Box::new(Lines), Box::new(Noon), rules, Options::default()).expect("a ledger");
    let handle = ledger.handle();
    ledger.start(Box::new(Day { orders })).expect("threads").wait().expect("a day");
    handle
}

fn leg(kind: EntryKind, raw: &[u8]) -> Option<Logged> {
    if kind != EntryKind::PaymentEvent {
        return None;
    }
    let words = fields(raw);
    let network = |index| Network::from_index(index).expect("a network");
    let is_payer = words[3] == "payer";
    Some(Logged::Leg(LegFacts {
        network: network(usize::from(!is_payer)),
        side: if is_payer { Side::Payer } else { Side::Payee },
        payer: network(0),
        payee: network(1),
        kind: Kind::Captured,
        business_date: date(),
        payment: Id::from_bytes(words[1].as_bytes()).expect("16 bytes"),
        movement: None,
        minor: words[4].parse().expect("a number"),
        currency: CNY,
        occurred_at: noon(),
        network_reference: words[5].to_owned(),
        refund_reference: String::new(),
        merchant_order: words[6].to_owned(),
        merchant_fee_minor: None,
        has_evidence: false,
    }))
}

/// Remembers orders by their key, as a ledger does, and refuses those of one name.
#[derive(Default)]
struct Desk {
    orders: BTreeMap<String, Order>,
    names: Vec<&'static str>,
    given: Vec<Order>,
    refuses: &'static str,
    breaks_down_at: &'static str,
}

impl Commands for Desk {
    fn submit(&mut self, key: String, order: Order) -> Result<Outcome, Box<dyn std::error::Error + Send + Sync>> {
        assert_eq!(key, order.key());
        if order.name() == self.breaks_down_at {
            return Err("no answer within 5 s".into());
        }
        self.names.push(order.name());
        self.given.push(order.clone());
        if order.name() == self.refuses {
            return Ok(Outcome::Refused("CYCLE_STATE".to_owned()));
        }
        match self.orders.insert(key, order.clone()) {
            None => Ok(Outcome::Accepted),
            Some(before) if before == order => Ok(Outcome::Duplicate),
            Some(_) => panic!("one key for two orders"),
        }
    }
}

fn directory() -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).expect("a file");
    write("tenpay.csv", BILL);
    write(".part", "half of a download");
    directory
}

fn run(directory: &Path, handle: &Handle, desk: Option<&mut Desk>) -> Result<Report, Error> {
    let files = Files::of_directory(directory)?;
    let commands = desk.map(|desk| desk as &mut dyn Commands);
    reconcile(&files, handle, &leg, date(), commands, &mut |_| {})
}

#[test]
fn a_run_records_what_it_found_and_books_what_a_row_proves() {
    let (directory, handle, mut desk) = (directory(), handle(), Desk::default());
    let report = run(directory.path(), &handle, Some(&mut desk)).expect("a run");
    assert_eq!(
        desk.names,
        ["record_file", "record_matches", "record_breaks", "complete_from_evidence", "record_breaks"]
    );
    let codes: Vec<_> = report.breaks.iter().map(|found| (found.code, found.network.as_str())).collect();
    assert_eq!(codes, [("LEG_MISSING", "tenpay"), ("FILE_MISSING", "unionpay"), ("FILE_MISSING", "alipay")]);
    assert_eq!(report.breaks[0].break_id, report.bookings[0].break_id);
    assert_eq!((report.bookings[0].amount_minor, report.bookings[0].outcome.as_str()), (700, "accepted"));
    assert_eq!(report.verdict, Verdict::Breaks);
    assert_eq!(report.to_string(), "2026-11-22: 1 file, 1 of 2 rows matched, 3 breaks, 1 booking");
    assert!(report.to_json().contains(r#""rows":2,"legs":1,"matched":1,"#), "{}", report.to_json());
}

#[test]
fn running_again_changes_nothing() {
    let (directory, handle, mut desk) = (directory(), handle(), Desk::default());
    let first = run(directory.path(), &handle, Some(&mut desk)).expect("a run");
    let orders = desk.orders.clone();
    let second = run(directory.path(), &handle, Some(&mut desk)).expect("a run");
    assert_eq!(desk.orders, orders);
    assert_eq!(second.bookings[0].outcome, "duplicate");
    let ids = |report: &Report| report.breaks.iter().map(|found| found.break_id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&first), ids(&second));
}

/// What a row has proven is a leg of the log by then, and stays a finding of the file that has proven it.
#[test]
fn a_run_over_a_log_that_holds_the_first_ones_orders_finds_the_same() {
    let (directory, mut desk) = (directory(), Desk::default());
    let first = run(directory.path(), &handle(), Some(&mut desk)).expect("a run");
    let orders = desk.given;
    let read = |kind, raw: &[u8]| match std::str::from_utf8(raw).expect("text").strip_prefix("order ") {
        Some(order) => Some(Logged::Order(orders[order.parse::<usize>().expect("a number")].clone())),
        None => leg(kind, raw),
    };
    let files = Files::of_directory(directory.path()).expect("a directory");
    let again = reconcile(&files, &handle_after(orders.len()), &read, date(), None, &mut |_| {}).expect("a run");
    assert_eq!(again.to_string(), first.to_string());
    let found = |report: &Report| report.breaks.iter().map(|one| (one.code, one.break_id.clone())).collect::<Vec<_>>();
    assert_eq!(found(&again), found(&first));
}

#[test]
fn a_run_that_broke_off_is_finished_by_the_next() {
    let (directory, handle, mut desk) = (directory(), handle(), Desk::default());
    desk.breaks_down_at = "record_breaks";
    let error = run(directory.path(), &handle, Some(&mut desk)).expect_err("no answer");
    assert!(error.to_string().starts_with("submitting record_breaks under key "), "{error}");
    desk.breaks_down_at = "";
    run(directory.path(), &handle, Some(&mut desk)).expect("a run");
    let mut undisturbed = Desk::default();
    run(directory.path(), &handle, Some(&mut undisturbed)).expect("a run");
    assert_eq!(desk.orders, undisturbed.orders);
}

#[test]
fn a_dry_run_reports_the_same_and_submits_nothing() {
    let (directory, handle, mut desk) = (directory(), handle(), Desk::default());
    let dry = run(directory.path(), &handle, None).expect("a dry run");
    let wet = run(directory.path(), &handle, Some(&mut desk)).expect("a run");
    assert_eq!(dry.to_string(), wet.to_string());
    assert_eq!((dry.dry_run, dry.bookings[0].outcome.as_str()), (true, "not_submitted"));
}

#[test]
fn nothing_is_recorded_of_a_file_that_the_ledger_refuses() {
    let (directory, handle) = (directory(), handle());
    let mut desk = Desk { refuses: "record_file", ..Desk::default() };
    let report = run(directory.path(), &handle, Some(&mut desk)).expect("a run");
    assert_eq!(desk.names, ["record_file", "record_breaks"], "the latter of files that are missing");
    assert_eq!(report.verdict, Verdict::Refused);
}

#[test]
fn a_booking_that_the_ledger_refuses_is_told_with_its_code() {
    let (directory, handle) = (directory(), handle());
    let mut desk = Desk { refuses: "complete_from_evidence", ..Desk::default() };
    let report = run(directory.path(), &handle, Some(&mut desk)).expect("a run");
    assert_eq!(report.bookings[0].outcome, "CYCLE_STATE");
    assert_eq!(report.verdict, Verdict::Breaks);
}

#[test]
fn a_file_that_cannot_be_read_as_a_bill_is_refused_by_name_and_the_others_are_compared() {
    let (directory, handle) = (directory(), handle());
    std::fs::write(directory.path().join("a.txt"), "no bill").expect("a file");
    let report = run(directory.path(), &handle, None).expect("a dry run");
    assert_eq!((report.not_compared[0].file.as_str(), report.files.len()), ("a.txt", 1));
    assert_eq!(report.verdict, Verdict::Refused);
    assert!(report.to_string().ends_with(", 1 file refused"), "{report}");
}

#[test]
fn totals_that_disagree_refuse_the_file_with_one_break() {
    let (directory, handle) = (directory(), handle());
    std::fs::write(directory.path().join("tenpay.csv"), BILL.replace("`13.00,`0.00,`0.00", "`14.00,`0.00,`0.00"))
        .expect("a file");
    let report = run(directory.path(), &handle, None).expect("a dry run");
    let of_tenpay: Vec<_> = report.breaks.iter().filter(|found| found.network == "tenpay").collect();
    assert_eq!(of_tenpay.len(), 1);
    assert_eq!((of_tenpay[0].code, report.verdict), ("CONTROL_TOTAL", Verdict::Refused));
    assert!(of_tenpay[0].note.contains("应结订单总金额 is 14.00"), "{}", of_tenpay[0].note);
}

#[test]
fn a_directory_without_files_is_a_missing_file_of_every_network() {
    let directory = tempfile::tempdir().expect("a directory");
    let report = run(directory.path(), &handle(), None).expect("a dry run");
    let missing: Vec<_> = report.breaks.iter().map(|found| (found.code, found.network.as_str())).collect();
    assert_eq!(missing, ["unionpay", "tenpay", "alipay"].map(|network| ("FILE_MISSING", network)));
}

#[test]
fn a_bill_that_was_cut_off_is_refused_and_one_that_is_another_files_end_too() {
    let (directory, handle) = (directory(), handle());
    let bill = directory.path().join("tenpay.csv");
    for cut in [BILL.len() / 2, BILL.find("总交易单数").expect("totals")] {
        let cut = (0..=cut).rev().find(|at| BILL.is_char_boundary(*at)).expect("a boundary");
        std::fs::write(&bill, &BILL[..cut]).expect("a file");
        let report = run(directory.path(), &handle, None).expect("a dry run");
        assert_eq!((report.breaks[0].code, report.verdict), ("CONTROL_TOTAL", Verdict::Refused));
        assert!(report.breaks[0].note.contains("the file is truncated, fetch it again"), "{}", report.breaks[0].note);
    }
    std::fs::write(&bill, "<xml><return_code><![CDATA[FAIL]]></return_code></xml>").expect("a file");
    let report = run(directory.path(), &handle, None).expect("a dry run");
    assert!(report.not_compared[0].reason.contains("do not reconcile, fetch again later"), "{:?}", report.not_compared);
}

#[test]
fn a_day_without_a_bill_is_compared_with_no_rows() {
    let (directory, handle) = (directory(), handle());
    let message =
        "<xml><return_code><![CDATA[FAIL]]></return_code><return_msg><![CDATA[No Bill Exist]]></return_msg></xml>";
    std::fs::write(directory.path().join("tenpay.csv"), message).expect("a file");
    let report = run(directory.path(), &handle, None).expect("a dry run");
    let codes: Vec<_> = report.breaks.iter().map(|found| (found.code, found.network.as_str())).collect();
    assert_eq!(codes, [("NETWORK_MISSING", "tenpay"), ("FILE_MISSING", "unionpay"), ("FILE_MISSING", "alipay")]);
}

#[test]
fn a_file_on_record_under_another_date_is_refused_and_nothing_is_recorded() {
    let (directory, mut desk) = (directory(), Desk::default());
    run(directory.path(), &handle(), Some(&mut desk)).expect("a run");
    let orders = desk.given;
    let read = |kind, raw: &[u8]| match std::str::from_utf8(raw).expect("text").strip_prefix("order ") {
        Some(order) => Some(Logged::Order(orders[order.parse::<usize>().expect("a number")].clone())),
        None => leg(kind, raw),
    };
    let (files, handle) = (Files::of_directory(directory.path()).expect("a directory"), handle_after(orders.len()));
    let (mut desk, next) = (Desk::default(), date().plus_days(1));
    let run = reconcile(&files, &handle, &read, next, Some(&mut desk), &mut |_| {});
    let said = run.expect_err("another day's file").to_string();
    assert_eq!(said, "tenpay.csv is the bill of 2026-11-22, not of 2026-11-23; nothing of it was recorded");
    assert!(desk.given.is_empty());
}

#[test]
fn a_directory_that_is_not_there_is_named() {
    let directory = tempfile::tempdir().expect("a directory");
    let error = Files::of_directory(&directory.path().join("2026-11-22")).expect_err("nothing there");
    assert!(error.to_string().ends_with("2026-11-22"), "{error}");
}
