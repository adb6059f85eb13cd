//! What can be wrong with a file of digests.

use enclair_digest::ParseDigestError;
use thiserror::Error;

use super::{MAX_LINES, MAX_SUMS};
use crate::index::PathProblem;

/// A file of digests that no lock can be made of, or that cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SumsError {
    /// More bytes than any such file has.
    #[error("the file has {found} bytes, at most {MAX_SUMS} are read")]
    Long {
        /// Its size in bytes.
        found: usize,
    },
    /// More lines than any such file has.
    #[error("the file has more than {MAX_LINES} lines")]
    Lines,
    /// A line that is none of a package.
    #[error("line {line}: {problem}")]
    Line {
        /// Its number, from 1.
        line: u32,
        /// What is wrong with it.
        problem: LineProblem,
    },
    /// Two packages with one path.
    #[error("two packages of different archives have the path `{path}`")]
    Ambiguous {
        /// The path, or its beginning.
        path: Box<str>,
    },
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LineProblem {
    /// Bytes that are no text.
    #[error("it is not UTF-8")]
    Text,
    /// Something else than two blanks between digest and name.
    #[error("expected a digest, two blanks and a path")]
    Blanks,
    /// A digest that is none.
    #[error(transparent)]
    Digest(ParseDigestError),
    /// A character that no name of a package has.
    #[error("the name has the character {found:?}")]
    Character {
        /// The character.
        found: char,
    },
    /// A path that leads elsewhere.
    #[error("`{name}` is no path in an archive: {source}")]
    Name {
        /// The name, or its beginning.
        name: Box<str>,
        /// Why.
        source: PathProblem,
    },
    /// A name in the form of another distribution.
    #[error("this is a package of {form}; only packages of Debian and Ubuntu are read")]
    Distribution {
        /// Whose form it is.
        form: Form,
    },
    /// A name of something else.
    #[error("`{name}` is no package: its name does not end in `.deb`")]
    NoPackage {
        /// The name, or its beginning.
        name: Box<str>,
    },
    /// A path that another line has.
    #[error("line {first} has the same path")]
    Path {
        /// That line.
        first: u32,
    },
    /// A digest that another line has.
    #[error("line {first} has the same digest under another path")]
    Same {
        /// That line.
        first: u32,
    },
    /// Something in IPFS that is no package of the file.
    #[error("no package of the file has the digest of this name in IPFS")]
    Ipfs,
}

impl SumsError {
    /// What to do about it.
    pub const fn hint(&self) -> Option<&'static str> {
        let Self::Line { problem, .. } = self else {
            return None;
        };
        match problem {
            LineProblem::Blanks => Some(
                "lines are those that `sha256sum` writes for text files: 64 digits, two blanks, \
                 and a path such as `pool/main/h/hello/hello_2.10-3_amd64.deb`",
            ),
            LineProblem::Path { .. } | LineProblem::Same { .. } => Some("remove one of them"),
            LineProblem::Text
            | LineProblem::Digest(_)
            | LineProblem::Character { .. }
            | LineProblem::Name { .. }
            | LineProblem::Distribution { .. }
            | LineProblem::NoPackage { .. }
            | LineProblem::Ipfs => None,
        }
    }
}

/// The names that other distributions have for their packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `.apk`
    Alpine,
    /// `.pkg.tar.zst` and other compressions, with signatures beside them.
    Arch,
    /// `.rpm`
    Fedora,
}

impl Form {
    /// Whose form a name has, if it is another distribution's.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        // Not the extension of a path: the name may lead anywhere, and is only looked at.
        let ends = |suffix: &str| name.ends_with(suffix);
        if ends(".rpm") {
            return Some(Self::Fedora);
        }
        if ends(".apk") {
            return Some(Self::Alpine);
        }
        let plain = name.strip_suffix(".sig").unwrap_or(name);
        let arch = [".pkg.tar.zst", ".pkg.tar.xz", ".pkg.tar.gz", ".pkg.tar"];
        let is_arch = arch.iter().any(|suffix| plain.ends_with(suffix));
        is_arch.then_some(Self::Arch)
    }
}

impl std::fmt::Display for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Alpine => "Alpine",
            Self::Arch => "Arch Linux",
            Self::Fedora => "Fedora",
        })
    }
}
