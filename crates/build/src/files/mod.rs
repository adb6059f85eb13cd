//! Files of the project, laid into a root filesystem.
//!
//! An [`Entry`] says what and where to. From the disk come names, contents and the targets of
//! symlinks, and nothing else: owners and modes are the entry's, times are 0 until the caller sets
//! the epoch, and hard links, sparse blocks and extended attributes are not looked at. Inside of a
//! git repository the list of names is git's, so that a clone gives what the working directory
//! gives.
//!
//! It is not a container build: nothing runs, and nothing that an image has is removed but a file
//! that another one replaces.
//!
//! The surprise is that names in the image are followed and names on the disk are not. `/lib/x`
//! lands in `/usr/lib/x` where the image says so, because a second `/lib` would take the first one
//! away. A symlink on the way to `from` is refused, because the project is the border of what an
//! image may be made of, and everything on the disk may be changed while it is read.

mod budget;
mod copy;
mod disk;
mod error;
mod git;
mod ground;
mod link;
mod opaque;
mod owner;
mod report;
#[cfg(test)]
mod tests;
mod walk;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use enclair_digest::{Engine, Limits};
use enclair_recipe::{Blob, Supply};
use enclair_tree::{Metadata, Node, NodeKind, Spool, Tree, TreePath};

pub use error::{Error, Resource, Special, TargetProblem};
pub use opaque::Opaque;
pub use owner::Owner;
pub use report::{FileReport, Laid, LeftOut};

use copy::Copier;
use disk::{Found, Project};
use git::Selection;
use ground::{Destination, Ground};
use owner::Attributes;

/// One line of `[source] files` or one `[[overlay]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What is laid.
    pub what: What,
    /// Where it goes: absolute in the image. A `/` behind it means into this directory.
    pub to: String,
    /// Who owns it.
    pub owner: Owner,
    /// Permission bits of files; by content where none are given.
    pub mode: Option<u16>,
    /// Permission bits of directories that are made for what `from` has.
    pub dir_mode: u16,
    /// Whether files are taken that git does not track.
    pub untracked: bool,
}

/// What an [`Entry`] lays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A file or directory, relative to the project; `.` is the project itself.
    From(PathBuf),
    /// A file of the store.
    Kept(Kept),
    /// A symlink with this target, which is a path of the image and may be absolute.
    Link(String),
}

/// A file from elsewhere, which a lock names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its content.
    pub blob: Blob,
    /// The last part of its path where it was found: what it is called in a directory.
    pub name: String,
    /// Where it was found, in words.
    pub from: String,
}

/// Which names are taken, where they land, and with which metadata.
pub const FILES: &str = "files@1";
/// The modes of files whose entry gives none.
pub const FILE_MODES: &str = "file-modes@1";

/// The versioned decisions that laying entries uses, sorted, as a lock lists them. Of each entry is
/// said whether its mode follows from contents.
pub fn effects(entries: impl IntoIterator<Item = bool>) -> Vec<&'static str> {
    let entries: Vec<bool> = entries.into_iter().collect();
    let modes = entries.contains(&true).then_some(FILE_MODES);
    let files = (!entries.is_empty()).then_some(FILES);
    modes.into_iter().chain(files).collect()
}

/// How files are laid: from where, with which limits and engine.
#[derive(Debug, Clone, Copy)]
pub struct Laying<'a, E> {
    /// The directory that every `from` is relative to.
    pub project: &'a Path,
    /// Bytes of content that the spool may have, and names that may be looked at.
    pub limits: &'a Limits,
    /// What computes digests.
    pub engine: &'a E,
    /// Who has the files that are not the project's.
    pub supply: &'a dyn Supply,
    /// Where the results go. Nothing of it is taken: an image would have the one before it inside.
    pub output: Option<&'a Path>,
}

impl<E: Engine> Laying<'_, E> {
    /// Lays `entries` over `tree`, one after the other, contents to `spool`.
    ///
    /// # Errors
    ///
    /// See [`Error`]. Some entries may have been laid by then: the tree is not used any more.
    pub fn lay(
        &self,
        entries: &[Entry],
        tree: &mut Tree,
        spool: &mut dyn Spool,
    ) -> Result<Laid, Error> {
        let project = Project::open(self.project)?;
        let mut work = Work {
            project: &project,
            ground: Ground::new(tree, *self.limits),
            copier: Copier::new(self.engine, spool),
            files: BTreeMap::new(),
            left_out: LeftOut::default(),
            supply: self.supply,
            output: self.output.and_then(disk::Identity::of),
        };
        for entry in entries {
            work.lay(entry)?;
        }
        Ok(Laid {
            files: work.files.into_values().collect(),
            left_out: work.left_out,
        })
    }
}

/// What is used and gathered over all entries.
struct Work<'a, E> {
    project: &'a Project,
    ground: Ground<'a>,
    copier: Copier<'a, E>,
    files: BTreeMap<TreePath, FileReport>,
    left_out: LeftOut,
    supply: &'a dyn Supply,
    output: Option<disk::Identity>,
}

impl<E: Engine> Work<'_, E> {
    fn lay(&mut self, entry: &Entry) -> Result<(), Error> {
        let to = Destination::parse(&entry.to)?;
        let attributes = Attributes::of(entry, self.ground.tree(), self.copier.spool())?;
        self.ground.begin();
        match &entry.what {
            What::Link(target) => self.lay_link(target, &to, &attributes),
            What::Kept(kept) => self.lay_kept(kept, &to, &attributes),
            What::From(from) => {
                let source = disk::parse_from(from)?;
                match self.project.open_source(&source)? {
                    Found::Directory(directory) => {
                        let selection = self.select(&source, None, entry.untracked)?;
                        let from = walk::Source {
                            directory,
                            path: source,
                            selection,
                        };
                        self.lay_directory(from, &to, &attributes)
                    }
                    Found::File(file) => {
                        let parent = source.parent().unwrap_or(TreePath::root());
                        let parent = disk::Identity::of(&self.project.path_of(&parent));
                        self.check_output(parent, &source)?;
                        self.select(&source, source.parent(), entry.untracked)?;
                        let place = self.place_of_file(&source, &to)?;
                        self.lay_file(file, &source, place, &attributes)
                    }
                }
            }
        }
    }

    /// The names below `source` that are taken; with `parent`, whether it is taken itself.
    fn select(
        &self,
        source: &TreePath,
        parent: Option<TreePath>,
        untracked: bool,
    ) -> Result<Selection, Error> {
        if untracked {
            return Ok(Selection::All);
        }
        let question = git::Question {
            git: crate::git::GIT,
            project: &self.project.path_of(&TreePath::root()),
            directory: self.project.path_of(parent.as_ref().unwrap_or(source)),
            only: parent.and(source.name()),
            source,
        };
        question.ask()
    }

    /// Refuses what lies in the directory of the results.
    fn check_output(
        &self,
        directory: Option<disk::Identity>,
        source: &TreePath,
    ) -> Result<(), Error> {
        if self.output.is_some() && directory == self.output {
            let path = disk::shown(source);
            return Err(Error::Output { path });
        }
        Ok(())
    }

    fn place_of_file(&mut self, source: &TreePath, to: &Destination) -> Result<TreePath, Error> {
        let from = disk::shown(source);
        let name = source.name().unwrap_or_default();
        self.ground.place(to, name, &from)
    }

    fn lay_link(
        &mut self,
        target: &str,
        to: &Destination,
        attributes: &Attributes,
    ) -> Result<(), Error> {
        link::check_given(target, to)?;
        let from = ground::escaped(target);
        let place = self.ground.place(to, b"", &from)?;
        let kind = NodeKind::Symlink(target.as_bytes().to_vec());
        self.put(place, Node::new(attributes.link(), kind), &from)
    }

    fn lay_kept(
        &mut self,
        kept: &Kept,
        to: &Destination,
        attributes: &Attributes,
    ) -> Result<(), Error> {
        let place = self.ground.place(to, kept.name.as_bytes(), &kept.from)?;
        let copied = self
            .copier
            .copy_kept(kept, self.supply, self.ground.budget())?;
        let metadata = attributes.file(copied.executable);
        let report = FileReport::new(kept.from.clone(), &place, metadata, &copied);
        let node = Node::new(metadata, NodeKind::File(copied.body));
        self.put(place.clone(), node, &kept.from)?;
        self.files.insert(place, report);
        Ok(())
    }

    /// Copies one file and says what it is.
    fn lay_file(
        &mut self,
        file: std::fs::File,
        source: &TreePath,
        place: TreePath,
        attributes: &Attributes,
    ) -> Result<(), Error> {
        let copied = self.copier.copy(file, source, self.ground.budget())?;
        let metadata = attributes.file(copied.executable);
        let report = FileReport::new(disk::shown(source), &place, metadata, &copied);
        let node = Node::new(metadata, NodeKind::File(copied.body));
        self.put(place.clone(), node, &report.from)?;
        self.files.insert(place, report);
        Ok(())
    }

    /// Puts a file or symlink at `place`; a file of an earlier entry is gone then.
    fn put(&mut self, place: TreePath, node: Node, from: &str) -> Result<(), Error> {
        self.files.remove(&place);
        self.ground.put(place, node, from)
    }
}

/// Metadata of directories that nobody asked for: parents of what is laid.
const PARENT: Metadata = Metadata::new(0o755);
