//! `SHA256SUMS-<architecture>`: packages by digest, as repro-get keeps them and `sha256sum` checks
//! them.
//!
//! ```text
//! # a comment
//! 2f2d3f3a..<64 digits>  pool/main/h/hello/hello_2.10-3_amd64.deb
//! ```
//!
//! A line is a digest, two blanks, and the path of a package below the archive's root. There is
//! nothing else in such a file: no name, no version, no size, no suite. Those come from an index that
//! has the digest, or from the package itself; see `enclair lock --import`.
//!
//! Stricter than `sha256sum`, because a lock is made of it: every path is one that an index could
//! have ([`crate::index`]), no path and no digest stands twice, and a name in the form of another
//! distribution is refused by that distribution's name.
//!
//! The surprise: repro-get adds a second line `/ipfs/<CID>` with a package's digest where the package
//! was put into IPFS. It says again what the first one says, so it is counted and not taken.

mod error;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use enclair_digest::Sha256;

pub use error::{Form, LineProblem, SumsError};

use crate::index::check_path;

/// Most bytes of such a file: 100 for each of as many packages as nobody installs.
pub const MAX_SUMS: usize = 16 << 20;

/// Most lines of such a file.
pub const MAX_LINES: usize = 1 << 17;

/// What is before the name of something in IPFS.
const IPFS: &str = "/ipfs/";

/// A package by its digest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sum {
    /// Its path below the archive's root: relative, with plain parts.
    pub path: String,
    /// The digest of its file.
    pub sha256: Sha256,
    /// The line that it stands in, from 1.
    pub line: u32,
}

/// A file of digests.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sums {
    /// The packages, in the order of the file.
    pub packages: Vec<Sum>,
    /// How many lines name a package in IPFS that another line names in the archive.
    pub ipfs: usize,
}

impl Sums {
    /// Reads a file of digests. CR before LF is taken as LF; empty lines and lines that begin with
    /// `#` do not count.
    ///
    /// # Errors
    ///
    /// The first line that is none of a package, with its number; a file that is too long.
    pub fn parse(text: &[u8]) -> Result<Self, SumsError> {
        let found = text.len();
        if found > MAX_SUMS {
            return Err(SumsError::Long { found });
        }
        let mut reading = Reading::default();
        let mut line = 0_u32;
        for content in text.split(|byte| *byte == b'\n') {
            line = line.saturating_add(1);
            if usize::try_from(line).unwrap_or(usize::MAX) > MAX_LINES {
                return Err(SumsError::Lines);
            }
            let content = content.strip_suffix(b"\r").unwrap_or(content);
            if content.is_empty() || content.starts_with(b"#") {
                continue;
            }
            reading
                .take(content, line)
                .map_err(|problem| SumsError::Line { line, problem })?;
        }
        reading.finish()
    }
}

/// A file, as it is read.
#[derive(Debug, Default)]
struct Reading {
    packages: Vec<Sum>,
    /// The line of each path, and of each digest.
    paths: BTreeMap<String, u32>,
    digests: BTreeMap<Sha256, u32>,
    /// Digest and line of each name in IPFS.
    ipfs: Vec<(Sha256, u32)>,
}

impl Reading {
    fn take(&mut self, content: &[u8], line: u32) -> Result<(), LineProblem> {
        let (sha256, name) = split(content)?;
        if name.starts_with(IPFS) {
            self.ipfs.push((sha256, line));
            return Ok(());
        }
        let path = check_name(name)?;
        if let Some(first) = self.paths.insert(path.to_owned(), line) {
            return Err(LineProblem::Path { first });
        }
        if let Some(first) = self.digests.insert(sha256, line) {
            return Err(LineProblem::Same { first });
        }
        let path = path.to_owned();
        self.packages.push(Sum { path, sha256, line });
        Ok(())
    }

    fn finish(self) -> Result<Sums, SumsError> {
        let alone = |(sha256, _): &&(Sha256, u32)| !self.digests.contains_key(sha256);
        if let Some((_, line)) = self.ipfs.iter().find(alone) {
            let (line, problem) = (*line, LineProblem::Ipfs);
            return Err(SumsError::Line { line, problem });
        }
        Ok(Sums {
            packages: self.packages,
            ipfs: self.ipfs.len(),
        })
    }
}

/// The digest and the name of a line.
fn split(content: &[u8]) -> Result<(Sha256, &str), LineProblem> {
    let text = std::str::from_utf8(content).map_err(|_| LineProblem::Text)?;
    let (digits, rest) = text.split_once(' ').ok_or(LineProblem::Blanks)?;
    let sha256 = digits.parse().map_err(LineProblem::Digest)?;
    // `sha256sum` has a `*` in place of the second blank for files that it reads as binary ones.
    let name = rest.strip_prefix(' ').ok_or(LineProblem::Blanks)?;
    Ok((sha256, name))
}

/// The path of a package.
fn check_name(name: &str) -> Result<&str, LineProblem> {
    if let Some(found) = name.chars().find(|letter| !letter.is_ascii_graphic()) {
        return Err(LineProblem::Character { found });
    }
    if let Some(form) = Form::of_name(name) {
        return Err(LineProblem::Distribution { form });
    }
    let path = check_path(name).map_err(|source| LineProblem::Name {
        name: shortened(name),
        source,
    })?;
    let base = path.rsplit('/').next().unwrap_or(path);
    match base.strip_suffix(".deb") {
        Some(stem) if !stem.is_empty() => Ok(path),
        Some(_) | None => Err(LineProblem::NoPackage {
            name: shortened(name),
        }),
    }
}

/// As much of a text as fits into a message.
fn shortened(text: &str) -> Box<str> {
    text.chars().take(200).collect()
}

/// Writes a file of digests, sorted by path. The same package more than once is written once.
///
/// # Errors
///
/// When two packages have one path: they are in different archives, and such a file has no place to
/// say so.
pub fn write<'a>(
    packages: impl IntoIterator<Item = (&'a str, Sha256)>,
) -> Result<String, SumsError> {
    let mut sorted: BTreeMap<&str, Sha256> = BTreeMap::new();
    for (path, sha256) in packages {
        let known = sorted.insert(path, sha256);
        if known.is_some_and(|known| known != sha256) {
            let path = shortened(path);
            return Err(SumsError::Ambiguous { path });
        }
    }
    let mut text = String::new();
    for (path, sha256) in sorted {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{sha256}  {path}");
    }
    Ok(text)
}
