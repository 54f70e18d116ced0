//! What the log says about cycles and rulebooks: when each began and ended, and where a cycle stood at a past moment. The
//! newest state holds where everything stands now, not since when; that is read from the log when somebody asks for it, as
//! far as it is needed, and kept.
//!
//! Reading ends early: once everything is found that the newest state has, the rest of the log cannot hold more of it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use domain::book::Book;
use domain::clearing::Order;
use domain::command::Command;
use domain::cycle::{Cycle, CycleId, CycleState};
use domain::directive::Action;
use domain::ids::Sequence;
use domain::rulebook::{Rulebook, RulebookError};
use domain::state::{State, View as _};
use domain::time::Timestamp;
use ledger::{AnswerCode, EntryKind, Handle, LoggedEntry, Snapshot};
use wire::control;

use crate::reader::Moment;

/// Entries read at a time: some megabytes at most in ordinary traffic.
const ENTRIES_MAX: usize = 4_096;

/// The cycles' history as far as it was read. The lock is held while the log is read, so that nobody reads it twice.
#[derive(Default)]
pub(crate) struct History(Mutex<Known>);

#[derive(Default)]
struct Known {
    read_through: Sequence,
    /// Version 1 first.
    rulebooks: Vec<Turn>,
    /// By cycle, in order.
    steps: BTreeMap<CycleId, Vec<(Step, Turn)>>,
}

/// What the log says about a cycle and the newest state does not: proposals, approvals and finality are in the register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Closed,
    Started,
    Refused,
}

/// An entry at which something began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(crate) sequence: Sequence,
    pub(crate) recorded_at: Timestamp,
    /// The version then current.
    pub(crate) rulebook: u32,
}

/// A cycle as it stood at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CycleAt {
    pub(crate) id: CycleId,
    pub(crate) state: CycleState,
    pub(crate) opened: Turn,
    pub(crate) closed: Option<Turn>,
}

impl History {
    /// Reads on until everything about cycles up to `moment` is known.
    pub(crate) fn read_through(&self, handle: &Handle, moment: &Moment) -> Result<(), ledger::Error> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while !known.is_complete(&moment.newest) && known.read_through < moment.newest.sequence {
            let from = Sequence(known.read_through.0 + 1);
            let entries = handle.entries(from, ENTRIES_MAX)?;
            let Some(last) = entries.last().map(|entry| entry.sequence) else { break };
            for entry in &entries {
                known.note(entry, moment.names());
            }
            known.read_through = last;
        }
        Ok(())
    }

    /// Every cycle of every currency that was there at a moment, by currency, oldest first.
    pub(crate) fn cycles_at(&self, moment: &Moment) -> Vec<CycleAt> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &moment.newest.state;
        let cycles = state.rules().current().currencies.iter().flat_map(|rule| state.cycles(rule.currency));
        let mut cycles: Vec<CycleAt> = cycles.filter_map(|cycle| known.cycle_at(cycle, moment)).collect();
        cycles.sort_by_key(|cycle| cycle.id);
        cycles
    }

    /// Every closing up to a moment, in order, with the entry that brought it.
    pub(crate) fn closings(&self, moment: &Moment) -> Vec<(Sequence, CycleId)> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let closed = known.steps.keys().filter_map(|id| Some((known.closed(*id)?.sequence, *id)));
        let mut closed: Vec<_> = closed.filter(|(sequence, _)| *sequence <= moment.sequence).collect();
        closed.sort_unstable();
        closed
    }

    /// The state of the ledger at a moment, put together from `book` as it stood there. Of the cycle that was open, the
    /// flows are not known again and are left empty.
    pub(crate) fn state_at(&self, moment: &Moment, book: Book) -> Result<State, RulebookError> {
        let newest = &moment.newest.state;
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let loaded = known.rulebooks.iter().filter(|turn| turn.sequence <= moment.sequence).count().max(1);
        drop(known);
        let versions = (1..).take(loaded).filter_map(|number| newest.rules().version(number).cloned());
        let cycles = self.cycles_at(moment).into_iter().filter_map(|at| {
            let cycle = newest.cycle(at.id)?;
            let flows = if at.closed.is_some() { cycle.flows.clone() } else { Default::default() };
            Some(Cycle::restore(at.id, at.state, flows, 0, []))
        });
        State::restore(versions, book, cycles.collect::<Vec<_>>(), newest.register().clone())
    }
}

impl Known {
    fn note(&mut self, entry: &LoggedEntry, names: &Rulebook) {
        let turn = Turn { sequence: entry.sequence, recorded_at: entry.recorded_at, rulebook: entry.rulebook };
        let is_accepted = entry.answer == AnswerCode::ACCEPTED && entry.duplicate_of.is_none();
        match entry.kind {
            // Behind the first rulebook the ledger's own entries say that a topic was made anew.
            EntryKind::Internal if entry.sequence == Sequence(1) => self.rulebooks.push(turn),
            EntryKind::Command if is_accepted => self.note_command(&entry.raw, turn, names),
            _ => {}
        }
    }

    fn note_command(&mut self, raw: &[u8], turn: Turn, names: &Rulebook) {
        let asked = control::decode(raw).ok().and_then(|record| record.asked(names).ok());
        let (cycle, step) = match asked.map(|asked| asked.action) {
            Some(Action::LoadRulebook(_)) => return self.rulebooks.push(turn),
            Some(Action::Command(Command::CutOver { cycle, .. })) => (cycle, Step::Closed),
            Some(Action::Order(Order::Start(cycle))) => (cycle, Step::Started),
            Some(Action::Order(Order::Reject { cycle, .. })) => (cycle, Step::Refused),
            _ => return,
        };
        self.steps.entry(cycle).or_default().push((step, turn));
    }

    /// Whether nothing more is to be found up to this state. A cycle between SETTLING and PENDING may have gone there more
    /// than once.
    fn is_complete(&self, newest: &Snapshot) -> bool {
        let rules = newest.state.rules();
        let found = self.rulebooks.last().is_some_and(|turn| turn.rulebook == rules.current().version);
        let mut cycles = rules.current().currencies.iter().flat_map(|rule| newest.state.cycles(rule.currency));
        found
            && cycles.all(|cycle| match cycle.state {
                CycleState::Open => true,
                CycleState::Closed | CycleState::Proposed | CycleState::Approved => self.closed(cycle.id).is_some(),
                CycleState::Settling | CycleState::Pending { .. } => false,
                CycleState::Settled => {
                    let settled = newest.state.register().settlement(cycle.id).and_then(|known| known.settled);
                    settled.is_some_and(|(sequence, _)| sequence <= self.read_through)
                }
            })
    }

    /// Where a cycle stood. Whether instructions went out at a start, or a debtor was short, is told by what came after it:
    /// a cycle that is started again was pending.
    fn state_at(&self, cycle: &Cycle, newest: &State, at: Sequence) -> CycleState {
        let settlement = newest.register().settlement(cycle.id);
        if settlement.and_then(|known| known.settled).is_some_and(|(sequence, _)| sequence <= at) {
            return CycleState::Settled;
        }
        let steps = self.steps.get(&cycle.id).map_or(&[][..], Vec::as_slice);
        let past = steps.partition_point(|(_, turn)| turn.sequence <= at);
        let pending = || match &cycle.state {
            CycleState::Pending { debtors } => CycleState::Pending { debtors: debtors.clone() },
            _ => CycleState::Pending { debtors: Vec::new() },
        };
        let is_pending_now = matches!(cycle.state, CycleState::Pending { .. });
        match (past.checked_sub(1).map(|last| steps[last].0), steps.get(past).map(|(step, _)| *step)) {
            (Some(Step::Refused), _) | (Some(Step::Started), Some(Step::Started)) => pending(),
            (Some(Step::Started), None) if is_pending_now => pending(),
            (Some(Step::Started), _) => CycleState::Settling,
            (None, _) => CycleState::Open,
            (Some(Step::Closed), _) => match settlement {
                Some(known) if known.approved.as_ref().is_some_and(|by| by.at <= at) => CycleState::Approved,
                Some(known) if known.proposed.at <= at => CycleState::Proposed,
                _ => CycleState::Closed,
            },
        }
    }

    fn closed(&self, id: CycleId) -> Option<Turn> {
        let mut steps = self.steps.get(&id)?.iter();
        steps.find(|(step, _)| *step == Step::Closed).map(|(_, turn)| *turn)
    }

    /// The first of a currency is opened by the rulebook that brings the currency, the others by the closing before.
    fn opened(&self, id: CycleId, newest: &State) -> Option<Turn> {
        if id.number > 1 {
            return self.closed(CycleId { number: id.number - 1, ..id });
        }
        let brings = |turn: &&Turn| {
            let version = newest.rules().version(turn.rulebook);
            version.is_some_and(|version| version.currency(id.currency).is_some())
        };
        self.rulebooks.iter().find(brings).copied()
    }

    fn cycle_at(&self, cycle: &Cycle, moment: &Moment) -> Option<CycleAt> {
        let id = cycle.id;
        let is_past = |turn: &Turn| turn.sequence <= moment.sequence;
        let opened = self.opened(id, &moment.newest.state).filter(is_past)?;
        let newest = &moment.newest.state;
        let state =
            if moment.is_newest() { cycle.state.clone() } else { self.state_at(cycle, newest, moment.sequence) };
        Some(CycleAt { id, state, opened, closed: self.closed(id).filter(is_past) })
    }
}
