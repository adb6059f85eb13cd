//! The packages that a root filesystem already contains, as a lock has them.
//!
//! Each is looked up by its name, version and architecture, and never by its name alone: what an
//! archive has now under a name is another package than the one that is installed. What no suite lists
//! in that version is said to be missing.

use std::collections::BTreeSet;
use std::path::Path;

use enclair_digest::{Engine, Limits};
use enclair_eif::Arch;
use enclair_packages::index::Package;
use enclair_packages::installed::{InstalledPackage, State};
use enclair_packages::release::UnixSeconds;
use enclair_packages::solve::{self, Recommends, Request, Universe};
use enclair_recipe::{Distribution, LockedPackage, LockedSuite, PackageArchive, Spanned};

use super::choose::{Chooser, locked_package};
use super::known::Collecting;
use super::listing::ListingError;
use super::rootfs::{Reading, Rootfs, Said};
use super::suites::{Suites, debian_arch};
use crate::enclave::Tools;
use crate::project::error::ProjectError;

/// Which packages are wanted of which root filesystem.
#[derive(Debug)]
pub struct ContainedRequest<'a> {
    /// The root filesystem.
    pub rootfs: Rootfs,
    /// One whose packages do not count, where they are the same.
    pub minus: Option<Rootfs>,
    /// The architecture of the image, and of the packages.
    pub arch: Arch,
    /// Whose packages they are, instead of what the root filesystem says.
    pub distribution: Option<Distribution>,
    /// Where they are looked for, instead of what follows from the release of the root filesystem.
    pub suites: Vec<String>,
    /// Parts of the archive.
    pub components: Vec<String>,
    /// How much is unpacked.
    pub limits: Limits,
    /// Where contents lie meanwhile.
    pub scratch: &'a Path,
}

/// The packages of a root filesystem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contained {
    /// Those that were found, in the order in which they would be installed.
    pub packages: Vec<LockedPackage>,
    /// The suites that were looked in.
    pub suites: Vec<LockedSuite>,
    /// Those that were not found, sorted.
    pub missing: Vec<MissingPackage>,
    /// How many the other root filesystem has too.
    pub subtracted: usize,
}

/// A package that was not found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingPackage {
    /// The package.
    pub package: InstalledPackage,
    /// Why.
    pub reason: MissingReason,
}

/// Why a package was not found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MissingReason {
    /// No suite has a package of this name for this architecture.
    Unknown,
    /// The suites have it in these versions.
    OtherVersions(Vec<String>),
    /// Suites have different files under this version.
    Ambiguous,
    /// It was never installed completely.
    Unfinished,
}

impl std::fmt::Display for MissingReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown => f.write_str("no suite has a package of this name"),
            Self::OtherVersions(versions) => {
                write!(f, "the suites have {}", versions.join(", "))
            }
            Self::Ambiguous => f.write_str("suites have different files under this version"),
            Self::Unfinished => f.write_str("it was never installed completely"),
        }
    }
}

/// The packages that a root filesystem contains, as a lock would have them.
///
/// # Errors
///
/// A root filesystem that cannot be read or says nothing of its packages, and suites that cannot be
/// had or are not believed. A package that is not found is none.
pub fn contained_packages<E: Engine>(
    request: &ContainedRequest<'_>,
    tools: &Tools<'_, E>,
) -> Result<Contained, ProjectError> {
    let reading = Reading {
        arch: request.arch,
        limits: request.limits,
        scratch: request.scratch,
        tools,
    };
    let Said {
        mut packages,
        release,
    } = reading.read(&request.rootfs)?;
    let mut subtracted = 0;
    if let Some(base) = &request.minus {
        let base: BTreeSet<_> = reading.read(base)?.packages.into_iter().collect();
        let before = packages.len();
        packages.retain(|package| !base.contains(package));
        subtracted = before.saturating_sub(packages.len());
    }
    let distribution = request.distribution;
    let distribution = distribution.or_else(|| Some(release.as_ref()?.distribution));
    let mut suites = request.suites.clone();
    if suites.is_empty() {
        let own = release.filter(|release| Some(release.distribution) == distribution);
        suites = own.map(|release| release.suites()).unwrap_or_default();
    }
    let Some(distribution) = distribution.filter(|_| !suites.is_empty()) else {
        let root = request.rootfs.to_string();
        return Err(ListingError::NoRelease { root }.into());
    };
    tools.progress.stage("reading suites", None);
    let chooser = chooser(request, (distribution, &suites), tools)?;
    let universe = chooser.universe();
    let (found, missing) = look_up(packages, &universe);
    Ok(Contained {
        packages: in_order(&found, request.arch)?,
        suites: chooser.locked_suites().cloned().collect(),
        missing,
        subtracted,
    })
}

fn chooser<E: Engine>(
    request: &ContainedRequest<'_>,
    (distribution, suites): (Distribution, &[String]),
    tools: &Tools<'_, E>,
) -> Result<Chooser, ProjectError> {
    let words = |words: &[String]| words.iter().cloned().map(Spanned::unwritten).collect();
    let archive = PackageArchive {
        distribution: Spanned::unwritten(distribution),
        suites: words(suites),
        components: words(&request.components),
    };
    let suites = Suites {
        tools,
        directory: request.scratch,
        arch: request.arch,
        locked: &[],
        update: false,
        now: UnixSeconds(tools.now),
    };
    Ok(Chooser::of_archive(&archive, &suites)?)
}

/// A package, and the suite that lists it.
type Listed<'u> = (&'u str, Package<'u>);

fn look_up<'u>(
    packages: Vec<InstalledPackage>,
    universe: &'u Universe<'u>,
) -> (Vec<Listed<'u>>, Vec<MissingPackage>) {
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for package in packages {
        match look(&package, universe) {
            Ok(listed) => found.push(listed),
            Err(reason) => missing.push(MissingPackage { package, reason }),
        }
    }
    (found, missing)
}

fn look<'u>(
    installed: &InstalledPackage,
    universe: &'u Universe<'u>,
) -> Result<Listed<'u>, MissingReason> {
    if installed.state == State::Unfinished {
        return Err(MissingReason::Unfinished);
    }
    let sources = universe.sources().iter();
    let named = sources.flat_map(|source| {
        let packages = source.index.named(&installed.name);
        packages.map(|package| (source.suite, package))
    });
    let of_architecture: Vec<Listed<'u>> = named
        .filter(|(_, package)| package.architecture() == installed.architecture)
        .collect();
    let same = |(_, package): &&Listed<'u>| is_version(&installed.version, package.version());
    let mut listed = of_architecture.iter().filter(same);
    let Some(first) = listed.next() else {
        let versions = of_architecture.iter();
        let versions: BTreeSet<_> = versions.map(|(_, package)| package.version()).collect();
        let versions: Vec<_> = versions.into_iter().map(str::to_owned).collect();
        return Err(if versions.is_empty() {
            MissingReason::Unknown
        } else {
            MissingReason::OtherVersions(versions)
        });
    };
    if listed.any(|(_, other)| other.sha256() != first.1.sha256()) {
        return Err(MissingReason::Ambiguous);
    }
    Ok(*first)
}

/// Whether two texts are one version: dpkg leaves out an epoch of zero.
fn is_version(installed: &str, listed: &str) -> bool {
    let plain = |version: &str| version.strip_prefix("0:").unwrap_or(version).to_owned();
    plain(installed) == plain(listed)
}

/// The packages as a lock has them. What is missing among them does not count here.
fn in_order(found: &[Listed<'_>], arch: Arch) -> Result<Vec<LockedPackage>, ListingError> {
    let mut collecting = Collecting::default();
    for (suite, package) in found {
        collecting.add(suite, package)?;
    }
    let known = collecting.finish()?;
    let universe = known.universe();
    let request = Request {
        architecture: debian_arch(arch).into(),
        install: Vec::new(),
        exclude: Vec::new(),
        base: solve::Base::Essential,
        recommends: Recommends::Leave,
    };
    let given = solve::examine(&universe, &request).map_err(|source| ListingError::Set {
        source: Box::new(source),
    })?;
    let chosen = given.solution.chosen().iter();
    Ok(chosen
        .map(|chosen| locked_package(chosen.package, chosen.source.suite, false))
        .collect())
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use enclair_packages::index::Index;
    use enclair_packages::solve::{Pin, Source};

    use super::*;

    fn index(packages: &[(&str, &str, &str, char)]) -> Index {
        let mut text = String::new();
        for (name, version, arch, digit) in packages {
            let sha256 = digit.to_string().repeat(64);
            write!(
                text,
                "Package: {name}\nVersion: {version}\nArchitecture: {arch}\nSize: 1\n\
                 Filename: pool/{name}_{arch}.deb\nSHA256: {sha256}\n\n"
            )
            .unwrap();
        }
        Index::read(text.as_bytes()).unwrap()
    }

    fn installed(name: &str, version: &str, state: State) -> InstalledPackage {
        InstalledPackage {
            name: name.to_owned(),
            version: version.to_owned(),
            architecture: "amd64".to_owned(),
            state,
        }
    }

    #[test]
    fn a_package_is_found_by_its_version_and_never_by_its_name() {
        let first = index(&[
            ("a", "1", "amd64", 'a'),
            ("b", "0:2", "amd64", 'b'),
            ("c", "3", "amd64", 'c'),
            ("d", "4", "amd64", 'd'),
            ("f", "1", "arm64", 'f'),
        ]);
        let second = index(&[("c", "3", "amd64", '1'), ("d", "4", "amd64", 'd')]);
        let universe = Universe::new([("s:one", &first), ("s:two", &second)].map(
            |(suite, index)| Source {
                suite,
                component: "main",
                pin: Pin::Normal,
                index,
            },
        ));
        let find = |name: &str, version: &str, state| {
            let listed = look(&installed(name, version, state), &universe);
            listed.map(|(suite, package)| (suite, package.name().to_owned()))
        };
        let good = State::Installed;
        assert_eq!(find("a", "1", good), Ok(("s:one", "a".to_owned())));
        assert_eq!(find("b", "2", good), Ok(("s:one", "b".to_owned())));
        assert_eq!(find("d", "4", good), Ok(("s:one", "d".to_owned())));
        let others = |version: &str| MissingReason::OtherVersions(vec![version.to_owned()]);
        assert_eq!(find("a", "1.0", good), Err(others("1")));
        assert_eq!(find("b", "1:2", good), Err(others("0:2")));
        assert_eq!(find("c", "3", good), Err(MissingReason::Ambiguous));
        assert_eq!(find("e", "1", good), Err(MissingReason::Unknown));
        assert_eq!(find("f", "1", good), Err(MissingReason::Unknown));
        assert_eq!(
            find("a", "1", State::Unfinished),
            Err(MissingReason::Unfinished)
        );
    }
}
