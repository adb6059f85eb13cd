//! The parent of a real enclave: the instance that has `/dev/nitro_enclaves`.
//!
//! ```text
//! device and program looked at, ports bound            start::prepare, relay, wire
//! `nitro-cli run-enclave`: id, CID, process            program, answers
//! `nitro-cli describe-enclaves`: registers compared    answers::Registers
//!   streams | -> status, the agent's word, calls, `-p` relay, link
//!   status lines, the process's end, signals, deadlines
//! the first that decides is the outcome                supervise
//! `nitro-cli terminate-enclave`
//! ```
//!
//! A `|` is a border between threads. The heartbeat's port is `nitro-cli`'s own: it listens there
//! while it starts an enclave.
//!
//! **Not run on hardware.** There was no such instance. Everything but the system calls in `wire`
//! is tested with Unix sockets in their place and a stub in the vendor's program's.
//!
//! The enclave is hostile, and so are its neighbours on the instance; `nitro-cli` and the machine
//! are not. That the registers are compared guards against mistakes: both sides compute them from
//! the file. What the enclave really is, only its attestation says.

mod answers;
mod error;
mod link;
mod program;
mod relay;
mod start;
mod supervise;
mod wire;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use enclair_eif::Measurements;

pub use error::NitroError;

use crate::course::Course;
use crate::egress::Egress;
use crate::error::Error;
use crate::ingress::Ingress;
use crate::run::{Outcome, Watcher};

/// Where the driver's device is.
pub const DEVICE: &str = "/dev/nitro_enclaves";

/// What is to be run, and how.
#[derive(Debug)]
pub struct Request {
    /// The image's file, by a path that `nitro-cli` opens.
    pub image: PathBuf,
    /// What was computed from it.
    pub measurements: Measurements,
    /// The vendor's program, found on `PATH` if it is no path.
    pub program: PathBuf,
    /// The driver's device.
    pub device: PathBuf,
    /// Memory of the enclave in MiB.
    pub memory_mib: u64,
    /// Its CPUs.
    pub cpus: u32,
    /// Whether it may call out.
    pub egress: Egress,
    /// What the enclave may pass on to whoever asks it about its image, unverified.
    pub manifest: Option<Vec<u8>>,
    /// When to end it, counted from its start.
    pub timeout: Option<Duration>,
    /// When to end it if the application cannot be reached until then.
    pub ready_timeout: Option<Duration>,
    /// Whether to start it in debug mode, in which its console can be read and its documents have
    /// registers of zeros.
    pub debug_console: bool,
}

/// The memory in MiB that an enclave gets where this much is wanted: its pages have 2 MiB, and
/// `nitro-cli` takes no less than four times the image.
pub fn memory_mib(wanted: u64, image: u64) -> u64 {
    let least = image.div_ceil(1 << 20).saturating_mul(4).max(64);
    wanted.max(least).next_multiple_of(2)
}

/// An enclave that was started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enclave {
    /// The id, for `nitro-cli`.
    pub id: String,
    /// The name that we gave it.
    pub name: String,
    /// Where it was on vsock.
    pub cid: u32,
    /// CPUs that it had.
    pub cpus: u32,
    /// Memory that it had.
    pub memory_mib: u64,
}

/// A run that has ended.
#[derive(Debug)]
pub struct Report {
    /// How.
    pub outcome: Outcome,
    /// What was run.
    pub enclave: Enclave,
    /// Whether `nitro-cli` was asked for the registers and has given ours. It was not, if the
    /// enclave had ended by then.
    pub compared: bool,
    /// What it has said of itself; the machine's start is the call of `nitro-cli`.
    pub course: Course,
    /// Connections that were refused because another enclave of the instance had made them.
    pub strangers: u64,
    /// Why the enclave may still be there.
    pub left: Option<NitroError>,
}

/// Starts an enclave, serves it until it ends or has to, and ends it.
///
/// A first signal while the enclave is being started waits for that, so that it can be ended; a
/// second one does not. The calling thread must live until this returns, and the process may have
/// only one run at a time.
///
/// # Errors
///
/// When the enclave cannot be started. Everything after that is an [`Outcome`].
pub fn run(
    request: &Request,
    ingress: Ingress,
    watcher: &Arc<dyn Watcher>,
) -> Result<Report, Error> {
    start::run(request, ingress, watcher, wire::Vsock)
}

#[cfg(test)]
mod tests;
