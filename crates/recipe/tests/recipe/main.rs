//! The crate as its users see it: documents in, values and messages out.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test ends where what it is about is missing"
)]

mod corpus;
mod digest;
mod errors;
mod lock;
mod schema;
mod template;
mod values;
