//! What can keep an enclave from being run, or end the run without the application's status.

use std::io;
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;

use enclair_eif::Arch;
use thiserror::Error;

use crate::device::DeviceError;
use crate::nitro::NitroError;
use crate::status::StatusError;

/// A run that did not happen, or whose end says nothing of the application.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The file is not a well-formed image.
    #[error(transparent)]
    Eif(#[from] enclair_eif::Error),
    /// The image is for machines that are not emulated here.
    #[error("the image is for `{found}`; expected `x86_64`")]
    Architecture {
        /// The architecture in the header.
        found: Arch,
    },
    /// The parts of the image cannot be copied out.
    #[error("the parts of the image cannot be copied into memory")]
    Parts {
        /// Why.
        #[source]
        source: io::Error,
    },
    /// An address at which nothing can listen.
    #[error("nothing can listen at `{address}`")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A command line that no argument can hold.
    #[error("the kernel command line has a NUL")]
    CommandLine,
    /// No QEMU.
    #[error("`qemu-system-x86_64` is not there")]
    QemuMissing,
    /// QEMU does not start.
    #[error("`{}` cannot be started", .program.display())]
    QemuStart {
        /// The program.
        program: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// QEMU does not answer.
    #[error("`{}` did not answer within 10 seconds", .program.display())]
    QemuSilent {
        /// The program.
        program: PathBuf,
    },
    /// Something else has the name.
    #[error("`{}` does not answer as QEMU does", .program.display())]
    QemuOdd {
        /// The program.
        program: PathBuf,
    },
    /// QEMU lacks the machines.
    #[error(
        "`{}` ({version}) has neither of the machines `nitro-enclave` and `microvm`",
        .program.display()
    )]
    NoMachine {
        /// The program.
        program: PathBuf,
        /// Its version.
        version: String,
    },
    /// There is no place for what a run needs for a moment.
    #[error("no directory or socket can be made in `{}`", .directory.display())]
    Scratch {
        /// The directory for temporary files.
        directory: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// QEMU and the vsock device do not understand each other.
    #[error("the vsock device failed: {reason}")]
    Backend {
        /// What happened, as text: the other crate's error can be in one thread only.
        reason: String,
    },
    /// The guest broke the rules of the vsock device.
    #[error("the guest broke the rules of its vsock device")]
    Device(#[source] DeviceError),
    /// The guest broke the status protocol.
    #[error("the enclave's status cannot be read")]
    Status(#[source] StatusError),
    /// The machine ended first.
    #[error("the machine ended ({exit}) before the enclave told its status{}", qemu_says(.messages))]
    Ended {
        /// QEMU's own exit status.
        exit: std::process::ExitStatus,
        /// The end of what QEMU wrote to stderr; text of the host's program, not of the guest.
        messages: String,
    },
    /// The guest let go of its devices, and the machine went on.
    #[error("the enclave started anew before it told its status")]
    Restarted,
    /// The tools of a real enclave's parent do not do what they should.
    #[error(transparent)]
    Nitro(#[from] NitroError),
    /// The machine cannot be watched.
    #[error("the machine cannot be supervised")]
    Supervise(#[source] io::Error),
}

/// QEMU's last words, where it had any.
fn qemu_says(messages: &str) -> String {
    let messages = messages.trim();
    if messages.is_empty() {
        String::new()
    } else {
        format!("; QEMU says: {messages}")
    }
}

impl Error {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Eif(error) => return error.hint(),
            Self::Nitro(error) => return error.hint(),
            Self::Architecture { .. } => "only x86_64 images run under QEMU here",
            Self::QemuMissing => {
                "install QEMU 10 or later (Debian: qemu-system-x86), or build one with the Nitro \
                 machine with `.ci/qemu`; `enclair doctor` shows what is there"
            }
            Self::QemuStart { .. } | Self::QemuSilent { .. } | Self::QemuOdd { .. } => {
                "name another program with `--qemu FILE`; `enclair doctor` shows what is there"
            }
            Self::NoMachine { .. } => {
                "QEMU 9.2 or later with libcbor has `nitro-enclave`; `.ci/qemu` builds one"
            }
            Self::Listen { .. } => {
                "something else may listen there: name another port, or 0 to have one chosen"
            }
            Self::Scratch { .. } => "set TMPDIR to a directory in which you can write",
            Self::Status(_) => "the image's init does not speak this release's status protocol",
            Self::Restarted => "the console says why; the machine was ended",
            Self::Ended { exit, .. } if exit.success() => {
                "the console says why; an init without a status channel cannot be run here"
            }
            Self::Ended { exit, .. } if exit.signal().is_some() => {
                "something on this machine ended QEMU; the kernel's log says whether memory ran out"
            }
            Self::Ended { .. } => "QEMU's own words above say why; `--memory` may be too small",
            Self::Parts { .. }
            | Self::CommandLine
            | Self::Backend { .. }
            | Self::Device(_)
            | Self::Supervise(_) => return None,
        })
    }
}
