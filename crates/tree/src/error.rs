//! What can go wrong between an archive and a tree.

use std::fmt;
use std::io;

use thiserror::Error;

use crate::path::{PathError, TreePath, shown};
use crate::tar::TarProblem;

/// An archive or a tree that cannot be read, applied or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The source of an archive failed.
    #[error("offset {offset}: the archive cannot be read")]
    Read {
        /// Bytes of the archive that were read before.
        offset: u64,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The spool did not take a body or did not give it back.
    #[error("`{path}`: the content cannot be kept or read back")]
    Spool {
        /// Whose content.
        path: TreePath,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// An archive could not be written.
    #[error("`{path}`: the archive cannot be written")]
    Write {
        /// At which entry.
        path: TreePath,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Bytes that are not a tar archive, or not one that is taken here.
    #[error("offset {offset}: {problem}")]
    Tar {
        /// Where the header or record starts, in bytes of the uncompressed archive.
        offset: u64,
        /// What is wrong with it.
        problem: TarProblem,
    },
    /// An entry of a ramdisk whose name cannot be a path.
    #[error("offset {offset}: {problem}")]
    Name {
        /// Where its header is, in bytes of the uncompressed archive.
        offset: u64,
        /// What is wrong with the name.
        problem: PathError,
    },
    /// An entry that cannot have its place in the tree, or in an archive that is written from it.
    #[error("`{path}`: {problem}")]
    Entry {
        /// The entry.
        path: TreePath,
        /// What is wrong with it.
        problem: Problem,
    },
    /// A ramdisk that cannot be walked.
    #[error("the ramdisk cannot be read")]
    Ramdisk(#[source] enclair_cpio::Error),
    /// More than a limit allows.
    #[error("offset {offset}: more than {limit} {resource}")]
    Limit {
        /// Bytes of the archive that were read before.
        offset: u64,
        /// What is limited.
        resource: Resource,
        /// How much of it is allowed.
        limit: u64,
    },
}

/// What [`enclair_digest::Limits`] limits here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resource {
    /// Bytes of one uncompressed archive, and of all contents in one spool.
    UnpackedBytes,
    /// Entries of one archive, with the directories that it implies.
    Entries,
    /// Bytes of names, link targets and attributes of one archive: what a tree holds in memory.
    NameBytes,
    /// Bytes of the records or the sparse map of one entry.
    DocumentBytes,
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnpackedBytes => "bytes of unpacked content (`unpacked_bytes`, against bombs)",
            Self::Entries => "entries in one archive (`entries`, against exhausted memory)",
            Self::NameBytes => "bytes of names and attributes in one archive (they stay in memory)",
            Self::DocumentBytes => "bytes of records in one entry (`document_bytes`, read at once)",
        })
    }
}

/// Why an entry cannot have its place.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Problem {
    /// Nothing is there.
    #[error("does not exist")]
    Missing,
    /// Something other than a directory stands where one is needed.
    #[error("is not a directory")]
    NotDirectory,
    /// More than [`crate::MAX_HOPS`] symlinks on one way.
    #[error("more than {} symlinks lead from one to the next", crate::MAX_HOPS)]
    Loop,
    /// The names of one archive lead over more components than any real one's.
    #[error("the names of this archive lead over too many symlinks and directories")]
    Steps,
    /// The root is always a directory.
    #[error("the root can only be a directory")]
    RootKind,
    /// A hard link to nothing.
    #[error("hard link to {}, which does not exist", target_name(target.as_ref()))]
    LinkMissing {
        /// The target, where it has a name.
        target: Option<TreePath>,
    },
    /// Directories have one name.
    #[error("hard link to a directory")]
    LinkToDirectory,
    /// A `.wh.` name that names nothing below its own directory.
    #[error("whiteout of `{name}`, which is not the name of an entry")]
    WhiteoutName {
        /// What stands behind `.wh.`.
        name: String,
    },
    /// A whiteout is an empty file.
    #[error("whiteout that is not an empty file")]
    WhiteoutKind,
    /// `.wh.` in the middle of a path.
    #[error("a directory has a name that is kept for whiteouts")]
    WhiteoutDirectory,
    /// The way to a whiteout leads over a symlink of its own layer: implementations differ about
    /// what it hides.
    #[error("whiteout below the symlink `{link}` of the same layer")]
    WhiteoutThroughLink {
        /// The symlink.
        link: TreePath,
    },
    /// More nodes than ids.
    #[error("the tree has no room for another node")]
    Full,
    /// A time outside of what newc can say.
    #[error("mtime {mtime} does not fit into the 32 bits of a cpio entry")]
    Time {
        /// Seconds since 1970.
        mtime: i64,
    },
    /// `u32::MAX` as an owner is "leave it alone" to the kernel.
    #[error("owner {uid}:{gid}: 4294967295 is not an id")]
    Owner {
        /// Numeric owner.
        uid: u32,
        /// Numeric group.
        gid: u32,
    },
    /// The root of an archive has no entry.
    #[error("an archive without a prefix cannot carry this owner and mode of the root")]
    RootMetadata,
    /// Tar has no entry for a socket.
    #[error("a socket cannot be written to a tar archive")]
    Socket,
}

fn target_name(target: Option<&TreePath>) -> String {
    target.map_or_else(|| "a removed node".to_owned(), |path| format!("`{path}`"))
}

impl Error {
    pub(crate) fn entry(path: TreePath, problem: Problem) -> Self {
        Self::Entry { path, problem }
    }

    pub(crate) fn tar(offset: u64, problem: TarProblem) -> Self {
        Self::Tar { offset, problem }
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Limit {
                resource: Resource::UnpackedBytes,
                ..
            } => Some("if the input is to be trusted with that much, raise `--max-unpacked`"),
            Self::Limit { .. } => Some("no real image has that much; is it what you think it is?"),
            Self::Tar { problem, .. } => problem.hint(),
            Self::Entry { problem, .. } => problem.hint(),
            Self::Ramdisk(error) => error.hint(),
            Self::Read { .. } | Self::Spool { .. } | Self::Write { .. } | Self::Name { .. } => None,
        }
    }
}

impl Problem {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::LinkMissing { .. } => {
                Some("the layer may belong on top of another one; check the order of the layers")
            }
            Self::WhiteoutThroughLink { .. } => {
                Some("name the whiteout by its real path, or put the symlink into an earlier layer")
            }
            Self::Time { .. } => Some("set an epoch, or correct the time in the source image"),
            Self::Socket => Some("remove the socket: the program that listens makes it anew"),
            Self::Missing
            | Self::NotDirectory
            | Self::Loop
            | Self::Steps
            | Self::RootKind
            | Self::LinkToDirectory
            | Self::WhiteoutName { .. }
            | Self::WhiteoutKind
            | Self::WhiteoutDirectory
            | Self::Full
            | Self::Owner { .. }
            | Self::RootMetadata => None,
        }
    }

    pub(crate) fn whiteout_name(name: &[u8]) -> Self {
        Self::WhiteoutName { name: shown(name) }
    }
}
