//! Why packages cannot be unpacked over each other.

use std::io;

use enclair_tree::{Escaped, TreePath};
use thiserror::Error;

use crate::relation::RelationError;

/// A package that cannot be unpacked where it belongs.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RootError {
    /// Two packages have the same path, and neither says that it replaces the other.
    #[error("package `{package}`: `{path}` is in package `{other}` too")]
    Conflict {
        /// The package that is unpacked.
        package: String,
        /// The path in the tree.
        path: TreePath,
        /// The package that has it already.
        other: String,
    },
    /// A package that has one path under two names, which a symlink such as `/bin` makes one.
    #[error("package `{package}`: `{name}` and `{other}` are one path")]
    Alias {
        /// The package.
        package: String,
        /// The name that comes second in the package.
        name: TreePath,
        /// The name that comes first.
        other: TreePath,
    },
    /// A file where a directory is.
    #[error("package `{package}`: `{path}` is {found} and cannot become {wanted}")]
    Kind {
        /// The package that is unpacked.
        package: String,
        /// The path in the tree.
        path: TreePath,
        /// What is there.
        found: &'static str,
        /// What the package has there.
        wanted: &'static str,
    },
    /// An owner that the image's own account files do not name.
    #[error("package `{package}`: `{path}` belongs to {kind} `{name}`, which does not exist")]
    Owner {
        /// The package.
        package: String,
        /// The path as the package names it.
        path: TreePath,
        /// `user` or `group`.
        kind: &'static str,
        /// The name, escaped.
        name: String,
    },
    /// A path that has no place in the tree.
    #[error("package `{package}` cannot be unpacked")]
    Tree {
        /// The package.
        package: String,
        /// Why.
        #[source]
        source: enclair_tree::Error,
    },
    /// A line of `conffiles` that names no file of the package.
    #[error("package `{package}`: line {line} of `conffiles`: {problem}")]
    Conffile {
        /// The package.
        package: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: ConffileProblem,
    },
    /// A content that cannot be read back.
    #[error("package `{package}`: `{path}` cannot be read back")]
    Content {
        /// The package.
        package: String,
        /// The path as the package names it.
        path: TreePath,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A field of relations that is none.
    #[error("package `{package}`: `{field}` cannot be read")]
    Relations {
        /// The package.
        package: String,
        /// The field.
        field: &'static str,
        /// Why.
        #[source]
        source: RelationError,
    },
    /// dpkg's records have no place in the tree.
    #[error("dpkg's records cannot be written")]
    Records(#[source] enclair_tree::Error),
    /// Two packages of one name.
    #[error("package `{package}` is there twice")]
    Twice {
        /// The name.
        package: String,
    },
}

/// What is wrong with a line of `conffiles`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConffileProblem {
    /// No absolute path.
    #[error("`{line}` is not an absolute path")]
    Path {
        /// The line, escaped.
        line: String,
    },
    /// A word in front of the path that means nothing.
    #[error("`{flag}` is not known")]
    Flag {
        /// The word.
        flag: String,
    },
    /// The package has no such file.
    #[error("`{path}` is no regular file of the package")]
    Missing {
        /// The path.
        path: TreePath,
    },
}

impl RootError {
    pub(super) fn owner(
        package: &str,
        path: &TreePath,
        (kind, name): (&'static str, &[u8]),
    ) -> Self {
        Self::Owner {
            package: package.to_owned(),
            path: path.clone(),
            kind,
            name: Escaped(name).to_string(),
        }
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Conflict { .. } => {
                Some("the packages cannot be installed together: leave one of them out")
            }
            Self::Owner { .. } => Some(
                "packages may only name the users of base-passwd: install it, or ask the \
                 package's maker to give the file another owner",
            ),
            Self::Tree { source, .. } | Self::Records(source) => source.hint(),
            Self::Alias { .. } => Some("the package was not made for merged `/usr`"),
            Self::Kind { .. }
            | Self::Conffile { .. }
            | Self::Content { .. }
            | Self::Relations { .. }
            | Self::Twice { .. } => None,
        }
    }
}
