//! The system as a `preinst` finds it: without the package itself and those that follow.
//!
//! All packages are unpacked before any script is looked at. A `preinst` asks whether there are
//! files of an earlier version of its package, so it must not see those of this one.

use std::collections::BTreeMap;

use enclair_tree::TreePath;

use super::facts::Facts;
use crate::effects::MERGED;
use crate::root::Installed;

/// Which package, in the order of installation, is the first to have each path.
#[derive(Debug, Clone, Default)]
pub(super) struct Order {
    packages: BTreeMap<String, usize>,
    /// By path, through merged `/usr`.
    first: BTreeMap<TreePath, usize>,
}

impl Order {
    /// The order of `packages`.
    pub(super) fn new(packages: &[Installed]) -> Self {
        let mut order = Self::default();
        for (index, package) in packages.iter().enumerate() {
            let name = package.control.name().to_owned();
            order.packages.insert(name, index);
            for path in &package.paths {
                order.first.entry(merged(path)).or_insert(index);
            }
        }
        order
    }

    /// What `facts` are before `package` is unpacked.
    pub(super) fn before<'a>(&'a self, package: &str, facts: &'a dyn Facts) -> Before<'a> {
        Before {
            order: self,
            package: self.packages.get(package).copied(),
            facts,
        }
    }
}

/// [`Facts`] without what a package and its followers bring.
pub(super) struct Before<'a> {
    order: &'a Order,
    package: Option<usize>,
    facts: &'a dyn Facts,
}

impl Before<'_> {
    fn hides(&self, path: &str) -> bool {
        let Ok(path) = TreePath::from_archive(path.as_bytes()) else {
            return false;
        };
        let path = merged(&path);
        // Merged `/usr` is there before the first package, whichever has its directories.
        if path.components().count() <= 2 && is_in_merged_usr(&path) {
            return false;
        }
        match (self.order.first.get(&path), self.package) {
            (Some(first), Some(package)) => *first >= package,
            _ => false,
        }
    }
}

/// Whether a path through merged `/usr` is one of its directories, or below one of those.
fn is_in_merged_usr(path: &TreePath) -> bool {
    let mut names = path.components();
    let (first, second) = (names.next(), names.next());
    first == Some(b"usr") && MERGED.iter().any(|name| second == Some(name.as_bytes()))
}

/// A path through merged `/usr`.
fn merged(path: &TreePath) -> TreePath {
    let first = path.components().next();
    let aliased = MERGED.iter().any(|name| Some(name.as_bytes()) == first);
    match TreePath::parse(b"usr") {
        Ok(usr) if aliased => usr.join(path),
        _ => path.clone(),
    }
}

impl Facts for Before<'_> {
    fn exists(&self, path: &str) -> bool {
        !self.hides(path) && self.facts.exists(path)
    }

    fn is_directory(&self, path: &str) -> bool {
        !self.hides(path) && self.facts.is_directory(path)
    }

    fn is_executable(&self, path: &str) -> bool {
        !self.hides(path) && self.facts.is_executable(path)
    }

    fn is_file(&self, path: &str) -> bool {
        !self.hides(path) && self.facts.is_file(path)
    }

    fn is_symlink(&self, path: &str) -> bool {
        !self.hides(path) && self.facts.is_symlink(path)
    }

    fn names(&self, directory: &str) -> Vec<String> {
        let mut names = self.facts.names(directory);
        let directory = directory.trim_end_matches('/');
        names.retain(|name| !self.hides(&format!("{directory}/{name}")));
        names
    }

    fn content(&self, path: &str) -> Option<Vec<u8>> {
        if self.hides(path) {
            return None;
        }
        self.facts.content(path)
    }

    fn link(&self, path: &str) -> Option<String> {
        if self.hides(path) {
            return None;
        }
        self.facts.link(path)
    }

    fn has_user(&self, name: &str) -> Option<bool> {
        self.facts.has_user(name)
    }

    fn has_group(&self, name: &str) -> Option<bool> {
        self.facts.has_group(name)
    }
}
