//! Diversions: a file that packages bring is put somewhere else, because one package wants the
//! place for a file of its own (dpkg-divert(1)).
//!
//! Packages make diversions in their scripts, before their files are unpacked; whoever reads the
//! scripts hands them over. Here they hold from the beginning. With `--rename`, which all of
//! Debian's scripts use, that comes to the same: what was unpacked before is moved.

use std::collections::BTreeMap;

use enclair_tree::TreePath;

/// One diversion. Paths are compared as packages name them, without regard to merged `/usr`: that
/// is how dpkg does it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Diversion {
    /// The path that is diverted.
    pub from: TreePath,
    /// Where files go that would be there.
    pub to: TreePath,
    /// The package whose file may be there; `None` for a diversion that holds for all.
    pub package: Option<String>,
}

/// All diversions by what is diverted.
#[derive(Debug)]
pub(super) struct Diversions<'a>(BTreeMap<&'a TreePath, &'a Diversion>);

impl<'a> Diversions<'a> {
    /// Of two diversions of one path the first counts: dpkg refuses the second.
    pub(super) fn new(all: &'a [Diversion]) -> Self {
        let mut by_path = BTreeMap::new();
        for diversion in all {
            by_path.entry(&diversion.from).or_insert(diversion);
        }
        Self(by_path)
    }

    /// Where `path` of `package` goes.
    pub(super) fn place<'p>(&self, path: &'p TreePath, package: &str) -> &'p TreePath
    where
        'a: 'p,
    {
        match self.0.get(path) {
            Some(diversion) if diversion.package.as_deref() != Some(package) => &diversion.to,
            _ => path,
        }
    }
}
