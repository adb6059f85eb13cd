//! What a build is asked for. Values only: nothing here has been opened or checked.

use std::path::PathBuf;

use enclair_digest::{Limits, Sha256};
use enclair_eif::Arch;
use enclair_recipe::{Blob, ImageReference, LockedImage};

use crate::compression::Compression;
use crate::configuration::Surroundings;
use crate::epoch::Epoch;
use crate::files;
use crate::measure::Threads;
use crate::normalise::Rule;
use crate::packages::PackagesSource;

/// How the ramdisks are laid out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ImageLayout {
    /// This project's, for its own init.
    #[default]
    Enclair,
    /// The one that the vendor's init expects.
    Bootstrap,
}

impl ImageLayout {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Enclair => "enclair",
            Self::Bootstrap => "bootstrap",
        }
    }
}

/// A file that goes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A file on this machine, as it is when it is read.
    File(PathBuf),
    /// A file on this machine that must be what a lock says.
    Pinned {
        /// The file.
        path: PathBuf,
        /// What it must be.
        blob: Blob,
    },
    /// A blob of the store.
    Blob {
        /// What it must be.
        blob: Blob,
        /// What it is called in messages.
        name: String,
    },
}

/// Where the root filesystem comes from, before files are laid over it.
#[derive(Debug, Clone)]
pub enum RootSource {
    /// A container image on this disk: a reference without a registry or a daemon.
    Local(ImageReference),
    /// A container image whose blobs are in the store.
    Locked(LockedImage),
    /// A tar archive of a root filesystem, compressed or not.
    Archive(Content),
    /// Packages of a distribution that are in the store.
    Packages(Box<PackagesSource>),
    /// Nothing: all there is are the files.
    Empty,
}

/// What is to run, where it is not as the container image says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Process {
    /// Program and arguments, instead of ENTRYPOINT and CMD.
    pub command: Option<Vec<String>>,
    /// `NAME=value`: replaces the image's variable of that name, or follows the others.
    pub env: Vec<String>,
    /// Instead of USER.
    pub user: Option<String>,
    /// Instead of WORKDIR.
    pub workdir: Option<String>,
}

/// What the report says about where the request comes from: hints, none of which is measured.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Provenance {
    /// The recipe, relative to the top of its repository where there is one.
    pub recipe: Option<String>,
    /// SHA-256 of the lock.
    pub lock: Option<Sha256>,
    /// What an outsider should know.
    pub notes: Vec<String>,
}

/// What to build.
#[derive(Debug, Clone)]
pub struct BuildRequest {
    /// Where the root filesystem comes from.
    pub root: RootSource,
    /// Files of the project that are laid over it, in order. Paths are relative to `directory`.
    pub files: Vec<files::Entry>,
    /// What is to run.
    pub process: Process,
    /// The kernel; `None` for the one that this program carries.
    pub kernel: Option<Content>,
    /// The program that the kernel starts; `None` for the one that this program carries.
    pub init: Option<Content>,
    /// The agent, where the image has one; `None` for the one that this program carries.
    pub agent: Option<Content>,
    /// The NSM driver module, for kernels that have it not built in.
    pub module: Option<Content>,
    /// Archives that become ramdisks behind the application's, in order.
    pub ramdisks: Vec<PathBuf>,
    /// How the ramdisks behind the first are compressed.
    pub compression: Compression,
    /// What is measured about the application's process and the image does not say.
    pub surroundings: Surroundings,
    /// The kernel command line; `None` for the architecture's own.
    pub command_line: Option<String>,
    /// Architecture of kernel, init and application.
    pub arch: Arch,
    /// The one time in the image.
    pub epoch: Epoch,
    /// `ImageName` in the metadata, which is not measured.
    pub name: String,
    /// `ImageVersion` in the metadata, which is not measured.
    pub version: String,
    /// How the ramdisks are laid out.
    pub layout: ImageLayout,
    /// The normalisation rules, in the order in which they are applied.
    pub rules: Vec<Rule>,
    /// Ids of findings that would stop the build and shall not.
    pub allow: Vec<String>,
    /// How much is unpacked at most.
    pub limits: Limits,
    /// How many threads measure.
    pub threads: Threads,
    /// The project: where its files are, and a git repository for the report.
    pub directory: PathBuf,
    /// Where the request comes from, for the report.
    pub provenance: Provenance,
}
