//! Lines of `hutong publish`: from JSON to the record, and what a person is told about a line that is none.

use domain::time::Timestamp;
use prost::Message;
use wire::bank::v1::BankRecord;
use wire::control::v1::ControlCommand;
use wire::event::v1::{Kind, PaymentEvent, Side};
use wire::json::{self, Record, Topic, publish_line};

const ID: &str = "AAECAwQFBgcICQoLDA0ODw==";

fn id() -> Vec<u8> {
    (0..16).collect()
}

fn read(line: &str) -> Record {
    publish_line(line).unwrap_or_else(|error| panic!("{line}: {error}"))
}

#[test]
fn an_event_goes_to_the_topic_of_its_reporter_under_its_payment_id() {
    let line = format!(
        r#"{{"recordedAtMicros": "1762790400000000", "paymentEvent": {{"paymentId": "{ID}", "reportingNetwork": "unionpay",
        "kind": "KIND_CAPTURED", "side": "SIDE_PAYER", "amount_minor": 1250, "merchantFeeMinor": "-8"}}}}"#
    )
    .replace('\n', " ");
    let record = read(&line);
    assert_eq!((record.topic.name().as_str(), &record.key), ("payments.unionpay", &id()));
    assert_eq!(record.recorded_at, Some(Timestamp::from_micros(1_762_790_400_000_000)));
    let event = wire::event::decode(&record.value).expect("what we write we read");
    assert_eq!((event.kind, event.side), (Some(Kind::Captured), Some(Side::Payer)));
    assert_eq!((event.amount_minor, event.merchant_fee_minor), (1_250, Some(-8)));
}

#[test]
fn a_command_and_a_bank_record_go_to_their_topics_under_their_own_ids() {
    let command = read(&format!(r#"{{"command": {{"commandId": "{ID}", "proposeSettlement": {{}}}}}}"#));
    assert_eq!((command.topic.name().as_str(), command.key, command.recorded_at), ("hutong.control", id(), None));
    assert!(ControlCommand::decode(command.value.as_slice()).expect("a command").command.is_some());

    for side in ["instruction", "confirmation"] {
        let bank = read(&format!(r#"{{"bankRecord": {{"{side}": {{"instructionId": "CNY-7-1"}}}}}}"#));
        assert_eq!((bank.topic, bank.key), (Topic::Bank, b"CNY-7-1".to_vec()));
        assert!(BankRecord::decode(bank.value.as_slice()).expect("a bank record").record.is_some());
    }
}

#[test]
fn a_line_that_is_no_record_is_refused_with_field_and_place() {
    let event = |fields: &str| format!(r#"{{"paymentEvent": {{{fields}}}}}"#);
    for (line, expected) in [
        (String::new(), "line at column 1: EOF while parsing a value"),
        ("{}".to_owned(), "line at column 2: holds none of paymentEvent, command, bankRecord"),
        ("[1]".to_owned(), "line at column 1: invalid type: sequence, expected a map"),
        (event(""), "paymentEvent.reportingNetwork at column 20: is needed: it names the topic"),
        (r#"{"bankRecord": {}}"#.to_owned(), "bankRecord at column 18: holds neither instruction nor confirmation"),
        (event(r#""amount": 5"#), "paymentEvent.amount at column 26: unrecognized field name 'amount'"),
        (
            event(r#""kind": "CAPTURED", "side": 1"#),
            "paymentEvent.kind at column 36: unrecognized enum value 'CAPTURED'",
        ),
        (event(r#""amountMinor": 12.5"#), "paymentEvent.amountMinor at column 37: expected integer value"),
        (
            event(r#""amountMinor": 1e2, "side": 1"#),
            "paymentEvent.amountMinor at column 36: is written with a fraction or an exponent",
        ),
        (event(r#""amountMinor": 1, "amount_minor": 2"#), "paymentEvent.amount_minor at column 50: was already given"),
        (
            event(r#""businessDate": 20251111000"#),
            "paymentEvent.businessDate at column 45: out of range integral type conversion attempted",
        ),
        (
            event(r#""eventId": "?", "side": 1"#),
            "paymentEvent.eventId at column 32: invalid base64: Invalid symbol 63, offset 0.",
        ),
        (
            event(r#""billRow": {"rowNumber": -1}"#),
            "paymentEvent.billRow.rowNumber at column 45: out of range integral type conversion attempted",
        ),
        (
            r#"{"command": {"recordMatches": {"matches": [{}, {"rowNumber": true}]}}}"#.to_owned(),
            "command.recordMatches.matches[1].rowNumber at column 65: invalid type: boolean `true`, expected a 32-bit unsigned integer or decimal string",
        ),
        (event(r#""side": 1"#) + "x", "line at column 30: trailing characters"),
        (event(r#""side": 1"#) + &event(""), "line at column 30: trailing characters"),
    ] {
        let error = publish_line(&line).expect_err(&line);
        assert_eq!(error.to_string(), expected, "{line}");
    }
}

#[test]
fn two_records_on_one_line_are_refused() {
    let line = format!(r#"{{"command": {{"commandId": "{ID}"}}, "bankRecord": {{}}}}"#);
    let error = publish_line(&line).expect_err("two records");
    assert_eq!(error.reason, "multiple fields provided for oneof 'record'");
}

#[test]
fn an_event_printed_for_a_person_can_be_published_again() {
    let event = PaymentEvent {
        event_id: id(),
        payment_id: id(),
        reporting_network: "unionpay".to_owned(),
        kind: Kind::Refunded.into(),
        side: Side::Both.into(),
        amount_minor: i64::MAX,
        merchant_fee_minor: Some(0),
        merchant_order_number: "订单\"1\"".to_owned(),
        ..PaymentEvent::default()
    };
    let printed = json::payment_event(&event.encode_to_vec()).expect("an event");
    assert!(!printed.contains('\n') && printed.contains(r#""kind":"KIND_REFUNDED""#), "{printed}");
    assert!(printed.contains(r#""amountMinor":"9223372036854775807""#), "{printed}");
    let record = read(&format!(r#"{{"paymentEvent": {printed}}}"#));
    assert_eq!(PaymentEvent::decode(record.value.as_slice()), Ok(event));
    assert!(json::payment_event(&[0xff]).is_err());
}
