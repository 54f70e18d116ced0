//! Ledger tables: one event a line with the answer it must get, and lines that say what then stands. After every line all
//! invariants are checked, and at the end everything is told to a second ledger, which must come out the same. Amounts are
//! minor units, of CNY unless they end in another code; an answer is a stable code.
//!
//! Rules. A table begins with the default rulebook; these lines change it before the first event. Later they change the
//! next version, which `rules` puts into force.
//!
//! ```text
//! fees      none                                              # every corridor is free of charge
//! fees      0.35%/1300 0.0325% 0.0325%                        # interchange, payer, payee; the most a payment costs
//! limit     unionpay cap=5000 cover=100                       # net debit cap, agreed cover
//! transit   2                                                 # transit_limit
//! currency  USD tenpay                                        # whose cut-over closes its cycles
//! corridor  unionpay > alipay pilot cohort=a region=b channel=c days=1     # a row, from noon of that day on
//! rules     days=1                                            ACCEPTED     # the next version, judging from then on
//! ```
//!
//! Events, commands, and what then stands:
//!
//! ```text
//! prefund   unionpay 100000                                   ACCEPTED
//! payment   P1 unionpay > tenpay channel=taobao cohort=grey   # what every event of P1 says
//! payer     P1 authorised 10000                               ACCEPTED
//! payee     P1 captured 10000 evidence=row                    ACCEPTED
//! booked    T2 J3                                             # the rules that the line above booked by
//! both      P1 refunded R1 500 event=e7                       ACCEPTED
//! close     1                                                 ACCEPTED
//! confirm   1 2.1                                             ACCEPTED     # the bank did instruction 2, attempt 1
//! balance   position.unionpay.tenpay -39860
//! net       1 unionpay -10 tenpay 10
//! status    P1 CAPTURED
//! breaks    P1 AMOUNT_OVER 200
//! unparked  ACCEPTED REFUND_EXCEEDS                           # what became of events that had waited
//! break     B1 AMOUNT_OVER tenpay F1.7                        ACCEPTED     # line 7 of file F1
//! complete  F1.8 P1 captured payee 600 B1                     ACCEPTED     # the row shows the payee's leg
//! return    B2 P1 payee 30                                    ACCEPTED     # which that break's file does not show
//! stands    B1 open
//! ```

mod orders;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use domain::account::{Account, Class};
use domain::break_code::BreakCode;
use domain::clearing::{InstructionState, Order, Settlement};
use domain::command::{Command, LongOwner};
use domain::cycle::CycleId;
use domain::ids::{Id, Name, Network, Party};
use domain::journal::Journal;
use domain::money::CNY;
use domain::netting::net;
use domain::payment::{Answer, Correction, Side};
use domain::rejection::RejectionCode;
use domain::report::{Evidence, Kind, Report, Scan};
use domain::rulebook::{Access, Corridor, CurrencyRule, FeeRule, Rulebook};
use domain::state::View;

use crate::model::Model;
use words::{amount, cycle, identifier, number, set};

/// What a table has shown.
#[derive(Debug, Default)]
pub struct Shown {
    /// Refusals answered, at once or after waiting.
    pub codes: BTreeSet<RejectionCode>,
    /// Rules booked by.
    pub journals: BTreeSet<Journal>,
    /// Breaks that a line named.
    pub breaks: BTreeSet<BreakCode>,
}

/// Runs a table.
///
/// # Errors
/// The first line that does not hold, with its number and what happened instead.
pub fn check(text: &str) -> Result<Shown, String> {
    let mut table = Table::new();
    for (index, line) in text.lines().enumerate() {
        let words: Vec<&str> = line.split('#').next().unwrap_or("").split_whitespace().collect();
        if words.is_empty() {
            continue;
        }
        table.line(&words).map_err(|reason| format!("line {}: {}\n  {reason}", index + 1, line.trim()))?;
        if let Some(model) = &table.model {
            model.check_invariants();
            table.shown.journals.extend(model.last_booked().iter().map(|entry| entry.journal));
        }
    }
    let model = table.model.ok_or("nothing happens in this table")?;
    if !model.state.book().accounts().eq(model.replay().state.book().accounts()) {
        return Err("7: a replay has other balances".to_owned());
    }
    Ok(table.shown)
}

type Line = Result<(), String>;

struct Table {
    rules: Rulebook,
    model: Option<Model>,
    payments: BTreeMap<String, Report>,
    events: u128,
    shown: Shown,
}

impl Table {
    fn new() -> Self {
        let rules = rulebook::parse(rulebook::DEFAULT).expect("the default rulebook is valid");
        Self { rules, model: None, payments: BTreeMap::new(), events: 0, shown: Shown::default() }
    }

    fn model(&mut self) -> &mut Model {
        self.model.get_or_insert_with(|| Model::new(self.rules.clone()))
    }

    fn line(&mut self, words: &[&str]) -> Line {
        match words {
            ["fees" | "limit" | "transit" | "currency" | "corridor", ..] => self.rule(words),
            ["rules", options @ .., answer] => self.load_rules(options, answer),
            ["payment", id, payer, ">", payee, options @ ..] => self.payment(id, payer, payee, options),
            [side @ ("payer" | "payee" | "both"), id, kind, rest @ .., answer] => {
                self.event(side, id, kind, rest, answer)
            }
            [
                "booked" | "balance" | "exposure" | "may_owe" | "net" | "cycle" | "status" | "breaks" | "unparked",
                ..,
            ] => self.stands(words),
            ["return_to_transit", id, rest @ .., side, minor, answer] => {
                let (movement, unproven) = (rest.first().map(|label| identifier(label)), words::side(side)?);
                let correction = Correction::ReturnToTransit { movement, unproven, minor: number(minor)? };
                let found = self.model().correct(identifier(id), correction);
                self.answered(found, answer)
            }
            ["withdraw_rest", id, rest @ .., side, answer] => {
                let movement = rest.first().map(|label| identifier(label));
                let correction = Correction::WithdrawRest { movement, side: words::side(side)? };
                let found = self.model().correct(identifier(id), correction);
                self.answered(found, answer)
            }
            [verb @ ("propose" | "approve" | "start" | "confirm" | "fail"), number, which @ .., answer] => {
                let found = self.settling(verb, cycle(number)?, which)?;
                self.answered(found, answer)
            }
            ["stands", label, expected] => {
                same(orders::standing(self.model().state.register().break_of(identifier(label))), expected)
            }
            ["adjust_fee", id, network, minor, answer] => {
                let adjust = self.command("adjust_fee", &[network, minor])?;
                let payment = self.model().payments.get(&identifier(id)).cloned().unwrap_or_default();
                let checked = domain::command::check_fee_of(&payment, &adjust);
                let found = checked.and_then(|()| self.model().command(&adjust));
                self.answered(found, answer)
            }
            ["complete", row, id, kind, rest @ .., answer] => {
                let completion = orders::completion([row, id, kind], rest)?;
                let found = self.model().complete(&completion);
                self.answered(found, answer)
            }
            ["return", label, id, rest @ .., side, minor, answer] => {
                let (movement, unproven) = (rest.first().map(|label| identifier(label)), words::side(side)?);
                let correction = Correction::ReturnToTransit { movement, unproven, minor: number(minor)? };
                let found = self.model().return_to_transit(identifier(label), identifier(id), correction);
                self.answered(found, answer)
            }
            [said @ .., answer] if let Some((principal, order)) = orders::order(&self.rules, said)? => {
                let found = self.model().order(principal, &order);
                self.answered(found, answer)
            }
            [verb, arguments @ .., answer] => {
                let command = self.command(verb, arguments)?;
                let found = self.model().command(&command);
                self.answered(found, answer)
            }
            _ => Err("no such line".to_owned()),
        }
    }

    // ---- rules ----

    fn rule(&mut self, words: &[&str]) -> Line {
        match words {
            ["fees", "none"] => self.set_fees(FeeRule::default()),
            ["fees", interchange, payer, payee] => {
                let [interchange, payer, payee] = [words::fee(interchange)?, words::fee(payer)?, words::fee(payee)?];
                self.set_fees(FeeRule { interchange, payer, payee });
            }
            ["limit", network, limits @ ..] => {
                let network = self.network(network)?;
                let rule = &mut self.rules.networks[network.index()];
                for limit in limits {
                    match limit.split_once('=') {
                        Some(("cap", minor)) => rule.net_debit_caps = vec![(CNY, number(minor)?)],
                        Some(("cover", minor)) => rule.agreed_covers = vec![(CNY, number(minor)?)],
                        _ => return Err(format!("no limit {limit}")),
                    }
                }
            }
            ["transit", limit] => self.rules.transit_limit = number(limit)?,
            ["currency", code, network] => {
                let currency = words::money(&format!("0{code}"))?.1;
                let cut_over_network = self.network(network)?;
                self.rules.currencies.push(CurrencyRule { currency, exponent: 2, cut_over_network });
            }
            ["corridor", payer, ">", payee, access, options @ ..] => self.corridor(payer, payee, access, options)?,
            _ => return Err("no such line".to_owned()),
        }
        Ok(())
    }

    fn set_fees(&mut self, fees: FeeRule) {
        self.rules.corridors.iter_mut().for_each(|row| row.fees = fees);
    }

    fn corridor(&mut self, payer: &str, payee: &str, access: &str, options: &[&str]) -> Line {
        let (payer, payee) = (self.network(payer)?, self.network(payee)?);
        let fees = self.rules.corridors.first().map_or(FeeRule::default(), |row| row.fees);
        let mut row = Corridor {
            payer,
            payee,
            channel: Name::NONE,
            effective_from: words::noon().1,
            access: words::access(access)?,
            fees,
        };
        for option in options {
            match (option.split_once('='), &mut row.access) {
                (Some(("cohort", name)), Access::Pilot { cohorts, .. }) => drop(cohorts.insert(words::name(name)?)),
                (Some(("region", name)), Access::Pilot { regions, .. }) => drop(regions.insert(words::name(name)?)),
                (Some(("channel", name)), _) => row.channel = words::name(name)?,
                (Some(("days", days)), _) => row.effective_from = words::days_after(row.effective_from, days)?,
                _ => return Err(format!("no option {option}")),
            }
        }
        self.rules.corridors.push(row);
        Ok(())
    }

    /// Loads the next version. One that is refused leaves the table with the version in force.
    fn load_rules(&mut self, options: &[&str], answer: &str) -> Line {
        self.model();
        self.rules.version += 1;
        for option in options {
            match option.split_once('=') {
                Some(("days", days)) => self.rules.effective_from = words::days_after(words::noon().1, days)?,
                Some(("version", version)) => self.rules.version = number(version)?,
                _ => return Err(format!("no option {option}")),
            }
        }
        let load = Command::LoadRulebook(Box::new(self.rules.clone()));
        let found = self.model().command(&load);
        self.rules = self.model().rules().clone();
        self.answered(found, answer)
    }

    /// `nobody` is a number that the rulebook does not have.
    fn network(&self, name: &str) -> Result<Network, String> {
        let nobody = (name == "nobody").then(|| Network::from_index(Network::COUNT_MAX - 1)).flatten();
        self.rules.network(name).or(nobody).ok_or_else(|| format!("no network {name}"))
    }

    // ---- events and commands ----

    fn payment(&mut self, id: &str, payer: &str, payee: &str, options: &[&str]) -> Line {
        let (day, noon) = words::noon();
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
            occurred_at: noon,
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
        report.side = words::side(side)?;
        report.network = if report.side == Side::Payee { report.payee } else { report.payer };
        report.kind = words::kind(kind)?;
        for word in rest {
            match word.parse::<i64>() {
                Ok(minor) => report.minor = minor,
                Err(_) if word.contains('=') => set(&mut report, word)?,
                Err(_) => report.movement = Some(identifier(word)),
            }
        }
        let found = self.model().report(&report);
        if let Answer::Rejected(rejection) = found {
            self.shown.codes.insert(rejection.code());
        }
        same(found.name(), answer)
    }

    fn command(&mut self, verb: &str, arguments: &[&str]) -> Result<Command, String> {
        Ok(match (verb, arguments) {
            ("prefund", [network, minor]) => {
                Command::ConfirmPrefund { network: self.network(network)?, amount: amount(minor)? }
            }
            ("withdraw", [network, minor]) => {
                Command::ConfirmWithdrawal { network: self.network(network)?, amount: amount(minor)? }
            }
            ("close", [number]) => Command::CutOver { network: self.network("unionpay")?, cycle: cycle(number)? },
            ("close", [number, by]) => Command::CutOver { network: self.network(by)?, cycle: cycle(number)? },
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
                let (minor, currency) = words::money(minor)?;
                let minor = i64::try_from(minor).map_err(|_| "does not fit")?;
                Command::AdjustFee { network: self.network(network)?, currency, minor }
            }
            ("sweep_fees", [minor]) => Command::SweepFees(amount(minor)?),
            _ => return Err("no such line".to_owned()),
        })
    }

    /// `confirm` is of every instruction at the bank, or of those named by place and attempt (`2.1`); `fail` is the bank's
    /// refusal of every instruction of the debtors named, or of those named by place and attempt.
    fn settling(&mut self, verb: &str, id: CycleId, which: &[&str]) -> Result<Result<(), RejectionCode>, String> {
        let settlement = self.model().state.register().settlement(id).cloned();
        let orders = match verb {
            "propose" => vec![Order::Propose(id)],
            "start" => vec![Order::Start(id)],
            "approve" => {
                let proposed = settlement.filter(|_| which.is_empty()).map_or([0; 32], |settlement| settlement.digest);
                vec![Order::Approve { cycle: id, digest: proposed }]
            }
            _ => {
                let instructions = self.named(settlement.as_ref(), which)?;
                instructions.into_iter().map(|instruction| answer(verb, id, instruction)).collect()
            }
        };
        Ok(orders.iter().try_for_each(|order| self.model().order("clerk", order)))
    }

    /// Ids of instructions; one that nobody has when the words name none.
    fn named(&self, settlement: Option<&Settlement>, which: &[&str]) -> Result<Vec<String>, String> {
        let Some(settlement) = settlement else { return Ok(vec!["none".to_owned()]) };
        let mut ids = Vec::new();
        for (index, instruction) in settlement.instructions.iter().enumerate() {
            let debtor = self.rules.party_name(instruction.debtor);
            let is_open = !matches!(instruction.state, InstructionState::Confirmed { .. });
            if which.contains(&debtor) || (which.is_empty() && is_open) {
                ids.push(settlement.instruction_id(index, instruction.attempt));
            }
        }
        for (place, attempt) in which.iter().filter_map(|word| word.split_once('.')) {
            let place: usize = number(place)?;
            ids.push(settlement.instruction_id(place.saturating_sub(1), number(attempt)?));
        }
        if ids.is_empty() {
            ids.push("none".to_owned());
        }
        Ok(ids)
    }

    fn answered(&mut self, found: Result<(), RejectionCode>, expected: &str) -> Line {
        self.shown.codes.extend(found.err());
        same(found.map_or_else(RejectionCode::name, |()| "ACCEPTED"), expected)
    }

    // ---- what stands ----

    fn stands(&mut self, words: &[&str]) -> Line {
        match words {
            ["booked", expected @ ..] => {
                let mut codes: Vec<&str> =
                    self.model().last_booked().iter().map(|entry| entry.journal.code()).collect();
                codes.dedup();
                same(&or_none(&codes), &expected.join(" "))
            }
            ["balance", account, minor] => {
                let (minor, account) = (words::money(minor)?.0, self.account(account, minor)?);
                same(&self.model().state.book().standing(account).to_string(), &minor.to_string())
            }
            ["exposure", network, minor] => {
                let (network, (minor, currency)) = (self.network(network)?, words::money(minor)?);
                same(&self.model().state.exposure(network, currency).to_string(), &minor.to_string())
            }
            ["may_owe", network, minor] => {
                let (network, (minor, currency)) = (self.network(network)?, words::money(minor)?);
                same(&self.model().state.exposure_limit(network, currency).to_string(), &minor.to_string())
            }
            ["net", number, figures @ ..] => self.net(number, figures),
            ["cycle", number, word] => {
                let id = cycle(number)?;
                same(self.model().state.cycle(id).map_or("none", |cycle| cycle.state.word()), word)
            }
            ["status", id, word] => {
                let payment = self.model().payments.get(&identifier(id)).ok_or("no such payment")?;
                same(payment.status().word(), word)
            }
            ["breaks", id, expected @ ..] => self.breaks(id, expected),
            ["unparked", expected @ ..] => {
                let answers: Vec<_> = self.model().unparked.drain(..).map(|(_, answer)| answer).collect();
                self.shown.codes.extend(answers.iter().filter_map(|answer| answer.err()));
                let names: Vec<&str> =
                    answers.iter().map(|answer| answer.map_or_else(RejectionCode::name, |()| "ACCEPTED")).collect();
                same(&or_none(&names), &expected.join(" "))
            }
            _ => Err("no such line".to_owned()),
        }
    }

    /// The account of that name, in the currency of the figure beside it.
    fn account(&self, name: &str, minor: &str) -> Result<Account, String> {
        let currency = words::money(minor)?.1;
        let unknown = || format!("no account {name}");
        let (word, owners) = name.split_once('.').ok_or_else(unknown)?;
        let class = *Class::ALL.iter().find(|class| class.word() == word).ok_or_else(unknown)?;
        let (owner, against) = owners.split_once('.').map_or((owners, None), |(owner, against)| (owner, Some(against)));
        let party = self.party(owner)?;
        Ok(match (class, party, against) {
            (Class::SettleAsset, party, None) => Account::settle_asset(party, currency),
            (class, Party::Operator, None) => Account::of_operator(class, currency),
            (class, Party::Network(owner), None) => Account::of_network(class, owner, currency),
            (Class::Position, Party::Network(owner), Some("operator")) => Account::position_operator(owner, currency),
            (class, Party::Network(owner), Some("unknown")) => Account::suspense(class, owner, None, currency),
            (class, Party::Network(owner), Some(against)) => {
                Account::between(class, owner, self.network(against)?, currency)
            }
            _ => return Err(unknown()),
        })
    }

    fn party(&self, name: &str) -> Result<Party, String> {
        match name {
            "operator" => Ok(Party::Operator),
            "escrow" => Ok(Party::Escrow),
            network => self.network(network).map(Party::Network),
        }
    }

    fn net(&mut self, number: &str, figures: &[&str]) -> Line {
        let netting = net(&self.model().state.cycle(cycle(number)?).ok_or("no such cycle")?.flows);
        for pair in figures.chunks(2) {
            let [party, minor] = pair else { return Err("a party has a figure".to_owned()) };
            same(&netting.of(self.party(party)?).to_string(), minor).map_err(|reason| format!("{party}: {reason}"))?;
        }
        Ok(())
    }

    fn breaks(&mut self, id: &str, expected: &[&str]) -> Line {
        let id = identifier(id);
        let breaks: Vec<_> = self.model().breaks().into_iter().filter(|(payment, _)| *payment == id).collect();
        self.shown.breaks.extend(breaks.iter().map(|(_, b)| b.code));
        let said: Vec<String> = breaks.iter().map(|(_, b)| format!("{} {}", b.code.name(), b.minor)).collect();
        same(&or_none(&said.iter().map(String::as_str).collect::<Vec<_>>()), &expected.join(" "))
    }
}

fn answer(verb: &str, cycle: CycleId, instruction: String) -> Order {
    let reference = format!("bank {instruction}");
    match verb {
        "confirm" => Order::Confirm { cycle, instruction, reference },
        _ => Order::Reject { cycle, instruction, reference: None, reason: "AM04".to_owned() },
    }
}

fn or_none(words: &[&str]) -> String {
    if words.is_empty() { "none".to_owned() } else { words.join(" ") }
}

fn same(found: &str, expected: &str) -> Line {
    if found == expected { Ok(()) } else { Err(format!("found {found}, expected {expected}")) }
}
