//! Fields of commands as the domain's types: each check once, each fault with the field's name.

use domain::clearing::BillRow;
use domain::cycle::CycleId;
use domain::ids::{Id, Network};
use domain::money::{Amount, Currency};
use domain::payment::Side;
use domain::rejection::{Quarantine, RejectionCode};
use domain::rulebook::Rulebook;
use domain::time::Date;

use super::Refusal;
use crate::common::v1::{self, CycleRef};
use crate::{event, names};

/// Reads fields under a rulebook.
pub(super) struct Form<'r> {
    pub(super) rules: &'r Rulebook,
}

type Field = &'static str;
pub(super) type Formed<T> = Result<T, Refusal>;

pub(super) const fn malformed<T>(field: Field, why: Quarantine) -> Formed<T> {
    Err(Refusal::Malformed { field, why })
}

/// What a fault is called in an error.
pub(super) const fn word(why: Quarantine) -> &'static str {
    match why {
        Quarantine::MissingField => "missing",
        Quarantine::UnknownCurrency => "not a currency of the rulebook",
        Quarantine::AmountNotPositive => "not more than zero",
        _ => "not what its contract allows",
    }
}

pub(super) fn id(bytes: &[u8]) -> Result<Id, Quarantine> {
    if bytes.is_empty() {
        return Err(Quarantine::MissingField);
    }
    Id::from_bytes(bytes).ok_or(Quarantine::InvalidField)
}

/// Required text of at most `characters_max` characters.
pub(super) fn check_text(text: &str, characters_max: usize) -> Result<(), Quarantine> {
    match text.chars().count() {
        0 => Err(Quarantine::MissingField),
        count if count <= characters_max => Ok(()),
        _ => Err(Quarantine::InvalidField),
    }
}

/// An enum's number as its value; `None` for the number of `UNSPECIFIED`, and for one that is not known here.
pub(super) fn known<E: TryFrom<i32>>(number: i32) -> Option<E> {
    if number == 0 { None } else { E::try_from(number).ok() }
}

impl Form<'_> {
    pub(super) fn id(&self, field: Field, bytes: &[u8]) -> Formed<Id> {
        id(bytes).or_else(|why| malformed(field, why))
    }

    pub(super) fn id_if_any(&self, field: Field, bytes: &[u8]) -> Formed<Option<Id>> {
        if bytes.is_empty() { Ok(None) } else { self.id(field, bytes).map(Some) }
    }

    pub(super) fn digest(&self, field: Field, bytes: &[u8]) -> Formed<[u8; 32]> {
        let why = if bytes.is_empty() { Quarantine::MissingField } else { Quarantine::InvalidField };
        bytes.try_into().or_else(|_| malformed(field, why))
    }

    pub(super) fn text(&self, field: Field, text: &str, characters_max: usize) -> Formed<String> {
        check_text(text, characters_max).or_else(|why| malformed(field, why))?;
        Ok(text.to_owned())
    }

    pub(super) fn text_if_any(&self, field: Field, text: &str, characters_max: usize) -> Formed<Option<String>> {
        if text.is_empty() { Ok(None) } else { self.text(field, text, characters_max).map(Some) }
    }

    pub(super) fn network(&self, field: Field, name: &str) -> Formed<Network> {
        if name.is_empty() {
            return malformed(field, Quarantine::MissingField);
        }
        self.rules.network(name).ok_or(Refusal::Rejected(RejectionCode::UnknownNetwork))
    }

    pub(super) fn network_if_any(&self, field: Field, name: &str) -> Formed<Option<Network>> {
        if name.is_empty() { Ok(None) } else { self.network(field, name).map(Some) }
    }

    pub(super) fn currency(&self, field: Field, code: &str) -> Formed<Currency> {
        let known = Currency::from_code(code).filter(|currency| self.rules.currency(*currency).is_some());
        known.ok_or(Refusal::Malformed { field, why: Quarantine::UnknownCurrency })
    }

    /// An amount of more than zero in a currency of the rulebook.
    pub(super) fn amount(&self, field: Field, sent: Option<&v1::Amount>) -> Formed<Amount> {
        let Some(sent) = sent else { return malformed(field, Quarantine::MissingField) };
        self.currency(field, &sent.currency_code)?;
        let amount = names::amount(sent).filter(|amount| amount.minor() > 0);
        amount.ok_or(Refusal::Malformed { field, why: Quarantine::AmountNotPositive })
    }

    pub(super) fn cycle(&self, field: Field, sent: Option<&CycleRef>) -> Formed<CycleId> {
        let Some(sent) = sent else { return malformed(field, Quarantine::MissingField) };
        self.currency(field, &sent.currency_code)?;
        names::cycle(sent).ok_or(Refusal::Malformed { field, why: Quarantine::InvalidField })
    }

    pub(super) fn bill_row(&self, field: Field, sent: Option<&v1::BillRow>) -> Formed<BillRow> {
        let Some(sent) = sent else { return malformed(field, Quarantine::MissingField) };
        let file = sent.file_digest.as_slice().try_into().ok().filter(|_| sent.row_number > 0);
        let row = file.map(|file| BillRow { file, line: sent.row_number });
        row.ok_or(Refusal::Malformed { field, why: Quarantine::InvalidField })
    }

    pub(super) fn business_date(&self, field: Field, number: i32) -> Formed<Date> {
        let why = if number == 0 { Quarantine::MissingField } else { Quarantine::InvalidField };
        names::business_date(number).ok_or(Refusal::Malformed { field, why })
    }

    /// An enum that must say something.
    pub(super) fn choice<E: TryFrom<i32>>(&self, field: Field, number: i32) -> Formed<E> {
        let why = if number == 0 { Quarantine::MissingField } else { Quarantine::InvalidField };
        known(number).ok_or(Refusal::Malformed { field, why })
    }

    /// The payer's side or the payee's, not both.
    pub(super) fn one_side(&self, field: Field, number: i32) -> Formed<Side> {
        let side: event::v1::Side = self.choice(field, number)?;
        let one = side.domain().filter(|side| *side != Side::Both);
        one.ok_or(Refusal::Malformed { field, why: Quarantine::InvalidField })
    }
}
