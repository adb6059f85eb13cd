//! What can go wrong between a project and a tree.

use std::fmt;
use std::io;
use std::path::PathBuf;

use enclair_recipe::SupplyError;
use enclair_tree::PathError;
use thiserror::Error;

/// An entry that cannot be laid. Paths of the project are relative to it, those of the image are
/// absolute; unusual bytes are escaped.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The project's directory cannot be opened.
    #[error("the project's directory `{path}` cannot be opened", path = path.display())]
    Project {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// `from` is empty or absolute.
    #[error("from `{from}`: expected a path relative to the project")]
    NotRelative {
        /// As the recipe has it.
        from: String,
    },
    /// `from` is no path that a tree can have.
    #[error("from `{from}` is not a path of the project")]
    From {
        /// As the recipe has it.
        from: String,
        /// Why.
        #[source]
        source: PathError,
    },
    /// `from` leads into what git keeps for itself.
    #[error("from `{from}` leads into git's own directory")]
    GitDirectory {
        /// As the recipe has it.
        from: String,
    },
    /// A symlink on the way.
    #[error("`{path}` is a symlink, expected a file or directory of the project")]
    FromSymlink {
        /// The symlink.
        path: String,
    },
    /// A file or directory cannot be read.
    #[error("`{path}` cannot be read")]
    Read {
        /// Which.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Something that is no file, directory or symlink.
    #[error("`{path}` is {kind}, expected a file, a directory or a symlink")]
    NotCarried {
        /// Which.
        path: String,
        /// What it is.
        kind: Special,
    },
    /// A symlink that leads out of `from`.
    #[error("`{path}` is a symlink to `{target}`: {problem}")]
    Target {
        /// The symlink.
        path: String,
        /// Where it leads.
        target: String,
        /// What is wrong with that.
        problem: TargetProblem,
    },
    /// A file that was written to while it was read.
    #[error("`{path}` changed while it was read: it had {expected} bytes, then {found}")]
    Changed {
        /// The file.
        path: String,
        /// Bytes when it was opened.
        expected: u64,
        /// Bytes afterwards; the same number when only the time of the last change differs.
        found: u64,
    },
    /// A name that came to mean something else.
    #[error("`{path}` was replaced by something else while it was read")]
    ChangedKind {
        /// The name.
        path: String,
    },
    /// A name that no tree can have.
    #[error("`{path}` has an entry that cannot be carried")]
    Name {
        /// The directory.
        path: String,
        /// Why.
        #[source]
        source: PathError,
    },
    /// More than a limit allows.
    #[error("`{path}`: more than {limit} {resource}")]
    Limit {
        /// Where the limit was reached.
        path: String,
        /// What is limited.
        resource: Resource,
        /// How much of it is allowed.
        limit: u64,
    },
    /// The spool did not take a content.
    #[error("`{path}`: the content cannot be kept")]
    Spool {
        /// Whose.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file of the store cannot be had.
    #[error("a file that is laid into the image cannot be had")]
    Supply {
        /// Why.
        #[source]
        source: SupplyError,
    },
    /// `to` is relative.
    #[error("to `{to}`: expected an absolute path of the image")]
    NotAbsolute {
        /// As the recipe has it.
        to: String,
    },
    /// `to` is no path that a tree can have.
    #[error("to `{to}` is not a path of the image")]
    To {
        /// As the recipe has it.
        to: String,
        /// Why.
        #[source]
        source: PathError,
    },
    /// A path that a ramdisk cannot carry or a file system cannot have.
    #[error(
        "`{to}` has {length} bytes and a last name of {name}, at most 4088 and 255 are possible"
    )]
    Long {
        /// The path in the image.
        to: String,
        /// Its length in bytes, without the leading `/`.
        length: usize,
        /// The length of its last name in bytes.
        name: usize,
    },
    /// A target that no symlink has, or a symlink without a name.
    #[error("to `{to}`: a symlink to `{target}` cannot be made")]
    Link {
        /// As the recipe has it.
        to: String,
        /// As the recipe has it.
        target: String,
    },
    /// A directory over something else.
    #[error("`{from}` needs a directory at `{to}`, where something else is")]
    OverOther {
        /// What was to be laid.
        from: String,
        /// Where, in the image.
        to: String,
    },
    /// A file or symlink over a directory.
    #[error("`{from}` is no directory and would replace the directory `{to}`")]
    OverDirectory {
        /// What was to be laid.
        from: String,
        /// Where, in the image.
        to: String,
    },
    /// Two names of one `from` at one place.
    #[error("`{from}` would replace `{to}`, which another file of the same entry has just become")]
    Twice {
        /// The second of them.
        from: String,
        /// The place, in the image.
        to: String,
    },
    /// The image's symlinks lead nowhere.
    #[error("`{from}` has no place in the image")]
    Place {
        /// What was to be laid.
        from: String,
        /// Why.
        #[source]
        source: enclair_tree::Error,
    },
    /// The tree does not take a node.
    #[error(transparent)]
    Tree(enclair_tree::Error),
    /// The owner has no number in this image.
    #[error("to `{to}`: the owner is not known")]
    Owner {
        /// Of which entry.
        to: String,
        /// Why.
        #[source]
        source: Box<crate::Error>,
    },
    /// The owner is empty, or a number that is none.
    #[error("to `{to}`: `{owner}` is not an owner")]
    NoOwner {
        /// Of which entry.
        to: String,
        /// As the recipe has it.
        owner: String,
    },
    /// Bits that no mode has.
    #[error("to `{to}`: mode {mode:o} has more than the bits 7777")]
    Mode {
        /// Of which entry.
        to: String,
        /// As the recipe has it.
        mode: u16,
    },
    /// The results of a build would be part of what the next one builds.
    #[error("`{path}` is where the results of the build go, and would be in the image")]
    Output {
        /// What would be taken.
        path: String,
    },
    /// `from` is a file that git does not track.
    #[error("`{from}` is not tracked by git, so a clone would not have it")]
    Untracked {
        /// The file.
        from: String,
    },
    /// `from` is a directory of which git tracks nothing.
    #[error("nothing in `{from}` is tracked by git, so a clone would not have it")]
    NothingTracked {
        /// The directory.
        from: String,
    },
    /// A file of the index that is not on the disk.
    #[error("`{path}` is tracked by git and is not there as a file or symlink")]
    TrackedMissing {
        /// The file.
        path: String,
    },
    /// A submodule below `from`.
    #[error("`{path}` is a git submodule, whose files this repository does not track")]
    Submodule {
        /// The submodule.
        path: String,
    },
    /// A repository inside of the project's one that is no submodule of it.
    #[error(
        "`{from}`: `{path}` is a git repository of its own, which a clone of the project would not have"
    )]
    NestedRepository {
        /// What was to be laid.
        from: String,
        /// The top of that repository.
        path: String,
    },
    /// git does not say what it tracks.
    #[error("`{from}` is in a git repository, and git does not list its files: {message}")]
    Git {
        /// Where it was asked.
        from: String,
        /// The first line of what it said.
        message: String,
    },
    /// What git said makes no sense.
    #[error("`{from}`: git's list of files cannot be read")]
    GitOutput {
        /// Where it was asked.
        from: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// git cannot be run where a repository is.
    #[error("`{from}` is in a git repository, and git cannot be run")]
    NoGit {
        /// Where it was to be asked.
        from: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// What an image cannot be given from a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Special {
    /// A character or block device.
    Device,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// Something that this program does not know.
    Unknown,
}

impl fmt::Display for Special {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Device => "a device",
            Self::Fifo => "a named pipe",
            Self::Socket => "a socket",
            Self::Unknown => "of an unknown kind",
        })
    }
}

/// Why the target of a symlink is not carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TargetProblem {
    /// It begins with `/`.
    Absolute,
    /// It has more `..` than there are directories.
    Outside,
    /// It leaves a directory that it entered, which may be a symlink itself.
    UpwardsBehindName,
    /// It is empty, or longer than Linux takes.
    Length,
}

impl fmt::Display for TargetProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Absolute => "expected a relative target",
            Self::Outside => "the target is outside of `from`",
            Self::UpwardsBehindName => "where a `..` behind a name leads depends on other symlinks",
            Self::Length => "expected a target of 1 to 4095 bytes",
        })
    }
}

/// What is limited here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resource {
    /// Bytes of all contents in the spool.
    Content,
    /// Names that are looked at, for all entries together.
    Entries,
    /// Bytes of names and targets, for all entries together.
    NameBytes,
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Content => "bytes of content",
            Self::Entries => "names",
            Self::NameBytes => "bytes of names (they stay in memory)",
        })
    }
}

impl Error {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::NotRelative { .. } => {
                "give it from the directory that the recipe lies in; `.` is that directory"
            }
            Self::From {
                source: PathError::Upwards { .. },
                ..
            } => "put the recipe into a directory above, or copy the file into the project",
            Self::FromSymlink { .. } => "name the place that it leads to",
            Self::NotCarried { .. } => {
                "remove it: what listens or runs in the enclave makes it anew"
            }
            Self::Target { .. } => {
                "make it relative and below `from`; one that the image shall have is `link` of an entry"
            }
            Self::Changed { .. } | Self::ChangedKind { .. } => {
                "something writes to the project; run again when it is done"
            }
            Self::Limit {
                resource: Resource::Content,
                ..
            } => "if that much is meant to be in the image, raise `limits.unpacked`",
            Self::Limit { .. } => "name the directories that are needed, and not one above them",
            Self::Link { .. } => {
                "give the symlink's own path in `to`, and a target of 1 to 4095 bytes"
            }
            Self::OverDirectory { .. } => "with a `/` behind `to`, it goes into the directory",
            Self::Twice { .. } => {
                "a symlink of the image leads both names to one place; keep one of the files"
            }
            Self::Owner { .. } => {
                "give numbers, as in `1000:1000`, or add the account to the image's /etc/passwd \
                 or /etc/group"
            }
            Self::NoOwner { .. } => "give numbers, as in `1000:1000`, at most 4294967294",
            Self::Output { .. } => {
                "name what is needed more narrowly, or build into a directory elsewhere with `-o`"
            }
            Self::Untracked { .. } | Self::NothingTracked { .. } => {
                "`git add` it, or set `untracked = true` if it is made before every build"
            }
            Self::TrackedMissing { .. } => {
                "`git restore` brings it back; `git rm` says that it shall be gone"
            }
            Self::Submodule { .. } => {
                "give the submodule an entry of its own, once it is fetched \
                 (`git submodule update --init`), or set `untracked = true`"
            }
            Self::NestedRepository { .. } => {
                "add it with `git submodule add`, or set `untracked = true` if it is fetched before \
                 every build"
            }
            Self::Git { .. } | Self::NoGit { .. } => {
                "see that `git ls-files` works there, or set `untracked = true` to take everything"
            }
            Self::Place { source, .. } | Self::Tree(source) => return source.hint(),
            Self::Project { .. }
            | Self::From { .. }
            | Self::GitDirectory { .. }
            | Self::Read { .. }
            | Self::Name { .. }
            | Self::Spool { .. }
            | Self::Supply { .. }
            | Self::NotAbsolute { .. }
            | Self::To { .. }
            | Self::Long { .. }
            | Self::OverOther { .. }
            | Self::Mode { .. }
            | Self::GitOutput { .. } => return None,
        })
    }
}
