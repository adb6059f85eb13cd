//! Times in the form of a `Release` file.

const SECONDS_PER_DAY: u64 = 86_400;

/// `Sat, 11 Nov 2023 09:47:00 UTC` for seconds since 1970.
///
/// # Panics
///
/// Never: there is a name for each day and month.
pub fn date(seconds: u64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (days, second) = (seconds / SECONDS_PER_DAY, seconds % SECONDS_PER_DAY);
    let (mut year, mut day) = (1970, days);
    while day >= days_of_year(year) {
        day -= days_of_year(year);
        year += 1;
    }
    let mut month = 0;
    while day >= days_of_month(year, month) {
        day -= days_of_month(year, month);
        month += 1;
    }
    let at = |names: &[&'static str], index: u64| {
        let index = usize::try_from(index).ok();
        index
            .and_then(|index| names.get(index).copied())
            .expect("a name")
    };
    format!(
        "{}, {:02} {} {year} {:02}:{:02}:{:02} UTC",
        at(&DAYS, days % 7),
        day + 1,
        at(&MONTHS, month),
        second / 3600,
        second / 60 % 60,
        second % 60,
    )
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_of_year(year: u64) -> u64 {
    if is_leap(year) { 366 } else { 365 }
}

fn days_of_month(year: u64, month: u64) -> u64 {
    match month {
        1 if is_leap(year) => 29,
        1 => 28,
        3 | 5 | 8 | 10 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_date_1() {
        for (seconds, expected) in [
            (0, "Thu, 01 Jan 1970 00:00:00 UTC"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 UTC"),
            (1_699_696_020, "Sat, 11 Nov 2023 09:47:00 UTC"),
            (4_102_444_799, "Thu, 31 Dec 2099 23:59:59 UTC"),
        ] {
            assert_eq!(date(seconds), expected);
        }
    }
}
