//! Decoders of the compressed formats that images and ramdisks use: found by magic, with limits,
//! without C code.
//!
//! - [`Format`]: which formats there are, and how they are recognised.
//! - [`Member`]: decodes one gzip member, zstd frame, xz stream or bzip2 stream, and leaves the
//!   input exactly behind it. A ramdisk is read this way, because something else may follow.
//! - [`Stream`]: decodes members until the input ends. A compressed layer is read this way.
//!
//! Both verify the checksums of the format, fail on a truncated input, and refuse a member that
//! asks for more than [`MEMORY_LIMIT`] before they allocate anything for it. Neither bounds the
//! *decoded* size: that is a limit of the whole input and belongs to the caller.
//!
//! Reads into small buffers are slow; wrap a decoder in a [`std::io::BufReader`] where the
//! consumer takes a few bytes at a time.
//!
//! There is no encoder here.

#![deny(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::unreachable
)]

mod error;
mod format;
mod lz4;
mod lzma;
mod member;
mod pull;
mod push;
mod stream;
mod zstd;

pub use error::Error;
pub use format::Format;
pub use member::Member;
pub use stream::Stream;

/// The largest window or dictionary, in bytes, that a member may ask for: 128 MiB, which is what
/// `zstd --ultra -22 --long=27` needs and more than `xz -9` does.
///
/// The xz and lzma decoders count a little for their tables too, so they allow up to 1 MiB more.
pub const MEMORY_LIMIT: u64 = 128 << 20;
