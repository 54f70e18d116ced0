//! The life of one payment as its two networks tell it: two streams of reports, each in its network's own order, and ways to
//! merge them. Every life meets the conditions under which any merger must come to the same end (6.5):
//!
//! * both networks in the end report the same captures and reversals;
//! * an authorisation that is reversed is also voided or expired;
//! * claims (refunds, reversals, disputes) together stay within what was captured.
//!
//! and what these mean where they could be read in two ways: an authorisation that is captured and not reversed is not
//! voided, no refund is taken back (a refund that both have reported cannot be), and a capture that comes in parts has no
//! claims but its reversal (a claim is measured by what both have reported so far).

use domain::ids::{Id, Name, Network};
use domain::money::CNY;
use domain::payment::Side;
use domain::report::{Evidence, Kind, Report, Scan};
use domain::time::{Date, Timestamp};
use proptest::prelude::*;

/// What the payer's network and the payee's network tell.
#[derive(Clone, Debug)]
pub struct Life {
    /// The payer's network, in its order.
    pub payer: Vec<Report>,
    /// The payee's network, in its order.
    pub payee: Vec<Report>,
}

impl Life {
    /// Both streams as one: `true` takes the next of the payer's network while there is one. What is left comes at the end.
    #[must_use]
    pub fn merged(&self, picks: &[bool]) -> Vec<Report> {
        let (mut payer, mut payee) = (self.payer.iter().copied(), self.payee.iter().copied());
        let mut merged = Vec::new();
        for &pick in picks {
            merged.extend(if pick { payer.next() } else { payee.next() });
        }
        merged.extend(payer.chain(payee));
        merged
    }
}

/// What becomes of a captured payment.
#[derive(Clone, Debug)]
enum End {
    /// Nothing more.
    Stands,
    /// Both sides reverse it.
    Reversed {
        /// Where in the payer's stream, after its authorisation, the void comes.
        void_at: usize,
        /// The void is an expiry, with evidence.
        expires: bool,
    },
    /// Refunds and disputes within what was captured.
    Claimed(Vec<Claim>),
}

#[derive(Clone, Debug)]
enum Claim {
    Refund {
        /// Of the whole, in thousandths; what is left limits it.
        part: u16,
        /// The payee's leg is so much less.
        less: u16,
        /// Which sides report it: both, or only one.
        only: Option<Side>,
        /// The rest comes later, with evidence.
        in_parts: bool,
        /// Where in the payee's stream, among its claims.
        at: usize,
    },
    Dispute {
        part: u16,
        by_payer: bool,
        decided: Option<bool>,
        decided_by_payer: bool,
    },
}

/// Random lives: two feeds with captures in one piece or in parts, authorised or not, with an unknown outcome or not, that
/// stand, are reversed or are claimed back; or an authorisation alone.
pub fn lives() -> impl Strategy<Value = Life> {
    let minor = prop_oneof![1..20_000_i64, Just(1), Just(143), Just(1_234_567), Just(i64::MAX / 4)];
    let authorised = prop::option::of(prop_oneof![Just(0_i64), -300..300_i64]);
    let parts = prop::option::weighted(0.3, 1..1_000_u16);
    (minor, authorised, any::<[bool; 4]>(), [parts.clone(), parts], end()).prop_map(
        |(minor, authorised, flags, parts, end)| {
            let authorised = authorised.map(|more| minor.saturating_add(more).max(1));
            Teller::default().tell(minor, authorised, flags, parts, &end)
        },
    )
}

fn end() -> impl Strategy<Value = End> {
    let claim = prop_oneof![
        3 => (1..1_000_u16, prop_oneof![2 => Just(0), 1 => 1..50_u16], only(), any::<bool>(), 0..4_usize)
            .prop_map(|(part, less, only, in_parts, at)| Claim::Refund { part, less, only, in_parts, at }),
        1 => (1..1_000_u16, any::<bool>(), prop::option::of(any::<bool>()), any::<bool>()).prop_map(
            |(part, by_payer, decided, decided_by_payer)| Claim::Dispute { part, by_payer, decided, decided_by_payer }
        ),
    ];
    prop_oneof![
        1 => Just(End::Stands),
        2 => (0..6_usize, any::<bool>()).prop_map(|(void_at, expires)| End::Reversed { void_at, expires }),
        3 => prop::collection::vec(claim, 1..5).prop_map(End::Claimed),
    ]
}

fn only() -> impl Strategy<Value = Option<Side>> {
    prop_oneof![4 => Just(None), 1 => Just(Some(Side::Payer)), 1 => Just(Some(Side::Payee))]
}

#[derive(Default)]
struct Teller {
    events: u128,
}

impl Teller {
    fn tell(
        mut self,
        minor: i64,
        authorised: Option<i64>,
        [payer_unknown, payee_unknown, never_captured, expires]: [bool; 4],
        parts: [Option<u16>; 2],
        end: &End,
    ) -> Life {
        let mut life = Life { payer: Vec::new(), payee: Vec::new() };
        let parts = if matches!(end, End::Claimed(_)) { [None; 2] } else { parts };
        if let Some(authorised) = authorised {
            life.payer.push(self.report(Side::Payer, Kind::Authorised, authorised));
            if payer_unknown {
                life.payer.push(self.report(
                    Side::Payer,
                    if expires { Kind::Expired } else { Kind::UnknownOutcome },
                    0,
                ));
            }
            if payee_unknown {
                life.payee.push(self.report(Side::Payee, Kind::UnknownOutcome, 0));
            }
            if never_captured && matches!(end, End::Stands) {
                life.payer.push(self.proven(Side::Payer, Kind::Voided, 0));
                return life;
            }
        }
        let unknown = [authorised.is_some() && payer_unknown, authorised.is_some() && payee_unknown];
        life.payer.extend(self.captures(Side::Payer, minor, parts[0], unknown[0]));
        life.payee.extend(self.captures(Side::Payee, minor, parts[1], unknown[1]));
        match end {
            End::Stands => {}
            End::Reversed { void_at, expires } => {
                life.payer.push(self.report(Side::Payer, Kind::Reversed, minor));
                life.payee.push(self.report(Side::Payee, Kind::Reversed, minor));
                if authorised.is_some() {
                    let kind = if *expires { Kind::Expired } else { Kind::Voided };
                    let void = self.proven(Side::Payer, kind, 0);
                    life.payer.insert((1 + void_at).min(life.payer.len()), void);
                }
            }
            End::Claimed(claims) => self.claim(&mut life, minor, claims),
        }
        life
    }

    fn captures(&mut self, side: Side, minor: i64, parts: Option<u16>, unknown: bool) -> Vec<Report> {
        let first = parts.map_or(minor, |part| share(minor, part));
        let mut captures = vec![if unknown {
            self.proven(side, Kind::Captured, first)
        } else {
            self.report(side, Kind::Captured, first)
        }];
        if first < minor {
            captures.push(self.proven(side, Kind::Captured, minor - first));
        }
        captures
    }

    fn claim(&mut self, life: &mut Life, captured: i64, claims: &[Claim]) {
        let mut left = captured;
        let own = life.payee.len();
        for (id, claim) in (1_u128..).zip(claims) {
            let named = |report: Report| Report { movement: Some(Id(id)), ..report };
            match *claim {
                Claim::Refund { part, less, only, in_parts, at } => {
                    let minor = share(captured, part).min(left);
                    let lesser = (minor - i64::from(less)).max(1);
                    if minor == 0 {
                        continue;
                    }
                    left -= minor;
                    if only != Some(Side::Payee) {
                        life.payer.push(named(self.report(Side::Payer, Kind::Refunded, minor)));
                    }
                    if only != Some(Side::Payer) {
                        let at = (own + at).min(life.payee.len());
                        life.payee.insert(at, named(self.report(Side::Payee, Kind::Refunded, lesser)));
                        if in_parts && lesser < minor {
                            life.payee.push(named(self.proven(Side::Payee, Kind::Refunded, minor - lesser)));
                        }
                    }
                }
                Claim::Dispute { part, by_payer, decided, decided_by_payer } => {
                    let minor = share(captured, part).min(left);
                    if minor == 0 {
                        continue;
                    }
                    left -= minor;
                    let side = |payer: bool| if payer { Side::Payer } else { Side::Payee };
                    let dispute = named(self.report(side(by_payer), Kind::Disputed, minor));
                    if by_payer { &mut life.payer } else { &mut life.payee }.push(dispute);
                    if let Some(won) = decided {
                        let kind = if won { Kind::DisputeWon } else { Kind::DisputeLost };
                        let decision = named(self.report(side(decided_by_payer), kind, minor));
                        if decided_by_payer { &mut life.payer } else { &mut life.payee }.push(decision);
                    }
                }
            }
        }
    }

    fn proven(&mut self, side: Side, kind: Kind, minor: i64) -> Report {
        let evidence = Evidence::BillRow { file_digest: [1; 32], row: 1 };
        Report { evidence, ..self.report(side, kind, minor) }
    }

    fn report(&mut self, side: Side, kind: Kind, minor: i64) -> Report {
        self.events += 1;
        let day = Date::parse_iso("2026-11-11").expect("a date");
        let [payer, payee] = [0, 1].map(|index| Network::from_index(index).expect("below 64"));
        Report {
            event: Id(self.events),
            network: if side == Side::Payee { payee } else { payer },
            side,
            payment: Id(1),
            movement: None,
            kind,
            payer,
            payee,
            payer_institution: Name::NONE,
            payee_institution: Name::NONE,
            channel: Name::NONE,
            scan: Scan::None,
            code: None,
            minor,
            currency: CNY,
            evidence: Evidence::None,
            region: Name::NONE,
            cohort: Name::NONE,
            occurred_at: Timestamp::from_civil(day, 43_200, 28_800),
            business_date: day,
        }
    }
}

/// So many thousandths, at least one minor unit.
fn share(minor: i64, thousandths: u16) -> i64 {
    i64::try_from(i128::from(minor) * i128::from(thousandths) / 1_000).expect("less than the whole").max(1)
}
