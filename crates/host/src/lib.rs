//! What runs outside of an enclave: QEMU, the parent's side of vsock, the exit status.
//!
//! - [`Image`] is a file that was checked and measured; [`Search::find`] finds a QEMU and asks it what
//!   it can do; [`run()`] boots the one in the other and says how the application ended.
//! - `vsock` is the parent as a state machine over packets; `device` moves those between it and
//!   the guest's rings, in this process; `link` connects QEMU to the device.
//! - [`Ingress`] takes connections on this machine, each of which becomes a stream to the guest.
//! - [`Egress`] says whether the guest may have connections to outside, which are made here.
//! - [`nitro`] is the parent of a real enclave on an EC2 instance, by the vendor's program and
//!   sockets of the kernel, with the same services. It was not run on hardware.
//! - [`Registry`] keeps what is to be known of enclaves that run in the background.
//! - [`doctor`] looks at what the machine can do; [`kvm`] asks whether KVM works.
//! - [`Console`] makes the guest's output safe for a terminal; [`StatusReader`] reads its status.
//!
//! The image, the guest and everything that it sends are hostile; QEMU and the machine that it
//! runs on are not. Nothing here prints, and nothing stays on disk or among the processes of the
//! machine, whatever the end.

mod agent;
mod console;
mod course;
mod device;
pub mod doctor;
mod egress;
mod error;
mod image;
mod ingress;
pub mod kvm;
mod link;
mod machine;
pub mod nitro;
mod offer;
mod process;
mod qemu;
mod registry;
mod run;
mod scratch;
mod sockets;
mod status;
mod supervise;
mod threads;
mod vsock;

pub use agent::Counters;
pub use console::Console;
pub use course::Course;
pub use device::DeviceError;
pub use egress::{Denied, Egress, Network, NetworkError};
pub use error::Error;
pub use image::Image;
pub use ingress::{ClientAddress, Ingress, Publish};
pub use machine::{Accelerator, MachineKind};
pub use process::leave_terminal;
pub use qemu::{Qemu, Search};
pub use registry::{Entry, KeptConsole, Registry, RegistryError};
pub use run::{Outcome, Report, Request, Watcher, run};
pub use status::{Event, Failed, Last, MAX_LINE, StatusError, StatusReader};
