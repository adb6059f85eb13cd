//! Which lock a name means: a file, a directory with one, or a file of a commit.

use std::path::Path;

use enclair_digest::Engine;
use enclair_recipe::Lock;

use crate::git::{GIT, answer, command};
use crate::project::document::LockFile;
use crate::project::error::ProjectError;
use crate::project::packages::ListingError;

/// Bytes of a lock in a commit.
const MOST: u64 = 16 << 20;

impl LockFile {
    /// The lock that `name` means: the file of that name, the lock `enclair.lock` in the directory of
    /// that name, or `REVISION:PATH` in the repository around `directory`. What is on the disk comes
    /// first.
    ///
    /// # Errors
    ///
    /// What is not there, or is no lock.
    pub fn named<E: Engine>(
        name: &str,
        directory: &Path,
        engine: &E,
    ) -> Result<Self, ProjectError> {
        let mut path = directory.join(name);
        let is_here = path.symlink_metadata().is_ok();
        if !is_here && name.contains(':') {
            return of_commit(name, directory, engine);
        }
        if path.is_dir() {
            path = path.join("enclair.lock");
        }
        Self::read(&path, engine)?.ok_or(ProjectError::NoLock { path })
    }
}

fn of_commit<E: Engine>(
    name: &str,
    directory: &Path,
    engine: &E,
) -> Result<LockFile, ProjectError> {
    let text = text_of(name, directory).ok_or_else(|| ListingError::Revision {
        name: name.to_owned(),
    })?;
    let lock = Lock::parse(&text).map_err(|source| ProjectError::Lock {
        path: name.into(),
        source,
    })?;
    Ok(LockFile::new(Path::new(name), lock, engine))
}

/// The text of a file of a commit; `None` where git gives none.
fn text_of(name: &str, directory: &Path) -> Option<String> {
    // It would be an option.
    if name.starts_with('-') {
        return None;
    }
    let ask = |what: &str| answer(command(GIT, directory).args(["cat-file", what, name]));
    let size = String::from_utf8(ask("-s")?).ok()?;
    size.trim()
        .parse::<u64>()
        .ok()
        .filter(|size| *size <= MOST)?;
    String::from_utf8(ask("blob")?).ok()
}
