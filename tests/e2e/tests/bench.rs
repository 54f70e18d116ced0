//! The benchmarks that need a broker, which they start by themselves.

use e2e::hutong;

fn bench(arguments: &str) -> String {
    let directory = tempfile::tempdir().expect("a directory");
    let place = directory.path().to_str().expect("paths of tests are text");
    let arguments = arguments.split(' ').chain(["--data-dir", place, "-o", "json"]);
    let output = hutong(&["bench"].into_iter().chain(arguments).collect::<Vec<_>>());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(std::fs::read_dir(place).expect("a directory").count(), 0);
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn events_are_counted_and_timed_through_a_broker_of_their_own() {
    let line = bench("kafka --events 3000 --warm-up 0");
    for part in [r#""benchmark":"kafka""#, r#""events":3000,"#, r#""kafka_client":"#, r#""broker_cpu_us_per_event":"#] {
        assert!(line.contains(part), "no {part}: {line}");
    }
    let line = bench("latency --events 1000 --warm-up 500 --rate 1000");
    // Each of them once, and none of those before.
    for part in [r#""benchmark":"latency""#, r#""events":1000,"#, r#""rate":1000"#, r#""count":1000}"#] {
        assert!(line.contains(part), "no {part}: {line}");
    }
}

#[test]
fn brokers_that_do_not_answer_are_worth_trying_again() {
    let output = hutong(&["bench", "kafka", "--events", "1", "--brokers", "127.0.0.1:1"]);
    assert_eq!(output.status.code(), Some(5), "{output:?}");
}
