//! What the natural mix draws from its own past.

use std::collections::HashMap;

use simulator::mix::{Mix, Sending, Stream};
use wire::event::v1::Kind;

use crate::{each, event_of};

#[test]
fn a_re_send_has_the_bytes_of_its_first_time_and_an_altered_one_another_amount() {
    let mut sent_before: HashMap<(u16, Vec<u8>), Vec<u8>> = HashMap::new();
    let (mut again, mut altered) = (0, 0);
    each(Stream::new(Mix::Natural, 400_000, 21), |sent| {
        let event = event_of(sent);
        let id = (sent.record.source, event.event_id.to_vec());
        let value = sent.record.value;
        match sent.sending {
            Sending::First => assert_eq!(sent_before.insert(id, value.to_vec()), None),
            Sending::Again => {
                assert_eq!(sent_before.get(&id).map(Vec::as_slice), Some(value));
                again += 1;
            }
            Sending::Altered => {
                let first = sent_before.get(&id).expect("sent before");
                let first = wire::event::decode(first).unwrap();
                assert!(event.amount_minor > first.amount_minor);
                assert_eq!((first.payment_id, first.network_sequence), (event.payment_id, event.network_sequence));
                altered += 1;
            }
        }
    });
    assert!(again > 2_000 && altered > 300, "{again}, {altered}");
}

/// Places are counted in events; the share of each tenth of the past among what was drawn, in per mille.
fn tenths(drawn: &[(u64, u64)]) -> [u64; 10] {
    let mut counts = [0_u64; 10];
    for (target, place) in drawn {
        counts[usize::try_from(target * 10 / place).expect("a tenth")] += 1;
    }
    counts.map(|count| count * 1_000 / drawn.len() as u64)
}

#[test]
fn refunds_and_re_sends_are_drawn_evenly_over_the_whole_past() {
    const EVENTS: u64 = 2_000_000;
    let mut first_seen: HashMap<Vec<u8>, u64> = HashMap::new();
    let (mut refunded, mut resent, mut place) = (Vec::new(), Vec::new(), 0);
    each(Stream::new(Mix::Natural, EVENTS, 22), |sent| {
        let event = event_of(sent);
        let is_late_enough = place > EVENTS / 10;
        if sent.sending != Sending::First {
            if is_late_enough {
                resent.push((first_seen[event.event_id], place));
            }
        } else {
            first_seen.insert(event.event_id.to_vec(), place);
            if sent.kind == Kind::Refunded && is_late_enough {
                refunded.push((first_seen[event.original_event_id], place));
            }
        }
        place += 1;
    });
    let (refunded, resent) = (tenths(&refunded), tenths(&resent));
    println!("refunds by tenth of the past, oldest first: {refunded:?}\nre-sends: {resent:?}");
    for (shares, even) in [(refunded, &refunded[..7]), (resent, &resent[..9])] {
        let mean = even.iter().sum::<u64>() / even.len() as u64;
        assert!(mean > 50, "{shares:?}");
        assert!(even.iter().all(|share| share.abs_diff(mean) <= mean / 5), "{shares:?}");
    }
}

#[test]
fn refunds_follow_captures_and_exceed_them_only_where_they_are_meant_to() {
    let mut captured: HashMap<Vec<u8>, (Vec<u8>, i64)> = HashMap::new();
    let mut refunded: HashMap<(Vec<u8>, u16), i64> = HashMap::new();
    let (mut whole, mut parts, mut too_much) = (0, 0, 0);
    each(Stream::new(Mix::Natural, 1_500_000, 23), |sent| {
        let event = event_of(sent);
        if sent.sending != Sending::First {
            return;
        }
        if sent.kind == Kind::Captured {
            captured.insert(event.event_id.to_vec(), (event.payment_id.to_vec(), event.amount_minor));
        } else if sent.kind == Kind::Refunded {
            let (payment, minor) = &captured[event.original_event_id];
            assert_eq!(payment, event.payment_id);
            let total = refunded.entry((payment.clone(), sent.record.source)).or_default();
            *total += event.amount_minor;
            assert_eq!(*total > *minor, sent.refusal.is_some());
            let count = if sent.refusal.is_some() {
                &mut too_much
            } else if event.amount_minor == *minor {
                &mut whole
            } else {
                &mut parts
            };
            *count += 1;
        }
    });
    assert!(whole > 15_000 && parts > 15_000 && too_much > 500, "{whole}, {parts}, {too_much}");
}
