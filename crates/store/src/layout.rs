//! The directories of a store, and how a file becomes a blob.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use enclair_digest::Sha256;
use rustix::fs::{Mode, OFlags};

use crate::directory::Directory;
use crate::error::{Action, Error};
use crate::lock::{STORE_LOCK, Share, StoreLock, Wait, lock_file};
use crate::size::Count;

/// What the version file says, without the line end.
pub const VERSION: &str = "enclair store 1";

pub(crate) const VERSION_FILE: &str = "version";
/// More than any version file has.
const VERSION_LIMIT: u64 = 256;

pub(crate) const BLOBS: &str = "blobs";
pub(crate) const ALGORITHM: &str = "sha256";
pub(crate) const PARTIAL: &str = "partial";
pub(crate) const INCOMING: &str = "incoming";
pub(crate) const ASIDE: &str = "aside";
pub(crate) const NAMES: &str = "names";
pub(crate) const DERIVED: &str = "derived";
/// Of exports only.
pub(crate) const COMPANIONS: &str = "files";

/// The directories of an open store.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) root: Directory,
    pub(crate) blobs: Directory,
    pub(crate) partial: Directory,
    pub(crate) incoming: Directory,
    pub(crate) aside: Directory,
    pub(crate) names: Directory,
}

/// A file in `incoming/` that only this handle has, until it is dropped.
#[derive(Debug)]
pub(crate) struct Temporary {
    pub(crate) file: File,
    pub(crate) name: String,
}

impl Layout {
    /// Opens the layout below `root` and makes what is missing.
    pub(crate) fn open(root: &Path) -> Result<Self, Error> {
        let root = Directory::open_or_create(root)?;
        if !check_version(&root)? {
            refuse_foreign(&root)?;
            write_version(&root)?;
        }
        Self::within(root)
    }

    /// The directories in an open root, which are made where they are missing.
    pub(crate) fn within(root: Directory) -> Result<Self, Error> {
        root.open_file(STORE_LOCK, OFlags::RDONLY | OFlags::CREATE)?;
        Ok(Self {
            blobs: root.child_or_create(BLOBS)?.child_or_create(ALGORITHM)?,
            partial: root.child_or_create(PARTIAL)?,
            incoming: root.child_or_create(INCOMING)?,
            aside: root.child_or_create(ASIDE)?,
            names: root.child_or_create(NAMES)?,
            root,
        })
    }

    /// Takes the store's lock.
    pub(crate) fn lock(&self, share: Share) -> Result<StoreLock, Error> {
        StoreLock::take(&self.root, share)
    }

    /// The directory that has a blob, where there is one.
    pub(crate) fn drawer(&self, sha256: &Sha256) -> Result<Option<Directory>, Error> {
        self.blobs.child(split(sha256).0)
    }

    /// Opens a blob, or nothing where there is none.
    pub(crate) fn open_blob(&self, sha256: &Sha256) -> Result<Option<File>, Error> {
        match self.drawer(sha256)? {
            Some(drawer) => drawer.open_file(split(sha256).1, OFlags::RDONLY),
            None => Ok(None),
        }
    }

    /// Bytes that a blob has, where there is one.
    pub(crate) fn blob_size(&self, sha256: &Sha256) -> Result<Option<u64>, Error> {
        let Some(file) = self.open_blob(sha256)? else {
            return Ok(None);
        };
        let (drawer, rest) = split(sha256);
        let path = self.blobs.path().join(drawer).join(rest);
        let metadata = file.metadata().map_err(Error::io(path, Action::Open))?;
        Ok(Some(metadata.len()))
    }

    /// A new file in `incoming/`. What killed processes left there is removed on the way.
    pub(crate) fn temporary(&self) -> Result<Temporary, Error> {
        self.sweep_incoming()?;
        loop {
            let (file, name) = create_unique(&self.incoming, "")?;
            // Before the lock is ours, another process may have taken the file for a leftover.
            lock_file(&file, &self.incoming.path_of(&name), Wait::Forever)?;
            if self.incoming.is_named(&name, &file)? {
                return Ok(Temporary { file, name });
            }
        }
    }

    /// Removes the files in `incoming/` that no process has.
    pub(crate) fn sweep_incoming(&self) -> Result<Count, Error> {
        let mut removed = Count::default();
        for name in self.incoming.names()? {
            if let Some(bytes) = remove_unheld(&self.incoming, &name)? {
                removed.add(bytes);
            }
        }
        Ok(removed)
    }

    /// Makes a file of this store the blob `sha256`: all of it on the disk first, then read-only,
    /// then its name, then the name on the disk. What had the name is replaced, so that content
    /// which was digested just now takes the place of content that was altered since.
    pub(crate) fn publish(
        &self,
        from: (&Directory, &str),
        file: &File,
        sha256: &Sha256,
    ) -> Result<(), Error> {
        let (directory, name) = from;
        let path = directory.path_of(name);
        rustix::fs::fchmod(file, Mode::from_raw_mode(0o444))
            .map_err(Error::io(&path, Action::Write))?;
        file.sync_all().map_err(Error::io(&path, Action::Sync))?;
        let _lock = self.lock(Share::Shared)?;
        let (drawer, rest) = split(sha256);
        let drawer = self.blobs.child_or_create(drawer)?;
        directory.rename(name, &drawer, &rest)?;
        drawer.sync()
    }
}

/// The two parts of a blob's place below `blobs/sha256/`.
pub(crate) fn split(sha256: &Sha256) -> (String, String) {
    let mut drawer = sha256.to_string();
    let rest = drawer.split_off(2);
    (drawer, rest)
}

/// Removes a file that no process has locked. The answer is its size, or nothing where somebody
/// has it, where it is gone or another user's, and where it is no file.
pub(crate) fn remove_unheld(directory: &Directory, name: &OsStr) -> Result<Option<u64>, Error> {
    let file = match directory.open_file(name, OFlags::RDONLY) {
        Ok(Some(file)) => file,
        Ok(None) | Err(Error::Kind { .. }) => return Ok(None),
        Err(Error::Io { source, .. }) if source.kind() == ErrorKind::PermissionDenied => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let path = directory.path_of(name);
    // Whoever had the lock may have renamed the file meanwhile, and another may have the name.
    if !lock_file(&file, &path, Wait::No)? || !directory.is_named(name, &file)? {
        return Ok(None);
    }
    let metadata = file.metadata().map_err(Error::io(path, Action::Open))?;
    Ok(directory.remove(name)?.then_some(metadata.len()))
}

/// Whether there is a version file; one with another version is an error.
pub(crate) fn check_version(root: &Directory) -> Result<bool, Error> {
    let Some(file) = root.open_file(VERSION_FILE, OFlags::RDONLY)? else {
        return Ok(false);
    };
    let path = root.path_of(VERSION_FILE);
    let mut text = Vec::new();
    file.take(VERSION_LIMIT)
        .read_to_end(&mut text)
        .map_err(Error::io(&path, Action::Read))?;
    if text.strip_suffix(b"\n") == Some(VERSION.as_bytes()) {
        return Ok(true);
    }
    let found = text.trim_ascii_end().escape_ascii().to_string();
    Err(Error::Version { path, found })
}

/// Refuses a directory that has something in it and is no store.
fn refuse_foreign(root: &Directory) -> Result<(), Error> {
    let ours = |name: &OsStr| name.as_encoded_bytes().starts_with(b".version-");
    if root.names()?.iter().all(|name| ours(name)) {
        return Ok(());
    }
    // Another process may have made the store meanwhile: it writes the version before the rest.
    if check_version(root)? {
        return Ok(());
    }
    Err(Error::NotAStore {
        path: root.path().to_owned(),
    })
}

/// Writes the version file, which others may be writing at the same time with the same content.
pub(crate) fn write_version(root: &Directory) -> Result<(), Error> {
    let (mut file, name) = create_unique(root, ".version-")?;
    let path = root.path_of(&name);
    writeln!(file, "{VERSION}").map_err(Error::io(&path, Action::Write))?;
    file.sync_all().map_err(Error::io(&path, Action::Sync))?;
    root.rename(&name, root, VERSION_FILE)?;
    root.sync()
}

/// A new file with a name that nothing had.
fn create_unique(directory: &Directory, prefix: &str) -> Result<(File, String), Error> {
    loop {
        let name = unique_name(prefix);
        if let Some(file) = directory.create_file(&name)? {
            return Ok((file, name));
        }
    }
}

/// A name that this process has not used. Another one may have, in a container with numbers of its
/// own, so a file of that name is created only where there is none.
pub(crate) fn unique_name(prefix: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{prefix}{}-{number}", std::process::id())
}
