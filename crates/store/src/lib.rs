#![doc = include_str!("../../../docs/formats/store.md")]
//!
//! # This crate
//!
//! - [`Store`]: a store that is open; everything begins here.
//! - [`Incoming`]: content that is written into the store, with or without knowing what it must be.
//! - [`Partial`]: a download of a known blob that may be interrupted and goes on later. One process
//!   has it, others wait for it.
//! - [`Root`], [`Collection`]: what is needed by which lock, and removing the rest.
//! - [`Store::verify`], [`Store::export`], [`Store::import`]: the whole store.
//!
//! It knows no network, reads no clock and no environment, and starts no thread. Calls block; a
//! caller that must not wait has [`Store::try_partial`].

mod aside;
mod catalogue;
mod derived;
mod directory;
mod error;
mod export;
mod gc;
mod import;
mod incoming;
mod layout;
mod lock;
mod partial;
mod reading;
mod roots;
mod size;
mod store;
mod verify;

pub use aside::Aside;
pub use error::{Action, Error, Fault, FileKind, Problem};
pub use export::Companion;
pub use gc::{Collected, Collection};
pub use import::Imported;
pub use incoming::Incoming;
pub use layout::VERSION;
pub use partial::{Claim, Partial, PartialReader};
pub use roots::Root;
pub use size::{Count, Usage};
pub use store::Store;
pub use verify::{OnAltered, Progress, VerifyReport};
