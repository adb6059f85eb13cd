//! Why a root filesystem cannot be made from packages.

use std::io;

use enclair_packages::deb::DebError;
use enclair_packages::effects::EffectError;
use enclair_packages::root::RootError;
use enclair_recipe::SupplyError;
use enclair_sandbox::SandboxError;
use thiserror::Error;

/// Packages that do not become a root filesystem.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PackagesError {
    /// Packages that nobody supplies.
    #[error("packages cannot be had")]
    Obtain(#[source] SupplyError),
    /// A package that is not where it was brought.
    #[error("package `{package}` cannot be had")]
    Supply {
        /// Name and version.
        package: String,
        /// Why.
        #[source]
        source: SupplyError,
    },
    /// A package whose content is not what was locked, or cannot be read from the store.
    #[error("package `{package}` is not what was locked")]
    Content {
        /// Name and version.
        package: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A package that is none, or is not taken.
    #[error("package `{package}` cannot be read")]
    Package {
        /// Name and version.
        package: String,
        /// Why.
        #[source]
        source: Box<DebError>,
    },
    /// Packages that cannot be laid over each other.
    #[error("the packages cannot be unpacked")]
    Root(#[source] Box<RootError>),
    /// What stands for the scripts cannot be done.
    #[error("an effect cannot be applied")]
    Effects(#[source] EffectError),
    /// Scripts that cannot be run, or failed.
    #[error("the scripts of packages cannot be run")]
    Sandbox(#[source] SandboxError),
    /// Nothing can be unpacked over the tree that packages begin with.
    #[error("merged `/usr` cannot be made")]
    Base(#[source] enclair_tree::Error),
    /// More content than is allowed.
    #[error("the packages have {found} bytes, more than {limit} (`unpacked_bytes`, against bombs)")]
    Limit {
        /// Bytes of all packages together.
        found: u64,
        /// How many are allowed.
        limit: u64,
    },
    /// There is no room for contents.
    #[error("a temporary file cannot be made")]
    Spool(#[source] io::Error),
}

impl PackagesError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Content { .. } => Some("the blob in the store was altered: it is fetched again"),
            Self::Package { source, .. } => source.hint(),
            Self::Root(source) => source.hint(),
            Self::Limit { .. } => {
                Some("if the packages are to be trusted with that much, raise `--max-unpacked`")
            }
            Self::Effects(source) => source.hint(),
            Self::Sandbox(source) => source.hint(),
            Self::Obtain(_) | Self::Supply { .. } | Self::Base(_) | Self::Spool(_) => None,
        }
    }
}

impl From<RootError> for PackagesError {
    fn from(error: RootError) -> Self {
        Self::Root(Box::new(error))
    }
}
