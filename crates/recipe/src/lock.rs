//! The lock as a type: what a recipe's external inputs were resolved to.

use enclair_digest::Sha256;
use enclair_eif::Arch;
use thiserror::Error;

use crate::recipe::Epoch;
use crate::reference::ImageReference;
use crate::supply::{Blob, Wanted};

/// Everything external that an image is made from, by digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// The format whose decisions decide the bytes.
    pub format: u32,
    /// The digest of the recipe that this is the lock of.
    pub recipe: Sha256,
    /// Architecture of everything in the image.
    pub arch: Arch,
    /// The one time in the image.
    pub epoch: Epoch,
    /// The whole kernel command line.
    pub cmdline: String,
    /// Normalisation rules, in the order in which they are applied.
    pub rules: Vec<RuleVersion>,
    /// Other decisions that were used, sorted.
    pub effects: Vec<RuleVersion>,
    /// The boot environment.
    pub boot: LockedBoot,
    /// The root filesystem; `None` for files of the project.
    pub source: Option<LockedSource>,
}

/// A rule or another decision, and which version of it: `mtime@1`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleVersion {
    /// The id.
    pub id: String,
    /// The version, from 1.
    pub version: u32,
}

/// The boot environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedBoot {
    /// The kernel.
    pub kernel: LockedFile,
    /// PID 1.
    pub init: LockedFile,
    /// The driver module of the security module.
    pub nsm_module: Option<LockedFile>,
}

/// The root filesystem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LockedSource {
    /// A container image.
    Image(LockedImage),
    /// A tar archive.
    Archive(LockedFile),
}

/// A file, and where it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedFile {
    /// Where it was found.
    pub from: Origin,
    /// The file itself.
    pub blob: Blob,
    /// Whether nobody else can get it.
    pub private: bool,
}

/// Where a file was found when it was locked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// In the program itself.
    Carried,
    /// On this machine, at the path that the recipe has.
    File(String),
    /// At a URL.
    Url {
        /// As the recipe has it.
        url: String,
        /// Where in the archive that is there; `None` when the file itself is there.
        inside: Option<Inside>,
    },
    /// In a container image.
    Image {
        /// The image. It is as private as the file.
        image: LockedImage,
        /// The file's path in it.
        path: String,
    },
}

/// A file's place in an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inside {
    /// The file's path in the archive.
    pub path: String,
    /// The archive.
    pub container: Blob,
}

/// A container image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedImage {
    /// Where it was found.
    pub from: ImageReference,
    /// The manifest for the architecture; archives of `docker save` have none.
    pub manifest: Option<Blob>,
    /// The configuration.
    pub config: Blob,
    /// The layers as they are stored, lowest first.
    pub layers: Vec<Blob>,
    /// Whether nobody else can get it.
    pub private: bool,
}

/// A document that is no lock.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LockError {
    /// More bytes than a lock can have.
    #[error("a lock of {found} bytes: at most {limit} are read")]
    TooLarge {
        /// Bytes of the document.
        found: usize,
        /// Bytes that are read.
        limit: usize,
    },
}

impl Lock {
    /// Reads a lock.
    ///
    /// # Errors
    ///
    /// Everything that is not a canonical lock of schema 1.
    pub fn parse(document: &str) -> Result<Self, LockError> {
        Err(LockError::TooLarge {
            found: document.len(),
            limit: 0,
        })
    }

    /// The canonical document.
    pub fn to_toml(&self) -> String {
        String::new()
    }

    /// All content that must be in the store before anything is built, without duplicates.
    pub fn wanted(&self) -> Vec<Wanted> {
        Vec::new()
    }

    /// What an outsider should know, sorted: inputs that nobody else can get.
    pub fn notes(&self) -> Vec<String> {
        Vec::new()
    }
}
