//! Why an index cannot be read.

use std::io;

use enclair_digest::{ParseDigestError, Sha256};
use thiserror::Error;

use super::{MAX_INDEX, MAX_PACKAGE_SIZE, MAX_PACKAGES, MAX_STANZA, PathProblem};
use crate::control::{ControlError, NameError};
use crate::relation::RelationError;
use crate::version::VersionError;

/// An index that cannot be read, or has a package that no lock could take.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum IndexError {
    /// The input cannot be read or decoded.
    #[error("the index cannot be read")]
    Read(#[source] io::Error),
    /// More text than any index has.
    #[error("the index goes on beyond the limit of {MAX_INDEX} bytes")]
    TooLong,
    /// More packages than any index has.
    #[error("the index has more than {MAX_PACKAGES} packages")]
    Packages,
    /// A paragraph that does not end.
    #[error("line {line}: a paragraph has more than {MAX_STANZA} bytes")]
    Stanza {
        /// The line where it begins, from 1.
        line: u32,
    },
    /// Text that is no control file.
    #[error("the index is no control file")]
    Control(#[source] ControlError),
    /// A field that no lock could take.
    #[error("line {line}: package `{package}`: the field `{field}` is not usable")]
    Field {
        /// The line of the field, or of the package when it is missing, from 1.
        line: u32,
        /// The package's name, as far as it is known.
        package: Box<str>,
        /// The field's name.
        field: &'static str,
        /// What is wrong with it.
        #[source]
        problem: FieldProblem,
    },
    /// A field of a package that was known before, which no lock could take.
    #[error("package `{package}`: the field `{field}` is not usable")]
    Gathered {
        /// The package's name.
        package: Box<str>,
        /// The field's name.
        field: &'static str,
        /// What is wrong with it.
        #[source]
        problem: FieldProblem,
    },
    /// A package twice, with different files.
    #[error(
        "package `{package}` {version} for {architecture} is there twice, with the digests \
         sha256:{first} and sha256:{second}"
    )]
    Twice {
        /// The package's name.
        package: Box<str>,
        /// Its version.
        version: Box<str>,
        /// Its architecture.
        architecture: Box<str>,
        /// The lower digest.
        first: Sha256,
        /// The higher digest.
        second: Sha256,
    },
}

/// What is wrong with a field of a package.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FieldProblem {
    /// There is no such field.
    #[error("it is missing")]
    Missing,
    /// A name that no package or architecture can have.
    #[error("`{name}` is no name")]
    Name {
        /// What it says.
        name: Box<str>,
        /// Why.
        #[source]
        source: NameError,
    },
    /// A version that is none.
    #[error(transparent)]
    Version(VersionError),
    /// A path that leads somewhere else.
    #[error("`{path}` is no path in an archive")]
    Path {
        /// The path, or its beginning.
        path: Box<str>,
        /// Why.
        #[source]
        source: PathProblem,
    },
    /// No number of bytes.
    #[error("it is no number")]
    Number,
    /// A size that no package has.
    #[error("a size of {found} bytes is not between 1 and {MAX_PACKAGE_SIZE}")]
    Size {
        /// The size in bytes.
        found: u64,
    },
    /// A digest that is none.
    #[error(transparent)]
    Digest(ParseDigestError),
    /// A section that is no word.
    #[error("`{section}` has a control character")]
    Section {
        /// The section, or its beginning.
        section: Box<str>,
    },
    /// A word that policy does not have.
    #[error("it is none of `no`, `same`, `foreign` and `allowed`")]
    Word,
    /// A list of relations that is none.
    #[error(transparent)]
    Relation(RelationError),
    /// More text in fields than an index can keep.
    #[error("the index has more text than can be kept")]
    Text,
}
