//! DER, as much of it as leads to the subject of a certificate: values one after another.
//!
//! Nothing is copied and nothing is followed downwards by itself, so the depth and size of an
//! input cost no more than its length.

/// One value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Value<'a> {
    /// The first byte, of the class, the form and the number.
    pub(super) tag: u8,
    /// What is in it.
    pub(super) content: &'a [u8],
    /// All of it, with tag and length.
    pub(super) whole: &'a [u8],
}

/// Takes the first value off `bytes`; `None` when there is none, or it is not DER.
pub(super) fn take<'a>(bytes: &mut &'a [u8]) -> Option<Value<'a>> {
    let all = *bytes;
    let (&tag, after) = all.split_first()?;
    // A number over 30 would go on in the next bytes; no certificate's frame has one.
    if tag & 0x1f == 0x1f {
        return None;
    }
    let (&first, after) = after.split_first()?;
    let (length, after) = match first {
        0..=0x7f => (usize::from(first), after),
        0x81..=0x84 => {
            let (digits, after) = after.split_at_checked(usize::from(first & 0x7f))?;
            let length = digits.iter().try_fold(0_usize, |length, digit| {
                length.checked_mul(256)?.checked_add(usize::from(*digit))
            });
            (length?, after)
        }
        _ => return None,
    };
    let (content, rest) = after.split_at_checked(length)?;
    let whole = all.get(..all.len().checked_sub(rest.len())?)?;
    *bytes = rest;
    Some(Value {
        tag,
        content,
        whole,
    })
}

/// Takes the first value off `bytes`, if it has this tag.
pub(super) fn take_tag<'a>(bytes: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    take(bytes)
        .filter(|value| value.tag == tag)
        .map(|value| value.content)
}

/// Adds a value to `bytes`.
pub(super) fn put(bytes: &mut Vec<u8>, tag: u8, content: &[u8]) {
    bytes.push(tag);
    let digits = content.len().to_be_bytes();
    let zeros = digits.iter().take_while(|digit| **digit == 0).count();
    let digits = digits.get(zeros..).unwrap_or_default();
    match digits {
        [] => bytes.push(0),
        [short @ 0..=0x7f] => bytes.push(*short),
        long => {
            bytes.push(0x80 | u8::try_from(long.len()).unwrap_or(0x7f));
            bytes.extend_from_slice(long);
        }
    }
    bytes.extend_from_slice(content);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_can_be_taken() {
        for length in [0, 1, 127, 128, 255, 256, 70_000] {
            let content = vec![7; length];
            let mut bytes = Vec::new();
            put(&mut bytes, 0x30, &content);
            let whole = bytes.clone();
            bytes.push(9);
            let mut rest = bytes.as_slice();
            let value = take(&mut rest).unwrap();
            assert_eq!(
                (value.tag, value.content, value.whole),
                (0x30, &*content, &*whole)
            );
            assert_eq!(rest, [9]);
            for cut in 0..whole.len().min(300) {
                assert_eq!(take(&mut &whole[..cut]), None);
            }
        }
    }

    #[test]
    fn lengths_that_are_not_der() {
        for bytes in [
            &[0x30, 0x80, 0, 0][..],
            &[0x30, 0x85, 0, 0, 0, 0, 0],
            &[0x1f, 0x81, 0],
        ] {
            assert_eq!(take(&mut &*bytes), None);
        }
    }
}
