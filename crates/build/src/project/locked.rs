//! Locking a project, and building it from its lock.

use std::collections::BTreeSet;
use std::error::Error as StdError;
use std::io;
use std::path::{Path, PathBuf};

use enclair_digest::{ContentError, Engine, Limits, Sha256};
use enclair_packages::sums::Sums;
use enclair_recipe::{
    Artifact, Blob, Content, Lock, LockedImage, LockedSource, Origin, Source, Spanned,
};

use super::agreement::departures;
use super::document::{LockFile, Project};
use super::error::ProjectError;
use super::image::{is_current, local_path};
use super::inputs::Inputs;
use super::packages::ListingError;
use super::request::{Manner, check_decisions, request};
use super::resolve::{Entry, Resolver, digest_of};
use super::stamp::Watch;
use crate::content::open_file;
use crate::enclave::{Tools, build};
use crate::epoch::Epoch;
use crate::error::Error;
use crate::git::{ask_path, repository_of, top_of};
use crate::image::Scratch;
use crate::measure::Threads;
use crate::output::in_directory;
use crate::packages::PackagesError;
use crate::report::Report;
use crate::request::Provenance;

/// How many altered blobs are fetched again before the build gives up.
const ATTEMPTS: usize = 16;

/// Whether a build may resolve what is not locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Locking {
    /// It may, and writes the lock.
    Update,
    /// It builds what is locked, or nothing.
    Locked,
}

/// Whether a build that would change nothing is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// It is, and says so.
    Stamp,
    /// Everything is measured again.
    Always,
}

/// How a project is built.
#[derive(Debug, Clone)]
pub struct BuildOptions {
    /// Whether what is not locked may be resolved.
    pub locking: Locking,
    /// Whether a build may be left out.
    pub freshness: Freshness,
    /// How many threads measure.
    pub threads: Threads,
    /// What tells this program from another one with the same version.
    pub program: String,
    /// The epoch of a recipe that says none and is locked for the first time.
    pub epoch: Option<Epoch>,
}

/// What became of the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockChange {
    /// It is as it was.
    Kept,
    /// There was none.
    Created,
    /// It has other entries now.
    Updated,
}

/// An image that was built.
#[derive(Debug)]
pub struct Built {
    /// What it measures to.
    pub report: Report,
    /// The lock that it was built from.
    pub lock: LockFile,
    /// What became of the lock.
    pub change: LockChange,
    /// Blobs of the store that were altered, set aside and fetched again.
    pub altered: Vec<Sha256>,
}

/// What a build came to.
#[derive(Debug)]
pub enum Outcome {
    /// An image.
    Built(Box<Built>),
    /// What is there is what would be built from this lock; nothing was measured.
    UpToDate(Box<LockFile>),
}

impl Project {
    /// Resolves what is not locked, and writes the lock if that changes it. Entries in `update` are
    /// resolved in any case; `epoch` is that of a recipe that says none.
    ///
    /// # Errors
    ///
    /// What cannot be resolved, and a lock that cannot be read or written.
    pub fn lock<E: Engine>(
        &self,
        update: &[Entry],
        epoch: Option<Epoch>,
        tools: &Tools<'_, E>,
    ) -> Result<(LockFile, LockChange), ProjectError> {
        self.resolve((update, epoch, None), tools)
    }

    /// The same, and the packages of the source are those that `sums` names, instead of being chosen.
    ///
    /// # Errors
    ///
    /// Those of [`Self::lock`], a recipe without `source.packages`, and packages that are not what it
    /// asks for.
    pub fn import<E: Engine>(
        &self,
        sums: &Sums,
        (update, epoch): (&[Entry], Option<Epoch>),
        tools: &Tools<'_, E>,
    ) -> Result<(LockFile, LockChange), ProjectError> {
        if self.asked_packages().is_none() {
            let path = self.path.clone();
            return Err(ListingError::OtherSource { path }.into());
        }
        self.resolve((update, epoch, Some(sums)), tools)
    }

    fn resolve<E: Engine>(
        &self,
        (update, epoch, imported): (&[Entry], Option<Epoch>, Option<&Sums>),
        tools: &Tools<'_, E>,
    ) -> Result<(LockFile, LockChange), ProjectError> {
        let path = self.lock_path();
        let previous = LockFile::read(&path, tools.engine)?;
        if let Some(file) = &previous {
            // Else a lock of a later release would become one of this release without a word.
            check_decisions(&file.lock)?;
        }
        let previous_lock = previous.as_ref().map(|file| &file.lock);
        let resolver = Resolver {
            recipe: &self.recipe,
            directory: self.directory(),
            tools,
            update,
            epoch: epoch.map(|epoch| epoch.0),
            imported,
        };
        let lock = resolver.resolve(previous_lock)?;
        let file = LockFile::new(&path, lock, tools.engine);
        let change = match &previous {
            Some(known) if known.lock == file.lock => LockChange::Kept,
            Some(_) => LockChange::Updated,
            None => LockChange::Created,
        };
        if change != LockChange::Kept {
            file.write()?;
        }
        Ok((file, change))
    }

    /// What makes the lock another one than this recipe's, a sentence each; nothing is fetched.
    ///
    /// # Errors
    ///
    /// A lock that is not there or cannot be read, and what this release cannot build.
    pub fn check_lock<E: Engine>(
        &self,
        engine: &E,
    ) -> Result<(LockFile, Vec<String>), ProjectError> {
        let path = self.lock_path();
        let file = LockFile::read(&path, engine)?.ok_or(ProjectError::NoLock { path })?;
        check_decisions(&file.lock)?;
        let reasons = self.stale(&file.lock, engine)?;
        Ok((file, reasons))
    }

    fn stale<E: Engine>(&self, lock: &Lock, engine: &E) -> Result<Vec<String>, ProjectError> {
        let mut reasons = Vec::new();
        if lock.recipe == self.recipe.digest() {
            reasons.extend(departures(&self.recipe, lock));
        } else {
            reasons.push("the recipe has changed".to_owned());
        }
        for (entry, file) in lock.files() {
            match &file.from {
                Origin::File(path) => {
                    reasons.extend(self.stale_file((entry, path), &file.blob, engine)?);
                }
                Origin::Image { image, path: _ } if !self.is_image_current(image)? => {
                    reasons.push(format!(
                        "`{}` ({entry}) is another image than the one that is locked",
                        image.from
                    ));
                }
                Origin::Carried
                | Origin::Url { .. }
                | Origin::Image { .. }
                | Origin::Package { .. } => {}
            }
        }
        if let Some(LockedSource::Image(image)) = &lock.source
            && !self.is_image_current(image)?
        {
            reasons.push(format!(
                "`{}` is another image than the one that is locked",
                image.from
            ));
        }
        Ok(reasons)
    }

    /// What is wrong with a file on this disk; nothing with one that is gone, which the store may have.
    fn stale_file<E: Engine>(
        &self,
        (entry, path): (&str, &str),
        locked: &Blob,
        engine: &E,
    ) -> Result<Option<String>, ProjectError> {
        let opened = open_file(&self.directory().join(path));
        if let Err(error) = &opened
            && error.kind() == io::ErrorKind::NotFound
        {
            return Ok(None);
        }
        let found = opened.and_then(|mut open| digest_of(&mut open, engine));
        let found = found.map_err(|source| Error::Open {
            path: path.into(),
            source,
        })?;
        Ok((found != *locked).then(|| {
            format!(
                "`{path}` ({entry}) has digest sha256:{}, sha256:{} is locked",
                found.sha256, locked.sha256
            )
        }))
    }

    fn is_image_current(&self, image: &LockedImage) -> Result<bool, ProjectError> {
        let scratch = Scratch {
            directory: self.directory(),
            limit: *self.recipe.unpacked,
        };
        let arch = *self.recipe.enclave.arch;
        Ok(is_current(image, arch, (self.directory(), &scratch))?)
    }

    /// Builds into `out`.
    ///
    /// # Errors
    ///
    /// Everything in [`ProjectError`].
    pub fn build<E: Engine>(
        &self,
        options: &BuildOptions,
        out: &Path,
        tools: &Tools<'_, E>,
    ) -> Result<Outcome, ProjectError> {
        self.check_buildable()?;
        let locked = self.locked(tools.engine)?;
        let watch = self.watch(options, out);
        let text = locked.as_ref().map(|file| file.lock.to_toml());
        if options.freshness == Freshness::Stamp
            && watch.is_up_to_date(&text.unwrap_or_default(), out, tools.engine)
            && let Some(lock) = locked
        {
            return Ok(Outcome::UpToDate(Box::new(lock)));
        }
        let (lock, change) = match options.locking {
            Locking::Locked => (self.current_lock(tools.engine)?, LockChange::Kept),
            Locking::Update => {
                // Under a lock, the lock decides.
                let first = options.epoch.filter(|_| locked.is_none());
                self.lock(&[], first, tools)?
            }
        };
        let (report, altered) = self.build_lock(&lock, (options.threads, out), tools)?;
        let built = (&*lock.lock.to_toml(), &*report.eif.sha256);
        watch.leave(built, out, tools.engine);
        Ok(Outcome::Built(Box::new(Built {
            report,
            lock,
            change,
            altered,
        })))
    }

    /// The lock that is there, whatever recipe it is for.
    ///
    /// # Errors
    ///
    /// A file that cannot be read or is no lock.
    pub fn locked<E: Engine>(&self, engine: &E) -> Result<Option<LockFile>, ProjectError> {
        LockFile::read(&self.lock_path(), engine)
    }

    /// The lock, if it is this recipe's.
    ///
    /// # Errors
    ///
    /// Those of [`Self::check_lock`], and [`ProjectError::Stale`].
    pub fn current_lock<E: Engine>(&self, engine: &E) -> Result<LockFile, ProjectError> {
        let (file, reasons) = self.check_lock(engine)?;
        if reasons.is_empty() {
            return Ok(file);
        }
        let path = file.path;
        Err(ProjectError::Stale { path, reasons })
    }

    /// Everything that decides the build, as far as it can be told without reading it.
    fn watch(&self, options: &BuildOptions, out: &Path) -> Watch {
        let directory = self.directory();
        let repository = format!("{:?}", repository_of(directory));
        let mut watch = Watch::new(&[&self.text, &options.program, &repository]).without(out);
        for entry in self.recipe.files() {
            if let Content::Project(from) = &entry.content {
                watch.look(&directory.join(from.get()));
            }
        }
        if self.recipe.files().next().is_some()
            && let Some(index) = ask_path(directory, "index")
        {
            watch.look(&index);
        }
        for path in self.local_inputs() {
            let path = directory.join(path);
            watch.look(&path);
            // A symlink may stay as it is while what it leads to changes.
            if let Ok(target) = path.canonicalize() {
                watch.look(&target);
            }
        }
        watch
    }

    /// Files of this disk that the lock names.
    fn local_inputs(&self) -> Vec<PathBuf> {
        let mut paths = Vec::new();
        if let Source::Image(reference) = &self.recipe.source {
            paths.extend(local_path(reference));
        }
        let artifacts = self.recipe.artifacts().map(Spanned::get);
        paths.extend(artifacts.filter_map(|artifact| match artifact {
            Artifact::File { path } => Some(PathBuf::from(path.get())),
            Artifact::Image { reference, .. } => local_path(reference),
            Artifact::Url { .. } | Artifact::Package { .. } => None,
        }));
        paths
    }

    /// Builds what a lock says. A blob of the store that turns out to be altered is set aside,
    /// fetched again, and the build begins anew.
    fn build_lock<E: Engine>(
        &self,
        lock: &LockFile,
        (threads, out): (Threads, &Path),
        tools: &Tools<'_, E>,
    ) -> Result<(Report, Vec<Sha256>), ProjectError> {
        check_decisions(&lock.lock)?;
        in_directory(out, || self.build_attempts(lock, (threads, out), tools))
    }

    fn build_attempts<E: Engine>(
        &self,
        lock: &LockFile,
        (threads, out): (Threads, &Path),
        tools: &Tools<'_, E>,
    ) -> Result<(Report, Vec<Sha256>), ProjectError> {
        let inputs = self.inputs(&lock.lock, out, tools);
        let manner = Manner {
            threads,
            provenance: self.provenance(lock),
        };
        let mut altered = Vec::new();
        loop {
            let built = inputs.obtain().and_then(|()| {
                let request = request(&self.recipe, &inputs, manner.clone())?;
                build(&request, out, tools).map_err(supply_first)
            });
            let error = match built {
                Ok(report) => return Ok((report, altered)),
                Err(error) => error,
            };
            let found = altered_in(&error).filter(|sha256| tools.supply.open(sha256).is_ok());
            match (found, altered.last()) {
                (Some(sha256), _) if altered.len() < ATTEMPTS => {
                    let failed = |source| ProjectError::Supply { source };
                    tools.supply.set_aside(&sha256).map_err(failed)?;
                    altered.push(sha256);
                }
                (_, Some(sha256)) => {
                    return Err(ProjectError::Altered {
                        sha256: *sha256,
                        source: Box::new(error),
                    });
                }
                (_, None) => return Err(error),
            }
        }
    }

    /// Brings everything that the lock needs into the store, what this program carries and files of
    /// the project that are not in a clone included. The answer is what somebody else needs to build
    /// from it.
    ///
    /// # Errors
    ///
    /// What cannot be had.
    pub fn gather<E: Engine>(
        &self,
        lock: &LockFile,
        scratch: &Path,
        tools: &Tools<'_, E>,
    ) -> Result<BTreeSet<Sha256>, ProjectError> {
        self.inputs(&lock.lock, scratch, tools).gather()
    }

    fn inputs<'a, E: Engine>(
        &'a self,
        lock: &'a Lock,
        scratch: &'a Path,
        tools: &'a Tools<'a, E>,
    ) -> Inputs<'a, E> {
        Inputs {
            lock,
            directory: self.directory(),
            scratch,
            limits: Limits {
                unpacked_bytes: *self.recipe.unpacked,
                ..Limits::default()
            },
            tools,
        }
    }

    fn provenance(&self, lock: &LockFile) -> Provenance {
        let recipe = self.path.canonicalize().ok().and_then(|path| {
            let top = top_of(self.directory())?.canonicalize().ok()?;
            Some(path.strip_prefix(top).ok()?.display().to_string())
        });
        let name = || {
            self.path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
        };
        Provenance {
            recipe: recipe.or_else(name),
            lock: Some(lock.digest),
            notes: lock.lock.notes(),
        }
    }
}

/// The digest of the content that was not what it should be, somewhere in the causes of an error.
/// Packages that cannot be had stop a build while it is under way. It is the same failure as that of
/// any other input.
fn supply_first(error: Error) -> ProjectError {
    let Error::Packages(source) = error else {
        return error.into();
    };
    if let PackagesError::Obtain(source) = *source {
        return ProjectError::Supply { source };
    }
    Error::Packages(source).into()
}

fn altered_in(error: &ProjectError) -> Option<Sha256> {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = cause {
        let content = error
            .downcast_ref::<io::Error>()
            .and_then(ContentError::of)
            .or_else(|| error.downcast_ref());
        match content {
            Some(ContentError::Digest { expected, .. }) => return Some(*expected),
            Some(ContentError::Size { digest, .. }) => return Some(*digest),
            Some(_) | None => cause = error.source(),
        }
    }
    None
}
