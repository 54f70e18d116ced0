//! The server: its threads, its limits, health, and how it ends.
//!
//! One thread of its own watches what the ledger publishes and tells everybody who waits; so a wait holds no thread, however
//! many clients wait. The rest runs on the threads of an async runtime that nobody else uses.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::ids::Sequence;
use ledger::Handle;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;
use wire::audit::v1::audit_service_server::AuditServiceServer;
use wire::balances::v1::balances_service_server::BalancesServiceServer;
use wire::corridors::v1::corridors_service_server::CorridorsServiceServer;
use wire::netting::v1::netting_service_server::NettingServiceServer;
use wire::partner::v1::partner_feed_service_server::PartnerFeedServiceServer;
use wire::reconciliation::v1::reconciliation_service_server::ReconciliationServiceServer;
use wire::settlement::v1::settlement_service_server::SettlementServiceServer;

use crate::audit::Audits;
use crate::balances::Balances;
use crate::command::Commands;
use crate::corridors::Corridors;
use crate::feed::Feeds;
use crate::netting::Nettings;
use crate::options::{self, Error, Options};
use crate::reader::Reader;
use crate::reconciliation::Reconciliations;
use crate::settlement::Settlements;

/// How often the watching thread looks whether it shall end or the ledger has failed.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// A service that listens.
pub struct Running {
    address: SocketAddr,
    shutdown_patience: Duration,
    stop: watch::Sender<bool>,
    serving: Option<JoinHandle<()>>,
    watching: Option<std::thread::JoinHandle<()>>,
    watching_ends: Arc<AtomicBool>,
    runtime: Option<Runtime>,
}

/// Whether the service is told to stop.
#[derive(Clone)]
pub(crate) struct Stopping(watch::Receiver<bool>);

impl Stopping {
    /// Until it is.
    pub(crate) async fn wait(&mut self) {
        // An error means that nobody can tell it any more: it is over.
        let _ = self.0.wait_for(|stopping| *stopping).await;
    }

    pub(crate) fn is_told(&self) -> bool {
        *self.0.borrow()
    }
}

/// Serves a ledger until [`Running::stop`] or until it is dropped.
///
/// # Errors
/// When the address is not allowed or taken, or threads cannot be started.
pub fn start(handle: Handle, options: &Options) -> Result<Running, Error> {
    options.check()?;
    let address = options.listen;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(options::BLOCKING_THREADS_MAX)
        .thread_name("api")
        .enable_all()
        .build()
        .map_err(Error::Threads)?;
    let within = runtime.enter();
    let cannot_listen = |source| Error::Listen { address, source };
    let incoming = TcpIncoming::bind(address).map_err(cannot_listen)?.with_nodelay(Some(true));
    let address = incoming.local_addr().map_err(cannot_listen)?;

    let (publish, news) = watch::channel(handle.snapshot().sequence);
    let watching_ends = Arc::new(AtomicBool::new(false));
    let watching = watch_ledger(handle.clone(), publish, Arc::clone(&watching_ends)).map_err(Error::Threads)?;
    let (stop, stopping) = watch::channel(false);
    let stopping = Stopping(stopping);

    let (reporter, health) = tonic_health::server::health_reporter();
    let healthy = Health { reporter, handle: handle.clone(), news: news.clone(), stopping: stopping.clone() };
    let reader = Reader::new(handle, news, options.call_time_max);
    let mut routes = Routes::new(health);
    routes = add_services(routes, &reader, &stopping, options);
    if options.reflection {
        routes = add_reflection(routes)?;
    }
    let (mut server, mut stopping) = (builder(options), stopping);
    let serving = tokio::spawn(async move {
        // Before the first call, so that nobody is told that a service is unknown.
        let status = healthy.report().await;
        tokio::spawn(healthy.follow(status));
        let ended =
            server.add_routes(routes).serve_with_incoming_shutdown(incoming, async move { stopping.wait().await });
        if let Err(error) = ended.await {
            tracing::error!(error = &error as &dyn std::error::Error, "the service ended");
        }
    });
    drop(within);
    Ok(Running {
        address,
        shutdown_patience: options.shutdown_patience,
        stop,
        serving: Some(serving),
        watching: Some(watching),
        watching_ends,
        runtime: Some(runtime),
    })
}

fn builder(options: &Options) -> Server {
    let (keepalive, keepalive_patience) = options::KEEPALIVE;
    Server::builder()
        .max_concurrent_streams(options::STREAMS_PER_CONNECTION_MAX)
        .concurrency_limit_per_connection(options::CALLS_PER_CONNECTION_MAX)
        .load_shed(true)
        .timeout(options.call_time_max)
        .http2_max_pending_accept_reset_streams(Some(options::PENDING_RESETS_MAX))
        .http2_max_local_error_reset_streams(Some(options::ERROR_RESETS_MAX))
        .http2_max_header_list_size(options::HEADERS_MAX)
        .http2_keepalive_interval(Some(keepalive))
        .http2_keepalive_timeout(Some(keepalive_patience))
}

fn add_services(routes: Routes, reader: &Reader, stopping: &Stopping, options: &Options) -> Routes {
    macro_rules! limited {
        ($server:ident, $service:expr) => {
            $server::new($service).max_decoding_message_size(options::REQUEST_BYTES_MAX)
        };
    }
    let reader = || reader.clone();
    let Options { heartbeat, client_patience, .. } = *options;
    let stopping = || stopping.clone();
    let commands = Commands { reader: reader(), sink: options.commands.clone() };
    let balances = Balances { reader: reader(), stopping: stopping(), heartbeat, client_patience };
    let audits = Audits { reader: reader(), stopping: stopping(), heartbeat, client_patience };
    let feeds = Feeds { reader: reader(), stopping: stopping(), heartbeat, client_patience };
    routes
        .add_service(limited!(BalancesServiceServer, balances))
        .add_service(limited!(NettingServiceServer, Nettings { reader: reader() }))
        .add_service(limited!(CorridorsServiceServer, Corridors { reader: reader() }))
        .add_service(limited!(AuditServiceServer, audits))
        .add_service(limited!(SettlementServiceServer, Settlements { reader: reader(), commands: commands.clone() }))
        .add_service(limited!(PartnerFeedServiceServer, feeds))
        .add_service(limited!(ReconciliationServiceServer, Reconciliations { reader: reader(), commands }))
}

/// Older tools ask for the contracts by the older contract.
fn add_reflection(routes: Routes) -> Result<Routes, Error> {
    let configure = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(wire::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let newer = configure().build_v1().map_err(Error::Reflection)?;
    let older = configure().build_v1alpha().map_err(Error::Reflection)?;
    Ok(routes.add_service(newer).add_service(older))
}

/// Tells everybody who waits what became visible, and that the ledger failed.
fn watch_ledger(
    handle: Handle,
    publish: watch::Sender<Sequence>,
    ends: Arc<AtomicBool>,
) -> std::io::Result<std::thread::JoinHandle<()>> {
    std::thread::Builder::new().name("api-news".to_owned()).spawn(move || {
        let mut seen = handle.snapshot().sequence;
        let mut had_failed = false;
        while !ends.load(Ordering::Acquire) {
            let newer = handle.wait_for(Sequence(seen.0 + 1), LOOK_EVERY);
            let has_failed = handle.has_failed();
            if newer.is_some() || has_failed != had_failed {
                seen = newer.map_or(seen, |snapshot| snapshot.sequence);
                publish.send_replace(seen);
            }
            had_failed = has_failed;
        }
    })
}

/// Every service is as healthy as the ledger behind it.
struct Health {
    reporter: HealthReporter,
    handle: Handle,
    news: watch::Receiver<Sequence>,
    stopping: Stopping,
}

impl Health {
    async fn follow(mut self, mut reported: ServingStatus) {
        loop {
            let is_over = tokio::select! {
                () = self.stopping.wait() => true,
                changed = self.news.changed() => changed.is_err(),
            };
            if is_over {
                return self.say(ServingStatus::NotServing).await;
            }
            if reported != self.status() {
                reported = self.report().await;
            }
        }
    }

    fn status(&self) -> ServingStatus {
        if self.handle.has_failed() { ServingStatus::NotServing } else { ServingStatus::Serving }
    }

    async fn report(&self) -> ServingStatus {
        let status = self.status();
        self.say(status).await;
        status
    }

    async fn say(&self, status: ServingStatus) {
        for service in SERVICES {
            self.reporter.set_service_status(*service, status).await;
        }
    }
}

/// By their full names; the empty one is the server as a whole.
const SERVICES: &[&str] = &[
    "",
    "hutong.audit.v1.AuditService",
    "hutong.balances.v1.BalancesService",
    "hutong.corridors.v1.CorridorsService",
    "hutong.netting.v1.NettingService",
    "hutong.partner.v1.PartnerFeedService",
    "hutong.reconciliation.v1.ReconciliationService",
    "hutong.settlement.v1.SettlementService",
];

impl Running {
    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no new calls, lets those under way end, and ends what is still going on when its time is up.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        let Some(runtime) = self.runtime.take() else { return };
        self.stop.send_replace(true);
        if let Some(mut serving) = self.serving.take() {
            let patience = self.shutdown_patience;
            runtime.block_on(async {
                if tokio::time::timeout(patience, &mut serving).await.is_err() {
                    serving.abort();
                }
            });
        }
        self.watching_ends.store(true, Ordering::Release);
        if let Some(watching) = self.watching.take() {
            let _ = watching.join();
        }
        runtime.shutdown_timeout(LOOK_EVERY);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}
