//! Commands: what operators, the clearing house and the bank ask for.

use std::collections::BTreeSet;

use domain::clearing::{self, Context, Order};
use domain::command::{self, Command};
use domain::directive::{Action, Completion, Directive};
use domain::ids::Id;
use domain::money::Currency;
use domain::payment::{self, Correction};
use domain::rejection::RejectionCode;
use domain::state::View;
use domain::time::Timestamp;
use sha2::{Digest, Sha256};
use store::chain::Head;
use store::entry::{AnswerCode, EntryKind};

use super::events::standing;
use super::{Shard, Verdict};
use crate::error::Error;
use crate::input::Input;
use crate::sealed::Held;

/// Whom bookings are remembered for: no principal has this name, since names are not empty.
const BANK: &str = "";

impl Shard {
    pub(super) fn control(&mut self, input: &Input<'_>, digest: &[u8; 32]) -> Result<Verdict, Error> {
        let directive = match self.intake.codec.command(input.raw, self.state.rules().current()) {
            Ok(directive) => directive,
            Err(quarantine) => return Ok(Verdict::quarantined(quarantine)),
        };
        let id = self.intake.hash.command(&directive.principal, &directive.idempotency_key);
        let verdict = match self.first(id)? {
            Some(first) => Self::repeated(EntryKind::Command, &first, digest),
            None => {
                let verdict = self.directive(&directive, input.arrived_at, digest)?;
                self.remember(id, verdict.answer, digest);
                verdict
            }
        };
        let Directive { principal, idempotency_key, .. } = directive;
        Ok(Verdict { principal, idempotency_key, ..verdict })
    }

    /// A command under a new key. A booking of the bank counts once, whoever reports it and under which key.
    fn directive(&mut self, directive: &Directive, arrived_at: Timestamp, digest: &Head) -> Result<Verdict, Error> {
        let booking = directive.bank_reference.as_ref().map(|reference| self.intake.hash.command(BANK, reference));
        if let Some(booking) = booking
            && let Some(first) = self.first(booking)?
        {
            let answer = RejectionCode::ConflictingDuplicate;
            return Ok(Verdict { duplicate_of: Some(first.sequence), ..Verdict::new(EntryKind::Command, answer) });
        }
        let answer = self.perform(&directive.principal, directive.action.clone(), arrived_at)?;
        if let (Some(booking), true) = (booking, answer == AnswerCode::ACCEPTED) {
            self.remember(booking, answer, digest);
        }
        Ok(Verdict::new(EntryKind::Command, answer))
    }

    fn perform(
        &mut self,
        principal: &str,
        action: Result<Action, RejectionCode>,
        arrived_at: Timestamp,
    ) -> Result<AnswerCode, Error> {
        let context = Context { principal, sequence: self.next(), arrived_at, sha256 };
        let performed = match action {
            Err(code) => Err(code),
            Ok(Action::Unsupported) => Err(RejectionCode::CommandNotSupported),
            Ok(Action::Command(command)) => self.command(&command)?,
            Ok(Action::FeeOf(payment, command)) => {
                match command::check_fee_of(&self.payment(payment)?.unwrap_or_default(), &command) {
                    Ok(()) => self.command(&command)?,
                    Err(code) => Err(code),
                }
            }
            Ok(Action::Order(order)) => self.order(&order, &context)?,
            Ok(Action::Correct { payment, correction, currency, answers }) => {
                self.correct(payment, correction, currency, answers)?
            }
            Ok(Action::Complete(completion)) => return self.complete(&completion, &context),
            Ok(Action::LoadRulebook(text)) => self.load_rulebook(text),
        };
        Ok(performed.map_or_else(Into::into, |()| AnswerCode::ACCEPTED))
    }

    fn order(&mut self, order: &Order, context: &Context<'_>) -> Result<Result<(), RejectionCode>, Error> {
        let closes = order.closes(self.state.register());
        let checked = match closes {
            Some((closing, payment)) => clearing::check_closing(closing, &self.payment(payment)?.unwrap_or_default()),
            None => Ok(()),
        };
        let decided = checked.and_then(|()| clearing::decide(&self.state, order, context, &mut self.effects));
        Ok(decided.map(|change| self.fold(change)))
    }

    fn command(&mut self, command: &Command) -> Result<Result<(), RejectionCode>, Error> {
        match command::decide(&self.state, command, &mut self.effects) {
            Err(code) => Ok(Err(code)),
            Ok(change) => {
                self.fold(change);
                if let Command::CutOver { cycle, .. } = command {
                    self.look_at_waiting(cycle.number)?;
                }
                Ok(Ok(()))
            }
        }
    }

    /// After a close: every payment that waits for a silent network is looked at, in the order of ids.
    fn look_at_waiting(&mut self, closing: u32) -> Result<(), Error> {
        let mut ids = BTreeSet::new();
        for waiting in self.store.waiting() {
            ids.insert(waiting.map_err(Error::Store)?.0);
        }
        let in_memory = self.payments.iter().map(|(_, held)| held).chain(self.past.held());
        ids.extend(in_memory.filter(|held| held.payment.waiting_since().is_some()).map(|held| held.id));
        for id in ids {
            let key = self.intake.hash.payment(id);
            let standing = standing(&self.payments, &self.past, self.store.as_ref(), (key, id), None)?;
            let stored = standing.is_stored;
            if let Some(payment) = payment::overdue(&self.state, &standing.payment, closing, &mut self.effects) {
                self.payments.insert(key.0, Held { id, payment, stored });
            }
        }
        Ok(())
    }

    fn correct(
        &mut self,
        id: Id,
        correction: Correction,
        currency: Currency,
        answers: Id,
    ) -> Result<Result<(), RejectionCode>, Error> {
        let key = self.intake.hash.payment(id);
        let standing = standing(&self.payments, &self.past, self.store.as_ref(), (key, id), None)?;
        let (stored, payment) = (standing.is_stored, standing.payment.as_ref());
        let checked = clearing::check_correction(self.state.register(), answers, (id, payment), correction, currency);
        if let Err(code) = checked {
            return Ok(Err(code));
        }
        Ok(match payment::correct(&self.state, payment, correction, &mut self.effects) {
            Err(code) => Err(code),
            Ok(payment) => {
                self.payments.insert(key.0, Held { id, payment, stored });
                self.fold(clearing::returned_to_transit(answers));
                Ok(())
            }
        })
    }

    /// T3a: judged like the report that the silent network would have sent.
    fn complete(&mut self, completion: &Completion, context: &Context<'_>) -> Result<AnswerCode, Error> {
        let key = self.intake.hash.payment(completion.payment);
        let standing = self.standing(key, completion.payment)?;
        let terms = match clearing::check_completion(self.state.register(), completion, &standing.payment) {
            Ok(terms) => terms,
            Err(code) => return Ok(code.into()),
        };
        let report = completion.report(&terms, context.arrived_at, self.state.rules().current());
        let answer = self.report(&report)?;
        if answer == AnswerCode::ACCEPTED {
            self.effects.clear();
            self.fold(clearing::completed(completion, context));
        }
        Ok(answer)
    }

    fn load_rulebook(&mut self, text: Vec<u8>) -> Result<(), RejectionCode> {
        let rulebook = self.intake.codec.rulebook(&text).map_err(|_| RejectionCode::RulebookInvalid)?;
        let command = Command::LoadRulebook(Box::new(rulebook));
        let change = command::decide(&self.state, &command, &mut self.effects)?;
        self.fold(change);
        self.rulebooks.push(text);
        self.intake.follow(self.state.rules().current());
        Ok(())
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}
