//! Digests as values, hashers as a parameter, and readers that check what they read.
//!
//! Everything that is measured in this project passes through these types:
//!
//! - [`Sha256`] and [`Sha384`]: a digest is a value that only a hasher or a validating parser
//!   makes, so a file name or a PCR cannot be mistaken for one.
//! - [`Engine`]: which implementation computes them. [`PureRust`] has no C code and is what a
//!   verifier uses; a builder injects a faster one. Both give the same bits.
//! - [`Verified`]: a reader that compares size and digest before it reports the end;
//!   [`Bounded`]: one that fails beyond a limit.
//! - [`Limits`]: how much of a hostile input is read before it is refused.
//!
//! This crate opens no file, reads no clock and has no C code.

#![deny(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::unreachable
)]

mod engine;
mod limits;
mod reader;
mod value;

pub use engine::{Engine, Hasher, PureRust};
pub use limits::Limits;
pub use reader::{Bounded, ContentError, Expected, Verified};
pub use value::{ParseDigestError, Sha256, Sha384};
