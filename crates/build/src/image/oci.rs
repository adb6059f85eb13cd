//! The OCI image layout: `index.json`, nested indexes, the manifest for one platform.
//!
//! Follows the OCI image specification 1.1. Docker's media types are accepted in the same places,
//! because registries convert between the two and the documents have the same fields.

use std::collections::BTreeSet;

use enclair_digest::{Expected, Sha256};
use enclair_eif::Arch;
use enclair_recipe::Blob;
use oci_spec::image::{Descriptor, ImageConfiguration, ImageIndex, ImageManifest};
use serde::de::DeserializeOwned;

use super::{Container, Image, Layer, diff_ids, oci_architecture, parse_digest};
use crate::error::Error;

/// The annotation by which a layout names its images.
const TAG: &str = "org.opencontainers.image.ref.name";

/// Indexes may contain indexes; real ones are one or two deep.
const MAX_DEPTH: usize = 4;

/// Opens the image called `name` in a layout, or its only one.
pub(super) fn open<'a>(
    container: Container<'a>,
    name: Option<&str>,
    arch: Arch,
) -> Result<Image<'a>, Error> {
    let index: ImageIndex = container.document("index.json", None)?;
    let named = descriptors_named(&index, name);
    if named.is_empty() {
        return Err(Error::NoSuchImage {
            name: name.unwrap_or_default().to_owned(),
            available: names(&index),
        });
    }
    let mut search = Search {
        container: &container,
        arch,
        seen: BTreeSet::new(),
        found: BTreeSet::new(),
    };
    for descriptor in named {
        search.visit(descriptor, 0)?;
    }
    let mut found = search.found.into_iter();
    match (found.next(), found.next()) {
        (Some(manifest), None) => read_manifest(container, manifest),
        (Some(_), Some(_)) => Err(Error::AmbiguousImage {
            available: names(&index),
        }),
        (None, _) => Err(Error::NoPlatform {
            architecture: oci_architecture(arch),
        }),
    }
}

fn descriptors_named<'a>(index: &'a ImageIndex, name: Option<&str>) -> Vec<&'a Descriptor> {
    let wanted = |descriptor: &&Descriptor| name.is_none() || tag(descriptor) == name;
    index.manifests().iter().filter(wanted).collect()
}

fn tag(descriptor: &Descriptor) -> Option<&str> {
    descriptor
        .annotations()
        .as_ref()?
        .get(TAG)
        .map(String::as_str)
}

fn names(index: &ImageIndex) -> Vec<String> {
    index
        .manifests()
        .iter()
        .filter_map(tag)
        .map(str::to_owned)
        .collect()
}

/// Looks for the manifests of one architecture behind descriptors.
struct Search<'a> {
    container: &'a Container<'a>,
    arch: Arch,
    /// Indexes that were read: one that is listed a million times is read once.
    seen: BTreeSet<Sha256>,
    /// A set, because a layout may list one manifest under several tags.
    found: BTreeSet<Blob>,
}

impl Search<'_> {
    fn visit(&mut self, descriptor: &Descriptor, depth: usize) -> Result<(), Error> {
        let blob = blob_of(descriptor)?;
        match descriptor.media_type().as_ref() {
            "application/vnd.oci.image.index.v1+json"
            | "application/vnd.docker.distribution.manifest.list.v2+json" => {
                if depth == MAX_DEPTH {
                    return Err(Error::IndexDepth { limit: MAX_DEPTH });
                }
                if !self.seen.insert(blob.sha256) {
                    return Ok(());
                }
                let index: ImageIndex = read_blob(self.container, blob)?;
                index
                    .manifests()
                    .iter()
                    .try_for_each(|descriptor| self.visit(descriptor, depth + 1))
            }
            "application/vnd.oci.image.manifest.v1+json"
            | "application/vnd.docker.distribution.manifest.v2+json" => {
                if is_for(descriptor, self.arch) {
                    self.found.insert(blob);
                }
                Ok(())
            }
            other => Err(Error::MediaType {
                digest: blob.sha256,
                found: other.to_owned(),
            }),
        }
    }
}

/// Whether a manifest is for `arch`. A descriptor without a platform is taken, and the
/// configuration decides; attestations carry the platform `unknown/unknown`.
fn is_for(descriptor: &Descriptor, arch: Arch) -> bool {
    descriptor.platform().as_ref().is_none_or(|platform| {
        platform.os().to_string() == "linux"
            && platform.architecture().to_string() == oci_architecture(arch)
    })
}

/// Opens the image of a manifest that is known.
pub(super) fn read_manifest(container: Container<'_>, blob: Blob) -> Result<Image<'_>, Error> {
    let manifest: ImageManifest = read_blob(&container, blob)?;
    let config_blob = blob_of(manifest.config())?;
    let config: ImageConfiguration = read_blob(&container, config_blob)?;
    let diff_ids = diff_ids(&config, manifest.layers().len())?;
    let layers = manifest
        .layers()
        .iter()
        .zip(diff_ids)
        .map(|(descriptor, diff_id)| {
            let blob = blob_of(descriptor)?;
            Ok(Layer {
                name: blob_name(&blob.sha256),
                blob: Some(blob),
                diff_id,
            })
        })
        .collect::<Result<_, Error>>()?;
    Ok(Image {
        container,
        manifest: Some(blob),
        config_blob,
        config_name: blob_name(&config_blob.sha256),
        config,
        layers,
    })
}

fn blob_of(descriptor: &Descriptor) -> Result<Blob, Error> {
    Ok(Blob {
        sha256: parse_digest(descriptor.digest().as_ref())?,
        size: descriptor.size(),
    })
}

/// The name of a blob in a layout.
pub(crate) fn blob_name(digest: &Sha256) -> String {
    format!("blobs/sha256/{digest}")
}

pub(super) fn read_blob<T: DeserializeOwned>(
    container: &Container<'_>,
    blob: Blob,
) -> Result<T, Error> {
    let name = blob_name(&blob.sha256);
    let expected = Expected {
        name: name.clone(),
        digest: blob.sha256,
        size: Some(blob.size),
    };
    container.document(&name, Some(expected))
}
