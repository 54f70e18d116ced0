//! A running service asked over gRPC: what is closed through it is a command on the control topic of a real Kafka.

use std::time::{Duration, Instant};

use e2e::{Broker, Service, fund, hutong, make_topics, publish};
use wire::common::v1::CycleRef;
use wire::settlement::v1::{CloseCycleRequest, CycleState};

const EVENTS: u64 = 1_000;

fn endpoint(service: &Service) -> String {
    let begun = Instant::now();
    loop {
        if let Some(endpoint) = service.endpoint() {
            return endpoint;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "it does not listen:\n{}", service.said());
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_cycle_closed_over_grpc_is_closed_for_good() {
    let broker = Broker::start();
    let address = broker.address();
    make_topics(&address);
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    let mut service = Service::start(&address, &data);
    let commands = fund(&address);
    let entries = 1 + commands + publish(&address, EVENTS, 5, Duration::ZERO);
    service.wait_for(entries, Duration::from_secs(30));

    let cycle = Some(CycleRef { currency_code: "CNY".to_owned(), number: 1 });
    let request = CloseCycleRequest {
        cycle,
        reporting_network: "unionpay".to_owned(),
        idempotency_key: "end of day".to_owned(),
        validate_only: false,
    };
    let close = |service: &Service| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let client = client::Client::new(&endpoint(service), client::Options::default()).expect("an address");
            client.close_cycle(request.clone()).await
        })
    };
    let closed = close(&service).expect("it is open");
    assert_eq!(closed.sequence, entries + 1);
    assert_eq!(closed.cycle.as_ref().map(|cycle| cycle.state()), Some(CycleState::Closed));

    // Sudden death: the answer was durable, and the same call gets it from the ledger that comes back.
    let durable = service.kill();
    assert!(durable.is_some());
    let service = Service::start(&address, &data);
    assert_eq!(close(&service).expect("the first answer again"), closed);

    let net = hutong(&["net", "--cycle", "CNY/1", "--endpoint", &endpoint(&service), "-o", "json"]);
    assert_eq!(net.status.code(), Some(0), "{net:?}");
    assert!(String::from_utf8_lossy(&net.stdout).contains(r#""cycle":"CNY/1""#), "{net:?}");
    let ended = service.stop();
    assert_eq!(ended.code, Some(0), "{}", ended.said);
}
