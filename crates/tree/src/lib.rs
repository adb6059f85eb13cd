#![doc = include_str!("../../../docs/formats/layers.md")]
//!
//! # This crate
//!
//! - [`Tree`]: nodes with owner, mode, time, extended attributes, devices and hard links, by path.
//! - [`apply_layer`]: the changes of one OCI layer. [`tar::Reader`] is the parser below it.
//! - [`from_initramfs`]: a ramdisk as the kernel would unpack it.
//! - [`to_cpio`] and [`write_tar`]: a tree as part of a ramdisk, and as a tar archive.
//!
//! Nothing here opens a file. Contents are in a [`Spool`], which the caller brings; a tree only
//! says where, how long, and with which CRC-32.

#![deny(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::unreachable
)]

mod body;
mod budget;
mod cpio;
mod crc;
mod error;
pub mod findings;
mod initramfs;
mod layer;
mod node;
mod path;
mod resolve;
pub mod tar;
mod tree;
mod whiteout;

pub use body::{Body, BodyReader, MemorySpool, Spool, SpoolMismatch, read_body};
pub use cpio::{CpioError, Forecast, MtimePolicy, to_cpio};
pub use error::{Error, Problem, Resource};
pub use initramfs::from_initramfs;
pub use layer::apply_layer;
pub use node::{Metadata, Node, NodeId, NodeKind, NodeMut, Xattrs};
pub use path::{Escaped, PathError, TreePath};
pub use resolve::{LastLink, MAX_HOPS, Steps};
pub use tar::{TarProblem, write_tar};
pub use tree::Tree;
