//! The command line of the benchmarks.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use simulator::mix::{EVENTS_MAX, Mix};

use crate::cli::Output;

/// Institutions of the transfer mix.
const INSTITUTIONS: u32 = 10_000;

#[derive(Debug, Subcommand)]
pub(crate) enum BenchVerb {
    /// The engine alone: events from a file, through rules and log, durable and visible
    #[command(after_long_help = ENGINE_HELP)]
    Engine(EngineArguments),
    /// The same through a real Kafka: three topics are filled first, then read by the service's own code
    #[command(after_long_help = KAFKA_HELP)]
    Kafka(KafkaArguments),
    /// How long an event takes from Kafka to durable and visible, at a rate that does not wait for the ledger
    #[command(after_long_help = LATENCY_HELP)]
    Latency(LatencyArguments),
    /// Reads over gRPC while events come in
    #[command(after_long_help = READS_HELP)]
    Reads(ReadsArguments),
    /// How long a ledger takes to serve again after its process was killed, for logs of several lengths
    #[command(after_long_help = RECOVER_HELP)]
    Recover(InputArguments),
    /// Balances as of past moments, read from a disk that nobody has in memory
    #[command(after_long_help = ASOF_HELP)]
    Asof(AsofArguments),
    /// The verifier: the hash chain alone, and everything derived again
    #[command(after_long_help = VERIFY_HELP)]
    Verify(InputArguments),
    /// One part of a benchmark in a process of its own
    #[command(subcommand, hide = true)]
    Part(Part),
}

/// What a benchmark starts itself again for.
#[derive(Debug, Subcommand)]
pub(crate) enum Part {
    /// Keeps a ledger from a file and says how far it is, until it is killed
    Write(WriteArguments),
    /// Opens a ledger, serves, and says when the first call is answered
    Open(DirectoryArguments),
    /// Reads balances as of past moments
    Asof(PastArguments),
    /// Verifies
    Verify(DirectoryArguments),
}

/// What every benchmark is fed with, and where it works.
#[derive(Clone, Debug, Args)]
pub(crate) struct InputArguments {
    /// How many events
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..=EVENTS_MAX))]
    pub(crate) events: u64,
    /// What kind of traffic
    #[arg(long, value_enum, default_value_t = MixName::Natural)]
    pub(crate) mix: MixName,
    /// Of the transfer mix: only so many institutions
    #[arg(long, value_name = "N")]
    pub(crate) hot: Option<u32>,
    /// The same seed gives the same events
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Where to make a directory for the run; it is removed afterwards
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Lines for people, or one JSON object
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    pub(crate) output: Output,
}

impl InputArguments {
    pub(crate) fn mix(&self) -> Mix {
        match self.mix {
            MixName::Natural => Mix::Natural,
            MixName::Transfer => Mix::Transfer { institutions: INSTITUTIONS, hot: self.hot },
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct WarmUp {
    /// Events of a run before, which is not measured: memory is first touched, files are made; never more than --events
    #[arg(long, value_name = "N", default_value_t = 200_000)]
    warm_up: u64,
}

impl WarmUp {
    pub(crate) fn events(&self, input: &InputArguments) -> u64 {
        self.warm_up.min(input.events)
    }
}

#[derive(Debug, Args)]
pub(crate) struct EngineArguments {
    #[command(flatten)]
    pub(crate) input: InputArguments,
    #[command(flatten)]
    pub(crate) warm_up: WarmUp,
}

#[derive(Debug, Args)]
pub(crate) struct KafkaArguments {
    #[command(flatten)]
    pub(crate) input: InputArguments,
    #[command(flatten)]
    pub(crate) warm_up: WarmUp,
    /// Kafka brokers to use, where none of the topics may exist yet. Without it a broker is started for the run
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) brokers: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct LatencyArguments {
    #[command(flatten)]
    pub(crate) kafka: KafkaArguments,
    #[command(flatten)]
    pub(crate) rate: Rate,
}

#[derive(Debug, Args)]
pub(crate) struct Rate {
    /// Events a second, whatever the ledger does; with --events it decides how long the run is
    #[arg(long = "rate", value_name = "N", default_value_t = 50_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    pub(crate) events_per_second: u64,
}

#[derive(Debug, Args)]
pub(crate) struct ReadsArguments {
    #[command(flatten)]
    pub(crate) input: InputArguments,
    #[command(flatten)]
    pub(crate) warm_up: WarmUp,
    #[command(flatten)]
    pub(crate) rate: Rate,
    /// What is called
    #[arg(long, value_enum, default_value_t = Call::Get)]
    pub(crate) call: Call,
    /// Connections, each on a thread of its own
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) connections: u32,
    /// Calls that each connection has under way
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) in_flight: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Call {
    /// GetBalance: one account a call
    Get,
    /// ListBalances: all accounts of one page a call
    List,
    /// WatchBalances: streams of what changes, a message a block
    Watch,
}

impl Call {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct AsofArguments {
    #[command(flatten)]
    pub(crate) input: InputArguments,
    #[command(flatten)]
    pub(crate) past: Past,
}

#[derive(Debug, Args)]
pub(crate) struct Past {
    /// How many balances are read
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) reads: u64,
    /// After so many of them the database is closed, the kernel is told to forget its files, and it is opened again
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) cold_every: u64,
}

#[derive(Debug, Args)]
pub(crate) struct DirectoryArguments {
    #[arg(long)]
    pub(crate) data_dir: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct WriteArguments {
    #[command(flatten)]
    pub(crate) directory: DirectoryArguments,
    #[arg(long)]
    pub(crate) input: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct PastArguments {
    #[command(flatten)]
    pub(crate) directory: DirectoryArguments,
    #[command(flatten)]
    pub(crate) past: Past,
    #[arg(long)]
    pub(crate) seed: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum MixName {
    /// Everything that an ordinary day has: two legs, holds, refunds of the whole past, refusals, duplicates
    Natural,
    /// Captured one-step sales over 10,000 institutions, to stand beside other ledgers
    Transfer,
}

impl MixName {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Natural => "natural",
            Self::Transfer => "transfer",
        }
    }
}

const ENGINE_HELP: &str = "\
The events are written to a file first and read in pieces of 1 MiB; reading alone is measured and
printed beside. What is measured is the service's own path: decoding, digest, duplicate check,
corridor, caps, journals, lifecycle, history, hash chain, and a sync before anything is visible.
Put --data-dir on the disk that is meant: a directory in memory measures no sync.

  seconds             from the first event consumed to the last one visible
  seconds_to_rest     until what was flushed and compacted afterwards was done as well
  cpu_us_per_event    microseconds of CPU an event by thread, until then
  syncs               one of the log and one of the high-water mark for each of `blocks`; what the database
                      syncs beside that is not in it
  bytes_written       handed to the disk by this process, compaction included
  ratio_to_loop       events a second of the engine, divided by those of a fixed loop over the same file
                      that walks through the fields of every record and hashes it twice: the
                      figure to compare between machines and versions

Examples:
  hutong bench engine --events 1000000
  hutong bench engine --events 10000000 --mix transfer --hot 3 -o json

Exit codes:
  0  measured
  1  the run could not be made
  2  the command line is wrong";

const KAFKA_HELP: &str = "\
Without --brokers an Apache Kafka of one node is started on this machine and ended with the run: that
takes Java 17, and Maven the first time. The topics are filled before anything is measured. Then
the ledger is opened and reads them as `hutong serve` does, refusals sent back included; measured
is from the first record consumed to the last one visible. The broker runs on the same cores.

Examples:
  hutong bench kafka --events 2000000
  hutong bench kafka --brokers 127.0.0.1:9092 -o json

Exit codes:
  0  measured
  1  the run could not be made
  2  the command line is wrong
  5  no broker answers";

const LATENCY_HELP: &str = "\
Every event has a time at which it is due, --rate of them a second, and is handed to the Kafka client
then. Its latency is counted from that time, whenever it was really handed over, to the moment
when somebody who waits for the ledger sees it durable: client, broker, ledger and disk together,
and a stall is counted for every event that it delays.

Examples:
  hutong bench latency --rate 50000 --events 1000000
  hutong bench latency --rate 10000 --events 100000 -o json | jq .latency_us.p99

Exit codes:
  0  measured
  1  the run could not be made
  2  the command line is wrong
  5  no broker answers";

const READS_HELP: &str = "\
The ledger takes --rate events a second from a file while clients in the same process call it over
gRPC, each connection on a thread of its own, with --in-flight calls under way at all times. A
client that waits for an answer sends nothing: the percentiles of `latency_us` are corrected for
the calls that a stall has kept from being made, those of `latency_us_seen` are not.

Examples:
  hutong bench reads --events 1000000
  hutong bench reads --call list --connections 2 --in-flight 8 -o json

Exit codes:
  0  measured
  1  the run could not be made
  2  the command line is wrong";

const RECOVER_HELP: &str = "\
A process of its own keeps ledgers of a sixteenth, a quarter and all of --events, and is killed
(SIGKILL) when the part that is not flushed is as long as it gets. The kernel is told to forget the
files. `seconds` is from the start of a new process to its first answer over gRPC, with the start
of the process; `ratio` compares the longest log with the shortest.

Examples:
  hutong bench recover --events 10000000
  hutong bench recover --events 2000000 -o json | jq '.logs[].seconds'

Exit codes:
  0  measured
  1  the run could not be made
  2  the command line is wrong";

const ASOF_HELP: &str = "\
A ledger of --events is written. A process of its own then asks what accounts drawn at random stood at
after entries drawn at random: the row that the service reads for a moment that is flushed. The
database's own memory is empty after every --cold-every reads, and so is the kernel's, as far as it
follows the advice to forget the files (posix_fadvise).

Examples:
  hutong bench asof --events 10000000
  hutong bench asof --cold-every 1 --reads 200 -o json | jq .latency_us

Exit codes:
  0  measured
  1  the run could not be made
  2  the command line is wrong";

const VERIFY_HELP: &str = "\
A ledger of --events is written and closed. A process of its own computes its hash chain, then derives
everything again as `hutong verify` does. Its memory is that of the verifier alone.

Examples:
  hutong bench verify --events 1000000
  hutong bench verify -o json | jq '[.chain_events_per_second, .derive_events_per_second]'

Exit codes:
  0  measured
  1  the run could not be made
  2  the command line is wrong";
