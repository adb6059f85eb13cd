//! Container images on the local disk, checked as they are read.
//!
//! Three transports: an OCI layout directory, the same in a tar archive, and the archive that
//! `docker save` writes. Every document and layer is compared with the digest and size by which it
//! is named before anything in it is believed; a layer is compared a second time, decompressed,
//! with the diff ID of the configuration. No network: registries belong to another crate.

mod container;
mod docker;
mod layers;
mod oci;

use enclair_digest::Sha256;
use enclair_eif::Arch;
use enclair_recipe::{Blob, ImageReference, LockedImage, Supply};
use oci_spec::image::{ImageConfiguration, ImageIndex};

use crate::error::Error;

pub(crate) use container::{Container, Scratch};
pub(crate) use layers::Unpacking;
pub(crate) use oci::blob_name;

/// An image whose configuration is known and whose layers can be opened.
#[derive(Debug)]
pub(crate) struct Image<'a> {
    /// Where its blobs are.
    pub(crate) container: Container<'a>,
    /// The manifest; archives made by `docker save` have none.
    pub(crate) manifest: Option<Blob>,
    /// The configuration's document, whose digest is the image ID.
    pub(crate) config_blob: Blob,
    /// That document's name in the container.
    pub(crate) config_name: String,
    /// The configuration: what to run, as whom, and the diff IDs.
    pub(crate) config: ImageConfiguration,
    /// The layers, lowest first.
    pub(crate) layers: Vec<Layer>,
}

/// One layer of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layer {
    /// The blob's name in the container.
    pub(crate) name: String,
    /// The blob as the manifest describes it; `None` where there is no manifest.
    pub(crate) blob: Option<Blob>,
    /// SHA-256 of the decompressed tar archive.
    pub(crate) diff_id: Sha256,
}

impl<'a> Image<'a> {
    /// Opens the image that `reference` names, for architecture `arch`. An archive that is
    /// compressed as a whole is decompressed in `scratch`.
    ///
    /// # Errors
    ///
    /// When it is not there, ambiguous, for another platform, or not what its digests say.
    pub(crate) fn open(
        reference: &ImageReference,
        arch: Arch,
        scratch: &Scratch<'_>,
    ) -> Result<Self, Error> {
        let image = match reference {
            ImageReference::OciLayout { path, name } => {
                oci::open(Container::directory(path), name.as_deref(), arch)?
            }
            ImageReference::OciArchive { path, name } => {
                oci::open(Container::archive(path, scratch)?, name.as_deref(), arch)?
            }
            ImageReference::DockerArchive { path, name } => {
                docker::open(Container::archive(path, scratch)?, name.as_deref())?
            }
            ImageReference::Registry(_) | ImageReference::DockerDaemon { .. } => {
                let reference = reference.to_string();
                return Err(Error::NotOnThisDisk { reference });
            }
        };
        image.check_platform(arch)?;
        Ok(image)
    }

    /// Opens the image of the manifest `manifest`, whose blobs are in `supply`.
    ///
    /// # Errors
    ///
    /// When a document is not there or not what its digest says, or is for another platform.
    pub(crate) fn of_manifest(
        manifest: Blob,
        arch: Arch,
        supply: &'a dyn Supply,
    ) -> Result<Self, Error> {
        let image = oci::read_manifest(Container::Store(supply), manifest)?;
        image.check_platform(arch)?;
        Ok(image)
    }

    /// Opens the image that a lock names, whose blobs are in `supply`.
    ///
    /// # Errors
    ///
    /// When a document is not there, or does not agree with the lock about what the image is.
    pub(crate) fn locked(
        locked: &LockedImage,
        arch: Arch,
        supply: &'a dyn Supply,
    ) -> Result<Self, Error> {
        if let (Some(index), Some(manifest)) = (locked.index, locked.manifest) {
            check_index(index, manifest, supply, &locked.from.to_string())?;
        }
        let container = Container::Store(supply);
        let image = match locked.manifest {
            Some(manifest) => oci::read_manifest(container, manifest)?,
            None => Self::without_manifest(container, locked)?,
        };
        let layers = image.layers.iter().filter_map(|layer| layer.blob);
        if image.config_blob != locked.config || !layers.eq(locked.layers.iter().copied()) {
            return Err(Error::LockedImage {
                reference: locked.from.to_string(),
            });
        }
        image.check_platform(arch)?;
        Ok(image)
    }

    fn without_manifest(container: Container<'a>, locked: &LockedImage) -> Result<Self, Error> {
        let config: ImageConfiguration = oci::read_blob(&container, locked.config)?;
        let diff_ids = diff_ids(&config, locked.layers.len())?;
        let layers = locked.layers.iter().zip(diff_ids);
        let layers = layers.map(|(blob, diff_id)| Layer {
            name: oci::blob_name(&blob.sha256),
            blob: Some(*blob),
            diff_id,
        });
        Ok(Self {
            manifest: None,
            config_blob: locked.config,
            config_name: oci::blob_name(&locked.config.sha256),
            layers: layers.collect(),
            container,
            config,
        })
    }

    fn check_platform(&self, arch: Arch) -> Result<(), Error> {
        let found = format!("{}/{}", self.config.os(), self.config.architecture());
        let expected = format!("linux/{}", oci_architecture(arch));
        if found == expected {
            return Ok(());
        }
        Err(Error::Platform { expected, found })
    }
}

/// Whether an index, which a reference names by its digest, lists a manifest.
///
/// # Errors
///
/// When it does not. An index in an index is not followed.
pub(crate) fn check_index(
    index: Blob,
    manifest: Blob,
    supply: &dyn Supply,
    reference: &str,
) -> Result<(), Error> {
    let document: ImageIndex = oci::read_blob(&Container::Store(supply), index)?;
    let named = format!("sha256:{}", manifest.sha256);
    let mut listed = document.manifests().iter();
    if listed.any(|listed| listed.digest().as_ref() == named) {
        return Ok(());
    }
    Err(Error::NotInIndex {
        reference: reference.to_owned(),
        manifest: manifest.sha256,
    })
}

/// The name that container images have for an architecture.
pub(crate) const fn oci_architecture(arch: Arch) -> &'static str {
    match arch {
        Arch::X86_64 => "amd64",
        Arch::Aarch64 => "arm64",
    }
}

/// The diff IDs of a configuration, one for each layer of its manifest.
fn diff_ids(config: &ImageConfiguration, layers: usize) -> Result<Vec<Sha256>, Error> {
    let ids = config.rootfs().diff_ids();
    if ids.len() != layers {
        return Err(Error::LayerCount {
            manifest: layers,
            config: ids.len(),
        });
    }
    ids.iter().map(|id| parse_digest(id)).collect()
}

/// A digest as images write it: `sha256:` and 64 hexadecimal digits.
fn parse_digest(text: &str) -> Result<Sha256, Error> {
    let Some(hex) = text.strip_prefix("sha256:") else {
        return Err(Error::DigestAlgorithm {
            digest: text.to_owned(),
        });
    };
    hex.parse().map_err(|source| Error::Digest {
        digest: text.to_owned(),
        source,
    })
}
