//! The archive that `docker save` writes: `manifest.json`, a configuration and layer archives.
//!
//! It has no digests of its layers as stored, only the configuration's diff IDs, and those are
//! what is checked. The configuration's digest is computed from its bytes.

use enclair_digest::{Engine as _, Hasher as _};
use enclair_recipe::Blob;
use oci_spec::image::ImageConfiguration;
use serde::Deserialize;

use super::container::parse;
use super::{Container, Image, Layer, diff_ids};
use crate::engine::AwsLc;
use crate::error::Error;

/// One image of the archive.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    layers: Vec<String>,
}

/// Opens the image called `name` (`NAME:TAG`) in the archive, or its only one.
pub(super) fn open<'a>(container: Container<'a>, name: Option<&str>) -> Result<Image<'a>, Error> {
    let entries: Vec<Entry> = container.document("manifest.json", None)?;
    let available = || entries.iter().flat_map(tags).map(str::to_owned).collect();
    let mut named = entries
        .iter()
        .filter(|entry| name.is_none_or(|name| tags(entry).any(|tag| tag == name)));
    let entry = match (named.next(), named.next()) {
        (Some(entry), None) => entry,
        (Some(_), Some(_)) => {
            return Err(Error::AmbiguousImage {
                available: available(),
            });
        }
        (None, _) => {
            let name = name.unwrap_or_default().to_owned();
            return Err(Error::NoSuchImage {
                name,
                available: available(),
            });
        }
    };
    let bytes = container.read(&entry.config, None)?;
    let config: ImageConfiguration = parse(&entry.config, &bytes)?;
    let mut hasher = AwsLc.sha256();
    hasher.update(&bytes);
    let layers = entry
        .layers
        .iter()
        .zip(diff_ids(&config, entry.layers.len())?)
        .map(|(name, diff_id)| Layer {
            name: name.clone(),
            blob: None,
            diff_id,
        })
        .collect();
    Ok(Image {
        container,
        manifest: None,
        config_name: entry.config.clone(),
        config_blob: Blob {
            sha256: hasher.finish(),
            size: bytes.len() as u64,
        },
        config,
        layers,
    })
}

fn tags(entry: &Entry) -> impl Iterator<Item = &str> {
    entry.repo_tags.iter().flatten().map(String::as_str)
}
