//! A typed client of the service: requests and answers are the messages of the contracts, in [`wire`].
//!
//! * Every call has a deadline, which the service is told too.
//! * What is `UNAVAILABLE` is tried again, a few times and never past the deadline; nothing else is. A stream is begun
//!   again only by the caller, who knows how far it had come.
//!
//! Absent on purpose: everything behind the contracts.
//!
//! ```no_run
//! # async fn net() -> Result<(), client::Error> {
//! let client = client::Client::new("http://127.0.0.1:7070", client::Options::default())?;
//! let request = wire::netting::v1::GetPositionsRequest { currency_code: "CNY".to_owned(), ..Default::default() };
//! for position in client.positions(request).await?.positions {
//!     println!("{} {}", position.network, position.net_minor);
//! }
//! # Ok(())
//! # }
//! ```

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Response, Status, Streaming, TimeoutExpired};
use wire::audit::v1::audit_service_client::AuditServiceClient;
use wire::audit::v1::{
    GetChainHeadRequest, GetChainHeadResponse, GetPaymentRequest, GetPaymentResponse, StreamEventsRequest,
    StreamEventsResponse,
};
use wire::balances::v1::balances_service_client::BalancesServiceClient;
use wire::balances::v1::{
    GetBalanceRequest, GetBalanceResponse, ListBalancesRequest, ListBalancesResponse, WatchBalancesRequest,
    WatchBalancesResponse,
};
use wire::corridors::v1::corridors_service_client::CorridorsServiceClient;
use wire::corridors::v1::{ListCorridorsRequest, ListCorridorsResponse, ResolveCodeRequest, ResolveCodeResponse};
use wire::netting::v1::netting_service_client::NettingServiceClient;
use wire::netting::v1::{
    ExplainNettingRequest, ExplainNettingResponse, GetBilateralNettingRequest, GetBilateralNettingResponse,
    GetMultilateralNettingRequest, GetMultilateralNettingResponse, GetPositionsRequest, GetPositionsResponse,
};
use wire::partner::v1::partner_feed_service_client::PartnerFeedServiceClient;
use wire::partner::v1::{StreamFeedRequest, StreamFeedResponse};
use wire::reconciliation::v1::reconciliation_service_client::ReconciliationServiceClient;
use wire::reconciliation::v1::{
    ListBreaksRequest, ListBreaksResponse, ListFilesRequest, ListFilesResponse, ListMatchesRequest,
    ListMatchesResponse, ResolveBreakRequest, ResolveBreakResponse,
};
use wire::settlement::v1::settlement_service_client::SettlementServiceClient;
use wire::settlement::v1::{
    ApproveSettlementRequest, ApproveSettlementResponse, CloseCycleRequest, CloseCycleResponse, GetCycleRequest,
    GetCycleResponse, ListCyclesRequest, ListCyclesResponse, ListInstructionsRequest, ListInstructionsResponse,
    ListSettlementsRequest, ListSettlementsResponse, ProposeSettlementRequest, ProposeSettlementResponse,
    StartSettlementRequest, StartSettlementResponse,
};

/// A service that is not there is asked this often, with growing pauses: together a third of a second.
const ATTEMPTS_MAX: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// How to call.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How long a call may take, attempts and pauses together. Of a stream: until it begins.
    pub deadline: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { deadline: Duration::from_secs(10) }
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not an address of the form `http://host:port`.
    #[error("{0} is not an address like http://127.0.0.1:7070")]
    Endpoint(String),
    /// The service refused, or could not be reached.
    #[error("{}{}", .0.message(), named(.0))]
    Status(#[source] Box<Status>),
}

fn named(status: &Status) -> String {
    let code = wire::status::reason(status).unwrap_or_else(|| format!("{:?}", status.code()));
    format!(" ({code})")
}

impl Error {
    fn of(status: Status) -> Self {
        Self::Status(Box::new(status))
    }

    /// The stable code of a refusal, for example `ACCOUNT_UNKNOWN`.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Endpoint(_) => None,
            Self::Status(status) => wire::status::reason(status),
        }
    }

    /// Whether the service may answer later: it is not there, not ready, or too slow.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Endpoint(_) => false,
            Self::Status(status) => matches!(status.code(), Code::Unavailable | Code::DeadlineExceeded),
        }
    }
}

/// A connection that is made when it is first needed and again when it is lost; cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    channel: Channel,
    options: Options,
}

/// `calls! { name: Client::method(Request) -> Answer }`: a call with deadline and retries.
macro_rules! calls {
    ($($(#[$doc:meta])* $name:ident: $client:ident::$method:ident($request:ty) -> $answer:ty;)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        /// When the service refuses or does not answer in time.
        pub async fn $name(&self, request: $request) -> Result<$answer, Error> {
            self.call(request, async |channel, request| $client::new(channel).$method(request).await).await
        }
    )*};
}

/// `streams! { name: Client::method(Request) -> Answer }`: answers that go on, with a deadline for their beginning.
macro_rules! streams {
    ($($(#[$doc:meta])* $name:ident: $client:ident::$method:ident($request:ty) -> $answer:ty;)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        /// When the service refuses, or the stream does not begin in time.
        pub async fn $name(&self, request: $request) -> Result<Stream<$answer>, Error> {
            let mut service = $client::new(self.channel.clone());
            self.begin(service.$method(request)).await
        }
    )*};
}

/// Answers that go on.
#[derive(Debug)]
pub struct Stream<A>(Streaming<A>);

impl<A> Stream<A> {
    /// The next answer; `None` at the end.
    ///
    /// # Errors
    /// Why nothing more comes.
    pub async fn next(&mut self) -> Result<Option<A>, Error> {
        self.0.message().await.map_err(|status| Error::of(told(status)))
    }
}

impl Client {
    /// For the service at `endpoint`; nothing is connected yet. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// When `endpoint` is not an address.
    pub fn new(endpoint: &str, options: Options) -> Result<Self, Error> {
        let refuse = |_| Error::Endpoint(endpoint.to_owned());
        let endpoint = Endpoint::from_shared(endpoint.to_owned()).map_err(refuse)?;
        let is_address = endpoint.uri().scheme_str() == Some("http") && endpoint.uri().authority().is_some();
        if !is_address {
            return Err(Error::Endpoint(endpoint.uri().to_string()));
        }
        Ok(Self { channel: endpoint.connect_timeout(options.deadline).connect_lazy(), options })
    }

    calls! {
        /// One account's balance.
        balance: BalancesServiceClient::get_balance(GetBalanceRequest) -> GetBalanceResponse;
        /// One page of balances.
        balances: BalancesServiceClient::list_balances(ListBalancesRequest) -> ListBalancesResponse;
        /// Positions and room under the caps.
        positions: NettingServiceClient::get_positions(GetPositionsRequest) -> GetPositionsResponse;
        /// Nets of pairs.
        bilateral: NettingServiceClient::get_bilateral_netting(GetBilateralNettingRequest) -> GetBilateralNettingResponse;
        /// Nets of participants.
        multilateral: NettingServiceClient::get_multilateral_netting(GetMultilateralNettingRequest)
            -> GetMultilateralNettingResponse;
        /// What netting did.
        explain: NettingServiceClient::explain_netting(ExplainNettingRequest) -> ExplainNettingResponse;
        /// One page of corridors.
        corridors: CorridorsServiceClient::list_corridors(ListCorridorsRequest) -> ListCorridorsResponse;
        /// Whose code it is and whether it may be paid.
        resolve_code: CorridorsServiceClient::resolve_code(ResolveCodeRequest) -> ResolveCodeResponse;
        /// The end of the hash chain.
        chain_head: AuditServiceClient::get_chain_head(GetChainHeadRequest) -> GetChainHeadResponse;
        /// One page of a payment's life.
        payment: AuditServiceClient::get_payment(GetPaymentRequest) -> GetPaymentResponse;
        /// One page of cycles.
        cycles: SettlementServiceClient::list_cycles(ListCyclesRequest) -> ListCyclesResponse;
        /// One cycle.
        cycle: SettlementServiceClient::get_cycle(GetCycleRequest) -> GetCycleResponse;
        /// Closes a cycle; safe to repeat, as every change is, because of its key.
        close_cycle: SettlementServiceClient::close_cycle(CloseCycleRequest) -> CloseCycleResponse;
        /// Fixes net and instructions of a closed cycle.
        propose: SettlementServiceClient::propose_settlement(ProposeSettlementRequest) -> ProposeSettlementResponse;
        /// Approves what was proposed.
        approve: SettlementServiceClient::approve_settlement(ApproveSettlementRequest) -> ApproveSettlementResponse;
        /// Sends the instructions.
        start: SettlementServiceClient::start_settlement(StartSettlementRequest) -> StartSettlementResponse;
        /// One page of settlements.
        settlements: SettlementServiceClient::list_settlements(ListSettlementsRequest) -> ListSettlementsResponse;
        /// One page of bill files.
        files: ReconciliationServiceClient::list_files(ListFilesRequest) -> ListFilesResponse;
        /// One page of matched rows.
        matches: ReconciliationServiceClient::list_matches(ListMatchesRequest) -> ListMatchesResponse;
        /// One page of breaks.
        breaks: ReconciliationServiceClient::list_breaks(ListBreaksRequest) -> ListBreaksResponse;
        /// Ends a break without a booking.
        resolve_break: ReconciliationServiceClient::resolve_break(ResolveBreakRequest) -> ResolveBreakResponse;
        /// One page of instructions.
        instructions: SettlementServiceClient::list_instructions(ListInstructionsRequest) -> ListInstructionsResponse;
    }

    streams! {
        /// Balances from now on.
        watch_balances: BalancesServiceClient::watch_balances(WatchBalancesRequest) -> WatchBalancesResponse;
        /// Entries of the log.
        events: AuditServiceClient::stream_events(StreamEventsRequest) -> StreamEventsResponse;
        /// What became of a network's own events.
        feed: PartnerFeedServiceClient::stream_feed(StreamFeedRequest) -> StreamFeedResponse;
    }

    async fn begin<A>(
        &self,
        begun: impl Future<Output = Result<Response<Streaming<A>>, Status>>,
    ) -> Result<Stream<A>, Error> {
        match timeout_at(Instant::now() + self.options.deadline, begun).await {
            Ok(answer) => answer.map(|answer| Stream(answer.into_inner())).map_err(|status| Error::of(told(status))),
            Err(_) => Err(Error::of(late())),
        }
    }

    /// All pages, as one answer without a token.
    ///
    /// # Errors
    /// When any page is refused or does not come in time.
    pub async fn all_balances(&self, mut request: ListBalancesRequest) -> Result<ListBalancesResponse, Error> {
        let mut all = self.balances(request.clone()).await?;
        while !all.next_page_token.is_empty() {
            request.page_token = std::mem::take(&mut all.next_page_token);
            let page = self.balances(request.clone()).await?;
            all.balances.extend(page.balances);
            all.next_page_token = page.next_page_token;
        }
        Ok(all)
    }

    async fn call<Q: Clone, A>(
        &self,
        message: Q,
        send: impl AsyncFn(Channel, Request<Q>) -> Result<Response<A>, Status>,
    ) -> Result<A, Error> {
        let until = Instant::now() + self.options.deadline;
        let mut pause = FIRST_PAUSE;
        let mut attempt = 1;
        loop {
            let mut request = Request::new(message.clone());
            request.set_timeout(until.saturating_duration_since(Instant::now()));
            let status = match timeout_at(until, send(self.channel.clone(), request)).await {
                Ok(Ok(answer)) => return Ok(answer.into_inner()),
                Ok(Err(status)) => told(status),
                Err(_) => late(),
            };
            if status.code() != Code::Unavailable || attempt == ATTEMPTS_MAX || Instant::now() + pause >= until {
                return Err(Error::of(status));
            }
            sleep(pause).await;
            pause *= 2;
            attempt += 1;
        }
    }
}

/// What a failed call is to the caller. The library calls a deadline that has passed CANCELLED, and a connection that
/// broke before the answer UNKNOWN, INTERNAL or CANCELLED, as the transport happened to notice it. A status that the
/// service sent has no source, one that was made here of a failure has one.
fn told(status: Status) -> Status {
    let mut cause = std::error::Error::source(&status);
    let is_of_service = cause.is_none();
    while let Some(error) = cause {
        if error.is::<TimeoutExpired>() {
            return late();
        }
        cause = error.source();
    }
    match status.code() {
        Code::Cancelled if is_of_service => late(),
        Code::Unknown | Code::Internal | Code::Cancelled if !is_of_service => {
            Status::unavailable(format!("the connection broke before the answer: {}", status.message()))
        }
        _ => status,
    }
}

fn late() -> Status {
    Status::deadline_exceeded("no answer before the deadline")
}
