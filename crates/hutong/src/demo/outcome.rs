//! What a day came to, beside what it had to come to.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use audit::Verified;
use domain::cycle::CycleId;
use domain::money::decimal_from_minor;
use domain::netting::net;
use domain::state::{State, View};
use recon::Report;
use serde::Serialize;
use simulator::day::Truth;

use crate::data;

type Counts = BTreeMap<String, u64>;
type Nets = BTreeMap<String, i128>;

/// The summary as one JSON object; its names are a contract. Amounts are minor units.
#[derive(Serialize)]
pub(super) struct Outcome {
    events: u64,
    rejected: Counts,
    quarantined: Counts,
    /// Debits less credits over all accounts, by currency: always 0.
    conservation: BTreeMap<String, String>,
    /// Of the closed cycle; `operator` and `escrow` among them; they add up to 0.
    net: Nets,
    matched: u64,
    breaks: Counts,
    planted: Counts,
    settlement: String,
    chain_head: String,
    day_digest: String,
    events_per_second: u64,
    /// In words; empty when everything agrees.
    differences: Vec<String>,
}

impl Outcome {
    /// `published` is how many records, and how many seconds until they were durable.
    pub(super) fn new(
        truth: &Truth,
        state: &State,
        cycle: CycleId,
        report: &Report,
        verified: &Verified,
        published: (u64, f64),
    ) -> Self {
        let nets = state.cycle(cycle).map(|cycle| net(&cycle.flows).multilateral).unwrap_or_default();
        let name = |party| state.rules().current().party_name(party).to_owned();
        let mut breaks = Counts::new();
        report.breaks.iter().for_each(|line| *breaks.entry(line.code.to_owned()).or_default() += 1);
        let mut outcome = Self {
            events: truth.events,
            rejected: named(&verified.day.rejected),
            quarantined: named(&verified.day.quarantined),
            conservation: conservation(state),
            net: nets.into_iter().map(|(party, minor)| (name(party), minor)).collect(),
            matched: report.files.iter().map(|file| file.counts.matched).sum(),
            breaks,
            planted: truth.planted.clone(),
            settlement: state.cycle(cycle).map_or("unknown", |cycle| cycle.state.word()).to_lowercase(),
            chain_head: data::hex(&verified.head),
            day_digest: data::hex(&verified.day.digest),
            events_per_second: rate(published),
            differences: Vec::new(),
        };
        outcome.differences = outcome.unlike(truth, verified);
        outcome.differences.extend(other_breaks(truth, report));
        outcome
    }

    /// Whether truth, breaks, nets and the verifier agree.
    pub(super) const fn agrees(&self) -> bool {
        self.differences.is_empty()
    }

    /// Every figure that is not the one of the plan.
    fn unlike(&self, truth: &Truth, verified: &Verified) -> Vec<String> {
        let planned: Nets = truth.nets.iter().map(|(party, minor)| (party.clone(), i128::from(*minor))).collect();
        let figures = [
            ("rejected", format!("{:?}", self.rejected), format!("{:?}", truth.rejected)),
            ("quarantined", format!("{:?}", self.quarantined), format!("{:?}", truth.quarantined)),
            ("nets", format!("{:?}", not_zero(&self.net)), format!("{:?}", not_zero(&planned))),
            ("sum of nets", self.net.values().sum::<i128>().to_string(), "0".to_owned()),
            ("matched rows", self.matched.to_string(), truth.matched.to_string()),
            ("settlement", self.settlement.clone(), "settled".to_owned()),
        ];
        let sums = self.conservation.values().map(|sum| ("conservation", sum.clone(), "0".to_owned()));
        let differing = figures.into_iter().chain(sums).filter(|(_, found, expected)| found != expected);
        let said = differing.map(|(what, found, expected)| format!("{what}: found {found}, expected {expected}"));
        said.chain(verified.finding.iter().map(|finding| format!("the verifier: {finding}"))).collect()
    }

    pub(super) fn print(&self, out: &mut impl Write) -> std::io::Result<()> {
        writeln!(out, "\nevents        {} ({} a second)", self.events, self.events_per_second)?;
        writeln!(out, "rejected      {}", counts(&self.rejected))?;
        writeln!(out, "quarantined   {}", counts(&self.quarantined))?;
        writeln!(out, "matched       {} rows", self.matched)?;
        writeln!(out, "breaks        {}", counts(&self.breaks))?;
        let sum = ("sum".to_owned(), self.net.values().sum());
        for (party, minor) in self.net.iter().map(|(party, minor)| (party, *minor)).chain([(&sum.0, sum.1)]) {
            writeln!(out, "net           {party:<9} {:>20} CNY", decimal_from_minor(minor, 2))?;
        }
        writeln!(out, "settlement    {}", self.settlement)?;
        writeln!(out, "chain head    {}", self.chain_head)?;
        writeln!(out, "day digest    {}", self.day_digest)?;
        self.differences.iter().try_for_each(|difference| writeln!(out, "WRONG         {difference}"))?;
        if self.agrees() {
            writeln!(
                out,
                "\nEvery figure is the one that was written down before the day began; the verifier agrees."
            )?;
        }
        Ok(())
    }
}

fn rate((records, seconds): (u64, f64)) -> u64 {
    let micros = std::time::Duration::from_secs_f64(seconds.max(0.0)).as_micros().max(1);
    u64::try_from(u128::from(records) * 1_000_000 / micros).unwrap_or(u64::MAX)
}

fn named(counts: &BTreeMap<&'static str, u64>) -> Counts {
    counts.iter().map(|(code, count)| ((*code).to_owned(), *count)).collect()
}

fn not_zero(nets: &Nets) -> Vec<(&String, &i128)> {
    nets.iter().filter(|(_, minor)| **minor != 0).collect()
}

fn counts(counts: &Counts) -> String {
    let counts: Vec<_> = counts.iter().map(|(code, count)| format!("{code} {count}")).collect();
    if counts.is_empty() { "none".to_owned() } else { counts.join(", ") }
}

fn conservation(state: &State) -> BTreeMap<String, String> {
    let mut sums: BTreeMap<String, i128> = BTreeMap::new();
    for (account, balance) in state.book().accounts() {
        *sums.entry(account.currency().code().to_owned()).or_default() += balance.debits - balance.credits;
    }
    sums.into_iter().map(|(currency, sum)| (currency, sum.to_string())).collect()
}

/// What a break is about, so that planted and found ones can be told apart one by one: code, network, references; of a row
/// that cannot be read, its line.
type Identity<'a> = (&'a str, &'a str, &'a str, &'a str, Option<u64>);

fn identity<'a>((code, network, reference, refund, line): Identity<'a>) -> Identity<'a> {
    match (code, network) {
        ("ROW_INVALID", _) => (code, network, "", "", line),
        // Its refunds have no reference beside their own.
        (_, "unionpay") => (code, network, reference, "", None),
        _ => (code, network, reference, refund, None),
    }
}

/// Breaks that were planted and not found, and the other way round; the first twenty.
fn other_breaks(truth: &Truth, report: &Report) -> Vec<String> {
    let planted = truth.breaks.iter().map(|planted| {
        let refund = planted.refund_reference.as_deref().unwrap_or_default();
        identity((&planted.code, &planted.network, &planted.network_reference, refund, planted.line))
    });
    let found = report.breaks.iter().map(|found| {
        let line = found.line.map(u64::from);
        identity((found.code, &found.network, &found.network_reference, &found.refund_reference, line))
    });
    let (planted, found): (BTreeSet<_>, BTreeSet<_>) = (planted.collect(), found.collect());
    let missing = planted.difference(&found).map(|one| format!("planted and not found: {one:?}"));
    let extra = found.difference(&planted).map(|one| format!("found and not planted: {one:?}"));
    let (all_found, all_planted) = (report.breaks.len(), truth.breaks.len());
    let count = (all_found != all_planted).then(|| format!("{all_found} breaks found, {all_planted} planted"));
    missing.chain(extra).take(20).chain(count).collect()
}
