//! A place for files that must not outlive the run.
//!
//! QEMU's Nitro machine writes the parts of an image into temporary files and removes them once
//! they are loaded; killed in between, it leaves them. And a socket needs a name to be connected.
//! So both get a place that goes away by itself:
//!
//! | place | who may have it | what a `kill -9` of both sides leaves |
//! |---|---|---|
//! | a file system in memory that is mounted nowhere, reached through a descriptor | root | nothing |
//! | a directory that is removed as soon as the guest runs | everybody | the directory, if it comes in the tenth of a second before; the next run removes it |
//!
//! A directory is locked while it is used. One that is not, and is ours, was left behind.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsconfig_set_string, fsmount,
    fsopen,
};
use rustix::process::geteuid;
use tempfile::TempDir;

use crate::machine::descriptor;

/// How the names of directories begin.
const PREFIX: &str = "enclair-run-";
/// How often another run may take a new directory for an old one.
const ATTEMPTS: usize = 10;

/// The place. Dropping it removes what is in it.
#[derive(Debug)]
pub(crate) enum Scratch {
    /// A file system that is mounted nowhere.
    Detached(OwnedFd),
    /// A directory that is ours as long as the lock is held.
    Directory { directory: TempDir, _lock: File },
}

impl Scratch {
    /// Makes a place; `base` is where a directory may be made.
    pub(crate) fn make(base: &Path) -> io::Result<Self> {
        match detached() {
            Ok(mount) => Ok(Self::Detached(mount)),
            // Not allowed, or not known to the kernel.
            Err(_) => Self::directory(base),
        }
    }

    fn directory(base: &Path) -> io::Result<Self> {
        sweep(base)?;
        for _ in 0..ATTEMPTS {
            let directory = tempfile::Builder::new().prefix(PREFIX).tempdir_in(base)?;
            // Between the two lines a sweep may have come.
            match locked(directory.path()) {
                Ok(lock) if directory.path().exists() => {
                    return Ok(Self::Directory {
                        directory,
                        _lock: lock,
                    });
                }
                Ok(_) | Err(_) => {}
            }
        }
        Err(io::ErrorKind::ResourceBusy.into())
    }

    /// Its name, for this process and for those that inherit its descriptor.
    pub(crate) fn path(&self) -> PathBuf {
        match self {
            Self::Detached(mount) => descriptor(mount.as_raw_fd()).into(),
            Self::Directory { directory, .. } => directory.path().to_owned(),
        }
    }

    /// The descriptor by which its name holds, where it needs one.
    pub(crate) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Self::Detached(mount) => Some(mount.as_fd()),
            Self::Directory { .. } => None,
        }
    }
}

/// A file system in memory, which goes away with the last descriptor.
fn detached() -> rustix::io::Result<OwnedFd> {
    let context = fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_set_string(&context, "mode", "0700")?;
    fsconfig_create(&context)?;
    let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID
        | MountAttrFlags::MOUNT_ATTR_NODEV
        | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, attributes)
}

/// Takes the lock of a directory that nobody uses.
fn locked(directory: &Path) -> io::Result<File> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW;
    let flags = i32::try_from(flags.bits()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(directory)?;
    flock(&file, FlockOperation::NonBlockingLockExclusive)?;
    Ok(file)
}

/// Removes directories that runs have left behind.
fn sweep(base: &Path) -> io::Result<()> {
    for entry in fs::read_dir(base)? {
        let entry = entry?;
        let is_named_so = entry
            .file_name()
            .as_encoded_bytes()
            .starts_with(PREFIX.as_bytes());
        if !is_named_so {
            continue;
        }
        // What is in use, or is another user's, or goes away meanwhile, stays or goes without us.
        let Ok(lock) = locked(&entry.path()) else {
            continue;
        };
        if lock.metadata()?.uid() == geteuid().as_raw() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(base: &Path) -> usize {
        fs::read_dir(base).unwrap().count()
    }

    #[test]
    fn a_directory_is_there_as_long_as_it_is_used() {
        let base = tempfile::tempdir().unwrap();
        let first = Scratch::directory(base.path()).unwrap();
        fs::write(first.path().join("file"), "x").unwrap();
        let second = Scratch::directory(base.path()).unwrap();
        assert_eq!(names(base.path()), 2);
        assert!(first.path().join("file").exists());
        drop((first, second));
        assert_eq!(names(base.path()), 0);
    }

    #[test]
    fn what_was_left_behind_is_removed_and_nothing_else() {
        let base = tempfile::tempdir().unwrap();
        let left = base.path().join("enclair-run-left");
        fs::create_dir_all(left.join("below")).unwrap();
        fs::write(left.join("eif-kernel-XXXXXX"), "x").unwrap();
        let other = base.path().join("enclair-other");
        fs::create_dir(&other).unwrap();
        let target = base.path().join("target");
        fs::create_dir(&target).unwrap();
        std::os::unix::fs::symlink(&target, base.path().join("enclair-run-link")).unwrap();
        fs::write(base.path().join("enclair-run-file"), "x").unwrap();
        drop(Scratch::directory(base.path()).unwrap());
        assert!(!left.exists());
        assert!(other.exists() && target.exists());
        assert_eq!(names(base.path()), 4);
    }

    #[test]
    fn a_detached_file_system_has_no_name() {
        // Only root may have one; `make` takes a directory instead.
        if let Ok(mount) = detached() {
            let base = tempfile::tempdir().unwrap();
            let scratch = Scratch::Detached(mount);
            fs::write(scratch.path().join("file"), "x").unwrap();
            assert!(scratch.descriptor().is_some());
            assert!(scratch.path().join("file").exists());
            assert_eq!(names(base.path()), 0);
        } else {
            assert!(!geteuid().is_root());
        }
    }
}
