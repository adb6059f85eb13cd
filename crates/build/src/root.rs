//! The application's side of an image: its root filesystem and what runs in it.

use std::collections::BTreeSet;
use std::path::Path;

use enclair_configuration::Configuration;
use enclair_digest::Engine;
use enclair_finding::Findings;
use enclair_inspect::entry_memory;
use enclair_tree::{MtimePolicy, NodeKind, Tree};

use crate::configuration::configuration_of;
use crate::error::Error;
use crate::findings::check_bootstrap;
use crate::further::read_further;
use crate::image::{Image, Scratch, Unpacking};
use crate::normalise::{Applied, Normalization, normalise};
use crate::output::directory_of;
use crate::progress::Progress;
use crate::ramdisk::add_mount_points;
use crate::report::Source;
use crate::request::{BuildRequest, ImageLayout};
use crate::spool::FileSpool;

/// A root filesystem and everything that was learnt on the way to it.
#[derive(Debug)]
pub(crate) struct Root {
    pub(crate) tree: Tree,
    /// What further ramdisks add to it, in order.
    pub(crate) further: Vec<Tree>,
    pub(crate) spool: FileSpool,
    pub(crate) configuration: Configuration,
    pub(crate) source: Source,
    pub(crate) normalised: Vec<Applied>,
    pub(crate) findings: Findings,
}

impl Root {
    /// Unpacks and normalises the image that `request` names. Contents are spooled beside
    /// `target`, the file that they will be written to.
    ///
    /// # Errors
    ///
    /// An image that is not there or not what it says; see [`Error`].
    pub(crate) fn read<E: Engine>(
        request: &BuildRequest,
        target: &Path,
        engine: &E,
        progress: &dyn Progress,
    ) -> Result<Self, Error> {
        let directory = directory_of(target);
        let scratch = Scratch {
            directory,
            limit: request.limits.unpacked_bytes,
        };
        let image = Image::open(&request.image, request.arch, &scratch)?;
        let mut spool = FileSpool::create(directory).map_err(|source| Error::Write {
            path: directory.to_owned(),
            source,
        })?;
        let mut findings = Findings::new();
        progress.stage("unpacking layers", None);
        let unpacking = Unpacking {
            engine,
            limits: request.limits,
            progress,
        };
        let mut tree = unpacking.unpack(&image, &mut spool, &mut findings)?;
        let configuration = configuration_of(&image.config, &tree, &spool)?;
        let normalised = match request.normalization {
            Normalization::Format => normalise(&mut tree, request.epoch)?,
            Normalization::None => Vec::new(),
        };
        if request.layout == ImageLayout::Bootstrap {
            check_bootstrap(&configuration, &mut findings);
            add_mount_points(&mut tree, request.epoch.0)?;
        }
        let mut further = Vec::new();
        for path in &request.ramdisks {
            let limits = &request.limits;
            further.push(read_further(path, &mut spool, limits, &mut findings)?);
        }
        let source = source_of(&image);
        Ok(Self {
            tree,
            further,
            spool,
            configuration,
            source,
            normalised,
            findings,
        })
    }
}

impl Root {
    /// Bytes of memory that the files take in the enclave.
    pub(crate) fn memory(&self) -> u64 {
        let trees = std::iter::once(&self.tree).chain(&self.further);
        trees.map(memory_of).sum()
    }
}

/// A further name of a hard link takes no more pages.
fn memory_of(tree: &Tree) -> u64 {
    let mut seen = BTreeSet::new();
    let entries = tree.iter().map(|(_, id, node)| {
        let first = tree.links(id) < 2 || seen.insert(id);
        if let (true, NodeKind::File(body)) = (first, &node.kind) {
            body.len()
        } else {
            0
        }
    });
    entries.map(entry_memory).sum()
}

/// How the times of a tree go into a ramdisk.
pub(crate) const fn times(request: &BuildRequest) -> MtimePolicy {
    match request.normalization {
        Normalization::Format => MtimePolicy::Epoch(request.epoch.0),
        Normalization::None => MtimePolicy::Kept,
    }
}

fn source_of(image: &Image) -> Source {
    Source {
        manifest: image.manifest_digest.map(|digest| digest.to_string()),
        config: image.config_digest.to_string(),
        diff_ids: image
            .layers
            .iter()
            .map(|layer| layer.diff_id.to_string())
            .collect(),
    }
}
