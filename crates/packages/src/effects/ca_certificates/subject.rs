//! The digest of a certificate's subject, under which OpenSSL looks for it in a directory.
//!
//! It is over a *canonical* form of the name, so that names that mean the same have the same
//! digest: texts of all kinds become UTF-8, white space at the ends goes and within becomes one
//! space, and ASCII letters become small. The frame around all parts is left out. Of the SHA-1 the
//! first four bytes count, as a little-endian number.
//!
//! Followed: OpenSSL's `X509_NAME_hash`, from 1.0 on.

use sha1::{Digest, Sha1};

use super::der::{put, take, take_tag};

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const INTEGER: u8 = 0x02;
const OBJECT_ID: u8 = 0x06;
const UTF8: u8 = 0x0c;

/// The digest of the subject of `certificate`; `None` when that is no certificate.
pub(super) fn hash(certificate: &[u8]) -> Option<u32> {
    let canonical = canonical(subject(certificate)?)?;
    let digest = Sha1::digest(&canonical);
    digest.first_chunk().map(|first| u32::from_le_bytes(*first))
}

/// The content of the subject.
fn subject(certificate: &[u8]) -> Option<&[u8]> {
    let mut rest = certificate;
    let mut outer = take_tag(&mut rest, SEQUENCE)?;
    let mut fields = take_tag(&mut outer, SEQUENCE)?;
    let first = take(&mut fields)?;
    // The version is there unless it is the first.
    if first.tag == 0xa0 {
        take_tag(&mut fields, INTEGER)?;
    }
    for _algorithm_issuer_validity in 0..3 {
        take_tag(&mut fields, SEQUENCE)?;
    }
    take_tag(&mut fields, SEQUENCE)
}

fn canonical(mut name: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    while !name.is_empty() {
        let mut set = take_tag(&mut name, SET)?;
        let mut parts = Vec::new();
        while !set.is_empty() {
            parts.push(part(take_tag(&mut set, SEQUENCE)?)?);
        }
        // The order of a set in DER, which may change with the letters.
        parts.sort_unstable();
        put(&mut bytes, SET, &parts.concat());
    }
    Some(bytes)
}

/// A kind and a value, in canonical form.
fn part(mut pair: &[u8]) -> Option<Vec<u8>> {
    let kind = take(&mut pair).filter(|kind| kind.tag == OBJECT_ID)?;
    let value = take(&mut pair)?;
    let mut content = kind.whole.to_vec();
    match text(value.tag, value.content) {
        Some(text) => put(&mut content, UTF8, plain(&text).as_bytes()),
        None => content.extend_from_slice(value.whole),
    }
    let mut whole = Vec::new();
    put(&mut whole, SEQUENCE, &content);
    Some(whole)
}

/// The text of a value of a kind that OpenSSL makes UTF-8.
fn text(tag: u8, content: &[u8]) -> Option<String> {
    match tag {
        UTF8 => String::from_utf8(content.to_vec()).ok(),
        // PrintableString, TeletexString, IA5String, VisibleString: a byte is a character.
        0x13 | 0x14 | 0x16 | 0x1a => Some(content.iter().copied().map(char::from).collect()),
        // BMPString: two bytes are a character.
        0x1e => characters(content, |pair: &[u8; 2]| {
            u32::from(u16::from_be_bytes(*pair))
        }),
        // UniversalString: four bytes are a character.
        0x1c => characters(content, |four: &[u8; 4]| u32::from_be_bytes(*four)),
        _ => None,
    }
}

fn characters<const N: usize>(content: &[u8], number: fn(&[u8; N]) -> u32) -> Option<String> {
    let (chunks, rest) = content.as_chunks::<N>();
    if !rest.is_empty() {
        return None;
    }
    chunks
        .iter()
        .map(|chunk| char::from_u32(number(chunk)))
        .collect()
}

/// Without white space at the ends, with single spaces within, in small ASCII letters.
fn plain(text: &str) -> String {
    let space = |letter: char| letter == ' ' || ('\t'..='\r').contains(&letter);
    let words: Vec<&str> = text.split(space).filter(|word| !word.is_empty()).collect();
    words.join(" ").to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_all_kinds() {
        assert_eq!(text(UTF8, "é".as_bytes()).unwrap(), "é");
        assert_eq!(text(0x13, b"A b").unwrap(), "A b");
        assert_eq!(text(0x14, b"\xe9").unwrap(), "é");
        assert_eq!(text(0x1e, b"\0A\x01\x7e").unwrap(), "Až");
        assert_eq!(text(0x1c, b"\0\0\0A").unwrap(), "A");
        assert_eq!(text(0x1e, b"\0"), None);
        assert_eq!(text(0x1e, b"\xd8\0"), None);
        assert_eq!(text(0x12, b"1"), None);
    }

    #[test]
    fn white_space_and_letters() {
        assert_eq!(plain("  A  b\tÉ\u{b} c "), "a b É c");
        assert_eq!(plain(""), "");
    }
}
