//! Why a list of relations cannot be read.

use thiserror::Error;

use super::MAX_RELATIONS;
use crate::control::NameError;
use crate::version::VersionError;

/// A text that is no list of relations.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("at byte {at}: {problem}")]
pub struct RelationError {
    /// Where in the field, in bytes from 0.
    pub at: usize,
    /// What is wrong there.
    #[source]
    pub problem: RelationProblem,
}

/// What is wrong with a list of relations.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RelationProblem {
    /// No name where one has to be.
    #[error("the name of a package is expected")]
    NoName,
    /// A name that no package can have.
    #[error("`{name}` is no name of a package")]
    Name {
        /// The name.
        name: Box<str>,
        /// Why.
        #[source]
        source: NameError,
    },
    /// An architecture that is none.
    #[error("`{name}` is no architecture")]
    Architecture {
        /// The architecture.
        name: Box<str>,
        /// Why.
        #[source]
        source: NameError,
    },
    /// No operator behind `(`.
    #[error("one of `<<`, `<=`, `=`, `>=` and `>>` is expected")]
    Operator,
    /// A version that is none.
    #[error("the version of a relation cannot be read")]
    Version(#[source] VersionError),
    /// An architecture or profile that is nothing.
    #[error("`{term}` is no architecture or profile")]
    Term {
        /// What is there.
        term: Box<str>,
    },
    /// A bracket that is not closed.
    #[error("`{bracket}` is missing")]
    Unclosed {
        /// The bracket that would close it.
        bracket: char,
    },
    /// More relations than any package has.
    #[error("there are more than {MAX_RELATIONS} relations")]
    TooMany,
    /// Something behind a relation that belongs to none.
    #[error("`,` or `|` is expected")]
    Trailing,
}
