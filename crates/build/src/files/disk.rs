//! The project's directory: opened so that no name leads out of it.
//!
//! Every open starts at a directory that is held open already and follows no symlink, whatever is
//! renamed or replaced meanwhile. Linux does that in one call (`openat2`); where it is not there,
//! or a sandbox hides it, the same is done component by component. A directory is opened by its
//! whole path below `from` and closed when its names are read, so that a project nested a thousand
//! deep takes no more open files than a flat one.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use enclair_tree::{Escaped, TreePath};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use super::budget::Budget;
use super::error::{Error, Special};

/// What git keeps for itself and never tracks, in any directory.
pub(super) const GIT_DIRECTORY: &[u8] = b".git";

/// For directories that are read, and those that are only passed.
const DIRECTORY: OFlags = OFlags::DIRECTORY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);
/// Neither waits for the other end of a pipe nor takes a terminal, should the name have become one.
const FILE: OFlags = OFlags::NOFOLLOW
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

/// A path of the project as messages show it.
pub(super) fn shown(path: &TreePath) -> String {
    if path.is_root() {
        return ".".to_owned();
    }
    path.to_string()
}

/// `from` as a path below the project; the root is the project itself.
pub(super) fn parse_from(from: &Path) -> Result<TreePath, Error> {
    let bytes = from.as_os_str().as_bytes();
    let text = || Escaped(bytes).to_string();
    if bytes.is_empty() || bytes.starts_with(b"/") {
        return Err(Error::NotRelative { from: text() });
    }
    let path = TreePath::from_archive(bytes).map_err(|source| Error::From {
        from: text(),
        source,
    })?;
    if path.components().any(|name| name == GIT_DIRECTORY) {
        return Err(Error::GitDirectory { from: text() });
    }
    Ok(path)
}

/// Whether an open uses `openat2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Steps {
    /// In one call.
    One,
    /// One call for each component.
    Each,
}

/// What `from` names.
#[derive(Debug)]
pub(super) enum Found {
    File(File),
    Directory(OwnedFd),
}

/// What stands at a name of a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Directory,
    Symlink,
    Special(Special),
}

/// What tells a directory from every other one, whatever it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    /// Of what `path` leads to, if it is there.
    pub(super) fn of(path: &Path) -> Option<Self> {
        rustix::fs::stat(path).ok().map(|stat| Self::from(&stat))
    }

    /// Of an open directory.
    pub(super) fn of_open(directory: BorrowedFd<'_>) -> Option<Self> {
        rustix::fs::fstat(directory)
            .ok()
            .map(|stat| Self::from(&stat))
    }
}

impl From<&rustix::fs::Stat> for Identity {
    fn from(stat: &rustix::fs::Stat) -> Self {
        Self {
            device: stat.st_dev,
            inode: stat.st_ino,
        }
    }
}

/// The project's directory, held open.
#[derive(Debug)]
pub(super) struct Project {
    path: PathBuf,
    directory: OwnedFd,
}

impl Project {
    /// Opens `path`, over symlinks: where the project is, is the caller's to say.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let here = Path::new(".");
        let path = if path.as_os_str().is_empty() {
            here
        } else {
            path
        };
        let flags = DIRECTORY.difference(OFlags::NOFOLLOW);
        let directory =
            rustix::fs::open(path, flags, Mode::empty()).map_err(|errno| Error::Project {
                path: path.to_owned(),
                source: errno.into(),
            })?;
        Ok(Self {
            path: path.to_owned(),
            directory,
        })
    }

    /// Where `source` is on the disk: for a program that takes paths, and not to open anything.
    pub(super) fn path_of(&self, source: &TreePath) -> PathBuf {
        self.path
            .join(Path::new(std::ffi::OsStr::from_bytes(source.as_bytes())))
    }

    /// Opens the file or directory `source`.
    pub(super) fn open_source(&self, source: &TreePath) -> Result<Found, Error> {
        let root = self.directory.as_fd();
        let (Some(parent), Some(name)) = (source.parent(), source.name()) else {
            return open_directory(root, source, &TreePath::root()).map(Found::Directory);
        };
        let directory = open_directory(root, &TreePath::root(), &parent)?;
        let name = c_name(source, name)?;
        match kind_of(directory.as_fd(), &name, source)? {
            Kind::File => open_file(directory.as_fd(), &name, source).map(Found::File),
            Kind::Directory => {
                open_directory(root, &TreePath::root(), source).map(Found::Directory)
            }
            Kind::Symlink => Err(Error::FromSymlink {
                path: shown(source),
            }),
            Kind::Special(kind) => Err(Error::NotCarried {
                path: shown(source),
                kind,
            }),
        }
    }
}

/// Opens the directory `below` of `base`, which is `source` in the project.
pub(super) fn open_directory(
    base: BorrowedFd<'_>,
    source: &TreePath,
    below: &TreePath,
) -> Result<OwnedFd, Error> {
    let opened = match open_beneath(base, below, Steps::One) {
        // Not there, hidden by a sandbox, or disturbed by a rename: the long way is as safe.
        Err(Errno::NOSYS | Errno::PERM | Errno::AGAIN) => open_beneath(base, below, Steps::Each),
        opened => opened,
    };
    opened.map_err(|errno| blame(base, source, below, errno))
}

pub(super) fn open_beneath(
    base: BorrowedFd<'_>,
    below: &TreePath,
    steps: Steps,
) -> Result<OwnedFd, Errno> {
    if below.is_root() {
        return rustix::fs::openat(base, c".", DIRECTORY, Mode::empty());
    }
    if steps == Steps::One {
        let resolve =
            ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        let path = below.as_bytes();
        return rustix::fs::openat2(base, path, DIRECTORY, Mode::empty(), resolve);
    }
    let mut here: Option<OwnedFd> = None;
    for name in below.components() {
        let from = here.as_ref().map_or(base, AsFd::as_fd);
        here = Some(rustix::fs::openat(from, name, DIRECTORY, Mode::empty())?);
    }
    here.ok_or(Errno::NOENT)
}

/// Names the component at which an open failed.
fn blame(base: BorrowedFd<'_>, source: &TreePath, below: &TreePath, errno: Errno) -> Error {
    let mut here = TreePath::root();
    for component in below.components() {
        let Ok(name) = TreePath::parse(component) else {
            break;
        };
        let directory = open_beneath(base, &here, Steps::Each);
        here = here.join(&name);
        let path = source.join(&here);
        let kind = directory.and_then(|directory| {
            rustix::fs::statat(&directory, component, AtFlags::SYMLINK_NOFOLLOW)
        });
        match kind.map(|stat| FileType::from_raw_mode(stat.st_mode)) {
            Ok(FileType::Directory) => {}
            Ok(FileType::Symlink) => return Error::FromSymlink { path: shown(&path) },
            Ok(_) => return read_error(&path, Errno::NOTDIR),
            Err(errno) => return read_error(&path, errno),
        }
    }
    read_error(&source.join(below), errno)
}

/// Opens the regular file `name` of `directory`, which is `source` in the project.
pub(super) fn open_file(
    directory: BorrowedFd<'_>,
    name: &CStr,
    source: &TreePath,
) -> Result<File, Error> {
    let file = rustix::fs::openat(directory, name, FILE, Mode::empty())
        .map_err(|errno| read_error(source, errno))?;
    // Asked again, of what is open now: the name may have come to mean something else.
    let stat = rustix::fs::fstat(&file).map_err(|errno| read_error(source, errno))?;
    match kind_of_mode(stat.st_mode) {
        Kind::File => Ok(file.into()),
        Kind::Directory | Kind::Symlink | Kind::Special(_) => Err(Error::ChangedKind {
            path: shown(source),
        }),
    }
}

/// What `name` of `directory` is; a symlink is one.
pub(super) fn kind_of(
    directory: BorrowedFd<'_>,
    name: &CStr,
    source: &TreePath,
) -> Result<Kind, Error> {
    let stat = rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)
        .map_err(|errno| read_error(source, errno))?;
    Ok(kind_of_mode(stat.st_mode))
}

fn kind_of_mode(mode: u32) -> Kind {
    match FileType::from_raw_mode(mode) {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Directory,
        FileType::Symlink => Kind::Symlink,
        FileType::Fifo => Kind::Special(Special::Fifo),
        FileType::Socket => Kind::Special(Special::Socket),
        FileType::CharacterDevice | FileType::BlockDevice => Kind::Special(Special::Device),
        FileType::Unknown => Kind::Special(Special::Unknown),
    }
}

/// The target of the symlink `name` of `directory`.
pub(super) fn read_link(
    directory: BorrowedFd<'_>,
    name: &CStr,
    source: &TreePath,
) -> Result<Vec<u8>, Error> {
    rustix::fs::readlinkat(directory, name, Vec::new())
        .map(CString::into_bytes)
        .map_err(|errno| read_error(source, errno))
}

/// The names in `directory`, which is `source` in the project, in the order of their bytes.
///
/// `kept` is how many bytes of path stand before every name where it is kept.
pub(super) fn names(
    directory: BorrowedFd<'_>,
    source: &TreePath,
    kept: usize,
    budget: &mut Budget,
) -> Result<Vec<CString>, Error> {
    let failed = |errno| read_error(source, errno);
    let mut names = Vec::new();
    for entry in Dir::read_from(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        budget.count(source, kept.saturating_add(name.count_bytes()))?;
        names.push(name.to_owned());
    }
    names.sort_unstable();
    Ok(names)
}

fn c_name(source: &TreePath, name: &[u8]) -> Result<CString, Error> {
    CString::new(name).map_err(|_| read_error(source, Errno::INVAL))
}

fn read_error(source: &TreePath, errno: Errno) -> Error {
    super::copy::read_error(source, errno.into())
}
