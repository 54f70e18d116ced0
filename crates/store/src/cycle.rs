//! The record of a settlement cycle. A plain struct: the domain's cycle keeps its institutions to itself, and what is
//! stored should not change because that does.

use std::collections::BTreeMap;

use domain::cycle::{CycleId, CycleState, Flow, Flows};
use domain::ids::{Name, Network, Party};

use crate::bytes::{Reader, put_i128, put_u64};
use crate::error::{FormatError, RecordKind};
use crate::fields::{self, put_name};

pub(crate) const VERSION: u8 = 1;

/// Everything there is to a cycle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CycleRecord {
    /// Which.
    pub id: CycleId,
    /// Where it stands.
    pub state: CycleState,
    /// Who owes whom, gross.
    pub flows: Flows,
    /// Advanced from the operator's own funds, minor units.
    pub advanced: i128,
    /// The net of every institution, minor units, positive when it is owed.
    pub institutions: BTreeMap<(Network, Name), i128>,
}

impl CycleRecord {
    /// The record.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        self.encode_into(&mut out);
        out
    }

    /// Without a version: also a part of the state record.
    pub(crate) fn encode_into(&self, out: &mut Vec<u8>) {
        out.extend(self.id.currency.to_bytes());
        put_u64(out, u64::from(self.id.number));
        put_state(out, &self.state);
        put_u64(out, self.flows.len() as u64);
        for ((debtor, creditor), flow) in &self.flows {
            out.extend([party_number(*debtor), party_number(*creditor)]);
            put_u64(out, flow.count);
            put_i128(out, flow.minor);
        }
        put_i128(out, self.advanced);
        put_u64(out, self.institutions.len() as u64);
        for ((network, name), minor) in &self.institutions {
            out.push(fields::network_number(*network));
            put_name(out, *name);
            put_i128(out, *minor);
        }
    }

    /// The inverse of [`CycleRecord::encode`].
    ///
    /// # Errors
    /// When the bytes are not a cycle of a known version.
    pub fn decode(bytes: &[u8]) -> Result<Self, FormatError> {
        let mut reader = Reader::versioned(RecordKind::Cycle, bytes, &[VERSION])?;
        let record = Self::read(&mut reader)?;
        reader.finish()?;
        Ok(record)
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, FormatError> {
        let id = CycleId { currency: fields::currency(reader)?, number: reader.u32("cycle")? };
        let state = state(reader)?;
        let mut flows = Flows::new();
        for _ in 0..reader.u64()? {
            let between = (party(reader)?, party(reader)?);
            flows.insert(between, Flow { count: reader.u64()?, minor: reader.i128()? });
        }
        let advanced = reader.i128()?;
        let mut institutions = BTreeMap::new();
        for _ in 0..reader.u64()? {
            let of = (fields::network(reader)?, fields::name(reader)?);
            institutions.insert(of, reader.i128()?);
        }
        Ok(Self { id, state, flows, advanced, institutions })
    }
}

fn put_state(out: &mut Vec<u8>, state: &CycleState) {
    out.push(match state {
        CycleState::Open => 1,
        CycleState::Closed => 2,
        CycleState::Proposed => 3,
        CycleState::Approved => 4,
        CycleState::Settling => 5,
        CycleState::Pending { .. } => 6,
        CycleState::Settled => 7,
    });
    if let CycleState::Pending { debtors } = state {
        put_u64(out, debtors.len() as u64);
        out.extend(debtors.iter().map(|debtor| fields::network_number(*debtor)));
    }
}

fn state(reader: &mut Reader<'_>) -> Result<CycleState, FormatError> {
    Ok(match reader.u8()? {
        1 => CycleState::Open,
        2 => CycleState::Closed,
        3 => CycleState::Proposed,
        4 => CycleState::Approved,
        5 => CycleState::Settling,
        6 => {
            let mut debtors = Vec::new();
            for _ in 0..reader.u64()? {
                debtors.push(fields::network(reader)?);
            }
            CycleState::Pending { debtors }
        }
        7 => CycleState::Settled,
        other => return Err(reader.unknown("cycle state", other)),
    })
}

const OPERATOR: u8 = 253;
const ESCROW: u8 = 254;

pub(crate) fn party_number(party: Party) -> u8 {
    match party {
        Party::Network(network) => fields::network_number(network),
        Party::Operator => OPERATOR,
        Party::Escrow => ESCROW,
    }
}

pub(crate) fn party(reader: &mut Reader<'_>) -> Result<Party, FormatError> {
    match reader.u8()? {
        OPERATOR => Ok(Party::Operator),
        ESCROW => Ok(Party::Escrow),
        number => {
            Network::from_index(usize::from(number)).map(Party::Network).ok_or_else(|| reader.unknown("party", number))
        }
    }
}

/// The key of a cycle, which is in the order of currency and number.
pub(crate) fn key(id: CycleId) -> [u8; 7] {
    let [a, b, c] = id.currency.to_bytes();
    let [d, e, f, g] = id.number.to_be_bytes();
    [a, b, c, d, e, f, g]
}
