//! The log over gRPC: streams of it, a payment's life, a network's feed; each compared with what the ledger itself says.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use domain::ids::{Id, Sequence};
use domain::state::View as _;
use grpc::{Service, asking};
use wire::audit::v1::get_payment_request::Payment as Which;
use wire::audit::v1::ledger_entry::Content;
use wire::audit::v1::stream_events_request::Start;
use wire::audit::v1::{
    GetPaymentRequest, GetPaymentResponse, LedgerEntry, PaymentReference, PaymentState, StreamEventsRequest,
};
use wire::common::v1::{BreakCode, ReadAt, read_at};
use wire::event::v1::{Kind, Outcome};
use wire::names;
use wire::partner::v1::StreamFeedRequest;
use wire::partner::v1::stream_feed_response::Item;

/// All entries of a stream that ends, and up to where it has looked.
fn entries(service: &Service, request: StreamEventsRequest) -> (Vec<LedgerEntry>, u64) {
    asking(async {
        let mut stream = service.client().events(request).await.expect("a stream");
        let (mut entries, mut looked) = (Vec::new(), 0);
        while let Some(answer) = stream.next().await.expect("an answer") {
            assert!(answer.sequence >= looked, "never backwards");
            looked = answer.sequence;
            entries.extend(answer.entry);
        }
        (entries, looked)
    })
}

fn payment(service: &Service, request: GetPaymentRequest) -> Result<GetPaymentResponse, client::Error> {
    asking(async { service.client().payment(request).await })
}

fn at(sequence: u64) -> Option<ReadAt> {
    Some(ReadAt { at: Some(read_at::At::Sequence(sequence)) })
}

#[test]
fn the_stream_is_the_log_and_its_postings_are_the_balances() {
    let mut service = Service::start(api::Options::default());
    service.events(1_500);
    service.cut_over(1);
    let newest = service.events(1_200);
    let (all, looked) = entries(&service, StreamEventsRequest::default());
    assert_eq!((all.len() as u64, looked), (newest.sequence.0, newest.sequence.0));
    let logged = service.handle().entries(Sequence(1), all.len()).unwrap();
    let mut standing: BTreeMap<String, [i128; 2]> = BTreeMap::new();
    for (told, logged) in all.iter().zip(&logged) {
        assert_eq!((told.sequence, told.chain_hash.as_slice()), (logged.sequence.0, logged.head.as_slice()));
        assert_eq!(told.content_digest, logged.digest);
        assert_eq!(told.source.is_none(), logged.sequence == Sequence(1), "the rulebook came with the program");
        for journal in &told.decision.as_ref().unwrap().journals {
            let [mut debits, mut credits] = [0, 0];
            for posting in &journal.postings {
                let [of_debits, of_credits] = standing.entry(posting.account.clone()).or_default();
                *of_debits += i128::from(posting.debit_minor);
                *of_credits += i128::from(posting.credit_minor);
                (debits, credits) = (debits + posting.debit_minor, credits + posting.credit_minor);
            }
            assert!(debits == credits && debits > 0, "{} of {} does not balance", journal.rule, told.sequence);
        }
    }
    let rules = newest.state.rules().current();
    let book = newest.state.book().accounts();
    let book = book.map(|(account, b)| (names::account_name(account, rules), [b.debits, b.credits]));
    assert_eq!(standing, book.collect());

    let outcome = |entry: &LedgerEntry| entry.decision.as_ref().unwrap().outcome();
    let rejected: Vec<u64> =
        all.iter().filter(|entry| outcome(entry) == Outcome::Rejected).map(|entry| entry.sequence).collect();
    assert!(!rejected.is_empty());
    let only = StreamEventsRequest { outcomes: vec![Outcome::Rejected.into()], ..Default::default() };
    let (filtered, looked) = entries(&service, only);
    assert_eq!((filtered.iter().map(|e| e.sequence).collect::<Vec<_>>(), looked), (rejected, newest.sequence.0));
    let refunds = StreamEventsRequest {
        networks: vec!["alipay".to_owned()],
        kinds: vec![Kind::Refunded.into()],
        start: Some(Start::FromSequence(100)),
        to_sequence: 2_000,
        ..Default::default()
    };
    let (filtered, looked) = entries(&service, refunds);
    assert!(!filtered.is_empty() && looked == 2_000);
    for entry in filtered {
        let Some(Content::PaymentEvent(event)) = entry.content else { panic!("a payment event") };
        assert!(event.kind() == Kind::Refunded && (100..=2_000).contains(&entry.sequence));
        assert!([event.payer_network, event.payee_network].contains(&"alipay".to_owned()));
    }
    let ahead = StreamEventsRequest { start: Some(Start::FromSequence(newest.sequence.0 + 1)), ..Default::default() };
    let refused = asking(async { service.client().events(ahead).await.unwrap_err() });
    assert_eq!(refused.reason().as_deref(), Some("SEQUENCE_AHEAD"));
}

#[test]
fn a_stream_that_follows_shows_what_comes_and_says_that_nothing_did() {
    let mut service = Service::start(api::Options { heartbeat: Duration::from_millis(50), ..Default::default() });
    let before = service.events(200).sequence.0;
    let endpoint = service.endpoint();
    let follower = std::thread::spawn(move || {
        asking(async move {
            let client = client::Client::new(&endpoint, client::Options::default()).unwrap();
            let start = Some(Start::FromSequence(before + 1));
            let request = StreamEventsRequest { start, follow: true, ..Default::default() };
            let mut stream = client.events(request).await.unwrap();
            let (mut seen, mut quiet) = (Vec::new(), 0);
            while seen.len() < 300 {
                let answer = stream.next().await.unwrap().unwrap();
                match answer.entry {
                    Some(entry) => seen.push(entry.sequence),
                    None => quiet += 1,
                }
            }
            (seen, quiet)
        })
    });
    std::thread::sleep(Duration::from_millis(300));
    service.events(300);
    let (seen, quiet) = follower.join().unwrap();
    assert_eq!(seen, (before + 1..=before + 300).collect::<Vec<_>>());
    assert!(quiet >= 2, "{quiet}");
}

#[test]
fn every_payment_is_told_as_the_ledger_keeps_it() {
    let mut service = Service::start(api::Options::default());
    service.events(1_500);
    service.cut_over(1);
    service.events(1_500);
    service.cut_over(2);
    service.cut_over(3);
    let newest = service.events(500);
    let (all, _) = entries(&service, StreamEventsRequest::default());
    let event = |entry: &LedgerEntry| match &entry.content {
        Some(Content::PaymentEvent(event)) => Some(event.clone()),
        _ => None,
    };
    let mut of_payment: BTreeMap<Vec<u8>, Vec<u64>> = BTreeMap::new();
    for entry in &all {
        if let Some(event) = event(entry) {
            of_payment.entry(event.payment_id).or_default().push(entry.sequence);
        }
    }
    let mut states = BTreeSet::new();
    for (id, sequences) in of_payment.iter().step_by(3) {
        let request = GetPaymentRequest { payment: Some(Which::PaymentId(id.clone())), ..Default::default() };
        let told = payment(&service, request).unwrap();
        assert_eq!(told.sequence, newest.sequence.0);
        let entries: Vec<u64> = told.entries.iter().map(|step| step.entry.as_ref().unwrap().sequence).collect();
        assert_eq!(&entries, sequences);
        for step in &told.entries {
            let entry = step.entry.clone().unwrap();
            let streamed = &all[usize::try_from(entry.sequence).unwrap() - 1];
            let journals = |entry: &LedgerEntry| entry.decision.as_ref().unwrap().journals.clone();
            assert_eq!(journals(&entry), journals(streamed));
        }
        let kept = service.handle().payment(Id::from_bytes(id).unwrap(), Duration::from_secs(5)).unwrap().0;
        let kept = kept.unwrap_or_default();
        let told = told.payment.unwrap();
        assert_eq!(told.state(), PaymentState::from(kept.status()), "{id:02x?}");
        let amounts = (kept.capture.booked, kept.refunded(), kept.reversal.booked);
        assert_eq!((told.captured_minor, told.refunded_minor, told.reversed_minor), amounts);
        assert_eq!(told.verdict_code, kept.refused.map(|code| code.name().to_owned()).unwrap_or_default());
        states.insert(told.state().as_str_name());
    }
    assert!(states.len() > 5, "{states:?}");
}

/// A leg of the payment whose id is sixteen ones, in protobuf JSON.
fn leg(event: char, network: &str, side: &str, minor: i64) -> String {
    let id = |c: char| format!("{}{c}Q==", String::from(c).repeat(20));
    let micros = grpc::BEGIN_SECONDS * 1_000_000;
    format!(
        r#"{{"eventId":"{}","paymentId":"{}","reportingNetwork":"{network}","side":"{side}","kind":"KIND_CAPTURED",
        "payerNetwork":"unionpay","payeeNetwork":"tenpay","amountMinor":"{minor}","currencyCode":"CNY",
        "networkReference":"R{event}","occurredAtMicros":"{micros}","businessDate":20261120,"networkSequence":"1",
        "scanMode":"SCAN_MODE_PAYER_SCANS","codeKind":"CODE_KIND_TENPAY_PERSONAL"}}"#,
        id(event),
        id('B'),
    )
}

#[test]
fn an_entry_of_a_payment_names_the_breaks_that_it_raised() {
    let mut service = Service::start(api::Options::default());
    service.event(&leg('C', "unionpay", "SIDE_PAYER", 1_000));
    service.event(&leg('D', "tenpay", "SIDE_PAYEE", 990));
    let reference = PaymentReference { network: "tenpay".to_owned(), network_reference: "RD".to_owned() };
    let told =
        payment(&service, GetPaymentRequest { payment: Some(Which::Reference(reference)), ..Default::default() });
    let told = told.unwrap();
    let raised: Vec<Vec<BreakCode>> = told
        .entries
        .iter()
        .map(|step| step.entry.as_ref().unwrap().decision.as_ref().unwrap().breaks().collect())
        .collect();
    assert_eq!(raised, [vec![], vec![BreakCode::AmountOver]]);
    let payment = told.payment.unwrap();
    assert_eq!((payment.captured_minor, payment.state()), (990, PaymentState::Captured));
    let reported: Vec<i64> = payment.reported.iter().map(|side| side.amount_minor).collect();
    assert_eq!(reported, [1_000, 990]);
    let rules: Vec<Vec<String>> = told
        .entries
        .into_iter()
        .map(|step| step.entry.unwrap().decision.unwrap().journals.into_iter().map(|journal| journal.rule).collect())
        .collect();
    assert_eq!(rules, [vec!["T1".to_owned()], vec!["T2".to_owned(), "J3".to_owned()]]);
}

#[test]
fn a_payment_is_found_by_reference_as_of_a_moment_and_in_pages() {
    let mut service = Service::start(api::Options::default());
    service.events(2_000);
    let (all, _) = entries(&service, StreamEventsRequest::default());
    let event = all.iter().rev().find_map(|entry| match &entry.content {
        Some(Content::PaymentEvent(event)) if event.kind() == Kind::Refunded => Some((entry.sequence, event.clone())),
        _ => None,
    });
    let (sequence, event) = event.expect("the traffic has refunds");
    let reference = PaymentReference {
        network: event.reporting_network.clone(),
        network_reference: event.network_reference.clone(),
    };
    let by_reference = GetPaymentRequest { payment: Some(Which::Reference(reference)), ..Default::default() };
    let whole = payment(&service, by_reference.clone()).unwrap();
    assert_eq!(whole.payment.as_ref().unwrap().payment_id, event.payment_id);

    let mut request = GetPaymentRequest { page_size: 1, ..by_reference };
    let mut paged = Vec::new();
    loop {
        let page = payment(&service, request.clone()).unwrap();
        assert_eq!(page.payment, whole.payment);
        paged.extend(page.entries);
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(paged, whole.entries);

    let id = Some(Which::PaymentId(event.payment_id));
    let before = GetPaymentRequest { payment: id.clone(), read_at: at(sequence - 1), ..Default::default() };
    let before = payment(&service, before).unwrap();
    assert!(before.entries.iter().all(|step| step.entry.as_ref().unwrap().sequence < sequence));
    let never = GetPaymentRequest { payment: id, read_at: at(1), ..Default::default() };
    assert_eq!(payment(&service, never).unwrap_err().reason().as_deref(), Some("PAYMENT_UNKNOWN"));
    let wrong = GetPaymentRequest { payment: Some(Which::PaymentId(vec![1])), ..Default::default() };
    assert_eq!(payment(&service, wrong).unwrap_err().reason().as_deref(), Some("FIELD_INVALID"));
}

#[test]
fn a_search_of_a_long_log_ends_at_the_deadline_and_says_so() {
    let mut service = Service::start(api::Options::default());
    service.events(40_000);
    let unknown = GetPaymentRequest { payment: Some(Which::PaymentId(vec![7; 16])), ..Default::default() };
    let begun = Instant::now();
    assert_eq!(payment(&service, unknown.clone()).unwrap_err().reason().as_deref(), Some("PAYMENT_UNKNOWN"));
    println!("40,000 entries were searched in {:?}", begun.elapsed());
    let hasty = client::Options { deadline: Duration::from_millis(6) };
    let refused = asking(async {
        let client = client::Client::new(&service.endpoint(), hasty).unwrap();
        client.payment(unknown).await.unwrap_err()
    });
    // At such a deadline the answer itself may come too late; either way it is about time.
    assert!(refused.is_unavailable(), "{refused:?}");
}

#[test]
fn a_network_is_told_what_became_of_each_of_its_records() {
    let mut service = Service::start(api::Options::default());
    let newest = service.events(800);
    let (all, _) = entries(&service, StreamEventsRequest::default());
    let of_topic = |entry: &&LedgerEntry| entry.source.as_ref().is_some_and(|source| source.topic == "payments.tenpay");
    let expected: Vec<(u64, i32)> =
        all.iter().filter(of_topic).map(|e| (e.sequence, e.decision.as_ref().unwrap().outcome)).collect();
    let told = asking(async {
        let request = StreamFeedRequest { network: "tenpay".to_owned(), from_sequence: 0 };
        let mut stream = service.client().feed(request).await.unwrap();
        let mut told = Vec::new();
        while told.len() < expected.len() {
            let answer = stream.next().await.unwrap().unwrap();
            let outcome = match answer.item {
                Some(Item::Event(event)) => event.decision.unwrap().outcome,
                Some(Item::Rejection(rejection)) => {
                    assert_eq!((rejection.sequence, rejection.message_zh.is_ascii()), (answer.sequence, false));
                    rejection.outcome
                }
                None => continue,
            };
            told.push((answer.sequence, outcome));
        }
        told
    });
    assert_eq!(told, expected);
    assert!(told.iter().all(|(sequence, _)| *sequence <= newest.sequence.0));
    let nobody = StreamFeedRequest { network: "netsunion".to_owned(), from_sequence: 0 };
    let refused = asking(async { service.client().feed(nobody).await.unwrap_err() });
    assert_eq!(refused.reason().as_deref(), Some("UNKNOWN_NETWORK"));
}
