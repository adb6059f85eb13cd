//! The image's side: where in a tree something lands.
//!
//! Every place is found by the tree's own resolution, so that no symlink of the image leads out of
//! it. What a symlink leads to and does not exist is made, as if it had been named.

use std::fmt;

use enclair_digest::Limits;
use enclair_tree::{Escaped, LastLink, Metadata, Node, NodeId, NodeKind, Problem, Tree, TreePath};

use super::PARENT;
use super::budget::Budget;
use super::error::Error;
use crate::ramdisk::ROOT;

/// Bytes of the longest path of an archive, without what the application's ramdisk puts in front.
const LONGEST: usize = 4095 - ROOT.len() - 1;
/// Bytes of the longest name that Linux file systems take.
const LONGEST_NAME: usize = 255;

/// `to` of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Destination {
    path: TreePath,
    /// Whether a directory is meant that a file goes into.
    into: bool,
}

impl Destination {
    pub(super) fn parse(to: &str) -> Result<Self, Error> {
        let Some(below) = to.strip_prefix('/') else {
            return Err(Error::NotAbsolute { to: escaped(to) });
        };
        let clean = below.strip_suffix('/').unwrap_or(below);
        let path = TreePath::parse(clean.as_bytes()).map_err(|source| Error::To {
            to: escaped(to),
            source,
        })?;
        let into = below.len() > clean.len() || path.is_root();
        Ok(Self { path, into })
    }

    pub(super) const fn path(&self) -> &TreePath {
        &self.path
    }

    pub(super) const fn is_into(&self) -> bool {
        self.into
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let behind = if self.into && !self.path.is_root() {
            "/"
        } else {
            ""
        };
        write!(f, "{}{behind}", in_image(&self.path))
    }
}

/// Text of the recipe as messages show it.
pub(super) fn escaped(text: &str) -> String {
    Escaped(text.as_bytes()).to_string()
}

/// A path of the image as messages show it.
pub(super) fn in_image(path: &TreePath) -> String {
    if path.is_root() {
        return "/".to_owned();
    }
    format!("/{path}")
}

/// A tree that files are laid over.
#[derive(Debug)]
pub(super) struct Ground<'a> {
    tree: &'a mut Tree,
    budget: Budget,
    /// The first node that the entry at work made. Ids grow, so whatever has a smaller one was
    /// there before.
    first: Option<NodeId>,
}

impl<'a> Ground<'a> {
    pub(super) const fn new(tree: &'a mut Tree, limits: Limits) -> Self {
        Self {
            tree,
            budget: Budget::new(limits),
            first: None,
        }
    }

    pub(super) const fn tree(&self) -> &Tree {
        self.tree
    }

    pub(super) const fn budget(&self) -> &Budget {
        &self.budget
    }

    pub(super) const fn budget_mut(&mut self) -> &mut Budget {
        &mut self.budget
    }

    /// Another entry starts: it may replace what those before it laid.
    pub(super) const fn begin(&mut self) {
        self.first = None;
    }

    /// The place of a file or symlink that is called `name` where `to` does not say.
    pub(super) fn place(
        &mut self,
        to: &Destination,
        name: &[u8],
        from: &str,
    ) -> Result<TreePath, Error> {
        let (Some(parent), Some(last), false) = (to.path.parent(), to.path.name(), to.into) else {
            let directory = self.directory(&to.path, PARENT, from)?;
            return child(&directory, name);
        };
        let directory = self.directory(&parent, PARENT, from)?;
        child(&directory, last)
    }

    /// The directory that `path` leads to. It is made with `metadata` where nothing is, and with
    /// it every directory on the way.
    pub(super) fn directory(
        &mut self,
        path: &TreePath,
        metadata: Metadata,
        from: &str,
    ) -> Result<TreePath, Error> {
        let mut made = None;
        loop {
            match self.tree.resolve(path, LastLink::Follow) {
                Ok(found) => {
                    if !self.tree.get(&found).is_some_and(Node::is_directory) {
                        return Err(no_directory(from, &found));
                    }
                    if made.as_ref() == Some(&found)
                        && let Some(node) = self.tree.get_mut(&found)
                    {
                        *node.metadata = metadata;
                    }
                    return Ok(found);
                }
                Err(enclair_tree::Error::Entry {
                    path,
                    problem: Problem::Missing,
                }) => {
                    self.budget.count(&path, path.as_bytes().len())?;
                    self.insert(path.clone(), Node::new(PARENT, NodeKind::Directory))?;
                    made = Some(path);
                }
                Err(enclair_tree::Error::Entry {
                    path,
                    problem: Problem::NotDirectory,
                }) => return Err(no_directory(from, &path)),
                Err(source) => {
                    return Err(Error::Place {
                        from: from.to_owned(),
                        source,
                    });
                }
            }
        }
    }

    /// The directory of the image that a directory of `from` is merged into at `place`.
    pub(super) fn subdirectory(
        &mut self,
        place: TreePath,
        metadata: Metadata,
        from: &str,
    ) -> Result<TreePath, Error> {
        match self.tree.get(&place).map(Node::is_directory) {
            Some(true) => Ok(place),
            Some(false) => {
                self.check_other(&place, from)?;
                self.directory(&place, metadata, from)
            }
            None => {
                self.insert(place.clone(), Node::new(metadata, NodeKind::Directory))?;
                Ok(place)
            }
        }
    }

    /// Puts a file or symlink at `place`, whose parent is a directory.
    pub(super) fn put(&mut self, place: TreePath, node: Node, from: &str) -> Result<(), Error> {
        if self.tree.get(&place).is_some_and(Node::is_directory) {
            return Err(Error::OverDirectory {
                from: from.to_owned(),
                to: in_image(&place),
            });
        }
        self.check_other(&place, from)?;
        self.insert(place, node)
    }

    /// Two names of one `from` at one place: one of them would be gone without a word.
    fn check_other(&self, place: &TreePath, from: &str) -> Result<(), Error> {
        let here = self.tree.id(place);
        if self.first.is_none() || here < self.first {
            return Ok(());
        }
        Err(Error::Twice {
            from: from.to_owned(),
            to: in_image(place),
        })
    }

    fn insert(&mut self, place: TreePath, node: Node) -> Result<(), Error> {
        check_path(&place)?;
        let id = self.tree.insert(place, node).map_err(Error::Tree)?;
        self.first.get_or_insert(id);
        Ok(())
    }
}

/// `name` in `directory`.
pub(super) fn child(directory: &TreePath, name: &[u8]) -> Result<TreePath, Error> {
    let name = TreePath::parse(name).map_err(|source| Error::To {
        to: in_image(directory),
        source,
    })?;
    let place = directory.join(&name);
    check_path(&place)?;
    Ok(place)
}

fn check_path(path: &TreePath) -> Result<(), Error> {
    let length = path.as_bytes().len();
    let name = path.name().unwrap_or_default().len();
    if length <= LONGEST && name <= LONGEST_NAME {
        return Ok(());
    }
    Err(Error::Long {
        to: in_image(path),
        length,
        name,
    })
}

fn no_directory(from: &str, place: &TreePath) -> Error {
    Error::OverOther {
        from: from.to_owned(),
        to: in_image(place),
    }
}
