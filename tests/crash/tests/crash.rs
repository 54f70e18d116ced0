//! `cargo test --release --workspace --test crash -- kills|power|full [OPTIONS]`. Without a suite, as one test among all of the
//! workspace, it does nothing: a suite takes minutes, and `tests/crash/build.sh` has to have built what it ends.

use std::process::ExitCode;

use crash::{Options, full, kills, power};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).filter(|word| *word != "--quiet").collect();
    let (suite, options): (fn(&Options), _) = match words.split_first() {
        None => {
            eprintln!("crash: no suite was asked for: kills, power or full");
            return ExitCode::SUCCESS;
        }
        Some((&"kills", words)) => (kills::run, Options::parse(words.iter().copied(), 50)),
        Some((&"power", words)) => (power::run, Options::parse(words.iter().copied(), 25)),
        Some((&"full", words)) => (full::run, Options::parse(words.iter().copied(), 2)),
        Some((word, _)) => (kills::run, Err(format!("{word} is no suite"))),
    };
    match options {
        Ok(options) => suite(&options),
        Err(why) => {
            eprintln!("crash: {why}");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
