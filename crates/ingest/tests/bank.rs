//! A settlement bank that loses, repeats and delays: in the end every instruction is answered once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ingest::bank::{BankRole, Outbox, keep_counter, read_answers, send_instructions, tell_ledger};
use ingest::{Error, KafkaSource, LocalBroker, Publisher, Start};
use ledger::Source;
use wire::bank::v1::{ConfirmationStatus, SettlementConfirmation, SettlementInstruction};

const CONTROL: &str = "hutong.control";
const PATIENCE: Duration = Duration::from_secs(20);
const INSTRUCTIONS: u64 = 24;

fn id(number: u64) -> String {
    format!("CNY-1-{number}")
}

/// What a ledger would know: instructions without a final answer.
#[derive(Clone, Default)]
struct Unanswered(Arc<Mutex<BTreeMap<String, SettlementInstruction>>>);

impl Outbox for Unanswered {
    fn due(&self) -> Vec<SettlementInstruction> {
        self.0.lock().expect("nobody panics with it").values().cloned().collect()
    }
}

/// By the instruction's number: prompt, twice, late, pending first, silent the first time, rejecting.
#[derive(Default)]
struct Moody {
    seen: BTreeMap<String, u64>,
}

impl BankRole for Moody {
    fn answer(&mut self, instruction: &SettlementInstruction) -> Vec<(Duration, SettlementConfirmation)> {
        let times = self.seen.entry(instruction.instruction_id.clone()).or_default();
        *times += 1;
        let number: u64 =
            instruction.instruction_id.rsplit('-').next().and_then(|text| text.parse().ok()).expect("ours");
        let answer = |status: ConfirmationStatus| SettlementConfirmation {
            instruction_id: instruction.instruction_id.clone(),
            epoch: instruction.epoch,
            status: status.into(),
            bank_reference: format!("B{number}"),
            reason: if status == ConfirmationStatus::Rejected { "AM04".to_owned() } else { String::new() },
            decided_at_micros: 1,
            ..SettlementConfirmation::default()
        };
        let (soon, late) = (Duration::ZERO, Duration::from_millis(700));
        let confirmed = answer(ConfirmationStatus::Confirmed);
        match (number % 6, *times) {
            (1, _) => vec![(soon, confirmed.clone()), (soon, confirmed)],
            (2, _) => vec![(late, confirmed)],
            (3, 1) => vec![(soon, answer(ConfirmationStatus::Pending)), (late, confirmed)],
            (4, 1) => Vec::new(),
            (5, _) => vec![(soon, answer(ConfirmationStatus::Rejected))],
            _ => vec![(soon, confirmed)],
        }
    }
}

/// Every command on the control topic: its idempotency key, and the whole record.
fn commands(brokers: &str) -> Vec<(String, Vec<u8>)> {
    let start = Start { topic: CONTROL.to_owned(), position: 0, anchor: None };
    let mut source = KafkaSource::open(brokers, vec![start], PATIENCE).expect("a topic");
    let mut commands = Vec::new();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(2) {
        let polled = source.poll(1_000, Duration::from_millis(100), &mut |input| {
            let record = wire::control::decode(input.raw).expect("a command");
            commands.push((record.envelope.idempotency_key, input.raw.to_vec()));
        });
        polled.expect("nothing is wrong");
    }
    commands
}

#[test]
fn whatever_the_bank_loses_repeats_or_delays_every_instruction_is_answered_once() {
    let broker = LocalBroker::start(&[CONTROL, ingest::bank::TOPIC]).expect("a broker");
    let brokers = broker.bootstrap();
    // Something that nobody can read is passed over by both sides.
    let publisher = Publisher::new(&brokers).expect("a client");
    publisher.send(ingest::bank::TOPIC, b"?", b"no record", None).expect("a queue with room");
    publisher.finish(PATIENCE).expect("a broker");

    let unanswered = Unanswered::default();
    let instruction =
        |number| SettlementInstruction { instruction_id: id(number), epoch: 1, ..SettlementInstruction::default() };
    unanswered
        .0
        .lock()
        .expect("nobody panics")
        .extend((0..INSTRUCTIONS).map(|number| (id(number), instruction(number))));
    let _bank = keep_counter(&brokers, Moody::default()).expect("a thread");
    let _outbox = send_instructions(&brokers, unanswered.clone(), Duration::from_millis(300)).expect("a thread");
    let mut tell = tell_ledger(&brokers, CONTROL).expect("a client");
    let (told, mut stumbles) = (unanswered.clone(), 2);
    let take = move |answer: &SettlementConfirmation| {
        if stumbles > 0 {
            stumbles -= 1;
            return Err(Error::Client("a reader that fails is given the answer again".to_owned()));
        }
        tell(answer)?;
        if answer.status() != ConfirmationStatus::Pending {
            told.0.lock().expect("nobody panics").remove(&answer.instruction_id);
        }
        Ok(())
    };
    let reader = read_answers(&brokers, take).expect("a thread");
    let begun = Instant::now();
    while !unanswered.due().is_empty() {
        assert!(begun.elapsed() < PATIENCE, "no answer to {:?}", unanswered.due());
        std::thread::sleep(Duration::from_millis(20));
    }
    drop(reader);

    let before: BTreeSet<_> = commands(&brokers).into_iter().collect();
    let keys: BTreeSet<_> = before.iter().map(|(key, _)| key).collect();
    // One key and one content each: what came twice is the same record.
    let instructions = usize::try_from(INSTRUCTIONS).expect("few");
    assert_eq!((before.len(), keys.len()), (instructions, instructions));

    // A reader that starts again tells the ledger nothing that it does not know.
    let _again = read_answers(&brokers, tell_ledger(&brokers, CONTROL).expect("a client")).expect("a thread");
    std::thread::sleep(Duration::from_secs(1));
    let after = commands(&brokers);
    assert!(after.len() > before.len(), "the answers were read again");
    assert_eq!(after.into_iter().collect::<BTreeSet<_>>(), before);
}
