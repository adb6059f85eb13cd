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
mod reference;

use enclair_digest::Sha256;
use enclair_eif::Arch;
use oci_spec::image::ImageConfiguration;

use crate::error::Error;

pub(crate) use container::{Container, Scratch};
pub(crate) use layers::Unpacking;
pub use reference::{ImageReference, ParseReferenceError, Transport};

/// An image whose configuration is known and whose layers can be opened.
#[derive(Debug)]
pub(crate) struct Image {
    /// Where its blobs are.
    pub(crate) container: Container,
    /// Digest of the manifest; archives made by `docker save` have none.
    pub(crate) manifest_digest: Option<Sha256>,
    /// Digest of the configuration: the image ID.
    pub(crate) config_digest: Sha256,
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

/// Digest and size of a blob as its manifest gives them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Blob {
    pub(crate) digest: Sha256,
    pub(crate) size: u64,
}

impl Image {
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
        let name = reference.name.as_deref();
        let path = &reference.path;
        let image = match reference.transport {
            Transport::OciLayout => oci::open(Container::directory(path), name, arch)?,
            Transport::OciArchive => oci::open(Container::archive(path, scratch)?, name, arch)?,
            Transport::DockerArchive => docker::open(Container::archive(path, scratch)?, name)?,
        };
        image.check_platform(arch)?;
        Ok(image)
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
