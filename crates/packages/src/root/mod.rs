//! Packages unpacked over each other into a tree, and dpkg's records of them.
//!
//! - [`unpack`]: the tree, and who brought what.
//! - [`PathFilter`], [`Diversion`], [`Accounts`]: what decides where a file goes and whose it is.
//! - [`database`]: dpkg's own files about the packages, for programs that look for them.
//!
//! Nothing of a package is run here. What its scripts would do is the matter of
//! [`effects`](crate::effects).

mod accounts;
mod conffile;
pub mod database;
mod diversion;
mod error;
mod filter;
mod pattern;
mod replaces;
mod unpack;

use std::collections::BTreeMap;

use enclair_finding::Findings;
use enclair_tree::{Tree, TreePath};

use crate::control::Control;
use crate::deb::Script;

pub use accounts::Accounts;
pub use diversion::Diversion;
pub use error::{ConffileProblem, RootError};
pub use filter::{Action, PathFilter};
pub use pattern::{Pattern, PatternError};
pub use unpack::unpack;

/// What decides about unpacking besides the packages themselves.
#[derive(Debug, Clone, Copy)]
pub struct Settings<'a> {
    /// Which paths come.
    pub filter: &'a PathFilter,
    /// What is put elsewhere.
    pub diversions: &'a [Diversion],
    /// Users and groups that no package brings.
    pub accounts: &'a Accounts,
}

/// All packages of a root filesystem, unpacked over each other.
#[derive(Debug)]
pub struct Root {
    /// The filesystem.
    pub tree: Tree,
    /// The packages in the order of installation.
    pub packages: Vec<Installed>,
    /// What was found on the way.
    pub findings: Findings,
    /// Who brought what stands at a path of the tree. Directories belong to all that have them;
    /// the first is here.
    owners: BTreeMap<TreePath, Owned>,
}

/// Whose a path of the tree is.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Owned {
    package: usize,
    /// What the package calls it, where that is not the path itself.
    name: Option<TreePath>,
}

impl Owned {
    fn new(package: usize, place: &TreePath, name: &TreePath) -> Self {
        let name = (name != place).then(|| name.clone());
        Self { package, name }
    }

    fn name<'a>(&'a self, place: &'a TreePath) -> &'a TreePath {
        self.name.as_ref().unwrap_or(place)
    }
}

impl Root {
    /// `tree` without any package.
    pub fn new(tree: Tree) -> Self {
        Self {
            tree,
            packages: Vec::new(),
            findings: Findings::new(),
            owners: BTreeMap::new(),
        }
    }

    /// The package that brought what stands at `path` of the tree, without symlinks in it: an
    /// index into [`Root::packages`]. `None` for what an effect made, and for what is not there.
    pub fn owner(&self, path: &TreePath) -> Option<usize> {
        self.owners.get(path).map(|owned| owned.package)
    }

    /// Every path that a package brought, with an index into [`Root::packages`], in memcmp order.
    /// An effect may have removed or replaced what stood there.
    pub fn owners(&self) -> impl Iterator<Item = (&TreePath, usize)> {
        self.owners
            .iter()
            .map(|(path, owned)| (path, owned.package))
    }
}

/// A package in a root filesystem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// The control paragraph.
    pub control: Control,
    /// The maintainer scripts.
    pub scripts: BTreeMap<Script, Vec<u8>>,
    /// Every other member of the control archive by its name.
    pub members: BTreeMap<String, Vec<u8>>,
    /// What the package has, as it names it and in its order: not diverted, not through merged
    /// `/usr`, with what was left out. Without what another package replaced.
    pub paths: Vec<TreePath>,
    /// Configuration files that the package marks as such, with the MD5 of their packaged content.
    pub conffiles: Vec<Conffile>,
}

/// A configuration file: dpkg would not replace it once somebody has changed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conffile {
    /// Its path as the package names it.
    pub path: TreePath,
    /// MD5 of the content, which dpkg's status file records.
    pub md5: [u8; 16],
}
