//! The texts of a cache: each once, and one that is the end of another not at all.
//!
//! The order is that of glibc, by the bytes from the end on, the highest first and of two that are
//! alike so far the longer: so a text that is the end of another comes right after that.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use super::cache::CacheError;

/// Texts with the places where they begin.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Strings {
    offsets: BTreeMap<Vec<u8>, u32>,
    /// The texts, each with a NUL behind it.
    pub(super) bytes: Vec<u8>,
}

impl Strings {
    /// Lays out `texts`.
    pub(super) fn new(texts: BTreeSet<&[u8]>) -> Result<Self, CacheError> {
        let mut ordered: Vec<&[u8]> = texts.into_iter().collect();
        ordered.sort_by(|one, other| from_the_end(one, other));
        let mut strings = Self::default();
        let mut previous: &[u8] = b"";
        for text in ordered {
            let offset = if previous.ends_with(text) && !previous.is_empty() {
                // Behind the text is its NUL, which ends the bytes so far.
                strings
                    .bytes
                    .len()
                    .checked_sub(text.len().saturating_add(1))
            } else {
                let offset = strings.bytes.len();
                strings.bytes.extend_from_slice(text);
                strings.bytes.push(0);
                Some(offset)
            };
            let offset = offset.and_then(|offset| u32::try_from(offset).ok());
            strings
                .offsets
                .insert(text.to_vec(), offset.ok_or(CacheError)?);
            previous = text;
        }
        Ok(strings)
    }

    /// Where `text` begins.
    pub(super) fn offset(&self, text: &[u8]) -> Result<u32, CacheError> {
        self.offsets.get(text).copied().ok_or(CacheError)
    }
}

fn from_the_end(one: &[u8], other: &[u8]) -> Ordering {
    let mut pairs = one.iter().rev().zip(other.iter().rev());
    let differs = pairs.find(|(one, other)| one != other);
    match differs {
        Some((one, other)) => other.cmp(one),
        None => other.len().cmp(&one.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_of_another_text_costs_nothing() {
        let texts: [&[u8]; 4] = [b"libz.so.1", b"/lib/libz.so.1", b"so.1", b"other"];
        let strings = Strings::new(texts.into()).unwrap();
        assert_eq!(strings.bytes, b"other\0/lib/libz.so.1\0");
        let offsets = texts.map(|text| strings.offset(text).unwrap());
        assert_eq!(offsets, [11, 6, 16, 0]);
        assert!(strings.offset(b"none").is_err());
    }
}
