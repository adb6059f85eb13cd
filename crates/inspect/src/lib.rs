//! What an image is: sections, measurements, ramdisk contents and findings.
//!
//! - [`inspect_eif`] reads an enclave image once and says everything about it that its bytes say.
//! - [`inspect_ramdisk`] does so for a ramdisk on its own.
//! - [`parse_kernel`] and [`kernel_features`] look at kernels.
//!
//! Nothing here is compared with an expectation and nothing is believed: whether an image is the
//! right one is a question for a verifier, which starts from what is said here. No I/O by path, no
//! C code.

#![deny(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::unreachable
)]

mod features;
pub mod findings;
mod inspection;
mod kernel;
mod overlay;
mod ramdisk;

pub use features::{Feature, Presence, check_kernel, configured_features, kernel_features};
pub use inspection::{Error, Inspection, inspect_eif, inspect_ramdisk};
pub use kernel::{KERNEL_HEAD, Kernel, KernelError, KernelKind, parse_kernel};
pub use ramdisk::{ListedEntry, Listing, Ramdisk, RamdiskSegment, entry_memory};
