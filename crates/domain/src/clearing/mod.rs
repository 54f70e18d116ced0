//! What the clearing house keeps beside payments and balances: settlements with their instructions, the networks' files, and
//! breaks.

mod records;

pub use records::{
    BillFile, BillRow, BillTotals, Booking, Break, ControlTotals, Ending, FileDigest, Finding, Match, MatchKey,
    Resolution, Signature,
};
