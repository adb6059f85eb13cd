//! The epoch: the one time that an image carries, in seconds since 1970.
//!
//! newc has 32 bits for a time, unsigned. A larger number is nearly always milliseconds by
//! mistake, so it is refused with that hint instead of being cut.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// Seconds since 1970-01-01T00:00:00Z, at most 2^32 - 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Epoch(pub u32);

/// A number that is no epoch.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseEpochError {
    /// Larger than newc can carry.
    #[error("an epoch is at most 4294967295 seconds, found {0} (milliseconds?)")]
    TooLarge(u64),
    /// Not a number of seconds.
    #[error("an epoch is a number of seconds since 1970, found `{0}`")]
    NotANumber(String),
}

impl FromStr for Epoch {
    type Err = ParseEpochError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let seconds: u64 = text
            .parse()
            .map_err(|_| ParseEpochError::NotANumber(text.to_owned()))?;
        u32::try_from(seconds)
            .map(Self)
            .map_err(|_| ParseEpochError::TooLarge(seconds))
    }
}

/// RFC 3339 in UTC, as in `2026-11-20T00:00:00Z`.
impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DAY: u32 = 86_400;
        let (year, month, day) = civil_date(self.0 / DAY);
        let second = self.0 % DAY;
        let (hour, minute) = (second / 3600, second / 60 % 60);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{:02}Z",
            second % 60
        )
    }
}

/// Year, month and day of the Gregorian calendar, `days` after 1970-01-01.
///
/// Years are counted from March, so that the leap day is a year's last, in cycles of 400 years
/// (146 097 days).
fn civil_date(days: u32) -> (u32, u32, u32) {
    // Days from 0000-03-01 to 1970-01-01.
    let days = days + 719_468;
    let cycle = days / 146_097;
    let day_of_cycle = days % 146_097;
    let year_of_cycle =
        (day_of_cycle - day_of_cycle / 1460 + day_of_cycle / 36_524 - day_of_cycle / 146_096) / 365;
    let day_of_year =
        day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    (
        400 * cycle + year_of_cycle + u32::from(month <= 2),
        month,
        day,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_times_read_as_the_calendar_says() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_734_075_478, "2024-12-13T07:37:58Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (u32::MAX, "2106-02-07T06:28:15Z"),
        ] {
            assert_eq!(Epoch(seconds).to_string(), text);
        }
    }

    #[test]
    fn milliseconds_are_refused_by_name() {
        let error = "1734075478000".parse::<Epoch>().unwrap_err();
        assert!(error.to_string().contains("milliseconds?"), "{error}");
        assert!("now".parse::<Epoch>().is_err());
        assert!("-1".parse::<Epoch>().is_err());
    }
}
