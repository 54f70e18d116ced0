//! The command line: names, help and defaults.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::exit;

/// Hutong 互通: a settlement ledger between payment networks.
#[derive(Debug, Parser)]
#[command(version, after_help = exit::HELP)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Bill files of the networks
    #[command(subcommand)]
    Bills(BillsVerb),
}

#[derive(Debug, Subcommand)]
pub(crate) enum BillsVerb {
    /// Say what bill files hold, whether they are whole, and what is wrong with them
    #[command(after_long_help = INSPECT_HELP, after_help = "Use --help for layouts, examples and exit codes.")]
    Inspect(InspectArguments),
}

#[derive(Debug, Args)]
pub(crate) struct InspectArguments {
    /// Bill files, plain or in the zip they came in
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Table for people, or one JSON object per file and line
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    pub(crate) output: Output,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// Aligned columns; amounts in yuan
    Table,
    /// One object per line; amounts in fen
    Json,
}

const INSPECT_HELP: &str = "\
Files are told apart by their content; their names are not looked at. Known are the
WeChat Pay trade bills (all, success, refund, recharge refund, old and new columns),
the Alipay list of transactions (业务明细), and the UnionPay list (ZM) with its page of
totals (RD2010); the last two also in their zip. Nothing is written or sent anywhere.

Rows with an error are in no total. A revoked payment (已撤销, 消费撤销) is a row, but
neither a payment nor a refund: it is the difference between `rows` and the two counts,
its fee is in `fees_minor`, and the table has a column for it.

`control_totals` is `matched` when the file's own totals equal those of its rows,
`mismatched` when a figure differs or the file was cut before its totals (which figure
is said on standard error), and `absent` when the file carries no totals to compare.

Examples:
  hutong bills inspect 1900000001All2026-11-22.csv
  hutong bills inspect *.csv *.zip -o json | jq -c 'select(.control_totals != \"matched\")'
  hutong bills inspect bill.zip -o json | jq -r '.errors[] | [.line, .field, .reason] | @tsv'

Exit codes:
  0  every file is readable and no control total is mismatched
  1  a file could not be opened or read
  2  the command line is wrong
  4  a file has errors or mismatched totals, or is not a bill";
