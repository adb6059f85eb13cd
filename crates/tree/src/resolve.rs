//! Following symlinks inside a tree, as a process would whose root directory the tree is.
//!
//! An absolute target starts at the root, and `..` at the root stays there, so no symlink leads
//! out: `a -> ../../..` and `a -> /` both mean the root. Nothing is resolved by text alone, since
//! `link/..` is the parent of where the link leads and not the directory that it stands in.

use std::cell::Cell;

use crate::error::{Error, Problem};
use crate::node::{Node, NodeKind};
use crate::path::{PATH_MAX, TreePath};
use crate::tree::Tree;

/// Symlinks that are followed on one way before it is called a loop: the kernel's own number.
pub const MAX_HOPS: u32 = 40;

/// Whether a symlink in the last place is followed. Those before it always are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastLink {
    /// The result is where it leads.
    Follow,
    /// The result is the symlink.
    Keep,
}

impl Tree {
    /// The path that `path` stands for, without any symlink in it but perhaps the last.
    ///
    /// # Errors
    ///
    /// [`Problem::Missing`], [`Problem::NotDirectory`], [`Problem::Loop`], with the place where
    /// the way ended.
    pub fn resolve(&self, path: &TreePath, last: LastLink) -> Result<TreePath, Error> {
        self.resolve_within(path, last, &Steps::default())
    }

    /// [`Tree::resolve`] as one of many that have an allowance together.
    pub(crate) fn resolve_within(
        &self,
        path: &TreePath,
        last: LastLink,
        steps: &Steps,
    ) -> Result<TreePath, Error> {
        let mut walk = Walk::new(path, last);
        match walk.advance(self, steps)? {
            Stop::Arrived => Ok(walk.here),
            Stop::Missing(path) => Err(Error::entry(path, Problem::Missing)),
        }
    }

    /// Where a symlink with `target` would lead that stood in the directory `parent`, over all
    /// symlinks.
    ///
    /// # Errors
    ///
    /// As for [`Tree::resolve`].
    pub fn resolve_link(&self, parent: &TreePath, target: &[u8]) -> Result<TreePath, Error> {
        let start = if target.starts_with(b"/") {
            &TreePath::root()
        } else {
            parent
        };
        let mut walk = Walk::new(start, LastLink::Follow);
        let components = target.split(|byte| *byte == b'/').rev();
        let behind = components.map(<[u8]>::to_vec);
        walk.pending = behind.chain(walk.pending).collect();
        match walk.advance(self, &Steps::default())? {
            Stop::Arrived => Ok(walk.here),
            Stop::Missing(path) => Err(Error::entry(path, Problem::Missing)),
        }
    }

    /// The node that `path` leads to, over all symlinks; `None` when it leads to none.
    pub fn lookup(&self, path: &TreePath) -> Option<&Node> {
        let path = self.resolve(path, LastLink::Follow).ok()?;
        self.get(&path)
    }

    fn has_directory(&self, path: &TreePath) -> bool {
        self.get(path).is_some_and(Node::is_directory)
    }

    /// `path` with the symlinks among its parents resolved; it and the parents need not exist.
    ///
    /// `make` is called for every parent that is missing, and must put a directory there. `steps`
    /// is one allowance for all names of one hostile input.
    ///
    /// # Errors
    ///
    /// [`Problem::NotDirectory`], [`Problem::Loop`], [`Problem::Steps`], and those of `make`.
    pub fn settle(
        &mut self,
        path: &TreePath,
        steps: &Steps,
        mut make: impl FnMut(&mut Self, &TreePath) -> Result<(), Error>,
    ) -> Result<TreePath, Error> {
        let (Some(parent), Some(name)) = (path.parent(), path.name()) else {
            return Ok(path.clone());
        };
        // A parent that is itself in the tree has only directories above it: nothing to resolve.
        if self.has_directory(&parent) {
            return Ok(path.clone());
        }
        let mut walk = Walk::new(&parent, LastLink::Follow);
        while let Stop::Missing(missing) = walk.advance(self, steps)? {
            make(self, &missing)?;
            walk.here = missing;
        }
        if !self.has_directory(&walk.here) {
            return Err(Error::entry(walk.here, Problem::NotDirectory));
        }
        Ok(walk.here.child(name))
    }
}

/// Components that may be walked for all names of one archive. A real image of 100 000 entries
/// under a symlinked `/usr` takes a million; a few kilobytes of long names behind long symlinks
/// could take hours.
const MAX_STEPS: u64 = 4 << 20;

/// What is left of an archive's allowance of steps from component to component.
#[derive(Debug)]
pub struct Steps(Cell<u64>);

impl Default for Steps {
    fn default() -> Self {
        Self(Cell::new(MAX_STEPS))
    }
}

impl Steps {
    fn take(&self, here: &TreePath) -> Result<(), Error> {
        let left = self.0.get().checked_sub(1);
        self.0
            .set(left.ok_or_else(|| Error::entry(here.clone(), Problem::Steps))?);
        Ok(())
    }
}

/// Why a [`Walk`] stopped.
pub(crate) enum Stop {
    /// At its goal.
    Arrived,
    /// Before a path that does not exist.
    Missing(TreePath),
}

/// A way through a tree, component by component.
pub(crate) struct Walk {
    pub(crate) here: TreePath,
    /// Components still to go, the next one last.
    pending: Vec<Vec<u8>>,
    last: LastLink,
    hops: u32,
}

impl Walk {
    pub(crate) fn new(path: &TreePath, last: LastLink) -> Self {
        Self {
            here: TreePath::root(),
            pending: path.components().rev().map(<[u8]>::to_vec).collect(),
            last,
            hops: 0,
        }
    }

    pub(crate) fn advance(&mut self, tree: &Tree, steps: &Steps) -> Result<Stop, Error> {
        while let Some(component) = self.pending.pop() {
            steps.take(&self.here)?;
            match component.as_slice() {
                b"" | b"." => continue,
                b".." => {
                    self.here = self.here.parent().unwrap_or_default();
                    continue;
                }
                _ => {}
            }
            let next = self.here.child(&component);
            if next.as_bytes().len() >= PATH_MAX {
                return Err(Error::entry(next, Problem::Loop));
            }
            let Some(node) = tree.get(&next) else {
                return Ok(Stop::Missing(next));
            };
            self.step(next, node)?;
        }
        Ok(Stop::Arrived)
    }

    fn step(&mut self, next: TreePath, node: &Node) -> Result<(), Error> {
        let is_last = self.pending.is_empty();
        if let NodeKind::Symlink(target) = &node.kind
            && (!is_last || self.last == LastLink::Follow)
        {
            return self.follow(&next, target);
        }
        if !is_last && !node.is_directory() {
            return Err(Error::entry(next, Problem::NotDirectory));
        }
        self.here = next;
        Ok(())
    }

    fn follow(&mut self, link: &TreePath, target: &[u8]) -> Result<(), Error> {
        self.hops = self.hops.saturating_add(1);
        if self.hops > MAX_HOPS {
            return Err(Error::entry(link.clone(), Problem::Loop));
        }
        if target.starts_with(b"/") {
            self.here = TreePath::root();
        }
        let components = target.split(|byte| *byte == b'/').rev();
        self.pending.extend(components.map(<[u8]>::to_vec));
        Ok(())
    }
}
