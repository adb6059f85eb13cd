//! Blobs that were altered are kept for whoever wants to know what happened, and are no blobs any
//! more.

use std::fs::File;
use std::path::PathBuf;

use enclair_digest::{Engine, Sha256};

use crate::error::{Error, FileKind};
use crate::layout::split;
use crate::lock::Share;
use crate::reading::digest_file;
use crate::store::Store;

/// What became of a blob that somebody found altered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Aside {
    /// It was altered, and is in this file now.
    Moved(PathBuf),
    /// It is what its digest says: another process has replaced it meanwhile.
    Intact,
    /// It is not there: another process has moved it meanwhile.
    Absent,
}

impl<E: Engine> Store<E> {
    /// Takes a blob away whose content is another than its digest says. It is digested once more
    /// before, so that a good one which another process brought meanwhile stays.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    pub fn set_aside(&self, sha256: &Sha256) -> Result<Aside, Error> {
        loop {
            let altered = match self.layout.open_blob(sha256) {
                Ok(None) => return Ok(Aside::Absent),
                Ok(Some(mut file)) => {
                    // One that cannot be read is not what its digest says either.
                    if digest_file(&self.engine, &mut file, |_| ()).is_ok_and(|d| d == *sha256) {
                        return Ok(Aside::Intact);
                    }
                    Some(file)
                }
                Err(Error::Kind {
                    expected: FileKind::File,
                    ..
                }) => None,
                Err(error) => return Err(error),
            };
            if let Some(path) = self.move_aside(sha256, altered.as_ref())? {
                return Ok(Aside::Moved(path));
            }
        }
    }

    /// Moves a blob to `aside/`, or does nothing where `altered` is not the blob any more. What is
    /// no regular file is moved as it is.
    fn move_aside(
        &self,
        sha256: &Sha256,
        altered: Option<&File>,
    ) -> Result<Option<PathBuf>, Error> {
        let _lock = self.layout.lock(Share::Exclusive)?;
        let (drawer, rest) = split(sha256);
        let Some(drawer) = self.layout.blobs.child(drawer)? else {
            return Ok(None);
        };
        let same = match altered {
            Some(file) => drawer.is_named(&rest, file)?,
            None => matches!(self.layout.open_blob(sha256), Err(Error::Kind { .. })),
        };
        if !same {
            return Ok(None);
        }
        let name = self.reserve_aside(sha256)?;
        drawer.rename(&rest, &self.layout.aside, &name)?;
        self.layout.aside.sync()?;
        drawer.sync()?;
        Ok(Some(self.layout.aside.path_of(&name)))
    }

    /// Makes an empty file with a name that no other altered blob has, to be replaced. Renaming
    /// without replacing is not known to every file system.
    fn reserve_aside(&self, sha256: &Sha256) -> Result<String, Error> {
        let mut number = 1_u64;
        loop {
            let name = format!("{sha256}.{number}");
            if self.layout.aside.create_file(&name)?.is_some() {
                return Ok(name);
            }
            number = number.saturating_add(1);
        }
    }
}
