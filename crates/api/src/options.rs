//! Where the service listens and what it allows a client to take. Every limit is set here by name: some of the library's
//! own defaults mean "no limit".

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use crate::command::CommandSink;

/// How to serve.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Whether `listen` may be reachable from another machine, although nobody's identity is checked yet.
    pub insecure_listen: bool,
    /// Whether the service describes its contracts to tools such as grpcurl.
    pub reflection: bool,
    /// The longest that a call may take before its answer begins, whatever deadline the client gives.
    pub call_time_max: Duration,
    /// How long a stream stays silent before it says up to where it has looked.
    pub heartbeat: Duration,
    /// How long a stream waits for a client that does not read.
    pub client_patience: Duration,
    /// How long calls under way may go on once the service is told to stop.
    pub shutdown_patience: Duration,
    /// Where commands go; without it the service only reads, and a changing call is `UNIMPLEMENTED`.
    pub commands: Option<Arc<dyn CommandSink>>,
}

impl Options {
    /// 7070, on this machine only.
    pub const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 7070);

    /// Whether they may be served with, for a caller who wants to know before anything is opened.
    ///
    /// # Errors
    /// [`Error::NotLoopback`], unless `insecure_listen` allows it.
    pub fn check(&self) -> Result<(), Error> {
        let is_allowed = self.insecure_listen || self.listen.ip().is_loopback();
        if is_allowed { Ok(()) } else { Err(Error::NotLoopback(self.listen)) }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: Self::LISTEN,
            insecure_listen: false,
            reflection: true,
            call_time_max: Duration::from_secs(30),
            heartbeat: Duration::from_secs(5),
            client_patience: Duration::from_secs(10),
            shutdown_patience: Duration::from_secs(10),
            commands: None,
        }
    }
}

/// Why the service does not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Anybody on the network could read the ledger.
    #[error("{0} can be reached from other machines and callers are not identified yet")]
    NotLoopback(SocketAddr),
    /// The address is taken or not ours.
    #[error("cannot listen on {address}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The threads that serve cannot be started.
    #[error("cannot start the threads of the service")]
    Threads(#[source] std::io::Error),
    /// The descriptors of the contracts cannot be read.
    #[error("cannot describe the contracts")]
    Reflection(#[source] tonic_reflection::server::Error),
}

/// Calls that one connection may have open at a time.
pub(crate) const STREAMS_PER_CONNECTION_MAX: u32 = 128;
/// Of these, calls that are being answered; one more is refused at once with `RESOURCE_EXHAUSTED`.
pub(crate) const CALLS_PER_CONNECTION_MAX: usize = 64;
/// Streams reset by the client before we took them, and after which the connection is ended (CVE-2023-44487).
pub(crate) const PENDING_RESETS_MAX: usize = 20;
/// Streams reset because of the client's errors, after which the connection is ended (RUSTSEC-2024-0003). The library
/// replaces its transport's limit by none unless it is given one.
pub(crate) const ERROR_RESETS_MAX: usize = 1_024;
/// Bytes of headers of one call.
pub(crate) const HEADERS_MAX: u32 = 16 << 10;
/// A connection is asked for a sign of life this often, and has this long to give it.
pub(crate) const KEEPALIVE: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(10));
/// A request is a few names and numbers; the longest is a list of payment ids.
pub(crate) const REQUEST_BYTES_MAX: usize = 256 << 10;
/// Threads that read the store.
pub(crate) const BLOCKING_THREADS_MAX: usize = 32;
