//! A directory of the project, walked: without recursion, a directory's names in memcmp order,
//! its files before what is below it.

use std::ffi::CStr;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use enclair_digest::Engine;
use enclair_tree::{Node, NodeKind, TreePath};

use super::Work;
use super::disk::{self, GIT_DIRECTORY, Kind, shown};
use super::error::Error;
use super::git::Selection;
use super::ground::{self, Destination};
use super::link;
use super::owner::Attributes;

/// A directory that an entry names.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) directory: OwnedFd,
    /// Where it is in the project.
    pub(super) path: TreePath,
    pub(super) selection: Selection,
}

/// A directory whose names are not read yet.
#[derive(Debug)]
struct Pending {
    /// Below `from`.
    below: TreePath,
    /// The directory of the image that it is merged into.
    place: TreePath,
}

/// A name that is looked at.
struct Name<'a> {
    directory: BorrowedFd<'a>,
    bytes: &'a CStr,
    /// Below `from`.
    below: TreePath,
    /// In the project.
    source: TreePath,
}

impl<E: Engine> Work<'_, E> {
    pub(super) fn lay_directory(
        &mut self,
        mut from: Source,
        to: &Destination,
        attributes: &Attributes,
    ) -> Result<(), Error> {
        let metadata = attributes.directory();
        let place = self
            .ground
            .directory(to.path(), metadata, &shown(&from.path))?;
        let mut pending = vec![Pending {
            below: TreePath::root(),
            place,
        }];
        while let Some(next) = pending.pop() {
            let start = pending.len();
            self.lay_names(&mut from, &next, attributes, &mut pending)?;
            // Taken from the end: the first name must lie there.
            if let Some(added) = pending.get_mut(start..) {
                added.reverse();
            }
        }
        match from.selection.missing() {
            None => Ok(()),
            Some(name) => Err(Error::TrackedMissing {
                path: shown(&join(&from.path, name)?),
            }),
        }
    }

    fn lay_names(
        &mut self,
        from: &mut Source,
        here: &Pending,
        attributes: &Attributes,
        pending: &mut Vec<Pending>,
    ) -> Result<(), Error> {
        let base = from.directory.as_fd();
        let directory = disk::open_directory(base, &from.path, &here.below)?;
        let source = from.path.join(&here.below);
        self.check_output(disk::Identity::of_open(directory.as_fd()), &source)?;
        let kept = here.below.as_bytes().len() + here.place.as_bytes().len();
        let budget = self.ground.budget_mut();
        for name in disk::names(directory.as_fd(), &source, kept, budget)? {
            let name = Name {
                directory: directory.as_fd(),
                below: join(&here.below, name.to_bytes())?,
                source: join(&source, name.to_bytes())?,
                bytes: &name,
            };
            let kind = disk::kind_of(name.directory, name.bytes, &name.source)?;
            if !from.selection.take(kind, &name.below) || is_git(&name) {
                self.leave_out(&from.selection, &name, kind);
                continue;
            }
            let place = ground::child(&here.place, name.bytes.to_bytes())?;
            if kind == Kind::Directory {
                let text = shown(&name.source);
                let place = self
                    .ground
                    .subdirectory(place, attributes.directory(), &text)?;
                let below = name.below;
                pending.push(Pending { below, place });
            } else {
                self.lay_name(&name, kind, place, attributes)?;
            }
        }
        Ok(())
    }

    fn lay_name(
        &mut self,
        name: &Name<'_>,
        kind: Kind,
        place: TreePath,
        attributes: &Attributes,
    ) -> Result<(), Error> {
        match kind {
            Kind::File => {
                let file = disk::open_file(name.directory, name.bytes, &name.source)?;
                self.lay_file(file, &name.source, place, attributes)
            }
            Kind::Symlink => {
                let target = disk::read_link(name.directory, name.bytes, &name.source)?;
                link::check_found(&target, &name.below, &name.source)?;
                self.ground.budget_mut().count(&name.source, target.len())?;
                let node = Node::new(attributes.link(), NodeKind::Symlink(target));
                self.put(place, node, &shown(&name.source))
            }
            Kind::Special(kind) => Err(Error::NotCarried {
                path: shown(&name.source),
                kind,
            }),
            Kind::Directory => Err(Error::ChangedKind {
                path: shown(&name.source),
            }),
        }
    }

    fn leave_out(&mut self, selection: &Selection, name: &Name<'_>, kind: Kind) {
        // Where git was asked, everybody expects its own directory not to be taken.
        if is_git(name) && matches!(selection, Selection::Tracked(_)) {
            return;
        }
        let behind = if kind == Kind::Directory { "/" } else { "" };
        self.left_out
            .add(|| format!("{}{behind}", shown(&name.source)));
    }
}

fn is_git(name: &Name<'_>) -> bool {
    name.bytes.to_bytes() == GIT_DIRECTORY
}

/// `name` below `directory`, both on the disk.
fn join(directory: &TreePath, name: &[u8]) -> Result<TreePath, Error> {
    let failed = |source| Error::Name {
        path: shown(directory),
        source,
    };
    let name = TreePath::parse(name).map_err(failed)?;
    TreePath::parse(directory.join(&name).as_bytes()).map_err(failed)
}
