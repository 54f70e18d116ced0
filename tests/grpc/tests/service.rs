//! The service as a process sees it: where it listens, health, streams, how it ends.

use std::collections::BTreeMap;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use domain::state::View as _;
use grpc::{Service, asking};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use wire::audit::v1::GetChainHeadRequest;
use wire::balances::v1::WatchBalancesRequest;
use wire::names;

#[test]
fn only_this_machine_is_served_unless_it_is_allowed() {
    let service = Service::start(api::Options::default());
    let listen = "0.0.0.0:0".parse().unwrap();
    let open = api::Options { listen, ..Default::default() };
    let refused = api::start(service.handle().clone(), &open).err().map(|error| error.to_string());
    assert!(refused.is_some_and(|text| text.contains("callers are not identified yet")));
    let running = api::start(service.handle().clone(), &api::Options { insecure_listen: true, ..open });
    running.unwrap().stop();
}

#[test]
fn every_service_is_healthy_while_the_ledger_is() {
    let service = Service::start(api::Options::default());
    asking(async {
        let channel = tonic::transport::Endpoint::from_shared(service.endpoint()).unwrap().connect().await.unwrap();
        let mut health = HealthClient::new(channel);
        for service in ["", "hutong.balances.v1.BalancesService", "hutong.netting.v1.NettingService"] {
            let request = HealthCheckRequest { service: service.to_owned() };
            let status = health.check(request).await.unwrap().into_inner().status();
            assert_eq!(status.as_str_name(), "SERVING", "{service}");
        }
    });
}

#[test]
fn a_ledger_that_failed_is_said_by_health_and_by_every_read() {
    let service = Service::start(api::Options::default());
    service.fail();
    asking(async {
        let client = service.client();
        let refused = client.chain_head(GetChainHeadRequest::default()).await.unwrap_err();
        assert_eq!(refused.reason().as_deref(), Some("SHARD_STOPPED"));
        let channel = tonic::transport::Endpoint::from_shared(service.endpoint()).unwrap().connect().await.unwrap();
        let mut health = HealthClient::new(channel);
        let begin = Instant::now();
        loop {
            let status = health.check(HealthCheckRequest::default()).await.unwrap().into_inner().status();
            if status.as_str_name() == "NOT_SERVING" {
                break;
            }
            assert!(begin.elapsed() < Duration::from_secs(3), "still {}", status.as_str_name());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
}

#[test]
fn a_watch_shows_every_change_and_ends_in_the_newest_state() {
    let heartbeat = Duration::from_millis(50);
    let mut service = Service::start(api::Options { heartbeat, ..Default::default() });
    service.events(200);
    let endpoint = service.endpoint();
    let (began, has_begun) = std::sync::mpsc::channel();
    let (ended, has_ended) = std::sync::mpsc::channel::<u64>();
    let watcher = std::thread::spawn(move || {
        asking(async move {
            let client = client::Client::new(&endpoint, client::Options::default()).unwrap();
            let request = WatchBalancesRequest { account_prefix: "position".to_owned(), ..Default::default() };
            let mut stream = client.watch_balances(request).await.unwrap();
            let (mut seen, mut last, mut end) = (BTreeMap::new(), 0, None);
            while end.is_none_or(|end| last < end) {
                let message = stream.next().await.unwrap().unwrap();
                assert!(message.sequence >= last, "never backwards");
                last = message.sequence;
                for balance in message.balances {
                    assert!(balance.account.starts_with("position."));
                    seen.insert(balance.account, balance.net_minor_units);
                }
                let _ = began.send(());
                end = end.or_else(|| has_ended.try_recv().ok());
            }
            (seen, last)
        })
    });
    has_begun.recv().unwrap();
    let newest = service.events(3_000);
    ended.send(newest.sequence.0).unwrap();
    let (seen, last) = watcher.join().unwrap();
    let rules = newest.state.rules().current();
    let all = newest.state.book().accounts().map(|(account, balance)| names::balance(account, balance, rules));
    let positions = all.filter(|balance| balance.account.starts_with("position."));
    let expected: BTreeMap<_, _> = positions.map(|balance| (balance.account, balance.net_minor_units)).collect();
    assert_eq!((seen, last), (expected, newest.sequence.0));
}

#[test]
fn a_client_that_asks_for_its_own_write_waits_for_it() {
    let mut service = Service::start(api::Options::default());
    let wanted = service.events(10).sequence.0 + 500;
    let client_endpoint = service.endpoint();
    let asker = std::thread::spawn(move || {
        asking(async move {
            let client = client::Client::new(&client_endpoint, client::Options::default()).unwrap();
            let request = GetChainHeadRequest { min_sequence: wanted, ..Default::default() };
            client.chain_head(request).await.unwrap().sequence
        })
    });
    service.events(500);
    assert!(asker.join().unwrap() >= wanted);
}

#[test]
fn silent_connections_and_open_streams_do_not_hold_up_the_end() {
    let service = Service::start(api::Options::default());
    let listen = "127.0.0.1:0".parse().unwrap();
    let shutdown_patience = Duration::from_millis(300);
    let options = api::Options { listen, shutdown_patience, ..Default::default() };
    let running = api::start(service.handle().clone(), &options).unwrap();
    let _silent = TcpStream::connect(running.address()).unwrap();
    let endpoint = format!("http://{}", running.address());
    asking(async {
        let client = client::Client::new(&endpoint, client::Options::default()).unwrap();
        let mut stream = client.watch_balances(WatchBalancesRequest::default()).await.unwrap();
        assert!(!stream.next().await.unwrap().unwrap().balances.is_empty());
        let begin = Instant::now();
        let stopped = std::thread::spawn(move || running.stop());
        let end = loop {
            match stream.next().await {
                Ok(Some(_)) => {}
                Err(error) => break error.reason(),
                Ok(None) => break None,
            }
        };
        assert_eq!(end.as_deref(), Some("STARTING"), "the client is told that it may come again");
        stopped.join().unwrap();
        assert!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());
        let refused = client.chain_head(GetChainHeadRequest::default()).await.unwrap_err();
        assert!(refused.is_unavailable(), "{refused:?}");
    });
}
