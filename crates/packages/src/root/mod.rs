//! Packages unpacked over each other into a tree.

use std::collections::BTreeMap;

use enclair_finding::Findings;
use enclair_tree::{Tree, TreePath};

use crate::control::Control;
use crate::deb::Script;

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
    owners: BTreeMap<TreePath, usize>,
}

impl Root {
    /// The package that brought what stands at `path` of the tree, without symlinks in it: an
    /// index into [`Root::packages`]. `None` for what an effect made, and for what is not there.
    pub fn owner(&self, path: &TreePath) -> Option<usize> {
        self.owners.get(path).copied()
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
    /// `/usr`, with what was left out.
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
