//! What of a lock must be fetched.

use std::collections::BTreeMap;

use super::{Lock, LockedFile, LockedImage, LockedSource, Origin};
use crate::reference::ImageReference;
use crate::supply::{Blob, Place, Wanted};

pub(super) fn wanted(lock: &Lock) -> Vec<Wanted> {
    let mut list = List::default();
    if let Some(LockedSource::Image(image)) = &lock.source {
        list.image("source", image);
    }
    for (name, file) in lock.files() {
        list.file(name, file);
    }
    list.items
}

#[derive(Default)]
struct List {
    items: Vec<Wanted>,
    /// Where in `items` a blob is.
    known: BTreeMap<Blob, usize>,
}

impl List {
    fn file(&mut self, name: &str, file: &LockedFile) {
        match &file.from {
            Origin::Carried => {}
            Origin::File(_) => self.add(name.to_owned(), file.blob, Place::Anywhere),
            Origin::Url { url, inside: None } => {
                self.add(name.to_owned(), file.blob, Place::Url(url.clone()));
            }
            Origin::Url {
                url,
                inside: Some(inside),
            } => {
                let name = format!("{name} archive");
                self.add(name, inside.container, Place::Url(url.clone()));
            }
            Origin::Image { image, path: _ } => self.image(&format!("{name} image"), image),
        }
    }

    fn image(&mut self, name: &str, image: &LockedImage) {
        let place = match &image.from {
            ImageReference::Registry(reference) => Place::Repository(reference.name()),
            ImageReference::OciLayout { .. }
            | ImageReference::OciArchive { .. }
            | ImageReference::DockerArchive { .. }
            | ImageReference::DockerDaemon { .. } => Place::Anywhere,
        };
        if let Some(manifest) = image.manifest {
            self.add(format!("{name} manifest"), manifest, place.clone());
        }
        self.add(format!("{name} configuration"), image.config, place.clone());
        for (layer, number) in image.layers.iter().zip(1_u32..) {
            self.add(format!("{name} layer {number}"), *layer, place.clone());
        }
    }

    /// Adds a blob that is not there, or says where one is that had no place so far.
    fn add(&mut self, name: String, blob: Blob, place: Place) {
        let known = self.known.get(&blob).and_then(|at| self.items.get_mut(*at));
        match known {
            Some(known) if known.place == Place::Anywhere => known.place = place,
            Some(_) => {}
            None => {
                self.known.insert(blob, self.items.len());
                self.items.push(Wanted { blob, name, place });
            }
        }
    }
}
