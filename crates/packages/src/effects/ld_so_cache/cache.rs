//! The file `/etc/ld.so.cache` in its newer format, the only one that glibc writes since 2.32.
//!
//! ```text
//!  0  "glibc-ld.so.cache1.1"
//! 20  u32  entries              24  u32  bytes of texts     28  u8  2: little-endian, 3 bytes 0
//! 32  u32  where the extensions begin                       36  3 x u32  0
//! 48  entries, 24 bytes each:
//!     u32  flags    u32  where the soname is    u32  where the path is    u32  0    u64  hwcap
//!     texts, each with a NUL; places count from the beginning of the file
//!     to a multiple of 4: u32  0xeaa42174    u32  sections
//!     sections, 16 bytes each:  u32  kind    u32  0    u32  where    u32  bytes
//!     kind 0: who wrote it      kind 1: where the names of subdirectories of glibc-hwcaps are
//! ```
//!
//! Entries are in falling order of their sonames, in which numbers count as numbers, since the
//! dynamic linker searches by halves and takes the first of a name.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use super::strings::Strings;

const HEADER: u32 = 48;
const ENTRY: u32 = 24;
/// The hwcap field says a subdirectory and a level.
const EXTENSION: u64 = 1 << 62;

/// One library under one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// The name that programs ask for.
    pub(super) soname: String,
    /// Where it is.
    pub(super) path: String,
    /// For which machine and C library.
    pub(super) flags: u32,
    /// The level of x86-64 that it needs.
    pub(super) isa_level: u16,
    /// The name below `glibc-hwcaps`.
    pub(super) subdirectory: Option<String>,
}

/// More names than a cache can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CacheError;

/// The bytes of a cache of `entries`, in the order in which they were found. `known` are all
/// subdirectories, whose names stand among the texts whether they have an entry or not.
pub(super) fn write(
    mut entries: Vec<Entry>,
    known: &BTreeSet<String>,
    generator: &str,
) -> Result<Vec<u8>, CacheError> {
    entries.sort_by(compare);
    let names = subdirectories(&entries);
    let mut texts: BTreeSet<&[u8]> = BTreeSet::new();
    for entry in &entries {
        texts.extend([entry.soname.as_bytes(), entry.path.as_bytes()]);
    }
    texts.extend(known.iter().map(String::as_bytes));
    let strings = Strings::new(texts)?;
    let count = u32::try_from(entries.len()).map_err(|_| CacheError)?;
    let start = count
        .checked_mul(ENTRY)
        .and_then(|size| size.checked_add(HEADER));
    let start = start.ok_or(CacheError)?;
    let length = u32::try_from(strings.bytes.len()).map_err(|_| CacheError)?;
    let end = start.checked_add(length).ok_or(CacheError)?;
    let extensions = end.checked_next_multiple_of(4).ok_or(CacheError)?;

    let mut bytes = b"glibc-ld.so.cache1.1".to_vec();
    put(&mut bytes, &[count, length, 2, extensions, 0, 0, 0]);
    for entry in &entries {
        let soname = place(start, strings.offset(entry.soname.as_bytes())?)?;
        let path = place(start, strings.offset(entry.path.as_bytes())?)?;
        put(&mut bytes, &[entry.flags, soname, path, 0]);
        bytes.extend_from_slice(&hwcap(entry, &names).to_le_bytes());
    }
    bytes.extend_from_slice(&strings.bytes);
    while !bytes.len().is_multiple_of(4) {
        bytes.push(0);
    }
    let mut places = Vec::new();
    for name in names.keys() {
        places.push(place(start, strings.offset(name.as_bytes())?)?);
    }
    put_extensions(&mut bytes, extensions, &places, generator)?;
    Ok(bytes)
}

fn place(start: u32, offset: u32) -> Result<u32, CacheError> {
    start.checked_add(offset).ok_or(CacheError)
}

fn put(bytes: &mut Vec<u8>, numbers: &[u32]) {
    for number in numbers {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
}

fn put_extensions(
    bytes: &mut Vec<u8>,
    at: u32,
    names: &[u32],
    generator: &str,
) -> Result<(), CacheError> {
    let sections: u32 = if names.is_empty() { 1 } else { 2 };
    let names_at = sections
        .checked_mul(16)
        .and_then(|size| size.checked_add(8));
    let names_at = place(at, names_at.ok_or(CacheError)?)?;
    let size = names
        .len()
        .checked_mul(4)
        .and_then(|size| u32::try_from(size).ok());
    let size = size.ok_or(CacheError)?;
    let length = u32::try_from(generator.len()).map_err(|_| CacheError)?;
    put(
        bytes,
        &[0xeaa4_2174, sections, 0, 0, place(names_at, size)?, length],
    );
    if !names.is_empty() {
        put(bytes, &[1, 0, names_at, size]);
        put(bytes, names);
    }
    bytes.extend_from_slice(generator.as_bytes());
    Ok(())
}

/// The subdirectories that have entries, with their numbers in the order of names.
fn subdirectories(entries: &[Entry]) -> BTreeMap<String, u64> {
    let names = entries
        .iter()
        .filter_map(|entry| entry.subdirectory.clone());
    let names: BTreeSet<String> = names.collect();
    names.into_iter().zip(0..).collect()
}

fn hwcap(entry: &Entry, names: &BTreeMap<String, u64>) -> u64 {
    let number = entry.subdirectory.as_ref().and_then(|name| names.get(name));
    number.map_or(0, |number| {
        EXTENSION | u64::from(entry.isa_level).wrapping_shl(32) | number
    })
}

/// The order of entries; a difference that no rule sees leaves them as they were found.
fn compare(one: &Entry, other: &Entry) -> Ordering {
    compare_names(other.soname.as_bytes(), one.soname.as_bytes())
        .then(other.flags.cmp(&one.flags))
        .then_with(|| match (&one.subdirectory, &other.subdirectory) {
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (one, other) => one.cmp(other),
        })
        .then(match one.subdirectory {
            Some(_) => other.isa_level.cmp(&one.isa_level),
            None => Ordering::Equal,
        })
}

/// The order of names, in which runs of digits count as numbers. A number that is too large for
/// the 32 bits of the real comparison counts as the largest.
pub(super) fn compare_names(one: &[u8], other: &[u8]) -> Ordering {
    let (mut one, mut other) = (one, other);
    loop {
        let order = match (one, other) {
            ([], []) => return Ordering::Equal,
            ([], _) => return Ordering::Less,
            (_, []) => return Ordering::Greater,
            ([a, ..], [b, ..]) if a.is_ascii_digit() && b.is_ascii_digit() => {
                let (a, rest) = number(one);
                let (b, other_rest) = number(other);
                (one, other) = (rest, other_rest);
                a.cmp(&b)
            }
            ([a, ..], [_, ..]) if a.is_ascii_digit() => return Ordering::Greater,
            ([_, ..], [b, ..]) if b.is_ascii_digit() => return Ordering::Less,
            ([a, rest @ ..], [b, other_rest @ ..]) => {
                (one, other) = (rest, other_rest);
                // Bytes are signed where the real comparison runs.
                a.cast_signed().cmp(&b.cast_signed())
            }
        };
        if order.is_ne() {
            return order;
        }
    }
}

fn number(text: &[u8]) -> (u32, &[u8]) {
    let mut value = 0_u32;
    let mut rest = text;
    while let [digit @ b'0'..=b'9', after @ ..] = rest {
        let digit = u32::from(digit.wrapping_sub(b'0'));
        value = value.saturating_mul(10).saturating_add(digit);
        rest = after;
    }
    (value, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_as_numbers() {
        let mut names = [
            "liba.so.10",
            "liba.so.9",
            "liba.so",
            "liba2.so",
            "liba10.so",
            "libb.so",
        ];
        names.sort_by(|one, other| compare_names(one.as_bytes(), other.as_bytes()));
        let sorted = [
            "liba.so",
            "liba.so.9",
            "liba.so.10",
            "liba2.so",
            "liba10.so",
            "libb.so",
        ];
        assert_eq!(names, sorted);
        assert_eq!(compare_names(b"lib1.so", b"lib01.so"), Ordering::Equal);
        assert_eq!(
            compare_names(b"lib99999999999", b"lib4294967295"),
            Ordering::Equal
        );
    }

    #[test]
    fn an_empty_cache() {
        let bytes = write(Vec::new(), &BTreeSet::new(), "x").unwrap();
        assert_eq!(bytes.len(), 48 + 24 + 1);
        assert_eq!(bytes.last(), Some(&b'x'));
    }
}
