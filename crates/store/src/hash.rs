//! The keyed hash that ids are looked up by: SipHash-1-3 with 128 bits of result. The key is drawn once for each data
//! directory and never leaves it, so that nobody who chooses ids can make them collide or fill one line of a filter. The
//! key is not part of the truth: a store rebuilt from the log has another one.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher as _;

use domain::ids::{Id, Network};
use siphasher::sip128::SipHasher13;

/// What an event id, a command's idempotency key or a payment id hashes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdDigest(pub u128);

impl IdDigest {
    /// The half that filters work on.
    pub(crate) const fn for_filter(self) -> u64 {
        let [.., a, b, c, d, e, f, g, h] = self.0.to_le_bytes();
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }
}

/// 16 secret bytes.
#[derive(Clone)]
pub struct HashKey {
    bytes: [u8; 16],
    hasher: SipHasher13,
}

impl PartialEq for HashKey {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for HashKey {}

const EVENT: u8 = 1;
const COMMAND: u8 = 2;
const PAYMENT: u8 = 3;

impl HashKey {
    /// A key of given bytes: for tests and simulations, and for a directory that has one.
    #[must_use]
    pub fn new(bytes: [u8; 16]) -> Self {
        Self { bytes, hasher: SipHasher13::new_with_key(&bytes) }
    }

    /// A key nobody knows, from the randomness that the system gives to the standard library's hash maps.
    #[must_use]
    pub fn random() -> Self {
        let state = RandomState::new();
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&state.hash_one(1_u8).to_le_bytes());
        bytes[8..].copy_from_slice(&state.hash_one(2_u8).to_le_bytes());
        Self::new(bytes)
    }

    /// The bytes, to be kept in the directory.
    pub(crate) const fn to_bytes(&self) -> [u8; 16] {
        self.bytes
    }

    /// An event id, unique for its network.
    #[must_use]
    pub fn event(&self, network: Network, event: Id) -> IdDigest {
        let [number, ..] = network.index().to_le_bytes();
        let mut bytes = [0; 18];
        (bytes[0], bytes[1]) = (EVENT, number);
        bytes[2..].copy_from_slice(&event.to_bytes());
        self.digest(&bytes)
    }

    /// The idempotency key of a command, unique for its principal.
    #[must_use]
    pub fn command(&self, principal: &str, idempotency_key: &str) -> IdDigest {
        let mut bytes = Vec::with_capacity(9 + principal.len() + idempotency_key.len());
        bytes.push(COMMAND);
        bytes.extend((principal.len() as u64).to_be_bytes());
        bytes.extend(principal.as_bytes());
        bytes.extend(idempotency_key.as_bytes());
        self.digest(&bytes)
    }

    /// A payment id.
    #[must_use]
    pub fn payment(&self, payment: Id) -> IdDigest {
        let mut bytes = [PAYMENT; 17];
        bytes[1..].copy_from_slice(&payment.to_bytes());
        self.digest(&bytes)
    }

    fn digest(&self, bytes: &[u8]) -> IdDigest {
        IdDigest(self.hasher.hash(bytes).as_u128())
    }
}

impl fmt::Debug for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashKey(secret)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_depend_on_the_key_the_network_and_what_is_hashed() {
        let (a, b) = (HashKey::new([1; 16]), HashKey::new([2; 16]));
        let [zero, one] = [0, 1].map(|index| Network::from_index(index).expect("a network"));
        let digests = [
            a.event(zero, Id(7)),
            a.event(one, Id(7)),
            a.event(zero, Id(8)),
            a.payment(Id(7)),
            a.command("ab", "c"),
            a.command("a", "bc"),
            b.event(zero, Id(7)),
        ];
        let distinct: std::collections::BTreeSet<_> = digests.iter().collect();
        assert_eq!(distinct.len(), digests.len());
        assert_eq!(a.event(zero, Id(7)), HashKey::new([1; 16]).event(zero, Id(7)));
        assert_ne!(HashKey::random(), HashKey::random());
        assert_eq!(format!("{a:?}"), "HashKey(secret)");
    }
}
