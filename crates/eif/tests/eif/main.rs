//! Tests of the reader, the writer and the measurements, from outside the crate.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails here has said what it has to say"
)]

mod corpus;
mod examine;
mod findings;
mod image;
mod layout;
mod lengths;
mod malformed;
mod measure;
mod metadata;
mod properties;
mod reader;
mod second_opinion;
mod signature;
mod writer;
