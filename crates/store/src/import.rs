//! Taking blobs from a directory: one that was exported, or any with files named by their digests.
//!
//! Nothing of it is believed and nothing is passed over in silence. Every file is digested; one that
//! is not what its name says is not taken, and the import ends with an error that has all of them.
//! The others are taken, since each is right by itself.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use enclair_digest::{Engine, Sha256};
use rustix::fs::{FileType, OFlags};

use crate::catalogue::Catalogue;
use crate::directory::Directory;
use crate::error::{Error, Fault, FileKind, Problem};
use crate::layout::{
    ALGORITHM, ASIDE, BLOBS, COMPANIONS, INCOMING, NAMES, PARTIAL, VERSION_FILE, check_version,
    split,
};
use crate::lock::STORE_LOCK;
use crate::reading::digest_file;
use crate::size::Count;
use crate::store::Store;

/// How deep directories may lie in each other.
const DEPTH: usize = 8;

/// What an import did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imported {
    /// Blobs that are new in this store.
    pub taken: Count,
    /// Blobs that it had already.
    pub present: Count,
    /// Files of an exported store that are no blobs: registrations, interrupted downloads, altered
    /// blobs, companions.
    pub passed_over: Vec<PathBuf>,
}

impl<E: Engine> Store<E> {
    /// Takes the blobs of a directory. Where it is a store, what is in `blobs/`; otherwise every
    /// file in it and in its directories must be named by its digest: 64 digits, which may follow
    /// `sha256:` or `sha256-`.
    ///
    /// # Errors
    ///
    /// [`Error::Import`] with all files that are not what their names say, [`Error::Version`] for a
    /// store of another layout, and those of the file system.
    pub fn import(&self, source: &Path) -> Result<Imported, Error> {
        let mut import = Import {
            store: self,
            imported: Imported::default(),
            faults: Vec::new(),
        };
        let source = Directory::open(source)?;
        if check_version(&source)? {
            import.take_store(&source)?;
        } else {
            import.take_directory(&source, DEPTH)?;
        }
        if import.faults.is_empty() {
            Ok(import.imported)
        } else {
            Err(Error::Import {
                faults: import.faults,
            })
        }
    }
}

/// An import under way.
struct Import<'a, E: Engine> {
    store: &'a Store<E>,
    imported: Imported,
    faults: Vec<Fault>,
}

impl<E: Engine> Import<'_, E> {
    fn take_store(&mut self, source: &Directory) -> Result<(), Error> {
        for name in source.names()? {
            match name.to_str() {
                Some(VERSION_FILE | STORE_LOCK) => (),
                Some(BLOBS) => {
                    let blobs = self.directory(source, &name)?;
                    self.take_algorithms(blobs.as_ref())?;
                }
                Some(PARTIAL | INCOMING | ASIDE | NAMES | COMPANIONS) => {
                    if let Some(directory) = self.directory(source, &name)? {
                        let names = directory.names()?;
                        let paths = names.iter().map(|name| directory.path_of(name));
                        self.imported.passed_over.extend(paths);
                    }
                }
                _ => self.fault(source.path_of(&name), Problem::Name),
            }
        }
        Ok(())
    }

    fn take_algorithms(&mut self, blobs: Option<&Directory>) -> Result<(), Error> {
        let Some(blobs) = blobs else {
            return Ok(());
        };
        for name in blobs.names()? {
            if name != ALGORITHM {
                self.fault(blobs.path_of(&name), Problem::Name);
            } else if let Some(drawers) = self.directory(blobs, &name)? {
                self.take_drawers(&drawers)?;
            }
        }
        Ok(())
    }

    fn take_drawers(&mut self, drawers: &Directory) -> Result<(), Error> {
        let catalogue = Catalogue::read(drawers)?;
        for path in catalogue.strange {
            self.fault(path, Problem::Name);
        }
        for sha256 in catalogue.blobs {
            let (drawer, rest) = split(&sha256);
            if let Some(drawer) = self.directory(drawers, OsStr::new(&drawer))? {
                self.take(&drawer, OsStr::new(&rest), &sha256)?;
            }
        }
        Ok(())
    }

    fn take_directory(&mut self, source: &Directory, depth: usize) -> Result<(), Error> {
        for name in source.names()? {
            let path = source.path_of(&name);
            let Some(stat) = source.stat(&name)? else {
                self.fault(path, unreadable());
                continue;
            };
            if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
                match (depth.checked_sub(1), self.directory(source, &name)?) {
                    (Some(depth), Some(directory)) => self.take_directory(&directory, depth)?,
                    _ => self.fault(path, Problem::Name),
                }
            } else {
                match digest_named(&name) {
                    Some(sha256) => self.take(source, &name, &sha256)?,
                    None => self.fault(path, Problem::Name),
                }
            }
        }
        Ok(())
    }

    /// Takes one file.
    fn take(&mut self, from: &Directory, name: &OsStr, sha256: &Sha256) -> Result<(), Error> {
        let path = from.path_of(name);
        let mut file = match from.open_file(name, OFlags::RDONLY) {
            Ok(Some(file)) => file,
            Ok(None) => {
                self.fault(path, unreadable());
                return Ok(());
            }
            Err(Error::Kind { .. }) => {
                self.fault(path, Problem::NotAFile);
                return Ok(());
            }
            Err(Error::Io { source, .. }) => {
                self.fault(path, Problem::Unreadable(source));
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let size = file.metadata().map(|metadata| metadata.len());
        let present = self.store.blob_size(sha256)?;
        let result = match size {
            // What is there need not be written again; the file is digested all the same.
            Ok(size) if present == Some(size) => digest_file(&self.store.engine, &mut file, |_| ())
                .map_err(Error::Source)
                .and_then(|found| same(sha256, found))
                .map(|()| self.imported.present.add(size)),
            Ok(_) => self
                .store
                .expect(sha256, None)?
                .fill(&mut file)
                .map(|(_, size)| self.imported.taken.add(size)),
            Err(error) => Err(Error::Source(error)),
        };
        match result {
            Err(Error::Digest { expected, found }) => {
                self.fault(path, Problem::Altered { expected, found });
                Ok(())
            }
            Err(Error::Source(error)) => {
                self.fault(path, Problem::Unreadable(error));
                Ok(())
            }
            result => result,
        }
    }

    /// A directory that must be one; something else is a fault.
    fn directory(&mut self, of: &Directory, name: &OsStr) -> Result<Option<Directory>, Error> {
        match of.child(name) {
            Err(Error::Kind {
                path,
                expected: FileKind::Directory,
            }) => {
                self.fault(path, Problem::Name);
                Ok(None)
            }
            result => result,
        }
    }

    fn fault(&mut self, path: PathBuf, problem: Problem) {
        self.faults.push(Fault { path, problem });
    }
}

fn same(expected: &Sha256, found: Sha256) -> Result<(), Error> {
    if found == *expected {
        return Ok(());
    }
    Err(Error::Digest {
        expected: *expected,
        found,
    })
}

/// It was listed, and is gone.
fn unreadable() -> Problem {
    Problem::Unreadable(io::Error::from(io::ErrorKind::NotFound))
}

/// The digest that a file's name is.
fn digest_named(name: &OsStr) -> Option<Sha256> {
    let name = name.to_str()?;
    let prefixed = name
        .strip_prefix("sha256:")
        .or_else(|| name.strip_prefix("sha256-"));
    prefixed.unwrap_or(name).parse().ok()
}
