//! The Nitro security module (NSM) as programs in an enclave see it: one device, one call, and the
//! messages of two of its functions.
//!
//! - [`call`] sends a request to the device and gives the answer.
//! - [`GET_RANDOM`] with [`parse_random`], and [`attestation_request`] with [`parse_document`], are
//!   the messages, in the CBOR that the module writes.
//!
//! It does not look into a document: what is signed there, and by whom, is for whoever is given it.

#![cfg(target_os = "linux")]
#![deny(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects
)]

mod device;
mod messages;

pub use device::{DEVICE, MAX_MESSAGE, call};
pub use messages::{
    Answer, Fields, GET_RANDOM, MAX_FIELD, attestation_request, parse_document, parse_random,
};
