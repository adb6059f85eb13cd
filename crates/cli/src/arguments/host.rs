//! The arguments of `host`.

use std::path::PathBuf;

use clap::Args;
use enclair_host::nitro::DEVICE;
use enclair_host::{Egress, Network, Publish};

use super::run::{ToldArguments, parse_publish};

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
    /// Pass connections at ADDR:HOST (127.0.0.1 unless named) on to the enclave's vsock port GUEST;
    /// with `,proxy` behind it the enclave is told who a client is, by the PROXY protocol
    #[arg(short, long = "publish", value_name = "[ADDR:]HOST:GUEST", value_parser = parse_publish)]
    pub(crate) publish: Vec<Publish>,
    /// Let the enclave call out, but not to this machine's loopback, link-local addresses and
    /// metadata service
    #[arg(long)]
    egress: bool,
    /// Let it call these addresses, too, as in 169.254.169.253/32
    #[arg(long, value_name = "CIDR", requires = "egress")]
    egress_allow: Vec<Network>,
    /// CPUs of the enclave; where a core has two, an even number
    #[arg(long, default_value_t = 2, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) cpus: u32,
    /// End the enclave after this many seconds, with status 124
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) timeout: Option<u64>,
    /// End the enclave, with status 124, if its application does not listen at every port of
    /// `ingress` after this many seconds
    #[arg(long, value_name = "SECONDS")]
    pub(crate) ready_timeout: Option<u64>,
    /// Start the enclave in debug mode and show its console: for nothing that is secret
    #[arg(long)]
    pub(crate) debug_console: bool,
    /// Write the application's output into this file, of an image that sends it; else it is shown
    #[arg(long, value_name = "FILE")]
    pub(crate) logs: Option<PathBuf>,
    /// What the enclave passes on to whoever asks about its image, unverified: a JSON object, as
    /// in out/measurements.json
    #[arg(long, value_name = "FILE")]
    pub(crate) manifest: Option<PathBuf>,
    /// The vendor's program
    #[arg(long, default_value = "nitro-cli", value_name = "FILE")]
    pub(crate) nitro_cli: PathBuf,
    /// The driver's device
    #[arg(long, default_value = DEVICE, hide = true, value_name = "FILE")]
    pub(crate) device: PathBuf,
    #[command(flatten)]
    pub(crate) told: ToldArguments,
}

impl Host {
    /// Whether the enclave may call out.
    pub(crate) fn egress(&self) -> Egress {
        if self.egress {
            Egress::On(self.egress_allow.clone())
        } else {
            Egress::Off
        }
    }
}
