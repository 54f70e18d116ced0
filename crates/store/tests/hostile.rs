//! Bytes that nobody has written: damaged, invented, with lengths that lie. Decoding says no; it does not panic, and it does
//! not allocate what a length promises.

mod common;

use domain::clearing::Register;
use domain::ids::Sequence;
use proptest::prelude::*;
use store::block::BlockView;
use store::cycle::CycleRecord;
use store::filter::{Filter, Salt};
use store::genesis::Genesis;
use store::history::HistoryRow;
use store::mark::{EventIdRecord, Mark};
use store::payment;
use store::state::StateRecord;

#[test]
fn a_flipped_bit_anywhere_in_a_block_is_refused() {
    for good in [common::block_of(&common::entries()), common::block_of(&[common::entry(b"\x01\x02\x03\x04")])] {
        assert!(BlockView::decode(&good).is_ok());
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(BlockView::decode(&bad).is_err(), "bit {bit} of a block of {} bytes", good.len());
            assert!(BlockView::decode_head(&bad).is_err(), "bit {bit} of a block of {} bytes", good.len());
        }
    }
}

#[test]
fn a_flipped_bit_in_a_filter_is_refused() {
    let good = Filter::new(Salt::Segment, 64).encode();
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert!(Filter::decode(Salt::Segment, &bad).is_err(), "bit {bit}");
    }
}

#[test]
fn another_chain_head_than_the_entries_lead_to_is_found() {
    let mut block = common::block_of(&common::entries());
    block[54] ^= 1; // inside the head after
    with_checksum(&mut block);
    let view = BlockView::decode(&block).expect("its checksum is right");
    assert!(view.check_chain().is_err());
}

fn with_checksum(bytes: &mut Vec<u8>) {
    bytes.truncate(bytes.len().saturating_sub(4));
    let checksum = crc32fast::hash(bytes);
    bytes.extend(checksum.to_be_bytes());
}

fn read_as_everything(bytes: &[u8]) {
    let _ = Genesis::decode(bytes);
    let _ = payment::decode(bytes);
    let _ = CycleRecord::decode(bytes);
    let _ = StateRecord::decode(bytes);
    let _ = HistoryRow::decode(common::position(), Sequence(u64::MAX), bytes);
    let _ = Mark::decode(bytes);
    let _ = EventIdRecord::decode(bytes);
    let _ = Filter::decode(Salt::Run, bytes);
    if let Ok(block) = BlockView::decode(bytes) {
        block.entries().for_each(|entry| drop(entry.map(|(_, entry)| entry.head())));
        let _ = block.check_chain();
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(mut bytes: Vec<u8>, version in 0_u8..3) {
        read_as_everything(&bytes);
        if let Some(first) = bytes.first_mut() {
            *first = version;
        }
        read_as_everything(&bytes);
    }

    #[test]
    fn damaged_records_with_a_right_checksum_never_panic(
        which in 0_usize..9,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
        is_cut: bool,
    ) {
        let mut bytes = match which {
            0 => common::genesis().encode(),
            1 => payment::encode(&common::full_payment()),
            2 => common::cycle(1, domain::cycle::CycleState::Open).encode(),
            3 => common::state().encode(),
            4 => common::history_row().encode(),
            5 => common::mark().encode(),
            6 => Filter::new(Salt::Run, 64).encode(),
            7 => common::block_of(&[common::entry(b"\x01\x02\x03\x04")]),
            _ => common::block_of(&common::entries()),
        };
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if is_cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        read_as_everything(&bytes);
        with_checksum(&mut bytes);
        read_as_everything(&bytes);
    }

    #[test]
    fn entries_are_read_back_as_pushed(
        parts in prop::collection::vec((0_u16..4, any::<i64>(), any::<i64>(), any::<u16>(), any::<u32>(), any::<bool>(), prop::collection::vec(any::<u8>(), 0..80)), 1..40),
    ) {
        use store::entry::{AnswerCode, Content, Entry, EntryKind};
        let entries: Vec<Entry<'_>> = parts
            .iter()
            .map(|(source, offset, micros, answer, rulebook, is_duplicate, raw)| Entry {
                source: if *source == 3 { Entry::NO_SOURCE } else { *source },
                offset: *offset,
                arrived_at: domain::time::Timestamp::from_micros(*micros),
                kind: EntryKind::Quarantined,
                answer: AnswerCode(*answer),
                rulebook: *rulebook,
                duplicate_of: is_duplicate.then_some(Sequence(3)),
                principal: if *is_duplicate { "wang" } else { "" },
                idempotency_key: "",
                key: if *is_duplicate { raw } else { &[] },
                content: if *is_duplicate { Content::Digest([9; 32]) } else { Content::Raw(raw) },
            })
            .collect();
        let block = common::block_of(&entries);
        let view = BlockView::decode(&block).expect("a block");
        let read: Result<Vec<Entry<'_>>, _> = view.entries().map(|entry| entry.map(|(_, entry)| entry)).collect();
        prop_assert_eq!(read, Ok(entries));
    }
}

/// A state whose register is `register`, byte for byte.
fn state_with(register: &[u8]) -> Vec<u8> {
    let mut state = StateRecord { register: Register::default(), ..common::state() }.encode();
    // An empty register is four lengths of nothing.
    state.truncate(state.len() - 4);
    [state.as_slice(), register].concat()
}

fn register() -> Vec<u8> {
    let before = state_with(&[]).len();
    common::state().encode().split_off(before)
}

proptest! {
    #[test]
    fn a_damaged_or_invented_register_never_panics(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
        invented: Vec<u8>,
    ) {
        let mut bytes = register();
        prop_assert!(StateRecord::decode(&state_with(&bytes)).is_ok());
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let _ = StateRecord::decode(&state_with(&bytes));
        bytes.truncate(cut.index(bytes.len()));
        prop_assert!(StateRecord::decode(&state_with(&bytes)).is_err());
        bytes.extend(invented.as_slice());
        let _ = StateRecord::decode(&state_with(&bytes));
        let _ = StateRecord::decode(&state_with(&invented));
    }
}

#[test]
fn a_length_that_lies_in_the_register_allocates_nothing() {
    let most = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    // Settlements, files, breaks, matched legs; then the lines of a settlement and the name of a file.
    for before in [&b""[..], &[0], &[0, 0], &[0, 0, 0], b"\x01CNY\x01", &[&[0, 1, 0, 0], [7; 32].as_slice()].concat()] {
        let error = StateRecord::decode(&state_with(&[before, &most].concat())).expect_err("nothing is that long");
        assert_eq!(error.reason, store::error::FormatReason::EndsEarly, "after {before:?}");
    }
}

#[test]
fn a_length_that_lies_allocates_nothing() {
    // A state that claims 2^60 rulebooks, accounts of a cycle, and a block of 4 GiB: all end at the end of the bytes.
    let huge = [1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f];
    assert!(StateRecord::decode(&huge).is_err());
    assert!(Genesis::decode(&huge).is_err());
    let mut block = common::block_of(&common::entries());
    let lengths = 86 + 2 + 3 * 8;
    block[lengths..lengths + 4].copy_from_slice(&u32::MAX.to_be_bytes());
    with_checksum(&mut block);
    let error = BlockView::decode(&block).expect_err("no payload is that long");
    assert_eq!(error.reason, store::error::FormatReason::Range("payload length"));
}
