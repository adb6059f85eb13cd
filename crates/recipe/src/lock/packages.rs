//! Packages of a lock: what each is, and the suites that they were chosen from.
//!
//! *What* and *where* are apart: a package is its digest, and `from`, `file` and `sha1` only help to
//! find it. The surprise: two locks that differ in `sha1` alone are equal, because that digest is
//! learnt when a package is first downloaded, and is never compared with anything.

use std::fmt;

use enclair_digest::Sha256;

use super::LockedFile;
use crate::supply::{Blob, Place, Wanted};

/// A suite, as it was when packages were chosen from it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LockedSuite {
    /// Its symbolic name: distribution or repository, and suite, as in `debian:bookworm`.
    pub name: String,
    /// The archive that it is in, as in `debian-security`.
    pub archive: String,
    /// The components that were looked at, sorted.
    pub components: Vec<String>,
    /// `Date` of its Release file, in seconds since 1970. It never goes back.
    pub date: u64,
    /// The signed Release file.
    pub release: Blob,
    /// The fingerprint of the key that signed it, in upper-case hexadecimal digits.
    pub key: String,
}

impl LockedSuite {
    /// The suite alone, as in `bookworm-security`.
    pub fn suite(&self) -> &str {
        self.name.split_once(':').map_or("", |(_, suite)| suite)
    }
}

/// A root filesystem of packages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedPackages {
    /// The digest of what the recipe asks for.
    pub request: Sha256,
    /// The packages, in the order in which they are installed.
    pub packages: Vec<LockedPackage>,
}

/// A package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedPackage {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its architecture, as the distribution calls it, or `all`.
    pub arch: String,
    /// The suite that it was chosen from, or an archive where no suite is known.
    pub from: String,
    /// Its path in the archive.
    pub file: String,
    /// What it is.
    pub blob: Blob,
    /// Its SHA-1, by which one archive of old packages knows it.
    pub sha1: Sha1Hint,
    /// Whether the recipe asks for it by its name.
    pub asked: bool,
}

/// A SHA-1 that helps to find something, and says nothing of what is found. All are equal.
#[derive(Debug, Clone, Default)]
pub struct Sha1Hint(Option<String>);

impl Sha1Hint {
    /// 40 lower-case hexadecimal digits; `None` for another text.
    pub fn parse(text: &str) -> Option<Self> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
        let is_sha1 = text.len() == 40 && text.bytes().all(is_digit);
        is_sha1.then(|| Self(Some(text.to_owned())))
    }

    /// The digits, where they are known.
    pub fn digits(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl PartialEq for Sha1Hint {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Sha1Hint {}

impl fmt::Display for LockedPackage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.name, self.version, self.arch)
    }
}

impl LockedPackage {
    /// What must be fetched. `suites` are those of the lock.
    pub fn wanted(&self, suites: &[LockedSuite]) -> Wanted {
        let suite = suites.iter().find(|suite| suite.name == self.from);
        Wanted {
            blob: self.blob,
            name: self.to_string(),
            place: Place::Archive {
                archive: suite.map_or(&self.from, |suite| &suite.archive).clone(),
                path: self.file.clone(),
                date: suite.map(|suite| suite.date),
            },
        }
    }
}

impl LockedFile {
    /// The package that the file is in.
    pub fn package(&self) -> Option<&LockedPackage> {
        match &self.from {
            super::Origin::Package { package, .. } => Some(package),
            super::Origin::Carried
            | super::Origin::File(_)
            | super::Origin::Url { .. }
            | super::Origin::Image { .. } => None,
        }
    }
}
