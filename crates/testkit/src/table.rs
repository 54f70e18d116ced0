//! Ledger tables: one event a line with the answer it must get, and lines that say what then stands. After every line all
//! invariants are checked. Amounts are minor units; an answer is a stable code.
//!
//! ```text
//! fees      none                                              # every corridor is free of charge
//! limit     unionpay cap=5000 cover=100                       # net debit cap, agreed cover
//! prefund   unionpay 100000                                   ACCEPTED
//! payment   P1 unionpay > tenpay channel=taobao cohort=grey   # what every event of P1 says
//! payer     P1 authorised 10000                               ACCEPTED
//! payee     P1 captured 10000 evidence=row                    ACCEPTED
//! both      P1 refunded R1 500 event=e7                       ACCEPTED
//! close     1                                                 ACCEPTED
//! balance   position.unionpay.tenpay -39860
//! net       1 unionpay -10 tenpay 10
//! status    P1 CAPTURED
//! breaks    P1 AMOUNT_OVER 200
//! ```

use std::collections::BTreeMap;

use domain::account::{Account, Class};
use domain::codes::CodeKind;
use domain::command::{Command, LongOwner};
use domain::cycle::CycleId;
use domain::ids::{Id, Name, Network, Party};
use domain::money::{Amount, CNY};
use domain::netting::net;
use domain::payment::{Correction, Side};
use domain::rejection::RejectionCode;
use domain::report::{Evidence, Kind, Report, Scan};
use domain::rulebook::{FeeRule, Rulebook};
use domain::state::View;
use domain::time::{Date, Timestamp};

use crate::model::Model;

/// Runs a table.
///
/// # Errors
/// The first line that does not hold, with its number and what happened instead.
pub fn check(text: &str) -> Result<(), String> {
    let mut table = Table::new();
    for (index, line) in text.lines().enumerate() {
        let words: Vec<&str> = line.split('#').next().unwrap_or("").split_whitespace().collect();
        if words.is_empty() {
            continue;
        }
        table.line(&words).map_err(|reason| format!("line {}: {}\n  {reason}", index + 1, line.trim()))?;
        if let Some(model) = &table.model {
            model.check_invariants();
        }
    }
    Ok(())
}

type Line = Result<(), String>;

struct Table {
    rules: Rulebook,
    model: Option<Model>,
    payments: BTreeMap<String, Report>,
    events: u128,
}

impl Table {
    fn new() -> Self {
        let rules = rulebook::parse(rulebook::DEFAULT).expect("the default rulebook is valid");
        Self { rules, model: None, payments: BTreeMap::new(), events: 0 }
    }

    fn model(&mut self) -> &mut Model {
        self.model.get_or_insert_with(|| Model::new(self.rules.clone()))
    }

    fn line(&mut self, words: &[&str]) -> Line {
        match words {
            ["fees", "none"] => {
                self.rules.corridors.iter_mut().for_each(|row| row.fees = FeeRule::default());
                Ok(())
            }
            ["limit", network, limits @ ..] => self.limit(network, limits),
            ["payment", id, payer, ">", payee, options @ ..] => self.payment(id, payer, payee, options),
            [side @ ("payer" | "payee" | "both"), id, kind, rest @ .., answer] => {
                self.event(side, id, kind, rest, answer)
            }
            ["balance", account, minor] => self.balance(account, minor),
            ["exposure", network, minor] => {
                let network = self.network(network)?;
                let exposure = self.model().state.exposure(network, CNY);
                same(&exposure.to_string(), minor)
            }
            ["net", cycle, figures @ ..] => self.net(cycle, figures),
            ["cycle", cycle, word] => {
                let cycle = CycleId { currency: CNY, number: number(cycle)? };
                same(self.model().state.cycle(cycle).map_or("none", |cycle| cycle.state.word()), word)
            }
            ["status", id, word] => {
                let payment = self.model().payments.get(&identifier(id)).ok_or("no such payment")?;
                same(payment.status().word(), word)
            }
            ["breaks", id, expected @ ..] => self.breaks(id, expected),
            ["unparked", expected @ ..] => {
                let name = |answer: Result<(), RejectionCode>| answer.map_or_else(|code| code.name(), |()| "ACCEPTED");
                let answers: Vec<&str> = self.model().unparked.drain(..).map(|(_, answer)| name(answer)).collect();
                same(&answers.join(" "), &expected.join(" "))
            }
            ["return_to_transit", id, side, minor, answer] => {
                let correction =
                    Correction::ReturnToTransit { movement: None, unproven: side_of(side)?, minor: number(minor)? };
                answered(self.model().correct(identifier(id), correction), answer)
            }
            ["withdraw_rest", id, side, answer] => {
                let correction = Correction::WithdrawRest { movement: None, side: side_of(side)? };
                answered(self.model().correct(identifier(id), correction), answer)
            }
            [verb, arguments @ .., answer] => {
                let command = self.command(verb, arguments)?;
                answered(self.model().command(&command), answer)
            }
            [] => Ok(()),
            _ => Err("no such line".to_owned()),
        }
    }

    fn network(&self, name: &str) -> Result<Network, String> {
        self.rules.network(name).ok_or_else(|| format!("no network {name}"))
    }

    fn limit(&mut self, network: &str, limits: &[&str]) -> Line {
        let network = self.network(network)?;
        let rule = &mut self.rules.networks[network.index()];
        for limit in limits {
            match limit.split_once('=') {
                Some(("cap", minor)) => rule.net_debit_caps = vec![(CNY, number(minor)?)],
                Some(("cover", minor)) => rule.agreed_covers = vec![(CNY, number(minor)?)],
                _ => return Err(format!("no limit {limit}")),
            }
        }
        Ok(())
    }

    fn payment(&mut self, id: &str, payer: &str, payee: &str, options: &[&str]) -> Line {
        let day = Date::parse_iso("2026-11-11").expect("a date");
        let mut report = Report {
            event: Id(0),
            network: self.network(payer)?,
            side: Side::Payer,
            payment: identifier(id),
            movement: None,
            kind: Kind::Captured,
            payer: self.network(payer)?,
            payee: self.network(payee)?,
            payer_institution: Name::NONE,
            payee_institution: Name::NONE,
            channel: Name::NONE,
            scan: Scan::None,
            code: None,
            minor: 0,
            currency: CNY,
            evidence: Evidence::None,
            region: Name::NONE,
            cohort: Name::NONE,
            occurred_at: Timestamp::from_civil(day, 43_200, 28_800),
            business_date: day,
        };
        for option in options {
            set(&mut report, option)?;
        }
        self.payments.insert(id.to_owned(), report);
        Ok(())
    }

    fn event(&mut self, side: &str, id: &str, kind: &str, rest: &[&str], answer: &str) -> Line {
        let mut report = *self.payments.get(id).ok_or("a `payment` line must come first")?;
        self.events += 1;
        report.event = Id(self.events);
        report.side = side_of(side)?;
        report.network = if report.side == Side::Payee { report.payee } else { report.payer };
        report.kind = kind_of(kind)?;
        for word in rest {
            match word.parse::<i64>() {
                Ok(minor) => report.minor = minor,
                Err(_) if word.contains('=') => set(&mut report, word)?,
                Err(_) => report.movement = Some(identifier(word)),
            }
        }
        same(self.model().report(&report).name(), answer)
    }

    fn command(&mut self, verb: &str, arguments: &[&str]) -> Result<Command, String> {
        let cycle = |text: &str| Ok::<_, String>(CycleId { currency: CNY, number: number(text)? });
        Ok(match (verb, arguments) {
            ("prefund", [network, minor]) => {
                Command::ConfirmPrefund { network: self.network(network)?, amount: amount(minor)? }
            }
            ("withdraw", [network, minor]) => {
                Command::ConfirmWithdrawal { network: self.network(network)?, amount: amount(minor)? }
            }
            ("close", [number]) => Command::CutOver { network: self.network("unionpay")?, cycle: cycle(number)? },
            ("close", [number, by]) => Command::CutOver { network: self.network(by)?, cycle: cycle(number)? },
            ("propose", [number]) => Command::ProposeSettlement(cycle(number)?),
            ("approve", [number]) => Command::ApproveSettlement(cycle(number)?),
            ("start", [number]) => Command::StartSettlement(cycle(number)?),
            ("confirm", [number]) => Command::ConfirmSettlement(cycle(number)?),
            ("fail", [number, debtors @ ..]) => Command::FailSettlement {
                cycle: cycle(number)?,
                debtors: debtors.iter().map(|name| self.network(name)).collect::<Result<_, _>>()?,
            },
            ("hold_long", [from, ">", to, minor]) => {
                Command::HoldLong { from: self.network(from)?, to: self.network(to).ok(), amount: amount(minor)? }
            }
            ("resolve_long", [from, ">", to, owner, minor]) => Command::ResolveLong {
                from: self.network(from)?,
                to: self.network(to).ok(),
                owner: self.network(owner).map_or(LongOwner::Back, LongOwner::Creditor),
                amount: amount(minor)?,
            },
            (
                "advance_short" | "recover_short" | "write_off_short" | "write_off_short_alone",
                [to, ">", from, minor],
            ) => {
                let (to, against, amount) = (self.network(to)?, self.network(from)?, amount(minor)?);
                match verb {
                    "advance_short" => Command::AdvanceShort { to, against, amount },
                    "recover_short" => Command::RecoverShort { to, against, amount },
                    other => Command::WriteOffShort { to, against, amount, approved_twice: other == "write_off_short" },
                }
            }
            ("adjust_fee", [network, minor]) => {
                Command::AdjustFee { network: self.network(network)?, currency: CNY, minor: number(minor)? }
            }
            ("sweep_fees", [minor]) => Command::SweepFees(amount(minor)?),
            _ => return Err("no such line".to_owned()),
        })
    }

    fn balance(&mut self, name: &str, minor: &str) -> Line {
        let account = self.account(name)?;
        same(&self.model().state.book().standing(account).to_string(), minor)
    }

    fn account(&self, name: &str) -> Result<Account, String> {
        let unknown = || format!("no account {name}");
        let (word, owners) = name.split_once('.').ok_or_else(unknown)?;
        let class = *Class::ALL.iter().find(|class| class.word() == word).ok_or_else(unknown)?;
        let (owner, against) = owners.split_once('.').map_or((owners, None), |(owner, against)| (owner, Some(against)));
        let party = match owner {
            "operator" => Party::Operator,
            "escrow" => Party::Escrow,
            network => Party::Network(self.network(network)?),
        };
        Ok(match (class, party, against) {
            (Class::SettleAsset, party, None) => Account::settle_asset(party, CNY),
            (class, Party::Operator, None) => Account::of_operator(class, CNY),
            (class, Party::Network(owner), None) => Account::of_network(class, owner, CNY),
            (Class::Position, Party::Network(owner), Some("operator")) => Account::position_operator(owner, CNY),
            (class, Party::Network(owner), Some(against)) => {
                Account::suspense(class, owner, self.network(against).ok(), CNY)
            }
            _ => return Err(unknown()),
        })
    }

    fn net(&mut self, cycle: &str, figures: &[&str]) -> Line {
        let cycle = CycleId { currency: CNY, number: number(cycle)? };
        let netting = net(&self.model().state.cycle(cycle).ok_or("no such cycle")?.flows);
        for pair in figures.chunks(2) {
            let [party, minor] = pair else { return Err("a party has a figure".to_owned()) };
            let party = match *party {
                "operator" => Party::Operator,
                "escrow" => Party::Escrow,
                network => Party::Network(self.network(network)?),
            };
            same(&netting.of(party).to_string(), minor).map_err(|reason| format!("{party:?}: {reason}"))?;
        }
        Ok(())
    }

    fn breaks(&mut self, id: &str, expected: &[&str]) -> Line {
        let id = identifier(id);
        let breaks = self.model().breaks().into_iter().filter(|(payment, _)| *payment == id);
        let said: Vec<String> = breaks.map(|(_, b)| format!("{} {}", b.code.name(), b.minor)).collect();
        let said = if said.is_empty() { "none".to_owned() } else { said.join(" ") };
        same(&said, &expected.join(" "))
    }
}

fn same(found: &str, expected: &str) -> Line {
    if found == expected { Ok(()) } else { Err(format!("found {found}, expected {expected}")) }
}

fn answered(found: Result<(), RejectionCode>, expected: &str) -> Line {
    same(found.map_or_else(|code| code.name(), |()| "ACCEPTED"), expected)
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{text} is not a number that fits"))
}

fn amount(text: &str) -> Result<Amount, String> {
    Amount::new(number(text)?, CNY).ok_or_else(|| format!("{text} is negative"))
}

/// The id of a label, the same in every table.
fn identifier(label: &str) -> Id {
    let mix = |hash: u128, byte: u8| (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013B);
    Id(label.bytes().fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d, mix))
}

fn side_of(word: &str) -> Result<Side, String> {
    match word {
        "payer" => Ok(Side::Payer),
        "payee" => Ok(Side::Payee),
        "both" => Ok(Side::Both),
        other => Err(format!("no side {other}")),
    }
}

fn kind_of(word: &str) -> Result<Kind, String> {
    Ok(match word {
        "authorised" => Kind::Authorised,
        "captured" => Kind::Captured,
        "voided" => Kind::Voided,
        "expired" => Kind::Expired,
        "unknown" => Kind::UnknownOutcome,
        "refunded" => Kind::Refunded,
        "reversed" => Kind::Reversed,
        "disputed" => Kind::Disputed,
        "dispute_won" => Kind::DisputeWon,
        "dispute_lost" => Kind::DisputeLost,
        other => return Err(format!("no kind {other}")),
    })
}

fn set(report: &mut Report, option: &str) -> Line {
    let (key, value) = option.split_once('=').ok_or_else(|| format!("no option {option}"))?;
    let name = || Name::new(value).ok_or_else(|| format!("{value} is not a name"));
    match key {
        "event" => report.event = identifier(value),
        "channel" => report.channel = name()?,
        "cohort" => report.cohort = name()?,
        "region" => report.region = name()?,
        "from" => report.payer_institution = name()?,
        "to" => report.payee_institution = name()?,
        "scan" => report.scan = if value == "payer" { Scan::PayerScans } else { Scan::MerchantScans },
        "code" => report.code = CodeKind::ALL.iter().copied().find(|kind| kind.word() == value),
        "days" => {
            let micros = number::<i64>(value)?.saturating_mul(86_400_000_000);
            report.occurred_at = Timestamp::from_micros(report.occurred_at.micros().saturating_add(micros));
        }
        "evidence" if value == "row" => report.evidence = Evidence::BillRow { file_digest: [7; 32], row: 1 },
        "evidence" => report.evidence = Evidence::QueryAnswer,
        _ => return Err(format!("no option {option}")),
    }
    Ok(())
}
