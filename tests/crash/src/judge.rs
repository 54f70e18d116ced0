//! The last word: what the directory holds in the end, read without the service, against everything that is known outside.

use std::collections::BTreeMap;
use std::path::Path;

use audit::Verified;
use domain::ids::Sequence;
use domain::time::Timestamp;
use e2e::{Record, Replay, TOPICS, codec, hutong, open, refused, rejections, told};
use simulator::day::{Day, Truth};
use store::Store;
use store::entry::{AnswerCode, EntryKind};

use crate::clerk::Answer;
use crate::rig::Rig;

/// # Panics
/// When anything was lost, doubled or altered.
pub(crate) fn judge(rig: &Rig) -> Verified {
    let store = open(&rig.data);
    let verified = verify(&store, &rig.data);
    assert_eq!((&verified.finding, verified.entries), (&None, rig.witness.last()));
    chain_is(&store, &rig.witness.heads());
    answers_are(&store, &rig.witness.clerk.answers());
    let sent = rejections(&rig.address);
    assert_eq!(told(sent.iter().map(|(_, rejection)| rejection)), refused(&rig.data), "refusals on their topic");
    let day = Day::new(rig.day).expect("it was published");
    assert_eq!(undisturbed(&day, &store).day, verified.day, "a day that nobody disturbed comes to something else");
    is_the_truth(&day.truth(), &verified);
    verified
}

fn verify(store: &dyn Store, data: &Path) -> Verified {
    let verified = audit::verify(store, &codec(), |_| {}).expect("readable");
    let told = hutong(&["verify", "-o", "json", "--data-dir", data.to_str().expect("paths of tests are text")]);
    let said = String::from_utf8_lossy(&told.stdout);
    assert_eq!(told.status.code(), Some(0), "{told:?}");
    let digest = crate::hex(&verified.day.digest);
    assert!(said.contains(r#""verdict":"proven""#) && said.contains(&digest), "{said}");
    verified
}

/// Every entry that a client ever saw is in the log as it was then.
fn chain_is(store: &dyn Store, heads: &[[u8; 32]]) {
    let mut seen = heads.iter();
    for block in store.blocks(Sequence(1)) {
        let block = block.expect("a block");
        let mut head = block.head().head_before;
        for entry in block.entries() {
            let (at, entry) = entry.expect("readable");
            head = store::chain::next(&head, at.0, &entry.head());
            assert_eq!(seen.next(), Some(&head), "ALTERED: entry {at} is not the one that was acknowledged");
        }
    }
    assert_eq!(seen.next(), None, "LOST: acknowledged entries behind the end of the log");
}

/// Every command that was answered has one entry of its own, with that answer.
fn answers_are(store: &dyn Store, answers: &BTreeMap<String, Answer>) {
    let mut logged: BTreeMap<String, (u64, AnswerCode)> = BTreeMap::new();
    for block in store.blocks(Sequence(1)) {
        for entry in block.expect("a block").entries() {
            let (at, entry) = entry.expect("readable");
            if entry.kind == EntryKind::Command && entry.duplicate_of.is_none() && entry.principal == api_principal() {
                let before = logged.insert(entry.idempotency_key.to_owned(), (at.0, entry.answer));
                assert_eq!(before, None, "DOUBLED: command {}", entry.idempotency_key);
            }
        }
    }
    for (key, answer) in answers {
        let (sequence, code) = logged.get(key).unwrap_or_else(|| panic!("LOST: command {key} was answered"));
        let logged = code.rejection().map_or(Ok(*sequence), |code| Err(code.name().to_owned()));
        assert_eq!(&logged, answer, "ALTERED: the answer to command {key}");
    }
}

/// In whose name the service puts the commands of calls.
const fn api_principal() -> &'static str {
    "anonymous@loopback"
}

/// The same day without a broker, and without anybody who dies.
fn undisturbed(day: &Day, store: &dyn Store) -> Verified {
    let mut offsets = [0; TOPICS.len()];
    let records = day.batches().flat_map(|batch| batch.records).map(|record| {
        let source = TOPICS.iter().position(|topic| *topic == record.topic).expect("a topic of the shard");
        let offset = offsets[source];
        offsets[source] += 1;
        let arrived_at = Timestamp::from_micros(record.recorded_at_micros);
        let source = u16::try_from(source).expect("a place in the list");
        Record { source, offset, arrived_at, key: record.key, value: record.value }
    });
    let (_, store) = Replay::of(store).run(records.collect());
    audit::verify(store.as_ref(), &codec(), |_| {}).expect("readable")
}

/// What the plan of the day says without asking any rule.
fn is_the_truth(truth: &Truth, verified: &Verified) {
    let day = &verified.day;
    let named = |counts: &BTreeMap<&str, u64>| {
        counts.iter().map(|(code, count)| ((*code).to_owned(), *count)).collect::<BTreeMap<_, _>>()
    };
    assert_eq!((&named(&day.rejected), &named(&day.quarantined)), (&truth.rejected, &truth.quarantined));
    let nets = &day.nets[&("CNY".to_owned(), 1)];
    assert_eq!(nets.values().sum::<i128>(), 0, "CONSERVATION: the nets of the cycle");
    for (party, minor) in &truth.nets {
        assert_eq!(nets.get(party).copied().unwrap_or_default(), i128::from(*minor), "the net of {party}");
    }
}
