//! The tree as a program sees it that runs with the tree as its root directory.
//!
//! Effects do what programs do, so they speak of files as programs do: paths follow symlinks,
//! `mkdir` does not replace, `cp` gives the content and not the node. Nothing leaves the tree: an
//! absolute symlink starts at its root again ([`enclair_tree::LastLink`]).
//!
//! What an effect makes is owned by 0:0 with time 0 unless it says something else; times are set
//! later, for all of the image.

use std::io::Read;

use enclair_tree::{Body, LastLink, Metadata, Node, NodeKind, Spool, Tree, TreePath, read_body};

use super::problem::Problem;

/// Bytes of the largest text that an effect reads at once. The largest real one, a bundle of
/// certificates, has 250 KB.
const TEXT: u64 = 16 << 20;

/// A tree and the contents of its files.
pub(crate) struct Filesystem<'a> {
    tree: &'a mut Tree,
    spool: &'a mut dyn Spool,
}

impl std::fmt::Debug for Filesystem<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Filesystem")
            .field("paths", &self.tree.len())
            .finish_non_exhaustive()
    }
}

impl<'a> Filesystem<'a> {
    /// The tree whose contents are in `spool`.
    pub(crate) fn new(tree: &'a mut Tree, spool: &'a mut dyn Spool) -> Self {
        Self { tree, spool }
    }

    /// The tree itself.
    pub(crate) fn tree(&self) -> &Tree {
        self.tree
    }

    /// The node that `path` leads to over all symlinks.
    pub(crate) fn node(&self, path: &str) -> Option<&Node> {
        self.tree.get(&self.real(path)?)
    }

    /// The node at `path`, which may be a symlink itself.
    pub(crate) fn own_node(&self, path: &str) -> Option<&Node> {
        self.tree.get(&self.place(path).ok()?)
    }

    /// Where `path` leads to over all symlinks, if something is there.
    pub(crate) fn real(&self, path: &str) -> Option<TreePath> {
        let path = TreePath::from_archive(path.as_bytes()).ok()?;
        self.tree.resolve(&path, LastLink::Follow).ok()
    }

    /// `[ -e path ]`.
    pub(crate) fn exists(&self, path: &str) -> bool {
        self.node(path).is_some()
    }

    /// `[ -d path ]`.
    pub(crate) fn is_directory(&self, path: &str) -> bool {
        self.node(path).is_some_and(Node::is_directory)
    }

    /// `[ -f path ]`.
    pub(crate) fn is_file(&self, path: &str) -> bool {
        self.node(path).is_some_and(Node::is_file)
    }

    /// `[ -L path ]`.
    pub(crate) fn is_symlink(&self, path: &str) -> bool {
        self.link_target(path).is_some()
    }

    /// `[ -x path ]` for root.
    pub(crate) fn is_executable(&self, path: &str) -> bool {
        self.node(path).is_some_and(|node| {
            node.is_directory() || (node.is_file() && node.metadata.permissions & 0o111 != 0)
        })
    }

    /// The target of the symlink at `path`.
    pub(crate) fn link_target(&self, path: &str) -> Option<&[u8]> {
        match &self.own_node(path)?.kind {
            NodeKind::Symlink(target) => Some(target),
            NodeKind::Directory
            | NodeKind::File(_)
            | NodeKind::CharacterDevice { .. }
            | NodeKind::BlockDevice { .. }
            | NodeKind::Fifo
            | NodeKind::Socket => None,
        }
    }

    /// The names in the directory that `path` leads to, in the order of their bytes; none for
    /// anything else.
    pub(crate) fn names(&self, path: &str) -> Vec<Vec<u8>> {
        let Some(directory) = self.real(path) else {
            return Vec::new();
        };
        let below = self.tree.descendants(&directory);
        let mut names: Vec<Vec<u8>> = below
            .filter_map(|(path, _, _)| path.strip_prefix(&directory))
            .filter(|path| path.components().nth(1).is_none())
            .map(|path| path.as_bytes().to_vec())
            .collect();
        names.sort_unstable();
        names
    }

    /// [`Filesystem::names`] of those that are UTF-8.
    pub(crate) fn text_names(&self, path: &str) -> Vec<String> {
        let names = self.names(path).into_iter();
        names
            .filter_map(|name| String::from_utf8(name).ok())
            .collect()
    }

    /// The content of the regular file that `path` leads to; `None` when there is none.
    pub(crate) fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Problem> {
        let Some(real) = self.real(path) else {
            return Ok(None);
        };
        match self.tree.get(&real).map(|node| &node.kind) {
            Some(NodeKind::File(body)) => match read_body(body, self.spool).read_to_vec(TEXT) {
                Ok(content) => Ok(Some(content)),
                Err(source) => Err(Problem::Read { path: real, source }),
            },
            _ => Ok(None),
        }
    }

    /// [`Filesystem::read`] as text.
    pub(crate) fn read_text(&self, path: &str) -> Result<Option<String>, Problem> {
        let Some(content) = self.read(path)? else {
            return Ok(None);
        };
        match String::from_utf8(content) {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(Problem::NotText {
                path: TreePath::from_archive(path.as_bytes())?,
            }),
        }
    }

    /// Bytes of `body` from `offset` on, as many as `buffer` holds and the body has.
    pub(crate) fn read_piece(
        &self,
        body: &Body,
        offset: u64,
        buffer: &mut [u8],
    ) -> std::io::Result<usize> {
        match body {
            Body::Inline(bytes) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX);
                bytes.get(start..).unwrap_or_default().read(buffer)
            }
            Body::Spooled {
                offset: start, len, ..
            } => {
                let left = usize::try_from(len.saturating_sub(offset)).unwrap_or(usize::MAX);
                let count = left.min(buffer.len());
                let buffer = buffer.get_mut(..count).unwrap_or_default();
                read_fully(self.spool, start.saturating_add(offset), buffer)
            }
        }
    }

    /// The place that `path` names, with the symlinks among its parents followed.
    fn place(&self, path: &str) -> Result<TreePath, Problem> {
        let path = TreePath::from_archive(path.as_bytes())?;
        let (Some(parent), Some(name)) = (path.parent(), path.name()) else {
            return Ok(path);
        };
        let parent = self.tree.resolve(&parent, LastLink::Follow)?;
        Ok(parent.join(&TreePath::parse(name)?))
    }

    /// The place that `path` leads to, for a file that will be made if it is not there.
    fn target(&self, path: &str) -> Result<TreePath, Problem> {
        match self.real(path) {
            Some(real) => Ok(real),
            None => self.place(path),
        }
    }

    /// Puts a new file at `path`, in place of whatever was there but a directory.
    pub(crate) fn put(
        &mut self,
        path: &str,
        content: impl AsRef<[u8]>,
        metadata: Metadata,
    ) -> Result<(), Problem> {
        let node = Node::new(metadata, NodeKind::File(Body::from(content.as_ref())));
        self.put_node(path, node)
    }

    /// Writes the file that `path` leads to as a shell's `>` does: one that exists keeps its owner
    /// and mode, a new one is 0644.
    pub(crate) fn write(&mut self, path: &str, content: impl AsRef<[u8]>) -> Result<(), Problem> {
        let place = self.target(path)?;
        let body = Body::from(content.as_ref());
        if let Some(mut node) = self.tree.get_mut(&place)
            && let Some(old) = node.body.as_mut()
        {
            **old = body;
            return Ok(());
        }
        let node = Node::new(Metadata::new(0o644), NodeKind::File(body));
        self.insert(place, node)
    }

    /// Puts a symlink at `path`, in place of whatever was there but a directory.
    pub(crate) fn symlink(&mut self, path: &str, target: impl AsRef<[u8]>) -> Result<(), Problem> {
        let kind = NodeKind::Symlink(target.as_ref().to_vec());
        self.put_node(path, Node::new(Metadata::new(0o777), kind))
    }

    /// Puts `node` at `path`, in place of whatever was there but a directory.
    pub(crate) fn put_node(&mut self, path: &str, node: Node) -> Result<(), Problem> {
        let place = self.place(path)?;
        self.insert(place, node)
    }

    /// A directory is never replaced: no program does that without saying so.
    fn insert(&mut self, place: TreePath, node: Node) -> Result<(), Problem> {
        let old = self.tree.get(&place);
        if old.is_some_and(Node::is_directory) && !node.is_directory() {
            return Err(Problem::Value {
                value: place.to_string(),
                what: "replaced: it is a directory",
            });
        }
        self.tree.insert(place, node)?;
        Ok(())
    }

    /// Makes a directory where nothing is; what is there stays as it is.
    pub(crate) fn make_directory(&mut self, path: &str, metadata: Metadata) -> Result<(), Problem> {
        let place = self.place(path)?;
        if self.tree.get(&place).is_none() {
            let node = Node::new(metadata, NodeKind::Directory);
            self.tree.insert(place, node)?;
        }
        Ok(())
    }

    /// Makes a directory and all above it that are missing, those as 0755 of 0:0.
    pub(crate) fn make_directories(
        &mut self,
        path: &str,
        metadata: Metadata,
    ) -> Result<(), Problem> {
        let path = TreePath::from_archive(path.as_bytes())?;
        let mut here = String::new();
        let mut components = path.components().peekable();
        while let Some(component) = components.next() {
            here.push('/');
            here.push_str(&text_of(component)?);
            let last = components.peek().is_none();
            let metadata = if last { metadata } else { Metadata::new(0o755) };
            self.make_directory(&here, metadata)?;
        }
        Ok(())
    }

    /// The place of what is at `path`, which may be a symlink itself, if something is there.
    pub(crate) fn own_place(&self, path: &str) -> Option<TreePath> {
        let place = self.place(path).ok()?;
        self.tree.get(&place).map(|_| place)
    }

    /// Gives the file that `path` leads to another content; owner and mode stay.
    pub(crate) fn replace_body(&mut self, path: &str, body: Body) -> Result<(), Problem> {
        let place = self.target(path)?;
        if let Some(mut node) = self.tree.get_mut(&place)
            && let Some(old) = node.body.as_mut()
        {
            **old = body;
        }
        Ok(())
    }

    /// Makes `to` a further name of what is at `from`, in place of a file that was there.
    pub(crate) fn hard_link(&mut self, from: &str, to: &str) -> Result<(), Problem> {
        let (from, to) = (self.place(from)?, self.place(to)?);
        match self.tree.id(&from) {
            Some(id) => Ok(self.tree.link(to, id)?),
            None => Err(Problem::Missing { path: from }),
        }
    }

    /// Removes `path` and all below it; the target of a symlink stays. Says whether anything was
    /// there.
    pub(crate) fn remove(&mut self, path: &str) -> Result<bool, Problem> {
        match self.place(path) {
            Ok(place) if !place.is_root() => Ok(self.tree.remove(&place) > 0),
            Ok(_) => Err(Problem::Value {
                value: path.to_owned(),
                what: "removed",
            }),
            // Its parent is not there, so neither is it.
            Err(Problem::Tree(_)) => Ok(false),
            Err(problem) => Err(problem),
        }
    }

    /// Owner and mode of the node at `place`, to be changed.
    pub(crate) fn change(&mut self, place: &TreePath, change: impl FnOnce(&mut Metadata)) -> bool {
        match self.tree.get_mut(place) {
            Some(node) => {
                change(node.metadata);
                true
            }
            None => false,
        }
    }

    /// Gives the file at `from` a second place, as `cp` does: content, and the metadata given.
    pub(crate) fn copy(&mut self, from: &str, to: &str, metadata: Metadata) -> Result<(), Problem> {
        let missing = || TreePath::from_archive(from.as_bytes());
        let Some(NodeKind::File(body)) = self.node(from).map(|node| node.kind.clone()) else {
            return Err(Problem::Missing { path: missing()? });
        };
        self.put_node(to, Node::new(metadata, NodeKind::File(body)))
    }

    /// [`Filesystem::copy`] with the owner and mode of `from`, as `cp -p` does.
    pub(crate) fn copy_with_metadata(&mut self, from: &str, to: &str) -> Result<(), Problem> {
        let metadata = self.node(from).map(|node| node.metadata);
        self.copy(from, to, metadata.unwrap_or(Metadata::new(0o644)))
    }

    /// Moves what is at `from` to `to`, with all below it, in place of a file that was there.
    pub(crate) fn rename(&mut self, from: &str, to: &str) -> Result<(), Problem> {
        let (from, to) = (self.place(from)?, self.place(to)?);
        if from == to {
            return Ok(());
        }
        if to.starts_with(&from) || self.tree.get(&from).is_none() {
            return Err(Problem::Missing { path: from });
        }
        let below = self.tree.descendants(&from);
        let mut moved: Vec<TreePath> = below.map(|(path, _, _)| path.clone()).collect();
        moved.insert(0, from.clone());
        for path in &moved {
            let (Some(rest), Some(id)) = (path.strip_prefix(&from), self.tree.id(path)) else {
                continue;
            };
            let place = to.join(&rest);
            match self.tree.node(id).cloned() {
                Some(node) if node.is_directory() => drop(self.tree.insert(place, node)?),
                Some(_) => self.tree.link(place, id)?,
                None => {}
            }
        }
        self.tree.remove(&from);
        Ok(())
    }
}

/// The text of one component of a path that came from text.
fn text_of(component: &[u8]) -> Result<String, Problem> {
    match std::str::from_utf8(component) {
        Ok(text) => Ok(text.to_owned()),
        Err(_) => Err(Problem::Value {
            value: component.escape_ascii().to_string(),
            what: "a name in text",
        }),
    }
}

fn read_fully(spool: &dyn Spool, offset: u64, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut read = 0_usize;
    while let Some(rest) = buffer.get_mut(read..).filter(|rest| !rest.is_empty()) {
        let done = u64::try_from(read).unwrap_or(u64::MAX);
        let count = spool.read_at(offset.saturating_add(done), rest)?;
        if count == 0 {
            break;
        }
        read = read.saturating_add(count);
    }
    Ok(read)
}
