//! A part of the store as a directory that goes to another machine.
//!
//! Blobs are copied and digested on the way. A hard link would leave the other side with a file
//! that this side can still change.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use enclair_digest::{Engine, Sha256};

use crate::directory::Directory;
use crate::error::{Action, Error};
use crate::layout::{COMPANIONS, Layout, unique_name, write_version};
use crate::size::Count;
use crate::store::Store;

/// A file that goes along with an export, in its directory `files/`: the lock, the recipe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Companion {
    /// The plain name that it gets.
    pub name: String,
    /// Where it is read from.
    pub path: PathBuf,
}

impl<E: Engine> Store<E> {
    /// Writes a store with these blobs to a new directory, which can be imported, or be used as a
    /// store.
    ///
    /// It is made beside `target`, under a name with `.incomplete-` in it, and renamed when all of
    /// it is on the disk. What an interrupted export leaves is no store: its version file comes
    /// last.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`], [`Error::CompanionName`], [`Error::Missing`], [`Error::Digest`] for a blob
    /// that was altered, and those of the file system. Nothing is left then.
    pub fn export(
        &self,
        target: &Path,
        digests: &BTreeSet<Sha256>,
        companions: &[Companion],
    ) -> Result<Count, Error> {
        check_names(companions)?;
        let exists = || Error::Exists {
            path: target.to_owned(),
        };
        let name = target.file_name().ok_or_else(exists)?;
        if target.symlink_metadata().is_ok() {
            return Err(exists());
        }
        let mut staging = name.to_owned();
        staging.push(unique_name(".incomplete-"));
        let staging = target.with_file_name(staging);
        let result = self
            .export_into(&staging, digests, companions)
            .and_then(|count| {
                fs::rename(&staging, target).map_err(Error::io(target, Action::Rename))?;
                sync_parent(target)?;
                Ok(count)
            });
        if result.is_err() && !matches!(result, Err(Error::Exists { .. })) {
            // The first error is the one that matters.
            let _ = fs::remove_dir_all(&staging);
        }
        result
    }

    fn export_into(
        &self,
        staging: &Path,
        digests: &BTreeSet<Sha256>,
        companions: &[Companion],
    ) -> Result<Count, Error> {
        let layout = Layout::within(Directory::create_new(staging)?)?;
        let exported = Self {
            layout: Arc::new(layout),
            engine: self.engine.clone(),
        };
        let mut count = Count::default();
        for sha256 in digests {
            let mut blob = self.open_blob(sha256)?;
            let (_, size) = exported.expect(sha256, None)?.fill(&mut blob)?;
            count.add(size);
        }
        let root = &exported.layout.root;
        if !companions.is_empty() {
            let files = root.child_or_create(COMPANIONS)?;
            for companion in companions {
                copy_companion(&files, companion)?;
            }
            files.sync()?;
        }
        write_version(root)?;
        Ok(count)
    }
}

/// Refuses names that would lead elsewhere, and two of the same.
fn check_names(companions: &[Companion]) -> Result<(), Error> {
    let mut names = BTreeSet::new();
    for Companion { name, .. } in companions {
        let mut components = Path::new(name).components();
        let plain = matches!(
            (components.next(), components.next()),
            (Some(Component::Normal(part)), None) if part == name.as_str()
        );
        if !plain || name.contains('\0') || !names.insert(name) {
            return Err(Error::CompanionName {
                name: name.escape_debug().to_string(),
            });
        }
    }
    Ok(())
}

fn copy_companion(files: &Directory, companion: &Companion) -> Result<(), Error> {
    let Companion { name, path } = companion;
    let mut from = File::open(path).map_err(Error::io(path, Action::Open))?;
    let target = files.path_of(name);
    let exists =
        || Error::io(&target, Action::Create)(io::Error::from(io::ErrorKind::AlreadyExists));
    let mut to = files.create_file(name)?.ok_or_else(exists)?;
    io::copy(&mut from, &mut to).map_err(Error::io(&target, Action::Write))?;
    to.flush().map_err(Error::io(&target, Action::Write))?;
    to.sync_all().map_err(Error::io(&target, Action::Sync))
}

fn sync_parent(target: &Path) -> Result<(), Error> {
    let parent = target
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    Directory::open(parent.unwrap_or(Path::new(".")))?.sync()
}
