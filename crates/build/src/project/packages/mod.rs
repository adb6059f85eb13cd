//! From `source.packages` to locked packages: suites are read and believed by their signatures, and
//! packages chosen from them.
//!
//! ```text
//! suite of the recipe -> InRelease: the locked one, or the newest    suites::Suites
//!   -> Release, by the archive's keys
//!   -> index of each component, by its digest; parsed once           suites::Suites::index
//! all of them + what is asked for -> packages in order               choose
//! ```
//!
//! The surprise: what is locked is gone on with. A recipe that asks for one package more gets it from
//! the suites as they were locked, so that nothing else moves; only `--update source` looks at the
//! newest ones.

mod choose;
mod contained;
mod download;
mod error;
mod files;
mod imported;
mod kernel;
mod known;
mod listing;
mod os_release;
mod rootfs;
mod source;
mod suites;
mod why;

pub(super) use choose::Chooser;
pub use contained::{
    Contained, ContainedRequest, MissingPackage, MissingReason, contained_packages,
};
pub use download::{Downloaded, Hints};
pub use error::ChoiceError;
pub(super) use files::{Sought, is_match};
pub(super) use imported::Import;
pub(super) use kernel::check_kernel_config;
pub use listing::ListingError;
pub use rootfs::Rootfs;
pub(super) use source::{effects_of, filter_of, known_effects, packages_source};
pub(super) use suites::Suites;
pub(super) use why::source_packages;
pub use why::{Why, WhyChain, WhyNeed, WhyReason};
