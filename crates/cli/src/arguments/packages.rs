//! Arguments of `enclair packages`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use enclair_eif::Arch;

use super::{ProjectArguments, SupplyArguments, parse_size};

#[derive(Debug, Args)]
pub(crate) struct Packages {
    #[command(subcommand)]
    pub(crate) command: PackagesCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PackagesCommand {
    /// List the packages that a lock names
    List(PackagesList),
    /// Say why a package is locked: the shortest ways to it from what the recipe asks for
    Why(PackagesWhy),
    /// Bring everything that the locked packages need into the store, or into a directory
    Download(PackagesDownload),
    /// Say what became of the packages between two locks, and which registers that moves
    Diff(PackagesDiff),
    /// List the packages that an image already contains, as a lock has them
    FromImage(Box<PackagesFromImage>),
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  enclair packages list\n  \
    enclair packages list --json | jq -r '.packages[].name'")]
pub(crate) struct PackagesList {
    #[command(flatten)]
    pub(crate) project: ProjectArguments,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  enclair packages why libssl3\n  enclair packages why libc6 service/ --json\n\n\
    Reads the suites as they were locked, else the packages themselves, from the store or from where \
    they were."
)]
pub(crate) struct PackagesWhy {
    /// A package
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) project: ProjectArguments,
    #[command(flatten)]
    pub(crate) supply: SupplyArguments,
    /// Print JSON, with every way and not only the first ones
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  enclair packages download\n  enclair packages download --dir debs\n\n\
    Notes each package's SHA-1 in the lock, by which an archive of old packages knows it; with \
    CI=true the lock stays as it is. A lock with it is equal to one without."
)]
pub(crate) struct PackagesDownload {
    #[command(flatten)]
    pub(crate) project: ProjectArguments,
    /// Also write each package as a file into this directory
    #[arg(long, value_name = "OUT")]
    pub(crate) dir: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) supply: SupplyArguments,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  enclair packages diff HEAD:./enclair.lock enclair.lock\n  \
    enclair packages diff v1.2/ v1.3/ --json\n\n\
    A lock is a file, a directory with an enclair.lock, or REVISION:PATH as git takes it.\n\
    Exit status: 0 the locks are equal; 1 they differ; 2 they could not be compared."
)]
pub(crate) struct PackagesDiff {
    /// The earlier lock
    #[arg(value_name = "OLD")]
    pub(crate) old: String,
    /// The later lock
    #[arg(value_name = "NEW")]
    pub(crate) new: String,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  enclair packages from-image debian:12\n  \
    enclair packages from-image app:1.4 --minus debian:12 --sha256sums SHA256SUMS-amd64\n  \
    enclair packages from-image rootfs.tar.zst --distribution debian --suite bookworm --json\n\n\
    Each package is looked up in its own version; what an archive has now under its name is another \
    one.\nExit status: 0 all were found; 1 some were not, and are listed on stderr; 2 it could not be \
    done.")]
pub(crate) struct PackagesFromImage {
    /// An image as for `build --image`, a directory, or a tar archive of a root filesystem; what is
    /// on this disk comes first
    #[arg(value_name = "ROOT")]
    pub(crate) root: String,
    /// Leave out the packages that this one has in the same version
    #[arg(long, value_name = "ROOT")]
    pub(crate) minus: Option<String>,
    /// Whose packages they are, instead of what os-release says
    #[arg(long, value_enum, value_name = "NAME")]
    pub(crate) distribution: Option<DistributionArgument>,
    /// A suite to look in, instead of CODENAME, CODENAME-updates and CODENAME-security of os-release;
    /// may be given more than once
    #[arg(long = "suite", value_name = "NAME")]
    pub(crate) suites: Vec<String>,
    /// A component to look in; may be given more than once
    #[arg(long = "component", default_value = "main", value_name = "NAME")]
    pub(crate) components: Vec<String>,
    /// Architecture of the image
    #[arg(long, default_value = "x86_64", value_name = "ARCH")]
    pub(crate) arch: Arch,
    /// Write repro-get's SHA256SUMS instead of lines of a lock: to a file, or to `-`
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pub(crate) sha256sums: Option<PathBuf>,
    /// Unpack at most this much: a number of bytes, or one with K, M, G or T
    #[arg(long, default_value = "16G", value_name = "SIZE", value_parser = parse_size)]
    pub(crate) max_unpacked: u64,
    #[command(flatten)]
    pub(crate) supply: SupplyArguments,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// The distributions, by their names on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DistributionArgument {
    Debian,
    Ubuntu,
}
