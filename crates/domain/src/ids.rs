//! Identifiers. Networks, institutions and channels are names of the rulebook, not an enum: adding one is a file. Inside
//! the ledger a network is its number in the rulebook (numbers are given once, in order of first appearance, and never
//! reused), so that accounts are small and comparing is cheap; names appear at the edges only.

use std::fmt;

/// A 128-bit identifier chosen by a network: of an event, of a payment, of one refund or dispute. Written as 32
/// hexadecimal digits.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(pub u128);

impl Id {
    /// `None` unless `bytes` are 16.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self(u128::from_be_bytes(bytes.try_into().ok()?)))
    }

    /// Big-endian, so that the order of bytes is the order of ids.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    /// Reads the 32 hexadecimal digits that [`fmt::Display`] writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let hex = text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
        hex.then(|| u128::from_str_radix(text, 16).ok().map(Self)).flatten()
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The position of an event in its shard's log: 1 for the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(pub u64);

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A network's number in the rulebook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network(u8);

impl Network {
    /// Networks of one rulebook; the numbers above are the operator's own lines.
    pub const COUNT_MAX: usize = 64;

    /// `None` from [`Network::COUNT_MAX`] on.
    #[must_use]
    pub fn from_index(index: usize) -> Option<Self> {
        (index < Self::COUNT_MAX).then(|| u8::try_from(index).ok().map(Self)).flatten()
    }

    /// Position in the rulebook's list of networks.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Whoever a net can be owed to or by: the networks and the operator's two lines. The nets of all parties of a cycle add
/// up to zero, always.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Party {
    /// A network.
    Network(Network),
    /// Fees earned, losses and advances: the operator's own funds.
    Operator,
    /// Disputes and suspense: other people's money, kept apart.
    Escrow,
}

/// A short identifier of the rulebook: an institution, a channel, a region, a cohort. At most 15 bytes of printable ASCII
/// without spaces; empty means that none was given.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name([u8; 15]);

impl Name {
    /// Nothing was given.
    pub const NONE: Self = Self([0; 15]);

    /// `None` when the text is longer than 15 bytes or holds anything but visible ASCII.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let mut bytes = [0; 15];
        bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        text.bytes().all(|b| b.is_ascii_graphic()).then_some(Self(bytes))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let length = self.0.iter().position(|&b| b == 0).unwrap_or(self.0.len());
        std::str::from_utf8(&self.0[..length]).expect("constructed from ASCII")
    }

    /// Whether no name was given.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.0[0] == 0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_back_as_written_and_nothing_else_is_an_id() {
        let id = Id(0x0123_4567_89ab_cdef_0011_2233_4455_6677);
        assert_eq!(Id::parse(&id.to_string()), Some(id));
        assert_eq!(Id::from_bytes(&id.to_bytes()), Some(id));
        assert_eq!(Id::from_bytes(&[0; 15]), None);
        assert_eq!(Id::parse("+123456789abcdef00112233445566770"), None);
        assert_eq!(Id::parse("01"), None);
    }

    #[test]
    fn names_are_short_visible_ascii() {
        assert_eq!(Name::new("48020000").map(|n| n.to_string()), Some("48020000".to_owned()));
        assert_eq!(Name::new(""), Some(Name::NONE));
        assert_eq!(Name::new("0123456789abcde").map(|n| n.as_str().len()), Some(15));
        assert_eq!(Name::new("0123456789abcdef"), None);
        assert_eq!(Name::new("a b"), None);
        assert_eq!(Name::new("支付宝"), None);
    }
}
