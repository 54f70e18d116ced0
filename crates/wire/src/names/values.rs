//! Amounts, cycles, dates and times. What is `Option` here is so because the wire's type is wider than the domain's.

use domain::cycle::CycleId;
use domain::money::{Amount, Currency};
use domain::time::{Date, Timestamp};

use crate::common::v1;

impl From<Amount> for v1::Amount {
    fn from(amount: Amount) -> Self {
        Self { currency_code: amount.currency().code().to_owned(), minor_units: amount.minor() }
    }
}

/// `None` for a negative amount and for a code that is not three capital letters.
#[must_use]
pub fn amount(sent: &v1::Amount) -> Option<Amount> {
    Amount::new(sent.minor_units, Currency::from_code(&sent.currency_code)?)
}

impl From<CycleId> for v1::CycleRef {
    fn from(cycle: CycleId) -> Self {
        Self { currency_code: cycle.currency.code().to_owned(), number: cycle.number.into() }
    }
}

/// `None` for a code that is not three capital letters and for a number that no cycle can have.
#[must_use]
pub fn cycle(sent: &v1::CycleRef) -> Option<CycleId> {
    let number = u32::try_from(sent.number).ok().filter(|number| *number > 0)?;
    Some(CycleId { currency: Currency::from_code(&sent.currency_code)?, number })
}

/// The decimal number yyyymmdd.
#[must_use]
pub fn business_date_number(date: Date) -> i32 {
    let (year, month, day) = date.ymd();
    let below_year = i32::try_from(month * 100 + day).expect("a month and a day have four digits");
    year.saturating_mul(10_000).saturating_add(below_year)
}

/// The date of a number yyyymmdd, if it is one.
#[must_use]
pub fn business_date(number: i32) -> Option<Date> {
    let below_year = u32::try_from(number.checked_rem(10_000)?).ok()?;
    Date::from_ymd(number / 10_000, below_year / 100, below_year % 100)
}

/// A moment as gRPC answers write it.
#[must_use]
pub fn timestamp(at: Timestamp) -> prost_types::Timestamp {
    let seconds = at.micros().div_euclid(1_000_000);
    let micros = i32::try_from(at.micros().rem_euclid(1_000_000)).expect("a remainder of a million");
    prost_types::Timestamp { seconds, nanos: micros * 1_000 }
}

#[cfg(test)]
mod tests {
    use domain::money::CNY;

    use super::*;

    #[test]
    fn amounts_and_cycles_come_back_and_what_the_domain_cannot_hold_is_nothing() {
        let one = Amount::new(1, CNY).expect("not negative");
        assert_eq!(amount(&one.into()), Some(one));
        assert_eq!(amount(&v1::Amount { currency_code: "CNY".to_owned(), minor_units: -1 }), None);
        assert_eq!(amount(&v1::Amount { currency_code: "cny".to_owned(), minor_units: 1 }), None);

        let last = CycleId { currency: CNY, number: u32::MAX };
        assert_eq!(cycle(&last.into()), Some(last));
        for number in [0, u64::from(u32::MAX) + 1] {
            assert_eq!(cycle(&v1::CycleRef { currency_code: "CNY".to_owned(), number }), None);
        }
    }

    #[test]
    fn dates_come_back_from_their_number() {
        for (year, month, day) in [(1, 1, 1), (2024, 2, 29), (2025, 11, 11), (9999, 12, 31)] {
            let date = Date::from_ymd(year, month, day).expect("a date");
            assert_eq!(business_date(business_date_number(date)), Some(date));
        }
        assert_eq!(business_date_number(Date::from_ymd(2025, 11, 11).expect("a date")), 20_251_111);
        for number in [0, -20_251_111, 20_250_229, 20_251_301, 1_111, i32::MAX, i32::MIN] {
            assert_eq!(business_date(number), None, "{number}");
        }
    }

    #[test]
    fn moments_before_the_epoch_have_positive_nanos() {
        let just_before = timestamp(Timestamp::from_micros(-1));
        assert_eq!((just_before.seconds, just_before.nanos), (-1, 999_999_000));
        let after = timestamp(Timestamp::from_micros(1_762_790_400_000_001));
        assert_eq!((after.seconds, after.nanos), (1_762_790_400, 1_000));
    }
}
