//! Times of archives: seconds, and the form that a `Release` file has them in.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The last second of the year 9999, behind which no date can be written.
const LAST: u64 = 253_402_300_799;

/// Seconds since 1970, without leap seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixSeconds(pub u64);

impl UnixSeconds {
    /// Reads a date as archives write it: `Sat, 11 Jul 2026 10:16:37 UTC`. The zone is `UTC`,
    /// `GMT` or `+0000`; the day of the week must be the right one.
    pub fn parse(text: &str) -> Option<Self> {
        let zones = [" UTC", " GMT", " +0000"];
        let plain = zones.iter().find_map(|zone| text.strip_suffix(zone))?;
        let (weekday, rest) = plain.split_once(", ")?;
        // Some archives write a day of one digit, which the form of HTTP does not have.
        let padding = if rest.find(' ') == Some(1) { "0" } else { "" };
        let date = format!("{weekday}, {padding}{rest} GMT");
        let time = httpdate::parse_http_date(&date).ok()?;
        let since = time.duration_since(UNIX_EPOCH).ok()?;
        Some(Self(since.as_secs()))
    }

    /// So much later, at most at the end of time.
    #[must_use]
    pub const fn plus(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds))
    }
}

impl fmt::Display for UnixSeconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = Duration::from_secs(self.0.min(LAST));
        let time: Option<SystemTime> = UNIX_EPOCH.checked_add(since);
        let date = httpdate::fmt_http_date(time.unwrap_or(UNIX_EPOCH));
        write!(f, "{} UTC", date.trim_end_matches(" GMT"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_archives_are_read_and_written() {
        let time = UnixSeconds(1_783_764_997);
        for text in [
            "Sat, 11 Jul 2026 10:16:37 UTC",
            "Sat, 11 Jul 2026 10:16:37 GMT",
            "Sat, 11 Jul 2026 10:16:37 +0000",
        ] {
            assert_eq!(UnixSeconds::parse(text), Some(time), "{text}");
        }
        assert_eq!(time.to_string(), "Sat, 11 Jul 2026 10:16:37 UTC");
        let padded = UnixSeconds::parse("Wed, 01 Jul 2026 00:00:00 UTC");
        assert!(padded.is_some());
        assert_eq!(UnixSeconds::parse("Wed, 1 Jul 2026 00:00:00 UTC"), padded);
        assert_eq!(
            UnixSeconds(u64::MAX).to_string(),
            "Fri, 31 Dec 9999 23:59:59 UTC"
        );
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "Sun, 11 Jul 2026 10:16:37 UTC",
            "Sat, 31 Feb 2026 10:16:37 UTC",
            "Sat, 11 Jul 2026 10:16:37",
            "Sat, 11 Jul 2026 10:16:37 +0200",
            "Wed, 31 Dec 1969 23:59:59 UTC",
            "2026-07-11T10:16:37Z",
            "Sat, 11 Jul 2026 10:16:37 UTC UTC",
        ] {
            assert_eq!(UnixSeconds::parse(text), None, "{text}");
        }
    }
}
