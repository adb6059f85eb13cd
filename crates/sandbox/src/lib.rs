//! Runs scripts of a root filesystem: as root of a user namespace, without a network, under a clock
//! that stands still.
//!
//! ```text
//! caller                         inside: the same program, started again
//!   Tree -- entries on stdin -->   user, mount, network, UTS, IPC and PID namespace
//!                                  a tmpfs becomes the root; /dev, /proc, /run, /tmp beside it
//!                                  each script, traced: the clock is answered by the tracer
//!   Tree <- entries on stdout --   what is there now; contents that did not change are not sent
//! ```
//!
//! What is fixed: the time of day, the host name, the environment, process ids from 2 on, the order
//! of scripts, umask, an empty standard input. What is not: random numbers, the kernel's version, and
//! in which order a script's own processes run. A script that uses those gives other bytes each time.
//!
//! The filesystem is in memory while scripts run. Nothing is left behind, however it ends: the
//! kernel takes it away with the namespace.
//!
//! # What it is not
//!
//! Not a defence against a script that attacks the kernel. It is for scripts of packages that were
//! believed by their signature, and keeps them from the network, from the machine's files and from
//! its other processes.
//!
//! # Sources
//!
//! Manual pages: `user_namespaces`, `pid_namespaces`, `mount_namespaces`, `ptrace`, `seccomp`, `vdso`,
//! `newuidmap`, `subuid`.

mod caller;
#[cfg(target_arch = "x86_64")]
mod clock;
#[cfg(target_arch = "x86_64")]
mod disk;
mod error;
#[cfg(target_arch = "x86_64")]
mod inside;
mod mapping;
mod stream;
#[cfg(target_arch = "x86_64")]
mod sys;
#[cfg(target_arch = "x86_64")]
mod tracer;

use serde::{Deserialize, Serialize};

pub use caller::run;
pub use error::SandboxError;
#[cfg(target_arch = "x86_64")]
pub use inside::inside;

/// Registers and calls of other machines are not known: [`run`] refuses them, and starts nothing.
#[cfg(not(target_arch = "x86_64"))]
pub fn inside() -> std::process::ExitCode {
    std::process::ExitCode::FAILURE
}

/// The first argument with which [`run`] starts the program again. The program must call [`inside`]
/// for it before it does anything else.
pub const ARGUMENT: &str = "run-scripts";

/// How the child ends.
const DONE: u8 = 0;
const SCRIPT_FAILED: u8 = 1;
#[cfg(target_arch = "x86_64")]
const NOT_SET_UP: u8 = 2;

/// What is run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// The scripts, in this order. The first that fails ends all.
    pub scripts: Vec<Script>,
    /// The time of day, in seconds since 1970.
    pub time: i64,
    /// Bytes that the root filesystem may have.
    pub limit: u64,
    /// Entries that it may have when it comes back.
    pub entries: u64,
}

/// A script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Script {
    /// What it is called in messages.
    pub name: String,
    /// Absolute in the root filesystem.
    pub path: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Variables besides those that every script has.
    pub environment: Vec<(String, String)>,
}
