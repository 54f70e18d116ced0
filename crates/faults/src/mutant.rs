//! Deliberate bugs. A suite that passes with one of them does not prove what it claims to prove.

/// A bug. Each stands where the mistake would be made, behind a condition that is constant in a build without the feature
/// `mutants`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// A block is shown before it is durable.
    PublishedBeforeDurable,
    /// The high-water mark moves before its block is durable.
    AcknowledgedBeforeDurable,
    /// A write that failed is tried again.
    GoesOnAfterFailedWrite,
    /// The position of a source stays behind an entry.
    PositionNotKept,
    /// An id that the open run holds counts as new.
    DuplicateForgotten,
    /// An id that only the store holds counts as new.
    StoredIdOverlooked,
    /// A filter does not take some of the ids.
    FilterBitLost,
    /// Another content under the same id counts as the same.
    ConflictTakenForDuplicate,
    /// A record that cannot be read is passed over.
    QuarantineForgotten,
    /// Some links of the chain do not hold the head before them.
    ChainLinkSkipped,
    /// Some events are folded twice.
    PostingTwice,
    /// Some postings are not in the history.
    HistoryPostingDropped,
    /// A run does not say which payments wait.
    WaitingDropped,
    /// A run leaves a payment out.
    PaymentDropped,
    /// The mark of a run is in before its ids are.
    MarkBeforeIds,
    /// A run leaves the memory before the store has it.
    RunForgottenEarly,
    /// What was looked up ahead is believed although a run was sealed since.
    StaleLookupUsed,
    /// What was read ahead under other rules is believed.
    OldRulesUsed,
    /// The last block of the log is not replayed at open.
    TailNotReplayed,
    /// A block is recorded when the clock says, even if that was earlier.
    RecordedTimeGoesBack,
    /// Of two runs that hold something of an id the older one is believed.
    OlderRunBelieved,
    /// A closed cycle is not written with its run.
    CycleDropped,
}

impl Mutant {
    /// Every bug.
    pub const ALL: [Self; 22] = [
        Self::PublishedBeforeDurable,
        Self::AcknowledgedBeforeDurable,
        Self::GoesOnAfterFailedWrite,
        Self::PositionNotKept,
        Self::DuplicateForgotten,
        Self::StoredIdOverlooked,
        Self::FilterBitLost,
        Self::ConflictTakenForDuplicate,
        Self::QuarantineForgotten,
        Self::ChainLinkSkipped,
        Self::PostingTwice,
        Self::HistoryPostingDropped,
        Self::WaitingDropped,
        Self::PaymentDropped,
        Self::MarkBeforeIds,
        Self::RunForgottenEarly,
        Self::StaleLookupUsed,
        Self::OldRulesUsed,
        Self::TailNotReplayed,
        Self::RecordedTimeGoesBack,
        Self::OlderRunBelieved,
        Self::CycleDropped,
    ];

    /// Its name in `HUTONG_MUTANT`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PublishedBeforeDurable => "published-before-durable",
            Self::AcknowledgedBeforeDurable => "acknowledged-before-durable",
            Self::GoesOnAfterFailedWrite => "goes-on-after-failed-write",
            Self::PositionNotKept => "position-not-kept",
            Self::DuplicateForgotten => "duplicate-forgotten",
            Self::StoredIdOverlooked => "stored-id-overlooked",
            Self::FilterBitLost => "filter-bit-lost",
            Self::ConflictTakenForDuplicate => "conflict-taken-for-duplicate",
            Self::QuarantineForgotten => "quarantine-forgotten",
            Self::ChainLinkSkipped => "chain-link-skipped",
            Self::PostingTwice => "posting-twice",
            Self::HistoryPostingDropped => "history-posting-dropped",
            Self::WaitingDropped => "waiting-dropped",
            Self::PaymentDropped => "payment-dropped",
            Self::MarkBeforeIds => "mark-before-ids",
            Self::RunForgottenEarly => "run-forgotten-early",
            Self::StaleLookupUsed => "stale-lookup-used",
            Self::OldRulesUsed => "old-rules-used",
            Self::TailNotReplayed => "tail-not-replayed",
            Self::RecordedTimeGoesBack => "recorded-time-goes-back",
            Self::OlderRunBelieved => "older-run-believed",
            Self::CycleDropped => "cycle-dropped",
        }
    }
}
