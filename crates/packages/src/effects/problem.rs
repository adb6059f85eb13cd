//! What can go wrong while an effect is applied.
//!
//! A [`Problem`] says what and where in the tree; [`EffectError`] adds which effect it was. What a
//! package asks for and cannot have (a command with unknown words, an owner that does not exist)
//! is not a problem but a command that nobody takes, and becomes a finding.

use std::io;

use enclair_tree::{PathError, TreePath};
use thiserror::Error;

use super::EffectVersion;

/// Effects that cannot be applied.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EffectError {
    /// A lock that lists an effect that this release does not have.
    #[error("effect `{effect}` is not known here; this release knows {}", known_text(*.known))]
    Unknown {
        /// What the lock lists.
        effect: EffectVersion,
        /// The version of the effect that this release has; `None` when it has none.
        known: Option<u32>,
    },
    /// A lock that lists an effect twice.
    #[error("effect `{effect}` is listed twice")]
    Twice {
        /// What the lock lists.
        effect: EffectVersion,
    },
    /// Text that is not an effect's name and version.
    #[error("`{text}` is not an effect, which is written `name@1`")]
    Syntax {
        /// The text.
        text: String,
    },
    /// An effect that could not be applied.
    #[error("effect `{effect}`: {problem}")]
    Failed {
        /// Which effect.
        effect: EffectVersion,
        /// Why.
        #[source]
        problem: Problem,
    },
}

fn known_text(known: Option<u32>) -> String {
    known.map_or_else(
        || "no effect of that name".to_owned(),
        |version| format!("version {version} of it"),
    )
}

impl EffectError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Unknown { .. } => Some(
                "the lock was written by another release: use that one, or run `enclair lock` \
                 again, which may change the image",
            ),
            Self::Twice { .. } | Self::Syntax { .. } => {
                Some("run `enclair lock` again; effects of a lock are not edited by hand")
            }
            Self::Failed { problem, .. } => problem.hint(),
        }
    }
}

/// Why an effect could not be applied.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Problem {
    /// The tree does not take a change.
    #[error("the tree cannot be changed")]
    Tree(#[from] enclair_tree::Error),
    /// A path that no tree can have.
    #[error("not a path of a tree")]
    Path(#[from] PathError),
    /// A content that cannot be read back.
    #[error("`{path}`: the content cannot be read")]
    Read {
        /// Whose content.
        path: TreePath,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A text that is not UTF-8, or not text at all.
    #[error("`{path}`: not text")]
    NotText {
        /// Whose content.
        path: TreePath,
    },
    /// A file that an effect needs is not there.
    #[error("`{path}`: does not exist, or is not a regular file")]
    Missing {
        /// The file.
        path: TreePath,
    },
    /// A line that is not what the file's format asks for.
    #[error("`{path}` line {line}: {expected} expected")]
    Line {
        /// The file.
        path: TreePath,
        /// The line, from 1.
        line: usize,
        /// What should stand there.
        expected: &'static str,
    },
    /// A file in a binary format that is not what it claims to be.
    #[error("`{path}`: {expected} expected")]
    Format {
        /// The file.
        path: TreePath,
        /// What should be there.
        expected: &'static str,
    },
    /// Two entries of which there can be one.
    #[error("`{name}` is there twice, or with other numbers: {what}")]
    Conflict {
        /// The name.
        name: String,
        /// What the name is of.
        what: &'static str,
    },
    /// A name that nobody has.
    #[error("{what} `{name}` does not exist")]
    Unknown {
        /// What is looked for.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// Every id of a range is taken.
    #[error("no id from {first} to {last} is free")]
    NoId {
        /// The first id of the range.
        first: u32,
        /// The last id of the range.
        last: u32,
    },
    /// A value that cannot stand where it is wanted.
    #[error("`{value}` cannot be {what}")]
    Value {
        /// The value.
        value: String,
        /// What it should be.
        what: &'static str,
    },
}

impl Problem {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Conflict { .. } => {
                Some("leave the entry out of the recipe, or give it the numbers that it has")
            }
            Self::Unknown { .. } => {
                Some("add it under `[source.packages.effects]`, or correct the name")
            }
            Self::NotText { .. } | Self::Line { .. } | Self::Format { .. } => {
                Some("the file comes from a package: is the package what it should be?")
            }
            Self::Tree(_)
            | Self::Path(_)
            | Self::Read { .. }
            | Self::Missing { .. }
            | Self::NoId { .. }
            | Self::Value { .. } => None,
        }
    }
}
