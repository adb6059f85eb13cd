#![doc = include_str!("../../../docs/formats/eif.md")]
//!
//! # This crate
//!
//! - [`Layout`] plans a file from kinds and sizes, [`Writer`] writes it in one forward pass.
//! - [`read_structure`] accepts a file's structure or says where it breaks a rule; [`Eif::scan`]
//!   then reads every byte once, measured and checked while the caller looks at the sections.
//! - [`Measure`] is what both feed: [`Inline`] in the calling thread, or [`measure::WholeLane`]
//!   and [`measure::ApplicationLane`] in a thread each.
//! - [`Metadata`] and [`SignatureSection`] are the two sections that are not measured.
//!
//! It opens no file, starts no thread and reads no clock. It does not verify signatures, look
//! into ramdisks or judge kernels.

#![deny(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::unreachable
)]

mod error;
mod findings;
mod header;
mod layout;
pub mod measure;
mod metadata;
mod order;
mod pem;
mod reader;
mod scan;
mod section;
mod signature;
mod writer;

pub use error::{Error, Place, ScanError};
pub use findings::{KINDS, check_command_line};
pub use header::{Arch, CRC_OFFSET, HEADER_SIZE, Header, ParseArchError, VERSION};
pub use layout::{Layout, SectionCrc};
pub use measure::{Inline, Measure, Measured, Measurements, Pcr};
pub use metadata::{BuildMetadata, Metadata};
pub use reader::{Eif, read_structure};
pub use scan::Scanned;
pub use section::{MAX_SECTIONS, MAX_SIGNATURE_SIZE, SECTION_HEADER_SIZE, Section, SectionKind};
pub use signature::{SignatureSection, encode_signature_section, encode_signed_payload};
pub use writer::{Crc, Writer, Written};
