//! What a record says, as far as that does not depend on the records before it: who sends it, whether it can be read, and
//! by which digests to look it up. Only the rulebook is needed, and of that only the version in force.

use std::sync::Arc;

use domain::directive::Codec;
use domain::ids::{Id, Network};
use domain::rejection::Quarantine;
use domain::report::{Report, Submission};
use domain::rulebook::Rulebook;
use store::genesis::Genesis;
use store::hash::{HashKey, IdDigest};

use crate::error::Error;
use crate::input::Input;

/// A payment event may not be longer than this; twenty times the mean.
pub const RECORD_BYTES_MAX: usize = 4_096;

/// What a source carries.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Role {
    /// Events of the network of this name, once the rulebook has it.
    Payments(String, Option<Network>),
    /// Commands.
    Control,
}

impl Role {
    fn of(topic: &str) -> Self {
        topic.strip_prefix("payments.").map_or(Self::Control, |network| Self::Payments(network.to_owned(), None))
    }
}

/// What a record says.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every record is an event, and a box each is what this is to spare"
)]
pub(crate) enum Reading {
    /// A command. What it asks for is read in its turn, because commands change what the next ones may name.
    Command,
    /// Nothing that anybody could be answered for.
    Unread(Quarantine),
    /// A payment event with an id, and then its content or what is wrong with it.
    Event(IdDigest, Result<Said, Quarantine>),
}

/// The content of a payment event.
pub(crate) struct Said {
    pub(crate) payment: IdDigest,
    pub(crate) report: Report,
}

/// Reads records under one rulebook version.
#[derive(Clone)]
pub(crate) struct Intake {
    pub(crate) codec: Arc<dyn Codec>,
    pub(crate) hash: HashKey,
    roles: Vec<Role>,
    version: u32,
}

impl Intake {
    pub(crate) fn new(codec: Arc<dyn Codec>, hash: HashKey, genesis: &Genesis, rules: &Rulebook) -> Self {
        let roles = genesis.sources.iter().map(|source| Role::of(&source.topic)).collect();
        let mut intake = Self { codec, hash, roles, version: 0 };
        intake.follow(rules);
        intake
    }

    /// The version that records are read under.
    pub(crate) const fn version(&self) -> u32 {
        self.version
    }

    /// Goes over to this version: finds the network of every topic in it.
    pub(crate) fn follow(&mut self, rules: &Rulebook) {
        if self.version == rules.version {
            return;
        }
        self.version = rules.version;
        for role in &mut self.roles {
            if let Role::Payments(name, network) = role {
                *network = rules.network(name);
            }
        }
    }

    /// Reads a record. Its key must be the payment's id, unless `key` is `None`: for an entry of the log whose key was.
    pub(crate) fn read(&self, input: &Input<'_>, key: Option<&[u8]>, rules: &Rulebook) -> Result<Reading, Error> {
        let role = self.roles.get(usize::from(input.source));
        let role = role.ok_or(Error::UnknownSource { source_index: input.source })?;
        let unread = |code| Ok(Reading::Unread(code));
        let network = match *role {
            Role::Control => return Ok(Reading::Command),
            Role::Payments(_, None) => return unread(Quarantine::UnknownNetworkNamed),
            Role::Payments(_, Some(network)) => network,
        };
        if input.raw.len() > RECORD_BYTES_MAX {
            return unread(Quarantine::RecordTooLong);
        }
        let submission = match self.codec.event(input.raw) {
            Ok(submission) => submission,
            Err(quarantine) => return unread(quarantine),
        };
        if key.is_some_and(|key| key != submission.payment_id) {
            return unread(Quarantine::KeyMismatch);
        }
        let Some(event) = Id::from_bytes(submission.event_id) else {
            let missing = submission.event_id.is_empty();
            return unread(if missing { Quarantine::MissingField } else { Quarantine::InvalidField });
        };
        let said = form(input, network, &submission, rules);
        let said = said.map(|report| Said { payment: self.hash.payment(report.payment), report });
        Ok(Reading::Event(self.hash.event(network, event), said))
    }
}

fn form(
    input: &Input<'_>,
    network: Network,
    submission: &Submission<'_>,
    rules: &Rulebook,
) -> Result<Report, Quarantine> {
    let report = Report::new(submission, input.arrived_at, rules)?;
    if report.network == network { Ok(report) } else { Err(Quarantine::WrongReporter) }
}
