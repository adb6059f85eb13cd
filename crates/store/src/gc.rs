//! Removing what nobody needs.
//!
//! It has the store for itself while it lists and removes, which takes moments: nothing is read but
//! names and times. Whoever wants to give a blob its name waits for it; whoever reads an open blob,
//! or writes one that has no name yet, does not notice.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::time::SystemTime;

use enclair_digest::{Engine, Sha256};
use rustix::fs::OFlags;

use crate::catalogue::Catalogue;
use crate::error::{Action, Error};
use crate::layout::{DERIVED, remove_unheld, split};
use crate::lock::Share;
use crate::size::Count;
use crate::store::Store;

/// What [`Store::gc`] leaves alone, apart from what registered locks need.
#[derive(Debug, Clone, Default)]
pub struct Collection {
    /// Blobs that stay.
    pub keep: BTreeSet<Sha256>,
    /// What was put in, written to or stamped at this time or later stays too. Without it, age does
    /// not count, and a blob that was put in a moment ago and that no lock names is removed.
    pub unused_since: Option<SystemTime>,
}

/// What [`Store::gc`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Collected {
    /// Blobs that were removed.
    pub blobs: Count,
    /// Blobs that stayed.
    pub kept: Count,
    /// Interrupted downloads that were removed.
    pub partial: Count,
    /// What killed processes left.
    pub incoming: Count,
    /// What was computed from blobs, of the same age.
    pub derived: Count,
    /// Locks that are gone, whose registrations were dropped.
    pub forgotten: Vec<PathBuf>,
    /// What is no blob and lies among them. It was not touched.
    pub strange: Vec<PathBuf>,
}

impl<E: Engine> Store<E> {
    /// Removes every blob that neither a registered lock needs nor `collection` keeps, downloads
    /// that were interrupted and are of no such blob, what killed processes left, and registrations
    /// whose lock is gone. Altered blobs in `aside/` stay.
    ///
    /// # Errors
    ///
    /// [`Error::Registration`] before anything was removed, and those of the file system.
    pub fn gc(&self, collection: &Collection) -> Result<Collected, Error> {
        let _lock = self.layout.lock(Share::Exclusive)?;
        let mut collected = Collected::default();
        let mut keep = collection.keep.clone();
        // All of them are read first: one that cannot be understood ends it here.
        for root in self.roots()? {
            if root.has_lock() {
                keep.extend(root.digests);
            } else {
                collected.forgotten.push(root.lock);
            }
        }
        for lock in &collected.forgotten {
            self.layout.names.remove(self.registration(lock)?)?;
        }
        let sweep = Sweep {
            store: self,
            keep,
            unused_since: collection.unused_since,
        };
        sweep.blobs(&mut collected)?;
        sweep.partials(&mut collected)?;
        sweep.derived(&mut collected)?;
        collected.incoming = self.layout.sweep_incoming()?;
        Ok(collected)
    }
}

/// A collection with everything that stays.
struct Sweep<'a, E: Engine> {
    store: &'a Store<E>,
    keep: BTreeSet<Sha256>,
    unused_since: Option<SystemTime>,
}

impl<E: Engine> Sweep<'_, E> {
    fn blobs(&self, collected: &mut Collected) -> Result<(), Error> {
        let layout = &self.store.layout;
        let catalogue = Catalogue::read(&layout.blobs)?;
        collected.strange = catalogue.strange;
        for sha256 in catalogue.blobs {
            let file = match layout.open_blob(&sha256) {
                Ok(Some(file)) => file,
                Ok(None) => continue,
                Err(Error::Kind { path, .. }) => {
                    collected.strange.push(path);
                    continue;
                }
                Err(error) => return Err(error),
            };
            let path = self.store.blob_path(&sha256);
            let metadata = file.metadata().map_err(Error::io(&path, Action::Open))?;
            let modified = metadata
                .modified()
                .map_err(Error::io(&path, Action::Open))?;
            if self.stays(&sha256, modified) {
                collected.kept.add(metadata.len());
            } else {
                let (drawer, rest) = split(&sha256);
                if let Some(drawer) = layout.blobs.child(drawer)? {
                    drawer.remove(&rest)?;
                    collected.blobs.add(metadata.len());
                }
            }
        }
        Ok(())
    }

    fn partials(&self, collected: &mut Collected) -> Result<(), Error> {
        let partial = &self.store.layout.partial;
        for name in partial.names()? {
            let file = match partial.open_file(&name, OFlags::RDONLY) {
                Ok(Some(file)) => file,
                Ok(None) => continue,
                Err(Error::Kind { path, .. }) => {
                    collected.strange.push(path);
                    continue;
                }
                Err(error) => return Err(error),
            };
            let path = partial.path_of(&name);
            let modified = file
                .metadata()
                .and_then(|metadata| metadata.modified())
                .map_err(Error::io(&path, Action::Open))?;
            drop(file);
            if digest_in(&name).is_some_and(|sha256| self.stays(&sha256, modified)) {
                continue;
            }
            if let Some(bytes) = remove_unheld(partial, &name)? {
                collected.partial.add(bytes);
            }
        }
        Ok(())
    }

    /// What was computed from blobs has no lock that needs it: its age alone decides.
    fn derived(&self, collected: &mut Collected) -> Result<(), Error> {
        let Some(derived) = self.store.layout.root.child(DERIVED)? else {
            return Ok(());
        };
        for name in derived.names()? {
            let file = match derived.open_file(&name, OFlags::RDONLY) {
                Ok(Some(file)) => file,
                Ok(None) => continue,
                Err(Error::Kind { path, .. }) => {
                    collected.strange.push(path);
                    continue;
                }
                Err(error) => return Err(error),
            };
            let metadata = file
                .metadata()
                .map_err(Error::io(derived.path_of(&name), Action::Open))?;
            let is_used = match (metadata.modified(), self.unused_since) {
                (Ok(modified), Some(since)) => modified >= since,
                (Ok(_), None) | (Err(_), _) => false,
            };
            if !is_used && derived.remove(&name)? {
                collected.derived.add(metadata.len());
            }
        }
        Ok(())
    }

    fn stays(&self, sha256: &Sha256, modified: SystemTime) -> bool {
        self.keep.contains(sha256) || self.unused_since.is_some_and(|since| modified >= since)
    }
}

fn digest_in(name: &OsStr) -> Option<Sha256> {
    name.to_str()?.parse().ok()
}
