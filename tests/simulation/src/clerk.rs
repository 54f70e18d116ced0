//! What operators, the settlement bank and the reconciliation worker order. They look at the newest durable state and mostly
//! ask for what comes next there; sometimes for what cannot be, sometimes twice, sometimes under a key that was used.

mod breaks;
mod desk;

use domain::ids::Id;
use domain::state::View;
use ledger::Snapshot;
use wire::control::compose;
use wire::control::v1::{self, control_command::Command as Content};

use self::desk::Desk;
use crate::networks::{Known, Produced};
use crate::random::Random;

const PRINCIPALS: [&str; 4] = ["anna", "anna", "bo", "worker"];

/// A command before it has a record.
type Asked = (&'static str, Content);

/// Whoever gives orders.
pub struct Clerk {
    random: Random,
    /// The digests of the files that were told of.
    pub files: Vec<[u8; 32]>,
    sent: Vec<(String, String, Produced)>,
    bookings: u64,
}

impl Clerk {
    /// A clerk that does as `random` says.
    #[must_use]
    pub const fn new(random: Random) -> Self {
        Self { random, files: Vec::new(), sent: Vec::new(), bookings: 0 }
    }

    /// The next command, given what is durable and what the networks are busy with.
    pub fn order(&mut self, snapshot: &Snapshot, known: &[Known]) -> Produced {
        match self.random.weighted(&[(86, 0), (3, 1), (3, 2), (3, 3), (2, 4)]) {
            1 if !self.sent.is_empty() => {
                let (.., again) = self.random.pick(&self.sent);
                return Produced { kind: "command again, same bytes", ..again.clone() };
            }
            2 if !self.sent.is_empty() => return self.reuse(snapshot, known),
            3 => return self.malformed(),
            4 => return self.noise(),
            _ => {}
        }
        let (kind, content) = self.ask(snapshot, known);
        let principal = (*self.random.pick(&PRINCIPALS)).to_owned();
        let key = format!("{:x}", self.random.next());
        self.record(kind, principal, key, content)
    }

    /// Money for everybody: what a day begins with.
    pub fn fund(&mut self, network: &str, currency: &str, minor: i64) -> Produced {
        let content = self.prefund(network, currency, minor);
        let key = format!("{:x}", self.random.next());
        self.record("command ConfirmPrefund", "bank".to_owned(), key, content)
    }

    fn record(&mut self, kind: &'static str, principal: String, key: String, content: Content) -> Produced {
        let id = Id(u128::from_be_bytes(self.random.bytes()));
        let (record_key, raw) = compose::record(id, &principal, &key, content);
        let produced = Produced { topic: 0, key: record_key, raw, kind };
        self.sent.push((principal, key, produced.clone()));
        produced
    }

    /// Another command under a key that was used.
    fn reuse(&mut self, snapshot: &Snapshot, known: &[Known]) -> Produced {
        let (principal, key, _) = self.random.pick(&self.sent).clone();
        let (_, content) = self.ask(snapshot, known);
        self.record("command under a used key", principal, key, content)
    }

    fn malformed(&mut self) -> Produced {
        let cycle = Some(wire::common::v1::CycleRef { currency_code: "XXX".to_owned(), number: 1 });
        let amount = Some(wire::common::v1::Amount { currency_code: "CNY".to_owned(), minor_units: 0 });
        let content = match self.random.below(4) {
            0 => Content::ProposeSettlement(v1::ProposeSettlement { cycle }),
            1 => Content::ApproveSettlement(v1::ApproveSettlement::default()),
            2 => Content::ConfirmPrefund(v1::ConfirmPrefund {
                network: "tenpay".to_owned(),
                amount,
                ..Default::default()
            }),
            _ => Content::RecordMatches(v1::RecordMatches {
                file_digest: vec![1; 31],
                matches: vec![v1::Match::default()],
            }),
        };
        let key = format!("{:x}", self.random.next());
        self.record("command malformed", "anna".to_owned(), key, content)
    }

    /// No command at all; once in a while longer than one may be.
    fn noise(&mut self) -> Produced {
        let (raw, kind) = match self.random.below(8) {
            0 => (vec![0x0A; (1 << 20) + 1], "command too long"),
            1..=3 => (Vec::new(), "command without a name"),
            _ => ((0..4).flat_map(|_| self.random.bytes()).collect(), "command noise"),
        };
        Produced { topic: 0, key: Vec::new(), raw, kind }
    }

    fn prefund(&mut self, network: &str, currency: &str, minor: i64) -> Content {
        let amount = Some(wire::common::v1::Amount { currency_code: currency.to_owned(), minor_units: minor });
        let (network, bank_reference) = (network.to_owned(), self.booking());
        Content::ConfirmPrefund(v1::ConfirmPrefund { network, amount, bank_reference })
    }

    /// The bank's number of a booking; sometimes one that it has used.
    fn booking(&mut self) -> String {
        if !self.random.one_in(12) {
            self.bookings += 1;
        }
        format!("booking {}", self.bookings)
    }

    fn ask(&mut self, snapshot: &Snapshot, known: &[Known]) -> Asked {
        let booking = self.booking();
        let state = &snapshot.state;
        let rules = state.rules().current();
        let mut desk = Desk { random: &mut self.random, state, rules, known, sequence: snapshot.sequence };
        let asked = match desk.random.below(100) {
            0..=2 => desk.prefund(booking),
            3..=4 => desk.withdraw(booking),
            5 => desk.sweep(booking),
            6..=9 => desk.cut_over(),
            10..=41 => desk.settle(),
            42..=45 => desk.record_file(&mut self.files),
            46..=49 => desk.record_matches(),
            50..=56 => desk.record_breaks(),
            57..=61 => desk.resolve_break(),
            62..=65 => desk.hold_long(),
            66..=68 => desk.resolve_long(),
            69..=73 => desk.advance_short(),
            74 => desk.recover_short(),
            75..=81 => desk.write_off_short(),
            82..=85 => desk.complete(),
            86..=93 => desk.return_to_transit(),
            94..=95 => desk.adjust_fee(),
            96..=97 => desk.load_rulebook(),
            98 => desk.release(),
            _ => desk.made_anew(),
        };
        self.files.dedup();
        asked
    }
}
