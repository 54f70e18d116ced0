//! Records that are no payment event, or none that anybody could judge: one for every reason that a record is quarantined
//! for.

use wire::event::v1::{CodeKind, Kind, PaymentEvent, ScanMode};
use wire::message::event_record;

use crate::networks::{NETWORKS, Produced, produced};
use crate::random::Random;

const DAY_MICROS: i64 = 86_400_000_000;

/// What is done to a sound event.
type Spoil = fn(&mut Random, usize, PaymentEvent) -> Produced;

const WAYS: [Spoil; 18] = [
    cut,
    noise,
    too_long,
    other_key,
    |_, topic, event| of_day(topic, event, -8, "garbage: too old"),
    |_, topic, event| of_day(topic, event, 1, "garbage: from the future"),
    |_, topic, event| with(topic, event, "garbage: no event id", |event| event.event_id.clear()),
    |_, topic, event| with(topic, event, "garbage: unknown kind", |event| event.kind = 99),
    |_, topic, event| {
        with(topic, event, "garbage: unknown network named", |event| event.payee_network = "nonet".into())
    },
    |_, topic, event| with(topic, event, "garbage: unknown currency", |event| event.currency_code = "XXX".into()),
    |random, topic, event| without_amount(topic, event, -random.between(0, 5)),
    other_topic,
    |_, topic, event| {
        with(topic, event, "garbage: one network", |event| event.payee_network = event.payer_network.clone())
    },
    |_, topic, event| with(topic, event, "garbage: event id of 15 bytes", |event| event.event_id.truncate(15)),
    |_, topic, event| {
        with(topic, event, "garbage: reference not ASCII", |event| event.network_reference = "流水".into())
    },
    other_code,
    |_, topic, event| with(topic, event, "garbage: date that is none", |event| event.business_date = 20_261_399),
    newer,
];

/// Makes of an event something that the ledger has to keep aside, or, of a newer contract, has to take.
pub(crate) fn spoil(random: &mut Random, topic: usize, event: PaymentEvent) -> Produced {
    let way = *random.pick(&WAYS);
    way(random, topic, event)
}

fn with(topic: usize, mut event: PaymentEvent, kind: &'static str, change: impl Fn(&mut PaymentEvent)) -> Produced {
    change(&mut event);
    produced(topic, &event, kind)
}

fn cut(random: &mut Random, topic: usize, event: PaymentEvent) -> Produced {
    let mut cut = produced(topic, &event, "garbage: cut off");
    cut.raw.truncate(cut.raw.len() - 1 - random.index(8));
    cut
}

fn noise(random: &mut Random, topic: usize, event: PaymentEvent) -> Produced {
    let raw = (0..random.index(6)).flat_map(|_| random.bytes()).collect();
    Produced { raw, kind: "garbage: noise", ..produced(topic, &event, "") }
}

fn too_long(random: &mut Random, topic: usize, mut event: PaymentEvent) -> Produced {
    event.merchant_id = "m".repeat(4_096 + random.index(64));
    produced(topic, &event, "garbage: too long")
}

fn other_key(random: &mut Random, topic: usize, event: PaymentEvent) -> Produced {
    let key = if random.one_in(2) { Vec::new() } else { random.bytes().to_vec() };
    Produced { key, ..produced(topic, &event, "garbage: key of another payment") }
}

fn of_day(topic: usize, event: PaymentEvent, days: i64, kind: &'static str) -> Produced {
    with(topic, event, kind, |event| event.occurred_at_micros += days * DAY_MICROS)
}

fn without_amount(topic: usize, event: PaymentEvent, minor: i64) -> Produced {
    with(topic, event, "garbage: no amount", |event| {
        event.kind = Kind::Captured.into();
        event.movement_id.clear();
        event.refund_reference.clear();
        event.amount_minor = minor;
    })
}

fn other_topic(_: &mut Random, topic: usize, event: PaymentEvent) -> Produced {
    let other = 1 + topic % (NETWORKS.len() - 1);
    produced(other, &event, "garbage: on another network's topic")
}

/// Shows a code that is not of the network that would show it.
fn other_code(_: &mut Random, topic: usize, event: PaymentEvent) -> Produced {
    with(topic, event, "garbage: code of another network", |event| {
        event.scan_mode = ScanMode::PayerScans.into();
        event.code_kind =
            if event.payee_network == "tenpay" { CodeKind::AlipayReceive } else { CodeKind::TenpayPersonal }.into();
    })
}

/// A network that is ahead of us: a field that nobody here knows, behind what everybody knows.
fn newer(_: &mut Random, topic: usize, event: PaymentEvent) -> Produced {
    let mut raw = event_record(&event);
    raw.extend([0xFA, 0x3F, 0x03, b'n', b'e', b'w']);
    Produced { raw, ..produced(topic, &event, "event of a newer contract") }
}
