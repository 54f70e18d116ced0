//! Every word and number that the domain and the contracts both have a type for, in both directions.
//!
//! Enums: `v1::Kind::from(kind)` gives the wire's word, `word.domain()` the domain's value, `None` for the wire's
//! `UNSPECIFIED` and for words that the domain does not use. Numbers differ on purpose in places (kinds of scanned codes),
//! so nothing is ever converted by its number. Stable codes and journals are texts on the wire, see [`StableCode`] and
//! [`journal`]; accounts and participants are names of the rulebook, see [`account`].

mod accounts;
mod enums;
mod values;

use domain::journal::Journal;
use domain::payment::Answer;
use domain::rejection::{Quarantine, RejectionCode};

pub use accounts::{account, account_class, account_name, balance, participant, participant_name};
pub use enums::cycle_state;
pub use values::{amount, business_date, business_date_number, cycle, timestamp};

use crate::event::v1::Outcome;

/// What a decision is named by when it is not plain acceptance: `Decision.code` and `Rejection.code`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StableCode {
    /// The event waits for the one it refers to.
    WaitingForOriginal,
    /// A rule refused it.
    Rejected(RejectionCode),
    /// It was not judged.
    Quarantined(Quarantine),
}

impl StableCode {
    const WAITING_FOR_ORIGINAL: &str = "WAITING_FOR_ORIGINAL";

    /// `None` for acceptance.
    #[must_use]
    pub const fn of(answer: &Answer) -> Option<Self> {
        match answer {
            Answer::Accepted => None,
            Answer::WaitingForOriginal => Some(Self::WaitingForOriginal),
            Answer::Rejected(rejection) => Some(Self::Rejected(rejection.code())),
        }
    }

    /// The inverse of [`StableCode::name`]; `None` for a code that is newer than this program.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let rejection = RejectionCode::ALL.iter().copied().find(|code| code.name() == name).map(Self::Rejected);
        let quarantine = || Quarantine::ALL.iter().copied().find(|code| code.name() == name).map(Self::Quarantined);
        let waiting = || (name == Self::WAITING_FOR_ORIGINAL).then_some(Self::WaitingForOriginal);
        rejection.or_else(quarantine).or_else(waiting)
    }

    /// The text of the contracts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::WaitingForOriginal => Self::WAITING_FOR_ORIGINAL,
            Self::Rejected(code) => code.name(),
            Self::Quarantined(code) => code.name(),
        }
    }

    /// The kind of end that the record came to.
    #[must_use]
    pub const fn outcome(self) -> Outcome {
        match self {
            Self::WaitingForOriginal => Outcome::Parked,
            Self::Rejected(_) => Outcome::Rejected,
            Self::Quarantined(_) => Outcome::Quarantined,
        }
    }

    /// One sentence for a person, in English.
    #[must_use]
    pub const fn english(self) -> &'static str {
        match self {
            Self::WaitingForOriginal => "The event waits for the one it refers to; nothing was booked yet.",
            Self::Rejected(code) => code.english(),
            Self::Quarantined(code) => code.english(),
        }
    }

    /// The same sentence in Chinese.
    #[must_use]
    pub const fn chinese(self) -> &'static str {
        match self {
            Self::WaitingForOriginal => "该事件等待其原交易，尚未记账。",
            Self::Rejected(code) => code.chinese(),
            Self::Quarantined(code) => code.chinese(),
        }
    }
}

/// What an answer is on the wire.
#[must_use]
pub const fn outcome(answer: &Answer) -> Outcome {
    match StableCode::of(answer) {
        None => Outcome::Accepted,
        Some(code) => code.outcome(),
    }
}

/// The journal of `Journal.rule`, the inverse of [`Journal::code`].
#[must_use]
pub fn journal(code: &str) -> Option<Journal> {
    Journal::ALL.iter().copied().find(|journal| journal.code() == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stable_code_comes_back_from_its_name() {
        let rejections = RejectionCode::ALL.iter().map(|code| StableCode::Rejected(*code));
        let quarantines = Quarantine::ALL.iter().map(|code| StableCode::Quarantined(*code));
        for code in rejections.chain(quarantines).chain([StableCode::WaitingForOriginal]) {
            assert_eq!(StableCode::from_name(code.name()), Some(code));
            assert!(!code.english().is_empty() && !code.chinese().is_ascii(), "{code:?}");
            assert!(code.name().len() <= 63, "{code:?} is too long for Decision.code");
        }
        assert_eq!(StableCode::from_name("ACCEPTED"), None);
    }

    #[test]
    fn an_answer_has_the_name_and_the_outcome_of_its_code() {
        assert_eq!(outcome(&Answer::Accepted), Outcome::Accepted);
        let rejected = RejectionCode::ALL.iter().map(|code| Answer::Rejected((*code).into()));
        for answer in rejected.chain([Answer::WaitingForOriginal]) {
            let code = StableCode::of(&answer).expect("not accepted");
            assert_eq!((code.name(), code.outcome()), (answer.name(), outcome(&answer)));
        }
    }

    #[test]
    fn every_journal_comes_back_from_its_rule() {
        for &each in Journal::ALL {
            assert_eq!(journal(each.code()), Some(each));
        }
        assert_eq!(journal("T9"), None);
    }
}
