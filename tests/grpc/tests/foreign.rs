//! Clients of other languages, with stubs of their own, against a ledger on a real database.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use domain::book::Balance;
use grpc::Service;

const ACCOUNT: &str = "position.unionpay.tenpay";

/// Beside what cargo builds, so that another clone finds it too.
fn cache() -> PathBuf {
    let program = std::env::current_exe().expect("this program");
    let target = program.ancestors().nth(3).expect("a test program stands three levels below the target directory");
    target.join("clients")
}

/// Runs the client of a language and returns the line it says.
fn client(language: &str, service: &Service, sequence: u64) -> String {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo tells every test where its crate is");
    let script = Path::new(&manifest).join("../../clients").join(language).join("run.sh");
    let address = service.endpoint().replace("http://", "");
    let output = Command::new("bash")
        .arg(script)
        .arg(cache())
        .args([address.as_str(), ACCOUNT, &sequence.to_string()])
        .stdin(Stdio::null())
        .output()
        .expect("bash can be started");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the {language} client (scripts/setup installs what it needs):\n{said}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// What a client has to say, according to the ledger itself.
fn expected(service: &Service, sequence: u64) -> String {
    let newest = service.handle().snapshot();
    let rules = domain::state::View::rules(&newest.state).current();
    let account = wire::names::account(ACCOUNT, domain::money::CNY, rules).expect("an account of the chart");
    let balances = newest.state.book().accounts().filter(|(_, balance)| *balance != Balance::default()).count();
    let then = service.handle().balance_at(account, domain::ids::Sequence(sequence));
    let net = then.expect("readable").expect("durable").standing(account.class().grows());
    let at = newest.sequence;
    format!("sequence={at} balances={balances} net={net} reason=ACCOUNT_UNKNOWN late=DEADLINE_EXCEEDED")
}

#[test]
fn a_python_client_reads_the_ledger() {
    let mut service = Service::start(api::Options::default());
    let then = service.events(700).sequence.0;
    service.events(300);
    assert_eq!(client("python", &service, then), expected(&service, then));
}

#[test]
fn a_java_client_reads_the_ledger() {
    let mut service = Service::start(api::Options::default());
    let then = service.events(700).sequence.0;
    service.events(300);
    assert_eq!(client("java", &service, then), expected(&service, then));
}
