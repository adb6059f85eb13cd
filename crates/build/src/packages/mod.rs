//! A root filesystem from the packages that a lock names.
//!
//! ```text
//! blobs -> packages in their order   verified and decoded on several threads   read
//!       -> tree before the first     merged /usr                               effects
//!       -> tree                      owners, diversions, what is left out      packages::root
//!       -> tree                      what scripts would have done              effects
//!       -> tree                      dpkg's records                            packages::root::database
//! ```
//!
//! Nothing depends on which thread was faster: packages are laid over each other in the order of
//! the lock, and where a content lies decides no byte.

mod document;
mod error;
mod read;
mod stub;

use std::fmt;
use std::num::NonZeroUsize;

use enclair_digest::{Engine, Limits};
use enclair_finding::Findings;
use enclair_packages::root::{Accounts, PathFilter, Settings, database, unpack};
use enclair_recipe::Blob;
use enclair_tree::Tree;

use crate::enclave::Tools;
use crate::spool::FileSpool;

pub use document::{PackageDocument, PackagesDocument, SCHEMA, SourceDocument};
pub use error::PackagesError;
pub use stub::{EffectFailure, Effects, MergedUsrOnly};

/// A package that a lock names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedPackage {
    /// Its name.
    pub name: String,
    /// Its version, with an epoch where it has one.
    pub version: String,
    /// Its architecture, as in `amd64` or `all`.
    pub architecture: String,
    /// The package file.
    pub blob: Blob,
}

impl fmt::Display for LockedPackage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.version)
    }
}

/// Which dpkg records come into the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Records {
    /// None.
    None,
    /// Those of [`database::VERSION`].
    Dpkg1,
}

/// What a root filesystem is made of.
#[derive(Debug)]
pub struct PackagesRequest<'a> {
    /// The packages in the order of installation.
    pub packages: &'a [LockedPackage],
    /// The architecture of the system, as Debian calls it: `amd64`.
    pub architecture: &'a str,
    /// Which paths are left out.
    pub filter: &'a PathFilter,
    /// Users and groups that no package brings.
    pub accounts: &'a Accounts,
    /// Whether dpkg's records are written.
    pub records: Records,
    /// What is done in place of scripts.
    pub effects: &'a dyn Effects,
    /// How many threads read packages.
    pub threads: NonZeroUsize,
    /// For all packages together.
    pub limits: Limits,
}

/// A root filesystem that was made.
#[derive(Debug)]
pub struct PackagesRoot {
    /// The filesystem; contents are in the spool.
    pub tree: Tree,
    /// What there is to know.
    pub findings: Findings,
    /// Which file comes from where.
    pub document: PackagesDocument,
}

/// Makes the root filesystem that `request` describes; contents go to `spool`.
///
/// # Errors
///
/// [`PackagesError`]: the first package that cannot be had or read, packages that cannot be
/// installed together, effects that cannot be applied.
pub fn unpack_packages<E: Engine>(
    request: &PackagesRequest<'_>,
    tools: &Tools<'_, E>,
    spool: &mut FileSpool,
) -> Result<PackagesRoot, PackagesError> {
    let bytes = request.packages.iter().map(|locked| locked.blob.size).sum();
    tools.progress.stage("unpacking packages", Some(bytes));
    let amount = (request.threads, &request.limits);
    let read = read::read_packages(request.packages, amount, tools, spool)?;
    let (packages, found): (Vec<_>, Vec<_>) = read.into_iter().unzip();
    let effects = request.effects;
    let base = effects.base(&packages).map_err(PackagesError::Effects)?;
    let diversions = effects
        .diversions(&packages)
        .map_err(PackagesError::Effects)?;
    let settings = Settings {
        filter: request.filter,
        diversions: &diversions,
        accounts: request.accounts,
    };
    let mut root = unpack(base, packages, &settings, spool)?;
    effects
        .apply(&mut root, spool)
        .map_err(PackagesError::Effects)?;
    if request.records == Records::Dpkg1 {
        let system = database::System {
            architecture: request.architecture,
            diversions: &diversions,
        };
        database::write(&mut root, &system, spool)?;
    }
    let document = PackagesDocument::new(&root, request.packages);
    for found in found {
        root.findings.merge(found);
    }
    Ok(PackagesRoot {
        tree: root.tree,
        findings: root.findings,
        document,
    })
}
