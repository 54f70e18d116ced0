//! `hutong bills inspect`, run as an operator runs it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use encoding_rs::GBK;
use tempfile::TempDir;

const TENPAY: &str = "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注
`2026-11-22 08:30:00,`wx1,`1900000001,`0,`,`4200000001202611220000000001,`A-1,`o1,`NATIVE,`SUCCESS,`CFT,`CNY,`32.50,`0.00,`0,`0,`0.00,`0.00,`,`,`豆浆,油条,`,`0.20000,`0.60%,`32.50,`0.00,`
`2026-11-22 09:00:00,`wx1,`1900000001,`0,`,`4200000001202611220000000001,`A-1,`o1,`NATIVE,`REFUND,`CFT,`CNY,`0.00,`0.00,`50000000012026112200000000001,`R-1,`10.00,`0.00,`ORIGINAL,`SUCCESS,`豆浆,油条,`,`-0.06000,`0.60%,`0.00,`10.00,`
总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额
`2,`32.50,`10.00,`0.00,`0.14000,`32.50,`10.00
";
const TENPAY_JSON: &str = r#""network":"tenpay","layout":"tenpay-all-27","rows":2,"payments":{"count":1,"minor":3250},"refunds":{"count":1,"minor":1000},"fees_minor":14,"control_totals":"matched","errors":[]}"#;

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn put(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).expect("a temporary file");
        path
    }
}

fn command(files: &[&Path], rest: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hutong"));
    command.args(["bills", "inspect"]).args(files).args(rest);
    command
}

fn hutong(files: &[&Path], rest: &[&str]) -> Output {
    command(files, rest).output().expect("the binary runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// One object, without its file name.
fn json(file: &Path) -> (String, i32) {
    let output = hutong(&[file], &["-o", "json"]);
    let line = text(&output.stdout);
    let prefix = format!("{{\"file\":\"{}\",", file.display());
    let rest = line.strip_prefix(&prefix).unwrap_or_else(|| panic!("{line} does not begin with {prefix}"));
    assert_eq!(rest.lines().count(), 1);
    (rest.trim_end().to_owned(), output.status.code().expect("not killed"))
}

#[test]
fn a_clean_bill_is_one_json_object_and_exit_0() {
    let folder = Folder::new();
    let file = folder.put("任意名字.txt", TENPAY);
    assert_eq!(json(&file), (TENPAY_JSON.to_owned(), 0));
}

#[test]
fn an_alipay_bill_without_a_footer_is_absent_and_exit_0() {
    let folder = Folder::new();
    let bill = "#支付宝业务明细查询\r\n#账号：[20880000000000010156]\r\n支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注\r\n2026112222001400000000000001\t,B-1\t,交易\t,豆浆,2026-11-22 08:29:58,2026-11-22 08:30:00,\t,\t,\t,\t,*三\t,20.00,20.00,0.00,0.00,0.00,0.00,0.00,,0.00\t,0.00,\t,-0.12,0.00,\r\n";
    let file = folder.put("a.csv", GBK.encode(bill).0);
    let expected = r#""network":"alipay","layout":"alipay-trade-25","rows":1,"payments":{"count":1,"minor":2000},"refunds":{"count":0,"minor":0},"fees_minor":12,"control_totals":"absent","errors":[]}"#;
    assert_eq!(json(&file), (expected.to_owned(), 0));
}

#[test]
fn a_bad_row_is_listed_with_its_place_and_exit_4() {
    let folder = Folder::new();
    let file = folder.put("a.csv", TENPAY.replace("`32.50,`0.00,`0,", "`32.505,`0.00,`0,"));
    let (line, exit) = json(&file);
    assert!(line.contains(r#""rows":1,"payments":{"count":0,"minor":0}"#), "{line}");
    let error = r#""control_totals":"mismatched","errors":[{"line":2,"field":"应结订单金额","value":"32.505","reason":"has a fraction below one minor unit"}]}"#;
    assert!(line.ends_with(error), "{line}");
    assert_eq!(exit, 4);
}

#[test]
fn mismatched_totals_say_which_figure_on_standard_error_and_exit_4() {
    let folder = Folder::new();
    let file = folder.put("a.csv", TENPAY.replace("`2,`32.50", "`48,`32.50"));
    let output = hutong(&[&file], &["-o", "json"]);
    assert!(text(&output.stdout).contains(r#""control_totals":"mismatched","errors":[]}"#));
    let expected =
        format!("{}: control totals: 总交易单数 is 48 in the file's totals and 2 in its rows\n", file.display());
    assert_eq!(text(&output.stderr), expected);
    assert_eq!(output.status.code(), Some(4));
}

#[test]
fn a_file_that_is_no_bill_has_no_network_and_exit_4() {
    let folder = Folder::new();
    let file = folder.put("a.csv", "name,amount\nx,1\n");
    let expected = r#""network":null,"layout":null,"rows":0,"payments":{"count":0,"minor":0},"refunds":{"count":0,"minor":0},"fees_minor":0,"control_totals":"absent","errors":[{"line":1,"field":"file","value":"name,amount","reason":"is not of a known layout: take the file as the network sent it, or add its layout to the table"}]}"#;
    assert_eq!(json(&file), (expected.to_owned(), 4));
}

#[test]
fn a_file_that_cannot_be_opened_is_exit_1_and_the_others_are_still_read() {
    let folder = Folder::new();
    let file = folder.put("a.csv", TENPAY);
    let missing = folder.0.path().join("missing.csv");
    let output = hutong(&[&missing, &file], &["--output", "json"]);
    let lines: Vec<String> = text(&output.stdout).lines().map(str::to_owned).collect();
    assert_eq!((lines.len(), output.status.code()), (2, Some(1)));
    assert!(lines[0].contains("cannot be read") && lines[1].ends_with(TENPAY_JSON), "{lines:?}");
}

#[test]
fn the_table_is_the_default_and_aligns_amounts() {
    let folder = Folder::new();
    let (good, bad) = (folder.put("a.csv", TENPAY), folder.put("b.csv", TENPAY.replace("`2,`32.50", "`48,`32.50")));
    let output = hutong(&[&good, &bad], &[]);
    let shown = text(&output.stdout).replace(&folder.0.path().display().to_string(), "").replace("/a.csv", "a.csv");
    let rows: Vec<Vec<&str>> = shown.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0][3..7], ["ROWS", "PAYMENTS", "CNY", "REFUNDS"]);
    assert_eq!(
        rows[1],
        ["a.csv", "tenpay", "tenpay-all-27", "2", "1", "32.50", "1", "10.00", "0", "0.14", "matched", "0"]
    );
    assert_eq!(rows[2][10], "mismatched");
    assert!(
        shown.ends_with("/b.csv: control totals: 总交易单数 is 48 in the file's totals and 2 in its rows\n"),
        "{shown}"
    );
    assert_eq!(output.status.code(), Some(4));
}

#[test]
fn a_wrong_command_line_is_exit_2_and_help_has_examples() {
    assert_eq!(hutong(&[], &[]).status.code(), Some(2));
    assert_eq!(hutong(&[Path::new("a")], &["-o", "yaml"]).status.code(), Some(2));
    let help = hutong(&[], &["--help"]);
    assert!(text(&help.stdout).contains("Examples:") && help.status.success());
}

#[test]
fn a_reader_that_goes_away_ends_the_run_quietly() {
    let folder = Folder::new();
    let file = folder.put("a.csv", TENPAY);
    let files = vec![file.as_path(); 5_000];
    let mut child =
        command(&files, &["-o", "json"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("ends");
    assert_eq!((text(&output.stderr).as_str(), output.status.code()), ("", Some(0)));
}
