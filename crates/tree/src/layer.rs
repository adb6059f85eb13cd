//! Layers: changes to a tree, as tar archives with whiteouts (OCI image specification, "Layer
//! Filesystem Changeset").
//!
//! A layer is read as a whole before it changes anything. Then its whiteouts hide what the layers
//! below brought, and only that, wherever in the archive they stand; then its entries are put into
//! the tree one after the other, so that a later entry of the same path wins. The lowest layer has
//! nothing below it: its whiteouts are checked and hide nothing, and its entries do not wait.
//!
//! What an entry does to what is there:
//!
//! | there | entry | result |
//! |---|---|---|
//! | directory | directory | new metadata, what is under it stays |
//! | anything | directory | replaced by an empty directory |
//! | directory | anything else | replaced, with all that is under it |
//! | one of several hard links | anything | this name is replaced, the others keep the node |
//!
//! The surprise: a directory entry also replaces a *symlink* to a directory, which is how a layer
//! with an entry `lib/` breaks a system whose `lib` leads to `usr/lib`. All tools do it so. A
//! symlink among the *parents* of an entry is followed, inside the root.

use std::io::Read;

use enclair_digest::Limits;
use enclair_finding::Findings;

use crate::body::Spool;
use crate::budget::Budget;
use crate::error::{Error, Problem};
use crate::findings::{IMPLIED_DIRECTORY, LINK_METADATA_IGNORED};
use crate::node::{Metadata, Node, NodeId, NodeKind, Xattrs};
use crate::path::TreePath;
use crate::resolve::{LastLink, Steps};
use crate::tar::{Entry, EntryKind, Reader};
use crate::tree::Tree;
use crate::whiteout::{Whiteout, Whiteouts};

/// Applies the layer `tar`, uncompressed, to `tree`.
///
/// Contents go to `spool`. The limit on unpacked bytes holds for the archive, and for all that is
/// in `spool`: with one spool for all layers of an image it holds for the image. `tar` is read to
/// its very end, also behind the end of the archive, so that a digest of it can be compared.
///
/// # Errors
///
/// [`Error`] for everything that is not a well-formed layer. The tree is then neither the old nor
/// the new one and should be dropped.
pub fn apply_layer(
    tree: &mut Tree,
    tar: impl Read,
    spool: &mut dyn Spool,
    limits: &Limits,
    findings: &mut Findings,
) -> Result<(), Error> {
    let mut tar = tar;
    let reader = Reader::new(&mut tar, *limits);
    if tree.is_empty() {
        return apply_first(tree, reader, spool, findings);
    }
    let (layer, mut budget) = Layer::read(reader, spool, findings)?;
    let steps = Steps::default();
    layer.whiteouts.hide(tree, &steps)?;
    for entry in layer.entries {
        put(tree, entry, (&mut budget, &steps), findings)?;
    }
    Ok(())
}

/// Applies the lowest layer, which is most of most images, without holding its entries: there is
/// nothing below that a whiteout could hide, so nothing has to wait for the last of them.
fn apply_first(
    tree: &mut Tree,
    mut reader: Reader<'_>,
    spool: &mut dyn Spool,
    findings: &mut Findings,
) -> Result<(), Error> {
    let steps = Steps::default();
    while let Some(entry) = reader.next_entry(spool, findings)? {
        if let Whiteout::None = Whiteout::of(&entry, findings)? {
            put(tree, entry, (reader.budget(), &steps), findings)?;
        }
    }
    Ok(())
}

/// A layer that was read and not yet applied.
struct Layer {
    entries: Vec<Entry>,
    whiteouts: Whiteouts,
}

impl Layer {
    fn read(
        mut reader: Reader<'_>,
        spool: &mut dyn Spool,
        findings: &mut Findings,
    ) -> Result<(Self, Budget), Error> {
        let mut entries = Vec::new();
        let mut whiteouts = Whiteouts::default();
        while let Some(entry) = reader.next_entry(spool, findings)? {
            match Whiteout::of(&entry, findings)? {
                Whiteout::None => {
                    whiteouts.note_entry(&entry);
                    entries.push(entry);
                }
                Whiteout::Ignored => {}
                hiding @ (Whiteout::Path { .. } | Whiteout::Below { .. }) => whiteouts.add(hiding),
            }
        }
        let layer = Self { entries, whiteouts };
        Ok((layer, reader.into_budget()))
    }
}

/// Puts one entry into the tree, over what is there.
fn put(
    tree: &mut Tree,
    entry: Entry,
    (budget, steps): (&mut Budget, &Steps),
    findings: &mut Findings,
) -> Result<(), Error> {
    let offset = entry.offset;
    let path = tree.settle(&entry.path, steps, |tree, missing| {
        imply_directory(tree, missing, budget, offset, findings)
    })?;
    match entry.kind {
        EntryKind::Node(kind) => {
            let node = Node {
                metadata: entry.metadata,
                xattrs: entry.xattrs,
                kind,
            };
            tree.insert(path, node).map(drop)
        }
        EntryKind::HardLink(target) => {
            let linked = find_target(tree, &path, target, steps)?;
            if differs(tree, linked, &entry.metadata, &entry.xattrs) {
                findings.add(&LINK_METADATA_IGNORED, &path);
            }
            tree.link(path, linked)
        }
    }
}

/// Makes the directory that an entry below it implies.
pub(crate) fn imply_directory(
    tree: &mut Tree,
    path: &TreePath,
    budget: &mut Budget,
    offset: u64,
    findings: &mut Findings,
) -> Result<(), Error> {
    budget.count_entry(offset, path.as_bytes().len())?;
    findings.add(&IMPLIED_DIRECTORY, path);
    let node = Node::new(Metadata::new(0o755), NodeKind::Directory);
    tree.insert(path.clone(), node).map(drop)
}

/// The target of a hard link is followed over its parents, and is itself taken as it is: a hard
/// link to a symlink is a second name of the symlink.
fn find_target(
    tree: &Tree,
    path: &TreePath,
    target: TreePath,
    steps: &Steps,
) -> Result<NodeId, Error> {
    let found = match tree.resolve_within(&target, LastLink::Keep, steps) {
        Ok(found) => tree.id(&found),
        Err(Error::Entry {
            problem: Problem::Missing | Problem::NotDirectory,
            ..
        }) => None,
        Err(error) => return Err(error),
    };
    found.ok_or_else(|| {
        let target = Some(target);
        Error::entry(path.clone(), Problem::LinkMissing { target })
    })
}

/// Whether a hard link's own entry says something else than the node has. A symlink's mode means
/// nothing, and writers disagree about it; many repeat no attributes.
fn differs(tree: &Tree, id: NodeId, metadata: &Metadata, xattrs: &Xattrs) -> bool {
    let Some(node) = tree.node(id) else {
        return false;
    };
    let mut expected = node.metadata;
    if matches!(node.kind, NodeKind::Symlink(_)) {
        expected.permissions = metadata.permissions;
    }
    *metadata != expected || (!xattrs.is_empty() && *xattrs != node.xattrs)
}
