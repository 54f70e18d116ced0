//! The snapshot of everything that payments share, at the mark: what a ledger begins with before it folds the last blocks.

use domain::account::Account;
use domain::book::Balance;
use domain::clearing::Register;

use crate::bytes::{Reader, put_bytes, put_i128, put_u64};
use crate::cycle::CycleRecord;
use crate::error::{FormatError, FormatReason, RecordKind};
use crate::register;

/// Version 1 had no register.
pub(crate) const VERSIONS: &[u8] = &[1, 2];
pub(crate) const VERSION: u8 = 2;

/// Plain, so that the domain's types may hide their insides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StateRecord {
    /// Every rulebook version as it was loaded, in order.
    pub rulebooks: Vec<Vec<u8>>,
    /// Every account ever posted to with both its totals, in the order of its first posting.
    pub accounts: Vec<(Account, Balance)>,
    /// Every cycle by currency and number; the last of a currency is open.
    pub cycles: Vec<CycleRecord>,
    /// Settlements, files and breaks.
    pub register: Register,
}

impl StateRecord {
    /// The record.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        put_u64(&mut out, self.rulebooks.len() as u64);
        for rulebook in &self.rulebooks {
            put_bytes(&mut out, rulebook);
        }
        put_u64(&mut out, self.accounts.len() as u64);
        for (account, balance) in &self.accounts {
            out.extend(account.to_bytes());
            put_i128(&mut out, balance.debits);
            put_i128(&mut out, balance.credits);
        }
        put_u64(&mut out, self.cycles.len() as u64);
        for cycle in &self.cycles {
            cycle.encode_into(&mut out);
        }
        register::put(&mut out, &self.register);
        out
    }

    /// The inverse of [`StateRecord::encode`].
    ///
    /// # Errors
    /// When the bytes are not a state of a known version.
    pub fn decode(bytes: &[u8]) -> Result<Self, FormatError> {
        let mut reader = Reader::versioned(RecordKind::State, bytes, VERSIONS)?;
        let mut record = Self::default();
        for _ in 0..reader.u64()? {
            record.rulebooks.push(reader.bytes()?.to_vec());
        }
        for _ in 0..reader.u64()? {
            let account = Account::from_bytes(reader.array()?);
            let account = account.ok_or_else(|| reader.error(FormatReason::Text("account")))?;
            record.accounts.push((account, Balance { debits: reader.i128()?, credits: reader.i128()? }));
        }
        for _ in 0..reader.u64()? {
            record.cycles.push(CycleRecord::read(&mut reader)?);
        }
        if bytes[0] >= VERSION {
            record.register = register::read(&mut reader)?;
        }
        reader.finish()?;
        Ok(record)
    }
}
