//! The tree: paths in memcmp order and the nodes that stand at them.
//!
//! What always holds: the root is a directory, every other path has a parent that is a directory,
//! and a node exists exactly as long as a path leads to it. A directory has one path; any other
//! node may have several, and is then a hard link.

use std::collections::BTreeMap;

use crate::error::{Error, Problem};
use crate::node::{Metadata, Node, NodeId, NodeKind, NodeMut};
use crate::path::TreePath;

#[derive(Debug, Clone)]
struct Slot {
    node: Node,
    links: u32,
}

/// A root filesystem as a value.
#[derive(Debug, Clone)]
pub struct Tree {
    paths: BTreeMap<TreePath, NodeId>,
    /// By id. A place is not used again, so that an id never comes to mean another node.
    slots: Vec<Option<Slot>>,
}

impl Tree {
    /// A tree that has only its root directory.
    pub fn new(root: Metadata) -> Self {
        let slot = Slot {
            node: Node::new(root, NodeKind::Directory),
            links: 1,
        };
        Self {
            paths: BTreeMap::from([(TreePath::root(), NodeId(0))]),
            slots: vec![Some(slot)],
        }
    }

    /// Metadata of the root directory.
    pub fn root(&self) -> Metadata {
        self.get(&TreePath::root())
            .map_or(Metadata::new(0o755), |node| node.metadata)
    }

    /// Paths in the tree, the root among them.
    pub fn len(&self) -> usize {
        self.paths.len()
    }

    /// Whether there is nothing but the root.
    pub fn is_empty(&self) -> bool {
        self.len() <= 1
    }

    /// The id of the node at `path`; symlinks are not followed.
    pub fn id(&self, path: &TreePath) -> Option<NodeId> {
        self.paths.get(path).copied()
    }

    /// The node at `path`; symlinks are not followed.
    pub fn get(&self, path: &TreePath) -> Option<&Node> {
        self.id(path).and_then(|id| self.node(id))
    }

    /// The node `id`; `None` when it is gone.
    pub fn node(&self, id: NodeId) -> Option<&Node> {
        self.slot(id).map(|slot| &slot.node)
    }

    /// How many paths lead to the node `id`.
    pub fn links(&self, id: NodeId) -> u32 {
        self.slot(id).map_or(0, |slot| slot.links)
    }

    /// The node at `path`, to be changed in everything but its kind. All its hard links change.
    pub fn get_mut(&mut self, path: &TreePath) -> Option<NodeMut<'_>> {
        let id = self.id(path)?;
        self.slot_mut(id).map(|slot| NodeMut::new(&mut slot.node))
    }

    /// Everything in memcmp order of the path, the root first.
    pub fn iter(&self) -> impl Iterator<Item = (&TreePath, NodeId, &Node)> {
        self.paths
            .iter()
            .filter_map(|(path, id)| Some((path, *id, self.node(*id)?)))
    }

    /// Everything under `path`, without itself, in memcmp order.
    pub fn descendants(
        &self,
        path: &TreePath,
    ) -> impl Iterator<Item = (&TreePath, NodeId, &Node)> + use<'_> {
        self.paths
            .range::<[u8], _>(path.descendants().bounds())
            .filter_map(|(path, id)| Some((path, *id, self.node(*id)?)))
    }

    /// Visits every node once, with the first of its paths, to change it: times, owners, contents.
    pub fn rewrite(&mut self, mut change: impl FnMut(&TreePath, NodeMut<'_>)) {
        let mut seen = vec![false; self.slots.len()];
        for (path, id) in &self.paths {
            let index = id.index();
            let (Some(seen), Some(Some(slot))) = (seen.get_mut(index), self.slots.get_mut(index))
            else {
                continue;
            };
            if !std::mem::replace(seen, true) {
                change(path, NodeMut::new(&mut slot.node));
            }
        }
    }

    /// Puts `node` at `path`.
    ///
    /// A directory at the place of a directory replaces its metadata and keeps what is under it;
    /// anything else replaces all that was there. Other paths of a hard-linked node keep it.
    ///
    /// # Errors
    ///
    /// [`Problem::Missing`] or [`Problem::NotDirectory`] for the parent, [`Problem::RootKind`].
    pub fn insert(&mut self, path: TreePath, node: Node) -> Result<NodeId, Error> {
        self.check_place(&path, node.is_directory())?;
        if node.is_directory()
            && let Some(id) = self.id(&path)
            && let Some(slot) = self.slot_mut(id)
            && slot.node.is_directory()
        {
            slot.node = node;
            return Ok(id);
        }
        self.remove(&path);
        let Some(id) = self.store(node) else {
            return Err(Error::entry(path, Problem::Full));
        };
        self.paths.insert(path, id);
        Ok(id)
    }

    /// Makes `path` a further name of the node `id`, replacing what was there.
    ///
    /// # Errors
    ///
    /// As for [`Tree::insert`]; [`Problem::LinkToDirectory`]; [`Problem::LinkMissing`] when the
    /// node does not exist.
    pub fn link(&mut self, path: TreePath, id: NodeId) -> Result<(), Error> {
        self.check_place(&path, false)?;
        match self.node(id) {
            None => return Err(Error::entry(path, Problem::LinkMissing { target: None })),
            Some(node) if node.is_directory() => {
                return Err(Error::entry(path, Problem::LinkToDirectory));
            }
            Some(_) if self.id(&path) == Some(id) => return Ok(()),
            Some(_) => {}
        }
        // Counted first: if the replaced subtree held the only other name, the node must survive.
        if let Some(slot) = self.slot_mut(id) {
            slot.links = slot.links.saturating_add(1);
        }
        self.remove(&path);
        self.paths.insert(path, id);
        Ok(())
    }

    /// Removes `path` and everything under it, and says how many paths that were.
    ///
    /// The root itself stays: removing it empties the tree.
    pub fn remove(&mut self, path: &TreePath) -> usize {
        let below = self.remove_descendants(path);
        if path.is_root() {
            return below;
        }
        let Some(id) = self.paths.remove(path) else {
            return 0;
        };
        self.release(id);
        below.saturating_add(1)
    }

    /// Removes everything under `path` but not itself.
    pub(crate) fn remove_descendants(&mut self, path: &TreePath) -> usize {
        if !self.get(path).is_some_and(Node::is_directory) {
            return 0;
        }
        let gone: Vec<TreePath> = self
            .paths
            .range::<[u8], _>(path.descendants().bounds())
            .map(|(path, _)| path.clone())
            .collect();
        for path in &gone {
            if let Some(id) = self.paths.remove(path) {
                self.release(id);
            }
        }
        gone.len()
    }

    fn check_place(&self, path: &TreePath, directory: bool) -> Result<(), Error> {
        let Some(parent) = path.parent() else {
            let root = if directory {
                Ok(())
            } else {
                Err(Problem::RootKind)
            };
            return root.map_err(|problem| Error::entry(path.clone(), problem));
        };
        match self.get(&parent) {
            Some(node) if node.is_directory() => Ok(()),
            Some(_) => Err(Error::entry(parent, Problem::NotDirectory)),
            None => Err(Error::entry(parent, Problem::Missing)),
        }
    }

    fn store(&mut self, node: Node) -> Option<NodeId> {
        let id = NodeId(u32::try_from(self.slots.len()).ok()?);
        self.slots.push(Some(Slot { node, links: 1 }));
        Some(id)
    }

    fn release(&mut self, id: NodeId) {
        let Some(place) = self.slots.get_mut(id.index()) else {
            return;
        };
        if let Some(slot) = place {
            slot.links = slot.links.saturating_sub(1);
            if slot.links == 0 {
                *place = None;
            }
        }
    }

    fn slot(&self, id: NodeId) -> Option<&Slot> {
        self.slots.get(id.index())?.as_ref()
    }

    /// The node at `path`, with its kind. Whoever changes that keeps the tree well-formed.
    pub(crate) fn node_mut(&mut self, path: &TreePath) -> Option<&mut Node> {
        let id = self.id(path)?;
        self.slot_mut(id).map(|slot| &mut slot.node)
    }

    fn slot_mut(&mut self, id: NodeId) -> Option<&mut Slot> {
        self.slots.get_mut(id.index())?.as_mut()
    }
}

impl NodeId {
    fn index(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}
