//! The command line, as typed. Values are parsed here; nothing is opened.

mod build;
mod host;
mod local;
mod packages;
mod parent;
mod project;
mod run;

use std::path::PathBuf;

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use enclair_eif::Arch;

pub(crate) use build::{
    Build, CompressArgument, Direct, GrantArgument, LayoutArgument, NormalizeArgument,
    SurroundingsArguments,
};
pub(crate) use host::Host;
pub(crate) use local::{Logs, Ps, Stop};
pub(crate) use packages::{
    DistributionArgument, Packages, PackagesCommand, PackagesDiff, PackagesDownload,
    PackagesFromImage, PackagesList, PackagesWhy,
};
pub(crate) use parent::ParentArguments;
pub(crate) use project::{
    Export, Init, Lock, Log, ProjectArguments, Store, StoreCommand, SupplyArguments,
};
pub(crate) use run::Run;

/// Reproducible AWS Nitro Enclave images: build, measure, inspect.
#[derive(Debug, Parser)]
#[command(name = "enclair", version, about, max_term_width = 100, after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const AFTER_HELP: &str = "Exit status: 0 done or it holds; 1 checked and it differs; 2 could not \
    be done or checked.\nResults go to stdout, everything else to stderr.";

const QEMU_HELP: &str =
    "QEMU's program, instead of the one in $ENCLAIR_QEMU/bin, on PATH or in /opt/qemu-nitro/bin";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write a recipe, from nothing or from another tool's file
    Init(Init),
    /// Resolve everything external that a recipe names to digests
    Lock(Lock),
    /// Build an enclave image from a recipe, or from a container image alone
    Build(Box<Build>),
    /// Put sections together into an image, byte for byte, with nothing added
    Assemble(Assemble),
    /// Show what an image or a ramdisk holds and what it measures to
    Inspect(Inspect),
    /// Take an image apart
    Extract(Extract),
    /// Boot an image under QEMU and pass the application's exit status on
    Run(Run),
    /// Run an image as a real enclave on this EC2 instance [not run on hardware yet]
    Host(Host),
    /// List enclaves that run in the background
    Ps(Ps),
    /// End enclaves that run in the background, and forget them
    Stop(Stop),
    /// Show the console of an enclave that runs in the background
    Logs(Logs),
    /// Say what this machine can do, and how to add what is missing
    Doctor(Doctor),
    /// List, explain, download and compare locked packages
    Packages(Packages),
    /// Look after the store of fetched content
    Store(Store),
    /// List the images that a repository has recorded
    Log(Log),
    /// Explain a register (PCR0), a finding (ramdisk-overrides-boot), or a path of an image
    Explain(Explain),
    /// Print the JSON schema of a document
    Schema(Schema),
    /// Print completions for a shell
    Completions(Completions),
}

/// How many threads measure.
#[derive(Debug, Args)]
pub(crate) struct ThreadsArgument {
    /// Threads that measure: 1 is the calling thread alone, more give PCR0 and PCR2 one each
    #[arg(long, default_value_t = 2, value_name = "N", value_parser = clap::value_parser!(u8).range(1..))]
    pub(crate) threads: u8,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    enclair assemble --kernel bzImage --cmdline 'console=ttyS0' --ramdisk boot.cpio \
    --ramdisk app.cpio -o app.eif")]
pub(crate) struct Assemble {
    /// Kernel
    #[arg(long, value_name = "FILE")]
    pub(crate) kernel: PathBuf,
    /// Kernel command line, taken as it is
    #[arg(long, value_name = "TEXT")]
    pub(crate) cmdline: String,
    /// Ramdisk; may be given more than once, in order
    #[arg(long = "ramdisk", required = true, value_name = "FILE")]
    pub(crate) ramdisks: Vec<PathBuf>,
    /// Architecture in the header
    #[arg(long, default_value = "x86_64", value_name = "ARCH")]
    pub(crate) arch: Arch,
    /// Name in the metadata
    #[arg(long, default_value = "enclave")]
    pub(crate) name: String,
    /// Version in the metadata
    #[arg(long, default_value = "0")]
    pub(crate) image_version: String,
    /// Build time in the metadata, in RFC 3339
    #[arg(long, default_value = "1970-01-01T00:00:00Z", value_name = "TIME")]
    pub(crate) build_time: String,
    /// Builder in the metadata
    #[arg(long, default_value = "enclair", value_name = "NAME")]
    pub(crate) build_tool: String,
    /// Builder's version in the metadata
    #[arg(long, default_value = "1", value_name = "VERSION")]
    pub(crate) build_tool_version: String,
    /// Operating system in the metadata
    #[arg(long, default_value = "Linux", value_name = "NAME")]
    pub(crate) os: String,
    /// Kernel version in the metadata
    #[arg(long, default_value = "unknown", value_name = "VERSION")]
    pub(crate) kernel_version: String,
    /// Custom metadata: a file with a JSON document
    #[arg(long, value_name = "FILE")]
    pub(crate) metadata: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) threads: ThreadsArgument,
    /// The image to write
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Print measurements and sections as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  enclair inspect app.eif\n  \
    enclair inspect app.eif --json | jq .Measurements\n  enclair inspect initrd.img --files")]
pub(crate) struct Inspect {
    /// An enclave image, or a ramdisk (cpio, compressed or not)
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// List every entry of every ramdisk
    #[arg(long)]
    pub(crate) files: bool,
    #[command(flatten)]
    pub(crate) threads: ThreadsArgument,
    /// Print JSON, with the fields of `nitro-cli describe-eif`
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  enclair extract app.eif -C app\n  \
    enclair extract app.eif --tar app.tar\n  enclair extract app.eif --section 0 -o bzImage\n\n\
    Needs no root: in a directory, owners, devices and set-id bits are listed in \
    ramdiskN.entries.jsonl; a tar archive carries them.")]
#[command(group(ArgGroup::new("what").required(true).args(["directory", "tar", "section"])))]
pub(crate) struct Extract {
    /// The enclave image
    #[arg(value_name = "EIF")]
    pub(crate) file: PathBuf,
    /// Extract everything into this directory, which must be new or empty
    #[arg(short = 'C', long, value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
    /// Extract everything into a tar archive
    #[arg(long, value_name = "FILE")]
    pub(crate) tar: Option<PathBuf>,
    /// Extract the bytes of one section, counted from 0
    #[arg(long, value_name = "N", requires = "output")]
    pub(crate) section: Option<usize>,
    /// File for the section
    #[arg(short, long, value_name = "FILE", requires = "section")]
    pub(crate) output: Option<PathBuf>,
    /// Unpack at most this much: a number of bytes, or one with K, M, G or T
    #[arg(long, default_value = "16G", value_name = "SIZE", value_parser = parse_size)]
    pub(crate) max_unpacked: u64,
}

/// Which QEMU is used.
#[derive(Debug, Args)]
pub(crate) struct QemuArgument {
    #[arg(long, value_name = "FILE", help = QEMU_HELP)]
    pub(crate) qemu: Option<PathBuf>,
    /// Where QEMU is installed
    #[arg(long, env = "ENCLAIR_QEMU", hide = true, value_name = "PREFIX")]
    pub(crate) qemu_prefix: Option<PathBuf>,
}

/// The accelerators, by their names on the command line.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum AcceleratorArgument {
    /// KVM where a small machine answers under it, else TCG
    Auto,
    /// QEMU itself
    Tcg,
    /// The kernel's virtual machines, without asking whether they work
    Kvm,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  enclair doctor\n  enclair doctor --json\n\n\
    Exit status: 0 when an enclave can be run here, 1 when it cannot."
)]
pub(crate) struct Doctor {
    #[command(flatten)]
    pub(crate) qemu: QemuArgument,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  enclair explain PCR2\n  \
    enclair explain ramdisk-overrides-boot\n  \
    enclair explain /usr/bin/curl      # which package has it\n  \
    enclair explain                    # lists registers and findings")]
pub(crate) struct Explain {
    /// A register, the id of a finding, or an absolute path in an image that was built of packages;
    /// all registers and findings when left out
    #[arg(value_name = "WHAT")]
    pub(crate) id: Option<String>,
    /// Directory of the build, where packages.json is
    #[arg(short, long, default_value = "out", value_name = "DIR")]
    pub(crate) output: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Schema {
    /// Which document
    #[arg(value_enum)]
    pub(crate) document: DocumentArgument,
}

/// The documents that have a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DocumentArgument {
    /// measurements.json, and `build --json`
    Measurements,
    /// packages.json
    Packages,
    /// The recipe, for editors
    Recipe,
    /// `init --json`
    Init,
    /// `lock --json`
    Lock,
    /// `store size --json`
    StoreSize,
    /// `store verify --json`
    StoreVerify,
    /// `store gc --json`
    StoreGc,
    /// `store import --json`
    StoreImport,
    /// `log --json`
    Log,
    /// `packages list --json`
    PackagesList,
    /// `packages why --json`
    PackagesWhy,
    /// `packages download --json`
    PackagesDownload,
    /// `packages diff --json`
    PackagesDiff,
    /// `packages from-image --json`
    PackagesFromImage,
    /// `assemble --json`
    Assemble,
    /// `inspect --json` of an image
    Inspect,
    /// `inspect --json` of a ramdisk
    InspectRamdisk,
    /// `explain --json`
    Explain,
    /// `explain /PATH --json`
    ExplainPath,
    /// `run --json`
    Run,
    /// `host --json`
    Host,
    /// Each line of `run --events` and `host --events`
    Event,
    /// `run --detach --json`, and each item of `ps --json`
    Detached,
    /// `ps --json`
    Ps,
    /// `doctor --json`
    Doctor,
}

#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// Which shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

/// A number of bytes: `4096`, `64K`, `16G`.
pub(crate) fn parse_size(text: &str) -> Result<u64, String> {
    let units = [("K", 10), ("M", 20), ("G", 30), ("T", 40)];
    let upper = text.to_ascii_uppercase();
    let (number, shift) = units
        .into_iter()
        .find_map(|(unit, shift)| Some((upper.strip_suffix(unit)?, shift)))
        .unwrap_or((&upper, 0));
    number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(1 << shift))
        .ok_or_else(|| "expected a number of bytes, or one with K, M, G or T".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_bytes_or_have_a_unit() {
        assert_eq!(parse_size("4096"), Ok(4096));
        assert_eq!(parse_size("64k"), Ok(64 << 10));
        assert_eq!(parse_size("16G"), Ok(16 << 30));
        for text in ["", "G", "1X", "-1", "99999999T", "1KK"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
        let default = parse_size("16G").unwrap();
        assert_eq!(default, enclair_digest::Limits::default().unpacked_bytes);
    }

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory as _;
        Arguments::command().debug_assert();
    }
}
