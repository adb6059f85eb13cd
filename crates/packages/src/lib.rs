#![doc = include_str!("../../../docs/formats/packages.md")]
//!
//! # This crate
//!
//! Bytes in, values out: nothing here opens a file, a socket or a clock.
//!
//! - [`control`], [`version`], [`relation`]: the parts of Debian's control files.
//! - [`release`]: a signed Release file, and whom it is believed from.
//! - [`index`]: the packages of a suite.
//! - [`solve`]: which packages a request comes to, and why.
//! - [`deb`]: one package file, read.
//! - [`root`]: packages unpacked over each other into a tree.
//! - [`scripts`]: what a maintainer script would do, read and not run.
//! - [`effects`]: what is done instead.
//! - [`sums`]: packages by digest, as repro-get keeps them.
//! - [`installed`]: which packages a root filesystem says that it has.

#![deny(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::unreachable
)]

pub mod control;
pub mod deb;
pub mod effects;
pub mod findings;
pub mod index;
pub mod installed;
pub mod relation;
pub mod release;
pub mod root;
pub mod scripts;
pub mod solve;
pub mod sums;
pub mod version;
