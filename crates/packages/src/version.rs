//! Versions of packages and their order (Debian policy, 5.6.12).
//!
//! ```text
//! [epoch:]upstream[-revision]       1:2.39.5-0+deb12u2
//! ```
//!
//! Epochs are compared as numbers, then upstream versions, then revisions. The latter two are
//! walked from the left, a part without digits and a number in turn. In a part without digits `~`
//! sorts before everything, even its end; letters sort before all other characters.
//!
//! The surprise: texts that differ can be equal versions (`1.0`, `0:1.0` and `1.0-0`), because
//! leading zeros do not count and what is missing is zero. [`Version`] is equal by its order;
//! where the text matters, compare [`Version::as_str`].

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::iter::repeat;

use thiserror::Error;

/// Most bytes of a version: it is a part of file names.
pub const MAX_VERSION: usize = 240;

/// A version that was checked. Equality and order are those of versions, not of texts.
#[derive(Debug, Clone)]
pub struct Version {
    text: Box<str>,
}

impl Version {
    /// Reads a version.
    ///
    /// # Errors
    ///
    /// When the text is no version by policy, or is longer than [`MAX_VERSION`].
    pub fn parse(text: &str) -> Result<Self, VersionError> {
        Parts::parse(text)?;
        Ok(Self { text: text.into() })
    }

    /// A text that was checked before.
    pub(crate) fn checked(text: &str) -> Self {
        Self { text: text.into() }
    }

    /// The version as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The epoch, 0 where there is none.
    pub fn epoch(&self) -> u32 {
        self.parts().epoch
    }

    /// The version that the software has outside of the distribution.
    pub fn upstream(&self) -> &str {
        self.parts().upstream
    }

    /// The revision of the package, where there is one.
    pub fn revision(&self) -> Option<&str> {
        self.parts().revision
    }

    /// The version without its epoch, as in the name of a package's file.
    pub fn without_epoch(&self) -> &str {
        let text = self.as_str();
        text.split_once(':').map_or(text, |(_, rest)| rest)
    }

    pub(crate) fn parts(&self) -> Parts<'_> {
        Parts::split(&self.text)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.parts().cmp(&other.parts())
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Version {}

impl Hash for Version {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let parts = self.parts();
        parts.epoch.hash(state);
        for text in [parts.upstream, parts.revision.unwrap_or_default()] {
            // `0` alone is as if there were nothing.
            let counts = |chunk: &(&[u8], &[u8])| *chunk != (&[][..], &[][..]);
            Chunks(text.as_bytes())
                .filter(counts)
                .for_each(|chunk| chunk.hash(state));
            // A part that ends, and nothing that a part can have.
            state.write_u8(0);
        }
    }
}

/// A version, borrowed: what an index compares without an allocation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parts<'a> {
    epoch: u32,
    upstream: &'a str,
    revision: Option<&'a str>,
}

impl<'a> Parts<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, VersionError> {
        let fail = |problem| VersionError {
            version: text.into(),
            problem,
        };
        if text.is_empty() {
            return Err(fail(VersionProblem::Empty));
        }
        if text.len() > MAX_VERSION {
            let found = text.len();
            return Err(VersionError {
                version: text.chars().take(40).collect(),
                problem: VersionProblem::Length { found },
            });
        }
        let parts = Self::split(text);
        parts.check(text).map_err(fail)?;
        Ok(parts)
    }

    /// The parts of a text that was checked before. A text that was not gives parts too.
    pub(crate) fn split(text: &'a str) -> Self {
        let (epoch, rest) = text.split_once(':').unwrap_or(("0", text));
        let (upstream, revision) = match rest.rsplit_once('-') {
            Some((upstream, revision)) => (upstream, Some(revision)),
            None => (rest, None),
        };
        Self {
            epoch: epoch.parse().unwrap_or_default(),
            upstream,
            revision,
        }
    }

    fn check(&self, text: &str) -> Result<(), VersionProblem> {
        let epoch = text.split_once(':').map(|(epoch, _)| epoch);
        if let Some(epoch) = epoch {
            let digits = !epoch.is_empty() && epoch.bytes().all(|byte| byte.is_ascii_digit());
            // dpkg keeps it in a signed integer.
            if !digits || !epoch.parse::<i32>().is_ok_and(|epoch| epoch >= 0) {
                return Err(VersionProblem::Epoch);
            }
        }
        if !self.upstream.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(VersionProblem::Upstream);
        }
        if self.revision == Some("") {
            return Err(VersionProblem::Revision);
        }
        let in_upstream = |c: char| {
            c.is_ascii_alphanumeric() || ".+-~".contains(c) || (c == ':' && epoch.is_some())
        };
        let in_revision = |c: char| c.is_ascii_alphanumeric() || ".+~".contains(c);
        let wrong = self.upstream.chars().find(|c| !in_upstream(*c));
        let wrong = wrong.or_else(|| self.revision?.chars().find(|c| !in_revision(*c)));
        wrong.map_or(Ok(()), |found| Err(VersionProblem::Character { found }))
    }
}

impl Ord for Parts<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.epoch
            .cmp(&other.epoch)
            .then_with(|| compare(self.upstream.as_bytes(), other.upstream.as_bytes()))
            .then_with(|| {
                compare(
                    self.revision.map_or(&[], str::as_bytes),
                    other.revision.map_or(&[], str::as_bytes),
                )
            })
    }
}

impl PartialOrd for Parts<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Parts<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Parts<'_> {}

/// The text from the left, a part without digits and a number without leading zeros in turn.
struct Chunks<'a>(&'a [u8]);

impl<'a> Iterator for Chunks<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let letters = take_while(&mut self.0, |byte| !byte.is_ascii_digit());
        take_while(&mut self.0, |byte| byte == b'0');
        let number = take_while(&mut self.0, |byte| byte.is_ascii_digit());
        Some((letters, number))
    }
}

fn take_while<'a>(text: &mut &'a [u8], wanted: impl Fn(u8) -> bool) -> &'a [u8] {
    let end = text
        .iter()
        .position(|byte| !wanted(*byte))
        .unwrap_or(text.len());
    let (taken, rest) = text.split_at_checked(end).unwrap_or_default();
    *text = rest;
    taken
}

fn compare(left: &[u8], right: &[u8]) -> Ordering {
    let (mut left, mut right) = (Chunks(left), Chunks(right));
    loop {
        let (l, r) = (left.next(), right.next());
        if l.is_none() && r.is_none() {
            return Ordering::Equal;
        }
        let ((l, left_number), (r, right_number)) = (l.unwrap_or_default(), r.unwrap_or_default());
        // Without leading zeros the longer number is the larger one.
        let order = compare_letters(l, r)
            .then_with(|| left_number.len().cmp(&right_number.len()))
            .then_with(|| left_number.cmp(right_number));
        if order != Ordering::Equal {
            return order;
        }
    }
}

fn compare_letters(left: &[u8], right: &[u8]) -> Ordering {
    let longest = left.len().max(right.len());
    weights(left)
        .take(longest)
        .cmp(weights(right).take(longest))
}

/// The weights of a part's characters, and without end what is there where they end.
fn weights(text: &[u8]) -> impl Iterator<Item = u16> {
    text.iter().map(|byte| weight(*byte)).chain(repeat(END))
}

/// Where a part ends: behind `~`, before everything else.
const END: u16 = 1;

fn weight(byte: u8) -> u16 {
    match byte {
        b'~' => 0,
        byte if byte.is_ascii_alphabetic() => u16::from(byte).saturating_add(END),
        byte => u16::from(byte).saturating_add(0x100),
    }
}

/// A text that is no version.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{version}` is no version: {problem}")]
pub struct VersionError {
    /// The text, or its beginning when it is too long.
    pub version: Box<str>,
    /// What is wrong with it.
    pub problem: VersionProblem,
}

/// What is wrong with a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum VersionProblem {
    /// Nothing.
    #[error("it is empty")]
    Empty,
    /// A longer one than a file name can hold.
    #[error("it has {found} bytes, and at most {MAX_VERSION} are allowed")]
    Length {
        /// Its length in bytes.
        found: usize,
    },
    /// An epoch that is no number, or one that dpkg cannot keep.
    #[error("what is before the colon is no number below 2147483648")]
    Epoch,
    /// An upstream version that does not begin with a digit.
    #[error("the upstream version does not begin with a digit")]
    Upstream,
    /// A hyphen with nothing behind it.
    #[error("nothing follows the last `-`")]
    Revision,
    /// A character that versions do not have.
    #[error("it has the character {found:?}")]
    Character {
        /// The character.
        found: char,
    },
}

#[cfg(test)]
mod tests;
