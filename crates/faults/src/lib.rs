//! Points at which a process can be made to die, so that a test can have it dead exactly there, and bugs that it can be
//! made to have, so that a test can show that it would notice.
//!
//! In a build with the feature `armed`, `HUTONG_FAILPOINT=block.durable:3` ends the process without a farewell when it
//! passes that point for the third time, and `HUTONG_UNSYNCED=1` leaves out what makes writes safe from a power cut: the
//! control run in which a test of power cuts has to find losses. In every other build a point is nothing, and nobody reads
//! these variables.
//!
//! In a build with the feature `mutants`, `HUTONG_MUTANT=posting-twice` makes it wrong in one way: see [`Mutant`].
//!
//! Absent on purpose: anything else that could go wrong. A fault that needs no help from inside, such as a full disk, is
//! made outside.

#[cfg(feature = "armed")]
mod armed;
mod mutant;

pub use mutant::Mutant;

/// A place between two steps of which the first has happened and the second has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// The database has been opened, and nothing of a ledger has been looked for in it.
    TablesOpened,
    /// A block of the log has been applied again.
    BlockRecovered,
    /// The ledger stands where its log ends, and nobody reads or serves yet.
    LedgerRecovered,
    /// A record has come from its topic and has not been applied.
    RecordPolled,
    /// A record has been applied and belongs to an open block.
    RecordApplied,
    /// A block has been sealed and encoded and not written.
    BlockSealed,
    /// A block has been written and not synced.
    BlockWritten,
    /// A block is durable, and the high-water mark stands before it.
    BlockSynced,
    /// The high-water mark has been written and not synced.
    HighWaterWritten,
    /// A block and its high-water mark are durable, and nobody sees the block.
    BlockDurable,
    /// A block is visible.
    BlockVisible,
    /// A run has been sealed and handed over, and nothing of it is in the store.
    RunSealed,
    /// A file of a run has been written and is not part of the database. A run has four.
    RunFileWritten,
    /// A file of a run is part of the database.
    RunFileIngested,
    /// All files of a run are in, its mark with them, and memory still holds it.
    RunMarked,
    /// A run is in the store only.
    RunForgotten,
    /// A call has become a command that is not on its topic.
    CommandMade,
    /// A command is on its topic, and who gave it waits.
    CommandPut,
    /// The outcome of a command is known, and who gave it has not been told.
    CommandAnswered,
    /// A refusal has been handed to the client for its topic.
    RefusalSent,
    /// Refusals are on their topic, and that is not noted.
    RefusalArrived,
    /// An instruction has been handed to the client for the bank's topic.
    InstructionSent,
    /// Instructions are on the bank's topic, and that is not noted.
    InstructionArrived,
    /// An answer of the bank has been read.
    AnswerRead,
    /// An answer of the bank is a command on the control topic.
    AnswerTold,
}

impl Point {
    /// Every point.
    pub const ALL: [Self; 25] = [
        Self::TablesOpened,
        Self::BlockRecovered,
        Self::LedgerRecovered,
        Self::RecordPolled,
        Self::RecordApplied,
        Self::BlockSealed,
        Self::BlockWritten,
        Self::BlockSynced,
        Self::HighWaterWritten,
        Self::BlockDurable,
        Self::BlockVisible,
        Self::RunSealed,
        Self::RunFileWritten,
        Self::RunFileIngested,
        Self::RunMarked,
        Self::RunForgotten,
        Self::CommandMade,
        Self::CommandPut,
        Self::CommandAnswered,
        Self::RefusalSent,
        Self::RefusalArrived,
        Self::InstructionSent,
        Self::InstructionArrived,
        Self::AnswerRead,
        Self::AnswerTold,
    ];

    /// Its name in `HUTONG_FAILPOINT`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TablesOpened => "tables.opened",
            Self::BlockRecovered => "block.recovered",
            Self::LedgerRecovered => "ledger.recovered",
            Self::RecordPolled => "record.polled",
            Self::RecordApplied => "record.applied",
            Self::BlockSealed => "block.sealed",
            Self::BlockWritten => "block.written",
            Self::BlockSynced => "block.synced",
            Self::HighWaterWritten => "high_water.written",
            Self::BlockDurable => "block.durable",
            Self::BlockVisible => "block.visible",
            Self::RunSealed => "run.sealed",
            Self::RunFileWritten => "run.file_written",
            Self::RunFileIngested => "run.file_ingested",
            Self::RunMarked => "run.marked",
            Self::RunForgotten => "run.forgotten",
            Self::CommandMade => "command.made",
            Self::CommandPut => "command.put",
            Self::CommandAnswered => "command.answered",
            Self::RefusalSent => "refusal.sent",
            Self::RefusalArrived => "refusal.arrived",
            Self::InstructionSent => "instruction.sent",
            Self::InstructionArrived => "instruction.arrived",
            Self::AnswerRead => "answer.read",
            Self::AnswerTold => "answer.told",
        }
    }
}

/// Whether this build has points.
pub const ARMED: bool = cfg!(feature = "armed");

/// Whether this build has bugs to choose from.
pub const MUTABLE: bool = cfg!(feature = "mutants");

/// Passes a point. In an armed build it may be the end of the process.
#[cfg(feature = "armed")]
pub fn pass(point: Point) {
    armed::pass(point);
}

/// Whether a write is to be synced: always, but in an armed build that was told otherwise.
#[cfg(feature = "armed")]
#[must_use]
pub fn syncs() -> bool {
    armed::syncs()
}

/// Passes a point. In an armed build it may be the end of the process.
#[cfg(not(feature = "armed"))]
#[inline]
pub const fn pass(_: Point) {}

/// Whether a write is to be synced: always, but in an armed build that was told otherwise.
#[cfg(not(feature = "armed"))]
#[inline]
#[must_use]
pub const fn syncs() -> bool {
    true
}

/// Whether this process has this bug. Nobody has one but a build that was made for it.
#[cfg(feature = "mutants")]
#[must_use]
pub fn has(mutant: Mutant) -> bool {
    static CHOSEN: std::sync::OnceLock<Option<Mutant>> = std::sync::OnceLock::new();
    let chosen = CHOSEN.get_or_init(|| {
        let name = std::env::var("HUTONG_MUTANT").ok()?;
        let found = Mutant::ALL.into_iter().find(|mutant| mutant.name() == name);
        assert!(found.is_some(), "HUTONG_MUTANT={name} is no mutant");
        found
    });
    *chosen == Some(mutant)
}

/// Whether this process has this bug. Nobody has one but a build that was made for it.
#[cfg(not(feature = "mutants"))]
#[inline]
#[must_use]
pub const fn has(_: Mutant) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_point_has_a_name_of_its_own() {
        let names: BTreeSet<_> = Point::ALL.iter().map(|point| point.name()).collect();
        assert_eq!(names.len(), Point::ALL.len());
    }

    #[test]
    fn every_mutant_has_a_name_of_its_own() {
        let names: BTreeSet<_> = Mutant::ALL.iter().map(|mutant| mutant.name()).collect();
        assert_eq!(names.len(), Mutant::ALL.len());
    }
}
