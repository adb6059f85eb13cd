//! Numbers of a tar header: octal text, or base-256 where octal is too short.
//!
//! Octal: spaces in front, digits, then spaces and NULs to the end of the field, or digits to the
//! end. Base-256: the top bit of the first byte is set, and the field is one big-endian
//! two's-complement number without that bit. A field of spaces and NULs only is empty, which old
//! writers mean as zero.

/// A field that is no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotANumber;

/// The number in `field`; `None` when it is empty. At most 12 bytes, so it fits easily.
pub(super) fn parse_number(field: &[u8]) -> Result<Option<i128>, NotANumber> {
    match field.first() {
        Some(first) if first & 0x80 != 0 => parse_base256(*first, field).map(Some),
        _ => parse_octal(field),
    }
}

fn parse_base256(first: u8, field: &[u8]) -> Result<i128, NotANumber> {
    let start: i128 = if first & 0x40 == 0 { 0 } else { -1 };
    if field.len() > 12 {
        return Err(NotANumber);
    }
    let rest = field.iter().skip(1);
    let head = (start << 6) | i128::from(first & 0x3f);
    Ok(rest.fold(head, |value, byte| (value << 8) | i128::from(*byte)))
}

fn parse_octal(field: &[u8]) -> Result<Option<i128>, NotANumber> {
    let digits = field.trim_ascii_start();
    let end = digits
        .iter()
        .position(|byte| !matches!(byte, b'0'..=b'7'))
        .unwrap_or(digits.len());
    let (digits, rest) = digits.split_at_checked(end).ok_or(NotANumber)?;
    if !rest.iter().all(|byte| matches!(byte, b' ' | 0)) || digits.len() > 12 {
        return Err(NotANumber);
    }
    if digits.is_empty() {
        return Ok(None);
    }
    let value = digits
        .iter()
        .fold(0, |value: i128, digit| (value << 3) | i128::from(digit & 7));
    Ok(Some(value))
}

/// The decimal number that is all of `text`; no sign, no spaces.
pub(super) fn parse_decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Seconds from `text` as PAX writes times, `-1.5`, cut off downwards.
pub(super) fn parse_seconds(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut parts = digits.splitn(2, |byte| *byte == b'.');
    let whole = i64::try_from(parse_decimal(parts.next()?)?).ok()?;
    let fraction = parts.next().unwrap_or_default();
    if !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    if !negative {
        return Some(whole);
    }
    let below = fraction.iter().any(|digit| *digit != b'0');
    whole.checked_neg()?.checked_sub(i64::from(below))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octal_ends_with_the_field_or_with_spaces_and_nuls() {
        assert_eq!(parse_number(b"0000644\0"), Ok(Some(0o644)));
        assert_eq!(parse_number(b"   644 \0"), Ok(Some(0o644)));
        assert_eq!(parse_number(b"77777777777 "), Ok(Some(0o77_777_777_777)));
        assert_eq!(parse_number(b"777777777777"), Ok(Some(0o777_777_777_777)));
        assert_eq!(parse_number(b"\0\0\0\0\0\0\0\0"), Ok(None));
        assert_eq!(parse_number(b"        "), Ok(None));
    }

    #[test]
    fn anything_else_in_an_octal_field_is_refused() {
        for field in [
            &b"0000648\0"[..],
            b"-000644\0",
            b"644\0junk",
            b"0x1f\0",
            b"644 1\0\0\0",
        ] {
            assert_eq!(parse_number(field), Err(NotANumber), "{field:?}");
        }
    }

    #[test]
    fn base256_is_twos_complement() {
        assert_eq!(parse_number(&[0x80, 0, 0, 0, 0, 0, 1, 0]), Ok(Some(256)));
        assert_eq!(parse_number(&[0xff; 12]), Ok(Some(-1)));
        let mut largest = [0xff; 12];
        largest[0] = 0xbf;
        assert_eq!(parse_number(&largest), Ok(Some((1 << 94) - 1)));
        assert_eq!(parse_number(&[0xc0; 8]).unwrap().unwrap().signum(), -1);
    }

    #[test]
    fn fractions_of_seconds_are_cut_off_downwards() {
        assert_eq!(parse_seconds(b"12"), Some(12));
        assert_eq!(parse_seconds(b"12.999999999"), Some(12));
        assert_eq!(parse_seconds(b"12."), Some(12));
        assert_eq!(parse_seconds(b"-1.5"), Some(-2));
        assert_eq!(parse_seconds(b"-1.000"), Some(-1));
        assert_eq!(parse_seconds(b"-0.25"), Some(-1));
        for text in [
            &b""[..],
            b"-",
            b".5",
            b"1e9",
            b"1.5.5",
            b"1.-5",
            b"+1",
            b" 1",
            b"9223372036854775808",
        ] {
            assert_eq!(parse_seconds(text), None, "{text:?}");
        }
    }
}
