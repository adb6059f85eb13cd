//! Everything that can go wrong between a recipe's packages and a lock's.

use std::io;

use enclair_digest::Sha256;
use enclair_packages::index::IndexError;
use enclair_packages::release::Error as ReleaseError;
use enclair_packages::root::PatternError;
use enclair_packages::solve::{AskedError, SolveError};
use enclair_recipe::SupplyError;
use thiserror::Error;

/// Packages that cannot be chosen.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ChoiceError {
    /// A file of an archive cannot be had.
    #[error("`{file}` of `{archive}` cannot be had")]
    File {
        /// The archive's symbolic name.
        archive: String,
        /// The path in it.
        file: String,
        /// Why.
        #[source]
        source: SupplyError,
    },
    /// A file of an archive cannot be read.
    #[error("`{file}` of `{archive}` cannot be read")]
    Read {
        /// The archive's symbolic name.
        archive: String,
        /// The path in it.
        file: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A suite is not to be believed.
    #[error("`{suite}` is not believed")]
    Release {
        /// The suite's symbolic name.
        suite: String,
        /// Why.
        #[source]
        source: Box<ReleaseError>,
    },
    /// An index breaks its rules.
    #[error("`{file}` of `{suite}` is no index of packages")]
    Index {
        /// The suite's symbolic name.
        suite: String,
        /// The path below the suite.
        file: String,
        /// Why.
        #[source]
        source: Box<IndexError>,
    },
    /// The key of a repository cannot be read.
    #[error("the key of repository `{repository}` cannot be read")]
    Key {
        /// Its name.
        repository: String,
        /// Why.
        #[source]
        source: SupplyError,
    },
    /// The key of a repository is another than the recipe says.
    #[error(
        "the key of repository `{repository}` has digest sha256:{found}, the recipe says \
         sha256:{expected}"
    )]
    OtherKey {
        /// Its name.
        repository: String,
        /// The recipe's digest.
        expected: Sha256,
        /// The digest of what is there.
        found: Sha256,
    },
    /// No package has the file.
    #[error("no file `{path}` is in `{package}`; looked in {}", looked.join(", "))]
    NoFile {
        /// The package that was named.
        package: String,
        /// The pattern.
        path: String,
        /// Packages that were looked into.
        looked: Vec<String>,
    },
    /// More than one file is meant.
    #[error("`{path}` means {} files: {}", found.len(), found.join(", "))]
    ManyFiles {
        /// The pattern.
        path: String,
        /// What matches.
        found: Vec<String>,
    },
    /// The kernel of a package cannot run an enclave.
    #[error("the kernel of `{package}` lacks {}", lacks.join(", "))]
    Kernel {
        /// The package.
        package: String,
        /// Options of its configuration, each with what it is.
        lacks: Vec<String>,
    },
    /// A pattern of paths that is none.
    #[error("paths cannot be left out like this")]
    Pattern {
        /// Why.
        #[source]
        source: PatternError,
    },
    /// A text that asks for no package.
    #[error("no package can be asked for like this")]
    Asked {
        /// Why.
        #[source]
        source: AskedError,
    },
    /// No set of packages is what the recipe asks for.
    #[error("no set of packages is what the recipe asks for")]
    Solve {
        /// Why.
        #[source]
        source: Box<SolveError>,
    },
}

impl ChoiceError {
    /// What to do about it.
    ///
    /// What is inside of it may have advice of its own.
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::File { .. } => Some(
                "`[archive.NAME] mirrors = [..]` in the settings says where an archive is; \
                 `enclair doctor` shows what is known",
            ),
            Self::OtherKey { .. } => Some("look at who changed it before you believe it"),
            Self::NoFile { .. } => Some("`*` in a path stands for any text without a slash"),
            Self::ManyFiles { .. } => Some("name one of them"),
            Self::Kernel { .. } => Some(
                "an enclave's devices are virtio-mmio, and its drivers must be built in; leave \
                 `boot.kernel` out to use the kernel that enclair carries",
            ),
            Self::Release { .. }
            | Self::Index { .. }
            | Self::Read { .. }
            | Self::Key { .. }
            | Self::Pattern { .. }
            | Self::Asked { .. }
            | Self::Solve { .. } => None,
        }
    }
}
