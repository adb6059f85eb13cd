//! Makes tar archives by hand, right and wrong ones, and shows trees as lines.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "shared by several tests, each of which uses a part"
)]

use std::io::Read;

use enclair_digest::Limits;
use enclair_finding::Findings;
use enclair_tree::{
    Error, MemorySpool, Metadata, Node, NodeKind, Problem, TarProblem, Tree, apply_layer, read_body,
};

/// An archive that grows.
#[derive(Clone, Default)]
pub(crate) struct Forge(pub(crate) Vec<u8>);

/// An entry that is being described.
#[derive(Debug, Clone)]
pub(crate) struct Piece {
    block: [u8; 512],
    data: Vec<u8>,
    records: Option<Vec<u8>>,
}

pub(crate) fn octal(value: u64, digits: usize) -> Vec<u8> {
    format!("{value:0digits$o}\0").into_bytes()
}

pub(crate) fn piece(name: impl AsRef<[u8]>, flag: u8) -> Piece {
    let piece = Piece {
        block: [0; 512],
        data: Vec::new(),
        records: None,
    };
    let mode = if flag == b'5' { 0o755 } else { 0o644 };
    piece
        .raw(0, name.as_ref())
        .raw(100, octal(mode, 7))
        .raw(108, octal(0, 7))
        .raw(116, octal(0, 7))
        .size(0)
        .raw(136, octal(0, 11))
        .raw(156, [flag])
        .raw(257, b"ustar\x0000")
}

pub(crate) fn file(name: impl AsRef<[u8]>, data: impl AsRef<[u8]>) -> Piece {
    piece(name, b'0').data(data)
}

pub(crate) fn dir(name: impl AsRef<[u8]>) -> Piece {
    piece(name, b'5')
}

pub(crate) fn symlink(name: impl AsRef<[u8]>, target: impl AsRef<[u8]>) -> Piece {
    piece(name, b'2').raw(157, target)
}

pub(crate) fn link(name: impl AsRef<[u8]>, target: impl AsRef<[u8]>) -> Piece {
    piece(name, b'1').raw(157, target)
}

pub(crate) fn whiteout(name: impl AsRef<[u8]>) -> Piece {
    piece(name, b'0')
}

impl Piece {
    pub(crate) fn raw(mut self, at: usize, bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        self.block[at..at + bytes.len()].copy_from_slice(bytes);
        self
    }

    pub(crate) fn size(self, size: u64) -> Self {
        self.raw(124, octal(size, 11))
    }

    pub(crate) fn data(mut self, data: impl AsRef<[u8]>) -> Self {
        self.data = data.as_ref().to_vec();
        let size = u64::try_from(self.data.len()).unwrap();
        self.size(size)
    }

    /// Blocks behind the header that its size does not count.
    pub(crate) fn uncounted(mut self, mut blocks: Vec<u8>) -> Self {
        blocks.append(&mut self.data);
        self.data = blocks;
        self
    }

    pub(crate) fn mode(self, mode: u64) -> Self {
        self.raw(100, octal(mode, 7))
    }

    pub(crate) fn owner(self, uid: u64, gid: u64) -> Self {
        self.raw(108, octal(uid, 7)).raw(116, octal(gid, 7))
    }

    pub(crate) fn mtime(self, mtime: u64) -> Self {
        self.raw(136, octal(mtime, 11))
    }

    pub(crate) fn gnu(self) -> Self {
        self.raw(257, b"ustar  \0")
    }

    pub(crate) fn v7(self) -> Self {
        self.raw(257, [0; 8])
    }

    pub(crate) fn pax(self, records: &[(&str, &[u8])]) -> Self {
        let text = records.iter().flat_map(|(k, v)| record(k, v)).collect();
        self.records(text)
    }

    pub(crate) fn records(mut self, text: Vec<u8>) -> Self {
        self.records = Some(text);
        self
    }

    pub(crate) fn bytes(mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        if let Some(records) = self.records.take() {
            bytes = piece("PaxHeaders/x", b'x').data(records).bytes();
        }
        self.block[148..156].copy_from_slice(b"        ");
        let sum: u32 = self.block.iter().map(|byte| u32::from(*byte)).sum();
        self.block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        bytes.extend_from_slice(&self.block);
        bytes.extend_from_slice(&self.data);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
        bytes
    }
}

pub(crate) fn record(keyword: &str, value: &[u8]) -> Vec<u8> {
    let rest = keyword.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length += 1;
    }
    let mut text = format!("{length} {keyword}=").into_bytes();
    text.extend_from_slice(value);
    text.push(b'\n');
    text
}

impl Forge {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn of(pieces: impl IntoIterator<Item = Piece>) -> Vec<u8> {
        let forge = pieces.into_iter().fold(Self::new(), Self::with);
        forge.end()
    }

    pub(crate) fn with(mut self, piece: Piece) -> Self {
        self.0.extend(piece.bytes());
        self
    }

    pub(crate) fn end(mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + 1024, 0);
        self.0
    }
}

/// A tree with its spool and what was found on the way.
pub(crate) struct Image {
    pub(crate) tree: Tree,
    pub(crate) spool: MemorySpool,
    pub(crate) findings: Findings,
}

impl Image {
    pub(crate) fn new() -> Self {
        Self {
            tree: Tree::new(Metadata::new(0o755)),
            spool: MemorySpool::new(),
            findings: Findings::new(),
        }
    }

    pub(crate) fn try_apply(&mut self, tar: &[u8]) -> Result<(), Error> {
        self.try_apply_within(tar, &small_limits())
    }

    pub(crate) fn try_apply_within(&mut self, tar: &[u8], limits: &Limits) -> Result<(), Error> {
        let Self {
            tree,
            spool,
            findings,
        } = self;
        apply_layer(tree, tar, spool, limits, findings)
    }

    pub(crate) fn apply(mut self, pieces: impl IntoIterator<Item = Piece>) -> Self {
        self.try_apply(&Forge::of(pieces)).unwrap();
        self
    }

    /// What is at `path`, as a line; `-` for nothing.
    pub(crate) fn show(&self, path: &str) -> String {
        let path = path_of(path);
        self.tree
            .get(&path)
            .map_or_else(|| "-".to_owned(), |node| self.show_node(node))
    }

    pub(crate) fn content(&self, path: &str) -> Vec<u8> {
        let Some(NodeKind::File(body)) = self.tree.get(&path_of(path)).map(|node| &node.kind)
        else {
            panic!("{path} is no file");
        };
        let mut content = Vec::new();
        read_body(body, &self.spool)
            .read_to_end(&mut content)
            .unwrap();
        content
    }

    fn show_node(&self, node: &Node) -> String {
        match &node.kind {
            NodeKind::Directory => "directory".to_owned(),
            NodeKind::File(body) => {
                let content = read_body(body, &self.spool).read_to_vec(16 << 20);
                show_content(&content.unwrap())
            }
            NodeKind::Symlink(target) => format!("-> {}", String::from_utf8_lossy(target)),
            NodeKind::CharacterDevice { major, minor } => format!("c {major}:{minor}"),
            NodeKind::BlockDevice { major, minor } => format!("b {major}:{minor}"),
            NodeKind::Fifo => "fifo".to_owned(),
            NodeKind::Socket => "socket".to_owned(),
        }
    }

    /// Everything, a line for a path: two images are the same when these are.
    pub(crate) fn list(&self) -> Vec<String> {
        let line = |(path, id, node): (&enclair_tree::TreePath, enclair_tree::NodeId, &Node)| {
            let Metadata {
                permissions,
                uid,
                gid,
                mtime,
            } = node.metadata;
            let links = self.tree.links(id);
            let what = self.show_node(node);
            let xattrs = &node.xattrs;
            format!("{path} {permissions:o} {uid}:{gid} @{mtime} x{links} {xattrs:?} {what}")
        };
        self.tree.iter().map(line).collect()
    }

    /// The paths, without the root.
    pub(crate) fn paths(&self) -> Vec<String> {
        let paths = self.tree.iter().map(|(path, ..)| path.to_string());
        paths.skip(1).collect()
    }

    pub(crate) fn finding(&self, id: &str) -> Vec<String> {
        let found = self.findings.iter().find(|finding| finding.kind.id == id);
        found.map_or_else(Vec::new, |finding| finding.examples.clone())
    }
}

/// The content of a file as a part of a line: itself, or its length and sum.
pub(crate) fn show_content(content: &[u8]) -> String {
    if content.len() < 2000 {
        return format!("file {:?}", String::from_utf8_lossy(content));
    }
    format!(
        "file {} bytes, crc32 {:08x}",
        content.len(),
        crc32fast::hash(content)
    )
}

pub(crate) fn path_of(path: &str) -> enclair_tree::TreePath {
    enclair_tree::TreePath::from_archive(path.as_bytes()).unwrap()
}

/// Small enough that a test which breaks through does not fill the machine.
pub(crate) fn small_limits() -> Limits {
    Limits {
        unpacked_bytes: 64 << 20,
        entries: 10_000,
        document_bytes: 1 << 20,
    }
}

/// Why `tar` is refused on an empty tree.
pub(crate) fn refusal(tar: &[u8]) -> Error {
    Image::new().try_apply(tar).unwrap_err()
}

pub(crate) fn tar_problem(tar: &[u8]) -> TarProblem {
    let error = refusal(tar);
    let Error::Tar { problem, .. } = &error else {
        panic!("{error:?}");
    };
    problem.clone()
}

pub(crate) fn entry_problem(image: &mut Image, pieces: Vec<Piece>) -> (String, Problem) {
    let error = image.try_apply(&Forge::of(pieces)).unwrap_err();
    let Error::Entry { path, problem } = &error else {
        panic!("{error:?}");
    };
    (path.to_string(), problem.clone())
}
