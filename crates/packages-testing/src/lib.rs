//! Packages and signed repositories made for tests, honest ones and others.
//!
//! Everything is made of values and nothing is random: a key is a seed, a time is a number, and the
//! same calls give the same bytes. No clock, no environment and no network; the disk only in
//! [`Files::write_to`].
//!
//! - [`Deb`]: one package file, with any member that an attacker may think of.
//! - [`Suite`]: `Packages` and `Release` of a suite, each of them a value that can be altered before
//!   the next is made of it.
//! - [`SigningKey`], [`clear_signed`]: keys and signatures, good and bad.
//! - [`Files`]: paths of an archive (`dists/...`, `pool/...`) and what is there.
//!
//! ```
//! use enclair_packages_testing::{Deb, Files, KeyPlan, Signer, SigningKey, Suite};
//!
//! let key = SigningKey::generate(1, &KeyPlan::default());
//! let mut suite = Suite::new("bookworm", 1_700_000_000);
//! suite.add("main", Deb::new("hello", "1.0-1", "amd64").file("./usr/bin/hello", "#!/bin/sh\n"));
//! let mut files = Files::default();
//! suite.publish(&[Signer::new(&key, 1_700_000_000)], &mut files);
//! assert!(files.get("dists/bookworm/InRelease").is_some());
//! assert!(files.get("pool/main/h/hello/hello_1.0-1_amd64.deb").is_some());
//! ```
//!
//! # What it is not
//!
//! Part of the product: it uses C code, panics where an argument makes no sense, and no crate
//! but tests depends on it.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "only tests use this crate, and a test ends where its material cannot be made"
)]

mod ar;
mod compression;
mod deb;
mod files;
mod key;
mod key_plan;
mod release;
mod signature;
mod suite;
mod tar;
mod time;

pub use ar::{ArMember, ar};
pub use compression::Compression;
pub use deb::Deb;
pub use files::{Files, sha256};
pub use key::SigningKey;
pub use key_plan::{KeyKind, KeyPlan, SubkeyPlan};
pub use release::ReleaseText;
pub use signature::{SignatureKind, Signer, clear_signed, clear_text, signatures};
pub use suite::Suite;
pub use tar::{TarEntry, TarKind, tar};
pub use time::date;

pub use pgp::crypto::hash::HashAlgorithm;
