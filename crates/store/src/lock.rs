//! Locks among processes, as `flock` has them: they end with the process, by whatever means it
//! ends, so no lock is ever left behind.
//!
//! A lock belongs to an open file and not to a name. Whoever waited for one must look whether the
//! file still has its name: the one who had the lock may have renamed or removed it.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;

use rustix::fs::OFlags;

use crate::directory::Directory;
use crate::error::{Action, Error};

/// The file whose lock the whole store has.
pub(crate) const STORE_LOCK: &str = "lock";

/// A lock of the whole store, until it is dropped.
#[derive(Debug)]
pub(crate) struct StoreLock {
    _file: File,
}

/// What a lock of the whole store allows others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Share {
    /// Others may do the same: what gives a file its name.
    Shared,
    /// Nobody else: what takes names away.
    Exclusive,
}

/// Whether to wait for a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// As long as it takes.
    Forever,
    /// Not at all.
    No,
}

impl StoreLock {
    /// Waits for the store's lock. It is held for moments only, whatever is done under it.
    pub(crate) fn take(root: &Directory, share: Share) -> Result<Self, Error> {
        let path = root.path_of(STORE_LOCK);
        let missing = || Error::io(&path, Action::Open)(io::Error::from(io::ErrorKind::NotFound));
        let file = root
            .open_file(STORE_LOCK, OFlags::RDONLY)?
            .ok_or_else(missing)?;
        uninterrupted(|| match share {
            Share::Shared => file.lock_shared(),
            Share::Exclusive => file.lock(),
        })
        .map_err(Error::io(&path, Action::Lock))?;
        Ok(Self { _file: file })
    }
}

/// Locks a file for this handle alone; whether it could be had.
pub(crate) fn lock_file(file: &File, path: &Path, wait: Wait) -> Result<bool, Error> {
    let failed = Error::io(path, Action::Lock);
    match wait {
        Wait::Forever => uninterrupted(|| file.lock()).map_err(failed).map(|()| true),
        Wait::No => match file.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        },
    }
}

fn uninterrupted(mut lock: impl FnMut() -> io::Result<()>) -> io::Result<()> {
    loop {
        match lock() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
            result => return result,
        }
    }
}
