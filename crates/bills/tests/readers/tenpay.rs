//! WeChat Pay.

use bills::{Kind, Network, Refusal};

use crate::fixtures::{accepted, at, cells, gbk, refused};

const HEAD: &str =
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类";
const LEGACY_HEAD: &str =
    "交易时间,公众账号ID,商户号,子商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类";
const TOTALS: &str = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额";
const LEGACY_TOTALS: &str = "总交易单数,总交易额,总退款金额,总企业红包退款金额,手续费总金额";

pub(crate) fn all_27() -> String {
    format!(
        "{HEAD},应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"
    )
}

/// Every column set: stable name, header, header of the totals, whether it lists payments, refunds.
fn column_sets() -> Vec<(&'static str, String, &'static str, bool, bool)> {
    let refund = "退款申请时间,退款成功时间,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包";
    let legacy_refund = refund.replace("充值券退款金额", "代金券或立减优惠退款金额");
    vec![
        ("tenpay-all-27", all_27(), TOTALS, true, true),
        (
            "tenpay-success-20",
            format!("{HEAD},应结订单金额,代金券金额,商品名称,商户数据包,手续费,费率,订单金额,费率备注"),
            TOTALS,
            true,
            false,
        ),
        (
            "tenpay-refund-29",
            format!("{HEAD},应结订单金额,代金券金额,{refund},手续费,费率,订单金额,申请退款金额,费率备注"),
            TOTALS,
            false,
            true,
        ),
        (
            "tenpay-recharge-refund-28",
            format!("{HEAD},应结订单金额,代金券金额,{refund},返还手续费,费率,订单金额,申请退款金额"),
            TOTALS,
            false,
            true,
        ),
        (
            "tenpay-all-24",
            format!(
                "{LEGACY_HEAD},总金额,企业红包金额,微信退款单号,商户退款单号,退款金额,企业红包退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率"
            ),
            LEGACY_TOTALS,
            true,
            true,
        ),
        (
            "tenpay-success-18",
            format!("{LEGACY_HEAD},总金额,代金券或立减优惠金额,商品名称,商户数据包,手续费,费率"),
            LEGACY_TOTALS,
            true,
            false,
        ),
        (
            "tenpay-refund-26",
            format!("{LEGACY_HEAD},总金额,代金券或立减优惠金额,{legacy_refund},手续费,费率"),
            "总交易单数,总交易额,总退款金额,总代金券或立减优惠退款金额,手续费总金额",
            false,
            true,
        ),
    ]
}

/// Values for every column of either generation; those a header does not have are left out.
fn line(header: &str, kind: &str, over: &[(&str, &str)]) -> Vec<String> {
    let payment = kind == "SUCCESS";
    let pick = |of_payment: &'static str, of_refund: &'static str| if payment { of_payment } else { of_refund };
    let all = [
        ("交易时间", "2026-11-22 08:30:00"),
        ("商户号", "1900000001"),
        ("微信订单号", "4200000001202611220000000001"),
        ("商户订单号", "A-1"),
        ("交易状态", kind),
        ("货币种类", "CNY"),
        ("应结订单金额", pick("32.50", "0.00")),
        ("总金额", pick("32.50", "0.00")),
        ("退款申请时间", "2026-11-22 09:00:00"),
        ("退款成功时间", "2026-11-22 09:00:05"),
        ("微信退款单号", pick("0", "50000000012026112200000000001")),
        ("商户退款单号", pick("0", "R-1")),
        ("退款金额", pick("0.00", "10.00")),
        ("充值券退款金额", "0.00"),
        ("企业红包退款金额", "0.00"),
        ("代金券或立减优惠退款金额", "0.00"),
        ("退款状态", pick("", "PROCESSING")),
        ("商品名称", "豆浆"),
        ("手续费", pick("0.20000", "-0.06000")),
        ("返还手续费", "0.06000"),
        ("费率", "0.60%"),
        ("订单金额", pick("33.00", "0.00")),
        ("申请退款金额", pick("0.00", "10.00")),
    ];
    let known = |name: &str| header.split(',').any(|column| column == name);
    let values: Vec<_> = all.into_iter().chain(over.iter().copied()).filter(|(name, _)| known(name)).collect();
    cells(header, &values)
}

fn framed(cells: &[String]) -> String {
    format!("`{}", cells.join(",`"))
}

fn totals(names: &str, values: [&str; 7]) -> String {
    let values = &values[..names.split(',').count()];
    format!("{names}\n`{}", values.join(",`"))
}

/// A bill of the newest ALL columns: rows as overrides of a payment or a refund, then the values of its totals.
pub(crate) fn bill(rows: &[(&str, &[(&str, &str)])], values: [&str; 7]) -> String {
    let header = all_27();
    let mut text = format!("{header}\n");
    for (kind, over) in rows {
        text += &framed(&line(&header, kind, over));
        text += "\n";
    }
    text + &totals(TOTALS, values) + "\n"
}

const ONE: [&str; 7] = ["1", "32.50", "0.00", "0.00", "0.20000", "33.00", "0.00"];

#[test]
fn every_column_set_is_told_by_its_names_and_its_totals_match() {
    for (name, header, names, payments, refunds) in column_sets() {
        let kinds: Vec<&str> =
            [("SUCCESS", payments), ("REFUND", refunds)].iter().filter(|(_, has)| *has).map(|(k, _)| *k).collect();
        let fee = match (name, payments, refunds) {
            ("tenpay-recharge-refund-28", ..) => "0.06000",
            (_, true, true) => "0.14000",
            (_, true, false) => "0.20000",
            _ => "-0.06000",
        };
        let pay = if payments { ["32.50", "33.00"] } else { ["0.00", "0.00"] };
        let back = if refunds { "10.00" } else { "0.00" };
        let count = kinds.len().to_string();
        let values = [count.as_str(), pay[0], back, "0.00", fee, pay[1], back];
        let lines: Vec<_> = kinds.iter().map(|kind| framed(&line(&header, kind, &[]))).collect();
        let text = format!("{header}\n{}\n{}\n", lines.join("\n"), totals(names, values));
        for (how, bytes) in [
            ("as it is", text.clone()),
            ("with a byte order mark", format!("\u{feff}{text}")),
            ("with CRLF", text.replace('\n', "\r\n")),
            ("without the last line feed", text.trim_end().to_owned()),
            ("without backticks", text.replace('`', "")),
        ] {
            let reading = accepted(bytes.as_bytes());
            assert_eq!(reading.summary.layout, name, "{how}");
            assert_eq!(reading.control(), "matched", "{name} {how}");
            assert_eq!(reading.rows.len(), kinds.len(), "{name} {how}: {:?}", reading.faults);
        }
    }
}

#[test]
fn columns_are_found_by_name_in_any_order() {
    let header = all_27().split(',').rev().collect::<Vec<_>>().join(",");
    let text = format!("{header}\n{}\n{}", framed(&line(&header, "SUCCESS", &[])), totals(TOTALS, ONE));
    let reading = accepted(text.as_bytes());
    assert_eq!((reading.summary.layout, reading.control().as_str()), ("tenpay-all-27", "matched"));
    assert_eq!(reading.rows[0].amount.minor(), 3_250);
}

#[test]
fn a_payment_and_a_refund_become_rows_in_common_words() {
    let values = ["2", "32.50", "10.00", "0.00", "0.14000", "33.00", "10.00"];
    let reading = accepted(bill(&[("SUCCESS", &[]), ("REFUND", &[])], values).as_bytes());
    let [payment, refund] = &reading.rows[..] else { panic!("{:?}", reading.faults) };
    assert_eq!((payment.network, payment.kind, payment.line), (Network::Tenpay, Kind::Payment, 2));
    assert_eq!(payment.reference, "4200000001202611220000000001");
    assert_eq!((payment.refund_reference.as_deref(), payment.trace.as_deref()), (None, None));
    assert_eq!((payment.merchant.as_str(), payment.order.as_str()), ("1900000001", "A-1"));
    assert_eq!(payment.at, at("2026-11-22", 8, 30, 0));
    assert_eq!((payment.amount.minor(), payment.ordered_minor, payment.fee_minor), (3_250, Some(3_300), 20));
    assert_eq!(payment.fee_rate.map(|rate| rate.to_string()).as_deref(), Some("0.6%"));
    assert_eq!((payment.status.as_str(), payment.settled_minor), ("SUCCESS", None));
    assert_eq!((refund.kind, refund.status.as_str()), (Kind::Refund, "PROCESSING"));
    assert_eq!(refund.refund_reference.as_deref(), Some("50000000012026112200000000001"));
    assert_eq!((refund.amount.minor(), refund.ordered_minor, refund.fee_minor), (1_000, Some(1_000), -6));
    let summary = &reading.summary;
    assert_eq!((summary.payments.minor, summary.refunds.minor, summary.fees_minor), (3_250, 1_000, 14));
}

#[test]
fn a_refund_list_prints_the_payments_time_first_and_the_row_has_the_refunds() {
    let (_, header, names, ..) = column_sets().swap_remove(2);
    for (done, expected) in [("2026-11-22 09:00:05", (9, 0, 5)), ("", (9, 0, 0))] {
        let row = framed(&line(&header, "REFUND", &[("退款成功时间", done)]));
        let values = ["1", "0.00", "10.00", "0.00", "-0.06000", "0.00", "10.00"];
        let reading = accepted(format!("{header}\n{row}\n{}", totals(names, values)).as_bytes());
        let (hour, minute, second) = expected;
        assert_eq!(reading.rows[0].at, at("2026-11-22", hour, minute, second));
    }
}

#[test]
fn a_returned_fee_is_given_back_whatever_its_sign() {
    let (_, header, names, ..) = column_sets().swap_remove(3);
    for printed in ["0.06000", "-0.06000"] {
        let row = framed(&line(&header, "REFUND", &[("返还手续费", printed)]));
        let values = ["1", "0.00", "10.00", "0.00", printed, "0.00", "10.00"];
        let reading = accepted(format!("{header}\n{row}\n{}", totals(names, values)).as_bytes());
        assert_eq!((reading.rows[0].fee_minor, reading.control().as_str()), (-6, "matched"));
    }
}

#[test]
fn historic_refunds_with_a_minus_are_refunds_of_the_same_amount() {
    for total in ["-10.00", "10.00"] {
        let values = ["1", "0.00", total, "0.00", "-0.06000", "0.00", "10.00"];
        let reading = accepted(bill(&[("REFUND", &[("退款金额", "-10.00")])], values).as_bytes());
        assert_eq!((reading.rows[0].amount.minor(), reading.control().as_str()), (1_000, "matched"));
    }
}

#[test]
fn partial_refunds_of_one_order_differ_in_their_refund_number() {
    let first: &[(&str, &str)] = &[("微信退款单号", "50000000000000000000000000001")];
    let second: &[(&str, &str)] = &[("微信退款单号", "50000000000000000000000000002")];
    let values = ["2", "0.00", "20.00", "0.00", "-0.12000", "0.00", "20.00"];
    let reading = accepted(bill(&[("REFUND", first), ("REFUND", second)], values).as_bytes());
    assert_eq!(reading.control(), "matched");
    assert_eq!(reading.rows[0].reference, reading.rows[1].reference);
    assert_ne!(reading.rows[0].refund_reference, reading.rows[1].refund_reference);
}

#[test]
fn a_revoked_payment_is_neither_a_payment_nor_a_refund() {
    let as_payment: &[(&str, &str)] =
        &[("应结订单金额", "5.00"), ("退款金额", "0.00"), ("申请退款金额", "0.00"), ("手续费", "0.00000")];
    let values = ["2", "5.00", "10.00", "0.00", "-0.06000", "0.00", "10.00"];
    let reading = accepted(bill(&[("REVOKED", &[]), ("REVOKED", as_payment)], values).as_bytes());
    assert_eq!(reading.control(), "matched");
    assert_eq!(reading.rows.iter().map(|row| row.amount.minor()).collect::<Vec<_>>(), [1_000, 500]);
    let summary = &reading.summary;
    assert_eq!((summary.rows, summary.payments.count, summary.refunds.count, summary.revoked.count), (2, 0, 0, 2));
}

#[test]
fn separators_inside_a_goods_name_move_nothing() {
    for goods in ["苹果,香蕉", "`", "a`b", "豆浆,`9.99,`", ",`,`,`", "（大）杯,`SUCCESS", "=HYPERLINK(\"x\")", "\\", ""]
    {
        let reading = accepted(bill(&[("SUCCESS", &[("商品名称", goods)])], ONE).as_bytes());
        assert_eq!((reading.rows.len(), reading.control().as_str()), (1, "matched"), "{goods}");
        assert_eq!(reading.rows[0].amount.minor(), 3_250, "{goods}");
    }
}

#[test]
fn a_bad_row_is_located_and_the_others_are_read() {
    for (column, value, fault) in [
        ("应结订单金额", "32.505", "应结订单金额 has a fraction below one minor unit"),
        ("应结订单金额", "1,000.00", "应结订单金额 is not a plain decimal number"),
        ("应结订单金额", "32.5０", "应结订单金额 is not a plain decimal number"),
        ("应结订单金额", "-32.50", "应结订单金额 is negative on a payment"),
        ("应结订单金额", "", "应结订单金额 is not a plain decimal number"),
        ("应结订单金额", "92233720368547758.08", "应结订单金额 is out of range"),
        ("手续费", "0.19500", "手续费 has a fraction below one minor unit"),
        ("费率", "0.60", "费率 is not a rate such as 0.60%"),
        ("交易时间", "2026-02-30 08:30:00", "交易时间 is not a date and time"),
        ("交易时间", "2026-11-22 24:00:00", "交易时间 is not a date and time"),
        ("交易时间", "２026-11-22 08:30:00", "交易时间 is not a date and time"),
        ("货币种类", "HKD", "货币种类 is not CNY, the only currency of the corridors"),
        ("微信订单号", "", "微信订单号 is empty"),
        ("微信订单号", &"4".repeat(65), "微信订单号 is longer than 64 characters"),
        ("微信退款单号", &"5".repeat(65), "微信退款单号 is longer than 64 characters"),
        ("商户号", "", "商户号 is empty"),
    ] {
        let values = ["2", "65.00", "0.00", "0.00", "0.40000", "66.00", "0.00"];
        let reading = accepted(bill(&[("SUCCESS", &[(column, value)]), ("SUCCESS", &[])], values).as_bytes());
        assert_eq!(reading.fault(), fault, "{value}");
        assert_eq!((reading.faults[0].line, reading.faults[0].value.as_str()), (2, value));
        assert_eq!(reading.rows.len(), 1);
        assert!(reading.control().starts_with("总交易单数 is 2 in the file's totals and 1 in its rows"));
    }
}

#[test]
fn an_unknown_state_names_the_value_and_the_remedy() {
    let reading = accepted(bill(&[("NOTPAY", &[])], ONE).as_bytes());
    assert_eq!(
        reading.fault(),
        "交易状态 is not a known kind of movement; if the network has added one, add it to the layout table"
    );
}

#[test]
fn too_few_columns_bytes_of_another_charset_and_endless_lines_are_faults_of_their_line() {
    let good = bill(&[("SUCCESS", &[])], ONE);
    let header_end = good.find('\n').unwrap() + 1;
    let long = vec![b'x'; 200_000];
    let bad_text = [b"`2026-11-22 08:30:00,`\xD6\xD0".as_slice(), b"`a,`b".as_slice(), long.as_slice()];
    let offset = header_end + 22;
    for (insert, reason) in bad_text.into_iter().zip([
        format!("line byte {offset} of the file is not UTF-8; take the file as the network sent it"),
        "line the line has 2 columns where the header has 27; fetch the file again".to_owned(),
        "line the line is longer than 65536 bytes".to_owned(),
    ]) {
        let mut bytes = good.as_bytes()[..header_end].to_vec();
        bytes.extend_from_slice(insert);
        bytes.extend_from_slice(b"\n");
        bytes.extend_from_slice(&good.as_bytes()[header_end..]);
        let reading = accepted(&bytes);
        assert_eq!(reading.fault(), reason);
        assert_eq!((reading.rows[0].line, reading.control().as_str()), (3, "matched"));
        assert!(reading.faults[0].value.chars().count() <= 120);
    }
}

#[test]
fn totals_are_held_against_the_rows_figure_by_figure() {
    for (values, control) in [
        (ONE, "matched"),
        (["1.0", "32.5", "0", "0.0", "0.2", "33", "0.00"], "matched"),
        (
            ["48", "32.50", "0.00", "0.00", "0.20000", "33.00", "0.00"],
            "总交易单数 is 48 in the file's totals and 1 in its rows",
        ),
        (
            ["1", "32.51", "0.00", "0.00", "0.20000", "33.00", "0.00"],
            "应结订单总金额 is 32.51 in the file's totals and 32.50 in its rows",
        ),
        (
            ["1", "32.50", "0.00", "0.00", "0.21000", "33.00", "0.00"],
            "手续费总金额 is 0.21 in the file's totals and 0.20 in its rows",
        ),
        (["1", "32.50", "0.00", "0.00", "0.20000", "-", "0.00"], "订单总金额 reads \"-\", which is not a number"),
    ] {
        assert_eq!(accepted(bill(&[("SUCCESS", &[])], values).as_bytes()).control(), control);
    }
    let empty_day = bill(&[], ["0", "0.00", "0.00", "0.00", "0.00000", "0.00", "0.00"]);
    assert_eq!(accepted(empty_day.as_bytes()).control(), "matched");
}

#[test]
fn a_bill_cut_anywhere_is_never_matched() {
    let values = ["2", "32.50", "10.00", "0.00", "0.14000", "33.00", "10.01"];
    let refund: &[(&str, &str)] = &[("申请退款金额", "10.01")];
    let text = bill(&[("SUCCESS", &[]), ("REFUND", refund)], values);
    let whole = text.trim_end();
    assert_eq!(accepted(whole.as_bytes()).control(), "matched");
    for cut in all_27().len()..whole.len() {
        assert_ne!(accepted(&text.as_bytes()[..cut]).control(), "matched", "cut at {cut}");
    }
    let before_totals = &text[..text.find("总交易单数").unwrap()];
    assert_eq!(
        accepted(before_totals.as_bytes()).control(),
        "总交易单数 is missing: the file is truncated, fetch it again"
    );
}

#[test]
fn a_row_behind_the_totals_is_a_fault() {
    let text = bill(&[("SUCCESS", &[])], ONE);
    let again = text.lines().nth(1).unwrap();
    assert_eq!(accepted(format!("{text}{again}\n").as_bytes()).fault(), "line stands behind the end of the list");
}

#[test]
fn a_day_without_a_bill_is_empty_and_any_other_message_is_refused() {
    let xml = |text: &str| {
        format!("<xml><return_code><![CDATA[FAIL]]></return_code><return_msg><![CDATA[{text}]]></return_msg></xml>")
    };
    let reading = accepted(xml("No Bill Exist").as_bytes());
    assert_eq!(
        (reading.summary.layout, reading.summary.rows, reading.control().as_str()),
        ("tenpay-no-bill", 0, "absent")
    );
    for message in ["Bill Creating", "invalid bill_date", ""] {
        let refusal = refused(xml(message).as_bytes());
        assert_eq!(refusal, Refusal::NotProduced { network: Network::Tenpay, message: message.to_owned() });
        assert_eq!((refusal.network(), refusal.line(), refusal.value()), (Some(Network::Tenpay), 1, message));
    }
    assert!(matches!(refused(b"<xml><return_code>FAIL"), Refusal::NotProduced { .. }));
}

#[test]
fn a_bill_in_another_charset_is_refused_at_the_first_foreign_byte() {
    let text = bill(&[("SUCCESS", &[])], ONE);
    let refusal = refused(&gbk(&text));
    assert_eq!(
        refusal.to_string(),
        "a bill of tenpay is UTF-8, and byte 0 is not; take the file as the network sent it"
    );
}

#[test]
fn files_of_no_known_layout_are_refused_with_what_is_missing() {
    for (bytes, message) in [
        ("".to_owned(), "the file is empty; fetch it again"),
        (
            "a,b,c\n1,2,3\n".to_owned(),
            "is not of a known layout: take the file as the network sent it, or add its layout to the table",
        ),
        ("\n\n".to_owned(), "is not of a known layout: it ends before any header; fetch it again"),
        (
            "\u{1f}".to_owned(),
            "is not of a known layout: take the file as the network sent it, or add its layout to the table",
        ),
        (
            all_27().replace("手续费", "服务费用"),
            "is not of a known layout: nearest is tenpay-all-27: missing [手续费], unknown [服务费用]; add it to the layout table",
        ),
        (
            all_27() + ",新列",
            "is not of a known layout: nearest is tenpay-all-27: missing [], unknown [新列]; add it to the layout table",
        ),
    ] {
        assert_eq!(refused(bytes.as_bytes()).to_string(), message);
    }
    let gzip = refused(b"\x1F\x8B\x08\x00rest");
    assert_eq!(gzip.to_string(), "is not of a known layout: it is compressed with gzip; decompress it first");
}
