//! What payments cost: the merchant's fee, which stands in events and bill files, and the fees between the networks, which
//! stand in the ledger only. Written from the tariff, not from the code that charges it.

/// The merchant's fee in millionths of the amount: 0.60 %, 0.60 % and 0.55 %, by network.
const MERCHANT_MILLIONTHS: [i64; 3] = [6_000, 6_000, 5_500];
/// The same as the wallets print it.
pub(super) const MERCHANT_RATES: [&str; 3] = ["0.60%", "0.60%", "0.55%"];

const MILLION: i64 = 1_000_000;

/// `minor * part / whole`, half up.
fn half_up(minor: i64, part: i64, whole: i64) -> i64 {
    let (minor, part, whole) = (i128::from(minor), i128::from(part), i128::from(whole));
    i64::try_from((2 * minor * part + whole) / (2 * whole)).expect("a part of an amount is an amount")
}

/// What a network takes from the merchant for a payment of so much.
pub(super) fn merchant(network: usize, minor: i64) -> i64 {
    half_up(minor, MERCHANT_MILLIONTHS[network], MILLION)
}

/// Fees between the networks: interchange, then the network fee of the payer's and the payee's side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Fees {
    pub interchange: i64,
    pub network: i64,
}

impl Fees {
    /// Of a capture: 0.35 % and at most 13 yuan, 0.0325 % and at most 3.25 yuan for each side.
    pub(super) fn of(captured: i64) -> Self {
        let capped = |millionths, cap: i64| half_up(captured, millionths, MILLION).min(cap);
        Self { interchange: capped(3_500, 1_300), network: capped(325, 325) }
    }

    /// What goes back when so much of the capture has gone back, rounded once on the whole.
    pub(super) fn returned(self, refunded: i64, captured: i64) -> Self {
        let share = |fee| half_up(fee, refunded, captured);
        Self { interchange: share(self.interchange), network: share(self.network) }
    }

    pub(super) const fn less(self, other: Self) -> Self {
        Self { interchange: self.interchange - other.interchange, network: self.network - other.network }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fees_are_those_of_the_tariff_rounded_half_up_and_capped() {
        assert_eq!((merchant(0, 476_800), merchant(1, 3_250), merchant(2, 1_000)), (2_861, 20, 6));
        assert_eq!(Fees::of(10_000), Fees { interchange: 35, network: 3 });
        assert_eq!(Fees::of(50_000), Fees { interchange: 175, network: 16 });
        assert_eq!(Fees::of(100_000_000), Fees { interchange: 1_300, network: 325 });
        assert_eq!(Fees::of(50_000).returned(20_000, 50_000), Fees { interchange: 70, network: 6 });
    }
}
