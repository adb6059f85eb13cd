//! From a recipe to a lock: what is outside, by digest.
//!
//! An entry of the lock that was resolved before is kept as long as the recipe asks for the same and
//! nobody wants it anew. The exception are files and images on this disk: they are looked at again,
//! because whoever changes a file means it.

use std::io;
use std::path::Path;
use std::str::FromStr;

use enclair_digest::{Engine, Hasher as _, Limits};
use enclair_eif::Arch;
use enclair_packages::sums::Sums;
use enclair_recipe::{
    Artifact, Blob, Epoch, FILES, Inside, Lock, LockedBoot, LockedFile, LockedImage, LockedSource,
    Origin, Recipe, RuleVersion, Source,
};

use super::agreement::{asks_for, command_line, rules};
use super::archives::Archives;
use super::error::ProjectError;
use super::image::{is_current, lock_image};
use super::inputs;
use super::inside::{Container, keep_inside};
use super::request::effects_of;
use crate::content::open_file;
use crate::enclave::Tools;
use crate::error::Error;
use crate::git::has_in_clone;
use crate::image::Scratch;
use crate::report::FORMAT;

/// An entry of the lock that can be resolved anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Entry {
    /// `source`
    Source,
    /// `kernel`
    Kernel,
    /// `init`
    Init,
    /// `agent`
    Agent,
    /// `nsm_module`
    NsmModule,
    /// `files`: those that are laid into the image and are not the project's.
    Files,
    /// `rules`: the newest version of each rule.
    Rules,
}

impl Entry {
    /// Every entry.
    pub const ALL: [Self; 7] = [
        Self::Source,
        Self::Kernel,
        Self::Init,
        Self::Agent,
        Self::NsmModule,
        Self::Files,
        Self::Rules,
    ];

    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Kernel => "kernel",
            Self::Init => "init",
            Self::Agent => "agent",
            Self::NsmModule => "nsm_module",
            Self::Files => FILES,
            Self::Rules => "rules",
        }
    }
}

/// Text that names no entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a lock has no entry `{0}`; there are `source`, `kernel`, `init`, `agent`, `nsm_module`, `files`, `rules`"
)]
pub struct UnknownEntry(String);

impl FromStr for Entry {
    type Err = UnknownEntry;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|entry| entry.name() == text)
            .ok_or_else(|| UnknownEntry(text.to_owned()))
    }
}

/// What resolving needs besides the recipe.
#[derive(Debug)]
pub(super) struct Resolver<'a, E> {
    pub(super) recipe: &'a Recipe,
    /// Where the recipe is: its paths are relative to it, and scratch files lie here.
    pub(super) directory: &'a Path,
    pub(super) tools: &'a Tools<'a, E>,
    /// Entries that are resolved anew in any case.
    pub(super) update: &'a [Entry],
    /// The epoch of a recipe that says none, where somebody wants another than what is locked.
    pub(super) epoch: Option<u32>,
    /// Packages that are taken instead of being chosen.
    pub(super) imported: Option<&'a Sums>,
}

impl<E: Engine> Resolver<'_, E> {
    /// The lock of the recipe; what `previous` has is kept where it is still asked for.
    ///
    /// # Errors
    ///
    /// What cannot be found, read or fetched.
    pub(super) fn resolve(&self, previous: Option<&Lock>) -> Result<Lock, ProjectError> {
        let arch = *self.recipe.enclave.arch;
        let (epoch, rules) = (self.epoch(previous), self.rules(previous)?);
        // Another architecture is another image of everything.
        let previous = previous.filter(|lock| lock.arch == arch);
        let archives = Archives::new(previous);
        let source = self.source(previous.and_then(|lock| lock.source.as_ref()), &archives)?;
        let boot = &self.recipe.boot;
        let known = previous.map(|lock| &lock.boot);
        let kernel = boot.kernel.as_deref();
        let init = boot.init.as_deref();
        let module = boot.nsm_module.as_deref();
        let known_agent = known.and_then(|boot| boot.agent.as_ref());
        let known_module = known.and_then(|boot| boot.nsm_module.as_ref());
        let file = |entry, artifact, known| self.file((entry, artifact), known, &archives);
        let boot = LockedBoot {
            kernel: file(Entry::Kernel, kernel, known.map(|boot| &boot.kernel))?,
            init: file(Entry::Init, init, known.map(|boot| &boot.init))?,
            agent: (!self.recipe.services().is_empty())
                .then(|| file(Entry::Agent, boot.agent.as_deref(), known_agent))
                .transpose()?,
            nsm_module: module
                .map(|artifact| file(Entry::NsmModule, Some(artifact), known_module))
                .transpose()?,
        };
        let files = self.recipe.file_artifacts().map(|artifact| {
            let artifact = artifact.get();
            let known = previous.and_then(|lock| {
                let mut known = lock.files.iter();
                known.find(|known| asks_for(Some(artifact), known, &self.recipe.source))
            });
            file(Entry::Files, Some(artifact), known)
        });
        let files = files.collect::<Result<_, _>>()?;
        let suites = archives.into_used(self.recipe);
        Ok(Lock {
            format: FORMAT,
            recipe: self.recipe.digest(),
            arch,
            epoch,
            cmdline: command_line(self.recipe),
            rules,
            effects: effects_of(self.recipe),
            suites,
            boot,
            source,
            files,
        })
    }

    /// What the recipe says; else what is asked for, else what is locked, else 0.
    fn epoch(&self, previous: Option<&Lock>) -> Epoch {
        let said = &self.recipe.enclave.epoch;
        if said.span().is_some() {
            return *said.get();
        }
        let asked = self.epoch.map(Epoch::Seconds);
        let locked = || previous.map(|lock| lock.epoch);
        asked.or_else(locked).unwrap_or(*said.get())
    }

    /// The recipe's rules, each in the version that the lock has already.
    fn rules(&self, previous: Option<&Lock>) -> Result<Vec<RuleVersion>, ProjectError> {
        let rules = rules(self.recipe).map(|rule| {
            let known = previous.and_then(|lock| {
                lock.rules
                    .iter()
                    .find(|known| known.id == rule.id())
                    .cloned()
            });
            match known.filter(|_| !self.update.contains(&Entry::Rules)) {
                Some(known) => Ok(known),
                None => decision("rule", rule.name()),
            }
        });
        rules.collect()
    }

    fn source(
        &self,
        known: Option<&LockedSource>,
        archives: &Archives,
    ) -> Result<Option<LockedSource>, ProjectError> {
        match &self.recipe.source {
            Source::Image(reference) => {
                let known = match known {
                    Some(LockedSource::Image(image)) if image.from == **reference => Some(image),
                    Some(_) | None => None,
                };
                if let Some(image) = known.filter(|_| !self.update.contains(&Entry::Source))
                    && self.with_scratch(|scratch| {
                        is_current(image, *self.recipe.enclave.arch, scratch)
                    })?
                {
                    return Ok(Some(LockedSource::Image(image.clone())));
                }
                Ok(Some(LockedSource::Image(
                    self.image(Entry::Source, reference)?,
                )))
            }
            Source::Archive(artifact) => {
                let known = match known {
                    Some(LockedSource::Archive(file)) => Some(file),
                    Some(_) | None => None,
                };
                let entry = (Entry::Source, Some(artifact.get()));
                let file = self.file(entry, known, archives)?;
                Ok(Some(LockedSource::Archive(file)))
            }
            Source::Packages(packages) => {
                let known = match known {
                    Some(LockedSource::Packages(locked)) => Some(locked),
                    Some(_) | None => None,
                };
                let locked = self.packages(packages, known, archives)?;
                Ok(Some(LockedSource::Packages(locked)))
            }
            // A Dockerfile is locked as far as everything beside it goes.
            Source::Files(_) | Source::Dockerfile(_) => Ok(None),
        }
    }

    fn image(
        &self,
        entry: Entry,
        reference: &enclair_recipe::ImageReference,
    ) -> Result<LockedImage, ProjectError> {
        self.with_scratch(|scratch| {
            lock_image(reference, *self.recipe.enclave.arch, scratch, self.tools)
        })
        .map_err(|source| entry_error(entry, source))
    }

    fn with_scratch<T>(
        &self,
        use_it: impl FnOnce((&Path, &Scratch<'_>)) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let scratch = Scratch {
            directory: self.directory,
            limit: *self.recipe.unpacked,
        };
        use_it((self.directory, &scratch))
    }

    /// A file of the boot environment, or an archive.
    fn file(
        &self,
        (entry, artifact): (Entry, Option<&Artifact>),
        known: Option<&LockedFile>,
        archives: &Archives,
    ) -> Result<LockedFile, ProjectError> {
        let known = known.filter(|file| {
            asks_for(artifact, file, &self.recipe.source) && !self.update.contains(&entry)
        });
        match (artifact, known) {
            // What was there when it was locked may be gone, and be in the store all the same.
            (Some(Artifact::File { path }), Some(file))
                if !self.directory.join(path.get()).exists() =>
            {
                Ok(file.clone())
            }
            (Some(Artifact::File { path }), _) => {
                let in_clone = has_in_clone(self.directory, Path::new(path.get()));
                let private = match in_clone {
                    Some(in_clone) => !in_clone,
                    None => artifact.is_some_and(Artifact::is_private),
                };
                Ok(LockedFile {
                    from: Origin::File(path.get().clone()),
                    blob: self
                        .file_here(path, private)
                        .map_err(|source| entry_error(entry, source))?,
                    private,
                })
            }
            (Some(artifact @ Artifact::Image { .. }), Some(file)) => {
                if self.is_current(entry, &file.from)? {
                    return Ok(file.clone());
                }
                self.elsewhere(entry, artifact)
            }
            (_, Some(file)) => Ok(file.clone()),
            (None, None) => self.carried(entry),
            (Some(package @ Artifact::Package { .. }), None) => {
                self.of_package(entry, package, archives)
            }
            (Some(artifact), None) => self.elsewhere(entry, artifact),
        }
    }

    /// Whether the image that a file was taken out of is still the one that is locked.
    fn is_current(&self, entry: Entry, origin: &Origin) -> Result<bool, ProjectError> {
        let Origin::Image { image, path: _ } = origin else {
            return Ok(true);
        };
        let arch = *self.recipe.enclave.arch;
        self.with_scratch(|scratch| is_current(image, arch, scratch))
            .map_err(|source| entry_error(entry, source))
    }

    fn carried(&self, entry: Entry) -> Result<LockedFile, ProjectError> {
        let arch = *self.recipe.enclave.arch;
        let what = entry.name();
        let bytes = inputs::carried(arch, what)
            .ok_or_else(|| entry_error(entry, Error::NotCarried { what, arch }))?;
        Ok(LockedFile {
            from: Origin::Carried,
            blob: inputs::blob_of(bytes, self.tools.engine),
            private: false,
        })
    }

    /// Digest and size of a file on this disk. One that nobody else can get goes into the store, so
    /// that it can be exported.
    fn file_here(&self, path: &str, private: bool) -> Result<Blob, Error> {
        let path = self.directory.join(path);
        let mut file = open_file(&path).map_err(|source| Error::Open {
            path: path.clone(),
            source,
        })?;
        if private {
            return self
                .tools
                .supply
                .keep(&mut file)
                .map_err(|source| Error::Supply { source });
        }
        digest_of(&mut file, self.tools.engine).map_err(|source| Error::Read {
            name: path.display().to_string(),
            source,
        })
    }

    fn elsewhere(&self, entry: Entry, artifact: &Artifact) -> Result<LockedFile, ProjectError> {
        match artifact {
            Artifact::Url { url, path, sha256 } => {
                let container = self
                    .tools
                    .supply
                    .resolve_url(url, *self.recipe.unpacked)
                    .map_err(|source| entry_error(entry, Error::Supply { source }))?;
                if let Some(expected) = sha256.as_deref().filter(|it| **it != container.sha256) {
                    return Err(ProjectError::Url {
                        // What is behind the path may be a secret.
                        url: url.split(['?', '#']).next().unwrap_or_default().to_owned(),
                        expected: *expected,
                        found: container.sha256,
                    });
                }
                let mut inside = None;
                let mut blob = container;
                if let Some(path) = path {
                    blob = self.inside(Container::Archive(container, url), path)?;
                    let path = path.get().clone();
                    inside = Some(Inside { path, container });
                }
                let url = url.get().clone();
                Ok(LockedFile {
                    from: Origin::Url { url, inside },
                    blob,
                    private: false,
                })
            }
            Artifact::Image { reference, path } => {
                let image = self.image(entry, reference)?;
                self.tools
                    .supply
                    .obtain(&image.wanted(entry.name()))
                    .map_err(|source| ProjectError::Supply { source })?;
                let arch: Arch = *self.recipe.enclave.arch;
                let blob = self.inside(Container::Image(&image, arch), path)?;
                let (private, path) = (image.private, path.get().clone());
                Ok(LockedFile {
                    from: Origin::Image { image, path },
                    blob,
                    private,
                })
            }
            Artifact::File { .. } | Artifact::Package { .. } => {
                let reference = entry.name().to_owned();
                Err(entry_error(entry, Error::NotOnThisDisk { reference }))
            }
        }
    }

    fn inside(&self, container: Container<'_>, path: &str) -> Result<Blob, ProjectError> {
        let limits = Limits {
            unpacked_bytes: *self.recipe.unpacked,
            ..Limits::default()
        };
        keep_inside(container, path, (self.directory, &limits), self.tools)
    }
}

fn entry_error(entry: Entry, source: Error) -> ProjectError {
    ProjectError::Entry {
        entry: match entry {
            Entry::Source => "`source` cannot be locked",
            Entry::Kernel => "`boot.kernel` cannot be locked",
            Entry::Init => "`boot.init` cannot be locked",
            Entry::Agent => "`boot.agent` cannot be locked",
            Entry::NsmModule => "`boot.nsm_module` cannot be locked",
            Entry::Files => "a file of `overlay` or `source.files` cannot be locked",
            Entry::Rules => "`rules` cannot be locked",
        },
        source: Box::new(source),
    }
}

/// A decision's id and version from its name.
///
/// # Errors
///
/// Text that is not an id, an `@` and a number.
pub(super) fn decision(what: &'static str, name: &str) -> Result<RuleVersion, ProjectError> {
    name.parse().map_err(|_| ProjectError::Decision {
        what,
        name: name.to_owned(),
    })
}

/// Digest and size of what a reader gives.
pub(super) fn digest_of<E: Engine>(content: &mut dyn io::Read, engine: &E) -> io::Result<Blob> {
    let mut hasher = engine.sha256();
    let mut buffer = vec![0; 256 << 10];
    let mut size = 0;
    loop {
        let count = content.read(&mut buffer)?;
        if count == 0 {
            let sha256 = hasher.finish();
            return Ok(Blob { sha256, size });
        }
        hasher.update(buffer.get(..count).unwrap_or_default());
        size += count as u64;
    }
}
