//! Where the effects of maintainer scripts will be called from.
//!
//! A stub until the branch of the effects is here: only merged `/usr` is made.

use std::error::Error;
use std::fmt::Debug;

use enclair_packages::deb::Package;
use enclair_packages::root::{Diversion, Root};
use enclair_tree::{Metadata, Node, NodeKind, Spool, Tree, TreePath};

/// An effect that cannot be applied.
pub type EffectFailure = Box<dyn Error + Send + Sync>;

/// What is done before and after unpacking, in place of scripts.
pub trait Effects: Debug {
    /// The tree that packages are unpacked over.
    ///
    /// # Errors
    ///
    /// Those of the effects.
    fn base(&self, packages: &[Package]) -> Result<Tree, EffectFailure>;

    /// The diversions that scripts make before unpacking.
    ///
    /// # Errors
    ///
    /// Those of the effects.
    fn diversions(&self, packages: &[Package]) -> Result<Vec<Diversion>, EffectFailure>;

    /// What scripts would do after unpacking.
    ///
    /// # Errors
    ///
    /// Those of the effects.
    fn apply(&self, root: &mut Root, spool: &mut dyn Spool) -> Result<(), EffectFailure>;
}

/// Merged `/usr`, and nothing else.
#[derive(Debug, Clone, Copy)]
pub struct MergedUsrOnly;

const MERGED: [&str; 7] = ["bin", "lib", "lib32", "lib64", "libo32", "libx32", "sbin"];

impl Effects for MergedUsrOnly {
    fn base(&self, packages: &[Package]) -> Result<Tree, EffectFailure> {
        let mut tree = Tree::new(Metadata::new(0o755));
        let mut put = |path: &str, kind| {
            let path = TreePath::parse(path.as_bytes())?;
            let mode = if kind == NodeKind::Directory {
                0o755
            } else {
                0o777
            };
            tree.insert(path, Node::new(Metadata::new(mode), kind))?;
            Ok::<(), EffectFailure>(())
        };
        put("usr", NodeKind::Directory)?;
        for name in MERGED {
            let directory = TreePath::parse(name.as_bytes())?;
            let mut entries = packages.iter().flat_map(|package| &package.entries);
            let always = matches!(name, "bin" | "lib" | "sbin");
            if always || entries.any(|entry| entry.path.starts_with(&directory)) {
                let target = format!("usr/{name}");
                put(&target, NodeKind::Directory)?;
                put(name, NodeKind::Symlink(target.into_bytes()))?;
            }
        }
        Ok(tree)
    }

    fn diversions(&self, _: &[Package]) -> Result<Vec<Diversion>, EffectFailure> {
        Ok(Vec::new())
    }

    fn apply(&self, _: &mut Root, _: &mut dyn Spool) -> Result<(), EffectFailure> {
        Ok(())
    }
}
