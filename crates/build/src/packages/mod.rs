//! A root filesystem from the packages that a lock names.
//!
//! ```text
//! blobs -> packages in their order   fetched, verified, decoded on several threads   read
//!       -> tree before the first     merged /usr                               effects
//!       -> tree                      owners, diversions, what is left out      packages::root
//!       -> tree                      what scripts would have done              effects
//!       -> tree                      dpkg's records                            packages::root::database
//!       -> tree                      what is left of scripts, where it is run  sandbox
//! ```
//!
//! Nothing depends on which thread was faster: packages are laid over each other in the order of
//! the lock, and where a content lies decides no byte.

mod document;
mod effects;
mod error;
mod read;
mod sandbox;

use std::num::NonZeroUsize;

use enclair_digest::{Engine, Limits};
use enclair_finding::Findings;
use enclair_packages::effects::{EffectVersion, Supplied};
use enclair_packages::root::{Accounts, PathFilter, Settings, database, unpack};
use enclair_packages::scripts::OnNotRun;
use enclair_recipe::{LockedPackage, LockedSuite};
use enclair_tree::Tree;

use crate::enclave::Tools;
use crate::spool::FileSpool;

pub use document::{PackageDocument, PackagesDocument, SCHEMA, SourceDocument};
pub use error::PackagesError;
pub(crate) use sandbox::VERSION as SCRIPT_SANDBOX;

/// What a root filesystem is made of.
#[derive(Debug, Clone)]
pub struct PackagesSource {
    /// The packages in the order of installation.
    pub packages: Vec<LockedPackage>,
    /// The suites of the lock, which say where a package is.
    pub suites: Vec<LockedSuite>,
    /// The architecture of the system, as Debian calls it: `amd64`.
    pub architecture: String,
    /// Which paths are left out.
    pub filter: PathFilter,
    /// What is done in place of scripts.
    pub effects: Vec<EffectVersion>,
    /// What else is done, which no package asks for.
    pub supplied: Supplied,
    /// What becomes of scripts that do more than effects do.
    pub undone: Undone,
}

/// What becomes of scripts that do more than effects do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undone {
    /// It is said, or stops the build.
    Report(OnNotRun),
    /// They are run in a sandbox in which it is this time, in seconds since 1970.
    Run(i64),
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

/// Makes the root filesystem that `source` describes; contents go to `spool`. As many as `threads`
/// packages are read at once, and all together have no more than `limits` allows.
///
/// # Errors
///
/// [`PackagesError`]: the first package that cannot be had or read, packages that cannot be
/// installed together, effects that cannot be applied.
pub fn unpack_packages<E: Engine>(
    source: &PackagesSource,
    (threads, limits): (NonZeroUsize, &Limits),
    tools: &Tools<'_, E>,
    spool: &mut FileSpool,
) -> Result<PackagesRoot, PackagesError> {
    let bytes = source.packages.iter().map(|locked| locked.blob.size).sum();
    tools.progress.stage("unpacking packages", Some(bytes));
    let read = read::read_packages(source, (threads, limits), tools, spool)?;
    let (packages, found): (Vec<_>, Vec<_>) = read.into_iter().unzip();
    let base = effects::base(source, &packages)?;
    let mut diversions = enclair_packages::scripts::diversions(&packages, &source.architecture);
    let settings = Settings {
        filter: &source.filter,
        diversions: &diversions,
        accounts: &accounts(&source.supplied),
    };
    let mut root = unpack(base, packages, &settings, spool)?;
    tools.progress.stage("applying effects", None);
    let applied = effects::apply(source, &mut root, spool)?;
    diversions.extend(applied.diversions);
    let system = database::System {
        architecture: &source.architecture,
        diversions: &diversions,
    };
    database::write(&mut root, &system, spool)?;
    if let Undone::Run(time) = source.undone {
        tools.progress.stage("running scripts", None);
        sandbox::run(source, (&applied.reports, time), &mut root, (limits, spool))?;
    }
    let document = PackagesDocument::new(&root, &source.packages);
    for found in found {
        root.findings.merge(found);
    }
    Ok(PackagesRoot {
        tree: root.tree,
        findings: root.findings,
        document,
    })
}

/// Files of packages may belong to users that the recipe supplies.
fn accounts(supplied: &Supplied) -> Accounts {
    let mut accounts = Accounts::default();
    for user in &supplied.users {
        accounts.add_user(user.name.as_bytes(), user.uid);
        accounts.add_group(user.name.as_bytes(), user.gid);
    }
    for group in &supplied.groups {
        accounts.add_group(group.name.as_bytes(), group.gid);
    }
    accounts
}
