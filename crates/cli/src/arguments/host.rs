//! The arguments of `host`.

use std::path::PathBuf;

use clap::Args;
use enclair_host::nitro::DEVICE;

use super::ParentArguments;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  enclair host out/enclave.eif\n  \
    enclair host out/enclave.eif --timeout 60 --json\n  \
    enclair host out/enclave.eif -p 0.0.0.0:443:8443 --egress\n  \
    enclair host out/enclave.eif --debug-console   # its documents have zeros for registers\n\n\
    NOT RUN ON HARDWARE: no release of this command has been on an instance with Nitro Enclaves \
    yet.\ndocs/hardware.md says what was tested instead; tests/hardware/check-host checks it on \
    an instance.\n\n\
    Needs the vendor's nitro-cli, and root or the group `ne`. One enclave of this kind at a time: \
    the\nvsock ports 9001 to 9007 are the instance's. Exit status: the application's own; \
    128 + n when\nsignal n ended it, or us; 124 when the time is over; 125 when the enclave could \
    not be run, or ended\nwithout a status. `kill -9` of this command leaves the enclave running.")]
pub(crate) struct Host {
    /// The enclave image
    #[arg(value_name = "EIF")]
    pub(crate) file: PathBuf,
    /// Memory in MiB, rounded up to a multiple of 2; when left out, what the image needs, and four
    /// times its size at least
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..=1 << 24))]
    pub(crate) memory: Option<u64>,
    /// CPUs of the enclave; where a core has two, an even number
    #[arg(long, default_value_t = 2, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) cpus: u32,
    /// Start the enclave in debug mode and show its console: for nothing that is secret
    #[arg(long)]
    pub(crate) debug_console: bool,
    /// The vendor's program
    #[arg(long, default_value = "nitro-cli", value_name = "FILE")]
    pub(crate) nitro_cli: PathBuf,
    /// The driver's device
    #[arg(long, default_value = DEVICE, hide = true, value_name = "FILE")]
    pub(crate) device: PathBuf,
    #[command(flatten)]
    pub(crate) parent: ParentArguments,
}
