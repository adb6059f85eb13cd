//! One enclave from its start to the last of its processes.
//!
//! ```text
//! device on a socket, QEMU started with the other end      supervise::Running::start
//! what happens, in one channel                             threads, device
//!   status lines, faults, QEMU's exit, signals, deadlines
//! the first that decides is the outcome                    supervise::Running::watch
//! QEMU's group is ended, its console read to the end
//! ```
//!
//! The status is read to its end before it counts, and the machine is then ended at once: with the
//! field's command line an enclave takes eleven seconds to reboot, which is how it would end.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::agent::Counters;
use crate::course::Course;
use crate::egress::{Denied, Egress};
use crate::error::Error;
use crate::image::Image;
use crate::ingress::Ingress;
use crate::machine::{Accelerator, MachineKind};
use crate::nitro::Enclave;
use crate::qemu::Qemu;
use crate::status::{Event, Last};
use crate::supervise::Running;
use crate::threads::watch_signals;

/// What is to be run, and how.
#[derive(Debug)]
pub struct Request {
    /// The image.
    pub image: Image,
    /// The program.
    pub qemu: Qemu,
    /// What runs the guest's instructions.
    pub accelerator: Accelerator,
    /// Memory of the enclave in MiB.
    pub memory_mib: u64,
    /// Its CPUs.
    pub cpus: u32,
    /// Whether it may call out.
    pub egress: Egress,
    /// What the enclave may pass on to whoever asks it about its image, unverified: a JSON object of
    /// at most 64 KiB.
    pub manifest: Option<Vec<u8>>,
    /// When to end it, counted from its start.
    pub timeout: Option<Duration>,
    /// When to end it if the application cannot be reached until then.
    pub ready_timeout: Option<Duration>,
    /// A directory for temporary files; nothing stays there.
    pub scratch: PathBuf,
}

/// Who is told what happens meanwhile. Called from several threads.
pub trait Watcher: std::fmt::Debug + Send + Sync {
    /// Text of the console, safe for a terminal.
    fn console(&self, text: &str);
    /// An event of the status stream.
    fn event(&self, event: &Event);
    /// A real enclave was started, and is what was meant.
    fn hosted(&self, _enclave: &Enclave) {}
    /// The application can be reached, since so many milliseconds after the kernel's start, in the
    /// guest's words.
    fn ready(&self, ready_ms: u64);
    /// The agent has counted.
    fn counted(&self, counters: &Counters);
    /// The application's output, byte by byte, where its image sends it: not safe for a terminal.
    fn output(&self, bytes: &[u8]);
    /// So many bytes of the output came faster than they were taken.
    fn output_lost(&self, count: usize);
    /// The enclave has asked for a connection that it may not have. Not told of more than a few,
    /// and of none twice.
    fn denied(&self, denied: &Denied);
}

/// How a run ended.
#[derive(Debug)]
pub enum Outcome {
    /// In the words of the enclave's init.
    Told(Last),
    /// It took too long.
    TimedOut,
    /// The application could not be reached in time.
    NotReady,
    /// We were told to end it, by this signal.
    Interrupted(u8),
    /// Without a status that could be believed.
    Broken(Error),
}

impl Outcome {
    /// The exit status of a command that ran the application: its own, as containers do, and 124
    /// for a time-out, 125 for a failure that is not the application's, 128 + n for a signal.
    pub const fn status(&self) -> u8 {
        match self {
            Self::Told(Last::Exited { code }) => *code,
            Self::Told(Last::Signaled { signal }) | Self::Interrupted(signal) => 128 + *signal,
            Self::TimedOut | Self::NotReady => 124,
            Self::Told(Last::Failed { .. }) | Self::Broken(_) => 125,
        }
    }
}

/// A run that has ended.
#[derive(Debug)]
pub struct Report {
    /// How.
    pub outcome: Outcome,
    /// On which machine.
    pub machine: MachineKind,
    /// What it has said of itself; the machine's start is QEMU's.
    pub course: Course,
}

/// Runs an image and reports how that ended. Connections at `ingress` wait until the enclave can
/// be asked; one that it does not take is closed.
///
/// The calling thread must live until this returns, and the process may have only one run at a
/// time: signals are the process's.
///
/// # Errors
///
/// When the machine cannot be started. Everything after that is an [`Outcome`].
pub fn run(
    request: &Request,
    ingress: Ingress,
    watcher: &Arc<dyn Watcher>,
) -> Result<Report, Error> {
    allow_open_files();
    let (sender, happenings) = channel();
    // Before QEMU, so that no signal finds it without us.
    let signals = watch_signals(&sender).map_err(Error::Supervise)?;
    let started = Instant::now();
    let result = Running::start(request, ingress, &sender, watcher, started)
        .map(|running| running.watch(&happenings));
    signals.close();
    result
}

/// Open files of a run with all connections that it may have.
const OPEN_FILES: u64 = 8192;

/// Raises this process's limit of open files: the usual one is 1024, and each connection is one.
pub(crate) fn allow_open_files() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = maximum.map_or(OPEN_FILES, |most| most.min(OPEN_FILES));
    if current.is_some_and(|current| current < wanted) {
        // Where that is not allowed there are fewer connections at a time.
        let current = Some(wanted);
        let _ = setrlimit(Resource::Nofile, Rlimit { current, maximum });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_files_for_every_connection() {
        allow_open_files();
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        let least = maximum.map_or(OPEN_FILES, |most| most.min(OPEN_FILES));
        assert!(current.is_none_or(|current| current >= least));
    }
}
