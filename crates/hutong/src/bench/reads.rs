//! `hutong bench reads`: what a service answers while events come in. Clients and service are one process: every connection
//! has a thread with a runtime of its own, on which its calls under way take turns.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use client::Client;
use serde::Serialize;
use serde_json::json;
use tokio::task::{LocalSet, spawn_local};
use tokio::time::timeout;
use wire::balances::v1::{GetBalanceRequest, ListBalancesRequest, WatchBalancesRequest};

use super::arguments::{Call, ReadsArguments};
use super::durations::{Durations, Percentiles};
use super::report::{self, per_second, seconds};
use super::stages::{Reading, cpu_us_per_event};
use super::work::{self, Work};
use super::{Input, Prepared};
use crate::exit::Exit;

/// How often a stream looks whether it shall end.
const LOOK_EVERY: Duration = Duration::from_millis(100);

#[derive(Serialize)]
struct Figures {
    #[serde(flatten)]
    input: Input,
    seconds: f64,
    /// Less than the rate when the ledger did not keep up.
    events_per_second: u64,
    /// Calls answered, or messages of streams.
    calls: u64,
    calls_per_second: u64,
    balances_per_second: u64,
    latency_us: Option<Percentiles>,
    latency_us_seen: Option<Percentiles>,
    cpu_us_per_event: BTreeMap<String, f64>,
}

/// What clients have seen.
struct Seen {
    durations: Durations,
    calls: u64,
    balances: u64,
}

/// What all clients do, until they are told to stop.
struct Asking {
    endpoint: String,
    accounts: Vec<String>,
    call: Call,
    in_flight: u32,
    stop: AtomicBool,
}

pub(super) fn run(arguments: &ReadsArguments, out: &mut impl Write, log: &mut impl Write) -> anyhow::Result<Exit> {
    let (input, rate) = (&arguments.input, arguments.rate.events_per_second);
    let warm_up = arguments.warm_up.events(input);
    super::warm_up(input, warm_up, log)?;
    let prepared = Prepared::new(input, input.events, log)?;
    let fed = Instant::now();
    let work = Work::begin(&prepared.path("data"), &prepared.input(), Some(rate))?;
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let door = api::start(work.handle.clone(), &api::Options { listen, ..api::Options::default() })?;
    writeln!(log, "calling while {rate} events a second come in")?;
    let endpoint = format!("http://{}", door.address());
    let (accounts, call) = (accounts(&endpoint)?, arguments.call);
    let in_flight = arguments.in_flight;
    let asking = Arc::new(Asking { endpoint, accounts, call, in_flight, stop: AtomicBool::new(false) });
    let (before, begun) = (Reading::now(), Instant::now());
    let (seen, visible, now) = std::thread::scope(|scope| {
        let spawn = |_| {
            let thread = std::thread::Builder::new().name("bench-reads".to_owned());
            thread.spawn_scoped(scope, || connection(&asking))
        };
        let clients = (0..arguments.connections).map(spawn).collect::<Result<Vec<_>, _>>()?;
        let visible = work.wait_for(work::entries(input.events));
        let now = Reading::now();
        asking.stop.store(true, Ordering::Release);
        let mut seen = Seen::new()?;
        for client in clients {
            seen.add(&client.join().map_err(|_| anyhow!("a client has failed"))??)?;
        }
        anyhow::Ok((seen, visible?, now))
    })?;
    let taken = visible.saturating_duration_since(begun);
    door.stop();
    work.end()?;
    let slots = u64::from(arguments.connections) * u64::from(in_flight);
    let durations = Some(&seen.durations).filter(|durations| durations.count() > 0);
    // A slot begins a call as soon as it has the answer to the one before.
    let interval = taken.as_micros() * u128::from(slots) / u128::from(seen.calls.max(1));
    let interval = Duration::from_micros(u64::try_from(interval)?);
    let figures = Figures {
        input: prepared.written,
        seconds: seconds(taken),
        events_per_second: per_second(input.events, visible - fed),
        calls: seen.calls,
        calls_per_second: per_second(seen.calls, taken),
        balances_per_second: per_second(seen.balances, taken),
        latency_us: durations.map(|durations| durations.corrected(interval).percentiles()),
        latency_us_seen: durations.map(Durations::percentiles),
        cpu_us_per_event: cpu_us_per_event(&now, &before, input.events),
    };
    let parameters = json!({
        "mix": input.mix.word(), "hot": input.hot, "seed": input.seed, "warm_up": warm_up, "rate": rate,
        "call": call.word(), "connections": arguments.connections, "in_flight": in_flight,
    });
    report::print("reads", prepared.scratch.path(), parameters, figures, input.output, out)?;
    Ok(Exit::Clean)
}

/// The names of all accounts, once there are some.
fn accounts(endpoint: &str) -> anyhow::Result<Vec<String>> {
    runtime()?.block_on(async {
        let client = Client::new(endpoint, client::Options::default())?;
        let request = ListBalancesRequest { min_sequence: work::entries(1).0, ..Default::default() };
        let balances = client.all_balances(request).await?.balances;
        let names: Vec<_> = balances.into_iter().map(|balance| balance.account).collect();
        anyhow::ensure!(!names.is_empty(), "the service has no accounts");
        Ok(names)
    })
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start a runtime")
}

/// One connection, to its end.
fn connection(asking: &Arc<Asking>) -> anyhow::Result<Seen> {
    let seen = Rc::new(RefCell::new(Seen::new()?));
    LocalSet::new().block_on(&runtime()?, async {
        let client = Client::new(&asking.endpoint, client::Options::default())?;
        let slot = |slot| {
            let (asking, client, seen) = (Arc::clone(asking), client.clone(), Rc::clone(&seen));
            spawn_local(async move { asking.slot(&client, slot, &seen).await })
        };
        let slots: Vec<_> = (0..asking.in_flight).map(slot).collect();
        for slot in slots {
            slot.await.context("a call has failed")??;
        }
        anyhow::Ok(())
    })?;
    Rc::into_inner(seen).map(RefCell::into_inner).context("a call has not ended")
}

impl Asking {
    async fn slot(&self, client: &Client, slot: u32, seen: &RefCell<Seen>) -> anyhow::Result<()> {
        if self.call == Call::Watch {
            return self.watch(client, seen).await;
        }
        let mut turn = usize::try_from(slot)?;
        while !self.stop.load(Ordering::Relaxed) {
            let begun = Instant::now();
            let balances = self.ask(client, turn).await?;
            let mut seen = seen.borrow_mut();
            seen.durations.record(begun.elapsed());
            seen.calls += 1;
            seen.balances += balances;
            turn += 1;
        }
        Ok(())
    }

    /// One call; how many balances it has brought.
    async fn ask(&self, client: &Client, turn: usize) -> anyhow::Result<u64> {
        if self.call == Call::List {
            return Ok(client.balances(ListBalancesRequest::default()).await?.balances.len() as u64);
        }
        let account = self.accounts[turn % self.accounts.len()].clone();
        let currency_code = "CNY".to_owned();
        client.balance(GetBalanceRequest { account, currency_code, ..Default::default() }).await?;
        Ok(1)
    }

    /// Without news a stream is silent for seconds.
    async fn watch(&self, client: &Client, seen: &RefCell<Seen>) -> anyhow::Result<()> {
        let mut stream = client.watch_balances(WatchBalancesRequest::default()).await?;
        while !self.stop.load(Ordering::Relaxed) {
            let Ok(message) = timeout(LOOK_EVERY, stream.next()).await else { continue };
            let message = message?.context("a stream has ended")?;
            let mut seen = seen.borrow_mut();
            seen.calls += 1;
            seen.balances += message.balances.len() as u64;
        }
        Ok(())
    }
}

impl Seen {
    fn new() -> anyhow::Result<Self> {
        Ok(Self { durations: Durations::new()?, calls: 0, balances: 0 })
    }

    fn add(&mut self, other: &Self) -> anyhow::Result<()> {
        self.calls += other.calls;
        self.balances += other.balances;
        self.durations.add(&other.durations)
    }
}
