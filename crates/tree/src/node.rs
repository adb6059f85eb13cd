//! What stands at a path: a node with owner, mode, time, extended attributes and its kind.

use std::collections::BTreeMap;

use crate::body::Body;

/// Names a node of one tree. Two paths with the same id are hard links to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(crate) u32);

/// Who owns a node, who may do what with it, and when it was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metadata {
    /// Permission bits with set-user-id, set-group-id and sticky: at most `0o7777`.
    pub permissions: u16,
    /// Numeric owner.
    pub uid: u32,
    /// Numeric group.
    pub gid: u32,
    /// Seconds since 1970; fractions are cut off downwards.
    pub mtime: i64,
}

impl Metadata {
    /// `permissions`, owned by 0:0, mtime 0.
    pub const fn new(permissions: u16) -> Self {
        Self {
            permissions: permissions & 0o7777,
            uid: 0,
            gid: 0,
            mtime: 0,
        }
    }
}

/// Extended attributes, by full name (`user.note`), in the order of their names.
pub type Xattrs = BTreeMap<Vec<u8>, Vec<u8>>;

/// What a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeKind {
    /// A directory; its entries are the paths under its own.
    Directory,
    /// A regular file.
    File(Body),
    /// A symbolic link, with its target as it was written.
    Symlink(Vec<u8>),
    /// A character device.
    CharacterDevice {
        /// Major number.
        major: u32,
        /// Minor number.
        minor: u32,
    },
    /// A block device.
    BlockDevice {
        /// Major number.
        major: u32,
        /// Minor number.
        minor: u32,
    },
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
}

/// Something in a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Owner, mode, time.
    pub metadata: Metadata,
    /// Extended attributes.
    pub xattrs: Xattrs,
    /// What it is.
    pub kind: NodeKind,
}

impl Node {
    /// A node without extended attributes.
    pub const fn new(metadata: Metadata, kind: NodeKind) -> Self {
        Self {
            metadata,
            xattrs: Xattrs::new(),
            kind,
        }
    }

    /// Whether this is a directory.
    pub const fn is_directory(&self) -> bool {
        matches!(self.kind, NodeKind::Directory)
    }

    /// Whether this is a regular file.
    pub const fn is_file(&self) -> bool {
        matches!(self.kind, NodeKind::File(_))
    }
}

/// A node that may be changed in everything but its kind, which the shape of a tree depends on.
#[derive(Debug)]
pub struct NodeMut<'a> {
    /// Owner, mode, time.
    pub metadata: &'a mut Metadata,
    /// Extended attributes.
    pub xattrs: &'a mut Xattrs,
    /// The content, for a regular file.
    pub body: Option<&'a mut Body>,
    /// The target, for a symbolic link.
    pub target: Option<&'a mut Vec<u8>>,
}

impl<'a> NodeMut<'a> {
    pub(crate) fn new(node: &'a mut Node) -> Self {
        let (body, target) = match &mut node.kind {
            NodeKind::File(body) => (Some(body), None),
            NodeKind::Symlink(target) => (None, Some(target)),
            NodeKind::Directory
            | NodeKind::CharacterDevice { .. }
            | NodeKind::BlockDevice { .. }
            | NodeKind::Fifo
            | NodeKind::Socket => (None, None),
        };
        Self {
            metadata: &mut node.metadata,
            xattrs: &mut node.xattrs,
            body,
            target,
        }
    }
}
