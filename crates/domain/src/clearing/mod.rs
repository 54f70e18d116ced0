//! What the clearing house keeps beside payments and balances: settlements with their instructions, the networks' files, and
//! breaks. An [`Order`] changes it, from an operator, the settlement bank or the reconciliation worker; it is judged against
//! what stands, books journals J10 to J12 where it moves money, and is written into the [`Register`].
//!
//! - A cycle goes CLOSED -> PROPOSED -> APPROVED -> SETTLING -> SETTLED. It is not proposed while an amount is in question.
//!   What is approved is the digest of the proposal. It settles when the bank confirmed every instruction, wholly or not at
//!   all. A debtor that is short when instructions are due, or refused by the bank, makes the cycle PENDING (J10f); starting
//!   it again sends what is missing.
//! - A row of a file and a leg of the ledger are matched once. A break stays open until somebody, or a booking, ends it; while
//!   an amount is held or advanced because of it, only a booking does.
//!
//! Not decided here: whether a row and a leg agree (`recon`), and corrections of one payment ([`crate::payment::correct`]),
//! of which only the break that they answer is written down here.

mod breaks;
mod numbers;
mod proof;
mod records;
mod register;
mod settlement;
mod settling;

pub use numbers::Numbers;
pub use proof::{check_closing, check_completion, check_correction};
pub use records::{
    BillFile, BillRow, BillTotals, Booking, Break, ControlTotals, Ending, FileDigest, Finding, Match, MatchKey,
    Resolution, Signature,
};
pub use register::{FileRecord, Record, Register};
pub use settlement::{Instruction, InstructionState, Settlement, Sha256};

use crate::cycle::CycleId;
use crate::directive::Completion;
use crate::ids::{Id, Network, Sequence};
use crate::journal::Effects;
use crate::money::Amount;
use crate::rejection::RejectionCode;
use crate::state::{Change, State};
use crate::time::Timestamp;

/// To whom a held amount goes (J11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LongOutcome {
    /// To the payee's network; which one, when the order says so.
    CreditPayee(Option<Network>),
    /// Back to the payer's network.
    ReturnToPayer,
}

/// One order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Fixes net and instructions of a closed cycle.
    Propose(CycleId),
    /// Approves exactly what was proposed.
    Approve {
        /// The proposed cycle.
        cycle: CycleId,
        /// [`Settlement::digest`].
        digest: [u8; 32],
    },
    /// Sends what is not confirmed.
    Start(CycleId),
    /// The bank carried an instruction out.
    Confirm {
        /// The cycle being settled.
        cycle: CycleId,
        /// [`Settlement::instruction_id`].
        instruction: String,
        /// The bank's booking.
        reference: String,
    },
    /// The bank refused an instruction.
    Reject {
        /// The cycle being settled.
        cycle: CycleId,
        /// [`Settlement::instruction_id`].
        instruction: String,
        /// The bank's booking, if it named one.
        reference: Option<String>,
        /// The bank's reason, its code first.
        reason: String,
    },
    /// A file was read; the same digest again changes nothing.
    RecordFile(BillFile),
    /// Rows of a recorded file agree.
    RecordMatches {
        /// The file.
        file: FileDigest,
        /// At least one.
        matches: Vec<Match>,
    },
    /// Differences were found; those known change nothing.
    RecordBreaks(Vec<Finding>),
    /// A break ends without a booking.
    ResolveBreak {
        /// Which.
        id: Id,
        /// How.
        resolution: Resolution,
        /// Why.
        note: String,
    },
    /// J11: the file proves that `from` paid, to whom is not known or not agreed.
    HoldLong {
        /// The break that it answers.
        id: Id,
        /// The row that proves it.
        row: BillRow,
        /// Who paid.
        from: Network,
        /// To whom, if known.
        to: Option<Network>,
        /// How much.
        amount: Amount,
    },
    /// J11: its owner is found.
    ResolveLong {
        /// The break under which it is held.
        id: Id,
        /// To whom it goes.
        outcome: LongOutcome,
        /// How much of it.
        amount: Amount,
        /// Why.
        note: String,
    },
    /// J12: short after settlement, advanced to `to` from own funds until `against` makes good.
    AdvanceShort {
        /// The break that it answers.
        id: Id,
        /// Who gets the advance.
        to: Network,
        /// Its counterparty.
        against: Network,
        /// How much.
        amount: Amount,
    },
    /// J12: the counterparty made good.
    RecoverShort {
        /// The break under which it was advanced.
        id: Id,
        /// How much of it.
        amount: Amount,
        /// Why.
        note: String,
    },
    /// J12: a loss, once two principals have asked for the same.
    WriteOffShort {
        /// The break under which it was advanced.
        id: Id,
        /// How much of it.
        amount: Amount,
        /// Why.
        note: String,
    },
}

/// Who orders, and when.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Who.
    pub principal: &'a str,
    /// The entry that the order becomes.
    pub sequence: Sequence,
    /// When it arrived.
    pub arrived_at: Timestamp,
    /// The hash of proposals.
    pub sha256: Sha256,
}

impl Context<'_> {
    fn sign(&self) -> Signature {
        Signature { by: self.principal.to_owned(), at: self.sequence }
    }
}

impl Order {
    /// The break that this order closes without a booking, and the payment that it names: see [`check_closing`].
    #[must_use]
    pub fn closes<'a>(&self, register: &'a Register) -> Option<(&'a Break, Id)> {
        let Self::ResolveBreak { id, .. } = self else { return None };
        let closing = register.break_of(*id).filter(|closing| closing.is_open())?;
        Some((closing, closing.finding.payment?))
    }
}

/// Judges an order; what it books goes into `effects`, what else it changes is the result.
///
/// # Errors
/// The code of the rule that forbids it; nothing is booked then.
pub fn decide(
    state: &State,
    order: &Order,
    context: &Context<'_>,
    effects: &mut Effects,
) -> Result<Change, RejectionCode> {
    effects.clear();
    let decided = Desk { state, context, effects }.decide(order);
    if decided.is_err() {
        effects.clear();
    }
    decided
}

/// What a correction that puts an amount back into transit (J12a) writes down about its break.
#[must_use]
pub fn returned_to_transit(answers: Id) -> Change {
    Change::registered(vec![Record::Booked(answers, Some(Booking::InTransit))])
}

/// What a completion from evidence (T3a) writes down: the row is used, and the break that it ends has ended.
#[must_use]
pub fn completed(completion: &Completion, context: &Context<'_>) -> Change {
    let ending = || Ending { resolution: Resolution::Booked, signature: context.sign(), note: String::new() };
    let ended = completion.ends.map(|id| Record::Ended(id, ending()));
    Change::registered([Record::Proven(completion.row)].into_iter().chain(ended).collect())
}

struct Desk<'a> {
    state: &'a State,
    context: &'a Context<'a>,
    effects: &'a mut Effects,
}

type Decided = Result<Change, RejectionCode>;

impl Desk<'_> {
    fn decide(&mut self, order: &Order) -> Decided {
        match order {
            Order::Propose(cycle) => self.propose(*cycle),
            Order::Approve { cycle, digest } => self.approve(*cycle, digest),
            Order::Start(cycle) => self.start(*cycle),
            Order::Confirm { cycle, instruction, reference } => self.confirm(*cycle, instruction, reference),
            Order::Reject { cycle, instruction, reference, reason } => {
                let state = InstructionState::Rejected { reference: reference.clone(), reason: reason.clone() };
                self.reject(*cycle, instruction, state)
            }
            Order::RecordFile(file) => Ok(Change::registered(vec![Record::File(file.clone(), self.context.sequence)])),
            Order::RecordMatches { file, matches } => self.record_matches(file, matches),
            Order::RecordBreaks(findings) => self.record_breaks(findings),
            Order::ResolveBreak { id, resolution, note } => self.resolve_break(*id, *resolution, note),
            Order::HoldLong { id, row, from, to, amount } => self.hold_long(*id, row, *from, *to, *amount),
            Order::ResolveLong { id, outcome, amount, note } => self.resolve_long(*id, *outcome, *amount, note),
            Order::AdvanceShort { id, to, against, amount } => self.advance_short(*id, *to, *against, *amount),
            Order::RecoverShort { id, amount, note } => self.recover_short(*id, *amount, note),
            Order::WriteOffShort { id, amount, note } => self.write_off_short(*id, *amount, note),
        }
    }
}
