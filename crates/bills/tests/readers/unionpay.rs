//! UnionPay.

use bills::{Kind, Network, Refusal};

use crate::fixtures::{accepted, archive, at, gbk, refused};

/// Offsets and values of a consumption of 100.00 with a fee of 0.60; the rest is blank.
const CONSUMPTION: &[(usize, &str)] = &[
    (0, "S56"),
    (4, "48020000   "),
    (16, "00049992   "),
    (28, "000001"),
    (35, "1122083000"),
    (46, "622609******0048   "),
    (66, "000000010000"),
    (79, "5411"),
    (87, "202611220830000000018"),
    (112, "C-1"),
    (145, "01"),
    (166, "D000000000060"),
    (180, "C000000009940"),
    (215, "01"),
    (218, "01"),
    (293, "777290058110048"),
    (327, "商户誠"),
];
const REFUND: &[(usize, &str)] = &[
    (87, "202611221000000000028"),
    (66, "000000002000"),
    (166, "C000000000012"),
    (180, "D000000001988"),
    (215, "04"),
    (271, "202611220830000000018"),
];
const VOID: &[(usize, &str)] = &[(166, "C000000000060"), (180, "D000000009940"), (215, "31")];

fn record(over: &[(usize, &str)]) -> Vec<u8> {
    let mut bytes = vec![b' '; 607];
    for (offset, text) in CONSUMPTION.iter().chain(over) {
        let text = gbk(text);
        bytes[*offset..offset + text.len()].copy_from_slice(&text);
    }
    bytes
}

fn list(records: &[&[(usize, &str)]]) -> Vec<u8> {
    records.iter().flat_map(|over| [record(over), b"\r\n".to_vec()].concat()).collect()
}

/// A consumption, a refund of a part of it, and a consumption that is taken back.
pub(crate) fn day() -> Vec<u8> {
    list(&[&[], REFUND, &[(112, "C-2")], VOID])
}

const LINES: [&str; 3] = [
    "  消费               2        0.00      200.00       1.20        0.00        0.00      198.80",
    "  退货               1       20.00        0.00       0.00        0.12       19.88        0.00",
    "  消费撤销           1      100.00        0.00       0.00        0.60       99.40        0.00",
];
const TOTAL: &str = "  总计               4      120.00      200.00       1.20        0.72      119.28      198.80";

fn page_of(lines: &[&str], total: &str) -> String {
    let heading = "交易笔数        交易金额              费用            资金清算差额\r\n               借       贷      借       贷      借      贷\r\n";
    let rule = "________________________________\r\n";
    let block = |by: &str| format!("{by} {heading}{rule}{}\r\n{rule}{total}\r\n\r\n", lines.join("\r\n"));
    format!(
        "          全渠道商户交易汇总表\r\n商户代码:777290058110048  清算币种:人民币\r\n收单机构:48020000  清算日期:20261122\r\n商户名称:商户  生成日期:20261123\r\n{}{}",
        block("交易类型"),
        block("卡性质")
    )
}

pub(crate) fn page() -> Vec<u8> {
    gbk(&page_of(&LINES, TOTAL))
}

#[test]
fn consumptions_refunds_and_voids_become_rows_in_common_words() {
    let reading = accepted(&day());
    let [payment, refund, _, void] = &reading.rows[..] else { panic!("{:?}", reading.faults) };
    assert_eq!((reading.summary.layout, reading.control().as_str()), ("unionpay-zm", "absent"));
    assert_eq!((payment.network, payment.kind, payment.line), (Network::Unionpay, Kind::Payment, 1));
    assert_eq!((payment.reference.as_str(), payment.order.as_str()), ("202611220830000000018", "C-1"));
    assert_eq!((payment.merchant.as_str(), payment.trace.as_deref()), ("777290058110048", Some("000001")));
    assert_eq!((payment.amount.minor(), payment.fee_minor, payment.settled_minor), (10_000, 60, Some(9_940)));
    assert_eq!((payment.at, payment.status.as_str()), (at("2026-11-22", 8, 30, 0), "S56"));
    assert_eq!(payment.original_reference, None);
    assert_eq!((refund.kind, refund.amount.minor(), refund.fee_minor), (Kind::Refund, 2_000, -12));
    assert_eq!(refund.settled_minor, Some(-1_988));
    assert_eq!(refund.original_reference.as_deref(), Some(payment.reference.as_str()));
    assert_eq!((void.kind, void.amount.minor(), void.fee_minor), (Kind::Revoked, 10_000, -60));
    assert_eq!((reading.summary.revoked.count, reading.summary.fees_minor), (1, 48));
}

#[test]
fn line_ends_may_be_bare_or_missing_at_the_end() {
    let bytes = day();
    let bare: Vec<u8> = bytes.iter().copied().filter(|byte| *byte != b'\r').collect();
    assert_eq!(accepted(&bare).rows.len(), 4);
    assert_eq!(accepted(bytes.trim_ascii_end()).faults.len(), 1, "trailing spaces belong to a record");
    assert_eq!(accepted(&bytes[..bytes.len() - 2]).rows.len(), 4);
}

#[test]
fn the_year_of_sending_comes_from_the_query_number_on_both_sides_of_new_year() {
    for (sent, query, expected) in [
        ("1231235959", "202701010000010000018", at("2026-12-31", 23, 59, 59)),
        ("0101000001", "202612312359590000018", at("2027-01-01", 0, 0, 1)),
        ("1231235959", "202612312359590000018", at("2026-12-31", 23, 59, 59)),
        ("0229120000", "202802291200000000018", at("2028-02-29", 12, 0, 0)),
        ("0906104700", "201509061047000000018", at("2015-09-06", 10, 47, 0)),
    ] {
        let reading = accepted(&list(&[&[(35, sent), (87, query)]]));
        assert_eq!(reading.rows[0].at, expected, "{sent} {query}");
    }
}

#[test]
fn a_bad_record_is_located_and_the_others_are_read() {
    for (over, fault) in [
        ((66, "00000001000a"), "交易金额 is not 12 digits"),
        ((78, "0"), "交易金额 is not followed by a space: the record is shifted"),
        ((166, "X000000000060"), "商户手续费 is not C or D followed by 12 digits"),
        ((180, "C000000009941"), "结算金额 amount less fee is 9940 fen: the row contradicts itself"),
        ((166, "C000000000060"), "结算金额 amount less fee is 10060 fen: the row contradicts itself"),
        (
            (215, "99"),
            "交易类型 is not a known kind of movement; if the network has added one, add it to the layout table",
        ),
        ((87, "2026112208300000000  "), "查询流水号 is not 21 digits"),
        ((87, "202613220830000000018"), "查询流水号 is not a date and time"),
        ((35, "0230083000"), "交易传输时间 is not a date and time"),
        ((35, "1122246000"), "交易传输时间 is not a date and time"),
        ((28, "00 001"), "系统跟踪号 is not 6 digits"),
        ((293, "               "), "商户代码 is empty"),
    ] {
        let reading = accepted(&list(&[&[], &[over]]));
        assert_eq!(reading.fault(), fault);
        assert_eq!((reading.faults[0].line, reading.rows.len()), (2, 1));
    }
}

#[test]
fn a_truncated_record_and_a_foreign_byte_are_located() {
    let bytes = day();
    let reading = accepted(&bytes[..bytes.len() - 300]);
    assert_eq!(reading.fault(), "line the record has 309 bytes, not 607; fetch the file again");
    assert_eq!((reading.faults[0].line, reading.rows.len()), (4, 3));
    let mut foreign = day();
    foreign[609 + 115] = 0xFF;
    let reading = accepted(&foreign);
    assert_eq!(reading.fault(), "商户订单号 byte 724 of the file is not GBK; take the file as the network sent it");
    assert_eq!(accepted(&day()[..200]).faults.len(), 1, "a list cut inside its first record is still one");
}

#[test]
fn the_page_of_totals_is_held_against_the_list() {
    let wrong = |from: &str, to: &str| {
        let total = TOTAL.replace(from, to);
        assert_ne!(total, TOTAL);
        gbk(&page_of(&LINES, &total))
    };
    for (page, control) in [
        (page(), "matched"),
        (wrong("4  ", "5  "), "交易笔数 is 5 in the file's totals and 4 in its rows"),
        (wrong(" 200.00", " 200.01"), "交易金额 贷 is 200.01 in the file's totals and 200.00 in its rows"),
        (wrong("1.20", "1.21"), "费用 借-贷 is 0.49 in the file's totals and 0.48 in its rows"),
        (wrong("198.80", "198.81"), "资金清算差额 贷-借 is 79.53 in the file's totals and 79.52 in its rows"),
        (wrong("120.00", "120,00"), "总计 reads"),
        (gbk(&page_of(&LINES[1..], TOTAL)), "交易笔数 is 4 in the file's totals and 2 in its rows"),
        (gbk(&page_of(&LINES, "")), "总计 is missing: the file is truncated, fetch it again"),
    ] {
        for members in [[("ZM", day()), ("RD", page.clone())], [("RD", page.clone()), ("ZM", day())]] {
            let members: Vec<_> = members.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect();
            let reading = accepted(&archive(&members));
            assert_eq!((reading.summary.layout, reading.rows.len()), ("unionpay-zm", 4));
            assert!(reading.control().contains(control), "{}", reading.control());
        }
    }
}

#[test]
fn a_page_cut_anywhere_before_its_last_total_is_never_matched() {
    let (day, page) = (day(), page());
    let total = gbk("总计");
    let last = page.windows(total.len()).rposition(|bytes| bytes == total).expect("a total");
    for end in (page.len() / 4..last).step_by(7) {
        let reading = accepted(&archive(&[("ZM", &day), ("RD", &page[..end])]));
        assert_ne!(reading.control(), "matched", "cut at {end} of {}", page.len());
    }
}

#[test]
fn a_page_alone_can_contradict_itself_but_match_nothing() {
    let reading = accepted(&page());
    assert_eq!((reading.summary.layout, reading.summary.rows), ("unionpay-rd2010", 0));
    assert_eq!(reading.control(), "absent");
    let contradictory = accepted(&gbk(&page_of(&LINES[..2], TOTAL)));
    assert!(contradictory.control().starts_with("交易笔数 is 4 in the file's totals and 3 in its rows"));
    let mut foreign = page();
    foreign.extend_from_slice(b"\xFF\xFF\n");
    assert!(matches!(refused(&foreign), Refusal::UnknownLayout { .. }));
}
