//! Two headers that decide what happens next: `Content-Range` and `Retry-After`.
//!
//! Follows RFC 9110, sections 14.4 and 10.2.3. What is malformed is as if it were not there: the
//! caller starts over, or waits as long as it would have anyway.

use std::time::Duration;

/// What part of the whole a 206 answer says it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ContentRange {
    /// Its first byte.
    pub(crate) first: u64,
    /// Its last byte, itself included.
    pub(crate) last: u64,
    /// Bytes of the whole, where the server knows.
    pub(crate) whole: Option<u64>,
}

/// Parses `bytes FIRST-LAST/WHOLE`, where the whole may be `*`.
pub(crate) fn parse_content_range(value: &str) -> Option<ContentRange> {
    let value = value.trim();
    let unit = value.get(..6)?;
    if !unit.eq_ignore_ascii_case("bytes ") {
        return None;
    }
    let (range, whole) = value.get(6..)?.trim().split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last) = (parse_number(first)?, parse_number(last)?);
    let whole = match whole {
        "*" => None,
        number => Some(parse_number(number)?),
    };
    let holds = first <= last && whole.is_none_or(|whole| last < whole);
    holds.then_some(ContentRange { first, last, whole })
}

/// Parses `Retry-After`: seconds, or a date. A date is compared with the answer's own `Date`,
/// because no clock of this machine is read.
pub(crate) fn parse_retry_after(value: &str, date: Option<&str>) -> Option<Duration> {
    let value = value.trim();
    if let Some(seconds) = parse_number(value) {
        return Some(Duration::from_secs(seconds));
    }
    let at = httpdate::parse_http_date(value).ok()?;
    let now = httpdate::parse_http_date(date?.trim()).ok()?;
    Some(at.duration_since(now).unwrap_or_default())
}

/// Digits and nothing else: `str::parse` would take a sign.
fn parse_number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ranges_that_cannot_be_are_not_taken() {
        let range = parse_content_range("bytes 3-9/10").unwrap();
        assert_eq!((range.first, range.last, range.whole), (3, 9, Some(10)));
        assert_eq!(parse_content_range("Bytes 3-9/*").unwrap().whole, None);
        for wrong in [
            "",
            "bytes",
            "bytes */10",
            "bytes 9-3/10",
            "bytes 3-10/10",
            "bytes +3-9/10",
            "bytes 3-9",
            "items 3-9/10",
            "bytes 3-18446744073709551616/*",
            "byteé 3-9/10",
        ] {
            assert_eq!(parse_content_range(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_date_is_compared_with_the_servers_own_clock() {
        let date = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        let seconds = |value| parse_retry_after(value, date).map(|wait| wait.as_secs());
        assert_eq!(seconds("120"), Some(120));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:50:37 GMT"), Some(60));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:40:37 GMT"), Some(0));
        assert_eq!(seconds("-1"), None);
        assert_eq!(seconds("soon"), None);
        assert_eq!(
            parse_retry_after("Sun, 06 Nov 1994 08:50:37 GMT", None),
            None
        );
    }

    proptest! {
        #[test]
        fn a_range_that_is_written_is_read(first: u64, more in 0..1_u64 << 40, rest in 1..1_u64 << 40) {
            let last = first.saturating_add(more);
            let whole = last.saturating_add(rest);
            prop_assume!(last < whole);
            let text = format!("bytes {first}-{last}/{whole}");
            let range = ContentRange { first, last, whole: Some(whole) };
            prop_assert_eq!(parse_content_range(&text), Some(range));
        }

        #[test]
        fn no_text_makes_a_parser_fall(text in ".{0,60}", tail in "[0-9*/ -]{0,30}") {
            for text in [text.clone(), format!("bytes {tail}"), format!("bytes {text}")] {
                if let Some(range) = parse_content_range(&text) {
                    prop_assert!(range.first <= range.last);
                    prop_assert!(range.whole.is_none_or(|whole| range.last < whole));
                }
                let _ = parse_retry_after(&text, Some(&text));
            }
        }
    }
}
