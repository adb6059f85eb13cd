//! What a build is asked for. Values only: nothing here has been opened or checked.

use std::path::PathBuf;

use enclair_digest::Limits;
use enclair_eif::Arch;

use crate::compression::Compression;
use crate::configuration::Surroundings;
use crate::epoch::Epoch;
use crate::image::ImageReference;
use crate::measure::Threads;
use crate::normalise::Normalization;

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

/// What to build.
#[derive(Debug, Clone)]
pub struct BuildRequest {
    /// The container image.
    pub image: ImageReference,
    /// The kernel; `None` for the one that this program carries.
    pub kernel: Option<PathBuf>,
    /// The program that the kernel starts; `None` for the one that this program carries.
    pub init: Option<PathBuf>,
    /// The NSM driver module, for kernels that have it not built in.
    pub module: Option<PathBuf>,
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
    /// Whether the rules of the format are applied.
    pub normalization: Normalization,
    /// Ids of findings that would stop the build and shall not.
    pub allow: Vec<String>,
    /// How much is unpacked at most.
    pub limits: Limits,
    /// How many threads measure.
    pub threads: Threads,
    /// Where to look for a git repository, for the report.
    pub directory: PathBuf,
}
