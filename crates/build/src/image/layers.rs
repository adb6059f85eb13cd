//! Layers into a tree: each is decompressed, digested, parsed and spooled in one pass.
//!
//! ```text
//! blob -> digest of the blob -> decoder | -> digest of the tar (diff ID) -> tar parser -> spool
//!              a thread of its own      |                the calling thread
//! ```
//!
//! A layer that is stored uncompressed has one digest under two names; it is computed once.

use std::io::{BufRead as _, BufReader, Read};

use enclair_compress::{Format, Stream};
use enclair_digest::{Engine, Expected, Limits, Verified};
use enclair_finding::Findings;
use enclair_tree::{Metadata, Spool, Tree, apply_layer};

use super::{Image, Layer};
use crate::error::Error;
use crate::progress::{Progress, Reported};
use crate::readahead::ReadAhead;

/// Bytes read from a blob at once.
const BUFFER: usize = 256 << 10;

/// What unpacking needs besides the image.
#[derive(Debug)]
pub(crate) struct Unpacking<'a, E, P: ?Sized> {
    pub(crate) engine: &'a E,
    /// For all layers together: they share a spool.
    pub(crate) limits: Limits,
    pub(crate) progress: &'a P,
}

/// A stored archive as a tar stream, and the format that is decoded on the way.
fn decode(name: &str, stored: Box<dyn Read + Send>) -> Result<(ReadAhead, Option<Format>), Error> {
    let mut stored = BufReader::with_capacity(BUFFER, stored);
    let prefix = stored.fill_buf().map_err(|source| Error::Read {
        name: name.to_owned(),
        source,
    })?;
    let format = Format::detect(prefix);
    let content: Box<dyn Read + Send> = match format {
        None => Box::new(stored),
        Some(format) => Box::new(Stream::new(format, stored).map_err(|source| Error::Decode {
            name: name.to_owned(),
            source,
        })?),
    };
    Ok((ReadAhead::new(content), format))
}

impl<E: Engine, P: Progress + ?Sized> Unpacking<'_, E, P> {
    /// Applies all layers of `image`, lowest first, to an empty tree.
    pub(crate) fn unpack(
        &self,
        image: &Image<'_>,
        spool: &mut dyn Spool,
        findings: &mut Findings,
    ) -> Result<Tree, Error> {
        let mut tree = Tree::new(Metadata::new(0o755));
        for (index, layer) in image.layers.iter().enumerate() {
            self.apply(image, layer, (&mut tree, spool, findings))
                .map_err(|error| self.blame_blob(image, layer).err().unwrap_or(error))
                .map_err(|source| Error::Layer {
                    index,
                    source: Box::new(source),
                })?;
        }
        Ok(tree)
    }

    /// Unpacks the archive `name` of a whole root filesystem.
    pub(crate) fn unpack_archive(
        &self,
        (name, stored): (&str, Box<dyn Read + Send>),
        spool: &mut dyn Spool,
        findings: &mut Findings,
    ) -> Result<Tree, Error> {
        let mut tree = Tree::new(Metadata::new(0o755));
        let (content, _) = decode(name, stored)?;
        let mut content = Reported::new(content, self.progress);
        apply_layer(&mut tree, &mut content, spool, &self.limits, findings)?;
        Ok(tree)
    }

    fn apply(
        &self,
        image: &Image<'_>,
        layer: &Layer,
        (tree, spool, findings): (&mut Tree, &mut dyn Spool, &mut Findings),
    ) -> Result<(), Error> {
        let (content, format) = decode(&layer.name, self.open_blob(image, layer)?)?;
        let mut content = Reported::new(content, self.progress);
        let digested_as_stored =
            format.is_none() && layer.blob.is_some_and(|blob| blob.sha256 == layer.diff_id);
        let applied = if digested_as_stored {
            apply_layer(tree, &mut content, spool, &self.limits, findings)
        } else {
            let name = format!("{} (decompressed)", layer.name);
            let expected = Expected {
                name,
                digest: layer.diff_id,
                size: None,
            };
            let mut tar = Verified::new(content, self.engine, expected);
            apply_layer(tree, &mut tar, spool, &self.limits, findings)
        };
        applied.map_err(|source| Error::Tree { source })
    }

    fn open_blob(&self, image: &Image<'_>, layer: &Layer) -> Result<Box<dyn Read + Send>, Error> {
        let stored = image.container.open(&layer.name)?;
        let Some(blob) = layer.blob else {
            return Ok(stored);
        };
        let name = layer.name.clone();
        let expected = Expected {
            name,
            digest: blob.sha256,
            size: Some(blob.size),
        };
        Ok(Box::new(Verified::new(stored, self.engine, expected)))
    }

    /// Looks for the first cause of a failure: a blob that is not what its digest says fails in
    /// some way of its own long before its end, and that way would mislead.
    fn blame_blob(&self, image: &Image<'_>, layer: &Layer) -> Result<(), Error> {
        let mut blob = self.open_blob(image, layer)?;
        std::io::copy(&mut blob, &mut std::io::sink())
            .map(drop)
            .map_err(|source| Error::Read {
                name: layer.name.clone(),
                source,
            })
    }
}
