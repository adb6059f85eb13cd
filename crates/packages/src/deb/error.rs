//! What can be wrong with a package file.

use std::io;

use enclair_tree::TreePath;
use thiserror::Error;

use crate::control::ControlError;

/// A package file that cannot be read, or that is not taken.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DebError {
    /// The source of the package failed, which also says that its digest differs.
    #[error("offset {offset}: the package cannot be read")]
    Read {
        /// Bytes of the package that were read before.
        offset: u64,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Bytes that are not the ar archive of a package.
    #[error("offset {offset}: {problem}")]
    Ar {
        /// Where the header is, in bytes of the package.
        offset: u64,
        /// What is wrong with it.
        problem: ArProblem,
    },
    /// A member that cannot be decompressed or whose bytes end early.
    #[error("member `{member}`: the content cannot be read")]
    Content {
        /// The member's name.
        member: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// An archive inside of the package that cannot be read.
    #[error("member `{member}`: the archive cannot be read")]
    Archive {
        /// The member's name.
        member: String,
        /// Why.
        #[source]
        source: enclair_tree::Error,
    },
    /// An entry of the control archive.
    #[error("member `{member}`: `{entry}`: {problem}")]
    ControlEntry {
        /// The member's name.
        member: String,
        /// The entry.
        entry: TreePath,
        /// What is wrong with it.
        problem: ControlProblem,
    },
    /// The control archive has no file that must be there.
    #[error("member `{member}`: there is no file `control`")]
    NoControl {
        /// The member's name.
        member: String,
    },
    /// The file `control` is no paragraph.
    #[error("`control` cannot be read")]
    Control(#[source] ControlError),
    /// An entry of the data archive.
    #[error("member `{member}`: `{path}`: {problem}")]
    Entry {
        /// The member's name.
        member: String,
        /// The entry.
        path: TreePath,
        /// What is wrong with it.
        problem: EntryProblem,
    },
    /// The package is another one than its name and the index say.
    #[error("`{field}` is `{found}`, `{expected}` was expected")]
    Identity {
        /// The field of `control`.
        field: &'static str,
        /// What was expected.
        expected: String,
        /// What the package says.
        found: String,
    },
}

/// What is wrong with the ar archive.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ArProblem {
    /// Another file.
    #[error("not a package: it begins with `{found}` and not with `!<arch>\\x0a`")]
    Magic {
        /// The first bytes, escaped.
        found: String,
    },
    /// The header of a member ends early, or something that is no member follows the last.
    #[error("the header of a member has 60 bytes, {found} are left")]
    HeaderCut {
        /// Bytes that are left.
        found: usize,
    },
    /// The header has no end mark.
    #[error("the header of a member ends in `{found}` and not in `` `\\x0a ``")]
    HeaderEnd {
        /// The last two bytes, escaped.
        found: String,
    },
    /// A name with bytes that no member of a package has.
    #[error("`{found}` is not the name of a member")]
    Name {
        /// The field, escaped.
        found: String,
    },
    /// A size that is no number.
    #[error("`{found}` is not the size of a member")]
    Size {
        /// The field, escaped.
        found: String,
    },
    /// A member of odd size without a newline behind it.
    #[error("member `{name}` has an odd size and no newline behind it")]
    Padding {
        /// The member.
        name: String,
    },
    /// A member at another place than deb(5) gives it, or one that it does not know.
    #[error("member `{found}` where {expected} must be")]
    Order {
        /// The member that is there.
        found: String,
        /// What must be there.
        expected: Expected,
    },
    /// The archive ends before all members were there.
    #[error("the package ends where {expected} must be")]
    Missing {
        /// What must be there.
        expected: Expected,
    },
    /// Another version of the format.
    #[error("`debian-binary` says `{found}`, only format 2.0 is known")]
    Version {
        /// The content of the member, escaped.
        found: String,
    },
    /// A member that is too large for what it is.
    #[error("member `{name}` has {found} bytes, at most {limit} are allowed")]
    Large {
        /// The member.
        name: String,
        /// Its size in bytes.
        found: u64,
        /// How many are allowed.
        limit: u64,
    },
}

/// What must be at a place in the ar archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// The first member.
    Version,
    /// The second.
    Control,
    /// The third.
    Data,
    /// Nothing more but members whose name begins with `_`.
    End,
}

impl std::fmt::Display for Expected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Version => "`debian-binary`",
            Self::Control => "`control.tar`, `.gz`, `.xz` or `.zst`,",
            Self::Data => "`data.tar`, `.gz`, `.xz`, `.zst`, `.bz2` or `.lzma`,",
            Self::End => "the end of the package",
        })
    }
}

/// What is wrong with an entry of the control archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ControlProblem {
    /// A directory, link or device.
    #[error("only regular files are in a control archive")]
    Kind,
    /// A file in a directory.
    #[error("a control archive has no directories")]
    Nested,
    /// A name that could not be a part of a name in dpkg's database.
    #[error("a control file's name has only letters, digits, `-`, `+`, `.` and `_`")]
    Name,
    /// Two entries of one name.
    #[error("there are two entries of this name")]
    Duplicate,
    /// `list` would replace dpkg's own list of the package's files.
    #[error("this name is kept for dpkg's own records")]
    Reserved,
}

/// What is wrong with an entry of the data archive.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EntryProblem {
    /// A device, pipe or socket.
    #[error("{kind} is not taken from a package")]
    Special {
        /// What it is.
        kind: &'static str,
    },
    /// Two entries of one path.
    #[error("there are two entries of this path")]
    Duplicate,
    /// A hard link to something that is not a file before it in the same package.
    #[error("hard link to `{target}`, which is no file before it in the package")]
    LinkTarget {
        /// The target.
        target: TreePath,
    },
    /// The root as something else than a directory.
    #[error("the root can only be a directory")]
    Root,
}

impl DebError {
    pub(super) const fn ar(offset: u64, problem: ArProblem) -> Self {
        Self::Ar { offset, problem }
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Ar { problem, .. } => problem.hint(),
            // The caller's limits do not hold for a control archive.
            Self::Archive { member, .. } if member.starts_with("control") => None,
            Self::Archive { source, .. } => source.hint(),
            Self::Content { source, .. } => {
                enclair_compress::Error::of(source).and_then(enclair_compress::Error::hint)
            }
            Self::Entry { problem, .. } => problem.hint(),
            Self::Control(source) => source.hint(),
            Self::Identity { .. } => Some("the index and the package do not belong together"),
            Self::Read { .. } | Self::ControlEntry { .. } | Self::NoControl { .. } => None,
        }
    }
}

impl ArProblem {
    fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Magic { .. } => Some("is it a `.deb`?"),
            Self::HeaderCut { .. } | Self::Missing { .. } => {
                Some("the file is incomplete, or something was appended to it: fetch it again")
            }
            Self::Version { .. } => Some("`dpkg-deb` of today writes 2.0: make the package again"),
            Self::HeaderEnd { .. }
            | Self::Name { .. }
            | Self::Size { .. }
            | Self::Padding { .. }
            | Self::Order { .. }
            | Self::Large { .. } => None,
        }
    }
}

impl EntryProblem {
    fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Special { .. } => {
                Some("an enclave's devices come from its kernel; a package needs none")
            }
            Self::Duplicate | Self::LinkTarget { .. } | Self::Root => None,
        }
    }
}
