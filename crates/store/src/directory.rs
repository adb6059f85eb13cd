//! A directory that is held open, and files of it by name.
//!
//! Everything in a store is reached from the open root, one component at a time, and no component
//! may be a symlink: a store that somebody else could write to leads nowhere outside of itself. A
//! path is kept beside the descriptor for messages only.

use std::ffi::{OsStr, OsString};
use std::fs::{DirBuilder, File};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use crate::error::{Action, Error, FileKind};

/// Directories are the owner's alone.
const DIRECTORY_MODE: u32 = 0o700;

/// An open directory.
#[derive(Debug)]
pub(crate) struct Directory {
    descriptor: OwnedFd,
    path: PathBuf,
}

impl Directory {
    /// Opens a directory that a caller names; symlinks on the way are the caller's own.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let descriptor = rustix::fs::openat(CWD, path, flags, Mode::empty())
            .map_err(Error::io(path, Action::Open))?;
        Ok(Self {
            descriptor,
            path: path.to_owned(),
        })
    }

    /// Opens a directory, and makes it and its parents where they are missing.
    pub(crate) fn open_or_create(path: &Path) -> Result<Self, Error> {
        DirBuilder::new()
            .recursive(true)
            .mode(DIRECTORY_MODE)
            .create(path)
            .map_err(Error::io(path, Action::Create))?;
        Self::open(path)
    }

    /// Makes a directory that must not exist.
    pub(crate) fn create_new(path: &Path) -> Result<Self, Error> {
        match DirBuilder::new().mode(DIRECTORY_MODE).create(path) {
            Ok(()) => Self::open(path),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Err(Error::Exists {
                path: path.to_owned(),
            }),
            Err(error) => Err(Error::io(path, Action::Create)(error)),
        }
    }

    /// Where it is, for messages.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Where a file of it is, for messages.
    pub(crate) fn path_of(&self, name: impl AsRef<OsStr>) -> PathBuf {
        self.path.join(name.as_ref())
    }

    /// A directory in it, where there is one.
    pub(crate) fn child(&self, name: impl AsRef<OsStr>) -> Result<Option<Self>, Error> {
        let name = name.as_ref();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let path = self.path_of(name);
        match rustix::fs::openat(&self.descriptor, name, flags, Mode::empty()) {
            Ok(descriptor) => Ok(Some(Self { descriptor, path })),
            Err(Errno::NOENT) => Ok(None),
            Err(Errno::NOTDIR | Errno::LOOP) => Err(Error::Kind {
                path,
                expected: FileKind::Directory,
            }),
            Err(error) => Err(Error::io(path, Action::Open)(error)),
        }
    }

    /// A directory in it, which is made where it is missing.
    pub(crate) fn child_or_create(&self, name: impl AsRef<OsStr>) -> Result<Self, Error> {
        let name = name.as_ref();
        if let Some(child) = self.child(name)? {
            return Ok(child);
        }
        let mode = Mode::from_raw_mode(DIRECTORY_MODE);
        match rustix::fs::mkdirat(&self.descriptor, name, mode) {
            Ok(()) => self.sync()?,
            Err(Errno::EXIST) => (),
            Err(error) => return Err(Error::io(self.path_of(name), Action::Create)(error)),
        }
        let missing = || Error::io(self.path_of(name), Action::Open)(Errno::NOENT);
        self.child(name)?.ok_or_else(missing)
    }

    /// Opens a regular file, or nothing where there is none. `flags` say how, and may create it.
    pub(crate) fn open_file(
        &self,
        name: impl AsRef<OsStr>,
        flags: OFlags,
    ) -> Result<Option<File>, Error> {
        let name = name.as_ref();
        // Without NONBLOCK a named pipe in place of a file would make us wait for ever.
        let flags = flags | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let wrong = || Error::Kind {
            path: self.path_of(name),
            expected: FileKind::File,
        };
        let mode = Mode::from_raw_mode(0o600);
        let file = match rustix::fs::openat(&self.descriptor, name, flags, mode) {
            Ok(descriptor) => File::from(descriptor),
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP | Errno::NXIO | Errno::ISDIR) => return Err(wrong()),
            Err(error) => return Err(Error::io(self.path_of(name), Action::Open)(error)),
        };
        let stat = rustix::fs::fstat(&file).map_err(Error::io(self.path_of(name), Action::Open))?;
        if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile {
            Ok(Some(file))
        } else {
            Err(wrong())
        }
    }

    /// Makes a file that must not exist, or nothing where there is one.
    pub(crate) fn create_file(&self, name: &str) -> Result<Option<File>, Error> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(0o600);
        match rustix::fs::openat(&self.descriptor, name, flags, mode) {
            Ok(descriptor) => Ok(Some(File::from(descriptor))),
            Err(Errno::EXIST) => Ok(None),
            Err(error) => Err(Error::io(self.path_of(name), Action::Create)(error)),
        }
    }

    /// What has this name, where anything has. A symlink is itself.
    pub(crate) fn stat(&self, name: impl AsRef<OsStr>) -> Result<Option<Stat>, Error> {
        let name = name.as_ref();
        match rustix::fs::statat(&self.descriptor, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(Error::io(self.path_of(name), Action::Open)(error)),
        }
    }

    /// Whether `file` is what has this name. A file that was locked need not be any more: whoever
    /// had the lock before may have renamed or removed it.
    pub(crate) fn is_named(&self, name: impl AsRef<OsStr>, file: &File) -> Result<bool, Error> {
        let name = name.as_ref();
        let stat = rustix::fs::fstat(file).map_err(Error::io(self.path_of(name), Action::Open))?;
        let named = self.stat(name)?;
        Ok(named.is_some_and(|named| (named.st_dev, named.st_ino) == (stat.st_dev, stat.st_ino)))
    }

    /// Moves a file to another directory of the same store. What has the name there is replaced.
    pub(crate) fn rename(&self, name: &str, to: &Self, new: &str) -> Result<(), Error> {
        rustix::fs::renameat(&self.descriptor, name, &to.descriptor, new)
            .map_err(Error::io(to.path_of(new), Action::Rename))
    }

    /// Removes a file; whether there was one.
    pub(crate) fn remove(&self, name: impl AsRef<OsStr>) -> Result<bool, Error> {
        let name = name.as_ref();
        match rustix::fs::unlinkat(&self.descriptor, name, AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(Error::io(self.path_of(name), Action::Remove)(error)),
        }
    }

    /// Waits until the names in it are on the disk.
    pub(crate) fn sync(&self) -> Result<(), Error> {
        rustix::fs::fsync(&self.descriptor).map_err(Error::io(&self.path, Action::Sync))
    }

    /// The names in it, sorted.
    pub(crate) fn names(&self) -> Result<Vec<OsString>, Error> {
        let failed = || Error::io(&self.path, Action::Read);
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::read_from(&self.descriptor).map_err(failed())? {
            let entry = entry.map_err(failed())?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                names.push(OsStr::from_bytes(name).to_owned());
            }
        }
        names.sort();
        Ok(names)
    }
}
