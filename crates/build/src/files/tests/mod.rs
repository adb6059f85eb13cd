//! Real directories, real repositories.

mod git;
mod hostile;
mod invariance;
mod places;
mod refused;

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use enclair_digest::{Limits, PureRust};
use enclair_recipe::NoSupply;
use enclair_tree::{MemorySpool, Metadata, Node, NodeKind, Tree, TreePath, read_body};

use super::{Entry, Error, Laid, Laying, Owner, What};

/// A directory with files, removed in the end.
struct Disk(tempfile::TempDir);

impl Disk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// With `files`: a path that ends in `/` is a directory, a content `-> x` a symlink.
    fn with(files: &[(&str, &str)]) -> Self {
        let disk = Self::new();
        for (path, content) in files {
            disk.add(path, content);
        }
        disk
    }

    fn add(&self, path: &str, content: &str) {
        let place = self.path(path);
        if path.ends_with('/') {
            return fs::create_dir_all(place).unwrap();
        }
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        match content.strip_prefix("-> ") {
            Some(target) => symlink(target, place).unwrap(),
            None => fs::write(place, content).unwrap(),
        }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn git(&self, arguments: &[&str]) {
        git_in(self.0.path(), arguments);
    }

    fn lay(&self, entries: &[Entry]) -> Result<Image, Error> {
        Image::empty().lay(self.0.path(), entries)
    }
}

/// Nothing of the machine's own configuration decides a test.
fn git_in(directory: &Path, arguments: &[&str]) {
    let output = Command::new("git")
        .args(["-c", "user.name=test", "-c", "user.email=test@example.org"])
        .args(["-c", "protocol.file.allow=always", "-C"])
        .arg(directory)
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
}

/// What an entry has when nothing else is said.
fn entry(what: What, to: &str) -> Entry {
    Entry {
        what,
        to: to.to_owned(),
        owner: Owner::default(),
        mode: None,
        dir_mode: 0o755,
        untracked: false,
    }
}

fn from(from: &str, to: &str) -> Entry {
    entry(What::From(PathBuf::from(from)), to)
}

fn link(target: &str, to: &str) -> Entry {
    entry(What::Link(target.to_owned()), to)
}

/// A tree with its contents, and what was said about it.
#[derive(Debug)]
struct Image {
    tree: Tree,
    spool: MemorySpool,
    laid: Laid,
}

impl Image {
    fn empty() -> Self {
        Self {
            tree: Tree::new(Metadata::new(0o755)),
            spool: MemorySpool::new(),
            laid: Laid::default(),
        }
    }

    /// With nodes as for [`Disk::with`], all of them owned by 7:7, directories 0750, files 0640.
    fn with(files: &[(&str, &str)]) -> Self {
        let mut image = Self::empty();
        for (path, content) in files {
            let (kind, mode) = match content.strip_prefix("-> ") {
                _ if path.ends_with('/') => (NodeKind::Directory, 0o750),
                Some(target) => (NodeKind::Symlink(target.into()), 0o777),
                None => (NodeKind::File(content.as_bytes().into()), 0o640),
            };
            let mut metadata = Metadata::new(mode);
            (metadata.uid, metadata.gid, metadata.mtime) = (7, 7, 99);
            let path = TreePath::from_archive(path.as_bytes()).unwrap();
            image.tree.insert(path, Node::new(metadata, kind)).unwrap();
        }
        image
    }

    fn lay(self, project: &Path, entries: &[Entry]) -> Result<Self, Error> {
        self.lay_within(project, entries, &Limits::default())
    }

    fn lay_within(
        mut self,
        project: &Path,
        entries: &[Entry],
        limits: &Limits,
    ) -> Result<Self, Error> {
        let laying = Laying {
            project,
            limits,
            engine: &PureRust,
            supply: &NoSupply,
            output: None,
        };
        self.laid = laying.lay(entries, &mut self.tree, &mut self.spool)?;
        Ok(self)
    }

    /// One line a node: everything about it.
    fn listing(&self) -> String {
        let mut lines = String::new();
        for (path, id, node) in self.tree.iter().skip(1) {
            let Metadata {
                permissions,
                uid,
                gid,
                mtime,
            } = node.metadata;
            let what = match &node.kind {
                NodeKind::Directory => "/".to_owned(),
                NodeKind::File(body) => {
                    let content = read_body(body, &self.spool).read_to_vec(1 << 30).unwrap();
                    format!(" = {}", content.escape_ascii())
                }
                NodeKind::Symlink(target) => format!(" -> {}", target.escape_ascii()),
                NodeKind::CharacterDevice { .. }
                | NodeKind::BlockDevice { .. }
                | NodeKind::Fifo
                | NodeKind::Socket => " special".to_owned(),
            };
            assert!(node.xattrs.is_empty() && self.tree.links(id) == 1);
            writeln!(lines, "{permissions:04o} {uid}:{gid} {mtime} {path}{what}").unwrap();
        }
        lines
    }

    /// The paths alone.
    fn paths(&self) -> Vec<String> {
        let paths = self.tree.iter().skip(1);
        paths.map(|(path, _, _)| path.to_string()).collect()
    }
}
