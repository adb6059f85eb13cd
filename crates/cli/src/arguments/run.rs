//! The arguments of `run`.

use std::path::PathBuf;

use clap::Args;

use super::{AcceleratorArgument, ParentArguments, QemuArgument};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  enclair run out/enclave.eif\n  \
    enclair run out/enclave.eif --timeout 60 --json\n  \
    enclair run out/enclave.eif -p 8080:8080\n  \
    enclair run out/enclave.eif --egress --egress-allow 169.254.169.253/32\n  \
    enclair run out/enclave.eif --detach --name shop -p 8080:8080\n\n\
    The console is shown on stderr. Exit status: the application's own; 128 + n when signal n \
    ended it, or us;\n124 when the time is over; 125 when the enclave could not be run, or ended \
    without a status.")]
pub(crate) struct Run {
    /// The enclave image
    #[arg(value_name = "EIF")]
    pub(crate) file: PathBuf,
    /// Memory in MiB; when left out, what the image needs, as `build` says it
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..=1 << 20))]
    pub(crate) memory: Option<u64>,
    /// Run it in the background: return when the application has started, or with
    /// `--ready-timeout` when it is ready; see `enclair ps`, `stop` and `logs`
    #[arg(short, long, conflicts_with = "events")]
    pub(crate) detach: bool,
    /// Its name in the background; made of PCR0 when left out
    #[arg(long, value_name = "NAME", requires = "detach")]
    pub(crate) name: Option<String>,
    /// Where to keep what is to be known of it: given by `--detach`
    #[arg(long, hide = true, value_name = "DIR")]
    pub(crate) kept_in: Option<PathBuf>,
    /// CPUs of the enclave
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) cpus: u32,
    #[command(flatten)]
    pub(crate) qemu: QemuArgument,
    /// What runs the enclave's instructions
    #[arg(long, value_enum, default_value_t = AcceleratorArgument::Auto)]
    pub(crate) accel: AcceleratorArgument,
    #[command(flatten)]
    pub(crate) parent: ParentArguments,
}
