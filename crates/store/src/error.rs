//! What can go wrong with a store.
//!
//! Content that is not what its digest says is never a plain I/O error: it is [`Error::Digest`] or
//! [`Error::Size`], and whoever asked can decide to fetch it again.

use std::fmt;
use std::io;
use std::path::PathBuf;

use enclair_digest::Sha256;
use thiserror::Error;

/// A store that cannot be used, or content that it does not take or give.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The file system refused something.
    #[error("`{}`: cannot be {action}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What was attempted.
        action: Action,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// The reader that content was to come from failed.
    #[error("the content for the store cannot be read")]
    Source(#[source] io::Error),
    /// Something other than what belongs there, such as a symlink in place of a blob.
    #[error("`{}`: is not a {expected}", path.display())]
    Kind {
        /// What is in the way.
        path: PathBuf,
        /// What belongs there.
        expected: FileKind,
    },
    /// A directory that has files in it and no version file.
    #[error("`{}`: is not a store, and not empty", path.display())]
    NotAStore {
        /// The directory.
        path: PathBuf,
    },
    /// A layout that this program does not know.
    #[error("`{}`: the layout is `{found}`, `{}` was expected", path.display(), crate::VERSION)]
    Version {
        /// The version file.
        path: PathBuf,
        /// What it says.
        found: String,
    },
    /// A blob that the store does not have.
    #[error("sha256:{sha256} is not in the store")]
    Missing {
        /// What was asked for.
        sha256: Sha256,
    },
    /// Content whose digest is not the expected one.
    #[error("sha256:{expected} was expected, the content has sha256:{found}")]
    Digest {
        /// What it should have been.
        expected: Sha256,
        /// What it is.
        found: Sha256,
    },
    /// Content that is shorter or longer than expected.
    #[error("sha256:{sha256} has {expected} bytes, the content has {found}")]
    Size {
        /// What it should have been.
        sha256: Sha256,
        /// Bytes that were expected.
        expected: u64,
        /// Bytes that were there; no more than one write beyond what was expected is looked at.
        found: u64,
    },
    /// A registration in `names/` that cannot be understood. Nothing is removed while there is one.
    #[error("`{}`: line {line} is not what a registration has there", path.display())]
    Registration {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// The path of a lock that would mean another file in another directory.
    #[error("`{}`: the path of a lock must be absolute", path.display())]
    RelativeLock {
        /// The path as it was given.
        path: PathBuf,
    },
    /// A name for a companion of an export that is not a plain file name.
    #[error("`{name}`: is not a plain file name")]
    CompanionName {
        /// The name as it was given, escaped.
        name: String,
    },
    /// The target of an export is there already.
    #[error("`{}`: exists already", path.display())]
    Exists {
        /// The target.
        path: PathBuf,
    },
    /// Files of an import that were not taken. Those that were right have been.
    #[error("not taken: {}, the first {}", counted(faults.len()), first(faults))]
    Import {
        /// All of them.
        faults: Vec<Fault>,
    },
}

/// What was attempted with a file or directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Making it.
    Create,
    /// Opening it, or looking at what it is.
    Open,
    /// Reading a file or listing a directory.
    Read,
    /// Writing, truncating or changing the mode or time of it.
    Write,
    /// Waiting until it is on the disk.
    Sync,
    /// Giving it its name.
    Rename,
    /// Removing it.
    Remove,
    /// Locking it.
    Lock,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "created",
            Self::Open => "opened",
            Self::Read => "read",
            Self::Write => "written",
            Self::Sync => "synchronised",
            Self::Rename => "renamed",
            Self::Remove => "removed",
            Self::Lock => "locked",
        })
    }
}

/// What belongs in a place of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "regular file",
            Self::Directory => "directory",
        })
    }
}

/// A file that is not what its name says: of the store, or of a directory that is imported.
#[derive(Debug, Error)]
#[error("`{}`: {problem}", path.display())]
pub struct Fault {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: Problem,
}

impl Fault {
    /// Whether the content is not what the name says.
    const fn is_altered(&self) -> bool {
        matches!(self.problem, Problem::Altered { .. })
    }
}

/// What is wrong with a file.
#[derive(Debug)]
#[non_exhaustive]
pub enum Problem {
    /// The content has another digest than the name.
    Altered {
        /// What the name says.
        expected: Sha256,
        /// What the content has.
        found: Sha256,
    },
    /// The name is no digest.
    Name,
    /// A symlink, a device or whatever else is no regular file.
    NotAFile,
    /// It cannot be read.
    Unreadable(io::Error),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Altered { found, .. } => write!(f, "the content has sha256:{found}"),
            Self::Name => f.write_str("the name is not a digest"),
            Self::NotAFile => f.write_str("is not a regular file"),
            Self::Unreadable(error) => write!(f, "cannot be read: {error}"),
        }
    }
}

fn counted(files: usize) -> String {
    if files == 1 {
        "1 file".to_owned()
    } else {
        format!("{files} files")
    }
}

fn first(faults: &[Fault]) -> String {
    faults.first().map(Fault::to_string).unwrap_or_default()
}

impl Error {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Io { source, .. } => io_hint(source),
            Self::Kind { .. } => {
                Some("somebody changed the store by hand; remove what is in the way")
            }
            Self::NotAStore { .. } => Some("name an empty directory, or one that does not exist"),
            Self::Version { .. } => {
                Some("another release wrote this store; use that one, or another directory")
            }
            Self::Digest { .. } => Some("the source gave something else, or it was damaged"),
            Self::Registration { .. } => {
                Some("remove the file; the lock registers itself again when it is used")
            }
            Self::Import { faults } if faults.iter().any(Fault::is_altered) => {
                Some("what was altered on its way must be brought again")
            }
            Self::Import { .. } => Some(
                "a directory for import has files named by digest only, as `blobs/sha256` of an OCI \
                 layout has",
            ),
            Self::Source(_)
            | Self::Missing { .. }
            | Self::Size { .. }
            | Self::RelativeLock { .. }
            | Self::CompanionName { .. }
            | Self::Exists { .. } => None,
        }
    }

    /// An I/O error with its place, for `map_err`.
    pub(crate) fn io<E: Into<io::Error>>(
        path: impl Into<PathBuf>,
        action: Action,
    ) -> impl FnOnce(E) -> Self {
        let path = path.into();
        move |source| Self::Io {
            path,
            action,
            source: source.into(),
        }
    }
}

fn io_hint(error: &io::Error) -> Option<&'static str> {
    let space = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded];
    let rights = [
        io::ErrorKind::PermissionDenied,
        io::ErrorKind::ReadOnlyFilesystem,
    ];
    if space.contains(&error.kind()) {
        Some("make room on the disk, as with `enclair store gc`")
    } else if rights.contains(&error.kind()) {
        Some("the store must belong to who writes into it; name another with `ENCLAIR_STORE`")
    } else {
        None
    }
}
