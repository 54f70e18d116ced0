//! Three times are kept of every event: when it happened, when it was recorded, and the settlement cycle it was booked in.
//! All are data; nothing here reads a clock. A network's business date is a civil date at that network's offset from UTC,
//! moved to the next day from the network's cut-off on (UnionPay: 23:00 belongs to the next day).

use std::fmt;

/// Microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

const MICROS_A_SECOND: i64 = 1_000_000;
const SECONDS_A_DAY: i64 = 86_400;

impl Timestamp {
    /// From microseconds since the epoch.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// The instant `seconds` after midnight of `date` at an offset of `offset_seconds` east of UTC.
    #[must_use]
    pub const fn from_civil(date: Date, seconds: u32, offset_seconds: i32) -> Self {
        let days = date.days_since_epoch() as i64;
        Self((days * SECONDS_A_DAY + seconds as i64 - offset_seconds as i64) * MICROS_A_SECOND)
    }

    /// Microseconds from `earlier` to `self`, saturating at the ends of the range.
    #[must_use]
    pub const fn micros_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The civil date and the second of the day at an offset east of UTC.
    #[must_use]
    pub fn civil(self, offset_seconds: i32) -> (Date, u32) {
        let seconds = self.0.div_euclid(MICROS_A_SECOND).saturating_add(i64::from(offset_seconds));
        let days =
            i32::try_from(seconds.div_euclid(SECONDS_A_DAY)).expect("an i64 of microseconds is 107 million days");
        let second = u32::try_from(seconds.rem_euclid(SECONDS_A_DAY)).expect("a remainder of 86,400");
        (Date(days), second)
    }
}

/// A civil date of the proleptic Gregorian calendar.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(i32);

impl Date {
    /// `None` when the three numbers are not a date between the years 1 and 9999.
    #[must_use]
    pub fn from_ymd(year: i32, month: u32, day: u32) -> Option<Self> {
        if !(1..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return None;
        }
        let date = Self(days_from_civil(year, month, day));
        (date.ymd() == (year, month, day)).then_some(date)
    }

    /// Reads `2026-11-23`.
    #[must_use]
    pub fn parse_iso(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
            return None;
        }
        Self::from_digits(&[&text[0..4], &text[5..7], &text[8..10]])
    }

    /// Reads `20261123`.
    #[must_use]
    pub fn parse_compact(text: &str) -> Option<Self> {
        if text.len() != 8 || !text.is_ascii() {
            return None;
        }
        Self::from_digits(&[&text[0..4], &text[4..6], &text[6..8]])
    }

    fn from_digits(parts: &[&str; 3]) -> Option<Self> {
        if !parts.iter().all(|part| part.bytes().all(|b| b.is_ascii_digit())) {
            return None;
        }
        Self::from_ymd(parts[0].parse().ok()?, parts[1].parse().ok()?, parts[2].parse().ok()?)
    }

    /// Days since 1970-01-01: the form of record formats.
    #[must_use]
    pub const fn days_since_epoch(self) -> i32 {
        self.0
    }

    /// The inverse of [`Date::days_since_epoch`].
    #[must_use]
    pub const fn from_days_since_epoch(days: i32) -> Self {
        Self(days)
    }

    /// Year, month 1-12 and day 1-31.
    #[must_use]
    pub fn ymd(self) -> (i32, u32, u32) {
        civil_from_days(self.0)
    }

    /// The date `days` later (earlier when negative).
    #[must_use]
    pub const fn plus_days(self, days: i32) -> Self {
        Self(self.0.saturating_add(days))
    }

    /// Saturday or Sunday. Not the same as a holiday: see [`Calendar`].
    #[must_use]
    pub const fn is_weekend(self) -> bool {
        // 1970-01-01 was a Thursday; with Monday as 0 that is 3.
        (self.0 as i64 + 3).rem_euclid(7) >= 5
    }

    /// `20261123`.
    #[must_use]
    pub fn compact(self) -> String {
        let (year, month, day) = self.ymd();
        format!("{year:04}{month:02}{day:02}")
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.ymd();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl fmt::Debug for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Years are counted from March, so that the leap day is the last of its year and a month's first day is a linear
/// function of its number; 146,097 days are 400 years.
fn days_from_civil(year: i32, month: u32, day: u32) -> i32 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = i32::try_from((month + 9) % 12).expect("below 12");
    let day_of_year = (153 * month_from_march + 2) / 5 + i32::try_from(day).expect("at most 31") - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn civil_from_days(days: i32) -> (i32, u32, u32) {
    let shifted = i64::from(days) + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let small = |n: i64| u32::try_from(n).expect("a day or month");
    (i32::try_from(year).expect("days are an i32, so years are"), small(month), small(day))
}

/// When a network's business day begins, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BusinessDay {
    /// Seconds east of UTC. China has had no daylight saving time since 1991.
    pub offset_seconds: i32,
    /// Second of the civil day from which on an event belongs to the next business date; `None`: the calendar day.
    pub cut_off_second: Option<u32>,
    /// Whether the boundary instant itself already belongs to the next business date. Sources differ; ours: yes.
    pub boundary_is_next_day: bool,
}

impl BusinessDay {
    /// The business date of an instant.
    #[must_use]
    pub fn date_of(&self, at: Timestamp) -> Date {
        let (date, second) = at.civil(self.offset_seconds);
        let Some(cut_off) = self.cut_off_second else { return date };
        let at_boundary = second == cut_off && at.micros().rem_euclid(MICROS_A_SECOND) == 0;
        let next = second > cut_off || (second == cut_off && (!at_boundary || self.boundary_is_next_day));
        if next { date.plus_days(1) } else { date }
    }
}

/// Which days are worked. A weekend day is worked only when it is named as a make-up day (调休), a weekday is not when it
/// is named as a holiday: the State Council publishes both lists each November, and weekday arithmetic is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calendar {
    holidays: Vec<Date>,
    make_up_days: Vec<Date>,
}

impl Calendar {
    /// From the two published lists, in any order.
    #[must_use]
    pub fn new(mut holidays: Vec<Date>, mut make_up_days: Vec<Date>) -> Self {
        holidays.sort_unstable();
        make_up_days.sort_unstable();
        Self { holidays, make_up_days }
    }

    /// Whether members settle on `date`.
    #[must_use]
    pub fn is_working_day(&self, date: Date) -> bool {
        if self.make_up_days.binary_search(&date).is_ok() {
            return true;
        }
        !date.is_weekend() && self.holidays.binary_search(&date).is_err()
    }

    /// The first working day after `date`: T+1 of the settlement rules.
    #[must_use]
    pub fn next_working_day(&self, date: Date) -> Date {
        let mut next = date.plus_days(1);
        while !self.is_working_day(next) {
            next = next.plus_days(1);
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEIJING: i32 = 8 * 3_600;

    fn date(text: &str) -> Date {
        Date::parse_iso(text).expect("a date")
    }

    #[test]
    fn dates_and_days_are_inverse_over_four_hundred_years_and_leap_days_are_right() {
        for days in -719_162..=2_932_896 {
            let (year, month, day) = Date(days).ymd();
            assert_eq!(Date::from_ymd(year, month, day), Some(Date(days)));
        }
        assert_eq!(date("1970-01-01").days_since_epoch(), 0);
        assert_eq!(date("2000-02-29").plus_days(1), date("2000-03-01"));
        assert_eq!(Date::parse_iso("2023-02-29"), None);
        assert_eq!(Date::parse_compact("20261123"), Some(date("2026-11-23")));
        assert_eq!(date("2026-11-23").compact(), "20261123");
        assert_eq!(Date::parse_compact("2026112x"), None);
        assert!(date("2026-11-22").is_weekend() && !date("2026-11-23").is_weekend());
    }

    #[test]
    fn the_cut_off_second_belongs_to_the_next_business_date_unless_the_rulebook_says_otherwise() {
        let unionpay =
            BusinessDay { offset_seconds: BEIJING, cut_off_second: Some(23 * 3_600), boundary_is_next_day: true };
        let before_midnight = date("2026-11-11");
        let cut = Timestamp::from_civil(before_midnight, 23 * 3_600, BEIJING);
        let just_before = Timestamp::from_micros(cut.micros() - 1);
        let just_after = Timestamp::from_micros(cut.micros() + 1);
        let inclusive = BusinessDay { boundary_is_next_day: false, ..unionpay };
        let calendar_day = BusinessDay { cut_off_second: None, ..unionpay };
        for (rule, at, expected) in [
            (unionpay, just_before, "2026-11-11"),
            (unionpay, cut, "2026-11-12"),
            (inclusive, cut, "2026-11-11"),
            (inclusive, just_after, "2026-11-12"),
            (calendar_day, just_after, "2026-11-11"),
        ] {
            assert_eq!(rule.date_of(at), date(expected), "{rule:?} at {at:?}");
        }
        let new_year = Timestamp::from_civil(date("2026-12-31"), 23 * 3_600, BEIJING);
        assert_eq!(unionpay.date_of(new_year), date("2027-01-01"));
    }

    #[test]
    fn a_payment_before_qingming_2018_settles_on_a_sunday_that_was_made_a_working_day() {
        let china =
            Calendar::new(vec![date("2018-04-05"), date("2018-04-06"), date("2018-04-07")], vec![date("2018-04-08")]);
        assert_eq!(china.next_working_day(date("2018-04-04")), date("2018-04-08"));
        assert_eq!(Calendar::default().next_working_day(date("2026-11-20")), date("2026-11-23"));
    }
}
