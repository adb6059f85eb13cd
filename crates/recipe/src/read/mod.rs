//! From a TOML document to typed values, with every problem collected.
//!
//! The TOML itself is read by a library that keeps the place of each value. What is here knows
//! tables, arrays and types; what a key means is in the modules below. The surprise: a problem does
//! not end the reading. A value that could not be read is `None`, a default takes its place, and
//! the whole is thrown away at the end, so that a person sees all problems at once.

mod artifact;
mod document;
mod enclave;
mod files;
mod keys;
mod network;
mod packages;
mod recipe;
mod run;
mod settings;
mod text;

pub(crate) use document::{depth_problem, read_document};
pub(crate) use enclave::{DEFAULT_ARCH, DEFAULT_EPOCH, DEFAULT_NAME, DEFAULT_VERSION};
pub(crate) use files::default_owner;
#[cfg(test)]
pub(crate) use keys::{ITEMS, TABLES};
pub(crate) use keys::{ROOT, SETTINGS};
pub(crate) use recipe::read_recipe;
pub(crate) use settings::read_settings;
pub(crate) use text::{is_id, url};
