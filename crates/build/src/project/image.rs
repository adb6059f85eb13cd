//! Container images into the lock: which blobs an image is made of.
//!
//! An image of a registry is a manifest for one architecture. An image on this disk is brought into
//! the store as it is, so that a build takes both from one place, and so that an exported store has
//! it.

use std::io;
use std::path::{Path, PathBuf};

use enclair_digest::{Engine, Expected, Verified};
use enclair_eif::Arch;
use enclair_recipe::{Blob, ImageReference, LockedImage, RegistryReference, Supply, Version};

use super::error::ProjectError;
use super::locked::Locking;
use super::resolve::digest_of;
use crate::enclave::Tools;
use crate::engine::AwsLc;
use crate::error::Error;
use crate::git::has_in_clone;
use crate::image::{Image, Layer, Scratch, check_index};
use crate::output::in_directory;
use crate::request::RootSource;

/// Finds out what `reference` is now. Relative paths in it are relative to `directory`. Documents of
/// a registry's image are in the store afterwards, and everything of any other image.
///
/// # Errors
///
/// When there is no such image for `arch`, or it is not what its digests say.
pub(super) fn lock_image<E: Engine>(
    reference: &ImageReference,
    arch: Arch,
    (directory, scratch): (&Path, &Scratch<'_>),
    tools: &Tools<'_, E>,
) -> Result<LockedImage, Error> {
    let supply = tools.supply;
    let failed = |source| Error::Supply { source };
    match reference {
        ImageReference::Registry(registry) => {
            let manifest = supply
                .resolve_image(&registry.to_string(), arch)
                .map_err(failed)?;
            let image = Image::of_manifest(manifest, arch, supply)?;
            let layers = image.layers.iter().filter_map(|layer| layer.blob);
            Ok(LockedImage {
                index: index_of(registry, manifest, tools)?,
                ..locked(reference, &image, layers.collect())
            })
        }
        ImageReference::DockerDaemon { name } => {
            let mut archive =
                tempfile::NamedTempFile::new_in(scratch.directory).map_err(|source| {
                    Error::Write {
                        path: scratch.directory.to_owned(),
                        source,
                    }
                })?;
            supply
                .save_daemon_image(name, archive.as_file_mut())
                .map_err(failed)?;
            let saved = ImageReference::DockerArchive {
                path: archive.path().to_owned(),
                name: None,
            };
            import(reference, &Image::open(&saved, arch, scratch)?, supply)
        }
        ImageReference::OciLayout { .. }
        | ImageReference::OciArchive { .. }
        | ImageReference::DockerArchive { .. } => {
            let image = Image::open(&relative_to(reference, directory), arch, scratch)?;
            Ok(LockedImage {
                private: is_private(reference, directory),
                ..import(reference, &image, supply)?
            })
        }
    }
}

/// An image without a recipe: what `reference` is now, with everything of it in the store, or the
/// image on this disk as it is. Scratch files lie in `scratch`.
///
/// # Errors
///
/// When there is no such image for `arch`, it cannot be had, or only what is locked is allowed and
/// the reference may mean another image tomorrow.
pub fn obtain_image<E: Engine>(
    (reference, arch, locking): (&ImageReference, Arch, Locking),
    (scratch, limit): (&Path, u64),
    tools: &Tools<'_, E>,
) -> Result<RootSource, ProjectError> {
    let is_elsewhere = matches!(
        reference,
        ImageReference::Registry(_) | ImageReference::DockerDaemon { .. }
    );
    if !is_elsewhere {
        return Ok(RootSource::Local(reference.clone()));
    }
    if locking == Locking::Locked && !is_fixed(reference) {
        return Err(ProjectError::Unlocked {
            reference: reference.to_string(),
        });
    }
    let directory = scratch;
    let place = (Path::new("."), &Scratch { directory, limit });
    in_directory(directory, || {
        let image = lock_image(reference, arch, place, tools)?;
        tools
            .supply
            .obtain(&image.wanted("image"))
            .map_err(|source| ProjectError::Supply { source })?;
        Ok(RootSource::Locked(image))
    })
}

/// Whether a reference by itself says which image it is.
fn is_fixed(reference: &ImageReference) -> bool {
    matches!(reference, ImageReference::Registry(reference)
        if matches!(reference.version(), Version::Digest(_)))
}

/// Where an image on this disk is.
pub(super) fn local_path(reference: &ImageReference) -> Option<PathBuf> {
    match reference {
        // The layout's other files are named by digests.
        ImageReference::OciLayout { path, .. } => Some(path.join("index.json")),
        ImageReference::OciArchive { path, .. } | ImageReference::DockerArchive { path, .. } => {
            Some(path.clone())
        }
        ImageReference::Registry(_) | ImageReference::DockerDaemon { .. } => None,
    }
}

/// Whether an image on this disk is still what `locked` says, by its documents. Always true of
/// images that are elsewhere: a tag is asked for again only when somebody wants that. True of one
/// that is gone as well: what was brought into the store does not need to be there any more.
pub(super) fn is_current(
    locked: &LockedImage,
    arch: Arch,
    (directory, scratch): (&Path, &Scratch<'_>),
) -> Result<bool, Error> {
    let reference = &locked.from;
    if !local_path(reference).is_some_and(|path| directory.join(path).exists()) {
        return Ok(true);
    }
    let image = Image::open(&relative_to(reference, directory), arch, scratch)?;
    Ok((image.manifest, image.config_blob) == (locked.manifest, locked.config))
}

fn relative_to(reference: &ImageReference, directory: &Path) -> ImageReference {
    let mut reference = reference.clone();
    if let ImageReference::OciLayout { path, .. }
    | ImageReference::OciArchive { path, .. }
    | ImageReference::DockerArchive { path, .. } = &mut reference
    {
        *path = directory.join(&path);
    }
    reference
}

/// The document that a reference names by its digest, where it is not the manifest.
fn index_of<E: Engine>(
    reference: &RegistryReference,
    manifest: Blob,
    tools: &Tools<'_, E>,
) -> Result<Option<Blob>, Error> {
    let Version::Digest(named) = reference.version() else {
        return Ok(None);
    };
    if *named == manifest.sha256 {
        return Ok(None);
    }
    let mut document = tools
        .supply
        .open(named)
        .map_err(|source| Error::Supply { source })?;
    let found = digest_of(&mut document, tools.engine).map_err(|source| Error::Read {
        name: format!("index of {reference}"),
        source,
    })?;
    let index = Blob {
        sha256: *named,
        ..found
    };
    check_index(index, manifest, tools.supply, &reference.to_string())?;
    Ok(Some(index))
}

/// Whether nobody else can get an image: one of the daemon, and one on this disk that a clone of the
/// project does not have.
fn is_private(reference: &ImageReference, directory: &Path) -> bool {
    let tracked = local_path(reference).and_then(|path| has_in_clone(directory, &path));
    tracked.map_or_else(|| reference.is_private(), |tracked| !tracked)
}

fn locked(reference: &ImageReference, image: &Image<'_>, layers: Vec<Blob>) -> LockedImage {
    LockedImage {
        from: reference.clone(),
        index: None,
        manifest: image.manifest,
        config: image.config_blob,
        layers,
        private: reference.is_private(),
    }
}

/// Brings an image on this disk into the store.
fn import(
    reference: &ImageReference,
    image: &Image<'_>,
    supply: &dyn Supply,
) -> Result<LockedImage, Error> {
    if let Some(manifest) = image.manifest {
        keep(
            image,
            &crate::image::blob_name(&manifest.sha256),
            Some(manifest),
            supply,
        )?;
    }
    keep(image, &image.config_name, Some(image.config_blob), supply)?;
    let layers = image.layers.iter();
    let layers = layers.map(|Layer { name, blob, .. }| keep(image, name, *blob, supply));
    Ok(locked(reference, image, layers.collect::<Result<_, _>>()?))
}

/// Brings one blob into the store, unless it is there; compared with its digest where that is known.
fn keep(
    image: &Image<'_>,
    name: &str,
    known: Option<Blob>,
    supply: &dyn Supply,
) -> Result<Blob, Error> {
    if let Some(blob) = known.filter(|blob| supply.open(&blob.sha256).is_ok()) {
        return Ok(blob);
    }
    let stored = image.container.open(name)?;
    let mut content: Box<dyn io::Read> = match known {
        None => stored,
        Some(blob) => {
            let expected = Expected {
                name: name.to_owned(),
                digest: blob.sha256,
                size: Some(blob.size),
            };
            Box::new(Verified::new(stored, &AwsLc, expected))
        }
    };
    supply
        .keep(&mut content)
        .map_err(|source| Error::Supply { source })
}
