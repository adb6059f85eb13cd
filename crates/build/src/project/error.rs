//! Everything that can stop a recipe from being locked, and a lock from being built.

use std::io;
use std::path::PathBuf;

use enclair_digest::Sha256;
use enclair_recipe::{Diagnostics, LockError, SupplyError};
use thiserror::Error;

use super::packages::{ChoiceError, ListingError};
use crate::error::Error;
use crate::report::FORMAT;

/// A project that cannot be locked or built.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProjectError {
    /// The recipe or the lock cannot be read, or the lock cannot be written.
    #[error("`{path}` cannot be {what}", path = path.display())]
    File {
        /// As the user wrote it.
        path: PathBuf,
        /// `read` or `written`.
        what: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// There is no recipe.
    #[error("there is no recipe `{path}`", path = path.display())]
    NoRecipe {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The recipe is wrong, or asks for what this release cannot build. To be shown with its lines.
    #[error("`{path}` cannot be built", path = path.display())]
    Recipe {
        /// The recipe.
        path: PathBuf,
        /// Its text.
        text: String,
        /// What is wrong, and where.
        #[source]
        source: Diagnostics,
    },
    /// The lock is no lock.
    #[error("`{path}` is no lock", path = path.display())]
    Lock {
        /// The lock.
        path: PathBuf,
        /// Why.
        #[source]
        source: LockError,
    },
    /// Only what is locked may be used, and nothing is.
    #[error("there is no lock `{path}`", path = path.display())]
    NoLock {
        /// Where it would be.
        path: PathBuf,
    },
    /// Only what is locked may be built, and a tag is not.
    #[error("nothing locks `{reference}`, and only what is locked may be built")]
    Unlocked {
        /// The image, complete.
        reference: String,
    },
    /// The lock is that of another recipe, or of other files.
    #[error("`{path}` is not the lock of this recipe: {}", reasons.join("; "))]
    Stale {
        /// The lock.
        path: PathBuf,
        /// What has changed since.
        reasons: Vec<String>,
    },
    /// The lock was made by a later release.
    #[error("the lock has format {found}, this release knows format {FORMAT}")]
    Format {
        /// The lock's.
        found: u32,
    },
    /// The lock asks for a rule or an effect that this release does not have.
    #[error("the lock has the {what} `{name}`, which this release does not know")]
    Decision {
        /// `rule` or `effect`.
        what: &'static str,
        /// As the lock has it.
        name: String,
    },
    /// The lock names a kernel or init that is neither carried nor to be had.
    #[error(
        "the lock wants the {what} with digest sha256:{wanted}; this enclair carries {carried}"
    )]
    Carried {
        /// `kernel` or `init`.
        what: &'static str,
        /// What the lock has.
        wanted: Sha256,
        /// What this program has, `sha256:HEX` or `none`.
        carried: String,
        /// Why it cannot be had elsewhere.
        #[source]
        source: SupplyError,
    },
    /// `epoch = "commit"`, and there is none.
    #[error("the epoch is that of the commit, and git finds no commit in `{path}`", path = path.display())]
    NoCommit {
        /// The project.
        path: PathBuf,
    },
    /// Packages cannot be chosen.
    #[error("the packages cannot be locked")]
    Choice {
        /// Why.
        #[source]
        source: Box<ChoiceError>,
    },
    /// Packages that are chosen already cannot be worked with.
    #[error(transparent)]
    Listing {
        /// Why.
        #[from]
        source: ListingError,
    },
    /// An entry cannot be resolved or had.
    #[error("{entry}")]
    Entry {
        /// The lock entry.
        entry: &'static str,
        /// Why.
        #[source]
        source: Box<Error>,
    },
    /// What is at a URL is not what the recipe says.
    #[error("`{url}` has digest sha256:{found}, the recipe says sha256:{expected}")]
    Url {
        /// The URL, as the recipe has it.
        url: String,
        /// The recipe's digest.
        expected: Sha256,
        /// The digest of what is there.
        found: Sha256,
    },
    /// A file is not in its container.
    #[error("there is no file `{path}` in `{container}`")]
    NotInside {
        /// The file.
        path: String,
        /// The archive or image.
        container: String,
    },
    /// A file of a container is not what the lock says, though the container is.
    #[error("`{path}` of `{container}` has digest sha256:{found}, the lock says sha256:{expected}")]
    Inside {
        /// The file.
        path: String,
        /// The archive or image.
        container: String,
        /// The lock's digest.
        expected: Sha256,
        /// The digest of what is there.
        found: Sha256,
    },
    /// Something cannot be had.
    #[error("an input cannot be had")]
    Supply {
        /// Which, who was asked, and what they said.
        #[source]
        source: SupplyError,
    },
    /// A blob of the store was altered, and cannot be had again.
    #[error("sha256:{sha256} in the store was altered; it is set aside, and cannot be replaced")]
    Altered {
        /// What it should have been.
        sha256: Sha256,
        /// What came of fetching it again.
        #[source]
        source: Box<Self>,
    },
    /// The build itself.
    #[error(transparent)]
    Build {
        /// What went wrong.
        source: Box<Error>,
    },
}

impl ProjectError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoRecipe { .. } => Some(
                "`enclair init` writes one; `enclair build --image REFERENCE` needs none (see --help)",
            ),
            Self::Unlocked { .. } => {
                Some("name it by its digest, or write a recipe and commit its lock")
            }
            Self::NoLock { .. } => Some(
                "run `enclair lock` and commit what it writes; with `--locked` or CI=true nothing \
                 else is built",
            ),
            Self::Stale { .. } => Some("run `enclair lock` and look at what changes"),
            Self::Format { .. } | Self::Decision { .. } => Some(
                "the lock is from a later release of enclair; use that one, or remove the lock \
                     and run `enclair lock`",
            ),
            Self::Carried { .. } => Some(
                "use the release that made the lock, import its exported store, or take the one of \
                 this release with `enclair lock --update kernel init agent`",
            ),
            Self::NoCommit { .. } => Some("commit first, or give the epoch in seconds"),
            Self::Url { .. } => Some("what is there has changed; look at it before you believe it"),
            Self::NotInside { .. } => {
                Some("the path is that of a file, from the top of the archive or image")
            }
            Self::Inside { .. } => {
                Some("the lock was edited by hand; `enclair lock --update NAME`")
            }
            Self::Lock { source, .. } => source.hint(),
            Self::Altered { source, .. } => source.hint(),
            Self::Entry { source, .. } | Self::Build { source } => source.hint(),
            Self::Choice { source } => source.hint(),
            Self::File { source, .. } if source.kind() == io::ErrorKind::IsADirectory => {
                Some("that is a directory: leave `-f` out, and name it alone")
            }
            Self::File { source, .. } if source.kind() == io::ErrorKind::NotADirectory => {
                Some("a project is a directory; an image is `--image docker-archive:FILE`")
            }
            // Its hint names things; it is asked for it itself.
            Self::Listing { .. }
            | Self::File { .. }
            | Self::Recipe { .. }
            | Self::Supply { .. } => None,
        }
    }
}

impl From<ChoiceError> for ProjectError {
    fn from(source: ChoiceError) -> Self {
        Self::Choice {
            source: Box::new(source),
        }
    }
}

impl From<Error> for ProjectError {
    fn from(source: Error) -> Self {
        Self::Build {
            source: Box::new(source),
        }
    }
}
