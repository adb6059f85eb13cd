#![doc = include_str!("../../../docs/formats/image.md")]
//!
//! # This crate
//!
//! From a container image and a kernel to a measured enclave image.
//!
//! - [`build`] does the main job: layers, normalisation, ramdisks, image, reports.
//! - [`assemble`] writes the bare container.
//! - [`extract_to_directory`] and its siblings take an image apart again.
//! - [`packages`] unpacks packages of a distribution into a root filesystem.
//! - [`files`] lays files of a project over a root filesystem.
//!
//! This crate owns the threads, the temporary files and the atomic outputs. It parses no command
//! line and prints nothing: what it has to say while it works goes through [`Progress`].

mod assemble;
mod blocks;
mod compression;
mod configuration;
mod content;
mod embedded;
mod enclave;
mod engine;
mod epoch;
mod error;
mod extract;
pub mod files;
pub mod findings;
mod further;
mod git;
mod image;
mod measure;
mod normalise;
mod output;
pub mod packages;
mod parts;
mod plan;
mod progress;
mod project;
mod ramdisk;
mod readahead;
mod report;
mod request;
mod root;
mod spool;
mod user;

pub use assemble::{Assembly, assemble};
pub use compression::Compression;
pub use configuration::Surroundings;
pub use embedded::{Embedded, embedded};
pub use enclave::{Tools, build};
pub use engine::AwsLc;
pub use epoch::{Epoch, ParseEpochError};
pub use error::Error;
pub use extract::{extract_section, extract_to_directory, extract_to_tar};
pub use git::{HistoryError, Recorded, Repository, commit_time, history, repository_of, top_of};
pub use measure::{Measurer, Threads};
pub use normalise::{Applied, Rule, UnknownRule};
pub use output::OutputFile;
pub use parts::{COMMAND_LINE_AARCH64, COMMAND_LINE_X86_64};
pub use progress::{Progress, Silent};
pub use project::{
    BuildOptions, Built, Change, ChoiceError, Contained, ContainedRequest, Direction, Downloaded,
    Entry, Freshness, Hints, ListingError, LockChange, LockComparison, LockFile, Locking,
    MissingPackage, MissingReason, Movement, Movements, Outcome, PackageChange, Project,
    ProjectError, Rootfs, UnknownEntry, Why, WhyChain, WhyNeed, WhyReason, contained_packages,
    obtain_image,
};
pub use report::{
    EifFile, FORMAT, NitroMeasurements, PartsReport, ProvenanceReport, Report, SCHEMA,
    SectionReport, Source, memory_mib, section_reports,
};
pub use request::{BuildRequest, Content, ImageLayout, Process, Provenance, RootSource};
pub use spool::FileSpool;
