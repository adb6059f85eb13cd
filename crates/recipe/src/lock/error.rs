//! Everything that can be wrong with a lock.

use enclair_configuration::Found;
use thiserror::Error;

/// The version of the document that this crate knows.
pub(crate) const SCHEMA: u64 = 1;
/// Bytes of the longest lock.
pub(crate) const MAX_BYTES: usize = 4 << 20;

/// Why a document is no lock. Text of the document is escaped and cut.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LockError {
    /// More bytes than a lock can have.
    #[error("the lock has {found} bytes, and at most {MAX_BYTES} are read")]
    TooLarge {
        /// Bytes of the document.
        found: usize,
    },
    /// Two versions of the lock at once, as a merge leaves them.
    #[error("line {line}: a merge left a conflict here")]
    MergeConflict {
        /// The line of the first marker, from 1.
        line: usize,
    },
    /// No TOML.
    #[error("line {line}: {problem}")]
    Syntax {
        /// The line, from 1.
        line: usize,
        /// What the reader of TOML says.
        problem: String,
    },
    /// Another version of the document.
    #[error("`schema`: expected {SCHEMA}, found {found}")]
    Schema {
        /// The number in the document.
        found: u64,
    },
    /// A key that this schema does not have, or not there.
    #[error("`{key}`: no key of schema {SCHEMA}")]
    UnknownKey {
        /// The key, with the tables that it is in.
        key: Found,
    },
    /// A key that must be there and is not.
    #[error("`{key}`: missing")]
    MissingKey {
        /// The key.
        key: String,
    },
    /// A value of another type.
    #[error("`{key}`: expected {expected}, found a value of type {found}")]
    WrongType {
        /// The key.
        key: String,
        /// The type that the key has.
        expected: &'static str,
        /// The type of the value, as TOML calls it.
        found: &'static str,
    },
    /// A value that cannot be.
    #[error("`{key}`: expected {expected}, found `{found}`")]
    Value {
        /// The key.
        key: String,
        /// What could stand there.
        expected: &'static str,
        /// What stands there.
        found: Found,
    },
    /// The right values in other bytes than the canonical ones.
    #[error("line {line}: not in the canonical form")]
    NotCanonical {
        /// The first line that differs, from 1.
        line: usize,
    },
}

impl LockError {
    /// What to do about it.
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::MergeConflict { .. } => Some(
                "take either side of the conflict whole, then run `enclair lock`: it resolves \
                 what does not fit the recipe",
            ),
            Self::Schema { .. } => Some(
                "use the release of enclair that wrote it, or remove it and run `enclair lock`",
            ),
            Self::NotCanonical { .. }
            | Self::Syntax { .. }
            | Self::UnknownKey { .. }
            | Self::MissingKey { .. }
            | Self::WrongType { .. }
            | Self::Value { .. } => Some(
                "a lock is not edited by hand; restore it from the repository, or remove it and \
                 run `enclair lock`",
            ),
            Self::TooLarge { .. } => None,
        }
    }
}
