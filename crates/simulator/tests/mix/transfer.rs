//! The transfer mix.

use std::collections::BTreeSet;

use simulator::mix::{Mix, Stream};
use wire::event::v1::{Kind, Side};

use crate::{digest, each, event_of};

#[test]
fn a_seed_gives_the_same_bytes_everywhere() {
    assert_eq!(digest(Stream::new(Mix::TRANSFER, 50_000, 1)), "911da15ad80dd590");
}

#[test]
fn every_event_is_a_sale_of_its_own_for_both_sides() {
    let mut payments = BTreeSet::new();
    let (mut offsets, mut bytes) = ([0; 3], 0);
    each(Stream::new(Mix::TRANSFER, 30_000, 2), |sent| {
        let event = event_of(sent);
        assert_eq!((event.kind, event.side), (Some(Kind::Captured), Some(Side::Both)));
        assert_eq!((event.payer_network, event.payee_network), ("unionpay", "tenpay"));
        assert_eq!(event.payment_id, sent.record.key);
        assert!(payments.insert(event.payment_id.to_vec()));
        let offset = &mut offsets[usize::from(sent.record.source)];
        assert_eq!(sent.record.offset, *offset);
        *offset += 1;
        assert_eq!(event.network_sequence.cast_signed(), *offset);
        assert!((0..3_600_000_000).contains(&(sent.record.timestamp - event.occurred_at_micros)));
        bytes += sent.record.value.len();
    });
    assert_eq!(offsets, [15_000, 15_000, 0]);
    assert!(bytes <= 200 * 30_000);
}

fn institutions(mix: Mix) -> (usize, usize) {
    let (mut payers, mut payees) = (BTreeSet::new(), BTreeSet::new());
    each(Stream::new(mix, 100_000, 3), |sent| {
        let event = event_of(sent);
        payers.insert(event.payer_institution.to_owned());
        payees.insert(event.payee_institution.to_owned());
    });
    assert!(payers.is_disjoint(&payees));
    (payers.len(), payees.len())
}

#[test]
fn sales_are_spread_over_the_institutions_or_meet_in_the_hot_ones() {
    let of = |institutions, hot| Mix::Transfer { institutions, hot };
    assert_eq!(institutions(Mix::TRANSFER), (5_000, 5_000));
    assert_eq!(institutions(of(10_000, Some(3))), (2, 1));
    assert_eq!(institutions(of(10, Some(20))), (5, 5));
    assert_eq!(institutions(of(0, None)), (1, 1));
}
