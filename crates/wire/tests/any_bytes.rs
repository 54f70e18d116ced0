//! Bytes that nobody has composed on topics `hutong.control` and `hutong.bank`: they are refused, or they are something that
//! could be said. Nothing stops the program.

use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message;
use prost::encoding::encode_varint;
use wire::control::v1::ControlCommand;
use wire::{bank, control};

fn read_as_everything(record: &[u8]) -> Result<(), ()> {
    let rules = rulebook::parse(rulebook::DEFAULT).expect("the default rulebook is valid");
    let _ = bank::decode(record);
    let command = control::decode(record).map_err(drop)?;
    command.asked(&rules).map(drop).map_err(drop)
}

/// One field of any number, of any wire type but groups.
fn field(value: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let number = 1..24_u8;
    let varint = prop_oneof![0..8_u64, any::<u64>(), Just(u64::MAX), Just(1 << 31), Just(20_251_111)];
    prop_oneof![
        (number.clone(), varint).prop_map(|(number, value)| tagged(number, 0, |out| encode_varint(value, out))),
        (number, value).prop_map(|(number, value)| tagged(number, 2, |out| put_bytes(out, &value))),
    ]
}

fn tagged(number: u8, wire_type: u8, put: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    encode_varint(u64::from(number) << 3 | u64::from(wire_type), &mut out);
    put(&mut out);
    out
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    encode_varint(bytes.len() as u64, out);
    out.extend(bytes);
}

/// What stands in fields that hold no message: words of the rulebook, ids, digests, and what is none of these.
fn leaf() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::sample::select(vec!["unionpay", "tenpay", "CNY", "USD", "", "CNY-1-UNIONPAY-1"]).prop_map(|s| s.into()),
        prop::sample::select(vec![16_usize, 32, 15, 300]).prop_map(|length| vec![7; length]),
        vec(any::<u8>(), 0..40),
    ]
}

fn content() -> impl Strategy<Value = Vec<u8>> {
    leaf().prop_recursive(3, 24, 8, |inner| vec(field(inner), 0..10).prop_map(|fields| fields.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_stop_nothing(record: Vec<u8>) {
        let _ = read_as_everything(&record);
    }

    /// An envelope that is right around every command there is, whose fields are anything.
    #[test]
    fn arbitrary_fields_of_any_command_stop_nothing(number in 10..50_u8, content in content()) {
        let envelope = ControlCommand {
            command_id: vec![1; 16],
            principal: "ops".to_owned(),
            idempotency_key: "key".to_owned(),
            ..ControlCommand::default()
        };
        let record = [envelope.encode_to_vec(), tagged(number, 2, |out| put_bytes(out, &content))].concat();
        let _ = read_as_everything(&record);
    }

    #[test]
    fn a_damaged_command_stops_nothing(at: prop::sample::Index, value: u8, cut: prop::sample::Index) {
        let mut record = control::prefund("unionpay", 1_000);
        prop_assert_eq!(read_as_everything(&record), Ok(()));
        let at = at.index(record.len());
        record[at] = value;
        let _ = read_as_everything(&record);
        record.truncate(cut.index(record.len()));
        let _ = read_as_everything(&record);
    }
}
