//! The proleptic Gregorian calendar: it repeats every 400 years, and years that begin in March
//! have their leap day at the end.

/// Days in 400 years.
const ERA: i64 = 146_097;

/// Days from 0000-03-01 to 1970-01-01.
const EPOCH: i64 = 719_468;

/// A day of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Date {
    pub(crate) year: i64,
    pub(crate) month: u8,
    pub(crate) day: u8,
}

impl Date {
    /// The day that many days after 1970-01-01.
    pub(crate) fn of_days(days: i64) -> Self {
        let since = days.saturating_add(EPOCH);
        let (era, day) = (since.div_euclid(ERA), since.rem_euclid(ERA));
        let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
        let day_of_year = day - (365 * year + year / 4 - year / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let month = if shifted_month < 10 {
            shifted_month + 3
        } else {
            shifted_month - 9
        };
        Self {
            year: year + era * 400 + i64::from(month <= 2),
            month: small(month),
            day: small(day_of_year - (153 * shifted_month + 2) / 5 + 1),
        }
    }

    /// The day of this year, month and day; `None` when there is none.
    pub(crate) fn new(year: i64, month: u8, day: u8) -> Option<Self> {
        let date = Self { year, month, day };
        let plausible = (0..=9999).contains(&year) && (1..=12).contains(&month) && day >= 1;
        (plausible && Self::of_days(date.days()) == date).then_some(date)
    }

    /// Days after 1970-01-01.
    pub(crate) fn days(self) -> i64 {
        let (month, day) = (i64::from(self.month), i64::from(self.day));
        let year = self.year - i64::from(month <= 2);
        let shifted_month = if month > 2 { month - 3 } else { month + 9 };
        let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
        let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
        era * ERA + year * 365 + year / 4 - year / 100 + day_of_year - EPOCH
    }
}

/// Months and days fit.
fn small(value: i64) -> u8 {
    u8::try_from(value).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_days_are_where_they_belong() {
        let date = |year, month, day| Date { year, month, day };
        let cases = [
            (0, date(1970, 1, 1)),
            (-1, date(1969, 12, 31)),
            (59, date(1970, 3, 1)),
            (11_016, date(2000, 2, 29)),
            (20_779, date(2026, 11, 22)),
        ];
        for (days, date) in cases {
            assert_eq!((Date::of_days(days), date.days()), (date, days));
        }
    }

    #[test]
    fn four_hundred_years_of_days_come_back_and_others_are_refused() {
        for days in -ERA..ERA {
            let date = Date::of_days(days);
            assert_eq!(date.days(), days);
            assert_eq!(Date::new(date.year, date.month, date.day), Some(date));
        }
        assert_eq!(Date::new(2026, 2, 29), None);
        assert_eq!(Date::new(2026, 13, 1), None);
        assert_eq!(Date::new(2026, 4, 31), None);
        assert_eq!(Date::new(2026, 4, 0), None);
    }
}
