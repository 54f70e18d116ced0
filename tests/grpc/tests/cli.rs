//! The verbs that ask a running service, as an operator runs them.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use grpc::Service;

/// The program that cargo has built beside this one.
fn program() -> PathBuf {
    let this = std::env::current_exe().expect("this program");
    let built = this.ancestors().nth(2).expect("a test program stands in a directory of the build").join("hutong");
    assert!(built.exists(), "{} is missing: build the whole workspace", built.display());
    built
}

fn ask(endpoint: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(program());
    command.args(arguments).args(["--endpoint", endpoint]).stdin(Stdio::null()).output().expect("the binary runs")
}

/// What a verb says when all is well.
fn said(service: &Service, arguments: &[&str]) -> String {
    let output = ask(&service.endpoint(), arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn balances_align_on_the_point_and_name_their_sequence() {
    let mut service = Service::start(api::Options::default());
    let then = service.events(700).sequence;
    let newest = service.events(300).sequence;
    let now = said(&service, &["balances", "position"]);
    let lines: Vec<&str> = now.lines().collect();
    assert!(lines[0].starts_with(&format!("as of sequence {newest}, recorded 2026-11-20T")), "{now}");
    assert!(lines[1].starts_with("ACCOUNT") && lines.len() > 5, "{now}");
    assert!(lines[2..].iter().all(|line| line.starts_with("position.") && line.is_ascii()), "{now}");
    let points: Vec<Vec<usize>> = lines[2..]
        .iter()
        .map(|line| line.rmatch_indices('.').take(3).map(|(at, _)| line.len() - at).collect())
        .collect();
    assert!(points.iter().all(|each| *each == points[0]), "{now}");

    let past = said(&service, &["balances", "-o", "json", "--at-sequence", &then.to_string()]);
    assert!(past.starts_with(&format!(r#"{{"sequence":{then},"#)) && past.lines().count() == 1, "{past}");
    let empty = said(&service, &["balances", "--at-sequence", "0"]);
    assert_eq!(empty, "as of sequence 0\nnothing was posted to such an account\n");
}

#[test]
fn a_net_is_shown_by_participant_by_pair_and_explained() {
    let mut service = Service::start(api::Options::default());
    let newest = service.events(1_000).sequence;
    let head = format!("cycle CNY/1 as of sequence {newest}; a negative amount is owed");
    let net = said(&service, &["net"]);
    let participants: Vec<&str> = net.lines().skip(2).filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(
        (net.lines().next(), participants),
        (Some(head.as_str()), vec!["alipay", "tenpay", "unionpay", "operator", "escrow"])
    );
    let pairs = said(&service, &["net", "--cycle", "CNY/1", "--bilateral"]);
    assert!(pairs.contains("DEBTOR") && pairs.lines().count() > 3, "{pairs}");
    let explained = said(&service, &["net", "--explain"]);
    assert!(explained.contains("captures: ") && explained.contains("interchange: "), "{explained}");
    let json = said(&service, &["net", "--explain", "-o", "json"]);
    assert!(json.contains(r#""transfers_saved":"#) && json.contains(&format!(r#""sequence":{newest}"#)), "{json}");
}

#[test]
fn events_are_shown_one_a_line() {
    let mut service = Service::start(api::Options::default());
    let newest = service.events(200).sequence;
    let all = said(&service, &["events"]);
    assert_eq!(all.lines().count() as u64, newest.0 + 1);
    assert!(all.lines().next().is_some_and(|line| line.contains("the first rulebook")), "{all}");
    assert_eq!(all.lines().last(), Some(format!("looked at all entries up to sequence {newest}").as_str()));
    let payment =
        all.lines().nth(10).and_then(|line| line.split("  ").find(|word| word.len() == 32)).expect("an event");
    let life = said(&service, &["events", "--payment", payment]);
    assert!(life.lines().count() >= 2 && life.lines().rev().skip(1).all(|line| line.contains(payment)), "{life}");
    let json = said(&service, &["events", "--from", "5", "--network", "tenpay", "-o", "json"]);
    assert!(json.lines().all(|line| line.starts_with(r#"{"sequence":""#) && line.contains("tenpay")), "{json}");
}

#[test]
fn what_goes_wrong_has_an_exit_code() {
    let service = Service::start(api::Options::default());
    let ahead = ask(&service.endpoint(), &["balances", "--at-sequence", "999999"]);
    assert_eq!(ahead.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&ahead.stderr).contains("SEQUENCE_AHEAD"), "{ahead:?}");
    assert_eq!(ask(&service.endpoint(), &["net", "--cycle", "CNY"]).status.code(), Some(2));
    assert_eq!(ask(&service.endpoint(), &["balances", "--at-time", "noon"]).status.code(), Some(2));
    let nobody = ask("http://127.0.0.1:1", &["net"]);
    assert_eq!(nobody.status.code(), Some(5), "{nobody:?}");
}
