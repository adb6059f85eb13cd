#![doc = include_str!("../../../docs/formats/store.md")]
//!
//! # This crate
//!
//! - [`Store`]: a store that is open; everything begins here.
//! - [`Incoming`]: content that is written into the store, with or without knowing what it must be.
//! - [`Partial`]: a download of a known blob that may be interrupted and goes on later. One process
//!   has it, others wait for it.
//!
//! It knows no network, reads no clock and no environment, and starts no thread. Calls block; a
//! caller that must not wait has [`Store::try_partial`].

mod directory;
mod error;
mod incoming;
mod layout;
mod lock;
mod partial;
mod store;

pub use error::{Action, Error, Fault, FileKind, Problem};
pub use incoming::Incoming;
pub use layout::VERSION;
pub use partial::{Claim, Partial, PartialReader};
pub use store::Store;
