//! The smallest ledger.

use std::collections::BTreeMap;

use domain::command::{self, Command};
use domain::cycle::CycleId;
use domain::ids::{Id, Network, Sequence};
use domain::journal::{Break, Effects, Entry};
use domain::payment::{self, Answer, Correction, Payment};
use domain::rejection::{Rejection, RejectionCode};
use domain::report::Report;
use domain::rulebook::Rulebook;
use domain::state::{Change, State, View};

/// What was booked at one sequence number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booked {
    /// Where in the log.
    pub sequence: Sequence,
    /// In order.
    pub entries: Vec<Entry>,
}

/// Maps instead of a database.
pub struct Model {
    /// Rules, balances, cycles.
    pub state: State,
    /// Every payment seen.
    pub payments: BTreeMap<Id, Payment>,
    /// Everything booked, for independent recomputation.
    pub booked: Vec<Booked>,
    /// Answers of parked events that were applied later.
    pub unparked: Vec<(Sequence, Result<(), RejectionCode>)>,
    /// Confirmed money in less money out, by network.
    pub(crate) prefunded: i128,
    pub(crate) settled_baseline: BTreeMap<(Network, Network), i128>,
    answers: BTreeMap<(Network, Id), (Report, Answer)>,
    effects: Effects,
    sequence: u64,
}

impl Model {
    /// An empty ledger under `rules`.
    ///
    /// # Panics
    /// When the rulebook is not a valid first version.
    #[must_use]
    pub fn new(rules: Rulebook) -> Self {
        Self {
            state: State::new(rules).expect("a valid first version"),
            payments: BTreeMap::new(),
            booked: Vec::new(),
            unparked: Vec::new(),
            prefunded: 0,
            settled_baseline: BTreeMap::new(),
            answers: BTreeMap::new(),
            effects: Effects::default(),
            sequence: 0,
        }
    }

    /// One event: a duplicate gets its first answer, other content under the same id a conflict.
    pub fn report(&mut self, report: &Report) -> Answer {
        if let Some((first, answer)) = self.answers.get(&(report.network, report.event)) {
            let conflict = Rejection::ConflictingDuplicate { event: report.event };
            return if first == report { *answer } else { Answer::Rejected(conflict) };
        }
        let sequence = self.next();
        let payment = self.payments.get(&report.payment).cloned().unwrap_or_default();
        let decision = payment::decide(&self.state, &payment, report, sequence, &mut self.effects);
        if let Some(next) = decision.payment {
            self.payments.insert(report.payment, next);
        }
        self.fold(sequence, Change::None);
        self.answers.insert((report.network, report.event), (*report, decision.answer));
        decision.answer
    }

    /// One command. A cut-over also looks at every waiting payment.
    ///
    /// # Errors
    /// The refusal.
    pub fn command(&mut self, command: &Command) -> Result<(), RejectionCode> {
        let sequence = self.next();
        let change = command::decide(&self.state, command, &mut self.effects)?;
        match *command {
            Command::ConfirmPrefund { amount, .. } => self.prefunded += i128::from(amount.minor()),
            Command::ConfirmWithdrawal { amount, .. } => self.prefunded -= i128::from(amount.minor()),
            _ => {}
        }
        self.fold(sequence, change);
        if let Command::CutOver { cycle, .. } = *command {
            self.close(cycle);
        }
        Ok(())
    }

    /// One correction of a payment.
    ///
    /// # Errors
    /// The refusal.
    pub fn correct(&mut self, id: Id, correction: Correction) -> Result<(), RejectionCode> {
        let sequence = self.next();
        let payment = self.payments.get(&id).ok_or(RejectionCode::PaymentUnknown)?;
        let next = payment::correct(&self.state, payment, correction, &mut self.effects)?;
        self.payments.insert(id, next);
        self.fold(sequence, Change::None);
        Ok(())
    }

    fn close(&mut self, cycle: CycleId) {
        for payment in self.payments.values_mut().filter(|payment| payment.waiting_since().is_some()) {
            if let Some(next) = payment::overdue(&self.state, payment, cycle.number, &mut self.effects) {
                *payment = next;
            }
        }
        self.settled_baseline = self.pair_suspense();
    }

    fn next(&mut self) -> Sequence {
        self.sequence += 1;
        Sequence(self.sequence)
    }

    fn fold(&mut self, sequence: Sequence, change: Change) {
        self.state.evolve(&self.effects, change);
        self.unparked.append(&mut self.effects.unparked);
        if !self.effects.entries.is_empty() {
            self.booked.push(Booked { sequence, entries: self.effects.entries.clone() });
        }
    }

    /// Every break that stands, by payment.
    #[must_use]
    pub fn breaks(&self) -> Vec<(Id, Break)> {
        let of_payment =
            |(id, payment): (&Id, &Payment)| payment.breaks().into_iter().map(|b| (*id, b)).collect::<Vec<_>>();
        self.payments.iter().flat_map(of_payment).collect()
    }

    /// The rules in force now.
    #[must_use]
    pub fn rules(&self) -> &Rulebook {
        self.state.rules().current()
    }
}
