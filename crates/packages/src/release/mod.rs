//! A signed Release file, and whom it is believed from.
//!
//! ```text
//! bytes of InRelease -> SignedRelease    one clear-signed text, nothing around it
//!   verify(Keys, Policy) -> Release      signatures, names, times; what was checked is in it
//!     index(component, architecture)     -> path, size, SHA-256 of a `Packages` file
//! ```
//!
//! [`SignedRelease`] says nothing of what it has; only [`Release`] does, and only verification makes
//! one. Nothing here reads a clock: the time is a part of the [`Policy`]. A lock that exists is
//! never verified again, because its digests decide; so keys that expire later do not matter to it.
//!
//! What is accepted is written down in `docs/formats/packages.md`, *Whom a suite is believed from*.
//!
//! # What is not here
//!
//! `Release` with a detached `Release.gpg`: one file that is replaced at once cannot be half of two
//! states of a mirror. Trust in people: a key is accepted by its fingerprint, not by who signed it.

mod armor;
mod certificate;
mod cleartext;
mod error;
mod fields;
mod fingerprint;
mod keys;
mod policy;
mod signed;
mod standing;
mod table;
mod time;

pub use armor::ArmorProblem;
pub use cleartext::CleartextProblem;
pub use error::{CertificateProblem, Error, KeyProblem, PacketProblem, SignatureProblem};
pub use fields::SyntaxProblem;
pub use fingerprint::{Fingerprint, ParseFingerprintError};
pub use keys::Keys;
pub use policy::{CLOCK_SKEW, MAX_IN_RELEASE, Policy};
pub use signed::{Checked, GoodSignature, Release, SignedRelease};
pub use table::IndexFile;
pub use time::UnixSeconds;
