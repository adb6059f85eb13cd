#![doc = include_str!("../../../docs/formats/cpio.md")]
//!
//! # This crate
//!
//! - [`Header`]: the 110 bytes in front of every entry.
//! - [`Reader`]: reads one archive that anybody wrote, and trusts nothing in it.
//! - [`Walker`]: reads a whole ramdisk as the kernel's unpacker does: archives one after another,
//!   compressed or not.
//! - [`Writer`]: writes the canonical archive of format 1, and refuses what is not canonical.
//!
//! It opens no file and keeps no body in memory.

#![deny(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::unreachable
)]

mod archive;
mod canonical;
mod error;
pub mod findings;
mod header;
mod initramfs;
mod input;
mod path;
mod reader;
mod sink;
mod write_error;

pub use canonical::{Kind, Marker, Metadata, Writer};
pub use error::{Error, Part};
pub use header::{FileType, Header, Magic};
pub use initramfs::{Container, RamdiskEntry, Segment, Walker};
pub use reader::{Entry, Reader};
pub use sink::{Body, Sink};
pub use write_error::{PathRule, WriteError};

/// The name of the entry that ends an archive.
pub const TRAILER: &[u8] = b"TRAILER!!!";
