//! The decoder of payment events against the one that prost generates, and what it refuses beyond that.

use domain::report::{Evidence, Scan};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::Index;
use prost::Message;
use wire::common::v1::BillRow;
use wire::event::v1::{CodeKind, InterNetworkFees, Kind, PaymentEvent, ScanMode, Side};
use wire::event::{self, EVENT_BYTES_MAX, PaymentEventRef, Reason, Undecodable, decode};

/// Every field, as prost reads it.
fn assert_agrees(ours: &PaymentEventRef<'_>, theirs: &PaymentEvent) {
    // Taken apart, so that a new field does not compile until it is compared.
    let PaymentEvent {
        event_id,
        payment_id,
        reporting_network,
        side,
        kind,
        payer_network,
        payee_network,
        amount_minor,
        currency_code,
        network_reference,
        occurred_at_micros,
        business_date,
        network_sequence,
        merchant_fee_minor,
        merchant_order_number,
        merchant_id,
        payer_institution,
        payee_institution,
        channel,
        scan_mode,
        code_kind,
        trace_number,
        refund_reference,
        movement_id,
        original_event_id,
        region,
        cohort,
        reported_fees,
        evidence,
        bill_row,
    } = theirs;
    let row = bill_row.as_ref();
    let row = row.map(|row| event::BillRowRef { file_digest: &row.file_digest, row_number: row.row_number });
    let expected = PaymentEventRef {
        event_id,
        payment_id,
        reporting_network,
        side: (*side).try_into().ok(),
        kind: (*kind).try_into().ok(),
        payer_network,
        payee_network,
        amount_minor: *amount_minor,
        currency_code,
        network_reference,
        occurred_at_micros: *occurred_at_micros,
        business_date: *business_date,
        network_sequence: *network_sequence,
        merchant_fee_minor: *merchant_fee_minor,
        merchant_order_number,
        merchant_id,
        payer_institution,
        payee_institution,
        channel,
        scan_mode: (*scan_mode).try_into().ok(),
        code_kind: (*code_kind).try_into().ok(),
        trace_number,
        refund_reference,
        movement_id,
        original_event_id,
        region,
        cohort,
        reported_fees: *reported_fees,
        evidence: (*evidence).try_into().ok(),
        bill_row: row,
    };
    assert_eq!(*ours, expected);
}

/// Texts, ids and numbers with the values at which a reader goes wrong among them.
fn events() -> impl Strategy<Value = PaymentEvent> {
    let text = || prop_oneof![Just(String::new()), "[ -~]{1,40}", "\\PC{0,8}"];
    let id = || prop_oneof![Just(Vec::new()), vec(any::<u8>(), 16), vec(any::<u8>(), 0..40)];
    let word = || prop_oneof![0..12_i32, any::<i32>()];
    let big = || prop_oneof![Just(0_i64), Just(i64::MIN), Just(i64::MAX), any::<i64>(), 0..100_000_i64];
    let fees =
        (big(), big(), big()).prop_map(|(interchange_minor, payer_network_fee_minor, payee_network_fee_minor)| {
            InterNetworkFees { interchange_minor, payer_network_fee_minor, payee_network_fee_minor }
        });
    let digest = prop_oneof![vec(any::<u8>(), 32), vec(any::<u8>(), 0..40)];
    let row = (digest, any::<u32>()).prop_map(|(file_digest, row_number)| BillRow { file_digest, row_number });
    let words = (word(), word(), word(), word(), word());
    let numbers = (big(), big(), any::<i32>(), any::<u64>(), option::of(big()));
    let messages = (option::of(fees), option::of(row));
    (vec(text(), 14), vec(id(), 4), words, numbers, messages).prop_map(|(texts, ids, words, numbers, messages)| {
        let mut texts = texts.into_iter();
        let mut ids = ids.into_iter();
        let mut text = || texts.next().expect("one for each field");
        let mut id = || ids.next().expect("one for each field");
        PaymentEvent {
            event_id: id(),
            payment_id: id(),
            movement_id: id(),
            original_event_id: id(),
            reporting_network: text(),
            payer_network: text(),
            payee_network: text(),
            currency_code: text(),
            network_reference: text(),
            merchant_order_number: text(),
            merchant_id: text(),
            payer_institution: text(),
            payee_institution: text(),
            channel: text(),
            trace_number: text(),
            refund_reference: text(),
            region: text(),
            cohort: text(),
            side: words.0,
            kind: words.1,
            scan_mode: words.2,
            code_kind: words.3,
            evidence: words.4,
            amount_minor: numbers.0,
            occurred_at_micros: numbers.1,
            business_date: numbers.2,
            network_sequence: numbers.3,
            merchant_fee_minor: numbers.4,
            reported_fees: messages.0,
            bill_row: messages.1,
        }
    })
}

/// A full event refuses nearly every field behind it, an empty one few.
fn full_or_empty() -> impl Strategy<Value = PaymentEvent> {
    prop_oneof![events(), Just(PaymentEvent::default())]
}

/// One change to the bytes of a message.
#[derive(Clone, Debug)]
enum Damage {
    Set(Index, u8),
    Flip(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Repeat(Index, usize, Index),
    Cut(Index),
    /// A well-formed field behind all others: known or not, of the right type or not, there before or not.
    Append(Vec<u8>),
}

impl Damage {
    fn any() -> impl Strategy<Value = Self> {
        // A varint near the ends of its range, a tag of each wire type, or anything.
        let bytes = prop_oneof![
            vec(Just(0xff_u8), 1..11),
            vec(Just(0x80_u8), 1..11),
            (0..256_u64, 0..8_u64, vec(any::<u8>(), 0..12))
                .prop_map(|(number, wire, rest)| { [tag(number, wire), rest].concat() }),
            vec(any::<u8>(), 1..6),
        ];
        let number = (1..36_u64, prop_oneof![0..40_u64, any::<u64>()])
            .prop_map(|(number, value)| [tag(number, 0), varint(value)].concat());
        let text = (1..36_u64, vec(any::<u8>(), 0..20))
            .prop_map(|(number, text)| [tag(number, 2), varint(text.len().try_into().expect("short")), text].concat());
        prop_oneof![
            5 => prop_oneof![number, text].prop_map(Self::Append),
            1 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Self::Set(at, byte)),
            1 => (any::<Index>(), 0..8_u8).prop_map(|(at, bit)| Self::Flip(at, bit)),
            1 => (any::<Index>(), bytes).prop_map(|(at, bytes)| Self::Insert(at, bytes)),
            1 => (any::<Index>(), 1..20_usize).prop_map(|(at, count)| Self::Remove(at, count)),
            1 => (any::<Index>(), 1..40_usize, any::<Index>()).prop_map(|(from, count, to)| Self::Repeat(from, count, to)),
            1 => any::<Index>().prop_map(Self::Cut),
        ]
    }

    fn apply(&self, bytes: &mut Vec<u8>) {
        let place = |index: &Index, bytes: &[u8]| index.index(bytes.len() + 1);
        let range = |index: &Index, count: usize, bytes: &[u8]| {
            let start = place(index, bytes);
            start..(start + count).min(bytes.len())
        };
        match self {
            Self::Set(at, byte) if !bytes.is_empty() => {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            Self::Flip(at, bit) if !bytes.is_empty() => {
                let at = at.index(bytes.len());
                bytes[at] ^= 1 << bit;
            }
            Self::Set(..) | Self::Flip(..) => {}
            Self::Insert(at, inserted) => {
                let at = place(at, bytes);
                bytes.splice(at..at, inserted.iter().copied());
            }
            Self::Remove(at, count) => drop(bytes.drain(range(at, *count, bytes))),
            Self::Repeat(from, count, to) => {
                let repeated = bytes[range(from, *count, bytes)].to_vec();
                let to = place(to, bytes);
                bytes.splice(to..to, repeated);
            }
            Self::Append(field) => bytes.extend(field),
            Self::Cut(at) => bytes.truncate(place(at, bytes)),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_event_that_prost_writes_is_read_alike(sent in events()) {
        let bytes = sent.encode_to_vec();
        assert_agrees(&decode(&bytes).expect("prost writes each field once"), &sent);
    }

    #[test]
    fn what_is_accepted_of_damaged_bytes_prost_reads_alike(sent in full_or_empty(), damage in vec(Damage::any(), 1..4)) {
        let mut bytes = sent.encode_to_vec();
        damage.iter().for_each(|each| each.apply(&mut bytes));
        if let Ok(ours) = decode(&bytes) {
            assert_agrees(&ours, &PaymentEvent::decode(bytes.as_slice()).expect("accepted by the stricter one"));
        }
    }

    #[test]
    fn what_is_accepted_of_any_bytes_prost_reads_alike(bytes in vec(any::<u8>(), 0..64)) {
        if let Ok(ours) = decode(&bytes) {
            assert_agrees(&ours, &PaymentEvent::decode(bytes.as_slice()).expect("accepted by the stricter one"));
        }
    }
}

fn varint(value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    prost::encoding::encode_varint(value, &mut bytes);
    bytes
}

fn tag(number: u64, wire_type: u64) -> Vec<u8> {
    varint(number << 3 | wire_type)
}

fn refused(field: u32, inner: u32, offset: usize, reason: Reason) -> Result<PaymentEventRef<'static>, Undecodable> {
    Err(Undecodable { field, inner, offset, reason })
}

#[test]
fn what_two_decoders_could_read_differently_is_refused_with_its_place() {
    // A well-formed field in front, so that offsets are not all zero.
    let amount = [tag(8, 0), varint(5)].concat();
    let row_twice = [vec![0x10, 1, 0x10, 2]].concat();
    for (what, rest, expected) in [
        ("a field twice", [tag(8, 0), varint(6)].concat(), (8, 0, 2, Reason::Repeated)),
        ("a field twice inside", [tag(30, 2), varint(4), row_twice].concat(), (30, 2, 7, Reason::Repeated)),
        ("text for a number", [tag(11, 2), varint(1), vec![7]].concat(), (11, 0, 2, Reason::WireType)),
        ("a number for text", [tag(3, 0), varint(1)].concat(), (3, 0, 2, Reason::WireType)),
        ("fixed bytes for a number", [tag(11, 1), vec![0; 8]].concat(), (11, 0, 2, Reason::WireType)),
        ("not UTF-8", [tag(3, 2), varint(1), vec![0xff]].concat(), (3, 0, 2, Reason::NotUtf8)),
        ("a tag that ends", vec![0x80], (0, 0, 2, Reason::Truncated)),
        ("a varint that ends", [tag(11, 0), vec![0x80]].concat(), (11, 0, 2, Reason::Truncated)),
        ("a length beyond the end", [tag(3, 2), varint(1)].concat(), (3, 0, 2, Reason::Truncated)),
        ("a length of 2 GiB", [tag(1, 2), varint(1 << 31)].concat(), (1, 0, 2, Reason::Truncated)),
        ("a length of 64 bits", [tag(1, 2), varint(u64::MAX)].concat(), (1, 0, 2, Reason::Truncated)),
        ("65 bits", [tag(11, 0), vec![0xff; 9], vec![2]].concat(), (11, 0, 2, Reason::VarintTooLong)),
        ("eleven bytes", [tag(11, 0), vec![0x80; 10], vec![0]].concat(), (11, 0, 2, Reason::VarintTooLong)),
        ("a kind of 33 bits", [tag(5, 0), varint(1 << 32 | 2)].concat(), (5, 0, 2, Reason::OutOfRange)),
        ("a row of 33 bits", [tag(30, 2), vec![6, 0x10], varint(1 << 32 | 2)].concat(), (30, 2, 5, Reason::OutOfRange)),
        ("field 0", [tag(0, 0), varint(1)].concat(), (0, 0, 2, Reason::FieldNumber)),
        ("a field of 30 bits", [varint(1 << 32), varint(1)].concat(), (0, 0, 2, Reason::FieldNumber)),
        ("an unknown group", [tag(99, 3), tag(99, 4)].concat(), (99, 0, 2, Reason::Group)),
        ("a known group", [tag(28, 3), tag(28, 4)].concat(), (28, 0, 2, Reason::Group)),
        ("a group's end", tag(99, 4), (99, 0, 2, Reason::Group)),
        ("wire type 6", tag(99, 6), (99, 0, 2, Reason::WireType)),
        ("an unknown field that ends", [tag(99, 5), vec![0; 3]].concat(), (99, 0, 2, Reason::Truncated)),
        (
            "an unknown field inside that ends",
            [tag(28, 2), varint(2), tag(9, 1), vec![0]].concat(),
            (28, 9, 5, Reason::Truncated),
        ),
        ("nested groups", [tag(99, 3).repeat(1_000), tag(99, 4).repeat(1_000)].concat(), (99, 0, 2, Reason::Group)),
    ] {
        let bytes = [amount.clone(), rest].concat();
        let (field, inner, offset, reason) = expected;
        assert_eq!(decode(&bytes), refused(field, inner, offset, reason), "{what}");
    }
}

#[test]
fn unknown_fields_are_passed_over_and_may_repeat() {
    let unknown = [tag(31, 0), varint(1), tag(31, 0), varint(2), tag(500, 1), vec![0; 8], tag(501, 5), vec![0; 4]];
    let text = [tag(1 << 28, 2), varint(2), vec![0xff, 0xfe]];
    let bytes = [unknown.concat(), tag(8, 0), varint(5), text.concat()].concat();
    assert_eq!(decode(&bytes).map(|event| event.amount_minor), Ok(5));
}

#[test]
fn a_record_has_at_most_4096_bytes() {
    // An unknown field of 4,092 bytes after its tag and length.
    let longest = [tag(50, 2), varint(4_092), vec![0; 4_092]].concat();
    assert_eq!(longest.len(), EVENT_BYTES_MAX);
    assert_eq!(decode(&longest), decode(&[]));
    let too_long = vec![0; EVENT_BYTES_MAX + 1];
    let error = decode(&too_long).expect_err("too long");
    assert_eq!((error.reason, error.quarantine().name()), (Reason::TooLong, "RECORD_TOO_LONG"));
}

#[test]
fn an_error_is_read_by_a_person() {
    let bytes = [tag(8, 0), varint(5), tag(30, 2), vec![4, 0x10, 1, 0x10, 2]].concat();
    let error = decode(&bytes).expect_err("a row number twice");
    assert_eq!(error.to_string(), "field 30.2 at byte 7: was already given");
    assert_eq!(error.quarantine().name(), "UNDECODABLE");
    let error = decode(&[0x80]).expect_err("half a tag");
    assert_eq!(error.to_string(), "a field at byte 0: ends before it is complete");
}

/// The submission of an event that was sent.
fn submitted<T>(event: &PaymentEvent, of: impl Fn(&domain::report::Submission<'_>) -> T) -> T {
    of(&decode(&event.encode_to_vec()).expect("well-formed").submission())
}

#[test]
fn a_submission_has_what_was_sent() {
    let sent = PaymentEvent {
        event_id: vec![1; 16],
        payment_id: vec![2; 16],
        movement_id: vec![3; 16],
        reporting_network: "a".to_owned(),
        payer_network: "b".to_owned(),
        payee_network: "c".to_owned(),
        payer_institution: "d".to_owned(),
        payee_institution: "e".to_owned(),
        channel: "f".to_owned(),
        currency_code: "g".to_owned(),
        region: "h".to_owned(),
        cohort: "i".to_owned(),
        amount_minor: -4,
        occurred_at_micros: 5,
        business_date: 6,
        ..PaymentEvent::default()
    };
    let bytes = sent.encode_to_vec();
    let said = decode(&bytes).expect("well-formed").submission();
    assert_eq!((said.event_id, said.payment_id, said.movement_id), (&[1; 16][..], &[2; 16][..], &[3; 16][..]));
    let texts = [said.network, said.payer_network, said.payee_network, said.payer_institution, said.payee_institution];
    assert_eq!(texts, ["a", "b", "c", "d", "e"]);
    assert_eq!([said.channel, said.currency_code, said.region, said.cohort], ["f", "g", "h", "i"]);
    assert_eq!((said.amount_minor, said.occurred_at, said.business_date), (-4, 5, 6));
}

#[test]
fn every_enum_number_reaches_the_domain_as_the_value_of_its_name() {
    for number in -2..300 {
        let event = PaymentEvent {
            kind: number,
            side: number,
            scan_mode: number,
            code_kind: number,
            ..PaymentEvent::default()
        };
        assert_eq!(submitted(&event, |s| s.kind), Kind::try_from(number).ok().and_then(Kind::domain));
        assert_eq!(submitted(&event, |s| s.side), Side::try_from(number).ok().and_then(Side::domain));
        assert_eq!(submitted(&event, |s| s.code), CodeKind::try_from(number).ok().and_then(CodeKind::domain));
        if number != 0 {
            assert_eq!(submitted(&event, |s| s.scan), ScanMode::try_from(number).ok().and_then(ScanMode::domain));
        }
    }
}

#[test]
fn only_an_authorisation_must_say_who_scanned() {
    for number in 0..11 {
        let silent = PaymentEvent { kind: number, ..PaymentEvent::default() };
        let expected = if number == i32::from(Kind::Authorised) { None } else { Some(Scan::None) };
        assert_eq!(submitted(&silent, |s| s.scan), expected, "kind {number}");
    }
}

#[test]
fn evidence_and_its_row_come_together_or_not_at_all() {
    let row = |digest: usize, row_number| Some(BillRow { file_digest: vec![9; digest], row_number });
    let shown = Evidence::BillRow { file_digest: [9; 32], row: 4 };
    for (evidence, bill_row, expected) in [
        (0, None, Some(Evidence::None)),
        (0, row(32, 4), None),
        (1, None, Some(Evidence::QueryAnswer)),
        (1, row(32, 4), None),
        (2, row(32, 4), Some(shown)),
        (2, row(31, 4), None),
        (2, row(33, 4), None),
        (2, row(0, 4), None),
        (2, row(32, 0), None),
        (2, None, None),
        (3, row(32, 4), None),
        (3, None, None),
    ] {
        let event = PaymentEvent { evidence, bill_row: bill_row.clone(), ..PaymentEvent::default() };
        assert_eq!(submitted(&event, |s| s.evidence), expected, "{evidence} with {bill_row:?}");
    }
}
