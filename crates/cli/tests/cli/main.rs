//! The program as a user meets it: hostile inputs, damaged outputs, what is printed where.
//!
//! Every test runs the binary in a directory of its own, so paths in messages are short and the
//! same on every machine.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails here has said what it has to say"
)]

mod atomic_output;
mod bombs;
mod build_messages;
mod epochs;
mod extract_safety;
mod golden;
mod golden_lock;
mod history;
mod hosting;
mod image_documents;
mod images;
mod imports;
mod local_inputs;
mod locks;
mod malformed_eif;
mod messages;
mod newc;
mod packages;
mod permutations;
mod process;
mod project;
mod project_files;
mod project_messages;
mod projects;
mod ramdisks;
mod remote_inputs;
mod running;
mod sandbox;
mod schemas;
mod server;
mod store_command;
mod streams;
mod tar_attacks;
mod tarball;
mod workshop;
