//! Arguments of `enclair build`: those of a project, and those that stand for a recipe.

use std::path::PathBuf;

use clap::{Args, ValueEnum, value_parser};
use enclair_build::Epoch;
use enclair_configuration::{Bound, EgressRule, Ingress, Limit, MAX_RESTARTS, Ready, Resource};
use enclair_eif::Arch;
use enclair_recipe::ImageReference;

use super::{ProjectArguments, SupplyArguments, ThreadsArgument, parse_size};
use crate::catalogue::findings;

const IMAGE_HELP: &str = "Container image: HOST/NAME:TAG or HOST/NAME@sha256:HEX of a registry, \
    oci:DIR[:TAG], oci-archive:FILE[:TAG], docker-archive:FILE[:NAME:TAG] or \
    docker-daemon:NAME[:TAG]";

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    enclair build                       # enclair.toml and enclair.lock, here\n  \
    enclair build service --locked      # the lock decides; needed where CI=true\n  \
    enclair build --image docker-archive:app.tar -o out\n  \
    enclair build --image oci:layout:v1 --compress zstd --epoch 1700000000 --json\n\n\
    Writes out/enclave.eif, out/measurements.json and out/enclave.pcrs, whole or not at all.")]
pub(crate) struct Build {
    #[command(flatten)]
    pub(crate) project: ProjectArguments,
    /// Build what is locked, or nothing: a lock that is missing or stale is an error
    #[arg(long)]
    pub(crate) locked: bool,
    /// Measure again even if nothing has changed
    #[arg(long)]
    pub(crate) again: bool,
    #[command(flatten)]
    pub(crate) supply: SupplyArguments,
    #[command(flatten, next_help_heading = "Without a recipe")]
    pub(crate) direct: Direct,
    #[command(flatten)]
    pub(crate) threads: ThreadsArgument,
    /// Directory for the results
    #[arg(short, long, default_value = "out", value_name = "DIR")]
    pub(crate) output: PathBuf,
    /// Print measurements.json instead of a summary
    #[arg(long)]
    pub(crate) json: bool,
}

/// What a recipe would say.
#[derive(Debug, Args)]
pub(crate) struct Direct {
    #[arg(long, value_name = "REFERENCE", help = IMAGE_HELP, conflicts_with_all = ["directory", "file", "locked"])]
    pub(crate) image: Option<ImageReference>,
    /// Kernel, instead of the one that enclair carries: a bzImage (x86_64) or an uncompressed
    /// Image (aarch64)
    #[arg(long, value_name = "FILE", requires = "image")]
    pub(crate) kernel: Option<PathBuf>,
    /// Program that the kernel starts as /init, instead of the one that enclair carries
    #[arg(long, value_name = "FILE", requires = "image")]
    pub(crate) init: Option<PathBuf>,
    /// The agent, instead of the one that enclair carries; only images with ingress, egress or
    /// attestation have one
    #[arg(long, value_name = "FILE", requires = "image")]
    pub(crate) agent: Option<PathBuf>,
    /// Kernel command line, instead of the architecture's own
    #[arg(long, value_name = "TEXT", requires = "image")]
    pub(crate) cmdline: Option<String>,
    /// Architecture of the enclave
    #[arg(
        long,
        default_value = "x86_64",
        value_name = "ARCH",
        requires = "image"
    )]
    pub(crate) arch: Arch,
    /// The one time in the image, in seconds since 1970; else `$SOURCE_DATE_EPOCH`, else 0
    #[arg(long, value_name = "SECONDS", requires = "image")]
    pub(crate) epoch: Option<Epoch>,
    /// Name of the image in its metadata (not measured)
    #[arg(long, default_value = "enclave", requires = "image")]
    pub(crate) name: String,
    /// Version of the image in its metadata (not measured)
    #[arg(long, default_value = "0", requires = "image")]
    pub(crate) image_version: String,
    /// How the ramdisks are laid out
    #[arg(long, value_enum, default_value_t = LayoutArgument::Enclair, requires = "image")]
    pub(crate) layout: LayoutArgument,
    /// NSM driver module, for a kernel that has the driver not built in
    #[arg(long, value_name = "FILE", requires = "image")]
    pub(crate) nsm_module: Option<PathBuf>,
    /// Archive (cpio) of files below rootfs/ that becomes a ramdisk of its own; may be given more
    /// than once, in order
    #[arg(long = "ramdisk", value_name = "FILE", requires = "image")]
    pub(crate) ramdisks: Vec<PathBuf>,
    /// How the ramdisks behind the first are compressed
    #[arg(long, value_enum, default_value_t = CompressArgument::None, requires = "image")]
    pub(crate) compress: CompressArgument,
    #[command(flatten)]
    pub(crate) surroundings: SurroundingsArguments,
    /// Which normalisation rules are applied
    #[arg(long, value_enum, default_value_t = NormalizeArgument::Format, requires = "image")]
    pub(crate) normalize: NormalizeArgument,
    /// Build in spite of this finding; may be given more than once
    #[arg(long, value_name = "ID", value_parser = parse_finding, requires = "image")]
    pub(crate) allow: Vec<String>,
    /// Unpack at most this much: a number of bytes, or one with K, M, G or T
    #[arg(long, default_value = "16G", value_name = "SIZE", value_parser = parse_size, requires = "image")]
    pub(crate) max_unpacked: u64,
}

/// What is measured about the application's process and the container image does not say.
#[derive(Debug, Args)]
pub(crate) struct SurroundingsArguments {
    /// vsock port at which documents of the security module are given out (measured)
    #[arg(long, value_name = "PORT", value_parser = value_parser!(u16).range(1..), requires = "image")]
    pub(crate) attestation: Option<u16>,
    /// What the application may reach, as in api.example.org:443; may be given more than once, the
    /// first that fits decides (measured)
    #[arg(long, value_name = "[!]HOST[:PORTS]", requires = "image")]
    pub(crate) egress: Vec<EgressRule>,
    /// vsock port at which connections arrive, and the application's port when it is another; may
    /// be given more than once (measured)
    #[arg(long, value_name = "PORT[:TO]", requires = "image")]
    pub(crate) ingress: Vec<Ingress>,
    /// Send the application's output to whoever runs the enclave (measured)
    #[arg(long, requires = "image")]
    pub(crate) logs: bool,
    /// Set the clock: by the hypervisor where it can be asked, else by whoever runs the enclave
    /// (measured)
    #[arg(long, requires = "image")]
    pub(crate) clock: bool,
    /// What answers with a status from 200 to 299 when the application is ready, as in 8080/health;
    /// else it is when every port of `--ingress` is open (measured)
    #[arg(long, value_name = "PORT/PATH", requires = "image")]
    pub(crate) ready: Option<Ready>,
    /// Start the application again when it fails, at most N times (measured)
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = value_parser!(u32).range(..=i64::from(MAX_RESTARTS)), requires = "image")]
    pub(crate) restart: u32,
    /// Let the application use what is otherwise denied; may be given more than once (measured)
    #[arg(long, value_enum, value_name = "WHAT", requires = "image")]
    pub(crate) grant: Vec<GrantArgument>,
    /// Name of the host inside (measured); `enclave` when left out
    #[arg(long, value_name = "NAME", requires = "image")]
    pub(crate) hostname: Option<String>,
    /// Resource limit of the application, as in nofile=1024 or nofile=1024:4096 (measured)
    #[arg(long = "limit", value_name = "NAME=SOFT[:HARD]", value_parser = parse_limit, requires = "image")]
    pub(crate) limits: Vec<(Resource, Limit)>,
}

/// What an application may be granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GrantArgument {
    /// The security module: /dev/nsm
    Nsm,
    /// Sockets to the parent and beyond: vsock
    Vsock,
}

/// The encoders, by their names on the command line.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum CompressArgument {
    /// Not at all: boots fastest
    None,
    /// gzip, which every kernel takes
    Gzip,
    /// zstd, smaller; kernels from 5.9 on
    Zstd,
}

/// The layouts, by their names on the command line.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum LayoutArgument {
    /// This project's layout, for its own init
    Enclair,
    /// The layout that the vendor's init expects: /cmd, /env, nsm.ko, rootfs/
    Bootstrap,
}

/// The sets of rules, by their names on the command line.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum NormalizeArgument {
    /// The rules of the format
    Format,
    /// No rule: times and files as the layers have them
    None,
}

/// The id of a finding that exists.
fn parse_finding(text: &str) -> Result<String, String> {
    if findings().any(|kind| kind.id == text) {
        return Ok(text.to_owned());
    }
    Err("no finding has this id; `enclair explain` lists all".to_owned())
}

/// `nofile=1024`, `nofile=1024:4096`, `core=0`, `memlock=unlimited`.
fn parse_limit(text: &str) -> Result<(Resource, Limit), String> {
    let (name, bounds) = text
        .split_once('=')
        .ok_or("expected NAME=SOFT or NAME=SOFT:HARD")?;
    let resource = Resource::from_name(name).ok_or_else(|| {
        let names = Resource::ALL.map(Resource::name).join(", ");
        format!("no resource `{name}`; there are {names}")
    })?;
    let (soft, hard) = bounds.split_once(':').unwrap_or((bounds, bounds));
    let limit = Limit {
        soft: parse_bound(soft)?,
        hard: parse_bound(hard)?,
    };
    Ok((resource, limit))
}

fn parse_bound(text: &str) -> Result<Bound, String> {
    if text == "unlimited" {
        return Ok(Bound::Unlimited);
    }
    let number = text.parse().map(Bound::At);
    number.map_err(|_| format!("`{text}` is neither a number nor `unlimited`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_have_a_name_and_one_or_two_bounds() {
        let at = |soft, hard| Limit { soft, hard };
        assert_eq!(
            parse_limit("nofile=1024:4096"),
            Ok((Resource::Nofile, at(Bound::At(1024), Bound::At(4096))))
        );
        assert_eq!(
            parse_limit("core=unlimited"),
            Ok((Resource::Core, at(Bound::Unlimited, Bound::Unlimited)))
        );
        for text in [
            "nofile",
            "none=1",
            "nofile=",
            "nofile=1:",
            "nofile=-1",
            "nofile=1:2:3",
        ] {
            assert!(parse_limit(text).is_err(), "{text}");
        }
    }
}
