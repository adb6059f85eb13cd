//! What a lock needs, brought into the store before anything is built.
//!
//! ```text
//! carried        in the program, when the digest is the same    else by digest from anywhere
//! file:PATH      on this disk, when it is there                  else by digest from anywhere
//! oci: and such  in the store; from this disk, when it is there  else by digest from anywhere
//! url, image     by digest; a file inside of one is taken out every time, and compared
//! ```

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};

use enclair_digest::{Engine, Hasher as _, Limits, Sha256};
use enclair_eif::Arch;
use enclair_recipe::{
    Blob, Lock, LockedFile, LockedImage, LockedPackage, LockedSource, Origin, Place, Supply,
    SupplyError, Wanted,
};

use super::error::ProjectError;
use super::image::{is_current, local_path, lock_image};
use super::inside::{Container, keep_inside};
use crate::embedded::embedded;
use crate::enclave::Tools;
use crate::image::Scratch;
use crate::request::Content;

/// Digest and size of bytes in memory.
pub(super) fn blob_of<E: Engine>(bytes: &[u8], engine: &E) -> Blob {
    let mut hasher = engine.sha256();
    hasher.update(bytes);
    Blob {
        sha256: hasher.finish(),
        size: bytes.len() as u64,
    }
}

/// What brings a lock's inputs into the store.
#[derive(Debug)]
pub(super) struct Inputs<'a, E> {
    pub(super) lock: &'a Lock,
    /// Where the recipe is.
    pub(super) directory: &'a Path,
    pub(super) scratch: &'a Path,
    pub(super) limits: Limits,
    pub(super) tools: &'a Tools<'a, E>,
}

impl<E: Engine> Inputs<'_, E> {
    /// Sees to it that everything is there but the packages of the source, which are fetched while
    /// they are unpacked.
    ///
    /// # Errors
    ///
    /// What cannot be had.
    pub(super) fn obtain(&self) -> Result<(), ProjectError> {
        let files = self.lock.files();
        let packages = files.filter_map(|(_, file)| file.package());
        self.obtain_with(packages)
    }

    /// Sees to it that everything is there, with these packages.
    fn obtain_with<'p>(
        &self,
        packages: impl Iterator<Item = &'p LockedPackage>,
    ) -> Result<(), ProjectError> {
        for image in self.images() {
            self.bring_in(image)?;
        }
        let mut wanted = self.wanted();
        wanted.extend(packages.map(|package| package.wanted(&self.lock.suites)));
        let supply = self.tools.supply;
        match supply.obtain(&wanted) {
            Ok(()) => {}
            Err(source) => return Err(self.explain(source)),
        }
        for (entry, file) in self.lock.files() {
            self.take_out(entry, file)?;
        }
        Ok(())
    }

    /// The images whose blobs a build needs: that of the source, and those that files are in.
    fn images(&self) -> impl Iterator<Item = &LockedImage> {
        let source = match &self.lock.source {
            Some(LockedSource::Image(image)) => Some(image),
            Some(LockedSource::Archive(_) | LockedSource::Packages(_)) | None => None,
        };
        let files = self.lock.files().filter_map(|(_, file)| match &file.from {
            Origin::Image { image, path: _ } => Some(image),
            Origin::Carried | Origin::File(_) | Origin::Url { .. } | Origin::Package { .. } => None,
        });
        source.into_iter().chain(files)
    }

    /// Brings an image of this disk into the store where that lacks part of it: in a fresh clone the
    /// image is there and the store of whoever locked it is not.
    fn bring_in(&self, image: &LockedImage) -> Result<(), ProjectError> {
        let path = local_path(&image.from).map(|path| self.directory.join(path));
        let blobs = image.manifest.iter().chain([&image.config]);
        let mut blobs = blobs.chain(&image.layers);
        let is_complete = blobs.all(|blob| has(self.tools.supply, blob));
        if is_complete || !path.is_some_and(|path| path.exists()) {
            return Ok(());
        }
        let scratch = Scratch {
            directory: self.scratch,
            limit: self.limits.unpacked_bytes,
        };
        let place = (self.directory, &scratch);
        if is_current(image, self.lock.arch, place)? {
            // What it comes to is compared blob by blob, when it is opened by its digests.
            lock_image(&image.from, self.lock.arch, place, self.tools)?;
        }
        Ok(())
    }

    /// Brings everything into the store, also what a build would take from the program or from this
    /// disk, and lists it.
    ///
    /// # Errors
    ///
    /// What cannot be had.
    pub(super) fn gather(&self) -> Result<BTreeSet<Sha256>, ProjectError> {
        self.obtain_with(self.lock.packages())?;
        let supply = self.tools.supply;
        let mut gathered = BTreeSet::new();
        for (entry, file) in self.lock.files() {
            let content: Box<dyn Read> = match self.content(entry, file) {
                Some(content) => content.open(supply)?,
                None => Box::new(carried(self.lock.arch, entry).unwrap_or_default()),
            };
            if !has(supply, &file.blob) {
                supply
                    .keep(&mut { content })
                    .map_err(|source| ProjectError::Supply { source })?;
            }
            gathered.insert(file.blob.sha256);
        }
        let wanted = self.lock.wanted();
        let had = wanted.iter().filter(|wanted| has(supply, &wanted.blob));
        gathered.extend(had.map(|wanted| wanted.blob.sha256));
        Ok(gathered)
    }

    /// What is neither in the program nor on this disk, nor a package. Of a file inside of something,
    /// that is wanted: that the file itself is in the store says nothing about where it is from.
    fn wanted(&self) -> Vec<Wanted> {
        let mut wanted = match &self.lock.source {
            Some(LockedSource::Image(image)) => image.wanted("source"),
            Some(LockedSource::Archive(_) | LockedSource::Packages(_)) | None => Vec::new(),
        };
        for (entry, file) in self.lock.files() {
            let is_here = match &file.from {
                Origin::Carried => self.is_carried(entry, file),
                Origin::File(_) => self.on_this_disk(file).is_some(),
                Origin::Url { .. } | Origin::Image { .. } | Origin::Package { .. } => false,
            };
            if is_here {
                continue;
            }
            if file.from == Origin::Carried {
                wanted.push(Wanted {
                    blob: file.blob,
                    name: entry.to_owned(),
                    place: Place::Anywhere,
                });
            }
            wanted.extend(file.wanted(entry));
        }
        wanted
    }

    /// Takes a file out of its container. A lock that gave it another digest is found out by that.
    fn take_out(&self, entry: &'static str, file: &LockedFile) -> Result<(), ProjectError> {
        let (container, path) = match &file.from {
            Origin::Url {
                inside: Some(inside),
                url,
            } => (Container::Archive(inside.container, url), &inside.path),
            Origin::Image { image, path } => (Container::Image(image, self.lock.arch), path),
            Origin::Package { package, path, .. } => {
                (Container::Archive(package.blob, &package.name), path)
            }
            Origin::Carried | Origin::File(_) | Origin::Url { inside: None, .. } => return Ok(()),
        };
        let found = keep_inside(container, path, (self.scratch, &self.limits), self.tools)?;
        if found == file.blob {
            return Ok(());
        }
        Err(ProjectError::Inside {
            path: path.clone(),
            container: entry.to_owned(),
            expected: file.blob.sha256,
            found: found.sha256,
        })
    }

    /// Whether this program carries what the lock wants.
    fn is_carried(&self, entry: &str, file: &LockedFile) -> bool {
        carried(self.lock.arch, entry)
            .is_some_and(|bytes| blob_of(bytes, self.tools.engine) == file.blob)
    }

    /// What a supplier's failure means where a carried part is among what is wanted.
    fn explain(&self, source: SupplyError) -> ProjectError {
        let missing = self.lock.files().find(|(entry, file)| {
            file.from == Origin::Carried
                && !self.is_carried(entry, file)
                && !has(self.tools.supply, &file.blob)
        });
        match missing {
            None => ProjectError::Supply { source },
            Some((what, file)) => ProjectError::Carried {
                what,
                wanted: file.blob.sha256,
                carried: carried(self.lock.arch, what).map_or_else(
                    || "none".to_owned(),
                    |bytes| format!("sha256:{}", blob_of(bytes, self.tools.engine).sha256),
                ),
                source,
            },
        }
    }

    /// Where a build takes a locked file from; `None` is what the program carries.
    pub(super) fn content(&self, entry: &'static str, file: &LockedFile) -> Option<Content> {
        if file.from == Origin::Carried && self.is_carried(entry, file) {
            return None;
        }
        let blob = file.blob;
        if let Some(path) = self.on_this_disk(file) {
            return Some(Content::Pinned { path, blob });
        }
        let name = entry.to_owned();
        Some(Content::Blob { blob, name })
    }

    fn on_this_disk(&self, file: &LockedFile) -> Option<PathBuf> {
        let Origin::File(path) = &file.from else {
            return None;
        };
        let path = self.directory.join(path);
        path.exists().then_some(path)
    }
}

fn has(supply: &dyn Supply, blob: &Blob) -> bool {
    supply.open(&blob.sha256).is_ok()
}

/// What this program carries for an entry of the lock.
pub(super) fn carried(arch: Arch, entry: &str) -> Option<&'static [u8]> {
    let carried = embedded(arch)?;
    match entry {
        "kernel" => Some(carried.kernel),
        "init" => Some(carried.init),
        "agent" => Some(carried.agent),
        _ => None,
    }
}
