//! A tree as part of a ramdisk: entries of a canonical newc archive, under a prefix.
//!
//! The caller owns the archive: it writes what comes before the prefix and behind it, the marker
//! and the end. What is written here is the prefix itself, as a directory with the metadata of the
//! tree's root, and everything under it, in memcmp order.
//!
//! newc has no place for extended attributes, and canonical archives have hard links between
//! regular files only. Both are findings and not silence.
//!
//! The same walk runs twice: with a [`Forecast`] as the sink it gives the size and the CRC-32
//! that a container needs in its header, without reading a body; then with the real sink.

use std::collections::BTreeSet;
use std::convert::Infallible;

use enclair_cpio::{Kind, Metadata as Fields, Sink, WriteError, Writer};
use enclair_finding::Findings;
use thiserror::Error;

use crate::body::Body;
use crate::error::Problem;
use crate::findings::{CAPABILITY_DROPPED, HARDLINK_SPLIT, XATTR_DROPPED};
use crate::node::{Metadata, Node, NodeId, NodeKind};
use crate::path::{Escaped, TreePath};
use crate::tree::Tree;

/// Which times the entries get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MtimePolicy {
    /// All the same one, in seconds since 1970.
    Epoch(u32),
    /// Their own.
    Kept,
}

/// Why a tree does not become part of a ramdisk.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CpioError<E: std::error::Error + 'static> {
    /// A node that newc, or the kernel, cannot take.
    #[error("`{path}`: {problem}")]
    Entry {
        /// The path in the tree.
        path: TreePath,
        /// What is wrong with it.
        problem: Problem,
    },
    /// The archive refuses an entry, or its sink failed.
    #[error(transparent)]
    Archive(#[from] WriteError<E>),
}

impl<E: std::error::Error + 'static> CpioError<E> {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Entry { problem, .. } => problem.hint(),
            Self::Archive(error) => error.hint(),
        }
    }
}

impl enclair_cpio::Body for Body {
    fn len(&self) -> u64 {
        Self::len(self)
    }
}

/// Writes `tree` under `prefix`, the prefix itself first.
///
/// With the root as prefix only what is under the root is written: an archive has no entry for
/// its own root, so the metadata of the tree's root would be lost, and other than 0755 0:0 is an
/// error.
///
/// Findings are added on every call: give the one for a [`Forecast`] a list of its own.
///
/// # Errors
///
/// [`CpioError::Entry`] for a time outside of 32 bits and for the id 4294967295;
/// [`CpioError::Archive`] for all that the writer refuses, and for its sink.
pub fn to_cpio<S>(
    tree: &Tree,
    prefix: &TreePath,
    writer: &mut Writer<S, Body>,
    mtime: MtimePolicy,
    findings: &mut Findings,
) -> Result<(), CpioError<S::Error>>
where
    S: Sink<Body>,
    S::Error: std::error::Error + 'static,
{
    let mut written = BTreeSet::new();
    for (path, id, node) in tree.iter() {
        let entry = |problem| CpioError::Entry {
            path: path.clone(),
            problem,
        };
        let first = tree.links(id) < 2 || written.insert(id);
        note_losses(path, node, first, findings);
        let place = prefix.join(path);
        if place.is_root() {
            check_plain_root(&node.metadata).map_err(entry)?;
            continue;
        }
        let fields = fields(&node.metadata, mtime).map_err(entry)?;
        writer.entry(place.as_bytes(), fields, kind(tree, id, node, first))?;
    }
    Ok(())
}

fn note_losses(path: &TreePath, node: &Node, first: bool, findings: &mut Findings) {
    if !first {
        if !node.is_file() {
            findings.add(&HARDLINK_SPLIT, path);
        }
        return;
    }
    for name in node.xattrs.keys() {
        if name == b"security.capability" {
            findings.add(&CAPABILITY_DROPPED, path);
        } else {
            findings.add(&XATTR_DROPPED, format_args!("{path}: {}", Escaped(name)));
        }
    }
}

fn check_plain_root(metadata: &Metadata) -> Result<(), Problem> {
    if (metadata.permissions, metadata.uid, metadata.gid) == (0o755, 0, 0) {
        return Ok(());
    }
    Err(Problem::RootMetadata)
}

fn fields(metadata: &Metadata, mtime: MtimePolicy) -> Result<Fields, Problem> {
    let Metadata { uid, gid, .. } = *metadata;
    if uid == u32::MAX || gid == u32::MAX {
        return Err(Problem::Owner { uid, gid });
    }
    let mtime = match mtime {
        MtimePolicy::Epoch(epoch) => epoch,
        MtimePolicy::Kept => u32::try_from(metadata.mtime).map_err(|_| Problem::Time {
            mtime: metadata.mtime,
        })?,
    };
    Ok(Fields {
        permissions: metadata.permissions,
        uid,
        gid,
        mtime,
    })
}

fn kind<'a>(tree: &Tree, id: NodeId, node: &'a Node, first: bool) -> Kind<'a, Body> {
    let links = tree.links(id);
    let group = u64::from(id.0);
    match &node.kind {
        NodeKind::File(body) if links < 2 => Kind::File { body },
        NodeKind::File(body) if first => Kind::LinkFirst { body, links, group },
        NodeKind::File(_) => Kind::LinkNext { links, group },
        NodeKind::Directory => Kind::Directory,
        NodeKind::Symlink(target) => Kind::Symlink(target),
        NodeKind::CharacterDevice { major, minor } => Kind::CharacterDevice {
            major: *major,
            minor: *minor,
        },
        NodeKind::BlockDevice { major, minor } => Kind::BlockDevice {
            major: *major,
            minor: *minor,
        },
        NodeKind::Fifo => Kind::Fifo,
        NodeKind::Socket => Kind::Socket,
    }
}

/// Length and CRC-32 of an archive that is not written: bodies count with what is known of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Forecast {
    len: u64,
    crc32: u32,
}

impl Forecast {
    /// Of nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Length in bytes.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// CRC-32/ISO-HDLC of all the bytes.
    pub fn crc32(&self) -> u32 {
        self.crc32
    }

    fn grow(&mut self, len: u64) {
        self.len = self.len.saturating_add(len);
    }
}

impl Sink<Body> for Forecast {
    type Error = Infallible;

    fn bytes(&mut self, bytes: &[u8]) -> Result<(), Infallible> {
        let mut sum = crc32fast::Hasher::new_with_initial(self.crc32);
        sum.update(bytes);
        self.crc32 = sum.finalize();
        self.grow(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        Ok(())
    }

    fn body(&mut self, body: &Body) -> Result<(), Infallible> {
        self.crc32 = crate::crc::combine(self.crc32, body.crc32(), body.len());
        self.grow(body.len());
        Ok(())
    }
}
