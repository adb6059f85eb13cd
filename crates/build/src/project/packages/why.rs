//! Why a package is locked: the shortest ways to it from what the recipe asks for.

use enclair_digest::Engine;
use enclair_packages::release::UnixSeconds;
use enclair_packages::solve::{self, Chain, Choice, Given, Reason, Recommends, Request};
use enclair_recipe::{Base, Lock, LockedPackage, LockedSource, Packages, Source};

use super::known::Known;
use super::listing::ListingError;
use super::suites::{Suite, Suites, debian_arch};
use crate::enclave::Tools;
use crate::project::document::{LockFile, Project};
use crate::project::error::ProjectError;

/// How many letters a near name may differ in, for each letter that it has.
const NEAR: usize = 4;

/// Why a package is locked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// The packages of this name, one for each architecture.
    pub packages: Vec<LockedPackage>,
    /// The shortest ways from what is asked for and what is always there, one for each package that
    /// needs this one and is as near. Empty where only single files are taken from it.
    pub chains: Vec<WhyChain>,
    /// Entries of the lock that are files of it: `kernel`.
    pub files: Vec<&'static str>,
}

/// One way to a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhyChain {
    /// The package that it begins with.
    pub package: LockedPackage,
    /// Why that one is there.
    pub reason: WhyReason,
    /// From there, what needs the next package, and that package.
    pub needs: Vec<WhyNeed>,
}

/// Why a package is there that none needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhyReason {
    /// The recipe names it.
    Asked,
    /// It is `Essential: yes`.
    Essential,
    /// It is `Priority: required`.
    Required,
    /// It came with a set of packages that was taken over.
    Imported,
}

impl WhyReason {
    /// In a few words.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Asked => "asked for",
            Self::Essential => "essential",
            Self::Required => "required",
            Self::Imported => "imported",
        }
    }
}

/// What a package needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhyNeed {
    /// The field: `Depends`.
    pub field: &'static str,
    /// One group of it, as it is written.
    pub relation: String,
    /// What meets it.
    pub package: LockedPackage,
}

impl Project {
    /// Why the package `name` is in the lock.
    ///
    /// # Errors
    ///
    /// A name that is not there, and packages of which neither their suites nor the store know
    /// anything.
    pub fn why<E: Engine>(
        &self,
        name: &str,
        tools: &Tools<'_, E>,
    ) -> Result<(LockFile, Why), ProjectError> {
        let file = self.packages_lock(tools.engine)?;
        let lock = &file.lock;
        let packages: Vec<_> = lock.packages().filter(|one| one.name == name).collect();
        if packages.is_empty() {
            return Err(not_locked(name, lock).into());
        }
        let source = source_packages(lock);
        let mut chains = Vec::new();
        if source.iter().any(|package| package.name == name) {
            let suites = self.locked_suites(lock, tools)?;
            let known = Known::of(source, &suites, tools)?;
            let universe = known.universe();
            let given = solve::examine(&universe, &self.request(lock)).map_err(|source| {
                ListingError::Set {
                    source: Box::new(source),
                }
            })?;
            let ways = given.solution.why(name).into_iter();
            chains = ways
                .filter_map(|chain| way(&given, &chain, source))
                .collect();
        }
        let files = lock.files();
        let has =
            |file: &enclair_recipe::LockedFile| file.package().is_some_and(|it| it.name == name);
        let files = files.filter(|(_, file)| has(file)).map(|(entry, _)| entry);
        let why = Why {
            files: files.collect(),
            packages: unique(packages),
            chains,
        };
        Ok((file, why))
    }

    /// The lock, if it locks packages.
    ///
    /// # Errors
    ///
    /// One that is not there or has none.
    pub fn packages_lock<E: Engine>(&self, engine: &E) -> Result<LockFile, ProjectError> {
        let path = self.lock_path();
        let file = self.locked(engine)?.ok_or(ProjectError::NoLock { path })?;
        if file.lock.packages().next().is_none() {
            let path = file.path;
            return Err(ListingError::NoPackages { path }.into());
        }
        Ok(file)
    }

    /// The suites that the packages of the lock are from, as far as they can be had as they were.
    fn locked_suites<E: Engine>(
        &self,
        lock: &Lock,
        tools: &Tools<'_, E>,
    ) -> Result<Vec<Suite>, ProjectError> {
        let Some(packages) = self.asked_packages() else {
            return Ok(Vec::new());
        };
        tools.progress.stage("reading suites", None);
        let suites = Suites {
            tools,
            directory: self.directory(),
            arch: lock.arch,
            locked: &lock.suites,
            update: false,
            now: UnixSeconds(tools.now),
        };
        Ok(suites.read_locked(&packages.archive, &packages.repositories)?)
    }

    /// What the recipe says of packages.
    pub(in crate::project) fn asked_packages(&self) -> Option<&Packages> {
        match &self.recipe.source {
            Source::Packages(packages) => Some(packages),
            Source::Image(_) | Source::Archive(_) | Source::Files(_) | Source::Dockerfile(_) => {
                None
            }
        }
    }

    /// What the lock was made for: what is asked for is in it, and the base is in the recipe.
    fn request(&self, lock: &Lock) -> Request {
        let architecture = debian_arch(lock.arch);
        let base = self.asked_packages().map(|packages| *packages.base);
        let asked = source_packages(lock).iter().filter(|package| package.asked);
        let install = asked.map(|package| solve::Asked {
            name: package.name.as_str().into(),
            architecture: match package.arch.as_str() {
                "all" => None,
                arch => Some(arch.into()).filter(|_| arch != architecture),
            },
            choice: Choice::Candidate,
        });
        Request {
            architecture: architecture.into(),
            install: install.collect(),
            exclude: Vec::new(),
            base: match base {
                Some(Base::None) => solve::Base::None,
                Some(Base::Required) => solve::Base::Required,
                Some(Base::Essential) | None => solve::Base::Essential,
            },
            recommends: Recommends::Install,
        }
    }
}

/// The packages of a lock's source.
pub(in crate::project) fn source_packages(lock: &Lock) -> &[LockedPackage] {
    match &lock.source {
        Some(LockedSource::Packages(packages)) => &packages.packages,
        Some(LockedSource::Image(_) | LockedSource::Archive(_)) | None => &[],
    }
}

fn unique(packages: Vec<&LockedPackage>) -> Vec<LockedPackage> {
    let mut found: Vec<LockedPackage> = Vec::new();
    for package in packages {
        if found.iter().all(|known| known.blob != package.blob) {
            found.push(package.clone());
        }
    }
    found
}

/// A chain in terms of the lock.
fn way(given: &Given<'_>, chain: &Chain, locked: &[LockedPackage]) -> Option<WhyChain> {
    let chosen = given.solution.chosen();
    let of = |place: usize| {
        let sha256 = chosen.get(place)?.package.sha256();
        let found = locked.iter().find(|package| package.blob.sha256 == sha256);
        found.cloned()
    };
    let needs = chain.links.iter().map(|(link, place)| {
        Some(WhyNeed {
            field: link.field.field(),
            relation: link.relation.to_string(),
            package: of(*place)?,
        })
    });
    Some(WhyChain {
        package: of(chain.root)?,
        reason: match chosen.get(chain.root)?.reason {
            Reason::Asked => WhyReason::Asked,
            Reason::Essential => WhyReason::Essential,
            Reason::Required => WhyReason::Required,
            Reason::Needed { .. } | Reason::Given => WhyReason::Imported,
        },
        needs: needs.collect::<Option<_>>()?,
    })
}

fn not_locked(name: &str, lock: &Lock) -> ListingError {
    let limit = (name.len() / NEAR).clamp(1, 3);
    let mut near: Vec<(usize, &str)> = Vec::new();
    let packages = || lock.packages().map(|package| package.name.as_str());
    for known in packages() {
        let distance = strsim::osa_distance(name, known);
        if distance <= limit && !near.contains(&(distance, known)) {
            near.push((distance, known));
        }
    }
    near.sort_unstable();
    ListingError::NotLocked {
        name: name.to_owned(),
        count: packages().count(),
        near: near
            .into_iter()
            .take(3)
            .map(|(_, name)| name.to_owned())
            .collect(),
    }
}
