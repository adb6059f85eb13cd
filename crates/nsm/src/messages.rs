//! The messages, and nothing else of CBOR (RFC 8949).
//!
//! | message | bytes |
//! |---|---|
//! | request for random bytes | `69 "GetRandom"` |
//! | its answer | `a1 69 "GetRandom" a1 66 "random"` and a byte string |
//! | request for a document | `a1 6b "Attestation" a3`, then `69 "user_data"`, `65 "nonce"`, `6a "public_key"`, each with a byte string or `f6` (null) |
//! | its answer | `a1 6b "Attestation" a1 68 "document"` and a byte string |
//! | refusal of either | `a1 65 "Error"` and a text string |
//!
//! Lengths are definite, as the module writes them. Everything else is not an answer.

/// Asks for random bytes: the text `GetRandom`.
pub const GET_RANDOM: &[u8] = b"\x69GetRandom";
/// Bytes of the longest field of a document, as the module takes it.
pub const MAX_FIELD: usize = 1024;

const RANDOM: &[u8] = b"\xa1\x69GetRandom\xa1\x66random";
const DOCUMENT: &[u8] = b"\xa1\x6bAttestation\xa1\x68document";
const REFUSAL: &[u8] = b"\xa1\x65Error";
const REQUEST: &[u8] = b"\xa1\x6bAttestation\xa3";
const NULL: u8 = 0xf6;
/// A byte string whose length is in the two bytes that follow.
const BYTES_16: u8 = 0x59;

/// Major types, in the upper three bits of an item's first byte.
const BYTES: u8 = 2;
const TEXT: u8 = 3;

/// What the module said.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer<'a> {
    /// What was asked for; maybe no bytes.
    Given(&'a [u8]),
    /// The name of an error.
    Refused(&'a str),
}

/// What whoever asks for a document has put into it. Each is at most [`MAX_FIELD`] bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields {
    /// Anything.
    pub user_data: Option<Vec<u8>>,
    /// What the one who checks has chosen, so that the document is not an old one.
    pub nonce: Option<Vec<u8>>,
    /// A key, in whatever form.
    pub public_key: Option<Vec<u8>>,
}

/// Asks for a document with these fields; `None` when one of them is too long.
pub fn attestation_request(fields: &Fields) -> Option<Vec<u8>> {
    let mut request = REQUEST.to_vec();
    for (name, value) in [
        (&b"\x69user_data"[..], &fields.user_data),
        (b"\x65nonce", &fields.nonce),
        (b"\x6apublic_key", &fields.public_key),
    ] {
        request.extend_from_slice(name);
        match value {
            None => request.push(NULL),
            Some(value) => push_bytes(&mut request, value)?,
        }
    }
    Some(request)
}

/// Adds a byte string.
fn push_bytes(message: &mut Vec<u8>, bytes: &[u8]) -> Option<()> {
    if bytes.len() > MAX_FIELD {
        return None;
    }
    // Always two bytes of length: MAX_FIELD fits, and no reader asks for the shortest form.
    message.push(BYTES_16);
    message.extend_from_slice(&u16::try_from(bytes.len()).ok()?.to_be_bytes());
    message.extend_from_slice(bytes);
    Some(())
}

/// Reads an answer to [`GET_RANDOM`]; `None` if it is none.
pub fn parse_random(message: &[u8]) -> Option<Answer<'_>> {
    parse(message, RANDOM)
}

/// Reads an answer to [`attestation_request`]; `None` if it is none.
pub fn parse_document(message: &[u8]) -> Option<Answer<'_>> {
    parse(message, DOCUMENT)
}

fn parse<'a>(message: &'a [u8], answer: &[u8]) -> Option<Answer<'a>> {
    if let Some(item) = message.strip_prefix(answer) {
        return string(item, BYTES).map(Answer::Given);
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
    #![allow(
        clippy::indexing_slicing,
        reason = "a test ends where what it is about is missing"
    )]

    use proptest::prelude::*;

    use super::*;

    fn random(length: &[u8], content: &[u8]) -> Vec<u8> {
        [RANDOM, length, content].concat()
    }

    #[test]
    fn bytes_are_read_in_every_form_of_length() {
        let short = random(&[0x43], &[1, 2, 3]);
        assert_eq!(parse_random(&short), Some(Answer::Given(&[1, 2, 3])));
        let byte = random(&[0x58, 200], &[7; 200]);
        assert_eq!(parse_random(&byte), Some(Answer::Given(&[7; 200])));
        let word = random(&[0x59, 1, 0], &[9; 256]);
        assert_eq!(parse_random(&word), Some(Answer::Given(&[9; 256])));
        let none = random(&[0x40], &[]);
        assert_eq!(parse_random(&none), Some(Answer::Given(&[])));
        let document = [DOCUMENT, &[0x59, 0, 2, 5, 6]].concat();
        assert_eq!(parse_document(&document), Some(Answer::Given(&[5, 6])));
        assert_eq!(parse_random(&document), None);
        assert_eq!(parse_document(&word), None);
    }

    #[test]
    fn a_refusal_has_its_name() {
        let message = b"\xa1\x65Error\x6dInternalError";
        let refused = Some(Answer::Refused("InternalError"));
        assert_eq!(parse_random(message), refused);
        assert_eq!(parse_document(message), refused);
    }

    #[test]
    fn every_other_message_is_no_answer() {
        let good = random(&[0x58, 32], &[5; 32]);
        for length in 0..good.len() {
            assert_eq!(parse_random(&good[..length]), None, "cut at {length}");
        }
        let longer = [good.as_slice(), b"x"].concat();
        assert_eq!(parse_random(&longer), None);
        let text = random(&[0x63], b"abc");
        assert_eq!(parse_random(&text), None);
        let indefinite = random(&[0x5f], b"\x41a\xff");
        assert_eq!(parse_random(&indefinite), None);
        let endless = random(&[0x5b, 255, 255, 255, 255, 255, 255, 255, 255], b"");
        assert_eq!(parse_random(&endless), None);
        assert_eq!(parse_random(b"\xa1\x65Error\x62\xff\xfe"), None, "no text");
    }

    /// Bytes as the module's own library reads them: the request of the vendor's example.
    #[test]
    fn a_request_has_its_three_fields() {
        let fields = Fields {
            nonce: Some(vec![1, 2]),
            ..Fields::default()
        };
        assert_eq!(
            attestation_request(&fields).unwrap(),
            b"\xa1\x6bAttestation\xa3\x69user_data\xf6\x65nonce\x59\0\x02\x01\x02\x6apublic_key\xf6"
        );
        let long = Fields {
            user_data: Some(vec![0; MAX_FIELD + 1]),
            ..Fields::default()
        };
        assert_eq!(attestation_request(&long), None);
    }

    proptest! {
        #[test]
        fn no_bytes_are_two_answers(message in prop::collection::vec(any::<u8>(), 0..64)) {
            let both = parse_random(&message).is_some() && parse_document(&message).is_some();
            prop_assert!(!both || message.starts_with(REFUSAL));
        }
    }
}
