//! Exit codes: the same numbers mean the same for every verb, so that a script can tell what to do next.

use std::process::ExitCode;

/// How a run ended. Code 2, a wrong command line, is given by the argument parser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done, and nothing to report.
    Clean,
    /// Not done: something failed here.
    Error,
    /// Done, and the networks' books differ from the ledger.
    Breaks,
    /// Done, and the data was refused.
    Refused,
    /// Not done, because somebody else is away: worth trying again later.
    Unavailable,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Clean => 0,
            Exit::Error => 1,
            Exit::Breaks => 3,
            Exit::Refused => 4,
            Exit::Unavailable => 5,
        })
    }
}

/// For the long help of every verb.
pub(crate) const HELP: &str = "\
Exit codes:
  0  clean
  1  error: it could not be done
  2  usage: the command line is wrong
  3  breaks found
  4  data refused
  5  unavailable: try again later";
