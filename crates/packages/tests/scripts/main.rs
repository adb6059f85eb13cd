//! Maintainer scripts, read: what they would do, what is decided, what is refused.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test ends where what it is about is missing"
)]

mod corpus;
mod debconf;
mod fresh;
mod hostile;
mod oracle;
mod reviewed;
mod system;
mod unknown;
