//! A ramdisk as a tree, as the kernel's unpacker makes it (`init/initramfs.c`).
//!
//! The unpacker is not an ordinary cpio. Entries of all archives go into one tree, one after the
//! other:
//!
//! | entry | what is there | result |
//! |---|---|---|
//! | directory | directory | new owner and mode, what is under it stays |
//! | file | file | content, owner and mode are written *into* it, so its other names change too |
//! | device, pipe, socket | the same type | new owner and mode, the numbers stay as they were |
//! | symlink, or a further name of a hard link | anything but a filled directory | replaced |
//! | any | another type | replaced; a directory only when it is empty |
//! | any | no parent directory | nothing happens |
//!
//! Entries with the same inode and device, `nlink` over 1 and the same type are names of one node,
//! up to the end of an archive. Each of them may have the content; the last one decides about
//! content, owner and mode. Where nothing happens there is the finding
//! [`RAMDISK_ENTRY_MISPLACED`]: the kernel says nothing.
//!
//! The kernel's own built-in archive makes `dev` and `root` before anything else; both are made
//! here where something names them as a parent.

use std::collections::BTreeMap;
use std::io::{BufRead, Read};

use enclair_cpio::findings::RAMDISK_NO_TRAILER;
use enclair_cpio::{Entry, FileType, Header, Walker};
use enclair_digest::Limits;
use enclair_finding::Findings;

use crate::body::{Body, BodyWriter, CHUNK, Spool};
use crate::budget::Budget;
use crate::error::{Error, Problem};
use crate::findings::RAMDISK_ENTRY_MISPLACED;
use crate::node::{Metadata, Node, NodeKind};
use crate::path::TreePath;
use crate::resolve::{LastLink, Steps};
use crate::tree::Tree;

/// The longest name that a directory can hold.
const NAME_MAX: usize = 255;

/// Unpacks a ramdisk as the kernel does. Contents go to `spool`, and what `walker` itself finds
/// stays with it.
///
/// Entries of all its archives go into one tree, later ones over earlier ones. Where the kernel
/// would make nothing of an entry, because it has no parent directory or a directory that is not
/// empty stands in its place, there is the finding [`RAMDISK_ENTRY_MISPLACED`] and no node.
///
/// # Errors
///
/// [`Error::Ramdisk`] and [`Error::Read`] for a ramdisk that cannot be walked, [`Error::Name`]
/// for a name with `..`, [`Error::Limit`], [`Error::Spool`].
pub fn from_initramfs<R: BufRead>(
    walker: &mut Walker<R>,
    spool: &mut dyn Spool,
    limits: &Limits,
    findings: &mut Findings,
) -> Result<Tree, Error> {
    let mut unpacker = Unpacker {
        tree: Tree::new(Metadata::new(0o755)),
        budget: Budget::new(*limits),
        links: Links::default(),
        steps: Steps::default(),
        buffer: vec![0; CHUNK],
    };
    while let Some(found) = walker.next_entry().map_err(Error::Ramdisk)? {
        unpacker.links.enter(Archive::of(walker, found.segment));
        if makes_nothing(&found.entry.header) {
            continue;
        }
        unpacker.unpack(&found.entry, walker, spool, findings)?;
    }
    Ok(unpacker.tree)
}

/// Which archive an entry is in. One that just ends goes on in the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Archive {
    segment: usize,
    number: u32,
    without_trailer: u64,
}

impl Archive {
    fn of<R: BufRead>(walker: &Walker<R>, segment: usize) -> Self {
        let number = walker.segments().get(segment).map_or(0, |it| it.archives);
        let mut findings = walker.findings().iter();
        let found = findings.find(|finding| *finding.kind == RAMDISK_NO_TRAILER);
        Self {
            segment,
            number,
            without_trailer: found.map_or(0, |finding| finding.count),
        }
    }
}

/// What makes two entries names of one node.
type LinkKey = (u32, (u32, u32), u32);

/// The first names of the hard links of the current archive.
#[derive(Debug, Default)]
struct Links {
    archive: Archive,
    first: BTreeMap<LinkKey, TreePath>,
}

impl Links {
    fn enter(&mut self, archive: Archive) {
        if archive != self.archive && archive.without_trailer == self.archive.without_trailer {
            self.first.clear();
        }
        self.archive = archive;
    }

    /// The first name of the node, unless `path` is it, which is then remembered.
    fn first_name(&mut self, header: &Header, path: &TreePath) -> Option<TreePath> {
        if header.nlink < 2 {
            return None;
        }
        let key = (header.ino, header.dev, header.mode & 0o170_000);
        let known = self.first.get(&key).cloned();
        if known.is_none() {
            self.first.insert(key, path.clone());
        }
        known
    }
}

struct Unpacker {
    tree: Tree,
    budget: Budget,
    links: Links,
    steps: Steps,
    buffer: Vec<u8>,
}

/// What became of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Made,
    Misplaced,
}

impl Unpacker {
    fn unpack(
        &mut self,
        entry: &Entry,
        content: &mut dyn Read,
        spool: &mut dyn Spool,
        findings: &mut Findings,
    ) -> Result<(), Error> {
        self.budget.count_entry(entry.offset, entry.path.len())?;
        let offset = entry.offset;
        let path = TreePath::from_archive(&entry.path)
            .map_err(|problem| Error::Name { offset, problem })?;
        let kind = self.read_kind(entry, &path, content, spool)?;
        let outcome = match self.place(&path)? {
            None => Outcome::Misplaced,
            Some(place) => self.put(&entry.header, place, kind)?,
        };
        if outcome == Outcome::Misplaced {
            findings.add(&RAMDISK_ENTRY_MISPLACED, &path);
        }
        Ok(())
    }

    fn read_kind(
        &mut self,
        entry: &Entry,
        path: &TreePath,
        content: &mut dyn Read,
        spool: &mut dyn Spool,
    ) -> Result<NodeKind, Error> {
        let (major, minor) = entry.header.rdev;
        Ok(match entry.header.file_type() {
            Some(FileType::Regular) | None => {
                NodeKind::File(self.read_body(entry, path, content, spool)?)
            }
            Some(FileType::Symlink) => {
                self.budget
                    .count_name(entry.offset, u64::from(entry.header.size))?;
                let mut target = Vec::new();
                content
                    .take(u64::from(entry.header.size))
                    .read_to_end(&mut target)
                    .map_err(|source| read_error(entry, source))?;
                // The kernel's target ends at its first NUL.
                let end = target.iter().position(|byte| *byte == 0);
                target.truncate(end.unwrap_or(target.len()));
                NodeKind::Symlink(target)
            }
            Some(FileType::Directory) => NodeKind::Directory,
            Some(FileType::CharacterDevice) => NodeKind::CharacterDevice { major, minor },
            Some(FileType::BlockDevice) => NodeKind::BlockDevice { major, minor },
            Some(FileType::Fifo) => NodeKind::Fifo,
            Some(FileType::Socket) => NodeKind::Socket,
        })
    }

    fn read_body(
        &mut self,
        entry: &Entry,
        path: &TreePath,
        content: &mut dyn Read,
        spool: &mut dyn Spool,
    ) -> Result<Body, Error> {
        let size = u64::from(entry.header.size);
        self.budget
            .check_content(entry.offset, spool.position(), size)?;
        let mut body = BodyWriter::new(spool, path);
        loop {
            let count = content
                .read(&mut self.buffer)
                .map_err(|source| read_error(entry, source))?;
            if count == 0 {
                return Ok(body.finish());
            }
            body.append(self.buffer.get(..count).unwrap_or_default())?;
        }
    }

    /// Where an entry goes; `None` where it has no parent directory.
    fn place(&mut self, path: &TreePath) -> Result<Option<TreePath>, Error> {
        if path.components().any(|part| part.len() > NAME_MAX) {
            return Ok(None);
        }
        let built_in = |tree: &mut Tree, missing: &TreePath| {
            let permissions = match missing.as_bytes() {
                b"dev" => 0o755,
                b"root" => 0o700,
                _ => return Err(Error::entry(missing.clone(), Problem::Missing)),
            };
            let node = Node::new(Metadata::new(permissions), NodeKind::Directory);
            tree.insert(missing.clone(), node).map(drop)
        };
        match self.tree.settle(path, &self.steps, built_in) {
            Ok(place) => Ok(Some(place)),
            Err(Error::Entry {
                problem: Problem::Missing | Problem::NotDirectory | Problem::Loop,
                ..
            }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn put(&mut self, header: &Header, place: TreePath, kind: NodeKind) -> Result<Outcome, Error> {
        let metadata = metadata(header, &kind);
        let linkable = !matches!(kind, NodeKind::Directory | NodeKind::Symlink(_));
        let first = if linkable {
            self.links.first_name(header, &place)
        } else {
            None
        };
        if let Some(first) = first {
            return self.put_link(&place, &first, metadata, kind);
        }
        let there = self.tree.get(&place).map(|node| &node.kind);
        let stays = match (there, &kind) {
            (None, _) | (Some(NodeKind::Symlink(_)), NodeKind::Symlink(_)) => false,
            (Some(there), kind) => std::mem::discriminant(there) == std::mem::discriminant(kind),
        };
        if stays {
            return Ok(self.write_into(&place, metadata, kind));
        }
        let empty_target = matches!(&kind, NodeKind::Symlink(target) if target.is_empty());
        if self.clear(&place) == Outcome::Misplaced || empty_target {
            return Ok(Outcome::Misplaced);
        }
        self.tree.insert(place, Node::new(metadata, kind))?;
        Ok(Outcome::Made)
    }

    /// Makes `place` a name of what is at `first` now.
    fn put_link(
        &mut self,
        place: &TreePath,
        first: &TreePath,
        metadata: Metadata,
        kind: NodeKind,
    ) -> Result<Outcome, Error> {
        if self.clear(place) == Outcome::Misplaced {
            return Ok(Outcome::Misplaced);
        }
        let target = self
            .tree
            .resolve_within(first, LastLink::Keep, &self.steps)
            .ok();
        let Some(id) = target.and_then(|target| self.tree.id(&target)) else {
            return Ok(Outcome::Misplaced);
        };
        if self.tree.node(id).is_none_or(Node::is_directory) {
            return Ok(Outcome::Misplaced);
        }
        self.tree.link(place.clone(), id)?;
        Ok(if let NodeKind::File(body) = kind {
            self.write_link(place, metadata, body)
        } else {
            Outcome::Made
        })
    }

    /// Removes what is at `place`, unless that is a directory with something in it.
    fn clear(&mut self, place: &TreePath) -> Outcome {
        if place.is_root() || self.tree.descendants(place).next().is_some() {
            return Outcome::Misplaced;
        }
        self.tree.remove(place);
        Outcome::Made
    }

    /// Writes into a node of the same type, which keeps its identity and so its other names.
    fn write_into(&mut self, place: &TreePath, metadata: Metadata, kind: NodeKind) -> Outcome {
        let Some(node) = self.tree.node_mut(place) else {
            return Outcome::Misplaced;
        };
        node.metadata = metadata;
        if node.is_file() {
            node.kind = kind;
            return Outcome::Made;
        }
        // Making a device that is there already fails, and its numbers stay.
        if node.kind == kind {
            Outcome::Made
        } else {
            Outcome::Misplaced
        }
    }

    /// A further name brings metadata, and content only if it has some.
    fn write_link(&mut self, place: &TreePath, metadata: Metadata, body: Body) -> Outcome {
        let Some(node) = self.tree.node_mut(place).filter(|node| node.is_file()) else {
            return Outcome::Misplaced;
        };
        node.metadata = metadata;
        if !body.is_empty() {
            node.kind = NodeKind::File(body);
        }
        Outcome::Made
    }
}

fn metadata(header: &Header, kind: &NodeKind) -> Metadata {
    let permissions = if matches!(kind, NodeKind::Symlink(_)) {
        0o777
    } else {
        u16::try_from(header.permissions()).unwrap_or_default()
    };
    Metadata {
        permissions,
        uid: header.uid,
        gid: header.gid,
        mtime: i64::from(header.mtime),
    }
}

/// Whether the unpacker passes over an entry for its header alone; the walker has said so.
fn makes_nothing(header: &Header) -> bool {
    match header.file_type() {
        None => true,
        Some(FileType::Regular) => false,
        Some(FileType::Symlink) => header.size == 0 || header.size > 4095,
        Some(_) => header.size > 0,
    }
}

fn read_error(entry: &Entry, source: std::io::Error) -> Error {
    let offset = entry.offset;
    Error::Read { offset, source }
}
