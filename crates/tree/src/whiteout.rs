//! Whiteouts: the names in a layer that say what of the layers below is gone.
//!
//! | name | meaning |
//! |---|---|
//! | `dir/.wh.NAME` | `dir/NAME` of the layers below is gone |
//! | `dir/.wh..wh..opq` | everything below `dir` of the layers below is gone; `dir` itself stays |
//! | any other component that starts with `.wh..wh.` | bookkeeping of aufs, left out with a finding |
//! | `.wh.`, `.wh..`, `.wh...` | an error: they would name the directory or its parent |
//!
//! Whiteouts name paths of the tree *below*, so they are resolved in it, all of them before the
//! first one removes anything. Where the layer itself hides a symlink below, or puts a directory in
//! its place, its whiteouts under that directory hide nothing: what the symlink leads to was never
//! part of it.

use std::collections::{BTreeMap, BTreeSet};

use enclair_finding::Findings;

use crate::error::{Error, Problem};
use crate::findings::WHITEOUT_UNKNOWN;
use crate::node::{Node, NodeKind};
use crate::path::TreePath;
use crate::resolve::{LastLink, Steps};
use crate::tar::{Entry, EntryKind};
use crate::tree::Tree;

const PREFIX: &[u8] = b".wh.";
const RESERVED: &[u8] = b".wh..wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";

/// What an entry of a layer is as a whiteout.
pub(crate) enum Whiteout {
    /// Not one: an ordinary entry.
    None,
    /// Bookkeeping that hides nothing.
    Ignored,
    /// Hides a path and what is under it.
    Path { directory: TreePath, name: TreePath },
    /// Hides what is under a directory.
    Below { directory: TreePath },
}

impl Whiteout {
    /// Looks at the name of `entry`.
    pub(crate) fn of(entry: &Entry, findings: &mut Findings) -> Result<Self, Error> {
        if !entry.path.components().any(|part| part.starts_with(PREFIX)) {
            return Ok(Self::None);
        }
        let directory = entry.path.parent().unwrap_or_default();
        let name = entry.path.name().unwrap_or_default();
        let reserved = |part: &[u8]| part.starts_with(RESERVED);
        if directory.components().any(reserved) || (reserved(name) && name != OPAQUE) {
            findings.add(&WHITEOUT_UNKNOWN, &entry.path);
            return Ok(Self::Ignored);
        }
        let error = |problem| Err(Error::entry(entry.path.clone(), problem));
        if directory.components().any(|part| part.starts_with(PREFIX)) {
            return error(Problem::WhiteoutDirectory);
        }
        if !is_empty_file(entry) {
            return error(Problem::WhiteoutKind);
        }
        if name == OPAQUE {
            return Ok(Self::Below { directory });
        }
        let hidden = name.strip_prefix(PREFIX).unwrap_or_default();
        match TreePath::parse(hidden) {
            Ok(name) if !name.is_root() => Ok(Self::Path { directory, name }),
            _ => error(Problem::whiteout_name(hidden)),
        }
    }
}

/// aufs writes its whiteouts as hard links to one of them.
fn is_empty_file(entry: &Entry) -> bool {
    match &entry.kind {
        EntryKind::HardLink(_) => true,
        EntryKind::Node(NodeKind::File(body)) => body.is_empty(),
        EntryKind::Node(_) => false,
    }
}

/// The whiteouts of one layer.
#[derive(Default)]
pub(crate) struct Whiteouts {
    hiding: Vec<Whiteout>,
    /// The directories and symlinks that the layer itself has.
    own: BTreeMap<TreePath, Own>,
    /// The paths that the layer hides, by the names it gives them.
    hidden: BTreeSet<TreePath>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Own {
    Directory,
    Symlink,
}

impl Whiteouts {
    /// Remembers an ordinary entry of the layer.
    pub(crate) fn note_entry(&mut self, entry: &Entry) {
        let own = match &entry.kind {
            EntryKind::Node(NodeKind::Directory) => Own::Directory,
            EntryKind::Node(NodeKind::Symlink(_)) => Own::Symlink,
            EntryKind::Node(_) | EntryKind::HardLink(_) => {
                self.own.remove(&entry.path);
                return;
            }
        };
        self.own.insert(entry.path.clone(), own);
    }

    pub(crate) fn add(&mut self, whiteout: Whiteout) {
        if let Whiteout::Path { directory, name } = &whiteout {
            self.hidden.insert(directory.join(name));
        }
        self.hiding.push(whiteout);
    }

    /// Removes from `tree`, which has the layers below, all that these whiteouts hide.
    pub(crate) fn hide(&self, tree: &mut Tree, steps: &Steps) -> Result<(), Error> {
        let mut paths = Vec::new();
        let mut directories = Vec::new();
        for whiteout in &self.hiding {
            match whiteout {
                Whiteout::None | Whiteout::Ignored => {}
                Whiteout::Path { directory, name } => {
                    let found = self.find(tree, directory, steps)?;
                    paths.extend(found.map(|found| found.join(name)));
                }
                Whiteout::Below { directory } => {
                    directories.extend(self.find(tree, directory, steps)?);
                }
            }
        }
        for path in paths {
            tree.remove(&path);
        }
        for directory in directories {
            tree.remove_descendants(&directory);
        }
        Ok(())
    }

    /// Where `directory` is in the layers below; `None` when it is not there or not what the
    /// layer means.
    fn find(
        &self,
        tree: &Tree,
        directory: &TreePath,
        steps: &Steps,
    ) -> Result<Option<TreePath>, Error> {
        let mut above = Some(directory.clone());
        while let Some(path) = above {
            let own = self.own.get(&path);
            let is_directory = tree.get(&path).is_some_and(Node::is_directory);
            if own == Some(&Own::Symlink) && is_directory {
                // The symlink replaces the directory with all that is in it.
                return Ok(None);
            }
            if own == Some(&Own::Symlink) {
                let problem = Problem::WhiteoutThroughLink { link: path };
                return Err(Error::entry(directory.clone(), problem));
            }
            let replaced = own.is_some() || self.hidden.contains(&path);
            if replaced && tree.get(&path).is_some_and(|node| !node.is_directory()) {
                return Ok(None);
            }
            above = path.parent();
        }
        match tree.resolve_within(directory, LastLink::Follow, steps) {
            Ok(found) => Ok(Some(found)),
            Err(Error::Entry {
                problem: Problem::Missing | Problem::NotDirectory,
                ..
            }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
