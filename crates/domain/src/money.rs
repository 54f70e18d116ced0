//! Money is an integer of minor units in one ISO 4217 currency, never a floating number and never a bare integer at an
//! interface. Decimals appear in two places only: rates (a fee is a rate times an amount, rounded half up to one minor
//! unit) and the text of files. This module does not know which currencies exist: that is the rulebook's business.

use std::fmt;

use rust_decimal::Decimal;
use thiserror::Error;

/// An ISO 4217 currency by its three capital letters, for example `CNY`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

/// 人民币, the currency of every corridor in the default rulebook.
pub const CNY: Currency = Currency(*b"CNY");

impl Currency {
    /// `None` unless `code` is three ASCII capital letters.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        let letters: [u8; 3] = code.as_bytes().try_into().ok()?;
        letters.iter().all(u8::is_ascii_uppercase).then_some(Self(letters))
    }

    /// The three letters.
    #[must_use]
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).expect("constructed from ASCII letters")
    }

    /// The three letters as bytes: the form of record formats.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 3] {
        self.0
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A non-negative quantity of one currency, counted in that currency's minor unit (fen for `CNY`).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Amount {
    minor: i64,
    currency: Currency,
}

impl Amount {
    /// `None` for a negative quantity: direction is said by debit and credit, never by a sign.
    #[must_use]
    pub const fn new(minor: i64, currency: Currency) -> Option<Self> {
        if minor < 0 { None } else { Some(Self { minor, currency }) }
    }

    /// Minor units, never negative.
    #[must_use]
    pub const fn minor(self) -> i64 {
        self.minor
    }

    /// The currency counted in.
    #[must_use]
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// `None` when the currencies differ or the sum leaves the representable range.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        if self.currency != other.currency {
            return None;
        }
        Some(Self { minor: self.minor.checked_add(other.minor)?, currency: self.currency })
    }
}

impl fmt::Debug for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.minor, self.currency)
    }
}

/// A proportion in millionths: 0.35 % is 3,500. Rates of the rulebook have at most four decimals of a per cent, so this is
/// exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(u32);

impl Rate {
    /// Nothing is charged.
    pub const ZERO: Self = Self(0);
    const ONE: i128 = 1_000_000;

    /// `None` above 100 %.
    #[must_use]
    pub const fn from_millionths(millionths: u32) -> Option<Self> {
        if millionths as i128 > Self::ONE { None } else { Some(Self(millionths)) }
    }

    /// Reads `0.35%`; `None` when it is not a per cent figure of at most four decimals between 0 and 100.
    #[must_use]
    pub fn from_percent(text: &str) -> Option<Self> {
        let millionths = minor_from_decimal(text.strip_suffix('%')?, 4).ok()?;
        Self::from_millionths(u32::try_from(millionths).ok()?)
    }

    /// In millionths.
    #[must_use]
    pub const fn millionths(self) -> u32 {
        self.0
    }

    /// The rate of `minor`, rounded half up to one minor unit (domain rule: fees are rounded per payment, never on sums).
    #[must_use]
    pub fn of(self, minor: i64) -> i64 {
        // A rate is at most one, so the result lies between zero and `minor` and every division below is exact in range.
        scale_half_up(minor, i64::from(self.0), 1_000_000)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", Decimal::new(i64::from(self.0), 4).normalize())
    }
}

/// `amount x numerator / denominator`, rounded half up (away from zero below it), for `0 <= numerator <= denominator`.
/// This is `round_half_up` of the rules: a fee, and the share of a fee that goes back with a partial refund.
///
/// # Panics
/// When the denominator is not positive or the proportion is not between 0 and 1: a caller's mistake, not an input.
#[must_use]
pub fn scale_half_up(amount: i64, numerator: i64, denominator: i64) -> i64 {
    assert!(denominator > 0 && (0..=denominator).contains(&numerator), "a proportion lies between 0 and 1");
    let product = i128::from(amount.unsigned_abs()) * i128::from(numerator);
    let denominator = i128::from(denominator);
    let rounded = (product * 2 + denominator) / (denominator * 2);
    let rounded = i64::try_from(rounded).expect("a proportion of an i64 is an i64");
    if amount < 0 { -rounded } else { rounded }
}

/// Why a text is not an amount of money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ParseMoneyError {
    /// Something other than an optional minus, digits, and at most one point with digits after it.
    #[error("is not a plain decimal number")]
    NotDecimal,
    /// More precision than the currency has, and the digits beyond it are not zero.
    #[error("has a fraction below one minor unit")]
    BelowMinorUnit,
    /// More than an `i64` of minor units.
    #[error("is out of range")]
    OutOfRange,
}

/// Reads a decimal text as minor units of a currency with `exponent` decimals: `"12.5"` with 2 is 1,250.
///
/// Decimals beyond the exponent are accepted when they are zero (WeChat prints fees as `0.04000`), refused otherwise.
/// Exponents, separators, a leading plus, full-width digits and a missing digit before the point are refused: what a
/// library accepts there has changed between versions, and a file that does so is not of a known layout.
///
/// # Errors
/// [`ParseMoneyError`] says which of the three rules the text breaks.
pub fn minor_from_decimal(text: &str, exponent: u32) -> Result<i64, ParseMoneyError> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(whole, fraction)| (whole, Some(fraction)));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !all_digits(whole) || !fraction.is_none_or(all_digits) {
        return Err(ParseMoneyError::NotDecimal);
    }
    let kept = usize::try_from(exponent).unwrap_or(usize::MAX);
    let fraction = fraction.unwrap_or("");
    let (fraction, beyond) = fraction.split_at(fraction.len().min(kept));
    if beyond.bytes().any(|digit| digit != b'0') {
        return Err(ParseMoneyError::BelowMinorUnit);
    }
    let padding = std::iter::repeat_n(b'0', kept - fraction.len());
    let mut minor: i64 = 0;
    for digit in whole.bytes().chain(fraction.bytes()).chain(padding) {
        let digit = i64::from(digit - b'0');
        minor = minor
            .checked_mul(10)
            .and_then(|tens| if negative { tens.checked_sub(digit) } else { tens.checked_add(digit) })
            .ok_or(ParseMoneyError::OutOfRange)?;
    }
    Ok(minor)
}

/// Writes minor units as a decimal text with exactly `exponent` decimals: 1,250 with 2 is `12.50`.
#[must_use]
pub fn decimal_from_minor(minor: i128, exponent: u32) -> String {
    let sign = if minor < 0 { "-" } else { "" };
    let width = usize::try_from(exponent).unwrap_or(0);
    let digits = format!("{:0>width$}", minor.unsigned_abs(), width = width + 1);
    let (whole, fraction) = digits.split_at(digits.len() - width);
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_texts_are_read_exactly_or_refused() {
        use ParseMoneyError::{BelowMinorUnit, NotDecimal, OutOfRange};
        for (text, expected) in [
            ("0", Ok(0)),
            ("0.0", Ok(0)),
            ("0.01", Ok(1)),
            ("-0.01", Ok(-1)),
            ("12.5", Ok(1_250)),
            ("0.04000", Ok(4)),
            ("32903.45", Ok(3_290_345)),
            ("92233720368547758.07", Ok(i64::MAX)),
            ("-92233720368547758.08", Ok(i64::MIN)),
            ("92233720368547758.08", Err(OutOfRange)),
            ("0.005", Err(BelowMinorUnit)),
            ("", Err(NotDecimal)),
            ("-", Err(NotDecimal)),
            (".5", Err(NotDecimal)),
            ("5.", Err(NotDecimal)),
            ("+1.50", Err(NotDecimal)),
            ("1e3", Err(NotDecimal)),
            ("1_000.50", Err(NotDecimal)),
            ("1,000.50", Err(NotDecimal)),
            ("1.2.3", Err(NotDecimal)),
            ("１.00", Err(NotDecimal)),
            (" 1.00", Err(NotDecimal)),
        ] {
            assert_eq!(minor_from_decimal(text, 2), expected, "{text:?}");
        }
    }

    #[test]
    fn minor_units_are_written_with_the_decimals_of_the_currency() {
        assert_eq!(decimal_from_minor(5, 2), "0.05");
        assert_eq!(decimal_from_minor(-125_000, 2), "-1250.00");
        assert_eq!(decimal_from_minor(7, 0), "7");
        assert_eq!(decimal_from_minor(-7, 3), "-0.007");
    }

    #[test]
    fn fees_round_half_up_per_payment() {
        let acquirer = Rate::from_percent("0.6%").expect("0.6 % is a rate");
        // The eight rows of a public UnionPay file and a WeChat row agree with this rule: 32.50 yuan costs 0.20.
        for (amount, fee) in [(476_800, 2_861), (83_800, 503), (9_900, 59), (3_250, 20), (600, 4), (0, 0)] {
            assert_eq!(acquirer.of(amount), fee, "fee of {amount}");
        }
        assert_eq!(acquirer.to_string(), "0.6%");
        assert_eq!(Rate::from_percent("0.0325%").map(Rate::millionths), Some(325));
        assert_eq!(Rate::from_percent("100.0001%"), None);
        assert_eq!(scale_half_up(i64::MAX, 1, 1), i64::MAX);
        assert_eq!(scale_half_up(-5, 1, 2), -3);
    }

    #[test]
    fn adding_two_currencies_or_past_the_range_is_refused() {
        let usd = Currency::from_code("USD").expect("USD is a code");
        let one = Amount::new(1, CNY).expect("not negative");
        assert_eq!(one.checked_add(Amount::new(1, usd).expect("not negative")), None);
        assert_eq!(one.checked_add(Amount::new(i64::MAX, CNY).expect("not negative")), None);
        assert_eq!(Amount::new(-1, CNY), None);
        assert_eq!(Currency::from_code("cny"), None);
        assert_eq!(Currency::from_code("CNYX"), None);
    }
}
