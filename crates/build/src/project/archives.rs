//! What of a lock comes from archives of packages: the packages of the source, and single files.

use std::cell::RefCell;
use std::collections::BTreeMap;

use enclair_digest::{Engine, Limits};
use enclair_packages::release::UnixSeconds;
use enclair_recipe::{
    Artifact, Lock, LockedBoot, LockedFile, LockedPackages, LockedSource, LockedSuite, Origin,
    PackageArchive, Packages, Source,
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

    /// The suites that something of the lock is from, sorted: as they were read, else as they were
    /// locked.
    pub(super) fn into_used(
        self,
        source: Option<&LockedSource>,
        boot: &LockedBoot,
    ) -> Vec<LockedSuite> {
        let mut suites = self.read.into_inner();
        let files = [
            Some(&boot.kernel),
            Some(&boot.init),
            boot.nsm_module.as_ref(),
        ];
        let archive = match source {
            Some(LockedSource::Archive(file)) => Some(file),
            Some(LockedSource::Image(_) | LockedSource::Packages(_)) | None => None,
        };
        let files = files.into_iter().flatten().chain(archive);
        let mut names: Vec<_> = files
            .filter_map(|file| file.package())
            .map(|package| &package.from)
            .collect();
        if let Some(LockedSource::Packages(packages)) = source {
            names.extend(packages.packages.iter().map(|package| &package.from));
        }
        for locked in self.locked {
            if names.contains(&&locked.name) || source_is_of(source, &locked) {
                suites.entry(locked.name.clone()).or_insert(locked);
            }
        }
        suites.into_values().collect()
    }
}

/// Whether a suite was looked at for the packages of the source, also where none was taken from it:
/// another one of its distribution or repository was.
fn source_is_of(source: Option<&LockedSource>, suite: &LockedSuite) -> bool {
    let Some(LockedSource::Packages(packages)) = source else {
        return false;
    };
    let of = |name: &str| name.split_once(':').map(|(of, _)| of.to_owned());
    let mut packages = packages.packages.iter();
    packages.any(|package| of(&package.from) == of(&suite.name))
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
