//! Parts of an image as files in a directory that nobody else has seen yet.

use std::ffi::OsStr;
use std::fs::{self, File, FileTimes, OpenOptions, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use enclair_tree::{Node, NodeId, NodeKind, Tree, TreePath, read_body};
use tempfile::TempDir;

use super::{Parts, listing};
use crate::error::Error;
use crate::spool::FileSpool;

/// Writes all parts below `root`.
pub(super) fn fill(root: &Path, parts: &Parts) -> Result<(), Error> {
    for (name, body) in &parts.files {
        let path = root.join(name);
        write_body(&path, &mut read_body(body, &parts.spool)).map_err(extract(&path))?;
    }
    for (index, tree) in parts.ramdisks.iter().enumerate() {
        let list = root.join(format!("ramdisk{index}.entries.jsonl"));
        listing::write(&list, tree).map_err(extract(&list))?;
        let directory = root.join(format!("ramdisk{index}"));
        Unpacking {
            tree,
            spool: &parts.spool,
            root: &directory,
        }
        .run()?;
    }
    Ok(())
}

/// Gives a filled directory its name. An empty directory of that name is replaced.
pub(super) fn publish(filled: TempDir, target: &Path) -> Result<(), Error> {
    let write = |source| Error::Write {
        path: target.to_owned(),
        source,
    };
    fs::set_permissions(filled.path(), Permissions::from_mode(0o755)).map_err(write)?;
    fs::rename(filled.path(), target).map_err(write)?;
    // The directory has another name now: there is nothing left to remove.
    drop(filled.keep());
    Ok(())
}

fn extract(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Extract { path, source }
}

/// A tree on its way to the disk.
struct Unpacking<'a> {
    tree: &'a Tree,
    spool: &'a FileSpool,
    root: &'a Path,
}

impl Unpacking<'_> {
    fn run(&self) -> Result<(), Error> {
        let mut first_paths = std::collections::BTreeMap::new();
        for (path, id, node) in self.tree.iter() {
            let place = self.place(path);
            let first = first_paths.entry(id).or_insert_with(|| place.clone());
            let first = (*first != place).then_some(first.as_path());
            self.create(&place, node, first).map_err(extract(&place))?;
        }
        // Times and modes of directories last, deepest first: what is put into a directory
        // changes its time, and its mode may forbid it.
        let directories = self.tree.iter().filter(|(_, _, node)| node.is_directory());
        let directories: Vec<(&TreePath, NodeId, &Node)> = directories.collect();
        for (path, _, node) in directories.into_iter().rev() {
            let place = self.place(path);
            finish(&place, node, 0o700).map_err(extract(&place))?;
        }
        Ok(())
    }

    fn place(&self, path: &TreePath) -> PathBuf {
        if path.is_root() {
            self.root.to_owned()
        } else {
            self.root.join(OsStr::from_bytes(path.as_bytes()))
        }
    }

    fn create(&self, place: &Path, node: &Node, first: Option<&Path>) -> io::Result<()> {
        match (&node.kind, first) {
            (NodeKind::Directory, _) => fs::create_dir(place),
            (NodeKind::Symlink(target), _) => symlink(OsStr::from_bytes(target), place),
            (NodeKind::File(_), Some(first)) => fs::hard_link(first, place),
            (NodeKind::File(body), None) => {
                write_body(place, &mut read_body(body, self.spool))?;
                finish(place, node, 0)
            }
            // In the listing only: an ordinary user cannot make devices.
            (
                NodeKind::CharacterDevice { .. }
                | NodeKind::BlockDevice { .. }
                | NodeKind::Fifo
                | NodeKind::Socket,
                _,
            ) => Ok(()),
        }
    }
}

fn write_body(path: &Path, content: &mut impl io::Read) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    io::copy(content, &mut file).map(drop)
}

/// Sets mode, without set-id bits and with `at_least`, and time.
fn finish(path: &Path, node: &Node, at_least: u32) -> io::Result<()> {
    if let Ok(seconds) = u64::try_from(node.metadata.mtime) {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        File::open(path)?.set_times(FileTimes::new().set_modified(time))?;
    }
    let mode = u32::from(node.metadata.permissions & 0o777) | at_least;
    fs::set_permissions(path, Permissions::from_mode(mode))
}
