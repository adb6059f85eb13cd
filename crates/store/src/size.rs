//! How much a store has.

use enclair_digest::Engine;
use rustix::fs::OFlags;

use crate::catalogue::Catalogue;
use crate::directory::Directory;
use crate::error::{Action, Error};
use crate::layout::DERIVED;
use crate::store::Store;

/// Files and their bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// How many.
    pub files: u64,
    /// Their sizes together.
    pub bytes: u64,
}

impl Count {
    pub(crate) fn add(&mut self, bytes: u64) {
        self.files = self.files.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes);
    }
}

/// What a store has, by where it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Blobs.
    pub blobs: Count,
    /// Downloads that are under way or were interrupted.
    pub partial: Count,
    /// Content that is being written, or that a killed process left.
    pub incoming: Count,
    /// Altered blobs.
    pub aside: Count,
    /// Registrations of locks.
    pub names: Count,
    /// What was computed from blobs and can be computed again.
    pub derived: Count,
}

impl<E: Engine> Store<E> {
    /// Counts what the store has. Others may change it meanwhile.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    pub fn size(&self) -> Result<Usage, Error> {
        let layout = &self.layout;
        let mut blobs = Count::default();
        for sha256 in Catalogue::read(&layout.blobs)?.blobs {
            match layout.blob_size(&sha256) {
                Ok(Some(bytes)) => blobs.add(bytes),
                // Gone meanwhile, or no blob: `verify` says so.
                Ok(None) | Err(Error::Kind { .. }) => (),
                Err(error) => return Err(error),
            }
        }
        Ok(Usage {
            blobs,
            partial: count(&layout.partial)?,
            incoming: count(&layout.incoming)?,
            aside: count(&layout.aside)?,
            names: count(&layout.names)?,
            derived: match layout.root.child(DERIVED)? {
                Some(derived) => count(&derived)?,
                None => Count::default(),
            },
        })
    }
}

fn count(directory: &Directory) -> Result<Count, Error> {
    let mut count = Count::default();
    for name in directory.names()? {
        match directory.open_file(&name, OFlags::RDONLY) {
            Ok(Some(file)) => {
                let path = directory.path_of(&name);
                let metadata = file.metadata().map_err(Error::io(path, Action::Open))?;
                count.add(metadata.len());
            }
            Ok(None) => (),
            Err(Error::Kind { .. }) => count.add(0),
            Err(error) => return Err(error),
        }
    }
    Ok(count)
}
