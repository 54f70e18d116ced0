//! The smallest ledger.

use std::collections::BTreeMap;

use domain::clearing::{self, Booking, Context, LongOutcome, Order, Sha256};
use domain::command::{self, Command, LongOwner};
use domain::cycle::CycleId;
use domain::directive::Completion;
use domain::ids::{Id, Network, Sequence};
use domain::journal::{Break, Effects, Entry};
use domain::money::{Amount, Currency};
use domain::payment::{self, Answer, Correction, Payment};
use domain::rejection::{Rejection, RejectionCode};
use domain::report::Report;
use domain::rulebook::Rulebook;
use domain::state::{Change, State, View};
use domain::time::Timestamp;

/// What was booked at one sequence number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booked {
    /// Where in the log.
    pub sequence: Sequence,
    /// In order.
    pub entries: Vec<Entry>,
}

/// One thing that a ledger is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// By a network.
    Report(Box<Report>),
    /// By an operator or the settlement bank.
    Command(Command),
    /// By this principal, to the clearing house.
    Order(String, Order),
    /// About one payment.
    Correct(Id, Correction),
    /// About one payment, because of this break.
    Return(Id, Id, Correction),
    /// By a row.
    Complete(Completion),
}

/// The two owners of a pair of accounts, the lower number first, and their currency. `None`: not known yet.
pub(crate) type PairOf = (Currency, Option<Network>, Network);

/// Maps instead of a database.
pub struct Model {
    /// Rules, balances, cycles.
    pub state: State,
    /// Every payment seen.
    pub payments: BTreeMap<Id, Payment>,
    /// Everything booked, for independent recomputation.
    pub booked: Vec<Booked>,
    /// When what is told next has arrived.
    pub arrived_at: Timestamp,
    /// The hash of proposals. Tests of the rules need a digest, not a good one.
    pub sha256: Sha256,
    /// Answers of parked events that were applied later.
    pub unparked: Vec<(Sequence, Result<(), RejectionCode>)>,
    /// Confirmed money in less money out.
    pub(crate) prefunded: BTreeMap<Currency, i128>,
    /// What every pair's accounts must add up to: what the last cut left, and what moved between pairs since.
    pub(crate) pair_baseline: BTreeMap<PairOf, i128>,
    /// The cycle that closed at this sequence number.
    pub(crate) just_closed: Option<CycleId>,
    first_rules: Rulebook,
    log: Vec<Input>,
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
            state: State::new(rules.clone()).expect("a valid first version"),
            payments: BTreeMap::new(),
            booked: Vec::new(),
            arrived_at: Timestamp::from_micros(0),
            sha256: stand_in,
            unparked: Vec::new(),
            prefunded: BTreeMap::new(),
            pair_baseline: BTreeMap::new(),
            just_closed: None,
            first_rules: rules,
            log: Vec::new(),
            answers: BTreeMap::new(),
            effects: Effects::default(),
            sequence: 0,
        }
    }

    /// A ledger that is told the same again.
    #[must_use]
    pub fn replay(&self) -> Self {
        let mut again = Self::new(self.first_rules.clone());
        for input in &self.log {
            match input {
                Input::Report(report) => drop(again.report(report)),
                Input::Command(command) => drop(again.command(command)),
                Input::Order(principal, order) => drop(again.order(principal, order)),
                Input::Correct(id, correction) => drop(again.correct(*id, *correction)),
                Input::Return(answers, id, correction) => drop(again.return_to_transit(*answers, *id, *correction)),
                Input::Complete(completion) => drop(again.complete(completion)),
            }
        }
        again
    }

    /// One event: a duplicate gets its first answer, other content under the same id a conflict.
    pub fn report(&mut self, report: &Report) -> Answer {
        let sequence = self.next(Input::Report(Box::new(*report)));
        if let Some((first, answer)) = self.answers.get(&(report.network, report.event)) {
            let conflict = Rejection::ConflictingDuplicate { event: report.event };
            return if first == report { *answer } else { Answer::Rejected(conflict) };
        }
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
        let sequence = self.next(Input::Command(command.clone()));
        let change = command::decide(&self.state, command, &mut self.effects)?;
        self.fold(sequence, change);
        match *command {
            Command::ConfirmPrefund { amount, .. } => {
                *self.prefunded.entry(amount.currency()).or_default() += i128::from(amount.minor());
            }
            Command::ConfirmWithdrawal { amount, .. } => {
                *self.prefunded.entry(amount.currency()).or_default() -= i128::from(amount.minor());
            }
            Command::ResolveLong { from, to: None, owner: LongOwner::Creditor(creditor), amount } => {
                self.found_payee(from, creditor, amount);
            }
            Command::CutOver { cycle, .. } => self.close(cycle),
            _ => {}
        }
        Ok(())
    }

    /// One order.
    ///
    /// # Errors
    /// The refusal.
    pub fn order(&mut self, principal: &str, order: &Order) -> Result<(), RejectionCode> {
        let sequence = self.next(Input::Order(principal.to_owned(), order.clone()));
        let context = self.context(principal, sequence);
        if let Some((closing, payment)) = order.closes(self.state.register()) {
            clearing::check_closing(closing, &self.payments.get(&payment).cloned().unwrap_or_default())?;
        }
        let change = clearing::decide(&self.state, order, &context, &mut self.effects)?;
        let held = match order {
            Order::ResolveLong { id, .. } => self.state.register().break_of(*id).and_then(|held| held.booking.clone()),
            _ => None,
        };
        if let (
            Some(Booking::Held { from, to: None, .. }),
            Order::ResolveLong { outcome: LongOutcome::CreditPayee(Some(payee)), amount, .. },
        ) = (held, order)
        {
            self.found_payee(from, *payee, *amount);
        }
        self.fold(sequence, change);
        Ok(())
    }

    /// What was held for an unknown payee belongs to a known pair from now on.
    fn found_payee(&mut self, from: Network, payee: Network, amount: Amount) {
        let (currency, minor) = (amount.currency(), i128::from(amount.minor()));
        let known = (currency, Some(from.min(payee)), from.max(payee));
        *self.pair_baseline.entry((currency, None, from)).or_default() -= minor;
        *self.pair_baseline.entry(known).or_default() += minor;
    }

    /// One correction of a payment.
    ///
    /// # Errors
    /// The refusal.
    pub fn correct(&mut self, id: Id, correction: Correction) -> Result<(), RejectionCode> {
        let sequence = self.next(Input::Correct(id, correction));
        let payment = self.payments.get(&id).ok_or(RejectionCode::PaymentUnknown)?;
        let next = payment::correct(&self.state, payment, correction, &mut self.effects)?;
        self.payments.insert(id, next);
        self.fold(sequence, Change::None);
        Ok(())
    }

    /// One correction of a payment that answers a break.
    ///
    /// # Errors
    /// The refusal.
    pub fn return_to_transit(&mut self, answers: Id, id: Id, correction: Correction) -> Result<(), RejectionCode> {
        let sequence = self.next(Input::Return(answers, id, correction));
        let payment = self.payments.get(&id).ok_or(RejectionCode::PaymentUnknown)?;
        let currency = payment.terms.ok_or(RejectionCode::PaymentUnknown)?.currency;
        clearing::check_correction(self.state.register(), answers, (id, payment), correction, currency)?;
        let next = payment::correct(&self.state, payment, correction, &mut self.effects)?;
        self.payments.insert(id, next);
        self.fold(sequence, clearing::returned_to_transit(answers));
        Ok(())
    }

    /// One movement that a row completes.
    ///
    /// # Errors
    /// The refusal.
    pub fn complete(&mut self, completion: &Completion) -> Result<(), RejectionCode> {
        self.complete_for("clerk", completion)
    }

    /// As [`Model::complete`], by this principal.
    ///
    /// # Errors
    /// The refusal.
    pub fn complete_for(&mut self, principal: &str, completion: &Completion) -> Result<(), RejectionCode> {
        let sequence = self.next(Input::Complete(*completion));
        let payment = self.payments.get(&completion.payment).cloned().unwrap_or_default();
        let terms = clearing::check_completion(self.state.register(), completion, &payment)?;
        let report = completion.report(&terms, self.arrived_at, self.rules());
        let decision = payment::decide(&self.state, &payment, &report, sequence, &mut self.effects);
        match decision.answer {
            Answer::Accepted => {}
            Answer::Rejected(rejection) => return Err(rejection.code()),
            Answer::WaitingForOriginal => unreachable!("a leg waits for it"),
        }
        self.payments.extend(decision.payment.map(|next| (completion.payment, next)));
        let completed = clearing::completed(completion, &self.context(principal, sequence));
        self.fold(sequence, completed);
        Ok(())
    }

    const fn context<'p>(&self, principal: &'p str, sequence: Sequence) -> Context<'p> {
        Context { principal, sequence, arrived_at: self.arrived_at, sha256: self.sha256 }
    }

    /// What is told next stands at `sequence` of another log.
    pub const fn stand_before(&mut self, sequence: Sequence) {
        self.sequence = sequence.0 - 1;
    }

    fn close(&mut self, cycle: CycleId) {
        for payment in self.payments.values_mut().filter(|payment| payment.waiting_since().is_some()) {
            if let Some(next) = payment::overdue(&self.state, payment, cycle.number, &mut self.effects) {
                *payment = next;
            }
        }
        self.effects.clear();
        self.pair_baseline.retain(|(currency, ..), _| *currency != cycle.currency);
        let left = self.pair_suspense().into_iter().filter(|((currency, ..), _)| *currency == cycle.currency);
        self.pair_baseline.extend(left);
        self.just_closed = Some(cycle);
    }

    fn next(&mut self, input: Input) -> Sequence {
        self.log.push(input);
        self.just_closed = None;
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

    /// What the last input booked, in order.
    #[must_use]
    pub fn last_booked(&self) -> &[Entry] {
        let last = self.booked.last().filter(|booked| booked.sequence.0 == self.sequence);
        last.map_or(&[], |booked| &booked.entries)
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

fn stand_in(bytes: &[u8]) -> [u8; 32] {
    let mut digest = [0; 32];
    for (index, byte) in bytes.iter().enumerate() {
        let at: &mut u8 = &mut digest[index % 32];
        *at = at.wrapping_mul(31).wrapping_add(*byte);
    }
    digest
}
