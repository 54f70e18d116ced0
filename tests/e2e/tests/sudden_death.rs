//! Sudden death on both sides, under load: the service is killed again and again, the broker is killed and is away for half a
//! minute. What was called durable stays as it was, and in the end every record counts once.

use std::path::Path;
use std::time::{Duration, Instant};

use e2e::{
    Broker, PATIENCE, Service, codec, fund, head_at, make_topics, open, publish, refused, rejections, told, written,
};
use store::Store;

const EVENTS: u64 = 40_000;
const AWAY: Duration = Duration::from_secs(30);
/// From the broker's first answer on: how long it takes to start is not ours, and depends on who else is at work.
const BACK_WITHIN: Duration = Duration::from_secs(30);

#[test]
fn neither_a_killed_service_nor_a_killed_broker_loses_or_doubles_a_record() {
    let mut broker = Broker::start();
    let address = broker.address();
    make_topics(&address);
    let funded = fund(&address);
    // A minute of load; what it publishes while the broker is away piles up in the client.
    let load = {
        let address = address.clone();
        std::thread::spawn(move || publish(&address, EVENTS, 7, Duration::from_millis(150)))
    };
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    let mut noted = Vec::new();

    killed_in_a_row(&address, &data, &[300, 900, 100, 1_500, 500], &mut noted);
    let mut service = Service::start(&address, &data);
    let before = noted.last().map_or(0, |(sequence, _): &(u64, String)| *sequence);
    service.wait_for(before + 500, PATIENCE);
    broker.kill();
    std::thread::sleep(AWAY);
    noted.extend(service.durable());
    broker.start_again();
    let back = Instant::now();
    let before = service.durable().map_or(0, |(sequence, _)| sequence);
    // The same process goes on.
    service.wait_for(before + 500, PATIENCE);
    println!("from the broker's first answer to the next records: {:?}", back.elapsed());
    assert!(back.elapsed() < BACK_WITHIN, "it took {:?} to go on", back.elapsed());
    assert_eq!(service.said().matches("do not answer").count(), 1, "it is said once:\n{}", service.said());
    noted.extend(service.kill());
    killed_in_a_row(&address, &data, &[700, 200, 1_200], &mut noted);

    let published = load.join().expect("the load arrives in spite of everything");
    assert_eq!(published, EVENTS);
    let written = written(&address);
    assert!(written >= funded + published, "{published} events were published, {written} records are there");
    let repeated = written - funded - published;
    // The first rulebook is an entry too.
    let entries = 1 + written;
    let mut service = Service::start(&address, &data);
    service.wait_for(entries, PATIENCE);
    std::thread::sleep(Duration::from_millis(500));
    let ended = service.stop();
    assert_eq!(ended.code, Some(0), "{}", ended.said);
    assert!(ended.took < Duration::from_secs(10), "stopping took {:?}", ended.took);
    println!("stopping took {:?}, {} points were noted, {repeated} records repeated", ended.took, noted.len());

    // The broker was away for refusals too.
    let (sent, expected) = (rejections(&address), refused(&data));
    assert!(expected.len() > 100, "only {} refusals", expected.len());
    assert_eq!(told(sent.iter().map(|(_, rejection)| rejection)), expected);
    let store = open(&data);
    assert_eq!(store.tip().sequence.0, entries);
    for (sequence, head) in &noted {
        assert_eq!(head_at(&store, *sequence), *head, "the chain has changed up to entry {sequence}");
    }
    let verified = audit::verify(&store, &codec(), |_| {}).expect("readable");
    assert_eq!((verified.finding, verified.entries), (None, entries));
}

/// Starts a service and kills it after so many milliseconds from its first word, for each of them.
fn killed_in_a_row(address: &str, data: &Path, after: &[u64], noted: &mut Vec<(u64, String)>) {
    for milliseconds in after {
        let mut service = Service::start(address, data);
        service.wait_for(1, PATIENCE);
        std::thread::sleep(Duration::from_millis(*milliseconds));
        let durable = service.kill().expect("it has called something durable");
        let before = noted.last().map_or(0, |(sequence, _)| *sequence);
        assert!(durable.0 >= before, "entry {before} was durable, now {} is the last", durable.0);
        noted.push(durable);
    }
}
