//! Package files and what becomes of them: read, refused, and unpacked over each other.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends where something is not as it should be"
)]

mod corpus;
mod database;
mod layering;
mod reading;
mod refusals;
mod workshop;
