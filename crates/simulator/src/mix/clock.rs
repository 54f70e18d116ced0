//! The day that a stream fills: Double Eleven of 2025 in Beijing, from midnight to midnight, whatever the number of
//! events.

/// 2025-11-11 00:00:00 +08:00.
pub(super) const MIDNIGHT_MICROS: u64 = 1_762_790_400_000_000;
pub(super) const DAY_MICROS: u64 = 86_400_000_000;
pub(super) const HOUR_MICROS: u64 = 3_600_000_000;

/// The dates that business dates fall on: late events happened the day before, and the clearing day of UnionPay turns
/// an hour before midnight.
const DATES: [u64; 3] = [20_251_110, 20_251_111, 20_251_112];

/// A fixed point number of microseconds: so many bits stand behind the point.
const FRACTION_BITS: u32 = 40;

/// Spreads events evenly over the day.
#[derive(Clone, Copy)]
pub(super) struct Clock {
    step: u128,
}

impl Clock {
    pub(super) fn new(events: u64) -> Self {
        Self { step: (u128::from(DAY_MICROS) << FRACTION_BITS) / u128::from(events.max(1)) }
    }

    /// When the event with this place in the stream, counted from 0, is put on its topic.
    pub(super) fn at(self, place: u64) -> u64 {
        let passed = (u128::from(place) * self.step) >> FRACTION_BITS;
        MIDNIGHT_MICROS + u64::try_from(passed).expect("a place in the stream lies inside the day")
    }
}

/// The date, as the number yyyymmdd, of the day that `micros` is in when days begin `ahead` microseconds before
/// midnight.
pub(super) fn date(micros: u64, ahead: u64) -> u64 {
    let days = (micros + ahead + DAY_MICROS - MIDNIGHT_MICROS) / DAY_MICROS;
    DATES[usize::try_from(days).map_or(DATES.len() - 1, |days| days.min(DATES.len() - 1))]
}

/// The time of day as the number hhmmss.
pub(super) const fn time_of_day(micros: u64) -> u64 {
    let second = (micros + DAY_MICROS - MIDNIGHT_MICROS) % DAY_MICROS / 1_000_000;
    second / 3_600 * 10_000 + second / 60 % 60 * 100 + second % 60
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_of_any_length_fills_the_day() {
        for events in [1, 7, 1_000_000, 1_000_000_000] {
            let clock = Clock::new(events);
            assert_eq!(clock.at(0), MIDNIGHT_MICROS);
            let last = clock.at(events - 1);
            assert!(last < MIDNIGHT_MICROS + DAY_MICROS, "{events}: {last}");
            assert!(last + DAY_MICROS / events + 2 >= MIDNIGHT_MICROS + DAY_MICROS, "{events}: {last}");
        }
    }

    #[test]
    fn dates_turn_at_midnight_or_ahead_of_it() {
        assert_eq!(date(MIDNIGHT_MICROS - 1, 0), 20_251_110);
        assert_eq!(date(MIDNIGHT_MICROS, 0), 20_251_111);
        assert_eq!(date(MIDNIGHT_MICROS - HOUR_MICROS, HOUR_MICROS), 20_251_111);
        assert_eq!(date(MIDNIGHT_MICROS + 23 * HOUR_MICROS, HOUR_MICROS), 20_251_112);
        assert_eq!(time_of_day(MIDNIGHT_MICROS - 1), 235_959);
        assert_eq!(time_of_day(MIDNIGHT_MICROS + 3_661_000_000), 10_101);
    }
}
