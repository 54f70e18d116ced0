//! The command line: names, help and defaults.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use domain::ids::Id;
use domain::time::Date;
use simulator::day::{PAYMENTS_MAX, PAYMENTS_MIN};
use wire::common::v1::CycleRef;

use crate::backup::{self, BackupArguments, BackupOptions, RestoreArguments};
use crate::bench::BenchVerb;
use crate::data::{Place, Sizes};
use crate::recover::{self, RecoverArguments};
use crate::remote::{self, At, Remote};
use crate::{events, exit, simulate};

/// Hutong 互通: a settlement ledger between payment networks.
#[derive(Debug, Parser)]
#[command(version, after_help = exit::HELP)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// A business day of three networks: published, kept, netted, reconciled, settled and checked
    #[command(after_long_help = DEMO_HELP)]
    Demo(DemoArguments),
    /// Keep the ledger: read the networks' topics and make what they say durable, until told to stop
    #[command(after_long_help = SERVE_HELP)]
    Serve(ServeArguments),
    /// Put events and commands from a file onto their topics
    #[command(after_long_help = PUBLISH_HELP)]
    Publish(PublishArguments),
    /// Hold the networks' bill files of a date against the ledger
    #[command(after_long_help = RECONCILE_HELP)]
    Reconcile(ReconcileArguments),
    /// Write a day of three networks as files: records, bills, and the truth about both
    #[command(after_long_help = SIMULATE_HELP)]
    Simulate(SimulateArguments),
    /// Show what stands on the accounts of a running ledger, now or at a past moment
    #[command(after_long_help = BALANCES_HELP)]
    Balances(BalancesArguments),
    /// Show what a settlement cycle nets to
    #[command(after_long_help = NET_HELP)]
    Net(NetArguments),
    /// Show entries of the log with what was decided about them
    #[command(after_long_help = EVENTS_HELP)]
    Events(EventsArguments),
    /// Bill files of the networks
    #[command(subcommand)]
    Bills(BillsVerb),
    /// Derive everything in a data directory again from its log, and compare; nothing is written
    #[command(after_long_help = VERIFY_HELP)]
    Verify(VerifyArguments),
    /// Copy a ledger that no service has open; one that is served copies itself
    #[command(after_long_help = backup::BACKUP_HELP)]
    Backup(BackupArguments),
    /// Make a data directory of a backup, and prove it
    #[command(after_long_help = backup::RESTORE_HELP)]
    Restore(RestoreArguments),
    /// Compare a log with its high-water mark, and decide that the log holds
    #[command(after_long_help = recover::HELP)]
    Recover(RecoverArguments),
    /// Measure what this machine does
    #[command(subcommand)]
    Bench(BenchVerb),
}

/// A date as people write it.
pub(crate) fn date(text: &str) -> Result<Date, String> {
    Date::parse_iso(text).ok_or_else(|| "there is no such date; one is written like 2025-11-11".to_owned())
}

#[derive(Debug, Args)]
pub(crate) struct DayArguments {
    /// How many payments the day has, 1,000 to 1,000,000; some two records each
    #[arg(long, value_name = "N", default_value_t = 100_000,
        value_parser = clap::value_parser!(u64).range(PAYMENTS_MIN..=PAYMENTS_MAX))]
    pub(crate) payments: u64,
    /// The same seed gives the same day
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub(crate) seed: u64,
    /// The day's date
    #[arg(long, value_name = "YYYY-MM-DD", default_value = "2025-11-11", value_parser = simulate::date)]
    pub(crate) date: Date,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArguments {
    #[command(flatten)]
    pub(crate) day: DayArguments,
    /// Kafka brokers to use; missing topics are made there. Without it a broker runs in this process
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) brokers: Option<String>,
    /// Where the day is kept; given again, it goes on. Without it a temporary directory
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// End after the summary instead of staying up for questions
    #[arg(long)]
    pub(crate) exit: bool,
    /// Where to answer questions about the day; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value_t = api::Options::LISTEN)]
    pub(crate) listen: SocketAddr,
    /// Lines for people, or one JSON object
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct SimulateArguments {
    #[command(flatten)]
    pub(crate) day: DayArguments,
    /// Where to write; made when it does not exist
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct ReconcileArguments {
    /// The networks' business date
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = date)]
    pub(crate) date: Date,
    /// Directory with the networks' bill files of that date, plain or in the zip they came in
    #[arg(long, value_name = "DIR")]
    pub(crate) bills: PathBuf,
    /// Kafka brokers to begin with, separated by commas
    #[arg(long, value_name = "HOST:PORT", env = "HUTONG_BROKERS")]
    pub(crate) brokers: String,
    #[command(flatten)]
    pub(crate) place: Place,
    /// Compare only what the ledger holds already: nothing is read from topics, recorded or booked
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Lines for people, or one JSON object
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArguments {
    /// Kafka brokers to begin with, separated by commas
    #[arg(long, value_name = "HOST:PORT", env = "HUTONG_BROKERS")]
    pub(crate) brokers: String,
    #[command(flatten)]
    pub(crate) place: Place,
    #[command(flatten)]
    pub(crate) backups: BackupOptions,
    /// The rulebook that an empty ledger begins with; without it the built-in one. A ledger that has one keeps it
    #[arg(long, value_name = "FILE")]
    pub(crate) rulebook: Option<PathBuf>,
    /// Where to serve gRPC; port 0 takes a free one, which is logged
    #[arg(long, value_name = "HOST:PORT", env = "HUTONG_LISTEN", default_value_t = api::Options::LISTEN)]
    pub(crate) listen: SocketAddr,
    /// Let `--listen` be an address that other machines can reach. Callers are not identified yet: whoever reaches it reads
    /// every balance and may close a cycle
    #[arg(long)]
    pub(crate) insecure_listen: bool,
    /// How often progress and lag are logged, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) progress_ms: u64,
    /// Entries of a run, at least: small for tests that want to see many runs end
    #[arg(long, hide = true, value_name = "N", default_value_t = Sizes::default().run_entries)]
    pub(crate) run_entries: u64,
    /// Bytes of blocks in memory before the database writes a file: small for tests that want to see many files
    #[arg(long, hide = true, value_name = "BYTES", default_value_t = Sizes::default().memory_table_bytes)]
    pub(crate) memory_table_bytes: usize,
}

#[derive(Debug, Args)]
pub(crate) struct BalancesArguments {
    /// An account, or the beginning of its name up to a point; without it all accounts
    #[arg(value_name = "ACCOUNT")]
    pub(crate) account: Option<String>,
    #[command(flatten)]
    pub(crate) at: At,
    #[command(flatten)]
    pub(crate) remote: Remote,
    /// Aligned columns for people, or one JSON object with amounts in minor units
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct NetArguments {
    /// The cycle by currency and number; without it the open one of CNY
    #[arg(long, value_name = "CNY/1", value_parser = remote::cycle)]
    pub(crate) cycle: Option<CycleRef>,
    /// By pairs rather than by participants
    #[arg(long, conflicts_with = "explain")]
    pub(crate) bilateral: bool,
    /// What every net is made of, and what netting saves
    #[arg(long)]
    pub(crate) explain: bool,
    #[command(flatten)]
    pub(crate) at: At,
    #[command(flatten)]
    pub(crate) remote: Remote,
    /// Aligned columns for people, or one JSON object with amounts in minor units
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct EventsArguments {
    /// The first sequence number wanted; without it the beginning
    #[arg(long, value_name = "N")]
    pub(crate) from: Option<u64>,
    /// Go on with new entries as they become durable
    #[arg(long)]
    pub(crate) follow: bool,
    /// Only entries of this payment; may be given again for another one
    #[arg(long, value_name = "HEX", value_parser = events::payment)]
    pub(crate) payment: Vec<Id>,
    /// Only events of which this network is reporter, payer or payee; may be given again for another one
    #[arg(long, value_name = "NETWORK")]
    pub(crate) network: Vec<String>,
    #[command(flatten)]
    pub(crate) remote: Remote,
    /// Lines for people, or one JSON object a line
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct PublishArguments {
    /// One record a line, as JSON
    #[arg(value_name = "FILE.ndjson")]
    pub(crate) file: PathBuf,
    /// Kafka brokers to begin with, separated by commas
    #[arg(long, value_name = "HOST:PORT", env = "HUTONG_BROKERS")]
    pub(crate) brokers: String,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArguments {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Lines for people, or one JSON object
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    pub(crate) output: Output,
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

const DEMO_HELP: &str = "\
Plans a day of UnionPay, Tenpay and Alipay and writes down what has to come out; publishes it to
Kafka, keeps it in a ledger, closes the cycle at UnionPay's cut-over, holds the three networks'
bill files against the ledger, books what they prove, settles the cycle with a simulated bank,
verifies the log, and compares every figure with what was written down.

A day that was interrupted goes on when it is started again with the same --data-dir: it is
published again, and what the ledger has is answered as a duplicate.

Examples:
  hutong demo
  hutong demo --payments 10000 --seed 7 --exit -o json | jq .net
  hutong demo --brokers 127.0.0.1:9092 --data-dir ./day

Exit codes:
  0  the day came out as written down
  1  it did not, or something failed
  2  the command line is wrong
  4  the directory holds another day
  5  no broker answers";

const SIMULATE_HELP: &str = "\
Writes DIR/day.ndjson for `hutong publish`, DIR/bills with the three networks' bill files, and
DIR/truth.json: what the ledger has to refuse, the nets of the day's cycle, and every discrepancy
that was planted in the bills. Records that a line cannot say are left out of day.ndjson and
counted, so that refusals of undecodable records are missing from what is published by hand.
Topics are not ordered among each other: a ledger that has not yet read the payments before the
cut-over closes an empty cycle. Serve first, and publish what stands before the cut-over by itself.

Examples:
  hutong simulate --out ./day --payments 5000 --seed 7
  hutong bills inspect ./day/bills/*

Exit codes:
  0  the day is written
  1  a file could not be written
  2  the command line is wrong";

const RECONCILE_HELP: &str = "\
No service may have the data directory open.

Reads every file of the directory, checks its totals, matches its rows with the networks' events
of that business date, and records files, matches and breaks in the ledger. What a row proves is
booked: a silent network's leg, a surplus into suspense, an unproven part back into transit. Running
again is safe: what is on record is not recorded twice.

Examples:
  hutong reconcile --date 2025-11-11 --bills ./bills --brokers 127.0.0.1:9092 --data-dir /var/lib/hutong/ledger
  hutong reconcile --date 2025-11-11 --bills ./bills --dry-run -o json | jq '.breaks[].code'

Exit codes:
  0  every row and every leg agree
  1  files or ledger could not be read
  2  the command line is wrong
  3  breaks were found; they are recorded
  4  a file was refused: truncated, altered or no bill
  5  no broker answers";

const SERVE_HELP: &str = "\
Reads topics hutong.control, payments.unionpay, payments.tenpay and payments.alipay, which have
to exist with one partition each, from the positions that the data directory holds. What is
refused goes to payments.rejected, which has to exist in the same way. Brokers that go away are
waited for. What would leave a record out or count one twice stops the ledger with a
code; deploy/runbooks has a page for each. SIGINT and SIGTERM finish the block and stop.

The data directory is made when it does not exist. How far the ledger has acknowledged is also
written to the high-water mark, before anybody hears of it: a log that ends before it is refused.
With --backup-dir the ledger is copied there while it is served; `hutong restore` takes it from there.

Topics have to keep their records (retention.ms=-1): a record time of last year is old on arrival.

gRPC is served on --listen, with health and reflection. Only this machine reaches the default
address; another one is refused without --insecure-listen, because callers are not identified yet.
A signal ends streams and lets calls under way end before the ledger stops.

Examples:
  hutong serve --brokers 127.0.0.1:9092 --data-dir /var/lib/hutong/ledger
  hutong serve --brokers 127.0.0.1:9092 --data-dir /var/lib/hutong/ledger --listen 127.0.0.1:7071

Exit codes:
  0  stopped as told
  1  the ledger cannot go on; reason and code are on standard error
  2  the command line is wrong
  4  the data directory has lost what was acknowledged, or has no high-water mark
  5  no broker answers at the start";

const BALANCES_HELP: &str = "\
Every answer names the sequence number that it is true at. A negative `position.a.b` means that a
owes b. Accounts that were never posted to are not shown.

Examples:
  hutong balances position.unionpay
  hutong balances liquidity --at-time 2026-11-20T23:00:00+08:00
  hutong balances -o json | jq -r '.balances[] | [.account, .net_minor_units] | @tsv'

Exit codes:
  0  answered
  1  the service refuses, for example a moment that lies ahead
  2  the command line is wrong
  5  the service is away or not ready";

const NET_HELP: &str = "\
A negative net has to be paid. Networks stand in the order of their ids, then the operator, then
escrow; all nets sum to zero.

Examples:
  hutong net
  hutong net --cycle CNY/1 --bilateral
  hutong net --cycle CNY/1 --explain -o json | jq .netting.transfers_saved

Exit codes:
  0  answered
  1  the service refuses, for example a cycle that is not there
  2  the command line is wrong
  5  the service is away or not ready";

const EVENTS_HELP: &str = "\
One line an entry: sequence number, when it was recorded, what the record said, what was decided,
which rules booked something. With -o json an entry is a `hutong.audit.v1.LedgerEntry`, with
postings and hashes.

Examples:
  hutong events --from 1000 --network alipay
  hutong events --payment 0190a1b2c3d4e5f60718293a4b5c6d7e
  hutong events --follow -o json | jq -c 'select(.decision.outcome == \"OUTCOME_REJECTED\")'

Exit codes:
  0  the end was reached
  1  the service refuses, for example a beginning that lies ahead
  2  the command line is wrong
  5  the service is away, not ready, or stops";

const PUBLISH_HELP: &str = "\
A line is a `hutong.publish.v1.PublishLine` in protobuf JSON: a payment event, a command or a bank
record, with an optional record time. The whole file is checked first; nothing is published when a
line is wrong. Records go to their topics in the order of the file; between commands and events
the file is waited for, so that a command is on its topic before the events that follow it.

Examples:
  hutong publish day.ndjson --brokers 127.0.0.1:9092

Exit codes:
  0  every record is on its topic
  1  a record could not be published; how many were is on standard error
  2  the command line is wrong
  4  a line is wrong; nothing was published
  5  no broker answers";

const VERIFY_HELP: &str = "\
Reads the blocks of the log and nothing else, computes the hash chain, asks the rules about
every record again, folds what they book with code that is not the ledger's, and compares
answers, history, balances, cycles and payments with what the directory keeps. The verdict is
`empty`, `proven` or `wrong`; for `wrong` the first bad sequence is named. The day digest is over
every payment's outcome and amounts, the nets and the refusals: two ledgers that have read the same
topics agree on it, though their chains differ with the order in which the topics were read.

The log is also compared with its high-water mark, when it is there: a copy of a directory has none.

Examples:
  hutong verify --data-dir /var/lib/hutong/ledger
  hutong verify --data-dir /var/lib/hutong/ledger -o json | jq -r .chain_head

Exit codes:
  0  empty or proven
  1  the directory cannot be read
  2  the command line is wrong
  4  something in it is wrong";

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
