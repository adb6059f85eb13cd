//! Packages by digest alone, as another tool locked them, taken over into a lock.
//!
//! ```text
//! digest and path -> the suites' indexes: the package with that digest    name, version, suite
//!                 -> else the store, else the archive at that path        its own control file
//! all of them     -> whole? in which order?                              solve::examine
//! ```
//!
//! Exactly these packages are taken or none: nothing is added that is missing, nothing is replaced by
//! what a suite has now. A suite that has the path and another digest is no help.

use std::collections::{BTreeMap, BTreeSet};

use enclair_digest::{Engine, Sha256};
use enclair_packages::index::{MAX_PACKAGE_SIZE, Package};
use enclair_packages::solve::{self, Given, Reason, Universe};
use enclair_packages::sums::{Sum, Sums};
use enclair_recipe::{Base, Distribution, LockedPackage, LockedPackages, Packages, Sha1Hint};

use super::choose::{Chooser, locked_package, request};
use super::known::{Collecting, ReadPackage, Unread, read_package};
use super::listing::ListingError;
use crate::enclave::Tools;
use crate::project::error::ProjectError;

const HINT: &str = "the lock is exactly what the file says; a base image's packages belong into it \
     too: `enclair packages from-image` lists them";
const BASE_HINT: &str = "`base = \"none\"` in the recipe asks for no packages by itself";

/// What becomes of packages by digest.
#[derive(Debug)]
pub(in crate::project) struct Import<'a, E> {
    pub(in crate::project) sums: &'a Sums,
    pub(in crate::project) packages: &'a Packages,
    pub(in crate::project) chooser: &'a Chooser,
    pub(in crate::project) tools: &'a Tools<'a, E>,
}

impl<E: Engine> Import<'_, E> {
    /// The packages as a lock has them.
    ///
    /// # Errors
    ///
    /// A package that nobody has, one for another machine, and a set that lacks something or is not
    /// what the recipe asks for.
    pub(in crate::project) fn locked(&self) -> Result<LockedPackages, ProjectError> {
        let universe = self.chooser.universe();
        let listed = self.listed(&universe);
        let mut collecting = Collecting::default();
        let mut taken = Vec::new();
        self.tools.progress.stage("reading packages", None);
        for sum in &self.sums.packages {
            let package = match listed.get(&sum.sha256) {
                Some((suite, package)) => {
                    collecting.add(suite, package)?;
                    locked_package(*package, suite, false)
                }
                None => self.unlisted(sum, &mut collecting)?,
            };
            self.check_architecture(&package)?;
            taken.push(package);
        }
        let known = collecting.finish()?;
        let own = known.universe();
        let request = request(self.packages, self.chooser.architecture())?;
        let given = solve::examine(&own, &request).map_err(|source| ListingError::Set {
            source: Box::new(source),
        })?;
        self.check(&given, &universe)?;
        let mut by_digest: BTreeMap<_, _> = taken
            .into_iter()
            .map(|package| (package.blob.sha256, package))
            .collect();
        let chosen = given.solution.chosen().iter();
        let packages = chosen.filter_map(|chosen| {
            let mut package = by_digest.remove(&chosen.package.sha256())?;
            package.asked = chosen.reason == Reason::Asked;
            Some(package)
        });
        Ok(LockedPackages {
            request: self.packages.digest(),
            packages: packages.collect(),
        })
    }

    /// What the suites say of the digests. Of several suites the first by name counts.
    fn listed<'u>(&self, universe: &'u Universe<'u>) -> BTreeMap<Sha256, (&'u str, Package<'u>)> {
        let sums = self.sums.packages.iter();
        let wanted: BTreeSet<Sha256> = sums.map(|sum| sum.sha256).collect();
        let mut listed = BTreeMap::new();
        for source in universe.sources() {
            for package in source.index.packages() {
                if wanted.contains(&package.sha256()) {
                    let found = listed.entry(package.sha256());
                    found.or_insert((source.suite, package));
                }
            }
        }
        listed
    }

    /// A package that no suite lists any more: by its own control file.
    fn unlisted(
        &self,
        sum: &Sum,
        collecting: &mut Collecting,
    ) -> Result<LockedPackage, ProjectError> {
        let archive = self.archive_of(&sum.path);
        let ReadPackage { control, blob } = self.find(sum, archive)?;
        collecting.add_control(archive, &control, (&sum.path, blob))?;
        Ok(LockedPackage {
            name: control.name().to_owned(),
            version: control.version().as_str().to_owned(),
            arch: control.architecture().to_owned(),
            from: archive.to_owned(),
            file: sum.path.clone(),
            blob,
            sha1: Sha1Hint::default(),
            asked: false,
        })
    }

    /// The archive that a path is probably in. Debian's archive of security updates has its packages
    /// in a place of its own; where the guess is wrong, the path leads nowhere.
    fn archive_of(&self, path: &str) -> &'static str {
        let architecture = self.chooser.architecture();
        match (*self.packages.archive.distribution, architecture) {
            (Distribution::Ubuntu, "amd64") => "ubuntu",
            (Distribution::Ubuntu, _) => "ubuntu-ports",
            _ if path.starts_with("pool/updates/") => "debian-security",
            _ => "debian",
        }
    }

    /// A package by its digest: out of the store, else out of the archive.
    fn find(&self, sum: &Sum, archive: &str) -> Result<ReadPackage, ListingError> {
        let supply = self.tools.supply;
        let unfound = |source| ListingError::Unfound {
            line: sum.line,
            path: sum.path.clone(),
            sha256: sum.sha256,
            source,
        };
        match read_package(sum.sha256, self.tools) {
            Ok(read) => return Ok(read),
            Err(Unread::Absent(_)) => {}
            Err(Unread::Altered(_)) => supply.set_aside(&sum.sha256).map_err(unfound)?,
            Err(error) => return Err(error.of(&sum.path)),
        }
        let found = supply
            .resolve_archive_file(archive, &sum.path, MAX_PACKAGE_SIZE)
            .map_err(unfound)?;
        if found.sha256 != sum.sha256 {
            return Err(ListingError::OtherDigest {
                line: sum.line,
                path: sum.path.clone(),
                expected: sum.sha256,
                found: found.sha256,
            });
        }
        read_package(sum.sha256, self.tools).map_err(|error| error.of(&sum.path))
    }

    fn check_architecture(&self, package: &LockedPackage) -> Result<(), ListingError> {
        let architecture = self.chooser.architecture();
        if package.arch == "all" || package.arch == architecture {
            return Ok(());
        }
        Err(ListingError::Architecture {
            package: package.to_string(),
            architecture,
        })
    }

    /// Whether the packages are what the recipe asks for, and everything that they need.
    fn check(&self, given: &Given<'_>, suites: &Universe<'_>) -> Result<(), ListingError> {
        let mut problems = Vec::new();
        let unasked = given.unasked.iter();
        problems.extend(unasked.map(|(asked, _)| format!("the recipe asks for `{asked}`")));
        let excluded = given.excluded.iter();
        problems.extend(excluded.map(|name| format!("the recipe excludes `{name}`")));
        problems.extend(given.unmet.iter().map(ToString::to_string));
        problems.extend(given.clashes.iter().map(ToString::to_string));
        let mut hint = HINT;
        if problems.is_empty() {
            hint = BASE_HINT;
            let base = self.packages.base.name();
            let missing = self.missing_base(given, suites).into_iter();
            problems.extend(missing.map(|name| format!("`base = \"{base}\"` asks for `{name}`")));
        }
        if problems.is_empty() {
            return Ok(());
        }
        Err(ListingError::NotWhole {
            count: given.solution.chosen().len(),
            problems,
            hint,
        })
    }

    /// Packages of the base that the suites have and the set does not.
    fn missing_base<'u>(&self, given: &Given<'_>, suites: &'u Universe<'u>) -> BTreeSet<&'u str> {
        let wants = |package: &Package<'_>| match *self.packages.base {
            Base::None => false,
            Base::Essential => package.is_essential(),
            Base::Required => {
                package.is_essential()
                    || package.priority() == enclair_packages::index::Priority::Required
            }
        };
        let architecture = self.chooser.architecture();
        let is_own = |package: &Package<'_>| {
            package.architecture() == architecture || package.architecture() == "all"
        };
        let chosen = given.solution.chosen().iter();
        let there: BTreeSet<&str> = chosen.map(|chosen| chosen.package.name()).collect();
        let is_excluded = |name: &str| self.packages.exclude.iter().any(|it| it.get() == name);
        let sources = suites.sources().iter();
        sources
            .flat_map(|source| source.index.packages())
            .filter(|package| wants(package) && is_own(package))
            .map(|package| package.name())
            .filter(|name| !there.contains(name) && !is_excluded(name))
            .collect()
    }
}
