//! The one binary. Verbs are modules: `cli` names them, each module runs its own, `exit` says what their end means.
//!
//! Results go to standard output, everything else to standard error.

mod backup;
mod balances;
mod bench;
mod bills;
mod clerk;
mod cli;
mod data;
mod demo;
mod events;
mod exit;
mod kafka;
mod net;
mod node;
mod publish;
mod reconcile;
mod recorded;
mod recover;
mod remote;
mod serve;
mod settle;
mod simulate;
mod table;
mod verify;

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use clap::Parser;

use crate::cli::{BillsVerb, Cli, Verb};

fn main() -> ExitCode {
    abort_on_panic();
    let cli = Cli::parse();
    let mut out = BufWriter::new(io::stdout().lock());
    let result = match cli.verb {
        Verb::Bills(BillsVerb::Inspect(arguments)) => bills::inspect(&arguments, &mut out, &mut io::stderr()),
        Verb::Verify(arguments) => verify::run(&arguments, &mut out, &mut io::stderr()),
        Verb::Recover(arguments) => recover::run(&arguments, &mut out),
        Verb::Backup(arguments) => backup::backup(&arguments, &mut out),
        Verb::Restore(arguments) => backup::restore(&arguments, &mut out, &mut io::stderr()),
        Verb::Demo(arguments) => demo::run(&arguments, &mut out, &mut io::stderr()),
        Verb::Simulate(arguments) => simulate::run(&arguments, &mut out),
        Verb::Reconcile(arguments) => reconcile::run(&arguments, &mut out, &mut io::stderr()),
        Verb::Serve(arguments) => serve::run(&arguments, &mut io::stderr()),
        Verb::Publish(arguments) => publish::run(&arguments, &mut out, &mut io::stderr()),
        Verb::Balances(arguments) => balances::run(&arguments, &mut out, &mut io::stderr()),
        Verb::Net(arguments) => net::run(&arguments, &mut out, &mut io::stderr()),
        Verb::Events(arguments) => events::run(&arguments, &mut out, &mut io::stderr()),
        Verb::Bench(verb) => bench::run(&verb, &mut out, &mut io::stderr()),
    };
    result
        .unwrap_or_else(|error| {
            say(format_args!("hutong: {error:#}"));
            data::exit(&error)
        })
        .into()
}

/// A panic means that this program is wrong: it stops at once instead of unwinding through half-done work. First in `main`,
/// so that no thread starts without it.
fn abort_on_panic() {
    std::panic::set_hook(Box::new(|info| {
        say(format_args!("hutong: {info}\nhutong: this is a defect, not an answer; nothing more was done"));
        std::process::abort();
    }));
}

/// To standard error, which may be closed.
fn say(text: std::fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "{text}");
}
