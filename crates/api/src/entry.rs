//! Entries of the log in the words of the contracts. What an entry booked is read from the history of its block, once for
//! all entries of it. A record that came again has no decision of its own: its first one is shown, and nothing was booked
//! for it a second time.

use domain::cycle::CycleId;
use domain::ids::Sequence;
use domain::rulebook::Rulebook;
use ledger::{AnswerCode, Direction, EntryKind, Handle, LoggedEntry, LoggedPosting};
use wire::audit::v1::LedgerEntry;
use wire::audit::v1::ledger_entry::Content;
use wire::control::v1::{ControlCommand, LoadRulebook, control_command};
use wire::event::v1::{self as event, Decision, Journal, Outcome, QuarantinedRecord, SourcePosition};
use wire::names::{self, StableCode};
use wire::{control, message};

/// As the contract of a quarantined record says, in bytes.
const VALUE_SHOWN_MAX: usize = 512 << 10;
const KEY_SHOWN_MAX: usize = 1 << 10;

/// Tells entries, in the order of the log.
#[derive(Default)]
pub(crate) struct Teller {
    block: Option<(Sequence, Vec<LoggedPosting>)>,
}

impl Teller {
    /// An entry with its decision, and without what it booked.
    pub(crate) fn tell(&self, handle: &Handle, entry: &LoggedEntry) -> Result<LedgerEntry, ledger::Error> {
        let first = first(handle, entry)?;
        let judged = first.as_ref().unwrap_or(entry);
        Ok(LedgerEntry {
            sequence: entry.sequence.0,
            recorded_time: Some(names::timestamp(entry.recorded_at)),
            source: source(handle, entry),
            content: Some(content(handle, judged)),
            decision: Some(decision(judged)),
            content_digest: entry.digest.to_vec(),
            chain_hash: entry.head.to_vec(),
        })
    }

    /// What an entry booked, by rule: the postings of a rule are one journal.
    pub(crate) fn journals(
        &mut self,
        handle: &Handle,
        entry: &LoggedEntry,
        names: &Rulebook,
    ) -> Result<Vec<Journal>, ledger::Error> {
        let known = self.block.take().filter(|(block, _)| *block == entry.block);
        let (_, postings) = match known {
            Some(known) => self.block.insert(known),
            None => self.block.insert((entry.block, handle.postings(entry.block)?)),
        };
        let from = postings.partition_point(|logged| logged.posting.sequence < entry.sequence);
        let booked = postings[from..].iter().take_while(|logged| logged.posting.sequence == entry.sequence);
        let booked: Vec<&LoggedPosting> = booked.collect();
        let by_rule = booked.chunk_by(|a, b| a.posting.journal == b.posting.journal);
        Ok(by_rule.map(|postings| journal(postings, names)).collect())
    }
}

fn journal(postings: &[&LoggedPosting], rules: &Rulebook) -> Journal {
    let (posting, currency) = (postings[0].posting, postings[0].account.currency());
    Journal {
        rule: posting.journal.code().to_owned(),
        cycle: Some(CycleId { currency, number: posting.cycle }.into()),
        postings: postings.iter().map(|logged| one(logged, rules)).collect(),
    }
}

fn one(logged: &LoggedPosting, rules: &Rulebook) -> event::Posting {
    // A posting is one event's amount, which is checked to fit where it comes in.
    let minor = i64::try_from(logged.posting.minor).unwrap_or(i64::MAX);
    let (debit_minor, credit_minor) = match logged.posting.direction {
        Direction::Debit => (minor, 0),
        Direction::Credit => (0, minor),
    };
    event::Posting { account: names::account_name(logged.account, rules), debit_minor, credit_minor }
}

/// The entry whose record and decision a repeated one has.
pub(crate) fn first(handle: &Handle, entry: &LoggedEntry) -> Result<Option<LoggedEntry>, ledger::Error> {
    match entry.duplicate_of.filter(|_| entry.answer == AnswerCode::DUPLICATE) {
        Some(first) => Ok(handle.entries(first, 1)?.pop()),
        None => Ok(None),
    }
}

/// Where a record stood; `None` for the ledger's own entries.
pub(crate) fn source(handle: &Handle, entry: &LoggedEntry) -> Option<SourcePosition> {
    let genesis = handle.genesis();
    let topic = genesis.sources.get(usize::from(entry.source))?.topic.clone();
    // Partition n of every topic is shard n.
    let partition = i32::try_from(genesis.shard).unwrap_or(i32::MAX);
    Some(SourcePosition { topic, partition, offset: entry.offset })
}

/// The network whose topic a record came from.
pub(crate) fn topic_network<'h>(handle: &'h Handle, entry: &LoggedEntry) -> Option<&'h str> {
    handle.genesis().sources.get(usize::from(entry.source))?.topic.strip_prefix("payments.")
}

fn content(handle: &Handle, entry: &LoggedEntry) -> Content {
    let known = match entry.kind {
        EntryKind::Internal if entry.sequence == Sequence(1) => Some(Content::Command(first_rulebook(entry))),
        EntryKind::Internal => None,
        _ if topic_network(handle, entry).is_some() => payment_event(entry).map(Content::PaymentEvent),
        _ => control::decode(&entry.raw).ok().and_then(|_| message::command(&entry.raw)).map(Content::Command),
    };
    known.unwrap_or_else(|| Content::Undecodable(quarantined(entry)))
}

/// The event, read as strictly as the ledger reads it.
pub(crate) fn payment_event(entry: &LoggedEntry) -> Option<event::PaymentEvent> {
    wire::event::decode(&entry.raw).ok()?;
    message::payment_event(&entry.raw)
}

/// The rulebook that a log begins with came with the program: a command that nobody gave.
fn first_rulebook(entry: &LoggedEntry) -> ControlCommand {
    let load = control_command::Command::LoadRulebook(LoadRulebook { toml: entry.raw.clone() });
    ControlCommand { command: Some(load), ..ControlCommand::default() }
}

pub(crate) fn quarantined(entry: &LoggedEntry) -> QuarantinedRecord {
    let shown = |bytes: &[u8], max: usize| bytes[..bytes.len().min(max)].to_vec();
    QuarantinedRecord {
        key: shown(&entry.key, KEY_SHOWN_MAX),
        value: shown(&entry.raw, VALUE_SHOWN_MAX),
        value_length: entry.raw.len() as u64,
    }
}

/// The decision of a record that came for the first time, without journals and breaks.
pub(crate) fn decision(entry: &LoggedEntry) -> Decision {
    let code = code(entry.answer);
    let say = |said: fn(StableCode) -> &'static str| code.map(said).unwrap_or_default().to_owned();
    Decision {
        outcome: code.map_or(Outcome::Accepted, StableCode::outcome).into(),
        code: say(StableCode::name),
        message_en: say(StableCode::english),
        message_zh: say(StableCode::chinese),
        rulebook_version: entry.rulebook.to_string(),
        journals: Vec::new(),
        breaks: Vec::new(),
    }
}

fn code(answer: AnswerCode) -> Option<StableCode> {
    let rejected = || answer.rejection().map(StableCode::Rejected);
    let quarantined = || answer.quarantine().map(StableCode::Quarantined);
    let waiting = (answer == AnswerCode::WAITING_FOR_ORIGINAL).then_some(StableCode::WaitingForOriginal);
    waiting.or_else(rejected).or_else(quarantined)
}
