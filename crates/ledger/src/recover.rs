//! Opening after a stop, clean or not. The state of the last flushed run is read, and the blocks behind it are replayed by
//! the very code that wrote them: every answer and every hash must come out as it is in the log, or this program must not
//! serve it.

use std::sync::Arc;

use domain::book::Book;
use domain::directive::Codec;
use domain::ids::Sequence;
use domain::rejection::{Quarantine, RejectionCode};
use domain::rulebook::Rulebook;
use domain::state::State;
use domain::time::Timestamp;
use faults::{Mutant, Point};
use store::Store;
use store::block::BlockView;
use store::entry::{AnswerCode, Content, Entry, EntryKind};
use store::mark::Mark;
use store::state::StateRecord;

use crate::error::Error;
use crate::flush::{cycle, flush};
use crate::input::Input;
use crate::sealed::SealedRun;
use crate::shard::{Applied, Shard};
use crate::shared::Shared;
use crate::snapshot::Snapshot;

/// Opens the ledger in `store`; `rulebook` is the text of the first rulebook, for a log that is empty.
pub(crate) fn open(
    store: Arc<dyn Store>,
    codec: Box<dyn Codec>,
    rulebook: &[u8],
    now: Timestamp,
    run_entries: u64,
) -> Result<(Shard, Shared), Error> {
    let (begin, rulebooks, run) = match (store.mark(), store.state().map_err(Error::Store)?) {
        (Some(mark), Some(record)) => at_mark(store.as_ref(), codec.as_ref(), &mark, record)?,
        _ => at_genesis(store.as_ref(), codec.as_ref(), rulebook)?,
    };
    let from = Sequence(begin.sequence.0 + 1);
    let shared = Shared::new(Arc::clone(&store), begin.clone(), run);
    let mut shard = Shard::new(Arc::clone(&store), codec.into(), begin, rulebooks, run);
    if store.tip().sequence == Sequence(0) {
        shard.log_rulebook(now)?;
        let block = shard.seal(now, run_entries).expect("the first rulebook is an entry");
        let run = shared.commit(block, &mut Vec::new())?;
        flush_if_any(&mut shard, &shared, run)?;
        return Ok((shard, shared));
    }
    for block in store.blocks(from) {
        let block = block.map_err(Error::Store)?;
        if block.head().last() == store.tip().sequence && faults::has(Mutant::TailNotReplayed) {
            break;
        }
        replay(&mut shard, &shared, &block, run_entries)?;
        faults::pass(Point::BlockRecovered);
    }
    faults::pass(Point::LedgerRecovered);
    Ok((shard, shared))
}

type Begin = (Snapshot, Vec<Vec<u8>>, u32);

/// An empty log under its first rulebook: the one of its first entry, or the one given when it has none yet.
fn at_genesis(store: &dyn Store, codec: &dyn Codec, given: &[u8]) -> Result<Begin, Error> {
    let first = store.block(Sequence(1)).map_err(Error::Store)?;
    let text = match first.as_ref().and_then(|block| block.entries().next()) {
        Some(entry) => entry.map_err(Error::Format)?.1.content.raw().unwrap_or_default().to_vec(),
        None => given.to_vec(),
    };
    let state = State::new(read(codec, &text)?).map_err(|error| Error::Rulebook(error.to_string()))?;
    let positions = vec![0; store.genesis().sources.len()];
    let head = store.genesis().chain_head();
    let recorded_at = Timestamp::from_micros(i64::MIN);
    Ok((Snapshot { sequence: Sequence(0), head, recorded_at, positions, state }, vec![text], 0))
}

fn at_mark(store: &dyn Store, codec: &dyn Codec, mark: &Mark, record: StateRecord) -> Result<Begin, Error> {
    let versions = record.rulebooks.iter().map(|text| read(codec, text)).collect::<Result<Vec<_>, _>>()?;
    let cycles = record.cycles.into_iter().map(cycle);
    let state = State::restore(versions, Book::restore(record.accounts), cycles, record.register);
    let state = state.map_err(|error| Error::Rulebook(error.to_string()))?;
    let block = store.block(mark.through).map_err(Error::Store)?.ok_or(Error::ChainBroken { block: mark.through })?;
    let positions = block.head().positions.clone();
    let snapshot =
        Snapshot { sequence: mark.through, head: mark.head, recorded_at: mark.recorded_at, positions, state };
    Ok((snapshot, record.rulebooks, mark.run))
}

fn read(codec: &dyn Codec, text: &[u8]) -> Result<Rulebook, Error> {
    codec.rulebook(text).map_err(Error::Rulebook)
}

/// Applies a block of the log again and compares.
fn replay(shard: &mut Shard, shared: &Shared, block: &BlockView<'_>, run_entries: u64) -> Result<(), Error> {
    let broken = || Error::ChainBroken { block: block.head().first };
    if block.head().head_before != shard.head() {
        return Err(broken());
    }
    for entry in block.entries() {
        replay_entry(shard, &entry.map_err(Error::Format)?.1)?;
    }
    if block.head().head_after != shard.head() {
        return Err(broken());
    }
    let sealed = shard.seal(block.head().recorded_at, run_entries).expect("a block has entries");
    let run = shared.show(sealed);
    flush_if_any(shard, shared, run)
}

/// While the ledger is opened, the run that a block completes is flushed at once.
pub(crate) fn flush_if_any(shard: &mut Shard, shared: &Shared, run: Option<SealedRun>) -> Result<(), Error> {
    if let Some(run) = run {
        flush(shared, &run)?;
        shard.forget_flushed(run.number);
    }
    Ok(())
}

fn replay_entry(shard: &mut Shard, entry: &Entry<'_>) -> Result<(), Error> {
    let raw = match entry.content {
        Content::Raw(raw) if entry.kind == EntryKind::Internal => return shard.log_internal(entry, raw),
        // What an older version could not carry out has changed nothing then and changes nothing now.
        Content::Raw(_) if entry.answer == RejectionCode::CommandNotSupported.into() => {
            return shard.log_unsupported(entry);
        }
        Content::Raw(raw) => raw,
        Content::Digest(_) => return shard.log_again(entry),
    };
    let key = if entry.answer == Quarantine::KeyMismatch.into() { Some(entry.key) } else { None };
    let (source, offset, arrived_at) = (entry.source, entry.offset, entry.arrived_at);
    let (sequence, derived) =
        match shard.apply_with_key(&Input { source, offset, arrived_at, key: entry.key, raw }, key)? {
            Applied::Entry(sequence, derived) => (sequence, derived),
            Applied::Skipped => (shard.sequence(), AnswerCode(0)),
        };
    if derived == entry.answer { Ok(()) } else { Err(Error::Diverged { sequence, recorded: entry.answer, derived }) }
}
