//! Alipay.

use bills::{Kind, Network, Refusal};

use crate::fixtures::{accepted, at, cells, gbk, refused};

const HEADER: &str = "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注";
/// Columns that end with a tab inside the cell, from 0.
const WITH_TAB: [usize; 10] = [0, 1, 2, 6, 7, 8, 9, 10, 19, 21];
const END: &str = "#-----------------------------------------业务明细列表结束------------------------------------";
pub(crate) const FOOTER: &str = "#交易合计：1笔，商家实收共19.00元，商家优惠共1.00元\r\n#退款合计：1笔，商家实收退款共-5.00元，商家优惠退款共0.00元\r\n#导出时间：[2026年11月23日 05:46:49]";

fn row(kind: &str, over: &[(&str, &str)]) -> String {
    let payment = kind == "交易";
    let pick = |of_payment: &'static str, of_refund: &'static str| if payment { of_payment } else { of_refund };
    let mut values = vec![
        ("支付宝交易号", "2026112222001400000000000001"),
        ("商户订单号", "B-1"),
        ("业务类型", kind),
        ("商品名称", "豆浆"),
        ("创建时间", "2026-11-22 08:29:58"),
        ("完成时间", pick("2026-11-22 08:30:00", "2026-11-22 09:00:00")),
        ("订单金额（元）", pick("20.00", "-5.00")),
        ("商家实收（元）", pick("19.00", "-5.00")),
        ("支付宝红包（元）", "0.00"),
        ("集分宝（元）", "0.00"),
        ("支付宝优惠（元）", "0.00"),
        ("商家优惠（元）", pick("1.00", "0.00")),
        ("券核销金额（元）", "0.00"),
        ("商家红包消费金额（元）", "0.00"),
        ("卡消费金额（元）", "0.00"),
        ("退款批次号/请求号", pick("", "HZ-1")),
        ("服务费（元）", pick("-0.12", "0.03")),
        ("分润（元）", "0.00"),
    ];
    values.extend_from_slice(over);
    let mut cells = cells(HEADER, &values);
    for column in WITH_TAB {
        cells[column].push('\t');
    }
    cells.join(",")
}

fn framed(header: &str, rows: &[String], rest: &str) -> String {
    let account = "#支付宝业务明细查询\r\n#账号：[20880000000000010156]\r\n#起始日期：[2026年11月22日 00:00:00]   终止日期：[2026年11月23日 00:00:00]\r\n";
    let begin = "#-----------------------------------------业务明细列表----------------------------------------\r\n";
    format!("{account}{begin}{header}\r\n{}\r\n{rest}", rows.join("\r\n"))
}

fn bill(rows: &[String], footer: &str) -> Vec<u8> {
    gbk(&framed(HEADER, rows, &format!("{END}\r\n{footer}\r\n")))
}

/// One payment and one refund, with their totals.
pub(crate) fn day() -> Vec<u8> {
    bill(&[row("交易", &[]), row("退款", &[])], FOOTER)
}

#[test]
fn a_payment_and_a_refund_become_rows_in_common_words() {
    let reading = accepted(&day());
    let [payment, refund] = &reading.rows[..] else { panic!("{:?}", reading.faults) };
    assert_eq!((reading.summary.layout, reading.control().as_str()), ("alipay-trade-25", "matched"));
    assert_eq!((payment.network, payment.kind, payment.line), (Network::Alipay, Kind::Payment, 6));
    assert_eq!((payment.reference.as_str(), payment.order.as_str()), ("2026112222001400000000000001", "B-1"));
    assert_eq!((payment.merchant.as_str(), payment.status.as_str()), ("2088000000000001", "交易"));
    assert_eq!((payment.amount.minor(), payment.ordered_minor), (1_900, Some(2_000)));
    assert_eq!((payment.at, payment.refund_reference.as_deref()), (at("2026-11-22", 8, 30, 0), None));
    assert_eq!((refund.kind, refund.at), (Kind::Refund, at("2026-11-22", 9, 0, 0)));
    assert_eq!((refund.amount.minor(), refund.refund_reference.as_deref()), (500, Some("HZ-1")));
    assert_eq!(payment.reference, refund.reference);
}

#[test]
fn the_fee_is_charged_on_payments_and_given_back_on_refunds_whatever_its_sign() {
    for (kind, printed, fee) in
        [("交易", "-0.12", 12), ("交易", "0.12", 12), ("退款", "0.03", -3), ("退款", "-0.03", -3), ("交易", "0.00", 0)]
    {
        let reading = accepted(&bill(&[row(kind, &[("服务费（元）", printed)])], ""));
        assert_eq!(reading.rows[0].fee_minor, fee, "{kind} {printed}");
    }
}

#[test]
fn the_header_may_print_its_parentheses_narrow() {
    let text = framed(&HEADER.replace('（', "(").replace('）', ")"), &[row("交易", &[])], END);
    assert_eq!(accepted(&gbk(&text)).rows.len(), 1);
}

#[test]
fn second_bytes_of_gbk_that_look_like_ascii_split_nothing() {
    // 0xD5 0x5C, 0x81 0x60 and 0x81 0x7C end with a backslash, a backtick and a bar.
    for goods in ["誠", "乣", "亅", "許功蓋", "（大）"] {
        let reading = accepted(&bill(&[row("交易", &[("商品名称", goods)])], ""));
        assert_eq!((reading.rows.len(), reading.rows[0].amount.minor()), (1, 1_900), "{goods}");
    }
    assert_eq!(gbk("誠")[1], b'\\');
}

#[test]
fn separators_inside_the_goods_name_or_the_remark_move_nothing() {
    for (goods, remark) in [("苹果,香蕉", ""), ("", "请加糖,谢谢"), ("a,b,c", "d,e"), (",", ","), ("`", "\"")]
    {
        let reading = accepted(&bill(&[row("交易", &[("商品名称", goods), ("备注", remark)])], ""));
        assert_eq!(reading.rows.len(), 1, "{goods} {remark}: {:?}", reading.faults);
        assert_eq!(reading.rows[0].amount.minor(), 1_900);
    }
}

#[test]
fn a_goods_name_that_spells_out_another_row_is_a_fault_and_not_a_choice() {
    let forged = "x,2026-11-22 08:29:58,2026-11-22 08:30:00,,,,,,1.00,1.00,0,0,0,0,0,,0,0,,0.00,0,";
    let reading = accepted(&bill(&[row("交易", &[("商品名称", forged)])], ""));
    assert_eq!(
        reading.fault(),
        "line separators inside a free text allow two readings of this line; ask the network which is meant"
    );
}

#[test]
fn the_footer_is_held_against_received_amounts_in_each_of_its_wordings() {
    let rows = [row("交易", &[]), row("退款", &[])];
    for (footer, control) in [
        (FOOTER, "matched"),
        (
            "#交易合计：1笔，交易金额共19.00元，优惠金额共1.00元\r\n#退款合计：1笔，交易退款金额共-5.00元，优惠退款金额共0.00元",
            "matched",
        ),
        ("#交易合计：1笔，商家实收共19.00元\r\n##退款合计：1笔，商家实收退款共5.00元", "matched"),
        (
            "#交易合计：1笔，商家实收共20.00元，商家优惠共1.00元\r\n#退款合计：1笔，商家实收退款共-5.00元，商家优惠退款共0.00元",
            "交易合计 商家实收 is 20.00 in the file's totals and 19.00 in its rows",
        ),
        (
            "#交易合计：2笔，商家实收共19.00元，商家优惠共1.00元\r\n#退款合计：1笔，商家实收退款共-5.00元，商家优惠退款共0.00元",
            "交易合计 笔数 is 2 in the file's totals and 1 in its rows",
        ),
        (
            "#交易合计：1笔，商家实收共19.00元，商家优惠共1.00元",
            "退款合计 is missing: the file is truncated, fetch it again",
        ),
        (
            "#交易合计：1笔，商家实收共19.00元\r\n#退款合计：一笔，商家实收退款共-5.00元",
            "退款合计 笔数 reads \"一\", which is not a number",
        ),
        (
            "#交易合计：1笔，商家实收共19.00元\r\n#退款合计：1笔",
            "退款合计 商家实收 is missing: the file is truncated, fetch it again",
        ),
        ("#导出时间：[2026年11月23日 05:46:49]", "absent"),
        ("", "absent"),
    ] {
        assert_eq!(accepted(&bill(&rows, footer)).control(), control, "{footer}");
    }
    let without_end = gbk(&framed(HEADER, &rows, ""));
    assert_eq!(accepted(&without_end).control(), "absent");
}

#[test]
fn a_bad_row_is_located_and_the_others_are_read() {
    for (column, value, fault) in [
        ("商家实收（元）", "19.005", "商家实收（元） has a fraction below one minor unit"),
        ("商家实收（元）", "-19.00", "商家实收（元） is negative on a payment"),
        ("服务费（元）", "0.123", "服务费（元） has a fraction below one minor unit"),
        ("创建时间", "昨天", "创建时间 is not a date and time"),
        ("完成时间", "", "完成时间 is not a date and time"),
        ("支付宝交易号", "", "支付宝交易号 is empty"),
        (
            "业务类型",
            "收费",
            "业务类型 is not a known kind of movement; if the network has added one, add it to the layout table",
        ),
    ] {
        let reading = accepted(&bill(&[row("交易", &[(column, value)]), row("退款", &[])], ""));
        assert_eq!(reading.fault(), fault);
        assert_eq!((reading.faults[0].line, reading.rows.len()), (6, 1));
    }
}

#[test]
fn a_byte_that_gbk_does_not_have_is_located_in_the_file() {
    let mut bytes = day();
    let place = bytes.windows(4).position(|four| four == gbk("豆浆")).unwrap();
    bytes[place] = 0xFF;
    let reading = accepted(&bytes);
    let expected = format!("line byte {place} of the file is not GBK; take the file as the network sent it");
    assert_eq!(reading.fault(), expected);
    assert_eq!(reading.rows.len(), 1);
}

#[test]
fn a_row_behind_the_end_of_the_list_and_a_missing_account_are_faults() {
    let after = gbk(&framed(HEADER, &[row("交易", &[])], &format!("{END}\r\n{}", row("交易", &[]))));
    assert_eq!(accepted(&after).fault(), "line stands behind the end of the list");
    let nameless = gbk(&framed(HEADER, &[row("交易", &[])], END).replace("账号", "户名"));
    assert_eq!(
        accepted(&nameless).fault(),
        "账号 no line before the header names the account; take the file as the network sent it"
    );
}

#[test]
fn a_converted_file_and_another_list_are_refused() {
    let converted = framed(HEADER, &[row("交易", &[])], END);
    assert!(matches!(refused(converted.as_bytes()), Refusal::WrongCharset { network: Network::Alipay, line: 5, .. }));
    let account_list = "#支付宝账务明细查询\n账务流水号,业务流水号,商户订单号,商品名称,发生时间,对方账号\n";
    assert!(matches!(refused(&gbk(account_list)), Refusal::UnknownLayout { line: 2, .. }));
    let shops = "#支付宝业务汇总查询\n门店编号,门店名称,交易订单总笔数,退款订单总笔数\n";
    assert!(
        refused(&gbk(shops)).to_string().ends_with("it is the list of totals by shop; read the list of transactions")
    );
    let headless = "#支付宝业务明细查询\n#账号：[20880000000000010156]\n";
    assert!(refused(&gbk(headless)).to_string().ends_with("it ends before any header; fetch it again"));
}
