//! The packages of one component of a suite: a file `Packages`, in any of its compressions.
//!
//! Not here: whether the file is the archive's own. Its digest stands in the signed Release file
//! ([`crate::release`]), and whoever fetches it compares that.
//!
//! ```text
//! Packages(.xz, .gz, .zst)  -- read -->  Index  -- to_bytes -->  cache, by the file's digest
//!                                          ^---- from_bytes ------'
//! ```
//!
//! An [`Index`] keeps the fields that decide what is installed and where a package is found, as
//! text that is read when it is asked for; descriptions, maintainers and tags are passed over. It
//! is sorted by name, architecture and version, so nothing depends on the order of the file.
//!
//! Everything that a lock takes on trust is checked for every package, also in what comes out of a
//! cache: names, the version, the digest, the size, and that the file's path leads nowhere else.

mod build;
mod cache;
mod error;
mod fields;
mod gather;
mod package;
mod path;
mod stanza;
#[cfg(test)]
mod tests;

use std::io::BufRead;

use enclair_compress::{Format, Stream};

use build::Builder;
pub use cache::{CACHE_VERSION, CacheError};
pub use error::{FieldProblem, IndexError};
pub use gather::{Gathering, PackageFile};
use package::Record;
pub use package::{MultiArch, Package, Priority, RelationKind};
pub(crate) use path::check as check_path;
pub use path::{MAX_PATH, PathProblem};
pub use stanza::MAX_STANZA;

/// Most bytes of a file `Packages`, decompressed. Debian's largest have 60 MB.
pub const MAX_INDEX: u64 = 1 << 30;

/// Most packages of one index. Debian's largest have 70,000.
pub const MAX_PACKAGES: usize = 1 << 20;

/// Most bytes of a package's file.
pub const MAX_PACKAGE_SIZE: u64 = 16 << 30;

/// The packages of one component of a suite, by name. Equal to another one with the same packages.
#[derive(Debug, Clone, Default)]
pub struct Index {
    /// What the records' spans lie in.
    text: String,
    /// Sorted by name, architecture, version; no two of them are the same.
    records: Vec<Record>,
    /// Sorted by name, then by place in `records`.
    provided: Vec<Provided>,
}

/// A name that a package provides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Provided {
    name: Span,
    record: u32,
}

/// A part of an index's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Span {
    start: u32,
    length: u32,
}

impl PartialEq for Index {
    fn eq(&self, other: &Self) -> bool {
        self.packages()
            .map(|package| package.fields())
            .eq(other.packages().map(|package| package.fields()))
    }
}

impl Eq for Index {}

impl Index {
    /// Reads a file `Packages`, compressed in a way that is found by its first bytes, or not at
    /// all. The whole input is read.
    ///
    /// Memory is bounded by the text of the fields that are kept: 30 MB for Debian's main.
    ///
    /// # Errors
    ///
    /// When the input cannot be read or decoded, is longer than [`MAX_INDEX`], breaks the rules of
    /// control files, or has a package that no lock could take: without a safe path, a digest or a
    /// size, or of the same name, version and architecture as another, with another digest.
    pub fn read(mut input: impl BufRead) -> Result<Self, IndexError> {
        let format = Format::detect(input.fill_buf().map_err(IndexError::Read)?);
        match format {
            None => Self::read_text(input),
            Some(format) => {
                let decoder = Stream::new(format, input);
                Self::read_text(decoder.map_err(|error| IndexError::Read(error.into()))?)
            }
        }
    }

    fn read_text(input: impl std::io::Read) -> Result<Self, IndexError> {
        let mut builder = Builder::default();
        stanza::for_each(input, |paragraph| {
            fields::with(paragraph, |fields| builder.add(fields))
        })?;
        builder.finish()
    }

    /// How many packages there are.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there is no package.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Every package, by name, architecture and version.
    pub fn packages(&self) -> impl Iterator<Item = Package<'_>> {
        self.records.iter().map(|record| self.package(record))
    }

    /// The packages of that name, by architecture and version.
    pub fn named(&self, name: &str) -> impl Iterator<Item = Package<'_>> {
        let start = self
            .records
            .partition_point(|record| self.text_of(record.name) < name);
        let rest = self.records.get(start..).unwrap_or_default();
        let end = rest.partition_point(|record| self.text_of(record.name) <= name);
        let found = rest.get(..end).unwrap_or_default();
        found.iter().map(|record| self.package(record))
    }

    /// The packages that provide the virtual package `name`, by their own name, architecture and
    /// version. A package is not among those that provide its own name unless it says so.
    pub fn providers(&self, name: &str) -> impl Iterator<Item = Package<'_>> {
        let start = self
            .provided
            .partition_point(|provided| self.text_of(provided.name) < name);
        let rest = self.provided.get(start..).unwrap_or_default();
        let end = rest.partition_point(|provided| self.text_of(provided.name) <= name);
        let found = rest.get(..end).unwrap_or_default();
        found.iter().filter_map(|provided| {
            let place = usize::try_from(provided.record).ok()?;
            self.records.get(place).map(|record| self.package(record))
        })
    }

    /// The names of packages and of what they provide, each kind in its order; a name can come
    /// several times.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let real = self.records.iter().map(|record| record.name);
        let provided = self.provided.iter().map(|provided| provided.name);
        real.chain(provided).map(|name| self.text_of(name))
    }

    fn package<'a>(&'a self, record: &'a Record) -> Package<'a> {
        Package::new(self, record)
    }

    fn text_of(&self, span: Span) -> &str {
        let range = || {
            let start = usize::try_from(span.start).ok()?;
            let end = start.checked_add(usize::try_from(span.length).ok()?)?;
            self.text.get(start..end)
        };
        range().unwrap_or_default()
    }
}
