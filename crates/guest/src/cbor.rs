//! The two CBOR messages that init exchanges with the security module, and nothing else of CBOR.
//!
//! | message | bytes |
//! |---|---|
//! | request | `69 "GetRandom"` |
//! | answer | `a1 69 "GetRandom" a1 66 "random"` and a byte string |
//! | refusal | `a1 65 "Error"` and a text string |
//!
//! Lengths are definite, as the module writes them. Everything else is not an answer.

/// Asks for random bytes: the text `GetRandom`.
pub(crate) const GET_RANDOM: &[u8] = b"\x69GetRandom";

const ANSWER: &[u8] = b"\xa1\x69GetRandom\xa1\x66random";
const REFUSAL: &[u8] = b"\xa1\x65Error";

/// Major types, in the upper three bits of an item's first byte.
const BYTES: u8 = 2;
const TEXT: u8 = 3;

/// What the module said.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer<'a> {
    /// Random bytes; maybe none.
    Random(&'a [u8]),
    /// The name of an error.
    Refused(&'a str),
}

/// Reads an answer to [`GET_RANDOM`]; `None` if it is none.
pub(crate) fn parse_answer(message: &[u8]) -> Option<Answer<'_>> {
    if let Some(item) = message.strip_prefix(ANSWER) {
        return string(item, BYTES).map(Answer::Random);
    }
    let name = string(message.strip_prefix(REFUSAL)?, TEXT)?;
    str::from_utf8(name).ok().map(Answer::Refused)
}

/// The content of a string item that ends where the message does.
fn string(item: &[u8], major: u8) -> Option<&[u8]> {
    let (&first, rest) = item.split_first()?;
    if first >> 5 != major {
        return None;
    }
    let (length, content) = match first & 31 {
        length @ 0..24 => (usize::from(length), rest),
        24 => {
            let (&length, content) = rest.split_first()?;
            (usize::from(length), content)
        }
        25 => {
            let (length, content) = rest.split_first_chunk()?;
            (usize::from(u16::from_be_bytes(*length)), content)
        }
        _ => return None,
    };
    (content.len() == length).then_some(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(length: &[u8], content: &[u8]) -> Vec<u8> {
        [ANSWER, length, content].concat()
    }

    #[test]
    fn random_bytes_are_read_in_every_form_of_length() {
        let short = answer(&[0x43], &[1, 2, 3]);
        assert_eq!(parse_answer(&short), Some(Answer::Random(&[1, 2, 3])));
        let byte = answer(&[0x58, 200], &[7; 200]);
        assert_eq!(parse_answer(&byte), Some(Answer::Random(&[7; 200])));
        let word = answer(&[0x59, 1, 0], &[9; 256]);
        assert_eq!(parse_answer(&word), Some(Answer::Random(&[9; 256])));
        assert_eq!(
            parse_answer(&answer(&[0x40], &[])),
            Some(Answer::Random(&[]))
        );
    }

    #[test]
    fn a_refusal_has_its_name() {
        let message = b"\xa1\x65Error\x6dInternalError";
        assert_eq!(
            parse_answer(message),
            Some(Answer::Refused("InternalError"))
        );
    }

    #[test]
    fn every_other_message_is_no_answer() {
        let good = answer(&[0x58, 32], &[5; 32]);
        for length in 0..good.len() {
            assert_eq!(parse_answer(&good[..length]), None, "cut at {length}");
        }
        assert_eq!(parse_answer(&[good.as_slice(), b"x"].concat()), None);
        assert_eq!(parse_answer(&answer(&[0x63], b"abc")), None, "text");
        assert_eq!(
            parse_answer(&answer(&[0x5f], b"\x41a\xff")),
            None,
            "indefinite"
        );
        assert_eq!(
            parse_answer(&answer(
                &[0x5b, 255, 255, 255, 255, 255, 255, 255, 255],
                b""
            )),
            None
        );
        assert_eq!(parse_answer(b"\xa1\x65Error\x62\xff\xfe"), None, "no text");
    }
}
