//! What of a lock comes from archives of packages: the packages of the source, and single files.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use enclair_digest::{Engine, Limits};
use enclair_packages::release::UnixSeconds;
use enclair_recipe::{
    Artifact, Lock, LockedFile, LockedPackages, LockedSuite, Origin, PackageArchive, Packages,
    Recipe, Source, Spanned,
};

use super::error::ProjectError;
use super::inside::Opening;
use super::packages::{
    ChoiceError, Chooser, Import, Sought, Suites, check_kernel_config, filter_of,
};
use super::resolve::{Entry, Resolver};

/// The suites that were locked before, and those that were read since.
#[derive(Debug)]
pub(super) struct Archives {
    locked: Vec<LockedSuite>,
    read: RefCell<BTreeMap<String, LockedSuite>>,
}

impl Archives {
    /// What `previous` has.
    pub(super) fn new(previous: Option<&Lock>) -> Self {
        Self {
            locked: previous.map(|lock| lock.suites.clone()).unwrap_or_default(),
            read: RefCell::default(),
        }
    }

    fn note(&self, chooser: &Chooser) {
        let mut read = self.read.borrow_mut();
        for suite in chooser.locked_suites() {
            read.insert(suite.name.clone(), suite.clone());
        }
    }

    /// The suites that `recipe` asks for, sorted: as they were read, else as they were locked. One
    /// that nothing was taken from is among them: it was looked at, and decided that.
    pub(super) fn into_used(self, recipe: &Recipe) -> Vec<LockedSuite> {
        let mut suites = self.read.into_inner();
        let asked = asked_suites(recipe);
        for locked in self.locked {
            if asked.contains(&locked.name) {
                suites.entry(locked.name.clone()).or_insert(locked);
            }
        }
        suites.into_values().collect()
    }
}

/// Names of every suite that packages of `recipe` are looked for in, as the lock has them.
fn asked_suites(recipe: &Recipe) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut add = |of: &str, suites: &[Spanned<String>]| {
        names.extend(suites.iter().map(|suite| format!("{of}:{}", suite.get())));
    };
    if let Source::Packages(packages) = &recipe.source {
        let archive = &packages.archive;
        add(archive.distribution.name(), &archive.suites);
        for repository in &packages.repositories {
            add(repository.name.get(), &repository.suites);
        }
    }
    for artifact in recipe.artifacts() {
        if let Some(archive) = archive_of(artifact, &recipe.source) {
            add(archive.distribution.name(), &archive.suites);
        }
    }
    names
}

impl<E: Engine> Resolver<'_, E> {
    /// The packages of the source: what is locked, as long as the recipe asks for the same.
    pub(super) fn packages(
        &self,
        packages: &Packages,
        known: Option<&LockedPackages>,
        archives: &Archives,
    ) -> Result<LockedPackages, ProjectError> {
        let update = self.update.contains(&Entry::Source);
        let is_asked = |known: &&LockedPackages| known.request == packages.digest();
        let kept = known.filter(is_asked).filter(|_| !update);
        if let Some(known) = kept.filter(|_| self.imported.is_none()) {
            return Ok(known.clone());
        }
        filter_of(packages)?;
        self.tools.progress.stage("choosing packages", None);
        let chooser = Chooser::of_packages(packages, &self.suites(archives, update))?;
        archives.note(&chooser);
        let mut locked = match self.imported {
            None => chooser.choose(packages)?,
            Some(sums) => {
                let import = Import {
                    sums,
                    packages,
                    chooser: &chooser,
                    tools: self.tools,
                };
                import.locked()?
            }
        };
        if let Some(known) = known {
            keep_hints(&mut locked, known);
        }
        Ok(locked)
    }

    /// A file of a package.
    pub(super) fn of_package(
        &self,
        entry: Entry,
        artifact: &Artifact,
        archives: &Archives,
    ) -> Result<LockedFile, ProjectError> {
        let (
            Artifact::Package {
                name,
                path,
                archive,
            },
            Some(of),
        ) = (artifact, archive_of(artifact, &self.recipe.source))
        else {
            // The recipe's reader takes no package without an archive.
            return Err(ChoiceError::NoFile {
                package: entry.name().to_owned(),
                path: String::new(),
                looked: Vec::new(),
            }
            .into());
        };
        let suites = self.suites(archives, self.update.contains(&entry));
        let chooser = match (&self.recipe.source, archive) {
            (Source::Packages(packages), None) => Chooser::of_packages(packages, &suites)?,
            _ => Chooser::of_archive(of, &suites)?,
        };
        archives.note(&chooser);
        let limits = Limits {
            unpacked_bytes: *self.recipe.unpacked,
            ..Limits::default()
        };
        let opening = Opening {
            scratch: self.directory,
            limits: &limits,
            tools: self.tools,
        };
        let sought = Sought {
            name: name.get(),
            pattern: path.get(),
        };
        let found = sought.find(&chooser, &opening)?;
        if let Some(config) = found.kernel_config.filter(|_| entry == Entry::Kernel) {
            check_kernel_config(&found.package.name, &config)?;
        }
        Ok(LockedFile {
            from: Origin::Package {
                asked: name.get().clone(),
                package: Box::new(found.package),
                path: found.path,
            },
            blob: found.blob,
            private: false,
        })
    }

    fn suites<'a>(&'a self, archives: &'a Archives, update: bool) -> Suites<'a, E> {
        Suites {
            tools: self.tools,
            directory: self.directory,
            arch: *self.recipe.enclave.arch,
            locked: &archives.locked,
            update,
            now: UnixSeconds(self.tools.now),
        }
    }
}

/// What a package of an artifact is chosen from.
pub(super) fn archive_of<'a>(
    artifact: &'a Artifact,
    source: &'a Source,
) -> Option<&'a PackageArchive> {
    let Artifact::Package { archive, .. } = artifact else {
        return None;
    };
    match (archive, source) {
        (Some(archive), _) => Some(archive),
        (None, Source::Packages(packages)) => Some(&packages.archive),
        (None, _) => None,
    }
}

/// Takes over what was learnt of packages that are still the same.
fn keep_hints(locked: &mut LockedPackages, known: &LockedPackages) {
    let hints: BTreeMap<_, _> = known
        .packages
        .iter()
        .map(|package| (package.blob.sha256, &package.sha1))
        .collect();
    for package in &mut locked.packages {
        if let Some(hint) = hints.get(&package.blob.sha256) {
            package.sha1 = (*hint).clone();
        }
    }
}
