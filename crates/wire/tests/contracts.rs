//! Rules that every contract in `proto/` keeps.

use std::path::{Path, PathBuf};

use prost_reflect::{Cardinality, DescriptorPool, DynamicMessage, FileDescriptor, Kind, MessageDescriptor};

const PACKAGES: &str = "hutong.";

/// The contracts with their comments, which the crate's own descriptor set leaves out.
fn commented() -> DescriptorPool {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    let mut files: Vec<PathBuf> = Vec::new();
    for area in std::fs::read_dir(root.join("hutong")).expect("proto/hutong is there") {
        let version = area.expect("readable").path().join("v1");
        for file in std::fs::read_dir(version).expect("every area has a v1") {
            files.push(file.expect("readable").path());
        }
    }
    let descriptors = protox::compile(&files, [&root]).expect("the contracts compile");
    DescriptorPool::from_file_descriptor_set(descriptors).expect("the contracts are consistent")
}

fn ours(pool: &DescriptorPool) -> Vec<FileDescriptor> {
    let files: Vec<FileDescriptor> = pool.files().filter(|file| file.package_name().starts_with(PACKAGES)).collect();
    assert!(files.len() > 10, "only {} files were found", files.len());
    files
}

fn our_messages(pool: &DescriptorPool) -> Vec<MessageDescriptor> {
    pool.all_messages().filter(|message| message.full_name().starts_with(PACKAGES)).collect()
}

#[test]
fn everything_a_client_sees_is_documented() {
    let pool = commented();
    let mut undocumented = Vec::new();
    for file in ours(&pool) {
        let locations =
            &file.file_descriptor_proto().source_code_info.as_ref().expect("compiled with comments").location;
        let mut check = |name: &str, path: &[i32]| {
            let comment = locations.iter().find(|location| location.path == path).map(|l| l.leading_comments().trim());
            if comment.is_none_or(str::is_empty) {
                undocumented.push(name.to_owned());
            }
        };
        for message in file.messages() {
            check(message.full_name(), message.path());
            assert_eq!(
                message.child_messages().count() + message.child_enums().count(),
                0,
                "{message:?} has nested types"
            );
            message.fields().for_each(|field| check(field.full_name(), field.path()));
            // The oneof of an `optional` field is the compiler's, not ours.
            let written = message.oneofs().filter(|oneof| !oneof.is_synthetic());
            written.for_each(|oneof| check(oneof.full_name(), oneof.path()));
        }
        for enumeration in file.enums() {
            check(enumeration.full_name(), enumeration.path());
            enumeration.values().for_each(|value| check(value.full_name(), value.path()));
        }
        for service in file.services() {
            check(service.full_name(), service.path());
            service.methods().for_each(|method| check(method.full_name(), method.path()));
        }
    }
    assert!(undocumented.is_empty(), "without a comment: {undocumented:#?}");
}

#[test]
fn no_field_is_a_floating_number() {
    for message in our_messages(&commented()) {
        for field in message.fields() {
            assert!(!matches!(field.kind(), Kind::Float | Kind::Double), "{} is a floating number", field.full_name());
        }
    }
}

#[test]
fn every_answer_names_its_sequence_number() {
    for service in commented().services() {
        for method in service.methods() {
            let answer = method.output();
            let sequence = answer.get_field_by_name("sequence");
            assert!(sequence.is_some_and(|field| field.kind() == Kind::Uint64), "{} lacks it", answer.full_name());
        }
    }
}

#[test]
fn lists_are_paged_and_their_results_come_first() {
    for method in commented().services().flat_map(|service| service.methods().collect::<Vec<_>>()) {
        if !method.name().starts_with("List") {
            continue;
        }
        for name in ["page_size", "page_token", "read_at", "min_sequence"] {
            assert!(method.input().get_field_by_name(name).is_some(), "{} lacks {name}", method.input().full_name());
        }
        assert!(method.output().get_field_by_name("next_page_token").is_some(), "{}", method.full_name());
        let results = method.output().get_field(1).expect("field 1 exists");
        assert_eq!(results.cardinality(), Cardinality::Repeated, "{}", results.full_name());
    }
}

#[test]
fn calls_that_change_something_take_an_idempotency_key_and_answer_balances() {
    let mut changing = 0;
    for method in commented().services().flat_map(|service| service.methods().collect::<Vec<_>>()) {
        let (input, output) = (method.input(), method.output());
        let reads = ["Get", "List", "Watch", "Stream", "Explain"].iter().any(|verb| method.name().starts_with(verb))
            || method.name() == "ResolveCode";
        let has = |name: &str| input.get_field_by_name(name).is_some();
        assert_eq!(has("idempotency_key"), !reads, "{}", method.full_name());
        assert_eq!(has("validate_only"), !reads, "{}", method.full_name());
        if !reads {
            changing += 1;
            assert!(output.get_field_by_name("balances").is_some(), "{}", method.full_name());
        }
    }
    assert!(changing > 0, "no changing call was found");
}

#[test]
fn a_payment_event_is_read_from_protobuf_json_with_the_embedded_descriptors() {
    let pool = DescriptorPool::decode(wire::FILE_DESCRIPTOR_SET).expect("the embedded descriptors decode");
    let descriptor = pool.get_message_by_name("hutong.event.v1.PaymentEvent").expect("the event is among them");
    let json = r#"{"eventId": "AAECAwQFBgcICQoLDA0ODw==", "kind": "KIND_CAPTURED", "side": "SIDE_PAYER", "amount_minor": 1250,
        "merchantFeeMinor": "-8", "occurredAtMicros": "1762790400000000", "currencyCode": "CNY"}"#;
    let mut reader = serde_json::Deserializer::from_str(json);
    let message = DynamicMessage::deserialize(descriptor, &mut reader).expect("the line is a payment event");
    let event: wire::event::v1::PaymentEvent = message.transcode_to().expect("the same message");
    assert_eq!(event.event_id, (0..16).collect::<Vec<u8>>());
    assert_eq!(event.kind(), wire::event::v1::Kind::Captured);
    assert_eq!((event.amount_minor, event.merchant_fee_minor), (1_250, Some(-8)));
}
