//! What holds for every day: a file made from the ledger's own legs has no break, the order of its rows says nothing, and
//! no byte of it changes unseen. Files are written here as WeChat prints them and read by the reader of bill files.

use std::io::Cursor;

use bills::Control;
use domain::clearing::{BillFile, BillTotals, ControlTotals, MatchKey};
use domain::ids::{Id, Sequence};
use domain::money::{CNY, decimal_from_minor};
use domain::payment::Side;
use domain::report::Kind;
use domain::time::Timestamp;
use ledger::AnswerCode;
use proptest::prelude::*;
use recon::{Bill, Leg, LegFacts, Legs, Order, Past, Plan, plan};
use sha2::{Digest, Sha256};

use crate::case::{DATE, business_day, date, network};

const HEADER: &str = "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注";
const SUMMARY: &str = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额";

/// A payment of so much, of which parts go back.
type Life = (i64, Vec<i64>);

fn lives() -> impl Strategy<Value = Vec<Life>> {
    prop::collection::vec((1_000..100_000_i64, prop::collection::vec(1..300_i64, 0..3)), 1..12)
}

fn legs_of(lives: &[Life]) -> Vec<Leg> {
    let mut legs = Vec::new();
    for ((captured, refunds), payment) in lives.iter().zip(1_u128..) {
        let steps = [(Kind::Captured, *captured)].into_iter();
        let steps = steps.chain(refunds.iter().map(|minor| (Kind::Refunded, *minor)));
        for ((kind, minor), step) in steps.zip(0_u128..) {
            legs.push(leg(legs.len() + 1, kind, payment, step, minor));
        }
    }
    legs
}

fn leg(sequence: usize, kind: Kind, payment: u128, step: u128, minor: i64) -> Leg {
    let (is_refund, fee) = (kind == Kind::Refunded, minor / 100);
    let facts = LegFacts {
        network: network("tenpay"),
        side: Side::Payee,
        payer: network("unionpay"),
        payee: network("tenpay"),
        kind,
        business_date: date(DATE),
        payment: Id(payment),
        movement: is_refund.then_some(Id(payment * 100 + step)),
        minor,
        currency: CNY,
        occurred_at: Timestamp::from_civil(date(DATE), 36_000, 28_800),
        network_reference: format!("42000000012026112{payment:011}"),
        refund_reference: if is_refund { format!("50000{payment:06}{step:04}") } else { String::new() },
        merchant_order: format!("ORDER-{payment}"),
        merchant_fee_minor: Some(if is_refund { -fee } else { fee }),
        has_evidence: false,
    };
    Leg { sequence: Sequence(sequence as u64), answer: AnswerCode::ACCEPTED, facts, proven_by: None }
}

fn yuan(minor: i64) -> String {
    decimal_from_minor(minor.into(), 2)
}

fn line(leg: &Leg) -> String {
    let facts = &leg.facts;
    let (amount, fee) = (yuan(facts.minor), yuan(facts.merchant_fee_minor.unwrap_or_default()));
    let (reference, order, refund) = (&facts.network_reference, &facts.merchant_order, &facts.refund_reference);
    let before = format!("`2026-11-22 10:00:00,`wx1,`1900000001,`0,`,`{reference},`{order},`o1,`NATIVE");
    if facts.kind == Kind::Refunded {
        format!(
            "{before},`REFUND,`CFT,`CNY,`0.00,`0.00,`{refund},`R,`{amount},`0.00,`ORIGINAL,`SUCCESS,`豆浆,`,`{fee}000,`1.00%,`0.00,`{amount},`"
        )
    } else {
        format!(
            "{before},`SUCCESS,`CFT,`CNY,`{amount},`0.00,`0,`0,`0.00,`0.00,`,`,`豆浆,`,`{fee}000,`1.00%,`{amount},`0.00,`"
        )
    }
}

fn text(legs: &[Leg]) -> String {
    let sum = |kind| yuan(legs.iter().filter(|leg| leg.facts.kind == kind).map(|leg| leg.facts.minor).sum());
    let (paid, returned) = (sum(Kind::Captured), sum(Kind::Refunded));
    let fees = yuan(legs.iter().filter_map(|leg| leg.facts.merchant_fee_minor).sum());
    let lines: Vec<_> = legs.iter().map(line).collect();
    let totals = format!("`{},`{paid},`{returned},`0.00,`{fees}000,`{paid},`{returned}", legs.len());
    format!("{HEADER}\n{}\n{SUMMARY}\n{totals}\n", lines.join("\n"))
}

/// `None` when the reader refuses it.
fn read(bytes: &[u8]) -> Option<Bill> {
    let (mut rows, mut faults) = (Vec::new(), Vec::new());
    let keep = |item: Result<_, _>| match item {
        Ok(row) => rows.push(row),
        Err(fault) => faults.push(fault),
    };
    let summary = bills::read(Cursor::new(bytes), keep).ok()?;
    let (control_totals, discrepancies) = match summary.control {
        Control::Matched => (ControlTotals::Matched, Vec::new()),
        Control::Absent => (ControlTotals::Absent, Vec::new()),
        Control::Mismatched(found) => (ControlTotals::Mismatched, found),
    };
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
        network: network("tenpay"),
        business_date: date(DATE),
        digest: Sha256::digest(bytes).into(),
        file_name: "bill.csv".to_owned(),
        layout: summary.layout.to_owned(),
        totals,
        control_totals,
        invalid_rows: 0,
    };
    Some(Bill { file, writer: summary.network, rows, faults, discrepancies })
}

fn planned(bill: &Bill, legs: &[Leg], past: &Past) -> Plan {
    plan(bill, &Legs::new(legs.to_vec()), past, business_day(network("tenpay")))
}

/// Something that a person or a record shows.
fn is_noticed(plan: &Plan) -> bool {
    !plan.findings.is_empty() || plan.matches.iter().any(|found| found.by == MatchKey::MerchantOrder)
}

proptest! {
    #[test]
    fn a_ledger_and_the_file_of_its_own_legs_have_no_break(lives in lives()) {
        let legs = legs_of(&lives);
        let bill = read(text(&legs).as_bytes()).expect("a bill");
        let plan = planned(&bill, &legs, &Past::default());
        prop_assert_eq!(&plan.findings, &[]);
        prop_assert_eq!(plan.counts.matched, legs.len() as u64);
        prop_assert_eq!(plan.matches.iter().map(|found| found.leg).collect::<Vec<_>>(),
            legs.iter().map(|leg| leg.sequence).collect::<Vec<_>>());
    }

    #[test]
    fn the_order_of_lines_changes_no_break_and_no_id(
        lives in lives(),
        // Which legs the ledger lacks, which the file lacks, and where the lines go.
        chosen in prop::collection::vec((0..4_u8, any::<u32>()), 48),
    ) {
        let legs = legs_of(&lives);
        let part = |lacking| -> Vec<Leg> {
            let kept = legs.iter().zip(&chosen).filter(|(_, (lot, _))| *lot != lacking);
            kept.map(|(leg, _)| leg.clone()).collect()
        };
        let (ledger, shown) = (part(0), part(1));
        let mut shuffled: Vec<_> = shown.iter().zip(&chosen).collect();
        shuffled.sort_by_key(|(_, (_, place))| *place);
        let shuffled: Vec<Leg> = shuffled.into_iter().map(|(leg, _)| leg.clone()).collect();
        let ids = |shown: &[Leg]| -> Vec<_> {
            let bill = read(text(shown).as_bytes()).expect("a bill");
            planned(&bill, &ledger, &Past::default()).findings.iter().map(|finding| (finding.code, finding.id)).collect()
        };
        let found = ids(&shown);
        prop_assert_eq!(&ids(&shuffled), &found);
        let mut distinct = found.clone();
        distinct.sort();
        distinct.dedup();
        prop_assert_eq!(distinct.len(), found.len(), "two breaks share an id");
    }

    #[test]
    fn a_byte_altered_in_a_file_that_was_seen_does_not_go_unnoticed(
        lives in lives(), place in any::<prop::sample::Index>(), flip in 1..=255_u8,
    ) {
        let legs = legs_of(&lives);
        let mut bytes = text(&legs).into_bytes();
        let original = planned(&read(&bytes).expect("a bill"), &legs, &Past::default());
        let mut past = Past::default();
        past.fold(&Order::RecordFile(original.file.clone()));
        past.fold(&Order::RecordMatches { file: original.file.digest, matches: original.matches });
        let place = place.index(bytes.len());
        bytes[place] ^= flip;
        prop_assert!(read(&bytes).is_none_or(|bill| is_noticed(&planned(&bill, &legs, &past))));
    }

    #[test]
    fn a_digit_altered_in_a_reference_an_amount_or_a_fee_does_not_go_unnoticed_in_a_new_file(
        lives in lives(), row in any::<prop::sample::Index>(), column in prop::sample::select(vec![5, 12, 14, 16, 22]),
        place in any::<prop::sample::Index>(), by in 1..=9_u8,
    ) {
        let legs = legs_of(&lives);
        let mut lines: Vec<String> = text(&legs).lines().map(str::to_owned).collect();
        let line = &mut lines[1 + row.index(legs.len())];
        let mut cells: Vec<String> = line.split(",`").map(str::to_owned).collect();
        let mut bytes = cells[column].clone().into_bytes();
        let digits: Vec<usize> = (0..bytes.len()).filter(|&at| bytes[at].is_ascii_digit()).collect();
        let at = digits[place.index(digits.len())];
        bytes[at] = b'0' + (bytes[at] - b'0' + by) % 10;
        cells[column] = String::from_utf8(bytes).expect("digits");
        *line = cells.join(",`");
        let altered = format!("{}\n", lines.join("\n"));
        let is_payment = lines[1 + row.index(legs.len())].contains(",`SUCCESS,`CFT");
        // The refund's number on a payment row is a nought that nobody reads.
        prop_assume!(column != 14 || !is_payment);
        prop_assert!(read(altered.as_bytes()).is_none_or(|bill| is_noticed(&planned(&bill, &legs, &Past::default()))));
    }
}
