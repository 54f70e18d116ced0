//! Dates and times of day in Beijing, which has kept one offset from UTC since 1991, around the one date that a day is for.

use crate::mix::UNIONPAY;

pub(super) const SECOND: i64 = 1_000_000;
pub(super) const MINUTE: i64 = 60 * SECOND;
pub(super) const HOUR: i64 = 60 * MINUTE;
pub(super) const DAY: i64 = 24 * HOUR;

const OFFSET: i64 = 8 * HOUR;
const MONTH_DAYS: [u32; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// A date of the calendar, from 1992 to 2199.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    year: u32,
    month: u32,
    day: u32,
}

impl Date {
    /// Double Eleven of 2025.
    pub const DOUBLE_ELEVEN: Self = Self { year: 2025, month: 11, day: 11 };

    /// `None` when there is no such date, or it lies outside the years above.
    #[must_use]
    pub const fn new(year: u32, month: u32, day: u32) -> Option<Self> {
        let exists = year >= 1_992 && year < 2_200 && month >= 1 && month <= 12;
        if exists && day >= 1 && day <= month_days(year, month) { Some(Self { year, month, day }) } else { None }
    }

    /// As the number yyyymmdd.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.year * 10_000 + self.month * 100 + self.day
    }

    /// Its midnight in Beijing, microseconds since 1970-01-01T00:00:00Z.
    pub(super) fn midnight(self) -> i64 {
        let years = (1_970..self.year).map(|year| if is_leap(year) { 366 } else { 365 });
        let months = (1..self.month).map(|month| month_days(self.year, month));
        let days = years.chain(months).sum::<u32>() + self.day - 1;
        i64::from(days) * DAY - OFFSET
    }

    fn next(self) -> Self {
        let Self { year, month, day } = self;
        match (day < month_days(year, month), month) {
            (true, _) => Self { day: day + 1, ..self },
            (false, 12) => Self { year: year + 1, month: 1, day: 1 },
            (false, _) => Self { month: month + 1, day: 1, ..self },
        }
    }

    fn previous(self) -> Self {
        let Self { year, month, day } = self;
        match (day, month) {
            (1, 1) => Self { year: year - 1, month: 12, day: 31 },
            (1, _) => Self { month: month - 1, day: month_days(year, month - 1), ..self },
            _ => Self { day: day - 1, ..self },
        }
    }
}

impl std::fmt::Display for Date {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

const fn is_leap(year: u32) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

const fn month_days(year: u32, month: u32) -> u32 {
    MONTH_DAYS[month as usize - 1] + (month == 2 && is_leap(year)) as u32
}

/// A date and what lies around it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Calendar {
    pub date: Date,
    midnight: i64,
}

impl Calendar {
    pub(super) fn new(date: Date) -> Self {
        Self { date, midnight: date.midnight() }
    }

    /// The moment so many microseconds after the date's midnight.
    pub(super) const fn at(&self, micros: i64) -> i64 {
        self.midnight + micros
    }

    /// UnionPay's cut-over, an hour before the date's end: it closes the cycle too.
    pub(super) const fn cut(&self) -> i64 {
        self.at(23 * HOUR)
    }

    pub(super) fn date_of(&self, micros: i64) -> Date {
        let days = (micros - self.midnight).div_euclid(DAY);
        let step = if days < 0 { Date::previous } else { Date::next };
        (0..days.unsigned_abs()).fold(self.date, |date, _| step(date))
    }

    /// In which of the network's bill files something that happened then stands.
    pub(super) fn business_date(&self, network: usize, micros: i64) -> Date {
        self.date_of(if network == UNIONPAY { micros + HOUR } else { micros })
    }

    /// `hhmmss` as a number.
    pub(super) const fn time_of_day(&self, micros: i64) -> u64 {
        let second = (micros - self.midnight).rem_euclid(DAY).cast_unsigned() / SECOND.cast_unsigned();
        second / 3_600 * 10_000 + second / 60 % 60 * 100 + second % 60
    }

    /// `2025-11-11 08:30:00`.
    pub(super) fn text(&self, micros: i64) -> String {
        let time = self.time_of_day(micros);
        let (hour, minute, second) = (time / 10_000, time / 100 % 100, time % 100);
        format!("{} {hour:02}:{minute:02}:{second:02}", self.date_of(micros))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn midnights_are_beijings_and_dates_that_do_not_exist_are_none() {
        assert_eq!(Date::DOUBLE_ELEVEN.midnight(), 1_762_790_400_000_000);
        assert_eq!(Date::new(2000, 2, 29).map(Date::midnight), Some(951_753_600_000_000));
        for (year, month, day) in
            [(2025, 2, 29), (2100, 2, 29), (2025, 4, 31), (2025, 13, 1), (2025, 1, 0), (1970, 1, 1)]
        {
            assert_eq!(Date::new(year, month, day), None, "{year}-{month}-{day}");
        }
    }

    #[test]
    fn days_are_counted_over_the_ends_of_months_and_years() {
        let calendar = Calendar::new(Date::new(2024, 3, 1).unwrap());
        assert_eq!(calendar.date_of(calendar.at(-1)).to_string(), "2024-02-29");
        assert_eq!(calendar.text(calendar.at(-30 * DAY + 3_661 * SECOND)), "2024-01-31 01:01:01");
        let calendar = Calendar::new(Date::new(2025, 12, 31).unwrap());
        assert_eq!(calendar.date_of(calendar.at(DAY)).number(), 20_260_101);
        assert_eq!(calendar.business_date(UNIONPAY, calendar.cut()).number(), 20_260_101);
        assert_eq!(calendar.business_date(UNIONPAY, calendar.cut() - 1).number(), 20_251_231);
        assert_eq!(calendar.business_date(1, calendar.cut()).number(), 20_251_231);
    }
}
