//! The lock as a type: what a recipe's external inputs were resolved to.
//!
//! A lock is a value; reading and writing it are in the modules below. Where something was found
//! is kept beside what it is, and only the digest decides whether what is fetched is right.

mod error;
mod packages;
mod read;
mod wanted;
mod write;

pub use error::LockError;
pub use packages::{LockedPackage, LockedPackages, LockedSuite, Sha1Hint};

use std::fmt;
use std::str::FromStr;

use enclair_configuration::Found;
use enclair_digest::Sha256;
use enclair_eif::Arch;
use thiserror::Error;

use crate::read::is_id;
use crate::recipe::Epoch;
use crate::reference::ImageReference;
use crate::supply::{Blob, Wanted};

/// What the files that are laid into the image are called.
pub const FILES: &str = "files";

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
    /// The suites that packages were chosen from, sorted by name.
    pub suites: Vec<LockedSuite>,
    /// The boot environment.
    pub boot: LockedBoot,
    /// The root filesystem; `None` for files of the project.
    pub source: Option<LockedSource>,
    /// Files from elsewhere that are laid into the image, in the order of the recipe.
    pub files: Vec<LockedFile>,
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
    /// The agent, where the image has one.
    pub agent: Option<LockedFile>,
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
    /// Distribution packages.
    Packages(LockedPackages),
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
    /// In a distribution package.
    Package {
        /// The package that the recipe names.
        asked: String,
        /// The package that has the file: that one, or one that it depends on.
        package: Box<LockedPackage>,
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
    /// The list of manifests that `from` names by its digest, when it is not the manifest itself.
    pub index: Option<Blob>,
    /// The manifest for the architecture; archives of `docker save` have none.
    pub manifest: Option<Blob>,
    /// The configuration.
    pub config: Blob,
    /// The layers as they are stored, lowest first.
    pub layers: Vec<Blob>,
    /// Whether nobody else can get it.
    pub private: bool,
}

impl Lock {
    /// Reads a lock. CR before LF is taken as LF; else the bytes must be those that
    /// [`to_toml`](Self::to_toml) writes.
    ///
    /// # Errors
    ///
    /// Everything that is not a canonical lock of schema 1: see [`LockError`].
    pub fn parse(document: &str) -> Result<Self, LockError> {
        read::lock(document)
    }

    /// The canonical document.
    pub fn to_toml(&self) -> String {
        write::document(self)
    }

    /// All content that must be in the store before anything is built, without duplicates.
    ///
    /// Of a file that is in an archive or a package, that is wanted and not the file; of a file in an
    /// image, all of the image.
    pub fn wanted(&self) -> Vec<Wanted> {
        wanted::wanted(self)
    }

    /// What an outsider should know, sorted: inputs that nobody else can get.
    pub fn notes(&self) -> Vec<String> {
        let mut notes: Vec<_> = self
            .files()
            .filter(|(_, file)| file.private)
            .map(|(name, file)| format!("{name}: nobody else can get `{}`", file.from))
            .collect();
        if let Some(LockedSource::Image(image)) = &self.source {
            let note = format!("source: nobody else can get `{}`", image.from);
            notes.extend(image.private.then_some(note));
        }
        notes.sort_unstable();
        notes
    }

    /// Every package that something is taken from: those of the source, in the order in which they
    /// are installed, and those that single files are in.
    pub fn packages(&self) -> impl Iterator<Item = &LockedPackage> {
        let source = match &self.source {
            Some(LockedSource::Packages(packages)) => packages.packages.as_slice(),
            Some(LockedSource::Image(_) | LockedSource::Archive(_)) | None => &[],
        };
        let files = self.files().filter_map(|(_, file)| file.package());
        source.iter().chain(files)
    }

    /// The files of the lock, and what each is called; those that are laid into the image are all
    /// called [`FILES`].
    pub fn files(&self) -> impl Iterator<Item = (&'static str, &LockedFile)> {
        let archive = match &self.source {
            Some(LockedSource::Archive(file)) => Some(file),
            Some(LockedSource::Image(_) | LockedSource::Packages(_)) | None => None,
        };
        let files = [
            ("kernel", Some(&self.boot.kernel)),
            ("init", Some(&self.boot.init)),
            ("agent", self.boot.agent.as_ref()),
            ("nsm_module", self.boot.nsm_module.as_ref()),
            ("source", archive),
        ];
        let laid = self.files.iter().map(|file| (FILES, Some(file)));
        files
            .into_iter()
            .chain(laid)
            .filter_map(|(name, file)| file.map(|file| (name, file)))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Carried => f.write_str("carried"),
            Self::File(path) => write!(f, "file:{path}"),
            Self::Url { url, inside: _ } => write!(f, "url:{url}"),
            Self::Image { image, path: _ } => write!(f, "image:{}", image.from),
            Self::Package { asked, .. } => write!(f, "package:{asked}"),
        }
    }
}

impl fmt::Display for RuleVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.id, self.version)
    }
}

/// Text that is no rule with a version.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("expected an id and a version, as in `mtime@1`, found `{found}`")]
pub struct ParseRuleError {
    /// The text, escaped and cut.
    pub found: Found,
}

impl FromStr for RuleVersion {
    type Err = ParseRuleError;

    fn from_str(text: &str) -> Result<Self, ParseRuleError> {
        let parse = || {
            let (id, digits) = text.split_once('@')?;
            let rule = Self {
                id: id.to_owned(),
                version: digits.parse().ok().filter(|version| *version > 0)?,
            };
            // One spelling each: no sign and no zeros before the number.
            (is_id(id) && rule.to_string() == text).then_some(rule)
        };
        parse().ok_or_else(|| ParseRuleError {
            found: Found::new(text),
        })
    }
}
