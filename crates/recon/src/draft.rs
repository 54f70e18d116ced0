//! A difference with the facts that show it, from the moment it is seen until it has its id. What may be booked because of
//! it is said here too: only what a row proves, and never by time alone.

use bills::Row;
use domain::break_code::BreakCode;
use domain::clearing::{BillFile, BillRow, FileDigest, Finding};
use domain::ids::{Id, Network};
use domain::money::{Amount, CNY};
use domain::time::Date;

use crate::content::Content;
use crate::key::Step;
use crate::legs::Leg;
use crate::order::Order;

/// What the row of a break proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// Nothing that could be booked.
    None,
    /// The leg of the file's network.
    Leg,
    /// That more was paid than the ledger has, from whom to whom.
    More { from: Network, to: Network },
    /// That less was paid than the ledger has.
    Less,
}

/// A finding that has no id yet.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    finding: Finding,
    /// The file, where the break is about the file as a whole.
    file: Option<FileDigest>,
    proof: Proof,
}

impl Draft {
    pub(crate) fn new(code: BreakCode, network: Network, business_date: Date) -> Self {
        let finding = Finding {
            id: Id::default(),
            code,
            network,
            business_date,
            row: None,
            payment: None,
            movement: None,
            kind: None,
            side: None,
            network_reference: String::new(),
            refund_reference: String::new(),
            currency: CNY,
            ledger_minor: None,
            file_minor: None,
            note: String::new(),
            replaces: None,
        };
        Self { finding, file: None, proof: Proof::None }
    }

    /// About one row.
    pub(crate) fn of_row(code: BreakCode, file: &BillFile, row: &Row) -> Self {
        let mut draft = Self::new(code, file.network, file.business_date).at_line(file, row.line);
        let finding = &mut draft.finding;
        finding.kind = Some(Step::of_row(row).kind());
        finding.network_reference.clone_from(&row.reference);
        finding.refund_reference = row.refund_reference.clone().unwrap_or_default();
        finding.currency = row.amount.currency();
        finding.file_minor = Some(row.amount.minor());
        draft
    }

    /// About one leg that no row shows.
    pub(crate) fn of_leg(code: BreakCode, file: &BillFile, leg: &Leg) -> Self {
        let mut draft = Self::new(code, file.network, file.business_date).with_leg(leg, leg.facts.minor);
        let finding = &mut draft.finding;
        finding.kind = Some(leg.facts.kind);
        finding.network_reference.clone_from(&leg.facts.network_reference);
        finding.refund_reference.clone_from(&leg.facts.refund_reference);
        finding.currency = leg.facts.currency;
        draft
    }

    /// About one file as a whole.
    pub(crate) fn of_file(code: BreakCode, file: &BillFile) -> Self {
        Self { file: Some(file.digest), ..Self::new(code, file.network, file.business_date) }
    }

    /// Takes the place of an earlier break, whose facts it keeps.
    pub(crate) fn replacing(code: BreakCode, finding: &Finding) -> Self {
        let replaces = Some(finding.id);
        let finding = Finding { id: Id::default(), code, note: String::new(), replaces, ..finding.clone() };
        Self { finding, file: None, proof: Proof::None }
    }

    /// Line 0 is no row: the break is then about a member of an archive.
    pub(crate) fn at_line(mut self, file: &BillFile, line: u64) -> Self {
        let line = line_number(line);
        self.finding.row = (line > 0).then_some(BillRow { file: file.digest, line });
        self
    }

    /// The payment, as seen from the network whose file it is.
    pub(crate) fn with_leg(mut self, leg: &Leg, minor: i64) -> Self {
        self.finding.side = leg.side_of(self.finding.network);
        self.finding.payment = Some(leg.facts.payment);
        self.finding.movement = leg.facts.movement;
        self.finding.ledger_minor = Some(minor);
        self
    }

    pub(crate) fn with_fees(mut self, ledger: Option<i64>, file: i64) -> Self {
        (self.finding.ledger_minor, self.finding.file_minor) = (ledger, Some(file));
        self
    }

    pub(crate) fn proving(mut self, proof: Proof) -> Self {
        self.proof = proof;
        self
    }

    pub(crate) fn noting(mut self, note: impl Into<String>) -> Self {
        self.finding.note = note.into();
        self
    }

    fn base(&self) -> Base<'_> {
        let finding = &self.finding;
        let is_line = finding.code == BreakCode::RowInvalid;
        let without_row = finding.row.is_none();
        Base {
            code: finding.code,
            business_date: finding.business_date,
            kind: finding.kind.map_or("", kind_word),
            network_reference: &finding.network_reference,
            refund_reference: &finding.refund_reference,
            payment: if without_row { finding.payment } else { None },
            movement: if without_row { finding.movement } else { None },
            line: finding.row.filter(|_| is_line).map_or(0, |row| row.line),
            file: self.file,
        }
    }

    /// What the order of drafts with one base follows. Two rows that differ in nothing but their line may change places.
    fn rank(&self) -> (Base<'_>, Option<i64>, u32, &str) {
        let finding = &self.finding;
        (self.base(), finding.file_minor, finding.row.map_or(0, |row| row.line), &finding.note)
    }

    fn booking(&self) -> Option<Order> {
        let Finding { id: break_id, currency, movement, .. } = self.finding;
        let row = self.finding.row?;
        let (payment, file) = (self.finding.payment?, self.finding.file_minor?);
        let amount = |minor: Option<i64>| Amount::new(minor?, currency).filter(|amount| amount.minor() > 0);
        let over = file.checked_sub(self.finding.ledger_minor?);
        Some(match self.proof {
            Proof::None => return None,
            Proof::Leg => {
                let (kind, side) = (self.finding.kind?, self.finding.side?);
                Order::Complete { break_id, payment, movement, kind, side, amount: amount(Some(file))?, row }
            }
            Proof::More { from, to } => Order::HoldLong { break_id, from, to, amount: amount(over)?, row },
            Proof::Less => {
                let (unproven, amount) = (self.finding.side?, amount(over?.checked_neg())?);
                Order::ReturnToTransit { break_id, payment, movement, unproven, amount, row }
            }
        })
    }
}

/// What a break is about.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Base<'a> {
    code: BreakCode,
    business_date: Date,
    kind: &'static str,
    network_reference: &'a str,
    refund_reference: &'a str,
    /// Where no row says it.
    payment: Option<Id>,
    /// Where no row says it.
    movement: Option<Id>,
    /// Of a row that could not be read, which has no references.
    line: u32,
    file: Option<FileDigest>,
}

impl Base<'_> {
    /// `ordinal` tells apart breaks about the same, such as the second and the third row of one key.
    fn id(&self, network: Network, ordinal: u32) -> Id {
        Content::of("break")
            .number(network.index() as u64)
            .number(self.business_date.days_since_epoch())
            .text(self.code.name())
            .text(self.kind)
            .text(self.network_reference)
            .text(self.refund_reference)
            .bytes(&self.payment.unwrap_or_default().to_bytes())
            .bytes(&self.movement.unwrap_or_default().to_bytes())
            .number(self.line)
            .bytes(self.file.as_ref().map_or(&[], |file| file))
            .number(ordinal)
            .id()
    }
}

/// Gives every draft its id. The result is in the order of what the breaks are about, not of the file.
pub(crate) fn identify(mut drafts: Vec<Draft>) -> (Vec<Finding>, Vec<Order>) {
    drafts.sort_by(|a, b| a.rank().cmp(&b.rank()));
    for same in drafts.chunk_by_mut(|a, b| a.base() == b.base()) {
        for (draft, ordinal) in same.iter_mut().zip(0..) {
            draft.finding.id = draft.base().id(draft.finding.network, ordinal);
        }
    }
    let bookings = drafts.iter().filter_map(Draft::booking).collect();
    (drafts.into_iter().map(|draft| draft.finding).collect(), bookings)
}

pub(crate) fn line_number(line: u64) -> u32 {
    u32::try_from(line).unwrap_or(u32::MAX)
}

/// The step's name as the contracts spell it; empty for those that no bill file shows.
pub(crate) const fn kind_word(kind: domain::report::Kind) -> &'static str {
    match Step::of(kind) {
        Some(Step::Captured) => "CAPTURED",
        Some(Step::Refunded) => "REFUNDED",
        Some(Step::Reversed) => "REVERSED",
        None => "",
    }
}
