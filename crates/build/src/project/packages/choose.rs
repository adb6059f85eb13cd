//! Choosing packages from suites that were believed.

use enclair_digest::Engine;
use enclair_packages::index::{Index, Package};
use enclair_packages::release::Release;
use enclair_packages::solve::{self, Asked, Pin, Recommends, Request, Solution, Source, Universe};
use enclair_recipe::{
    Base, Blob, LockedPackage, LockedPackages, LockedSuite, PackageArchive, Packages, Sha1Hint,
    Spanned,
};

use super::error::ChoiceError;
use super::suites::{Suite, Suites, debian_arch};

/// What is chosen from some suites.
#[derive(Debug)]
pub(in crate::project) struct Chooser {
    suites: Vec<Suite>,
    architecture: &'static str,
}

impl Chooser {
    /// Reads the suites that a recipe's packages are chosen from.
    ///
    /// # Errors
    ///
    /// See [`ChoiceError`].
    pub(in crate::project) fn of_packages<E: Engine>(
        packages: &Packages,
        suites: &Suites<'_, E>,
    ) -> Result<Self, ChoiceError> {
        Ok(Self {
            suites: suites.read(&packages.archive, &packages.repositories)?,
            architecture: debian_arch(suites.arch),
        })
    }

    /// Reads the suites of an archive.
    ///
    /// # Errors
    ///
    /// See [`ChoiceError`].
    pub(in crate::project) fn of_archive<E: Engine>(
        archive: &PackageArchive,
        suites: &Suites<'_, E>,
    ) -> Result<Self, ChoiceError> {
        Ok(Self {
            suites: suites.read(archive, &[])?,
            architecture: debian_arch(suites.arch),
        })
    }

    /// The packages that a recipe asks for.
    ///
    /// # Errors
    ///
    /// When no set of packages is that.
    pub(in crate::project) fn choose(
        &self,
        packages: &Packages,
    ) -> Result<LockedPackages, ChoiceError> {
        let universe = self.universe();
        let request = request(packages, self.architecture)?;
        let solution = solved(&universe, &request)?;
        Ok(LockedPackages {
            request: packages.digest(),
            packages: locked(&solution),
        })
    }

    /// What the distribution calls the architecture.
    pub(super) const fn architecture(&self) -> &'static str {
        self.architecture
    }

    /// The suites as they go into the lock, sorted by name.
    pub(in crate::project) fn locked_suites(&self) -> impl Iterator<Item = &LockedSuite> {
        self.suites.iter().map(|suite| &suite.locked)
    }

    /// Everything that can be chosen.
    pub(in crate::project) fn universe(&self) -> Universe<'_> {
        let sources = self.suites.iter().flat_map(|suite| {
            let components = suite.locked.components.iter().zip(&suite.indexes);
            components.map(|(component, index): (&String, &Index)| Source {
                suite: &suite.locked.name,
                component,
                pin: pin(&suite.release),
                index,
            })
        });
        Universe::new(sources)
    }
}

/// How much the packages of a suite are preferred.
const fn pin(release: &Release) -> Pin {
    match (release.not_automatic, release.but_automatic_upgrades) {
        (true, true) => Pin::AutomaticUpgrades,
        (true, false) => Pin::NotAutomatic,
        (false, _) => Pin::Normal,
    }
}

/// What a recipe asks for, in the solver's terms.
pub(in crate::project) fn request(
    packages: &Packages,
    architecture: &str,
) -> Result<Request, ChoiceError> {
    let install = packages.install.iter().map(|text| parsed(text));
    Ok(Request {
        architecture: architecture.into(),
        install: install.collect::<Result<_, _>>()?,
        exclude: packages.exclude.iter().map(boxed).collect(),
        base: match *packages.base {
            Base::None => solve::Base::None,
            Base::Essential => solve::Base::Essential,
            Base::Required => solve::Base::Required,
        },
        recommends: if *packages.recommends {
            Recommends::Install
        } else {
            Recommends::Leave
        },
    })
}

/// One package and what it needs, in the solver's terms.
pub(super) fn closure_request(asked: &str, architecture: &str) -> Result<Request, ChoiceError> {
    Ok(Request {
        architecture: architecture.into(),
        install: vec![parsed(asked)?],
        exclude: Vec::new(),
        base: solve::Base::None,
        recommends: Recommends::Leave,
    })
}

fn boxed(word: &Spanned<String>) -> Box<str> {
    word.get().as_str().into()
}

fn parsed(text: &str) -> Result<Asked, ChoiceError> {
    text.parse().map_err(|source| ChoiceError::Asked { source })
}

pub(in crate::project) fn solved<'a>(
    universe: &'a Universe<'a>,
    request: &Request,
) -> Result<Solution<'a>, ChoiceError> {
    solve::solve(universe, request).map_err(|source| ChoiceError::Solve {
        source: Box::new(source),
    })
}

/// The packages of a solution, in the order in which they are installed.
pub(super) fn locked(solution: &Solution<'_>) -> Vec<LockedPackage> {
    let chosen = solution.chosen().iter();
    chosen
        .map(|chosen| {
            let asked = matches!(chosen.reason, solve::Reason::Asked);
            locked_package(chosen.package, chosen.source.suite, asked)
        })
        .collect()
}

/// A package of a suite as a lock has it.
pub(super) fn locked_package(package: Package<'_>, suite: &str, asked: bool) -> LockedPackage {
    LockedPackage {
        name: package.name().to_owned(),
        version: package.version().to_owned(),
        arch: package.architecture().to_owned(),
        from: suite.to_owned(),
        file: package.filename().to_owned(),
        blob: Blob {
            sha256: package.sha256(),
            size: package.size(),
        },
        sha1: Sha1Hint::default(),
        asked,
    }
}
