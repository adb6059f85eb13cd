//! What the canonical writer refuses.

use std::fmt;

use thiserror::Error;

/// The rule that a path breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PathRule {
    /// It has no bytes.
    Empty,
    /// It begins or ends with `/`, or has `//`.
    EmptyComponent,
    /// It has a component `.` or `..`.
    DotComponent,
    /// It has a component of more than 255 bytes.
    LongComponent,
    /// It has NUL.
    Nul,
    /// It has more than 4095 bytes.
    Long,
    /// It is the name that ends an archive.
    Trailer,
}

impl fmt::Display for PathRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the path is empty",
            Self::EmptyComponent => "the path begins or ends with `/` or has `//`",
            Self::DotComponent => "the path has a component `.` or `..`",
            Self::LongComponent => "the path has a component of more than 255 bytes",
            Self::Nul => "the path has NUL",
            Self::Long => "the path has more than 4095 bytes",
            Self::Trailer => "the path is the name that ends an archive",
        })
    }
}

/// A path as it is shown in an error.
struct Shown<'a>(&'a [u8]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", String::from_utf8_lossy(self.0).escape_debug())
    }
}

/// An entry that is not canonical, or a sink that failed. Nothing of a refused entry is written.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum WriteError<E> {
    /// A path that breaks a rule.
    #[error("{}: {rule}", Shown(path))]
    Path {
        /// The path.
        path: Vec<u8>,
        /// What it breaks.
        rule: PathRule,
    },
    /// A path that does not follow the one before it.
    #[error(
        "{}: the path must follow {} in the order of bytes",
        Shown(path),
        Shown(previous)
    )]
    Order {
        /// The path.
        path: Vec<u8>,
        /// The path before it.
        previous: Vec<u8>,
    },
    /// A path whose parent was not written as a directory.
    #[error("{}: the parent directory is not in the archive", Shown(path))]
    Parent {
        /// The path.
        path: Vec<u8>,
    },
    /// Permissions with other bits than 0o7777.
    #[error("{}: {found:o} is no permissions, at most 7777 is", Shown(path))]
    Permissions {
        /// The path.
        path: Vec<u8>,
        /// The permissions.
        found: u16,
    },
    /// A file that the format cannot hold.
    #[error(
        "{}: the file has {size} bytes, at most 4294967295 are possible",
        Shown(path)
    )]
    FileSize {
        /// The path.
        path: Vec<u8>,
        /// Its size in bytes.
        size: u64,
    },
    /// A symlink target that the kernel does not take.
    #[error(
        "{}: the symlink target has {length} bytes, expected 1 to 4095",
        Shown(path)
    )]
    TargetSize {
        /// The path.
        path: Vec<u8>,
        /// Bytes of the target.
        length: usize,
    },
    /// A symlink target with NUL.
    #[error("{}: the symlink target has NUL", Shown(path))]
    TargetNul {
        /// The path.
        path: Vec<u8>,
    },
    /// A device number that the kernel would cut.
    #[error("{}: device {major}:{minor} is beyond 4095:1048575", Shown(path))]
    Device {
        /// The path.
        path: Vec<u8>,
        /// The major number.
        major: u32,
        /// The minor number.
        minor: u32,
    },
    /// A further link of a group that is not open.
    #[error("{}: hard-link group {group} is not open", Shown(path))]
    GroupNotOpen {
        /// The path.
        path: Vec<u8>,
        /// The group, as the caller numbers it.
        group: u64,
    },
    /// A first link of a group that is open already.
    #[error("{}: hard-link group {group} is open already", Shown(path))]
    GroupOpen {
        /// The path.
        path: Vec<u8>,
        /// The group, as the caller numbers it.
        group: u64,
    },
    /// A first link of a group of no paths.
    #[error("{}: hard-link group {group} has 0 paths", Shown(path))]
    GroupEmpty {
        /// The path.
        path: Vec<u8>,
        /// The group, as the caller numbers it.
        group: u64,
    },
    /// A link whose number of links or metadata is not that of its group.
    #[error(
        "{}: links or metadata differ from those of hard-link group {group}",
        Shown(path)
    )]
    GroupDiffers {
        /// The path.
        path: Vec<u8>,
        /// The group, as the caller numbers it.
        group: u64,
    },
    /// The archive ends before a group is complete.
    #[error("the archive ends with {missing} paths of hard-link group {group} missing")]
    GroupIncomplete {
        /// The group, as the caller numbers it.
        group: u64,
        /// Paths that did not come.
        missing: u32,
    },
    /// More inodes than the format can number.
    #[error("{}: more than 4294967295 inodes", Shown(path))]
    Inodes {
        /// The path.
        path: Vec<u8>,
    },
    /// The sink failed.
    #[error("the archive cannot be written")]
    Sink(#[source] E),
    /// The sink failed before, and what is written is incomplete.
    #[error("the archive has failed to write already")]
    Failed,
}

impl<E> WriteError<E> {
    /// What to do about it, where there is something.
    pub const fn hint(&self) -> Option<&'static str> {
        if matches!(self, Self::FileSize { .. }) {
            return Some("split the file: the format has 32 bits for a size");
        }
        if matches!(
            self,
            Self::Path { .. } | Self::TargetSize { .. } | Self::TargetNul { .. }
        ) {
            return Some("rename or remove it: the kernel would pass over it without a word");
        }
        None
    }
}
