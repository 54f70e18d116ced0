//! What a disk can do to a ledger: the write-ahead log cut short, a bit flipped in any file, a call that fails. Every case
//! takes a copy of one ledger, damages it, and asks the real binary what it is now.
//!
//! Each case ends in the identical state, or in a stop that names the place. Absent on purpose: sudden death and power cuts,
//! where the disk keeps its word about what was synced.

mod arguments;
mod cuts;
mod days;
mod faults;
mod flips;
mod judge;
mod kinds;
mod log_file;
mod place;
mod process;
mod random;
mod repeat;
mod shim;
mod subject;
mod template;

use std::error::Error;
use std::io::Write;
use std::process::ExitCode;

use arguments::{Arguments, Suite};
use subject::Task;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let ended = match arguments.split_first() {
        Some((word, task)) if word == "child" => child(task),
        _ => Arguments::parse(&arguments).and_then(|arguments| suite(&arguments)),
    };
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "damage: {}", story(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

fn suite(arguments: &Arguments) -> Result<bool, Box<dyn Error>> {
    match arguments.suite {
        Suite::Cuts => cuts::run(arguments),
        Suite::Flips => flips::run(arguments),
        Suite::Faults => faults::run(arguments),
        Suite::Days => days::run(arguments),
    }
}

fn child(task: &[String]) -> Result<bool, Box<dyn Error>> {
    let (place, task) = Task::from_arguments(task).ok_or("not the arguments of a child")?;
    subject::run(&place, &task, &mut std::io::stdout())?;
    Ok(true)
}

/// An error and everything inside it.
fn story(error: &dyn Error) -> String {
    match error.source() {
        Some(inner) => format!("{error}: {}", story(inner)),
        None => error.to_string(),
    }
}

/// Bytes as hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
