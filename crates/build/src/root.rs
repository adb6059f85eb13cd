//! The application's side of an image: its root filesystem and what runs in it.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::Path;

use enclair_configuration::Configuration;
use enclair_digest::Engine;
use enclair_finding::Findings;
use enclair_inspect::entry_memory;
use enclair_tree::{Metadata, MtimePolicy, NodeKind, Tree};
use oci_spec::image::ImageConfiguration;

use crate::configuration::configuration_of;
use crate::enclave::Tools;
use crate::error::Error;
use crate::files::{Laid, Laying};
use crate::findings::check_bootstrap;
use crate::further::read_further;
use crate::image::{Image, Scratch, Unpacking};
use crate::normalise::{Applied, Rule, normalise};
use crate::output::directory_of;
use crate::packages::{PackagesDocument, unpack_packages};
use crate::progress::Progress;
use crate::ramdisk::add_mount_points;
use crate::report::Source;
use crate::request::{BuildRequest, ImageLayout, RootSource};
use crate::spool::FileSpool;

/// A root filesystem and everything that was learnt on the way to it.
#[derive(Debug)]
pub(crate) struct Root {
    pub(crate) tree: Tree,
    /// What further ramdisks add to it, in order.
    pub(crate) further: Vec<Tree>,
    pub(crate) spool: FileSpool,
    pub(crate) configuration: Configuration,
    /// The container image, where there is one.
    pub(crate) source: Option<Source>,
    /// Which package every file comes from, where they come from packages.
    pub(crate) packages: Option<PackagesDocument>,
    /// Files of the project that were laid over it.
    pub(crate) laid: Laid,
    pub(crate) normalised: Vec<Applied>,
    pub(crate) findings: Findings,
}

/// The root filesystem before anything is laid over it.
struct Base {
    tree: Tree,
    image: ImageConfiguration,
    source: Option<Source>,
    packages: Option<PackagesDocument>,
}

impl Root {
    /// Unpacks and normalises what `request` names. Contents are spooled beside `target`, the file
    /// that they will be written to.
    ///
    /// # Errors
    ///
    /// An image that is not there or not what it says; see [`Error`].
    pub(crate) fn read<E: Engine>(
        request: &BuildRequest,
        target: &Path,
        tools: &Tools<'_, E>,
    ) -> Result<Self, Error> {
        let directory = directory_of(target);
        let mut spool = FileSpool::create(directory).map_err(|source| Error::Write {
            path: directory.to_owned(),
            source,
        })?;
        let mut findings = Findings::new();
        let base = Base::read(request, (directory, &mut spool), tools, &mut findings)?;
        let Base {
            mut tree,
            image,
            source,
            mut packages,
        } = base;
        tools.progress.stage("laying files", None);
        let laying = Laying {
            project: &request.directory,
            limits: &request.limits,
            engine: tools.engine,
            supply: tools.supply,
            output: Some(directory),
        };
        let laid = laying.lay(&request.files, &mut tree, &mut spool)?;
        if let Some(packages) = &mut packages {
            packages.leave_out(&laid);
        }
        let configuration = configuration_of(&image, &request.process, &tree, &spool)?;
        let normalised = normalise(&mut tree, &request.rules, request.epoch)?;
        if request.layout == ImageLayout::Bootstrap {
            check_bootstrap(&configuration, &mut findings);
            add_mount_points(&mut tree, request.epoch.0)?;
        }
        let mut further = Vec::new();
        for path in &request.ramdisks {
            let limits = &request.limits;
            further.push(read_further(path, &mut spool, limits, &mut findings)?);
        }
        Ok(Self {
            tree,
            further,
            spool,
            configuration,
            source,
            packages,
            laid,
            normalised,
            findings,
        })
    }
}

impl Base {
    fn read<E: Engine>(
        request: &BuildRequest,
        (directory, spool): (&Path, &mut FileSpool),
        tools: &Tools<'_, E>,
        findings: &mut Findings,
    ) -> Result<Self, Error> {
        let image = match &request.root {
            RootSource::Local(image) => {
                let limit = request.limits.unpacked_bytes;
                Image::open(image, request.arch, &Scratch { directory, limit })?
            }
            RootSource::Locked(image) => Image::locked(image, request.arch, tools.supply)?,
            RootSource::Archive(content) => {
                let archive = (&*content.name(), content.open(tools.supply)?);
                let tree = unpacking(request, tools).unpack_archive(archive, spool, findings)?;
                return Ok(Self::without_image(tree));
            }
            RootSource::Packages(source) => {
                let amount = (available_threads(), &request.limits);
                let root = unpack_packages(source, amount, tools, spool)
                    .map_err(|error| Error::Packages(Box::new(error)))?;
                findings.merge(root.findings);
                return Ok(Self {
                    packages: Some(root.document),
                    ..Self::without_image(root.tree)
                });
            }
            RootSource::Empty => {
                return Ok(Self::without_image(Tree::new(Metadata::new(0o755))));
            }
        };
        let tree = unpacking(request, tools).unpack(&image, spool, findings)?;
        Ok(Self {
            tree,
            source: Some(source_of(&image)),
            image: image.config,
            packages: None,
        })
    }

    fn without_image(tree: Tree) -> Self {
        Self {
            tree,
            image: ImageConfiguration::default(),
            source: None,
            packages: None,
        }
    }
}

fn available_threads() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

fn unpacking<'a, E>(
    request: &BuildRequest,
    tools: &Tools<'a, E>,
) -> Unpacking<'a, E, dyn Progress + 'a> {
    tools.progress.stage("unpacking layers", None);
    Unpacking {
        engine: tools.engine,
        limits: request.limits,
        progress: tools.progress,
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
pub(crate) fn times(request: &BuildRequest) -> MtimePolicy {
    if request.rules.contains(&Rule::Mtime1) {
        MtimePolicy::Epoch(request.epoch.0)
    } else {
        MtimePolicy::Kept
    }
}

fn source_of(image: &Image<'_>) -> Source {
    Source {
        manifest: image.manifest.map(|blob| blob.sha256.to_string()),
        config: image.config_blob.sha256.to_string(),
        diff_ids: image
            .layers
            .iter()
            .map(|layer| layer.diff_id.to_string())
            .collect(),
    }
}
