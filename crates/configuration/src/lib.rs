//! The measured configuration: what init starts in the enclave, as a type.
//!
//! One file, `etc/enclair/enclave.json`, written by the builder and read by PID 1. Both use this
//! crate, so that they cannot disagree on what a document means. The table of keys is in
//! `docs/formats/image.md`.
//!
//! - [`Configuration::parse`] takes bytes and gives a configuration or says which key is wrong.
//! - [`Configuration::to_canonical_json`] gives the bytes that are measured (RFC 8785).
//!
//! The surprise: a document that is valid JSON with the right values is still refused unless its
//! bytes are the canonical ones. One meaning has one digest, so white space, another order of keys
//! or a default that is written out cannot give a second measurement of the same application.
//!
//! The reader of JSON is written here and is small, because it is linked into PID 1. It is no
//! general one: numbers are integers, and nesting ends where the document's does. The crate does
//! no I/O and resolves no names; ids are numbers.

#![deny(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::unreachable
)]

mod configuration;
mod error;
mod fields;
pub mod json;
mod limits;
mod network;
mod services;

pub use configuration::{
    Access, Configuration, DEFAULT_HOSTNAME, DEFAULT_RAMDISKS, MAX_BYTES, MAX_ID, MAX_RAMDISKS,
    MAX_RESTARTS, SCHEMA,
};
pub use error::{Error, Found};
pub use limits::{Bound, Limit, Resource};
pub use network::{EgressRule, Host, WrongRule, deciding_rule};
pub use services::{
    AGENT_ID, Attestation, Ingress, MAX_EGRESS, MAX_INGRESS, NAMES_PORT, PROXY_PORT, Ready,
    Services,
};
