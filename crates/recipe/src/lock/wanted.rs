//! What of a lock must be fetched.

use std::collections::BTreeMap;

use super::{Lock, LockedFile, LockedImage, LockedSource, Origin};
use crate::reference::ImageReference;
use crate::supply::{Blob, Place, Wanted};

pub(super) fn wanted(lock: &Lock) -> Vec<Wanted> {
    let mut list = List::default();
    if let Some(LockedSource::Image(image)) = &lock.source {
        image
            .wanted("source")
            .into_iter()
            .for_each(|item| list.add(item));
    }
    for package in lock.packages() {
        list.add(package.wanted(&lock.suites));
    }
    for (name, file) in lock.files() {
        file.wanted(name)
            .into_iter()
            .for_each(|item| list.add(item));
    }
    list.items
}

impl LockedFile {
    /// What must be fetched for the file `name`; nothing for one that the program carries.
    ///
    /// Of a file that is in an archive, the archive is wanted and not the file; of a file in an
    /// image, all of the image. Packages are listed by [`Lock::packages`].
    pub fn wanted(&self, name: &str) -> Vec<Wanted> {
        let one = |name: String, blob, place| vec![Wanted { blob, name, place }];
        match &self.from {
            // Where a package is depends on the lock's suites; see `Lock::packages`.
            Origin::Carried | Origin::Package { .. } => Vec::new(),
            Origin::File(_) => one(name.to_owned(), self.blob, Place::Anywhere),
            Origin::Url { url, inside } => {
                let place = Place::Url(url.clone());
                match inside {
                    None => one(name.to_owned(), self.blob, place),
                    Some(inside) => one(format!("{name} archive"), inside.container, place),
                }
            }
            Origin::Image { image, path: _ } => image.wanted(&format!("{name} image")),
        }
    }
}

impl LockedImage {
    /// The documents and layers of the image `name`.
    pub fn wanted(&self, name: &str) -> Vec<Wanted> {
        let place = match &self.from {
            ImageReference::Registry(reference) => Place::Repository(reference.name()),
            ImageReference::OciLayout { .. }
            | ImageReference::OciArchive { .. }
            | ImageReference::DockerArchive { .. }
            | ImageReference::DockerDaemon { .. } => Place::Anywhere,
        };
        let wanted = |name: String, blob: Blob| Wanted {
            blob,
            name,
            place: place.clone(),
        };
        let manifest = self
            .manifest
            .map(|blob| wanted(format!("{name} manifest"), blob));
        let index = self.index.map(|blob| wanted(format!("{name} index"), blob));
        let config = wanted(format!("{name} configuration"), self.config);
        let layers = self.layers.iter().zip(1_u32..);
        let layers = layers.map(|(blob, number)| wanted(format!("{name} layer {number}"), *blob));
        let documents = index.into_iter().chain(manifest).chain([config]);
        documents.chain(layers).collect()
    }
}

#[derive(Default)]
struct List {
    items: Vec<Wanted>,
    /// Where in `items` a blob is.
    known: BTreeMap<Blob, usize>,
}

impl List {
    /// Adds a blob that is not there, or says where one is that had no place so far.
    fn add(&mut self, item: Wanted) {
        let known = self
            .known
            .get(&item.blob)
            .and_then(|at| self.items.get_mut(*at));
        match known {
            Some(known) if known.place == Place::Anywhere => known.place = item.place,
            Some(_) => {}
            None => {
                self.known.insert(item.blob, self.items.len());
                self.items.push(item);
            }
        }
    }
}
